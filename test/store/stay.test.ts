import { describe, expect, it } from 'vitest'
import { type Epoch, hours, type Monotonic, minutes, plausibleFrom } from '../../src/core/clock.ts'
import {
  countEveryMilliseconds,
  countedAnew,
  leftAhead,
  leftOf,
  newStay,
  type StayMoment,
} from '../../src/store/stay.ts'

const set = plausibleFrom + hours(1_000)
const at = (now: number, running: number): StayMoment => ({
  now: now as Epoch,
  running: running as Monotonic,
})

describe('a stay', () => {
  it('granted under a set clock ends when its end has passed, however long the machine was off', () => {
    const stay = newStay(hours(2), at(set, 0))
    expect(leftOf(stay, at(set + hours(2) - 1, 5))).toBe(1)
    expect(leftOf(stay, at(set + hours(2), 5))).toBe(0)
  })

  it('ends when the machine has run for so long, whatever its clock says or goes back to', () => {
    const stay = newStay(hours(2), at(set, 0))
    for (const now of [set, set - hours(900), hours(3)]) {
      expect(leftOf(stay, at(now, hours(2) - 1))).toBe(1)
      expect(leftOf(stay, at(now, hours(2)))).toBe(0)
    }
  })

  it('granted without a clock is not ended by the clock being set, and goes by it from then on', () => {
    const stay = newStay(hours(2), at(hours(1), 0))
    expect(leftOf(stay, at(set, hours(1)))).toBe(hours(1))
    const anew = countedAnew(stay, at(set, hours(1)))
    expect(anew).toMatchObject({ from: set, until: set + hours(1) })
    expect(leftOf(anew, at(set + hours(1), hours(1) + 1))).toBe(0)
    expect(countedAnew(anew, at(set + minutes(30), hours(1.5)))).toMatchObject({ from: set })
  })

  it('is kept as what will be left when it is next kept, and never as less than nothing', () => {
    expect(leftAhead(newStay(hours(2), at(set, 0)))).toBe(hours(2) - countEveryMilliseconds)
    expect(leftAhead(newStay(minutes(1), at(set, 0)))).toBe(0)
  })
})
