import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import type { Machine } from '../../src/core/machine.ts'
import { TimerTable } from '../../src/core/timers.ts'
import { Driver } from '../../src/runtime/driver.ts'

interface Fact {
  readonly kind: 'say' | 'later' | 'throw' | 'explode'
  readonly text: string
  readonly afterMilliseconds?: number
}
interface Word {
  readonly kind: 'word' | 'bang'
  readonly text: string
}

/** Says words at once or later; breaks on demand. */
class Speaker implements Machine<Fact, Word> {
  readonly timers = new TimerTable()
  readonly breakingTimers = new Set<string>()

  handle(fact: Fact, now: Monotonic): Word[] {
    if (fact.kind === 'throw') throw new Error(fact.text)
    if (fact.kind === 'later') {
      this.timers.set(fact.text, (now + (fact.afterMilliseconds ?? 0)) as Monotonic)
      return []
    }
    return [{ kind: fact.kind === 'explode' ? 'bang' : 'word', text: fact.text }]
  }

  nextWakeup(): Monotonic | undefined {
    return this.timers.next()
  }

  wake(now: Monotonic): Word[] {
    const words: Word[] = []
    for (let name = this.timers.take(now); name !== undefined; name = this.timers.take(now)) {
      if (this.breakingTimers.delete(name)) throw new Error(`timer ${name}`)
      words.push({ kind: 'word', text: name })
    }
    return words
  }
}

function driven(onWord: (text: string, input: (fact: Fact) => void) => void = () => {}) {
  const said: string[] = []
  const faults: string[] = []
  const machine = new Speaker()
  const driver: Driver<Fact, Word> = new Driver<Fact, Word>({
    machine,
    clock: { monotonic: () => performance.now() as Monotonic, epoch: () => 0 as never },
    carryOut: word => {
      if (word.kind === 'bang') throw new Error(word.text)
      said.push(word.text)
      onWord(word.text, driver.input)
    },
    onFault: (error, during) => faults.push(`${during}: ${(error as Error).message}`),
  })
  return { driver, machine, said, faults }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

describe('a driver', () => {
  it('carries effects out in order, and inputs that arise meanwhile after them', () => {
    const { driver, said } = driven((text, input) => {
      if (text === 'a') input({ kind: 'say', text: 'b' })
      if (text === 'b') input({ kind: 'say', text: 'c' })
    })
    driver.input({ kind: 'say', text: 'a' })
    driver.input({ kind: 'say', text: 'd' })
    expect(said).toEqual(['a', 'b', 'c', 'd'])
  })

  it('wakes the machine when its next timer is due, also one that was set for an earlier moment afterwards', () => {
    const { driver, said } = driven()
    driver.input({ kind: 'later', text: 'second', afterMilliseconds: 100 })
    driver.input({ kind: 'later', text: 'first', afterMilliseconds: 50 })
    vi.advanceTimersByTime(49)
    expect(said).toEqual([])
    vi.advanceTimersByTime(1)
    expect(said).toEqual(['first'])
    vi.advanceTimersByTime(50)
    expect(said).toEqual(['first', 'second'])
  })

  it('wakes for a timer that lies beyond what setTimeout can count', () => {
    const { driver, said } = driven()
    driver.input({ kind: 'later', text: 'in a month', afterMilliseconds: 30 * 86_400_000 })
    vi.advanceTimersByTime(30 * 86_400_000 - 1)
    expect(said).toEqual([])
    vi.advanceTimersByTime(2)
    expect(said).toEqual(['in a month'])
  })

  it('loses only the input whose handling throws', () => {
    const { driver, said, faults } = driven()
    driver.input({ kind: 'throw', text: 'bug' })
    driver.input({ kind: 'say', text: 'still here' })
    expect(faults).toEqual(['handle throw: bug'])
    expect(said).toEqual(['still here'])
  })

  it('loses only the effect that cannot be carried out', () => {
    const { driver, said, faults } = driven()
    driver.input({ kind: 'explode', text: 'no socket' })
    driver.input({ kind: 'say', text: 'still here' })
    expect(faults).toEqual(['effect bang: no socket'])
    expect(said).toEqual(['still here'])
  })

  it('goes on after a timer throws, without spinning', () => {
    const { driver, machine, said, faults } = driven()
    machine.breakingTimers.add('broken')
    driver.input({ kind: 'later', text: 'broken', afterMilliseconds: 10 })
    driver.input({ kind: 'later', text: 'whole', afterMilliseconds: 10 })
    vi.advanceTimersByTime(10)
    expect(faults).toEqual(['wake: timer broken'])
    expect(said).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(said).toEqual(['whole'])
  })

  it('does nothing any more once stopped', () => {
    const { driver, said } = driven()
    driver.input({ kind: 'later', text: 'never', afterMilliseconds: 10 })
    driver.stop()
    driver.input({ kind: 'say', text: 'never' })
    vi.advanceTimersByTime(1_000)
    expect(said).toEqual([])
  })
})
