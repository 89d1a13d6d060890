/** A call that is handed on, seen by the agents of both: REFER and how it goes (RFC 3515, RFC 5589). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agentLimits } from '../../src/sip/agent-call.ts'
import { first, tagOf } from '../../src/sip/codec.ts'
import type { HeaderField, SipMessage, SipRequest } from '../../src/sip/message.ts'
import { Bench, contact, sdpOf, sdpType } from './agent-bench.ts'

const bodyOf = (message: SipMessage): string => Buffer.from(message.body).toString()

describe('a page that hands its other party on', () => {
  function asking(to = 'carol') {
    const bench = new Bench()
    const { call, invite } = bench.established()
    bench.command({ kind: 'refer', call, to })
    const [refer] = bench.requests
    let seq = 50
    const notify = (
      line: string,
      o: { state?: string; event?: string; type?: string; more?: string } = {},
    ): Bench => {
      const extra: HeaderField[] = [
        contact,
        { name: 'Event', value: o.event ?? 'refer' },
        { name: 'Subscription-State', value: o.state ?? 'active;expires=60' },
        { name: 'Content-Type', value: o.type ?? 'message/sipfrag;version=2.0' },
      ]
      return bench.receive(
        bench.inside(invite, 'NOTIFY', ++seq, { extra, body: `${line}\r\n${o.more ?? ''}` }),
      )
    }
    return { bench, call, invite, refer: refer!, notify }
  }

  it('asks by REFER, tells how it goes, and hangs up once somebody has answered', () => {
    const { bench, call, refer, notify } = asking()
    expect(refer.method).toBe('REFER')
    expect(refer.uri).toBe('sip:bob@10.0.0.2:5060')
    expect(first(refer, 'Refer-To')).toBe('<sip:carol@lanline.local>')
    expect(first(refer, 'Contact')).toBe('<sip:d1@hosted.invalid>')
    expect(first(refer, 'Referred-By')).toBe('<sip:alice@lanline.local>')
    expect(bench.answer(refer, 202).events).toEqual([])
    expect(notify('SIP/2.0 100 Trying').statuses).toEqual([200])
    expect(bench.events).toEqual([])
    expect(notify('SIP/2.0 180 Ringing').event('referral')).toEqual({
      ...{ kind: 'referral', call, state: 'ringing', reason: undefined },
    })
    expect(notify('SIP/2.0 180 Ringing').events).toEqual([])
    notify('SIP/2.0 200 OK', { state: 'terminated;reason=noresource' })
    expect(bench.statuses).toEqual([200])
    expect(bench.event('referral').state).toBe('answered')
    expect(bench.methods).toEqual(['BYE'])
    expect(bench.event('ended')).toMatchObject({ call, by: 'self', reason: 'hangup' })
    bench.answer(bench.requests[0]!, 200)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('has the other party take the place of its own talk with somebody who was asked first', () => {
    const bench = new Bench()
    const { call } = bench.established()
    const asked = bench.invite()
    bench.answer(asked.request, 200, { sdp: sdpOf(2), tag: 'carols' })
    bench.command({ kind: 'refer', call, to: 'carol', replaces: asked.call })
    const value = first(bench.requests[0]!, 'Refer-To') ?? ''
    const [, uri, replaces = ''] = /^<(.*)\?Replaces=([^>&;@]*)>$/.exec(value) ?? []
    expect(uri).toBe('sip:carol@lanline.local')
    // As whoever was asked sees the two (RFC 3891 §3).
    const [callId, from] = [first(asked.request, 'Call-ID'), tagOf(asked.request, 'From')]
    expect(decodeURIComponent(replaces)).toBe(`${callId};to-tag=carols;from-tag=${from}`)
  })

  it.each([
    [
      'has hung up',
      (bench: Bench, asked: string) => bench.command({ kind: 'bye', call: asked, reason: 'hangup' }),
    ],
    ['has not answered', () => {}],
  ])('hands nobody on to who %s: they are not to be rung', (how, happens) => {
    const bench = new Bench()
    const { call } = bench.established()
    const asked = bench.invite()
    if (how === 'has hung up') bench.answer(asked.request, 200, { sdp: sdpOf(2) })
    happens(bench, asked.call)
    bench.command({ kind: 'refer', call, to: 'carol', replaces: asked.call })
    expect(bench.methods).not.toContain('REFER')
    expect(bench.event('referral')).toMatchObject({ call, state: 'failed', reason: 'failed' })
    bench.command({ kind: 'refer', call, to: 'carol', replaces: call })
    expect(bench.event('referral')).toMatchObject({ call, state: 'failed' })
  })

  it('names whom to call at the address by which the other phone reaches us', () => {
    const asked = (...uris: string[]) => {
      const bench = new Bench().attach()
      const { call, request } = bench.invite()
      const extra = uris.map(uri => ({ name: 'Record-Route', value: `<${uri}>` }))
      bench.answer(request, 200, { sdp: sdpOf(2), extra })
      bench.command({ kind: 'refer', call, to: 'carol' })
      return first(bench.requests[0]!, 'Refer-To')
    }
    const own = 'sip:b@hosted.invalid:5060;lr'
    expect(asked('sip:a@10.0.0.1:5060;transport=tcp;lr', own)).toBe('<sip:carol@10.0.0.1:5060;transport=tcp>')
    expect(asked('sip:a@[fd00::1]:5060;lr', own)).toBe('<sip:carol@[fd00::1]:5060>')
    expect(asked('sip:a@hosted.invalid:5060;lr', own)).toBe('<sip:carol@lanline.local>')
    expect(asked('nonsense')).toBe('<sip:carol@lanline.local>')
  })

  it.each([
    ['SIP/2.0 486 Busy Here', '', 'busy'],
    ['SIP/2.0 480 Gone', 'Reason: SIP;cause=480;text="doNotDisturb"\r\n', 'doNotDisturb'],
    ['SIP/2.0 603 Decline', '', 'declined'],
    ['SIP/2.0 404 Not Found', 'Reason: Q.850;cause=1\r\n', 'notFound'],
  ])('goes on talking where it was told %s', (line, more, reason) => {
    const { bench, call, notify } = asking()
    notify(line, { state: 'terminated;reason=noresource', more })
    expect(bench.event('referral')).toEqual({ kind: 'referral', call, state: 'failed', reason })
    expect(bench.methods).toEqual([])
    // A stray one is of no subscription any more.
    expect(notify(line).statuses).toEqual([481])
    bench.command({ kind: 'refer', call, to: 'dora' })
    expect(bench.methods).toEqual(['REFER'])
  })

  it.each([405, 481, 501, 603])('is told where the other phone cannot: %i', status => {
    const { bench, call, refer } = asking()
    bench.answer(refer, status)
    expect(bench.event('referral')).toEqual({ kind: 'referral', call, state: 'failed', reason: 'failed' })
    expect(bench.methods).toEqual([])
  })

  it('is told where nothing is heard of it in time, and hears who says at once that nothing more comes', () => {
    const { bench, notify } = asking()
    expect(notify('SIP/2.0 100 Trying', { state: 'terminated' }).events).toEqual([])
    expect(notify('SIP/2.0 180 Ringing', { state: 'terminated' }).event('referral').state).toBe('ringing')
    bench.pass(agentLimits.referMilliseconds)
    expect(bench.event('referral')).toMatchObject({ state: 'failed', reason: 'lost' })
  })

  it('is told where the other phone does not even answer', () => {
    const { bench } = asking()
    bench.pass(agentLimits.transactionMilliseconds)
    expect(bench.event('referral')).toMatchObject({ state: 'failed', reason: 'failed' })
  })

  it('is told where the other phone takes it and does nothing', () => {
    const { bench, refer } = asking()
    bench.answer(refer, 202).pass(agentLimits.firstNotifyMilliseconds)
    expect(bench.event('referral')).toMatchObject({ state: 'failed', reason: 'failed' })
  })

  it('asks once at a time', () => {
    const { bench, call } = asking()
    expect(bench.command({ kind: 'refer', call, to: 'dora' }).out).toEqual([])
  })

  it('takes only notifications of its own REFER, written as they must be', () => {
    const { bench, refer, notify } = asking()
    const seq = first(refer, 'CSeq')!.split(' ')[0]
    expect(notify('x', { event: 'presence' }).statuses).toEqual([489])
    expect(notify('SIP/2.0 200 OK', { event: 'refer;id=999' }).statuses).toEqual([481])
    expect(notify('SIP/2.0 200 OK', { type: 'text/plain' }).statuses).toEqual([415])
    expect(notify('200 OK').statuses).toEqual([200])
    expect(bench.events).toEqual([])
    expect(notify('SIP/2.0 200 OK', { event: `Refer; id=${seq}` }).event('referral').state).toBe('answered')
  })

  it('hears no more of it when the call ended meanwhile', () => {
    const { bench, invite, notify } = asking()
    bench.receive(bench.inside(invite, 'BYE', 90))
    expect(bench.event('ended')).toMatchObject({ by: 'peer' })
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
    expect(notify('SIP/2.0 200 OK').statuses).toEqual([481])
  })

  it('hangs up once: what is told after that is of no call any more', () => {
    const { bench, call, notify } = asking()
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    const [bye] = bench.requests
    notify('SIP/2.0 200 OK', { state: 'terminated' })
    expect([bench.statuses, bench.methods, bench.events]).toEqual([[481], [], []])
    bench.answer(bye!, 200)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('answers what the other phone still asks when it hangs up', () => {
    const { bench, invite, notify } = asking()
    bench.receive(bench.inside(invite, 'INVITE', 40, { extra: [contact, sdpType], body: sdpOf(9) }))
    notify('SIP/2.0 200 OK', { state: 'terminated' })
    expect(bench.statuses).toEqual([200, 487])
    expect(bench.methods).toEqual(['BYE'])
  })

  it('asks again after a restart of the appliance, and hears no more of the first time', () => {
    const bench = new Bench()
    const { call, invite, token } = bench.established()
    bench.command({ kind: 'refer', call, to: 'carol' })
    const [before] = bench.requests
    bench.agents = new Bench().agents
    bench.command({ kind: 'restore', call, token }).attach()
    const seqOf = (request: SipRequest) => Number(first(request, 'CSeq')!.split(' ')[0])
    const told = (seq: number, id: number) => {
      const extra = [
        { name: 'Event', value: `refer;id=${id}` },
        { name: 'Content-Type', value: 'message/sipfrag' },
      ]
      return bench.receive(bench.inside(invite, 'NOTIFY', seq, { extra, body: 'SIP/2.0 180 Ringing\r\n' }))
    }
    expect(told(60, seqOf(before!)).statuses).toEqual([481])
    bench.command({ kind: 'refer', call, to: 'carol' })
    const [again] = bench.requests
    expect(seqOf(again!)).toBeGreaterThan(seqOf(before!))
    expect(told(61, seqOf(before!)).statuses).toEqual([481])
    expect(told(62, seqOf(again!)).event('referral').state).toBe('ringing')
  })

  it('takes one that says nothing but that no more comes', () => {
    const { bench, invite } = asking()
    const extra = [
      { name: 'Event', value: 'refer' },
      { name: 'Subscription-State', value: 'terminated;reason=timeout' },
    ]
    expect(bench.receive(bench.inside(invite, 'NOTIFY', 9, { extra })).statuses).toEqual([200])
  })
})

describe('a page that is handed on', () => {
  function asked(value = '<sip:carol@lanline.local>') {
    const bench = new Bench().attach()
    const { call, request: invite } = bench.invite()
    bench.answer(invite, 200, { sdp: sdpOf(2) })
    const refer = bench.inside(invite, 'REFER', 20, { extra: [{ name: 'Refer-To', value }, contact] })
    bench.receive(refer)
    const place = () => {
      const command = { kind: 'invite', ref: 'r2', to: 'carol', sdp: sdpOf(7), video: false } as const
      bench.command({ ...command, referred: call })
      return { next: bench.event('calling').call, request: bench.requests[0]! }
    }
    return { bench, call, invite, refer, place }
  }
  const notified = (bench: Bench): string[] =>
    bench.requests.filter(({ method }) => method === 'NOTIFY').map(bodyOf)

  it('is asked for a call, and tells how that goes; the other party hangs up', () => {
    const { bench, call, invite, place } = asked()
    expect(bench.statuses).toEqual([202])
    expect(bench.event('referred')).toEqual({
      ...{ kind: 'referred', call, to: { user: 'carol', displayName: '' } },
    })
    const [trying] = bench.requests
    expect(trying!.method).toBe('NOTIFY')
    expect(first(trying!, 'Event')).toBe('refer;id=20')
    expect(first(trying!, 'Subscription-State')).toMatch(/^active;expires=\d+$/)
    expect(first(trying!, 'Content-Type')).toBe('message/sipfrag;version=2.0')
    expect(bodyOf(trying!)).toBe('SIP/2.0 100 Trying\r\n')
    const { next, request } = place()
    expect(request.uri).toBe('sip:carol@lanline.local')
    expect(first(request, 'Replaces')).toBeUndefined()
    expect(first(request, 'Referred-By')).toBe('<sip:bob@lanline.local>')
    expect(notified(bench.answer(request, 180, { tag: 'carols' }))).toEqual(['SIP/2.0 180 Ringing\r\n'])
    bench.answer(request, 200, { tag: 'carols', sdp: sdpOf(8) })
    expect(bench.event('answered')).toMatchObject({ call: next, by: { user: 'carol' } })
    expect(notified(bench)).toEqual(['SIP/2.0 200 OK\r\n'])
    const last = bench.requests.find(({ method }) => method === 'NOTIFY')!
    expect(first(last, 'Subscription-State')).toBe('terminated;reason=noresource')
    bench.receive(bench.inside(invite, 'BYE', 21))
    expect(bench.event('ended')).toMatchObject({ call, by: 'peer' })
  })

  it.each([
    [486, [], 'SIP/2.0 486 Refused\r\nReason: SIP;cause=486;text="busy"\r\n'],
    [
      480,
      [{ name: 'Reason', value: 'SIP;cause=480;text="doNotDisturb"' }],
      'SIP/2.0 480 Refused\r\nReason: SIP;cause=480;text="doNotDisturb"\r\n',
    ],
  ])('tells why that call was not answered, and talks on: %i', (status, extra, fragment) => {
    const { bench, call, invite, place } = asked()
    const { request } = place()
    bench.answer(request, status, { tag: 'carols', extra })
    expect(notified(bench)).toEqual([fragment])
    expect(bench.event('ended').call).not.toBe(call)
    // It can be asked again.
    const again = [{ name: 'Refer-To', value: '<sip:dora@lanline.local>' }]
    expect(bench.receive(bench.inside(invite, 'REFER', 30, { extra: again })).statuses).toEqual([202])
  })

  it('may not want that', () => {
    const { bench, place } = asked()
    const { next, request } = place()
    bench.answer(request, 180, { tag: 'carols' })
    bench.command({ kind: 'bye', call: next, reason: 'cancelled' })
    expect(notified(bench)).toEqual(['SIP/2.0 487 Refused\r\nReason: SIP;cause=487;text="cancelled"\r\n'])
    expect(bench.methods).toContain('CANCEL')
  })

  it('says so when its client places nothing', () => {
    const { bench, invite, place } = asked()
    bench.pass(agentLimits.referralMilliseconds)
    expect(notified(bench)[0]).toMatch(/^SIP\/2\.0 480 /)
    // Later it rings nowhere: who asked for it was told, and expects no such call.
    expect(place()).toMatchObject({ request: undefined })
    expect(bench.event('ended')).toMatchObject({ by: 'server', code: 481, reason: 'failed' })
    // It may be asked for again.
    const again = [{ name: 'Refer-To', value: '<sip:dora@lanline.local>' }]
    expect(bench.receive(bench.inside(invite, 'REFER', 30, { extra: again })).statuses).toEqual([202])
    expect(place().request.uri).toBe('sip:dora@lanline.local')
  })

  it('rings nowhere once that call is over and some time has passed', () => {
    const { bench, invite, place } = asked()
    bench.receive(bench.inside(invite, 'BYE', 21))
    bench.pass(agentLimits.referralMilliseconds)
    expect(place()).toMatchObject({ request: undefined })
    expect(bench.event('ended')).toMatchObject({ code: 481 })
  })

  it('may place it again where its line broke: it is the same call', () => {
    const named = 'call;to-tag=theirs;from-tag=ours'
    const { bench, call, place } = asked(`<sip:carol@lanline.local?Replaces=${encodeURIComponent(named)}>`)
    const { next } = place()
    bench.command({ kind: 'bye', call: next, reason: 'lost' })
    expect(first(place().request, 'Replaces')).toBe(named)
    bench.command({ kind: 'detach', left: false }).command({ kind: 'restore', call, token: '' })
    bench.attach()
    expect(bench.events.filter(({ kind }) => kind === 'referred')).toEqual([])
  })

  it('goes where it was sent though the other party has hung up before', () => {
    const named = 'call;to-tag=theirs;from-tag=ours'
    const { bench, invite, place } = asked(
      `"Carol" <sip:carol@10.0.0.7:5060;transport=tcp?Replaces=${encodeURIComponent(named)}&Require=replaces>`,
    )
    expect(bench.event('referred').to).toEqual({ user: 'carol', displayName: 'Carol' })
    bench.receive(bench.inside(invite, 'BYE', 21))
    const { request } = place()
    expect(request.uri).toBe('sip:carol@10.0.0.7:5060;transport=tcp')
    expect(first(request, 'Replaces')).toBe(named)
    expect(tagOf(request, 'To')).toBeUndefined()
    expect(notified(bench.answer(request, 200, { tag: 'carols', sdp: sdpOf(8) }))).toEqual([])
  })

  it.each([
    ['', 400],
    ['<sip:a@x>, <sip:b@x>', 400],
    ['<tel:+49123>', 416],
    ['<sip:carol@somewhere.example>', 404],
    ['<sip:carol@lanline.local;method=BYE>', 603],
    ['<sip:carol@lanline.local?Replaces=a%0d%0aX:1>', 400],
    ['<sip:carol@lanline.local?Replaces=%E0%A4%A>', 400],
  ])('refuses to call %j: %i', (value, status) => {
    const { bench } = asked(value)
    expect(bench.statuses).toEqual([status])
    expect(bench.events).toEqual([])
  })

  const dora = [{ name: 'Refer-To', value: '<sip:dora@lanline.local>' }]

  it('is asked once at a time, and not for ever in one call', () => {
    const { bench, call, invite } = asked()
    expect(bench.receive(bench.inside(invite, 'REFER', 21, { extra: dora })).statuses).toEqual([491])
    const statuses = Array.from({ length: agentLimits.referralsPerCall }, (_, count) => {
      bench.pass(agentLimits.referralMilliseconds)
      return bench.receive(bench.inside(invite, 'REFER', 30 + count, { extra: dora })).statuses[0]
    })
    expect(statuses).toEqual([...Array(agentLimits.referralsPerCall - 1).fill(202), 603])
    bench.command({ kind: 'bye', call, reason: 'hangup' })
    bench.answer(bench.requests[0]!, 200).pass(agentLimits.referralMilliseconds)
    expect(bench.agents.sizes).toMatchObject({ calls: 0, timers: 0 })
  })

  it('says what it does not do that is required of it', () => {
    const { bench, invite } = asked()
    bench.pass(agentLimits.referralMilliseconds)
    const extra = [...dora, { name: 'Require', value: 'norefersub' }]
    bench.receive(bench.inside(invite, 'REFER', 21, { extra }))
    expect(bench.statuses).toEqual([420])
    expect(first(bench.sent[0]!, 'Unsupported')).toBe('norefersub')
    expect(bench.events).toEqual([])
  })

  it('is told again when it was away, and asked by nobody whom it does not talk with', () => {
    const { bench, call, invite, refer } = asked()
    bench.command({ kind: 'detach', left: false })
    bench.command({ kind: 'restore', call, token: '' }).attach()
    expect(bench.events.filter(({ kind }) => kind === 'referred')).toHaveLength(1)
    const stranger: SipRequest = {
      ...refer,
      headers: refer.headers.map(field =>
        field.name === 'To' ? { ...field, value: first(invite, 'From')!.split(';tag')[0]! } : field,
      ),
    }
    expect(bench.receive(stranger).statuses).toEqual([603])
  })

  it('places the call after a restart of the appliance as any other, and may be asked again', () => {
    const bench = new Bench()
    const { call, invite, token } = bench.established()
    bench.receive(bench.inside(invite, 'REFER', 20, { extra: dora }))
    bench.agents = new Bench().agents
    // No Call-ID of before is made again.
    bench.attach('erin', 'd9').command({ kind: 'invite', ref: 'r', to: 'bob', sdp: '', video: false }, 'd9')
    bench.command({ kind: 'restore', call, token }).attach()
    bench.command({ kind: 'invite', ref: 'r2', to: 'dora', sdp: sdpOf(7), video: false, referred: call })
    expect(bench.requests[0]!.uri).toBe('sip:dora@lanline.local')
    expect(notified(bench.answer(bench.requests[0]!, 486, { tag: 'doras' }))).toEqual([])
    expect(bench.receive(bench.inside(invite, 'REFER', 30, { extra: dora })).statuses).toEqual([202])
  })

  it('is not ended or held up by whatever stands in Refer-To or a fragment', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '>',
        'sip:',
        'carol',
        '@',
        ';',
        '?',
        'Replaces=',
        '%',
        '%0D',
        '&',
        ',',
        '"',
        ' ',
        'x',
        'ä',
        '\t',
      ],
    )
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.array(piece, { maxLength: 12 }).map(of => of.join('')),
    )
    fc.assert(
      fc.property(text, value => {
        const { bench } = asked(value)
        expect(bench.statuses).toHaveLength(1)
        for (const { name, value: written } of bench.sent.flatMap(({ headers }) => headers))
          expect(`${name}${written}`).not.toMatch(/[\r\n]/)
      }),
    )
    fc.assert(
      fc.property(text, body => {
        const bench = new Bench()
        const { call, invite } = bench.established()
        bench.command({ kind: 'refer', call, to: 'carol' })
        const extra = [
          { name: 'Event', value: 'refer' },
          { name: 'Content-Type', value: 'message/sipfrag' },
        ]
        bench.receive(bench.inside(invite, 'NOTIFY', 9, { extra, body: `SIP/2.0 ${body}` }))
        expect(bench.statuses).toEqual([200])
      }),
    )
  })
})
