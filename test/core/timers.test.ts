import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { TimerTable } from '../../src/core/timers.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic

describe('the timer table', () => {
  it('gives due timers in order of their moment, and of two at one moment the one set first', () => {
    const timers = new TimerTable()
    timers.set('C', at(30))
    timers.set('A', at(10))
    timers.set('B', at(30))
    expect(timers.next()).toBe(10)
    expect(timers.take(at(9))).toBeUndefined()
    expect([timers.take(at(30)), timers.take(at(30)), timers.take(at(30)), timers.take(at(30))]).toEqual([
      'A',
      'C',
      'B',
      undefined,
    ])
  })

  it('moves a timer that is set again, and forgets one that is cleared', () => {
    const timers = new TimerTable()
    timers.set('G', at(10))
    timers.set('G', at(50))
    timers.set('H', at(20))
    timers.clear('H')
    expect(timers.next()).toBe(50)
    expect(timers.has('H')).toBe(false)
    expect(timers.take(at(49))).toBeUndefined()
    expect(timers.take(at(50))).toBe('G')
    expect(timers.size).toBe(0)
  })

  it('agrees with a sorted list over 20,000 random operations and does not grow with superseded entries', () => {
    const random = seededRandom(7)
    const timers = new TimerTable<number>()
    const model = new Map<number, number>()
    let now = 0
    for (let step = 0; step < 20_000; step++) {
      const name = random.below(50)
      const action = random.below(4)
      if (action < 2) {
        const moment = now + random.below(1_000)
        timers.set(name, at(moment))
        model.set(name, moment)
      } else if (action === 2) {
        timers.clear(name)
        model.delete(name)
      } else {
        now += random.below(40)
        for (let fired = timers.take(at(now)); fired !== undefined; fired = timers.take(at(now))) {
          expect(model.get(fired)).toBeLessThanOrEqual(now)
          expect(Math.min(...model.values())).toBe(model.get(fired))
          model.delete(fired)
        }
      }
      expect(timers.next()).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
    }
    expect(timers.size).toBe(model.size)
  })
})
