/**
 * Where each name stands on one link, and when it is probed for and announced (RFC 6762 §8.1, §8.3, §8.4). Names are
 * taken in rounds that share their packets; of many, each further lot follows a moment later. Knows names by their
 * claims' ids only. Pure.
 *
 * | phase     | 250 ms passed, three times |
 * | --------- | -------------------------- |
 * | waiting   | probing                    |
 * | probing   | announced                  |
 * | announced | told three times in all    |
 */
import { after, type Monotonic, seconds } from '../core/clock.ts'
import { TimerTable } from '../core/timers.ts'

export const probingLimits = {
  /** §8.1: up to 250 ms before the first of three probes, 250 ms after each. */
  probes: 3,
  probeMilliseconds: 250,
  /** §8.3: at least two announcements, the second after a second, each further one after twice as long. */
  announcements: 3,
  announceMilliseconds: seconds(1),
  namesPerRound: 32,
  roundMilliseconds: 50,
} as const

type Phase = 'waiting' | 'probing' | 'announced'

/** What is to be sent now. `announceFirst`: from here on these names are answered for. */
export interface Step {
  readonly kind: 'probe' | 'announceFirst' | 'announce'
  readonly ids: readonly string[]
}

/** Names that are probed for and announced together; gone with the last of them. */
interface Round {
  readonly ids: Set<string>
  /** Probes sent; from `probes` on, announcements. */
  step: number
}

export class Probing {
  /** With the round that is to bring it further. */
  readonly #names = new Map<string, { phase: Phase; round: number }>()
  readonly #rounds = new Map<number, Round>()
  readonly #timers = new TimerTable<number>()
  #serial = 0

  get rounds(): number {
    return this.#rounds.size
  }

  ids(): IterableIterator<string> {
    return this.#names.keys()
  }

  isWaiting(id: string): boolean {
    return this.#names.get(id)?.phase === 'waiting'
  }

  isProbing(id: string): boolean {
    return this.#names.get(id)?.phase === 'probing'
  }

  isAnnounced(id: string): boolean {
    return this.#names.get(id)?.phase === 'announced'
  }

  probe(ids: readonly string[], from: Monotonic): void {
    this.#begin(ids, 'waiting', 0, from)
  }

  announceAnew(ids: readonly string[], from: Monotonic): void {
    this.#begin(ids, 'announced', probingLimits.probes, from)
  }

  drop(id: string): void {
    this.#leaveRound(id)
    this.#names.delete(id)
  }

  next(): Monotonic | undefined {
    return this.#timers.next()
  }

  /** The next step that is due; asked until there is none. */
  take(now: Monotonic): Step | undefined {
    const id = this.#timers.take(now)
    return id === undefined ? undefined : this.#advance(id, this.#rounds.get(id)!, now)
  }

  #begin(ids: readonly string[], phase: Phase, step: number, from: Monotonic): void {
    const { namesPerRound, roundMilliseconds } = probingLimits
    for (let lot = 0; lot * namesPerRound < ids.length; lot++) {
      const some = ids.slice(lot * namesPerRound, (lot + 1) * namesPerRound)
      const round = ++this.#serial
      for (const id of some) {
        this.#leaveRound(id)
        this.#names.set(id, { phase, round })
      }
      this.#rounds.set(round, { ids: new Set(some), step })
      this.#timers.set(round, after(from, lot * roundMilliseconds))
    }
  }

  #leaveRound(id: string): void {
    const number = this.#names.get(id)?.round
    const round = number === undefined ? undefined : this.#rounds.get(number)
    if (number === undefined || round === undefined) return
    round.ids.delete(id)
    if (round.ids.size === 0) this.#end(number)
  }

  #end(round: number): void {
    this.#rounds.delete(round)
    this.#timers.clear(round)
  }

  #advance(id: number, round: Round, now: Monotonic): Step {
    const { probes, announcements, probeMilliseconds, announceMilliseconds } = probingLimits
    const ids = [...round.ids]
    const announced = round.step - probes
    const phase = announced < 0 ? 'probing' : 'announced'
    for (const name of ids) this.#names.set(name, { phase, round: id })
    round.step++
    if (announced + 1 === announcements) this.#end(id)
    else {
      const wait = announced < 0 ? probeMilliseconds : announceMilliseconds * 2 ** announced
      this.#timers.set(id, after(now, wait))
    }
    return { kind: announced < 0 ? 'probe' : announced === 0 ? 'announceFirst' : 'announce', ids }
  }
}
