/** The real clock: the process's monotonic timer, and the machine's wall clock as it believes it. */
import type { Clock, Epoch, Monotonic } from '../core/clock.ts'

export const realClock: Clock = {
  monotonic: () => performance.now() as Monotonic,
  epoch: () => Date.now() as Epoch,
}

/** Wall time at a moment of the process: whole milliseconds, as every other time that programs are told. */
export const epochAt = (moment: Monotonic): Epoch =>
  Math.round(realClock.epoch() - (realClock.monotonic() - moment)) as Epoch
