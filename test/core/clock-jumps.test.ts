import { expect, it } from 'vitest'
import { ClockJumps, type Epoch, type Monotonic } from '../../src/core/clock.ts'

it('notices when the wall clock is set, forth and back, once each', () => {
  let running = 5_000
  let wall = 60_000
  const jumps = new ClockJumps({ monotonic: () => running as Monotonic, epoch: () => wall as Epoch })
  const pass = (milliseconds: number, setBy = 0): number => {
    running += milliseconds
    wall += milliseconds + setBy
    return jumps.look()
  }
  expect(pass(10_000)).toBe(0)
  expect(pass(10_000, 1_790_000_000_000)).toBe(1_790_000_000_000)
  expect(pass(10_000)).toBe(0)
  // Months of running, slewed a little.
  expect(pass(90 * 86_400_000, 500)).toBe(0)
  expect(pass(10_000, -3_600_000)).toBe(-3_600_000)
  expect(pass(10_000)).toBe(0)
})
