/**
 * Events on their way to the store: how many of a call are kept, written out, and given in batches. Of one call and of all
 * together they are bounded, so that neither a flood nor a store that cannot follow takes the memory.
 */
import { after, type Monotonic } from '../core/clock.ts'
import { EventWriter, type Seen } from './event-json.ts'
import type { TraceSave } from './machine-message.ts'
import type { Moment } from './message.ts'
import { alwaysKept, counterKinds, roughBytes, shareOf, type Traced } from './traced.ts'

export const batchLimits = {
  /** Of all calls, before it is written at once. */
  heldBytes: 2_000_000,
  /** Of all calls, not yet written: a store that cannot follow. Reckoned as text; in memory it is some three times that. */
  unwrittenBytes: 16_000_000,
  /** Of one call, kept in all. */
  events: 20_000,
  bytes: 6_000_000,
  milliseconds: 1_000,
  /** Of one call, before its time. */
  batchEvents: 500,
} as const

export class Batches {
  readonly #give: (save: TraceSave) => void
  readonly #writer = new EventWriter()
  readonly #dirty = new Set<Traced>()
  #heldBytes = 0
  #unwrittenBytes = 0
  #dueAt: Monotonic | undefined

  constructor(give: (save: TraceSave) => void) {
    this.#give = give
  }

  /** When all that waits is to be given. */
  get dueAt(): Monotonic | undefined {
    return this.#dueAt
  }

  /** Of all that is not known to be written. */
  get bytes(): number {
    return this.#heldBytes + this.#unwrittenBytes
  }

  /** So much waits that it is to be given before its time. */
  get isFull(): boolean {
    return this.#heldBytes > batchLimits.heldBytes
  }

  /** False where there is no room for it, which is counted. */
  add(call: Traced, moment: Omit<Moment, 'number'>, happening: Seen, now: Monotonic): boolean {
    const { kind } = happening
    const bytes = roughBytes(happening)
    const share = shareOf(kind)
    const full =
      call.number >= batchLimits.events * share ||
      call.bytes + bytes > batchLimits.bytes * share ||
      this.bytes + bytes > batchLimits.unwrittenBytes * share
    if (full && !alwaysKept.has(kind)) {
      call.leftOut.set(kind, (call.leftOut.get(kind) ?? 0) + 1)
      return false
    }
    call.number++
    call.bytes += bytes
    call.waitingBytes += bytes
    this.#heldBytes += bytes
    call.waiting.push(this.#writer.json(call.number, moment, happening))
    if (counterKinds.has(kind)) call.waitingCounters++
    this.#dirty.add(call)
    if (call.waiting.length >= batchLimits.batchEvents) this.giveOf(call)
    else this.#dueAt ??= after(now, batchLimits.milliseconds)
    return true
  }

  giveAll(): void {
    this.#dueAt = undefined
    for (const call of this.#dirty) this.giveOf(call)
  }

  giveOf(call: Traced): void {
    this.#dirty.delete(call)
    if (call.waiting.length === 0) return
    const { id, waiting: events, waitingBytes: bytes } = call
    this.#heldBytes -= bytes
    this.#unwrittenBytes += bytes
    const onlyCounters = call.waitingCounters === events.length
    this.#give({ kind: 'save', call: id, events, bytes, onlyCounters })
    call.waiting = []
    call.waitingBytes = 0
    call.waitingCounters = 0
  }

  /** What was given is out of our hands. */
  written(bytes: number): void {
    this.#unwrittenBytes -= bytes
  }
}
