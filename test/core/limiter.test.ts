import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Limiter } from '../../src/core/limiter.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic

describe('the limiter', () => {
  it('lets a burst through, then its rate', () => {
    const limiter = new Limiter({ perSecond: 2, burst: 3, maxKeys: 10 })
    expect([1, 2, 3, 4].map(() => limiter.allow('a', at(0)))).toEqual([true, true, true, false])
    expect(limiter.waitMilliseconds('a', at(0))).toBe(500)
    expect(limiter.allow('a', at(499))).toBe(false)
    expect(limiter.allow('a', at(1_000))).toBe(true)
    expect(limiter.allow('b', at(0))).toBe(true)
  })

  it('never holds more keys than its bound, and lets go of those that say nothing first', () => {
    const limiter = new Limiter({ perSecond: 1, burst: 2, maxKeys: 3 })
    limiter.allow('drained', at(0), 2)
    limiter.allow('touched', at(1), 2)
    for (let key = 0; key < 1_000; key++) limiter.allow(`spoofed ${key}`, at(2), 0)
    expect(limiter.size).toBe(3)
    expect(limiter.allow('touched', at(3))).toBe(false)
  })
})
