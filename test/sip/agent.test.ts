import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { agentLimits } from '../../src/sip/agent-call.ts'
import { restoreJump } from '../../src/sip/agent-token.ts'
import { first, parseCSeq, response, tagOf, values } from '../../src/sip/codec.ts'
import type { HeaderField, SipRequest, SipResponse } from '../../src/sip/message.ts'
import { Bench, contact, sdpOf, sdpType, trickle } from './agent-bench.ts'
import { withField } from './writing.ts'

const candidateOf = (number: number, sdpMid = '0') => ({
  candidate: `candidate:${number} 1 udp 1 10.0.0.1 ${number} typ host`,
  ...{ sdpMid, sdpMLineIndex: 0, usernameFragment: 'u1' },
})

describe('a call of ours', () => {
  it('to a name that is no text at all is a call to nobody, not a fault', () => {
    const bench = new Bench().attach()
    bench.command({ kind: 'invite', ref: 'r', to: 'bo\ud800b', sdp: sdpOf(1), video: false })
    expect(bench.requests[0]?.uri).toBe('sip:bo%EF%BF%BDb@lanline.local')
  })

  it('is invited, rings, is answered, acknowledged and hung up along the route', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    expect(request.uri).toBe('sip:bob@lanline.local')
    expect(first(request, 'From')).toMatch(/^"Alice" <sip:alice@lanline\.local>;tag=/)
    expect(Buffer.from(request.body).toString()).toBe(sdpOf(1))
    bench.answer(request, 180)
    expect(bench.events).toEqual([{ kind: 'ringing', call }])
    bench.answer(request, 180)
    expect(bench.events).toEqual([])
    const routes = [{ name: 'Record-Route', value: '<sip:a@x;lr>, <sip:b@x;lr>' }]
    bench.answer(request, 200, { sdp: sdpOf(2), extra: routes })
    expect(bench.event('answered')).toMatchObject({
      call,
      sdp: sdpOf(2),
      trickle: false,
      by: { user: 'bob' },
    })
    const [ack] = bench.requests
    expect(ack).toMatchObject({ method: 'ACK', uri: 'sip:bob@10.0.0.2:5060' })
    expect(values(ack!, 'Route')).toEqual(['<sip:b@x;lr>', '<sip:a@x;lr>'])
    bench.command({ kind: 'bye', call, reason: 'mediaLost' })
    expect(first(bench.requests[0]!, 'Reason')).toContain('mediaLost')
    expect(bench.event('ended')).toMatchObject({ by: 'self', reason: 'mediaLost' })
    bench.answer(bench.requests[0]!, 200)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('acknowledges a repeated 2xx again, and a second branch that answers is hung up', () => {
    const bench = new Bench()
    const { invite } = bench.established()
    bench.answer(invite, 200, { sdp: sdpOf(2) })
    expect(bench.methods).toEqual(['ACK'])
    bench.answer(invite, 200, { sdp: sdpOf(3), tag: 'carols' })
    expect(bench.methods).toEqual(['ACK', 'BYE'])
    expect(bench.requests.map(request => tagOf(request, 'To'))).toEqual(['carols', 'carols'])
    expect(bench.events).toEqual([])
  })

  it('given up before anything came is cancelled when something does', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'self', reason: 'cancelled' }])
    expect(bench.methods).toEqual([])
    bench.answer(request, 180)
    expect(bench.methods).toEqual(['CANCEL'])
    expect(values(bench.requests[0]!, 'Via')).toEqual(values(request, 'Via'))
    bench.answer(request, 487)
    expect(bench.methods).toEqual(['ACK'])
    expect(bench.events).toEqual([])
    expect(bench.agents.sizes.calls).toBe(0)
  })

  it('answered while it is being cancelled is acknowledged and hung up', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    bench.answer(request, 180).command({ kind: 'bye', call, reason: 'hangup' })
    bench.answer(request, 200, { sdp: sdpOf(2) })
    expect(bench.methods).toEqual(['ACK', 'BYE'])
    expect(bench.events).toEqual([])
    expect(bench.agents.sizes.calls).toBe(0)
    bench.answer(request, 200, { sdp: sdpOf(2) })
    expect(bench.methods).toEqual(['ACK', 'BYE'])
  })

  it('nobody answers is given up after two minutes', () => {
    const bench = new Bench().attach()
    const { request } = bench.invite()
    bench.answer(request, 180).pass(agentLimits.ringMilliseconds)
    expect(bench.methods).toEqual(['CANCEL'])
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'server', reason: 'noAnswer' }])
    bench.pass(60_000)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('over the bound of eight is refused', () => {
    const bench = new Bench().attach()
    for (let count = 0; count < agentLimits.callsPerDevice; count++) bench.invite()
    bench.command({ kind: 'invite', ref: 'r9', to: 'bob', sdp: sdpOf(1), video: false })
    expect(bench.events.map(event => event.kind)).toEqual(['calling', 'ended'])
    expect(bench.sent).toEqual([])
  })

  for (const [status, reason, by, extra] of [
    [486, 'busy', 'peer', []],
    [603, 'declined', 'peer', []],
    [480, 'unreachable', 'server', []],
    [480, 'doNotDisturb', 'server', [{ name: 'Reason', value: 'SIP;cause=480;text="doNotDisturb"' }]],
    [404, 'notFound', 'server', []],
    [408, 'noAnswer', 'server', []],
    [488, 'failed', 'peer', []],
    [606, 'failed', 'peer', []],
  ] as const) {
    it(`refused with ${status} ends as ${reason} and is acknowledged`, () => {
      const bench = new Bench().attach()
      const { request } = bench.invite()
      bench.answer(request, status, { extra: [...extra] })
      expect(bench.events).toMatchObject([{ kind: 'ended', by, code: status, reason }])
      expect(bench.methods).toEqual(['ACK'])
      expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
    })
  }
})

describe('a call to us', () => {
  it('rings, is answered until acknowledged, and hung up by the other side', () => {
    const bench = new Bench().attach()
    const { request, call } = bench.incoming()
    expect(bench.events).toEqual([
      {
        ...{ kind: 'incoming', call, sdp: sdpOf(1), trickle: false, video: false },
        from: { user: 'bob', displayName: 'Bob' },
      },
    ])
    bench.command({ kind: 'ringing', call })
    expect(bench.statuses).toEqual([180])
    expect(first(bench.sent[0]!, 'Record-Route')).toBe('<sip:a@lanline.local;lr>')
    const tag = tagOf(bench.sent[0]!, 'To')!
    bench.command({ kind: 'answer', call, sdp: sdpOf(2) })
    expect(bench.statuses).toEqual([200])
    expect(tagOf(bench.sent[0]!, 'To')).toBe(tag)
    expect(bench.events.map(event => event.kind)).toEqual(['dialog'])
    // RFC 3261 §13.3.1.4: 0.5, 1.5, 3.5, 7.5 s.
    expect(bench.pass(7_500).statuses).toEqual([200, 200, 200, 200])
    bench.ack(request, tag)
    expect(bench.pass(60_000).sent).toEqual([])
    const bye = { ...request, method: 'BYE', body: Buffer.alloc(0) }
    const headers = withField(
      withField(bye.headers, 'CSeq', '2 BYE'),
      'To',
      `${first(request, 'To')};tag=${tag}`,
    )
    bench.receive({ ...bye, headers })
    expect(bench.statuses).toEqual([200])
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'peer', reason: 'hangup' }])
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('whose answer is never acknowledged is hung up after 32 s', () => {
    const bench = new Bench().attach()
    const { call } = bench.incoming()
    bench.command({ kind: 'answer', call, sdp: sdpOf(2) }).pass(32_000)
    expect(bench.methods).toEqual(['BYE'])
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'server', reason: 'lost' }])
    bench.pass(32_000)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('hung up before the acknowledgement waits with its BYE for it', () => {
    const bench = new Bench().attach()
    const { request, call } = bench.incoming()
    bench.command({ kind: 'answer', call, sdp: sdpOf(2) })
    const tag = tagOf(bench.sent[0]!, 'To')!
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    expect(bench.methods).toEqual([])
    expect(bench.event('ended').by).toBe('self')
    expect(bench.ack(request, tag).methods).toEqual(['BYE'])
  })

  it('taken by another device is told so', () => {
    const bench = new Bench().attach()
    const { request } = bench.incoming()
    const cancel = (reason: HeaderField[]): SipRequest => ({
      ...request,
      method: 'CANCEL',
      headers: [...withField(request.headers, 'CSeq', '1 CANCEL'), ...reason],
      body: Buffer.alloc(0),
    })
    bench.receive(cancel([{ name: 'Reason', value: 'SIP;cause=200;text="Call completed elsewhere"' }]))
    expect(bench.statuses).toEqual([200, 487])
    expect(bench.events).toMatchObject([{ kind: 'ended', by: 'peer', reason: 'answeredElsewhere' }])
    expect(bench.receive(cancel([])).statuses).toEqual([481])
    bench.incoming()
    expect(bench.receive(cancel([])).events).toMatchObject([{ reason: 'cancelled' }])
  })

  it('is refused as the person says', () => {
    for (const code of [480, 486, 488, 603] as const) {
      const bench = new Bench().attach()
      const { call } = bench.incoming()
      expect(bench.command({ kind: 'refuse', call, code }).statuses).toEqual([code])
      expect(bench.event('ended').by).toBe('self')
      expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
    }
  })

  it('that cannot be taken does not ring', () => {
    const bench = new Bench().attach()
    bench.incoming({ extra: [{ name: 'Require', value: '100rel' }] })
    expect(bench.statuses).toEqual([420])
    expect(first(bench.sent[0]!, 'Unsupported')).toBe('100rel')
    bench.command({ kind: 'detach', left: false }).incoming()
    expect(bench.statuses).toEqual([480])
    bench.attach().incoming()
    bench.incoming()
    expect(bench.statuses).toEqual([482])
    for (let count = 1; count < agentLimits.callsPerDevice; count++)
      bench.incoming({ callId: `more ${count}` })
    bench.incoming({ callId: 'too many' })
    expect(bench.statuses).toEqual([486])
  })

  it('methods that are not understood are refused politely', () => {
    const bench = new Bench()
    const { invite } = bench.established()
    for (const [method, status] of [
      ['MESSAGE', 405],
      ['SUBSCRIBE', 405],
      ['PRACK', 405],
      ['DANCE', 501],
      ['OPTIONS', 200],
    ] as const) {
      bench.receive(bench.inside(invite, method, 50))
      expect(bench.statuses, method).toEqual([status])
      expect(first(bench.sent[0]!, 'Allow'), method).toContain('INVITE')
    }
    expect(bench.receive(bench.inside(invite, 'INFO', 49)).statuses).toEqual([500])
    const stranger = bench.inside(invite, 'BYE', 60)
    bench.receive({ ...stranger, headers: withField(stranger.headers, 'From', '<sip:bob@x>;tag=other') })
    expect(bench.statuses).toEqual([481])
  })
})

describe('an offer within a call', () => {
  it('of ours is answered and acknowledged', () => {
    const bench = new Bench()
    const { call } = bench.established()
    bench.command({ kind: 'offer', call, sdp: sdpOf(3) })
    const [request] = bench.requests
    expect(request!.method).toBe('INVITE')
    bench.answer(request!, 200, { sdp: sdpOf(4) })
    expect(bench.methods).toEqual(['ACK'])
    expect(bench.events.map(event => event.kind)).toEqual(['answered', 'dialog'])
  })

  it('of ours is acknowledged each time its 2xx comes, also when the next one was made already', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    const [one, other] = [3, 4].map(version => {
      const [request] = bench.command({ kind: 'offer', call, sdp: sdpOf(version) }).requests
      bench.answer(request!, 200, { sdp: sdpOf(version) })
      return request!
    }) as [SipRequest, SipRequest]
    const third = bench.command({ kind: 'offer', call, sdp: sdpOf(5) }).requests[0]!
    for (const request of [invite, one, other]) {
      bench.answer(request, 200, { sdp: sdpOf(6) })
      const number = first(request, 'CSeq')!.split(' ')[0]
      expect(bench.requests.map(message => first(message, 'CSeq'))).toEqual([`${number} ACK`])
      expect(bench.events).toEqual([])
    }
    // One that was never sent is none of ours.
    const strange = withField(third.headers, 'CSeq', '99 INVITE')
    expect(bench.answer({ ...third, headers: strange }, 200, { sdp: sdpOf(6) }).sent).toEqual([])
  })

  it('of ours is refused, and the call goes on', () => {
    const bench = new Bench()
    const { call } = bench.established()
    const refused = (status: number, extra: HeaderField[] = []) => {
      bench.command({ kind: 'offer', call, sdp: sdpOf(3) })
      return bench.answer(bench.requests[0]!, status, { extra }).event('offerRefused')
    }
    const glare = refused(491)
    expect(glare.retryAfterMilliseconds).toBeGreaterThanOrEqual(2_100)
    expect(glare.retryAfterMilliseconds).toBeLessThanOrEqual(4_000)
    expect(refused(488)).toMatchObject({ code: 488, retryAfterMilliseconds: undefined })
    expect(refused(500, [{ name: 'Retry-After', value: '3 (busy)' }]).retryAfterMilliseconds).toBe(3_000)
    bench.command({ kind: 'offer', call, sdp: sdpOf(3) }).answer(bench.requests[0]!, 481)
    expect(bench.events).toMatchObject([{ kind: 'ended', reason: 'lost' }])
  })

  it('that meets one of ours is glare', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    bench.command({ kind: 'offer', call, sdp: sdpOf(3) })
    bench.receive(bench.inside(invite, 'INVITE', 10, { extra: [sdpType], body: sdpOf(5) }))
    expect(bench.statuses).toEqual([491])
    expect(bench.command({ kind: 'offer', call, sdp: sdpOf(6) }).events).toMatchObject([{ code: 491 }])
  })

  for (const method of ['INVITE', 'UPDATE'] as const) {
    it(`of the other side by ${method} is answered by the client`, () => {
      const bench = new Bench()
      const { call, invite } = bench.established()
      bench.receive(bench.inside(invite, method, 10, { extra: [sdpType, contact], body: sdpOf(5) }))
      expect(bench.events).toEqual([{ kind: 'offer', call, sdp: sdpOf(5) }])
      bench.receive(bench.inside(invite, method, 11, { extra: [sdpType], body: sdpOf(6) }))
      expect(bench.statuses).toEqual([500])
      bench.command({ kind: 'answer', call, sdp: sdpOf(7) })
      expect(bench.statuses).toEqual([200])
      expect(Buffer.from(bench.sent[0]!.body).toString()).toBe(sdpOf(7))
    })

    it(`of the other side by ${method} that nobody answers is refused after 20 s`, () => {
      const bench = new Bench()
      const { invite } = bench.established()
      bench.receive(bench.inside(invite, method, 10, { extra: [sdpType], body: sdpOf(5) }))
      expect(bench.pass(agentLimits.offerMilliseconds).statuses).toEqual([method === 'UPDATE' ? 504 : 488])
    })

    it(`by ${method} that repeats the session is a refresh and answered at once`, () => {
      const bench = new Bench()
      const { invite } = bench.established()
      bench.receive(bench.inside(invite, method, 10, { extra: [sdpType], body: sdpOf(2) }))
      expect(bench.statuses).toEqual([200])
      expect(Buffer.from(bench.sent[0]!.body).toString()).toBe(sdpOf(1))
      expect(bench.events).toEqual([])
    })
  }

  it('an UPDATE without body is a refresh', () => {
    const bench = new Bench()
    const { invite } = bench.established()
    expect(bench.receive(bench.inside(invite, 'UPDATE', 10)).statuses).toEqual([200])
  })

  it('is over when the call is', () => {
    const bench = new Bench()
    const { invite } = bench.established()
    bench.receive(bench.inside(invite, 'INVITE', 10, { extra: [sdpType], body: sdpOf(5) }))
    bench.receive(bench.inside(invite, 'BYE', 11))
    expect(bench.statuses).toEqual([200, 487])
    expect(bench.events).toMatchObject([{ kind: 'ended' }])
  })
})

describe('candidates', () => {
  const fragmentOf = (request: SipRequest | undefined): string => Buffer.from(request?.body ?? '').toString()

  it('wait for the early dialog, share an INFO, and repeat what was told before', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    bench.command({ kind: 'candidate', call, candidate: candidateOf(1) })
    expect(bench.sent).toEqual([])
    bench.answer(request, 180, { extra: trickle })
    const [info] = bench.requests
    expect(info).toMatchObject({ method: 'INFO', uri: 'sip:bob@10.0.0.2:5060' })
    expect(first(info!, 'Info-Package')).toBe('trickle-ice')
    expect(first(info!, 'Content-Type')).toBe('application/trickle-ice-sdpfrag')
    expect(fragmentOf(info)).toBe(
      'a=ice-ufrag:u1\r\na=ice-pwd:secret1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n' +
        `a=${candidateOf(1).candidate}\r\n`,
    )
    bench.command({ kind: 'candidate', call, candidate: candidateOf(2) })
    bench.command({ kind: 'candidate', call, candidate: undefined })
    expect(bench.sent).toEqual([])
    bench.answer(info!, 200)
    expect(bench.methods).toEqual(['INFO'])
    const told = fragmentOf(bench.requests[0])
    expect(told).toContain(candidateOf(1).candidate)
    expect(told).toContain(candidateOf(2).candidate)
    expect(told).toContain('a=end-of-candidates')
  })

  it('are not told to those who do not take them, or say later that they do not', () => {
    const bench = new Bench()
    const { call } = bench.established([])
    expect(bench.command({ kind: 'candidate', call, candidate: candidateOf(1) }).sent).toEqual([])
    const other = new Bench()
    const { call: second } = other.established()
    other
      .command({ kind: 'candidate', call: second, candidate: candidateOf(1) })
      .answer(other.requests[0]!, 469)
    expect(other.command({ kind: 'candidate', call: second, candidate: candidateOf(2) }).sent).toEqual([])
  })

  it('of the other side are told once each, of a branch that has not answered only when it has', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    bench.answer(request, 180, { extra: trickle })
    const extra = [
      { name: 'Info-Package', value: 'trickle-ice' },
      { name: 'Content-Type', value: 'application/trickle-ice-sdpfrag' },
    ]
    const body = (count: number): string =>
      'a=ice-ufrag:u2\r\na=ice-pwd:secret2\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n' +
      Array.from({ length: count }, (_, index) => `a=${candidateOf(index + 1).candidate}\r\n`).join('')
    bench.receive(bench.inside(request, 'INFO', 10, { extra, body: body(1) }))
    expect(bench.statuses).toEqual([200])
    expect(bench.events).toEqual([])
    bench.answer(request, 200, { sdp: sdpOf(2), extra: trickle })
    expect(bench.events.map(event => event.kind)).toEqual(['answered', 'candidate', 'dialog'])
    bench.receive(bench.inside(request, 'INFO', 11, { extra, body: body(3) }))
    expect(bench.events).toMatchObject([
      {
        call,
        candidate: {
          candidate: candidateOf(2).candidate,
          sdpMid: '0',
          sdpMLineIndex: 0,
          usernameFragment: 'u2',
        },
      },
      { call, candidate: { candidate: candidateOf(3).candidate } },
    ])
    const dtmf = [{ name: 'Content-Type', value: 'application/dtmf-relay' }]
    expect(bench.receive(bench.inside(request, 'INFO', 12, { extra: dtmf, body: 'x' })).statuses).toEqual([
      415,
    ])
    const other = [{ name: 'Info-Package', value: 'other' }]
    expect(bench.receive(bench.inside(request, 'INFO', 13, { extra: other })).statuses).toEqual([469])
  })
})

describe('a client that goes away', () => {
  it('finds its call again, with what it missed', () => {
    const bench = new Bench()
    const { call, invite } = bench.established()
    bench.command({ kind: 'detach', left: false })
    expect(bench.out).toEqual([])
    bench.receive(bench.inside(invite, 'INVITE', 10, { extra: [sdpType], body: sdpOf(5) }))
    expect(bench.out).toEqual([])
    bench.pass(10_000).attach()
    expect(bench.events).toEqual([{ kind: 'offer', call, sdp: sdpOf(5) }])
    expect(bench.pass(agentLimits.lostMilliseconds).events).toEqual([])
  })

  it('and stays away loses its call in the end', () => {
    const bench = new Bench()
    bench.established()
    bench.command({ kind: 'detach', left: false }).pass(agentLimits.lostMilliseconds)
    expect(bench.methods).toEqual(['BYE'])
    expect(bench.event('ended')).toMatchObject({ by: 'server', reason: 'lost' })
    bench.answer(bench.requests[0]!, 200)
    expect(bench.out).toEqual([{ kind: 'unregister', device: 'd1' }])
    expect(bench.agents.sizes).toEqual({ devices: 0, calls: 0, timers: 0 })
  })

  it('while it rings is waited for a moment', () => {
    const bench = new Bench().attach()
    const { call } = bench.incoming()
    bench.command({ kind: 'detach', left: false }).pass(10_000).attach()
    expect(bench.events).toMatchObject([{ kind: 'incoming', call }])
    bench.command({ kind: 'detach', left: false }).pass(agentLimits.ringGraceMilliseconds)
    expect(bench.statuses).toEqual([480])
  })

  it('that went by itself is waited for while it rings as long as a page takes to be loaded anew', () => {
    const bench = new Bench().attach()
    const { call } = bench.incoming()
    const left = { kind: 'detach', left: true } as const
    bench
      .command(left)
      .pass(agentLimits.ringLeftMilliseconds - 1)
      .attach()
    expect(bench.events).toMatchObject([{ kind: 'incoming', call }])
    bench.command(left).pass(agentLimits.ringLeftMilliseconds)
    expect(bench.statuses).toEqual([480])
  })

  it('before it had the answer is told it again', () => {
    const bench = new Bench()
    const { call } = bench.established()
    bench.command({ kind: 'detach', left: false }).command({ kind: 'restore', call, token: '' })
    expect(bench.events).toEqual([{ kind: 'restored', call }])
    expect(bench.attach().events.map(event => event.kind)).toEqual(['answered', 'dialog'])
  })
})

describe('a dialog token', () => {
  it('before it had the answer is told that first, then what followed it', () => {
    const bench = new Bench().attach()
    const { call, request } = bench.invite()
    bench.answer(request, 200, { sdp: sdpOf(2), extra: trickle })
    bench.command({ kind: 'detach', left: false })
    bench.receive(bench.inside(request, 'INVITE', 30, { body: sdpOf(5), extra: [sdpType, contact] }))
    const restored = bench.command({ kind: 'restore', call, token: '' }).events
    expect([...restored, ...bench.attach().events].map(({ kind }) => kind)).toEqual([
      ...['restored', 'answered', 'offer', 'dialog'],
    ])
  })

  it('lets the call go on after a restart, both ways, with numbers that were never used', () => {
    const before = new Bench()
    const { call, token, invite } = before.established()
    const bench = new Bench()
    bench.command({ kind: 'restore', call, token })
    expect(bench.events).toEqual([{ kind: 'restored', call }])
    expect(bench.attach().events.map(event => event.kind)).toEqual(['dialog'])
    bench.receive(bench.inside(invite, 'INVITE', 99, { extra: [sdpType], body: sdpOf(5) }))
    expect(bench.events).toMatchObject([{ kind: 'offer' }])
    bench.command({ kind: 'answer', call, sdp: sdpOf(6) })
    bench.ack(bench.inside(invite, 'INVITE', 99), '')
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    const [bye] = bench.requests
    expect(bye).toMatchObject({ method: 'BYE', uri: 'sip:bob@10.0.0.2:5060' })
    expect(parseCSeq(first(bye!, 'CSeq')!)!.number).toBeGreaterThan(restoreJump)
    expect(first(bye!, 'From')).toBe(first(invite, 'From'))
    expect(values(bye!, 'Route')).toHaveLength(2)
  })

  it("is nobody else's, of no other call, and cannot be changed", () => {
    const { call, token } = new Bench().established()
    const refused = (bench: Bench, id: string, text: string, device = 'd1') =>
      bench.command({ kind: 'restore', call: id, token: text }, device).events[0]?.kind
    expect(refused(new Bench(), call, token, 'd2')).toBe('notRestored')
    expect(refused(new Bench(2), call, token)).toBe('notRestored')
    expect(refused(new Bench(), 'f'.repeat(32), token)).toBe('notRestored')
    for (let at = 0; at < token.length; at += 37) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      expect(refused(new Bench(), call, changed)).toBe('notRestored')
    }
    expect(refused(new Bench(), call, '')).toBe('notRestored')
    expect(refused(new Bench(), call, 'x'.repeat(20_000))).toBe('notRestored')
  })

  it('of a client that never attaches does not keep the call for ever', () => {
    const { call, token } = new Bench().established()
    const bench = new Bench().command({ kind: 'restore', call, token })
    expect(bench.pass(agentLimits.lostMilliseconds).methods).toEqual(['BYE'])
    bench.pass(60_000)
    expect(bench.agents.sizes).toEqual({ devices: 0, calls: 0, timers: 0 })
  })
})

it('a revoked device hangs up everything', () => {
  const bench = new Bench()
  bench.established()
  bench.incoming()
  bench.out = bench.agents.revoke('d1', 0 as Monotonic)
  expect(bench.methods).toEqual(['BYE'])
  expect(bench.statuses).toEqual([480])
  expect(bench.events).toMatchObject([{ reason: 'revoked' }, { reason: 'revoked' }])
})

it('the other party of a guest whose time is over is told so', () => {
  const bench = new Bench()
  bench.established()
  bench.out = bench.agents.revoke('d1', 0 as Monotonic, 'guestOver')
  expect(bench.events).toMatchObject([{ reason: 'guestOver' }])
  const [bye] = bench.sent
  expect(bye!.headers.find(({ name }) => name === 'Reason')?.value).toContain('text="guestOver"')
})

it('what is no answer to anything is ignored', () => {
  const bench = new Bench().attach()
  const stray: SipResponse = response(new Bench().attach().invite().request, 180, 'Ringing', [contact], 't')
  expect(bench.receive(stray).out).toEqual([])
  expect(bench.receive({ ...stray, headers: [] }).out).toEqual([])
})
