/**
 * What was seen of calls that the proxy has not accepted yet: it joins the call, or is forgotten. A stranger's requests go
 * no further than here, so all of it together has one bound.
 */
import type { Monotonic } from '../core/clock.ts'
import type { Seen } from './event-json.ts'
import type { Source } from './message.ts'
import { roughBytes } from './traced.ts'

export const earlyLimits = {
  /** Characters, of all. */
  bytes: 2_000_000,
  /** Calls that SIP messages speak of; the oldest gives way. */
  calls: 256,
  eventsOfCall: 16,
  /** `call` messages of one connection that no `calling` has answered. */
  asked: 4,
} as const

export interface Early {
  readonly bytes: number
  readonly at: Monotonic
  readonly source: Source
  readonly happening: Seen
}

/** `call` messages of one connection, by their `ref`: until it is answered nobody knows the call's id. */
export type Asked = Map<string, Early>

export class EarlyEvents {
  readonly #calls = new Map<string, Early[]>()
  #bytes = 0

  get size(): number {
    return this.#calls.size
  }

  get bytes(): number {
    return this.#bytes
  }

  has(call: string): boolean {
    return this.#calls.has(call)
  }

  /** The call that was heard of last is the last to give way. */
  add(call: string, at: Monotonic, source: Source, happening: Seen): void {
    const events = this.#calls.get(call) ?? []
    if (events.length < earlyLimits.eventsOfCall) {
      const bytes = roughBytes(happening)
      this.#bytes += bytes
      events.push({ at, source, happening, bytes })
    }
    this.#calls.delete(call)
    this.#calls.set(call, events)
    while (this.#calls.size > earlyLimits.calls || this.#bytes > earlyLimits.bytes) {
      const oldest = this.#calls.keys().next().value
      if (oldest === undefined) return
      this.take(oldest)
    }
  }

  /** What is known of a call that was accepted, in order. */
  take(call: string): readonly Early[] {
    const events = this.#calls.get(call) ?? []
    this.#calls.delete(call)
    for (const { bytes } of events) this.#bytes -= bytes
    return events
  }

  /** Left out where there is no room. */
  ask(asked: Asked, ref: string, at: Monotonic, happening: Seen): void {
    const bytes = roughBytes(happening)
    if (asked.size >= earlyLimits.asked || this.#bytes + bytes > earlyLimits.bytes) return
    this.#bytes -= asked.get(ref)?.bytes ?? 0
    this.#bytes += bytes
    asked.set(ref, { at, source: 'caller', happening, bytes })
  }

  answered(asked: Asked, ref: string): Early | undefined {
    const early = asked.get(ref)
    asked.delete(ref)
    this.#bytes -= early?.bytes ?? 0
    return early
  }

  /** The connection is gone. */
  forget(asked: Asked): void {
    for (const ref of [...asked.keys()]) this.answered(asked, ref)
  }
}
