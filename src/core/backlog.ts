/**
 * What one fact brings about for very many, as when a connection closes that thousands of requests went over: so much of it
 * is done at once, and the rest in later turns, in order.
 */
import type { Monotonic } from './clock.ts'

export class Backlog<Task> {
  readonly #waiting: Task[] = []
  #from = 0
  #turnedAt: Monotonic | undefined
  readonly #atOnce: number
  readonly #perform: (task: Task, now: Monotonic) => void
  readonly #costOf: (task: Task) => number

  /** `atOnce`: of what `costOf` counts; the last task of a turn may go beyond. */
  constructor(o: {
    readonly atOnce: number
    readonly perform: (task: Task, now: Monotonic) => void
    readonly costOf: (task: Task) => number
  }) {
    this.#atOnce = o.atOnce
    this.#perform = o.perform
    this.#costOf = o.costOf
  }

  /** What is to be done in turns to come. */
  get size(): number {
    return this.#waiting.length - this.#from
  }

  /** When the next turn is due: at once, by the moment of the last one. Undefined: nothing waits. */
  get dueAt(): Monotonic | undefined {
    return this.size > 0 ? this.#turnedAt : undefined
  }

  /** Does them now as far as a turn goes, after what waits already. */
  add(tasks: readonly Task[], now: Monotonic): void {
    const isBehind = this.size > 0
    for (const task of tasks) this.#waiting.push(task)
    if (!isBehind) this.turn(now)
  }

  turn(now: Monotonic): void {
    this.#turnedAt = now
    for (let left = this.#atOnce; left > 0 && this.size > 0; ) {
      const task = this.#waiting[this.#from++]!
      left -= Math.max(1, this.#costOf(task))
      this.#perform(task, now)
    }
    if (this.size > 0) return
    this.#waiting.length = 0
    this.#from = 0
  }
}
