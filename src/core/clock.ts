/**
 * Two clocks, two types, so that the compiler refuses to mix them. A Pi has no battery behind its clock: it boots in
 * 1970 and jumps when NTP answers. Timers, lifetimes, nonces and sessions therefore run on `Monotonic`; `Epoch` is
 * for rows, logs and certificates only. Both count milliseconds and may carry fractions.
 */

declare const monotonic: unique symbol
declare const epoch: unique symbol

/** Milliseconds since an arbitrary start of this process; never jumps. */
export type Monotonic = number & { readonly [monotonic]: true }

/** Milliseconds since 1970-01-01T00:00:00Z as this machine believes it; may jump either way. */
export type Epoch = number & { readonly [epoch]: true }

/** 2026-01-01: no lanline existed before, so a wall clock that says less has not been set. */
export const plausibleFrom = 1_767_225_600_000 as Epoch

/** What gives the time: the real one lives in `runtime/clock.ts`, tests bring their own. */
export interface Clock {
  monotonic(): Monotonic
  epoch(): Epoch
}

/** The moment `milliseconds` after `moment`, of the same clock. */
export function after<T extends Monotonic | Epoch>(moment: T, milliseconds: number): T {
  return (moment + milliseconds) as T
}

/** The first of these moments, those left out that are not set. */
export function earliest(...moments: readonly (Monotonic | undefined)[]): Monotonic | undefined {
  let first: Monotonic | undefined
  for (const moment of moments) {
    if (moment !== undefined && (first === undefined || moment < first)) first = moment
  }
  return first
}

export const seconds = (count: number): number => count * 1_000
export const minutes = (count: number): number => count * 60_000
export const hours = (count: number): number => count * 3_600_000
export const days = (count: number): number => count * 86_400_000

/** A wall clock that is slewed stays within this of the running time between two looks. */
const jumpMilliseconds = 60_000

/** Notices when somebody sets the wall clock: NTP on a machine that booted in 1970, or a person. */
export class ClockJumps {
  readonly #clock: Clock
  #offset: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#offset = clock.epoch() - clock.monotonic()
  }

  /** By how many milliseconds it was set since the last look, 0 if it was not. */
  look(): number {
    const offset = this.#clock.epoch() - this.#clock.monotonic()
    const moved = offset - this.#offset
    this.#offset = offset
    return Math.abs(moved) < jumpMilliseconds ? 0 : Math.round(moved)
  }
}
