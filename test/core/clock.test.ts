import { expect, it } from 'vitest'
import { earliest, type Monotonic } from '../../src/core/clock.ts'

it('the earliest of moments is the first of those that are set', () => {
  const at = (moment: number): Monotonic => moment as Monotonic
  expect(earliest(at(3), undefined, at(0), at(2))).toBe(0)
  expect(earliest(undefined, at(5))).toBe(5)
  expect(earliest(undefined, undefined)).toBe(undefined)
})
