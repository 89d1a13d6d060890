/** The real clock: the process's monotonic timer, and the machine's wall clock as it believes it. */
import type { Clock, Epoch, Monotonic } from '../core/clock.ts'

export const realClock: Clock = {
  monotonic: () => performance.now() as Monotonic,
  epoch: () => Date.now() as Epoch,
}
