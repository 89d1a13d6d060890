import { expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { SipTimers } from '../../src/sip/transaction-timers.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic

it('transactions that only linger end together, not before their time and a tenth of a second late at most', () => {
  const timers = new SipTimers()
  const moments = Array.from({ length: 200 }, (_, index) => 1_000.3 + 7 * index)
  const due = new Set<number>()
  for (const moment of moments) {
    const id = timers.newId()
    timers.start('L', id, false, at(moment))
    expect(timers.take(at(moment + 31_999))).toBeUndefined()
    due.add(timers.next()!)
    expect(timers.take(at(moment + 32_100))).toEqual({ letter: 'L', id })
  }
  expect(due.size).toBeLessThan(16)
})

it('what is sent again is sent on time', () => {
  const timers = new SipTimers()
  timers.start('A', timers.newId(), false, at(1_040))
  expect(timers.next()).toBe(1_540)
})
