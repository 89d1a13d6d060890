import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Watch, type WatchEffect, type WatchInput, watchLimits } from '../../src/trace/watch.ts'

function watch() {
  const machine = new Watch()
  let now = 0
  const at = (milliseconds: number): Monotonic => {
    now = milliseconds
    return now as Monotonic
  }
  return {
    machine,
    input: (input: WatchInput, milliseconds = now): WatchEffect[] => machine.handle(input, at(milliseconds)),
    wake: (milliseconds: number): WatchEffect[] => machine.wake(at(milliseconds)),
  }
}
const ufrag = (call: string): WatchInput => ({ kind: 'ufrag', call, party: 'caller', ufrag: 'abcd' })
const over = (call: string, answered = true): WatchInput => ({ kind: 'over', call, answered })
const running: WatchInput = { kind: 'running', program: 'dumpcap' }
const kinds = (effects: readonly WatchEffect[]): string[] => effects.map(({ kind }) => kind)

describe('when packets are captured', () => {
  it('is from the first word of a call on, by one program for all calls', () => {
    const { input } = watch()
    expect(kinds(input(ufrag('a')))).toEqual(['start', 'know'])
    expect(kinds(input(ufrag('b')))).toEqual(['know'])
    expect(input(running)).toEqual([{ kind: 'tell', what: 'capturing', detail: 'dumpcap' }])
    expect(kinds(input(ufrag('c')))).toEqual(['know'])
  })

  it('ends some time after the last call, whose packets are concluded when they have come', () => {
    const { input, wake, machine } = watch()
    input(ufrag('a'))
    input(running)
    expect(input(over('a'), 1_000)).toEqual([])
    expect(wake(1_000 + watchLimits.settleMilliseconds)).toEqual([{ kind: 'conclude', call: 'a' }])
    expect(wake(1_000 + watchLimits.settleMilliseconds + watchLimits.lingerMilliseconds)).toEqual([
      { kind: 'stop' },
    ])
    expect(machine.nextWakeup()).toBe(undefined)
  })

  it('goes on for a call that comes meanwhile', () => {
    const { input, wake, machine } = watch()
    input(ufrag('a'))
    input(running)
    input(over('a', false), 1_000)
    expect(kinds(input(ufrag('b'), 5_000))).toEqual(['know'])
    expect(wake(60_000)).toEqual([])
    expect(machine.state).toBe('running')
  })

  it('says nothing of a call that nobody took, nor of one that it could not watch', () => {
    const { input } = watch()
    input(ufrag('a'))
    expect(input(over('a'))).toEqual([{ kind: 'forget', call: 'a' }])
    input(running)
    input(ufrag('b'))
    expect(input(over('b', false))).toEqual([{ kind: 'forget', call: 'b' }])
  })

  it('is tried again after a loss, which is told once', () => {
    const { input, wake } = watch()
    input(ufrag('a'))
    const lost: WatchInput = { kind: 'lost', why: 'no right to' }
    expect(input(lost)).toEqual([{ kind: 'tell', what: 'noCapture', detail: 'no right to' }])
    expect(kinds(input(ufrag('b'), 1_000))).toEqual(['know'])
    expect(kinds(wake(watchLimits.restMilliseconds))).toEqual(['start'])
    expect(input(lost)).toEqual([])
    expect(kinds(wake(2 * watchLimits.restMilliseconds))).toEqual(['start'])
    input(running)
    expect(input({ kind: 'lost', why: 'killed' })).toEqual([
      { kind: 'tell', what: 'captureLost', detail: 'killed' },
    ])
  })

  it('is not tried again while there are no calls', () => {
    const { input, wake } = watch()
    input(ufrag('a'))
    input({ kind: 'lost', why: 'x' })
    input(over('a'))
    expect(wake(watchLimits.restMilliseconds * 3)).toEqual([])
    expect(kinds(input(ufrag('b')))).toEqual(['start', 'know'])
  })

  it('is of so many calls and no more, and of none for ever', () => {
    const { input, wake, machine } = watch()
    for (let call = 0; call < watchLimits.calls; call++) input(ufrag(`c${call}`))
    expect(input(ufrag('one more'))).toEqual([])
    expect(machine.calls).toBe(watchLimits.calls)
    expect(wake(watchLimits.longestMilliseconds)).toHaveLength(watchLimits.calls)
    expect(machine.calls).toBe(0)
  })
})
