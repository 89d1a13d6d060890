import { describe, expect, it } from 'vitest'
import { type InCallMessage, type Meaning, meaningOf } from '../../src/signalling/in-call.ts'
import type { SessionCall } from '../../src/signalling/session.ts'

const call = '1'.repeat(32)
const sdp = 'v=0\r\n'
const messages: { readonly [Type in InCallMessage['type']]: Extract<InCallMessage, { type: Type }> } = {
  ringing: { type: 'ringing', call },
  answer: { type: 'answer', call, sdp },
  decline: { type: 'decline', call, reason: 'busy' },
  offer: { type: 'offer', call, sdp },
  candidate: { type: 'candidate', call, candidate: { candidate: '' } },
  refer: { type: 'refer', call, to: 'carol' },
  bye: { type: 'bye', call, reason: 'hangup' },
  noPath: { type: 'noPath', call },
  relayReady: { type: 'relayReady', call },
}
type Type = keyof typeof messages

/** The rows of the table in README.md, and what may be said in each; all else is refused. */
const states: readonly (SessionCall & { readonly named: string; readonly may: readonly Type[] })[] = [
  {
    ...{ named: 'our own that is not answered', role: 'caller', established: false, offered: false },
    may: ['candidate', 'bye'],
  },
  {
    ...{ named: 'one that rings here', role: 'callee', established: false, offered: true },
    may: ['ringing', 'answer', 'decline', 'candidate', 'bye'],
  },
  {
    ...{ named: 'one that was declined here', role: 'callee', established: false, offered: false },
    may: ['ringing', 'candidate', 'bye'],
  },
  {
    ...{ named: 'an established one', role: 'callee', established: true, offered: false },
    may: ['offer', 'candidate', 'refer', 'bye', 'noPath', 'relayReady'],
  },
  {
    ...{
      named: 'an established one with an offer to answer',
      role: 'caller',
      established: true,
      offered: true,
    },
    may: ['answer', 'decline', 'offer', 'candidate', 'refer', 'bye', 'noPath', 'relayReady'],
  },
  {
    ...{ named: 'one whose other party is handed on', role: 'callee', established: true, offered: false },
    ...{ referring: true, may: ['offer', 'candidate', 'bye', 'noPath', 'relayReady'] },
  },
]

const say = (state: SessionCall, type: Type): Meaning => meaningOf(state, 'page', messages[type])

describe('in a call', () => {
  for (const { named, may, ...state } of states) {
    it(`${named}, only what fits is taken`, () => {
      const types = Object.keys(messages) as Type[]
      expect(types.filter(type => say({ ...state }, type).kind !== 'wrongState').sort()).toEqual(
        [...may].sort(),
      )
    })
  }

  it('one offer has one answer', () => {
    const state: SessionCall = { role: 'callee', established: false, offered: true }
    expect(say(state, 'answer')).toMatchObject({ command: { kind: 'answer' } })
    expect(state).toEqual({ role: 'callee', established: true, offered: false })
    expect(say(state, 'answer').kind).toBe('wrongState')
    expect(say(state, 'decline').kind).toBe('wrongState')
  })

  it('what is refused changes nothing', () => {
    const state: SessionCall = { role: 'caller', established: false, offered: false }
    for (const type of ['ringing', 'answer', 'decline', 'offer'] as const) say(state, type)
    expect(state).toEqual({ role: 'caller', established: false, offered: false })
  })
})
