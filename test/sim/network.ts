/**
 * A simulated network with a clock of its own: datagrams are late, lost, doubled and overtaken as the seed says, bytes
 * on connections arrive whole and in order. Nothing here waits: `run` moves the clock from one event to the next.
 */
import type { Clock, Epoch, Monotonic } from '../../src/core/clock.ts'
import { type Endpoint, formatEndpoint } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'

export interface Conditions {
  /** One way, milliseconds: at least and at most. */
  readonly latencyMilliseconds: readonly [number, number]
  /** Of datagrams, 0 to 1. */
  readonly loss: number
  readonly duplication: number
  /** Share of datagrams that take up to ten times the latency, so that later ones overtake them. */
  readonly reordering: number
}

export const calm: Conditions = { latencyMilliseconds: [1, 1], loss: 0, duplication: 0, reordering: 0 }

interface Event {
  readonly at: number
  readonly serial: number
  readonly run: () => void
}

/** Something with timers that has to be woken, such as a machine. */
export interface Sleeper {
  nextWakeup(): number | undefined
  wake(now: Monotonic): void
}

export class SimNetwork implements Clock {
  readonly random: Random
  conditions: Conditions
  /** Datagrams for which this is true are lost on purpose. */
  drops: (from: Endpoint, to: Endpoint, bytes: Uint8Array) => boolean = () => false
  readonly #ports = new Map<string, (from: Endpoint, bytes: Uint8Array) => void>()
  readonly #sleepers: Sleeper[] = []
  #events: Event[] = []
  #serial = 0
  #now = 1_000

  constructor(seed: number, conditions: Conditions = calm) {
    this.random = seededRandom(seed)
    this.conditions = conditions
  }

  monotonic(): Monotonic {
    return this.#now as Monotonic
  }

  epoch(): Epoch {
    return (1_800_000_000_000 + this.#now) as Epoch
  }

  bind(endpoint: Endpoint, receive: (from: Endpoint, bytes: Uint8Array) => void): void {
    this.#ports.set(formatEndpoint(endpoint), receive)
  }

  unbind(endpoint: Endpoint): void {
    this.#ports.delete(formatEndpoint(endpoint))
  }

  addSleeper(sleeper: Sleeper): void {
    this.#sleepers.push(sleeper)
  }

  /** Calls `run` once, `milliseconds` from now. */
  later(milliseconds: number, run: () => void): void {
    this.#events.push({ at: this.#now + milliseconds, serial: this.#serial++, run })
  }

  /** Sends a datagram under the conditions of the network. */
  datagram(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const { loss, duplication } = this.conditions
    if (this.drops(from, to, bytes) || this.#chance(loss)) return
    const copies = this.#chance(duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.later(this.#latency(), () => this.#ports.get(formatEndpoint(to))?.(from, bytes))
    }
  }

  /** Milliseconds that bytes on a connection need: always the same, so that they stay in order. */
  get streamMilliseconds(): number {
    return this.conditions.latencyMilliseconds[1]
  }

  /** Lets `milliseconds` pass, event by event. */
  run(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const at = this.#nextAt()
      if (at === undefined || at > end) break
      this.#now = Math.max(this.#now, at)
      this.#step()
    }
    this.#now = end
  }

  /** As `run`, for those who work with promises: after each event all that can settle does. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      const at = this.#nextAt()
      if (at === undefined || at > end) break
      this.#now = Math.max(this.#now, at)
      this.#wakeSleepers()
      const due = this.#events.reduce((first, event) => (isBefore(event, first) ? event : first), notDue)
      if (due.at > this.#now) continue
      this.#events.splice(this.#events.indexOf(due), 1)
      due.run()
      await new Promise(setImmediate)
    }
    this.#now = end
  }

  /** Runs until `done` says so, at most `milliseconds`; returns whether it did. */
  runUntil(done: () => boolean, milliseconds: number): boolean {
    const end = this.#now + milliseconds
    while (!done()) {
      const at = this.#nextAt()
      if (at === undefined || at > end) return false
      this.#now = Math.max(this.#now, at)
      this.#step()
    }
    return true
  }

  #nextAt(): number | undefined {
    let next: number | undefined
    for (const event of this.#events) if (next === undefined || event.at < next) next = event.at
    for (const sleeper of this.#sleepers) {
      const at = sleeper.nextWakeup()
      if (at !== undefined && (next === undefined || at < next)) next = at
    }
    return next
  }

  #wakeSleepers(): void {
    for (const sleeper of this.#sleepers) {
      const at = sleeper.nextWakeup()
      if (at !== undefined && at <= this.#now) sleeper.wake(this.monotonic())
    }
  }

  #step(): void {
    this.#wakeSleepers()
    const due = this.#events.filter(event => event.at <= this.#now)
    this.#events = this.#events.filter(event => event.at > this.#now)
    due.sort((a, b) => a.at - b.at || a.serial - b.serial)
    for (const event of due) event.run()
  }

  #latency(): number {
    const [least, most] = this.conditions.latencyMilliseconds
    const base = least + this.random.below(1_000) * ((most - least) / 1_000)
    return this.#chance(this.conditions.reordering) ? base * (1 + this.random.below(10)) : base
  }

  #chance(share: number): boolean {
    return share > 0 && this.random.below(1_000_000) < share * 1_000_000
  }
}

const notDue: Event = { at: Number.POSITIVE_INFINITY, serial: 0, run() {} }
const isBefore = (one: Event, other: Event): boolean =>
  one.at < other.at || (one.at === other.at && one.serial < other.serial)
