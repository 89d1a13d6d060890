/** What the main thread and the tracer's say to each other. */
import type { KnownCall, TraceEffect } from './machine-message.ts'
import type { PackedSegment } from './ports.ts'
import type { TapBatch, TapMemory } from './tap.ts'

export interface TracerSetup {
  readonly addresses: readonly string[]
  readonly open: readonly KnownCall[]
  readonly watched: boolean
  /** What the main thread's monotonic clock is behind the system's. */
  readonly clockOffsetMilliseconds: number
}

export type ToTracer =
  | { readonly kind: 'told'; readonly batch: TapBatch }
  /** Give out what is there, then answer. `call`: is it still traced? */
  | { readonly kind: 'flush'; readonly id: number; readonly call: string | undefined }
  /** The same at a stop: what is over is finished now. */
  | { readonly kind: 'end'; readonly id: number }
  /** A `kept` of this id is on disk; `lost`: it could not be. */
  | { readonly kind: 'written'; readonly id: number; readonly lost: boolean }

/** Those that are told one by one. */
export type ToldEffect = Exclude<TraceEffect, { kind: 'save' | 'untold' }>

/** All of one turn, in this order. */
export interface FromTracer {
  readonly kept: { readonly id: number; readonly segments: readonly PackedSegment[] } | undefined
  readonly effects: readonly (ToldEffect | TracerFault)[]
  /** Calls that are finished and of whose media nobody told: most calls of SIP phones. */
  readonly untold: readonly string[]
  readonly flushed: { readonly id: number; readonly isTraced: boolean } | undefined
  /** Batches looked at. */
  readonly looked: number
  /** What they lay in. */
  readonly spent: readonly TapMemory[]
  readonly sizes: TracerSizes
}

export interface TracerFault {
  readonly kind: 'fault'
  readonly error: string
  readonly during: string
}

export interface TracerSizes {
  readonly calls: number
  readonly early: number
  readonly connections: number
  readonly bytes: number
}
