import { describe, expect, it } from 'vitest'
import { secondsUntilMonday, secondsUntilTonight } from '../../client/stay.ts'

const hours = (seconds: number): number => seconds / 3_600
/** Local time; 2027-06-04 is a Friday, far from any change of the clocks. */
const at = (day: number, hour: number, minute = 0): Date => new Date(2027, 5, day, hour, minute)

describe('a guest’s time', () => {
  it('“until tonight” ends at four in the coming morning', () => {
    expect(hours(secondsUntilTonight(at(4, 18)))).toBe(10)
    expect(hours(secondsUntilTonight(at(4, 4)))).toBe(24)
    expect(hours(secondsUntilTonight(at(4, 1)))).toBe(3)
  })

  it('“until tonight” is never less than three hours: then the next night is meant', () => {
    expect(secondsUntilTonight(at(4, 3, 59))).toBe(24 * 3_600 + 60)
    expect(hours(secondsUntilTonight(at(4, 1, 30)))).toBe(26.5)
    for (let minute = 0; minute < 24 * 60; minute++) {
      const seconds = secondsUntilTonight(at(4, 0, minute))
      expect(seconds).toBeGreaterThanOrEqual(3 * 3_600)
      expect(seconds).toBeLessThan(27 * 3_600)
    }
  })

  it('“for the weekend” ends on Monday at four', () => {
    expect(hours(secondsUntilMonday(at(4, 18)))).toBe(6 + 48 + 4)
    expect(hours(secondsUntilMonday(at(6, 18)))).toBe(10)
    // The night from Saturday to Sunday is in the middle of the weekend, not its end.
    expect(hours(secondsUntilMonday(at(6, 2)))).toBe(26)
    expect(hours(secondsUntilMonday(at(7, 0)))).toBe(4)
    expect(hours(secondsUntilMonday(at(7, 2)))).toBe(26)
    expect(hours(secondsUntilMonday(at(7, 9)))).toBe(7 * 24 - 5)
  })
})
