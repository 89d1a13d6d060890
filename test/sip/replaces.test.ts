/** A page's call that its other party hands on after a word with somebody: their INVITE takes its place (RFC 3891). */
import { describe, expect, it } from 'vitest'
import { first, tagOf } from '../../src/sip/codec.ts'
import type { HeaderField } from '../../src/sip/message.ts'
import { Bench, sdpOf } from './agent-bench.ts'

/** Alice's page talks with Bob, who has handed her on: Carol calls in his place. */
function handedOn(parameters = '', from = 'bobs') {
  const bench = new Bench()
  const { call, invite } = bench.established()
  const own = tagOf(invite, 'From')
  const value = `${first(invite, 'Call-ID')};from-tag=${from};to-tag=${own}${parameters}`
  const extra: HeaderField[] = [{ name: 'Replaces', value }]
  const second = () => bench.incoming({ callId: 'call of carol', extra })
  return { bench, call, invite, second }
}

describe('an INVITE that replaces a call of the page', () => {
  it('is told as such, and hangs the other one up once it is taken', () => {
    const { bench, call, second } = handedOn()
    const { call: next, request } = second()
    expect(bench.event('incoming')).toMatchObject({ call: next, replaces: call })
    bench.command({ kind: 'answer', call: next, sdp: sdpOf(9) })
    expect(bench.statuses).toEqual([200])
    const tag = tagOf(bench.sent[0]!, 'To')!
    expect(bench.methods).toEqual(['BYE'])
    expect(bench.event('ended')).toMatchObject({ call, by: 'peer', reason: 'hangup' })
    bench.answer(bench.requests[0]!, 200).ack(request, tag)
    bench.command({ kind: 'bye', call: next, reason: 'hangup' })
    bench.answer(bench.requests[0]!, 200)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('leaves that alone when it is not taken, and is a call like any other when that ended before', () => {
    const refused = handedOn()
    const { call } = refused.second()
    expect(refused.bench.command({ kind: 'refuse', call, code: 603 }).methods).toEqual([])
    const { bench, invite, second } = handedOn()
    const { call: next } = second()
    bench.receive(bench.inside(invite, 'BYE', 10))
    expect(bench.command({ kind: 'answer', call: next, sdp: sdpOf(9) }).methods).toEqual([])
    expect(bench.statuses).toEqual([200])
  })

  it.each([
    [481, 'by a tag that is not the other party’s', '', 'another'],
    [486, 'that was answered already, where only a ringing one was meant', ';early-only', 'bobs'],
  ])('is answered %i %s', (status, _, parameters, from) => {
    const { bench, second } = handedOn(parameters, from)
    second()
    expect(bench.statuses).toEqual([status])
    expect(bench.events).toEqual([])
  })

  it('is declined where that call is over', () => {
    const { bench, call, second } = handedOn()
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    second()
    expect(bench.statuses).toEqual([603])
  })
})
