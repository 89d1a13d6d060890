/** What the tracer needs of others. */
import type { TraceEvent, TraceSummary } from './message.ts'

/** Where events lie. Nothing of a call waits for it. */
export interface TraceStore {
  save(call: string, events: readonly TraceEvent[]): Promise<void>
  conclude(summary: TraceSummary): Promise<void>
  /** In order of their making. */
  events(call: string): Promise<readonly TraceEvent[]>
  summary(call: string): Promise<TraceSummary | undefined>
}
