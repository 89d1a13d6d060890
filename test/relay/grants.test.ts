import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Calls, callsAtMost } from '../../src/relay/calls.ts'
import { Grants, givenLimits } from '../../src/relay/grants.ts'
import { emptyLedger } from '../../src/relay/ledger.ts'
import type { RelayEffect } from '../../src/relay/message.ts'
import { newCall, newOpen, type Open } from '../../src/relay/state.ts'
import type { Grant } from '../../src/turn/message.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const party = { device: '', credential: undefined, proven: [], relayOn: [] }
const parties: Grant['parties'] = [
  { ...party, role: 'caller' },
  { ...party, role: 'callee' },
]

class Thread {
  readonly effects: RelayEffect[] = []
  readonly grants = new Grants(effect => this.effects.push(effect))

  constructor() {
    this.grants.started()
  }

  give(call: string): Open {
    const of = newCall(call, 'a', 'b', undefined)
    const open = newOpen({
      ...{ call, reason: 'otherNetwork', of, manual: undefined, remembered: false, earlier: emptyLedger },
    })
    this.grants.add(open)
    this.grants.give(open, parties, at(0))
    return open
  }

  kinds(): string[] {
    return this.effects.splice(0).map(({ kind }) => kind)
  }
}

describe('what the relay says', () => {
  it('of several orders only the last word counts', () => {
    const thread = new Thread()
    const open = thread.give('c1')
    thread.grants.give(open, parties, at(1))
    expect(thread.grants.granted('c1', at(2))).toBe(undefined)
    expect(thread.grants.granted('c1', at(3))).toBe(open)
    expect(thread.kinds()).toEqual(['openGrant', 'remember', 'openGrant', 'ledger'])
  })

  it('`closed` is of the grant before while the new one has no word', () => {
    const thread = new Thread()
    const open = thread.give('c1')
    expect(thread.grants.closed('c1')).toBe(undefined)
    thread.grants.granted('c1', at(1))
    expect(thread.grants.closed('c1')).toBe(open)
  })

  it('a grant that comes when nobody waits for it any more is closed', () => {
    const thread = new Thread()
    thread.grants.close(thread.give('c1'), at(0))
    expect(thread.grants.granted('c1', at(1))).toBe(undefined)
    expect(thread.kinds()).toEqual(['openGrant', 'remember', 'forget', 'closeGrant'])
    thread.grants.closed(thread.grants.overdue(at(givenLimits.closingMilliseconds))!)
    thread.grants.granted('c1', at(9_999))
    expect(thread.kinds()).toEqual(['ledger', 'closeGrant'])
  })
})

describe('grants', () => {
  it('that are being closed count, and are waited for in their order', () => {
    const thread = new Thread()
    const open = Array.from({ length: givenLimits.grants }, (_, index) => thread.give(`c${index}`))
    thread.grants.close(open[7]!, at(100))
    thread.grants.close(open[3]!, at(200))
    expect([thread.grants.size, thread.grants.isFull]).toEqual([givenLimits.grants, true])
    expect(thread.grants.next()).toBe(100 + givenLimits.closingMilliseconds)
    expect(thread.grants.overdue(at(99 + givenLimits.closingMilliseconds))).toBe(undefined)
    expect(thread.grants.overdue(at(100 + givenLimits.closingMilliseconds))).toBe('c7')
    thread.grants.closed('c7')
    expect(thread.grants.isFull).toBe(false)
    expect(thread.grants.overdue(at(200 + givenLimits.closingMilliseconds))).toBe('c3')
  })

  it('that are being closed when the thread is lost are waited for no more, and what they carried is kept', () => {
    const thread = new Thread()
    thread.grants.close(thread.give('c1'), at(0))
    thread.kinds()
    thread.grants.lost()
    expect([thread.kinds(), thread.grants.size, thread.grants.next()]).toEqual([['ledger'], 0, undefined])
    thread.give('c2')
    thread.grants.close(thread.grants.get('c2')!, at(0))
    expect(thread.grants.size).toBe(0)
  })
})

describe('calls', () => {
  const row = { ended: false, answered: true, callerDevice: 'a', calleeDevice: 'b', ledger: undefined }
  const flowOf = (): undefined => undefined

  it('are looked after up to a bound, and leave nothing behind', () => {
    const calls = new Calls()
    for (let number = 0; number < callsAtMost; number++) calls.enter(`${number}`, row, flowOf)
    expect(calls.enter('more', row, flowOf)).toBe('full')
    expect(calls.ofDevice('a').length).toBe(callsAtMost)
    for (let number = 0; number < callsAtMost; number++) calls.leave(calls.get(`${number}`)!)
    expect([calls.size, calls.ofDevice('a'), calls.ofDevice('b')]).toEqual([0, [], []])
  })

  it('that ring, or are of a device we do not know, are none', () => {
    const calls = new Calls()
    expect(calls.enter('1', { ...row, answered: false }, flowOf)).toBe(undefined)
    expect(calls.enter('1', { ...row, calleeDevice: undefined }, flowOf)).toBe(undefined)
    expect(calls.size).toBe(0)
  })
})
