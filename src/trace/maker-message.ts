/** What the making thread is told, and what it says. Types only. */
import type { Wish } from './making.ts'
import type { TraceSummary } from './message.ts'
import type { StoredSegment } from './ports.ts'

export type ToMaker =
  | {
      readonly kind: 'begin'
      readonly call: string
      readonly wish: Wish
      readonly kept: TraceSummary | undefined
    }
  | { readonly kind: 'segments'; readonly segments: readonly StoredSegment[] }
  /** That was all of them. */
  | { readonly kind: 'make' }
  | { readonly kind: 'forget' }

export type FromMaker =
  | { readonly kind: 'made'; readonly made: unknown }
  | { readonly kind: 'failed'; readonly why: string }
