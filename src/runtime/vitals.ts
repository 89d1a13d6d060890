/**
 * Whether the whole lives (pure): its parts are asked in rounds, and it lives in a round that every one of them answered.
 * Who does not answer is named once. Before the first such round the rounds follow each other quickly.
 */
import { after, type Monotonic } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'

/** `part` has answered what it was asked in `round`. */
export interface VitalsInput {
  readonly kind: 'answered'
  readonly round: number
  readonly part: string
}

export type VitalsEffect =
  /** To be asked of every part; each answers by an input with this number. */
  | { readonly kind: 'ask'; readonly round: number }
  /** All have answered for the first time. */
  | { readonly kind: 'ready' }
  /** All have answered in this round. */
  | { readonly kind: 'alive' }
  /** A round is over without the answers of these. Told for each such round. */
  | { readonly kind: 'silent'; readonly parts: readonly string[] }
  /** So many rounds in a row, and these have not answered in the last one. */
  | { readonly kind: 'lost'; readonly parts: readonly string[] }
  /** All have answered after some had not. */
  | { readonly kind: 'back' }

export interface VitalsOptions {
  readonly parts: readonly string[]
  readonly roundMilliseconds: number
  /** Of those before the first that all answered. */
  readonly firstRoundsMilliseconds: number
  /** So many rounds that not all answered are too many. */
  readonly lostRounds: number
}

export class Vitals implements Machine<VitalsInput, VitalsEffect> {
  readonly #options: VitalsOptions
  #round = 0
  #missing = new Set<string>()
  #ready = false
  #silentRounds = 0
  #nextAt: Monotonic

  constructor(options: VitalsOptions, now: Monotonic) {
    this.#options = options
    this.#nextAt = now
  }

  handle({ round, part }: VitalsInput): VitalsEffect[] {
    // An answer to an earlier round came too late to count.
    if (round !== this.#round || !this.#missing.delete(part) || this.#missing.size > 0) return []
    const effects: VitalsEffect[] = []
    if (this.#silentRounds > 0) effects.push({ kind: 'back' })
    this.#silentRounds = 0
    if (!this.#ready) effects.push({ kind: 'ready' })
    this.#ready = true
    effects.push({ kind: 'alive' })
    return effects
  }

  nextWakeup(): Monotonic {
    return this.#nextAt
  }

  wake(now: Monotonic): VitalsEffect[] {
    if (now < this.#nextAt) return []
    const { parts, roundMilliseconds, firstRoundsMilliseconds, lostRounds } = this.#options
    const effects: VitalsEffect[] = []
    if (this.#missing.size > 0) {
      const missing = [...this.#missing]
      effects.push({ kind: 'silent', parts: missing })
      if (++this.#silentRounds === lostRounds && this.#ready) effects.push({ kind: 'lost', parts: missing })
    }
    this.#round++
    this.#missing = new Set(parts)
    this.#nextAt = after(now, this.#ready ? roundMilliseconds : firstRoundsMilliseconds)
    effects.push({ kind: 'ask', round: this.#round })
    return effects
  }
}
