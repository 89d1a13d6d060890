/** Whoever asks without an offer wants ours in the 2xx and answers it in the ACK (RFC 3261 §13.2.1, RFC 6337 §2.2). */
import { describe, expect, it } from 'vitest'
import { agentLimits } from '../../src/sip/agent-call.ts'
import { first, tagOf } from '../../src/sip/codec.ts'
import type { HeaderField, SipMessage, SipRequest } from '../../src/sip/message.ts'
import { Bench, contact, sdpOf, sdpType, trickle } from './agent-bench.ts'
import { withField } from './writing.ts'

const bodyOf = (message: SipMessage | undefined): string => Buffer.from(message!.body).toString()
const withTo = (request: SipRequest, tag: string) =>
  withField(request.headers, 'To', `${first(request, 'To')};tag=${tag}`)

/** A request of Bob's in the dialog of a call that he made. */
const inDialog = (
  { uri, headers }: SipRequest,
  method: string,
  seq: number,
  extra: readonly HeaderField[] = [],
  body = '',
): SipRequest => ({
  ...{ kind: 'request', method, uri, body: Buffer.from(body) },
  headers: [
    ...withField(headers, 'CSeq', `${seq} ${method}`).filter(({ name }) => name !== 'Content-Type'),
    ...extra,
  ],
})

const kinds = (bench: Bench): string[] => bench.events.map(event => event.kind)

describe('a call without an offer', () => {
  /** Bob's call, taken with our offer. */
  function taken(bench: Bench): { call: string; request: SipRequest; tag: string } {
    const { call, request } = bench.incoming({ body: '', extra: trickle })
    expect(bench.event('incoming')).toMatchObject({ sdp: '', trickle: true, video: false })
    bench.command({ kind: 'answer', call, sdp: sdpOf(2) })
    expect(bench.statuses).toEqual([200])
    expect(bodyOf(bench.sent[0])).toBe(sdpOf(2))
    return { call, request, tag: tagOf(bench.sent[0]!, 'To')! }
  }

  it('is taken with ours, and begins with the answer in the ACK', () => {
    const bench = new Bench().attach()
    const { call, request, tag } = taken(bench)
    expect(bench.events).toEqual([])
    bench.ack(request, tag, sdpOf(3))
    expect(kinds(bench)).toEqual(['answered', 'dialog'])
    expect(bench.event('answered')).toMatchObject({ call, sdp: sdpOf(3), trickle: true })
    expect(bench.ack(request, tag, sdpOf(3)).out).toEqual([])
    expect(
      bench.receive(inDialog({ ...request, headers: withTo(request, tag) }, 'BYE', 2)).event('ended'),
    ).toMatchObject({ by: 'peer' })
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('whose answer says nothing is over', () => {
    const bench = new Bench().attach()
    const { request, tag } = taken(bench)
    bench.ack(request, tag)
    expect(bench.methods).toEqual(['BYE'])
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'server', code: 488, reason: 'failed' }])
    bench.answer(bench.requests[0]!, 200, { tag: 'bobs' })
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('tells the answer again to a client that was away', () => {
    const bench = new Bench().attach()
    const { call, request, tag } = taken(bench)
    bench.ack(request, tag, sdpOf(3)).command({ kind: 'detach', left: false })
    bench.command({ kind: 'restore', call, token: '' })
    expect(kinds(bench.attach())).toEqual(['answered', 'dialog'])
  })

  it('keeps candidates until the answer is there that they belong to', () => {
    const bench = new Bench().attach()
    const { request, tag } = taken(bench)
    const extra = [
      { name: 'Info-Package', value: 'trickle-ice' },
      { name: 'Content-Type', value: 'application/trickle-ice-sdpfrag' },
    ]
    const body =
      'a=ice-ufrag:u3\r\na=ice-pwd:p\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:1 1 udp 1 10.0.0.2 1 typ host\r\n'
    const dialog = { ...request, headers: withTo(request, tag) }
    expect(bench.receive(inDialog(dialog, 'INFO', 2, extra, body)).events).toEqual([])
    expect(kinds(bench.ack(request, tag, sdpOf(3)))).toEqual(['answered', 'candidate', 'dialog'])
  })

  it('is asked for with its first answer, and not once more meanwhile', () => {
    const bench = new Bench().attach()
    const { request, tag } = taken(bench)
    const dialog = { ...request, headers: withTo(request, tag) }
    for (const method of ['INVITE', 'UPDATE'])
      expect(bench.receive(inDialog(dialog, method, 5, [sdpType], sdpOf(4))).statuses, method).toEqual([491])
  })
})

describe('a re-INVITE without an offer', () => {
  it('gets the offer that the client is asked for, which hears the answer', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    const wanted = bench.inside(invite, 'INVITE', 10, { extra: [contact] })
    expect(bench.receive(wanted).events).toEqual([{ kind: 'offerWanted', call }])
    bench.command({ kind: 'offer', call, sdp: sdpOf(5) })
    expect(bench.methods).toEqual([])
    expect(bench.statuses).toEqual([200])
    expect(bodyOf(bench.sent[0])).toBe(sdpOf(5))
    expect(bench.command({ kind: 'offer', call, sdp: sdpOf(6) }).event('offerRefused').code).toBe(491)
    bench.ack(wanted, '', sdpOf(7))
    expect(bench.event('answered')).toMatchObject({ call, sdp: sdpOf(7) })
    expect(bench.command({ kind: 'offer', call, sdp: sdpOf(8) }).methods).toEqual(['INVITE'])
  })

  it('whose ACK has no answer leaves the call as it was', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    const wanted = bench.inside(invite, 'INVITE', 10)
    bench.receive(wanted).command({ kind: 'offer', call, sdp: sdpOf(5) })
    expect(bench.ack(wanted, '').events).toMatchObject([{ kind: 'offerRefused', code: 488 }])
    expect(bench.methods).toEqual([])
  })

  it('is refused where no offer comes', () => {
    const bench = new Bench()
    const { invite } = bench.established()
    bench.receive(bench.inside(invite, 'INVITE', 10))
    expect(bench.pass(agentLimits.offerMilliseconds).statuses).toEqual([488])
  })

  it('is told again to a client that was away, and so after a restart', () => {
    const before = new Bench()
    const { call, invite, token } = before.established()
    const bench = new Bench().command({ kind: 'restore', call, token })
    bench.receive(bench.inside(invite, 'INVITE', 10))
    expect(kinds(bench.attach())).toEqual(['dialog', 'offerWanted'])
    bench.command({ kind: 'restore', call, token })
    expect(kinds(bench)).toEqual(['restored', 'dialog', 'offerWanted'])
    bench.command({ kind: 'offer', call, sdp: sdpOf(5) })
    bench.ack(bench.inside(invite, 'INVITE', 10), '')
    expect(bench.events).toMatchObject([{ kind: 'offerRefused', code: 488 }])
  })

  it('that meets an offer of ours is glare', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    bench.command({ kind: 'offer', call, sdp: sdpOf(3) })
    expect(bench.receive(bench.inside(invite, 'INVITE', 10)).statuses).toEqual([491])
  })
})
