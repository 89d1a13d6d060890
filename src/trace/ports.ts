/** What the tracer needs of others. */
import type { TraceEvent, TraceSummary } from './message.ts'

/** Lines as `core/segment.ts` writes them, of several calls: text, or compressed with zstd (RFC 8878). */
export type StoredSegment = string | Uint8Array

/** A segment to be kept, and the calls it has lines of. */
export interface PackedSegment {
  readonly calls: readonly string[]
  readonly data: string | Uint8Array<ArrayBuffer>
}

/** Where events lie. Nothing of a call waits for it. */
export interface TraceStore {
  save(call: string, events: readonly TraceEvent[]): Promise<void>
  /** The same packed. */
  keep(segments: readonly PackedSegment[]): Promise<void>
  conclude(summary: TraceSummary): Promise<void>
  /** Of calls of whose media nobody told anything: their path is unknown, and no summary says more than the row. */
  concludeUntold(calls: readonly string[]): Promise<void>
  /** In order of their making. */
  events(call: string): Promise<readonly TraceEvent[]>
  /** The same as it lies there, some at a time. */
  segments(call: string): AsyncIterable<readonly StoredSegment[]>
  summary(call: string): Promise<TraceSummary | undefined>
  /** Calls that are over and have events of which nothing was concluded, some at a time. */
  unconcluded(): AsyncIterable<readonly string[]>
}
