/** What the capturing thread is told, and what it says. Types only. */
import type { Epoch } from '../core/clock.ts'
import type { PartyRole } from '../turn/message.ts'
import type { CaptureFacts } from './message.ts'
import type { CallIdentity } from './packets/figures.ts'

/** What is captured, and what is not. */
export interface CaptureWish {
  readonly interfaces: readonly string[]
  /** What goes by here the relay counts itself: capturing it would cost twice. */
  readonly relay: {
    readonly addresses: readonly string[]
    readonly firstPort: number
    readonly lastPort: number
  }
}

export type ToCapture =
  | { readonly kind: 'start'; readonly wish: CaptureWish }
  | { readonly kind: 'stop' }
  /** The thread itself. */
  | { readonly kind: 'end' }
  | { readonly kind: 'know'; readonly call: string; readonly party: PartyRole; readonly ufrag: string }
  | {
      readonly kind: 'conclude'
      readonly call: string
      readonly identity: CallIdentity
      readonly startedAt: Epoch
    }
  | { readonly kind: 'forget'; readonly call: string }

export type FromCapture =
  | { readonly kind: 'running'; readonly program: string }
  /** Nothing is captured any more. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'facts'; readonly call: string; readonly facts: CaptureFacts }
