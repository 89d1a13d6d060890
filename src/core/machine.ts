import type { Monotonic } from './clock.ts'

/**
 * The shape of every protocol in this house: one fact in, effects out. A machine touches no clock, socket, disk or
 * random source; what it needs of them arrives as an argument or through a port given to its constructor. The rim
 * (`io.ts`, driven by `runtime/driver.ts`) carries the effects out, in order.
 */
export interface Machine<Input, Effect> {
  /** Takes one fact. Never throws for anything a peer sent; an exception is our bug. */
  handle(input: Input, now: Monotonic): Effect[]
  /** When `wake` wants to be called next; undefined when no timer is set. */
  nextWakeup(): Monotonic | undefined
  /** Fires every timer due at `now`. */
  wake(now: Monotonic): Effect[]
}
