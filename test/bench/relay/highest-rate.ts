/** Looks for the highest rate that holds, by halving on a scale of ratios: asks, is told, and narrows. */
export class HighestRate {
  #holds: number
  #fails: number
  #failures = 0

  /** `holds` is taken for granted; the search ends below `fails`. */
  constructor(holds: number, fails: number) {
    this.#holds = holds
    this.#fails = fails
  }

  /** Undefined when it is known well enough. */
  next(): number | undefined {
    if (this.#fails / this.#holds < accuracy) return undefined
    return Math.round(Math.sqrt(this.#holds * this.#fails))
  }

  /** What came of `next()`: a rate fails when it has failed so many times, since the machine may do other work. */
  tell(held: boolean): void {
    const rate = this.next()!
    this.#failures = held ? 0 : this.#failures + 1
    if (held) this.#holds = rate
    if (this.#failures < triesPerRate) return
    this.#fails = rate
    this.#failures = 0
  }
}

const accuracy = 1.03
const triesPerRate = 4
