import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Vitals, type VitalsEffect } from '../../src/runtime/vitals.ts'

const at = (milliseconds: number) => milliseconds as Monotonic
const options = {
  parts: ['store', 'relay'],
  ...{ roundMilliseconds: 10_000, firstRoundsMilliseconds: 2_000, lostRounds: 3 },
}
const kinds = (effects: readonly VitalsEffect[]) => effects.map(({ kind }) => kind)

function started() {
  const vitals = new Vitals(options, at(0))
  const answer = (round: number, part: string) => vitals.handle({ kind: 'answered', round, part })
  return { vitals, answer }
}

describe('before all have answered once', () => {
  it('is ready and alive with the last answer, not before', () => {
    const { vitals, answer } = started()
    expect(vitals.wake(at(0))).toEqual([{ kind: 'ask', round: 1 }])
    expect(answer(1, 'store')).toEqual([])
    expect(kinds(answer(1, 'relay'))).toEqual(['ready', 'alive'])
  })

  it('a part that does not answer is named and asked again soon, and nothing is ready', () => {
    const { vitals, answer } = started()
    vitals.wake(at(0))
    answer(1, 'store')
    expect(vitals.nextWakeup()).toBe(2_000)
    expect(vitals.wake(at(2_000))).toEqual([
      { kind: 'silent', parts: ['relay'] },
      { kind: 'ask', round: 2 },
    ])
    answer(2, 'store')
    expect(kinds(answer(2, 'relay'))).toEqual(['back', 'ready', 'alive'])
  })
})

it('what was never ready is not lost: whoever starts it waits for as long as they like', () => {
  const { vitals } = started()
  for (let round = 0; round < 9; round++) {
    expect(kinds(vitals.wake(at(round * 2_000)))).not.toContain('lost')
  }
})

describe('afterwards', () => {
  function running() {
    const { vitals, answer } = started()
    vitals.wake(at(0))
    answer(1, 'store')
    answer(1, 'relay')
    vitals.wake(at(2_000))
    return { vitals, answer }
  }

  it('each round that all answer is one sign of life', () => {
    const { vitals, answer } = running()
    answer(2, 'relay')
    expect(kinds(answer(2, 'store'))).toEqual(['alive'])
    expect(kinds(answer(2, 'store'))).toEqual([])
    expect(vitals.nextWakeup()).toBe(12_000)
    vitals.wake(at(12_000))
    answer(3, 'relay')
    expect(kinds(answer(3, 'store'))).toEqual(['alive'])
  })

  it('one part that is stuck keeps every sign of life back, round for round', () => {
    const { vitals, answer } = running()
    for (let round = 2; round < 5; round++) {
      expect(answer(round, 'store')).toEqual([])
      const effects = vitals.wake(at(12_000 + (round - 2) * 10_000))
      expect(effects[0]).toEqual({ kind: 'silent', parts: ['relay'] })
    }
  })

  it('an answer to an earlier round counts for no later one', () => {
    const { vitals, answer } = running()
    answer(2, 'store')
    vitals.wake(at(12_000))
    expect(answer(2, 'relay')).toEqual([])
    answer(3, 'store')
    expect(kinds(answer(3, 'relay'))).toEqual(['back', 'alive'])
  })

  it('a part that is silent round for round is lost, told once; an answer of all begins the count anew', () => {
    const { vitals, answer } = running()
    const silentRound = (round: number): string[] => {
      answer(round, 'store')
      return kinds(vitals.wake(at(12_000 + (round - 2) * 10_000)))
    }
    expect(silentRound(2)).toEqual(['silent', 'ask'])
    expect(silentRound(3)).toEqual(['silent', 'ask'])
    answer(4, 'relay')
    expect(silentRound(4)).toEqual(['ask'])
    for (const round of [5, 6]) expect(silentRound(round)).toEqual(['silent', 'ask'])
    expect(silentRound(7)).toEqual(['silent', 'lost', 'ask'])
    expect(silentRound(8)).toEqual(['silent', 'ask'])
  })

  it('waking too early asks nothing', () => {
    const { vitals } = running()
    expect(vitals.wake(at(11_999))).toEqual([])
  })
})
