/**
 * Drives one machine: carries facts in, effects out in order, and wakes it by one timer. Every input is handled inside
 * a fault boundary: an exception costs that input, is counted and told, and never leaves this file.
 */
import type { Clock, Monotonic } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'

/** setTimeout's own limit is 2^31 − 1 ms; a longer wait is cut into pieces. */
const longestWaitMilliseconds = 1_000_000_000
/** After a fault in `wake` the same timer may still be due: this keeps it from spinning. */
const pauseAfterFaultMilliseconds = 100

export interface DriverOptions<Input, Effect> {
  readonly machine: Machine<Input, Effect>
  readonly clock: Clock
  /** Carries one effect out. It may call `input` again: that input waits until the present effects are done. */
  readonly carryOut: (effect: Effect) => void
  /** An exception in the machine or in `carryOut`: our bug. */
  readonly onFault: (error: unknown, during: string) => void
}

export class Driver<Input extends { readonly kind: string }, Effect extends { readonly kind: string }> {
  readonly #machine: Machine<Input, Effect>
  readonly #clock: Clock
  readonly #carryOut: (effect: Effect) => void
  readonly #onFault: (error: unknown, during: string) => void
  readonly #waiting: Input[] = []
  #busy = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #timerAt: Monotonic | undefined

  constructor(options: DriverOptions<Input, Effect>) {
    this.#machine = options.machine
    this.#clock = options.clock
    this.#carryOut = options.carryOut
    this.#onFault = options.onFault
    this.#arm()
  }

  /** Handles one fact, at once unless another is being handled: then right after it, in order of arrival. */
  readonly input = (input: Input): void => {
    if (this.#stopped) return
    if (this.#busy) {
      this.#waiting.push(input)
      return
    }
    this.#busy = true
    this.#one(input)
    this.#drain()
    this.#busy = false
    this.#arm()
  }

  /** The same for a fact of some time ago. Not to be called by what carries effects out. */
  inputAt(input: Input, at: Monotonic): void {
    if (this.#stopped) return
    this.#busy = true
    this.#one(input, at)
    this.#drain()
    this.#busy = false
    this.#arm()
  }

  /** No input is taken and no timer fires any more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #drain(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#one(next)
  }

  #one(input: Input, at = this.#clock.monotonic()): void {
    let effects: Effect[]
    try {
      effects = this.#machine.handle(input, at)
    } catch (error) {
      this.#onFault(error, `handle ${input.kind}`)
      return
    }
    this.#carryOutAll(effects)
  }

  #carryOutAll(effects: Effect[]): void {
    for (const effect of effects) {
      try {
        this.#carryOut(effect)
      } catch (error) {
        this.#onFault(error, `effect ${effect.kind}`)
      }
    }
  }

  #arm(pauseMilliseconds = 0): void {
    const next = this.#machine.nextWakeup()
    if (next === undefined || this.#stopped) return
    // A timer that fires too early is harmless and cheaper than setting it anew for each packet.
    if (this.#timer !== undefined && this.#timerAt !== undefined && this.#timerAt <= next) return
    clearTimeout(this.#timer)
    const now = this.#clock.monotonic()
    const wait = Math.min(Math.max(next - now, pauseMilliseconds, 0), longestWaitMilliseconds)
    this.#timerAt = (now + wait) as Monotonic
    this.#timer = setTimeout(this.#wake, Math.ceil(wait))
  }

  readonly #wake = (): void => {
    this.#timer = undefined
    if (this.#stopped) return
    let pauseMilliseconds = 0
    this.#busy = true
    try {
      this.#carryOutAll(this.#machine.wake(this.#clock.monotonic()))
    } catch (error) {
      this.#onFault(error, 'wake')
      pauseMilliseconds = pauseAfterFaultMilliseconds
    }
    this.#drain()
    this.#busy = false
    this.#arm(pauseMilliseconds)
  }
}
