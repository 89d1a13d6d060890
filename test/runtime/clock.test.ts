import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { epochAt, realClock } from '../../src/runtime/clock.ts'

describe('the time that a call is told to have begun', () => {
  it('is whole milliseconds of the wall clock, so that programs can read it as an integer', () => {
    for (const ago of [0, 0.3, 1.5, 12_345.678]) {
      const at = epochAt((realClock.monotonic() - ago) as Monotonic)
      expect(Number.isInteger(at)).toBe(true)
      expect(Math.abs(Date.now() - ago - at)).toBeLessThan(1_000)
    }
  })
})
