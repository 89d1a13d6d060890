import { describe, expect, it } from 'vitest'
import { type Epoch, hours, plausibleFrom } from '../../src/core/clock.ts'
import { isOver, reckonedAnew } from '../../src/store/stay.ts'

const at = (milliseconds: number): Epoch => milliseconds as Epoch
const set = plausibleFrom + hours(1_000)
const stay = (from: number) => ({ from: at(from), until: at(from + hours(2)) })

describe('a stay', () => {
  it('granted under a set clock ends when its end has passed', () => {
    expect(isOver(stay(set), at(set + hours(2) - 1), at(set))).toBe(false)
    expect(isOver(stay(set), at(set + hours(2)), at(set))).toBe(true)
  })

  it('granted under a set clock lasts, after a start without a clock, as long as all of it at most', () => {
    const boot = at(hours(3))
    expect(isOver(stay(set), boot, boot)).toBe(false)
    expect(isOver(stay(set), at(boot + hours(2) - 1), boot)).toBe(false)
    expect(isOver(stay(set), at(boot + hours(2)), boot)).toBe(true)
    expect(reckonedAnew(stay(set), boot)).toBeUndefined()
  })

  it('granted without a clock ends by that clock, and begins anew once it is set', () => {
    const boot = hours(1)
    expect(isOver(stay(boot), at(boot + hours(2)), at(boot))).toBe(true)
    expect(isOver(stay(boot), at(set), at(boot))).toBe(false)
    expect(reckonedAnew(stay(boot), at(set))).toEqual(stay(set))
    expect(reckonedAnew(stay(boot), at(boot + 1))).toBeUndefined()
  })
})
