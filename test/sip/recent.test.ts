import { describe, expect, it } from 'vitest'
import { Recent } from '../../src/sip/recent.ts'

describe('the bounded memory', () => {
  it('keeps at least half of its limit, and never more than all of it', () => {
    const recent = new Recent<number>(10)
    for (let index = 0; index < 1_000; index++) {
      recent.set(`k${index}`, index)
      expect(recent.size).toBeLessThanOrEqual(10)
      for (let back = 0; back < Math.min(5, index + 1); back++) {
        expect(recent.get(`k${index - back}`)).toBe(index - back)
      }
    }
  })

  it('says what it forgot, once each', () => {
    const recent = new Recent<number>(4)
    const forgotten: number[] = []
    for (let index = 0; index < 20; index++)
      forgotten.push(...(recent.set(`k${index}`, index)?.values() ?? []))
    expect(forgotten).toEqual([...Array(forgotten.length).keys()])
    expect(forgotten.length + recent.size).toBe(20)
  })

  it('forgets everything when it ages twice', () => {
    const recent = new Recent<number>(4)
    recent.set('a', 1)
    recent.age()
    expect(recent.get('a')).toBe(1)
    recent.age()
    expect(recent.get('a')).toBeUndefined()
    expect(recent.size).toBe(0)
  })
})
