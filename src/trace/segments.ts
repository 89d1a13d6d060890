/** Events of a call out of stored segments. */
import { zstdDecompressSync } from 'node:zlib'
import { segmentTexts } from '../core/segment.ts'
import type { TraceEvent } from './message.ts'
import type { StoredSegment } from './ports.ts'

export function eventsOf(call: string, segments: readonly StoredSegment[]): TraceEvent[] {
  const events: TraceEvent[] = []
  for (const segment of segments) {
    const text = typeof segment === 'string' ? segment : zstdDecompressSync(segment).toString()
    for (const json of segmentTexts(text, call)) {
      for (const event of JSON.parse(json) as TraceEvent[]) events.push(event)
    }
  }
  return events
}
