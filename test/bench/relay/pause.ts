const never = new Int32Array(new SharedArrayBuffer(4))

/** Stops the thread for so many milliseconds, fractions included: to the accuracy of the kernel's timers. */
export function pause(milliseconds: number): void {
  if (milliseconds > 0) Atomics.wait(never, 0, 0, milliseconds)
}
