/** What telephones on desks and at doors are known to do, which the standard does not say or forbids. */
import { describe, expect, it } from 'vitest'
import { encode, first, parseAuth, parseNameAddr, tagOf, values } from '../../src/sip/codec.ts'
import type { HeaderField, SipMessage, SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, type SimDialog, SimPhone } from '../sim/phone.ts'

const house = (): SimHouse => new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])

function registered(home: SimHouse, device: string, o: Partial<PhoneOptions> = {}): SimPhone {
  const phone = new SimPhone(home, { device, ...o })
  phone.register()
  home.network.run(100)
  expect(phone.statuses).toEqual([200])
  return phone
}

const responses = (phone: SimPhone): SipResponse[] => phone.received.filter(one => one.kind === 'response')

const algorithms = (challenge: SipResponse): (string | undefined)[] =>
  challenge.headers
    .filter(field => field.name === 'WWW-Authenticate')
    .map(field => parseAuth(field.value)!.params.get('algorithm'))

describe('a telephone is asked for what it is known to read', () => {
  it.each([
    ['baresip v1.0.0 (x86_64/linux)', ['MD5']],
    ['baresip v3.11.0 (x86_64/Linux)', ['MD5']],
    ['baresip v3.12.1 (x86_64/Linux)', ['MD5', 'SHA-256']],
    ['baresip v4.0.0 (x86_64/Linux)', ['MD5', 'SHA-256']],
    ['Linphonec/5.1.65 (belle-sip/5.1.64)', ['MD5', 'SHA-256']],
    ['LinphoneAndroid/5.2.5 (Fairphone 4) LinphoneSDK/5.3.47', ['MD5', 'SHA-256']],
    // It reads the last challenge only, and knows MD5 alone.
    ['Twinkle/1.10.2', ['MD5']],
    // These give up when one is for SHA-256.
    ['calls sofia-sip/1.12.11', ['MD5']],
    ['Janus WebRTC Server SIP Plugin 0.0.8', ['MD5']],
    ['Yealink SIP-T46S 66.86.0.15', ['MD5']],
  ])('%s: %j', (agent, asked) => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { extra: [{ name: 'User-Agent', value: agent }] })
    home.network.run(100)
    expect(algorithms(responses(phone)[0]!)).toEqual(asked)
  })

  it('who does not say what it is: MD5 alone', () => {
    const home = house()
    const door = registered(home, 'alice-1')
    expect(algorithms(responses(door)[0]!)).toEqual(['MD5'])
  })
})

describe('a telephone that sends from another port than it listens at', () => {
  const cisco = { address: '10.0.1.40', port: 5060, sendsFrom: 51_234 }

  it('registers, is called, and hangs up', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1', { ...cisco, onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(200)
    expect(call.final).toBe(200)
    bob.hangUp(bob.incoming[0]!.dialog!)
    home.network.run(200)
    expect(alice.requests).toEqual(['BYE'])
    expect(home.callLog().at(-1)).toBe('ended callee 0 hangup')
  })

  it('calls, and is hung up on, also after a restart', () => {
    const home = house()
    const alice = registered(home, 'alice-1', { onInvite: 'answer' })
    const bob = registered(home, 'bob-1', cisco)
    const call = bob.call('alice')
    home.network.run(200)
    expect(call.final).toBe(200)
    home.stop()
    home.start()
    alice.hangUp(alice.incoming[0]!.dialog!)
    home.network.run(200)
    expect(bob.requests).toEqual(['BYE'])
  })

  it('calls without having registered, and is hung up on', () => {
    const home = house()
    const alice = registered(home, 'alice-1', { onInvite: 'answer' })
    const bob = new SimPhone(home, { device: 'bob-1', ...cisco })
    const call = bob.call('alice')
    home.network.run(200)
    expect(call.final).toBe(200)
    alice.hangUp(alice.incoming[0]!.dialog!)
    home.network.run(200)
    expect(bob.requests).toEqual(['BYE'])
  })
})

describe('a telephone that sends each datagram from a port of its own', () => {
  it('gives up a call, and is known when it says something again', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    let port = 49_152
    const own = { address: '10.0.1.40', port: 5060 }
    const bob = registered(home, 'bob-1', { ...own, sendsFrom: port })
    bob.send = message => home.network.datagram({ ...own, port: ++port }, home.local, encode(message).slice())
    const call = bob.call('alice')
    home.network.run(200)
    expect(call.statuses).toContain(180)
    bob.send(call.invite)
    home.network.run(200)
    expect(call.final).toBeUndefined()
    bob.cancel(call)
    home.network.run(1_000)
    expect(call.final).toBe(487)
    expect(alice.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
  })
})

const inside = (phone: SimPhone, dialog: SimDialog, method: string, extra: HeaderField[]) => {
  let status = 0
  const done = (answered: number) => {
    status = answered
  }
  phone.inDialog(dialog, method, done, extra)
  phone.house.network.run(200)
  return status
}

describe('a telephone that forwards calls', () => {
  /** Each forwards what comes to it as `to` says; the others ring. */
  const forwarding = (to: Record<string, string>, transport: 'udp' | 'tcp' = 'udp') => {
    const home = house()
    const phones = new Map(
      ['alice-1', 'bob-1', 'carol-1'].map(name => [
        name,
        registered(home, name, { transport, onInvite: name in to ? 'silent' : 'ring' }),
      ]),
    )
    const forwarded = new Set<unknown>()
    const forward = (): void => {
      for (const [device, contact] of Object.entries(to)) {
        for (const { request, tag } of phones.get(device)!.incoming) {
          if (forwarded.has(request)) continue
          forwarded.add(request)
          phones.get(device)!.answer(request, 302, tag, [{ name: 'Contact', value: contact }])
        }
      }
    }
    const run = (): void => {
      for (let times = 0; times < 10; times++) {
        home.network.run(50)
        forward()
      }
    }
    return {
      home,
      run,
      alice: phones.get('alice-1')!,
      bob: phones.get('bob-1')!,
      carol: phones.get('carol-1')!,
    }
  }

  it('sends them to somebody else in the house, whatever the caller makes of a redirection', () => {
    const { home, run, alice, carol } = forwarding({ 'bob-1': '<sip:carol@lanline.local;user=phone>' })
    const call = alice.call('bob')
    run()
    expect(call.statuses).toEqual([100, 180])
    carol.pickUp()
    run()
    expect(call.final).toBe(200)
    alice.hangUp(call.dialog!)
    run()
    expect(carol.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(home.callLog()).toEqual(['started', 'forwarded', 'ringing', 'answered', 'ended caller 0 hangup'])
    expect(home.calls[0]).toMatchObject({ callee: { user: 'bob' } })
    expect(home.calls[3]).toMatchObject({ callee: { user: 'carol', device: 'carol-1' } })
  })

  it.each([
    'udp',
    'tcp',
  ] as const)('and whoever took one hands it on, writes and hangs up as who was called, over %s', transport => {
    const { run, alice, carol } = forwarding({ 'bob-1': '<sip:carol@lanline.local>' }, transport)
    alice.call('bob')
    run()
    carol.pickUp()
    run()
    const dialog = carol.incoming[0]!.dialog!
    expect(dialog.local).toContain('sip:bob@')
    const status = (method: string, extra: HeaderField[] = []): number => inside(carol, dialog, method, extra)
    expect(status('REFER', [{ name: 'Refer-To', value: '<sip:alice@lanline.local>' }])).toBe(200)
    expect(status('MESSAGE')).toBe(200)
    const held = carol.reInvite(dialog)
    run()
    expect([held, status('BYE')]).toEqual([[200], 200])
    expect(alice.requests).toEqual(['REFER', 'MESSAGE', 'INVITE', 'ACK', 'BYE'])
  })

  it('can be given up by the caller while the other one rings', () => {
    const { home, run, alice, carol } = forwarding({ 'bob-1': '<sip:carol@lanline.local>' })
    const call = alice.call('bob')
    run()
    alice.cancel(call)
    run()
    expect(call.final).toBe(487)
    expect(carol.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(home.callLog().at(-1)).toBe('ended caller 487 cancelled')
    home.network.run(60_000)
    expect(home.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0, branches: 0 })
  })

  it.each([
    ['to itself', { 'bob-1': '<sip:bob@lanline.local>' }],
    ['in a circle', { 'bob-1': '<sip:carol@lanline.local>', 'carol-1': '<sip:bob@lanline.local>' }],
    ['to the caller, who has no other telephone', { 'bob-1': '<sip:alice@lanline.local>' }],
  ])('and does so %s is not there', (_, to) => {
    const { home, run, alice } = forwarding(to as Record<string, string>)
    const call = alice.call('bob')
    run()
    expect(call.final).toBe(480)
    expect(home.callLog().at(-1)).toBe('ended server 480 unreachable')
  })

  it('to somebody who is not to be disturbed, or whom the caller may not know, finds them so', () => {
    for (const [status, hide] of [
      [480, false],
      [404, true],
    ] as const) {
      const { home, run, alice, carol } = forwarding({ 'bob-1': '<sip:carol@lanline.local>' })
      if (hide) home.mayCall = (_, callee) => callee !== 'carol'
      else home.doNotDisturb.add('carol')
      const call = alice.call('bob')
      run()
      expect(call.final).toBe(status)
      expect(carol.requests).toEqual([])
    }
  })

  it('out of the house tells the caller so', () => {
    const { run, alice } = forwarding({ 'bob-1': '<tel:+493012345>, <sip:493012345@provider.example>' })
    const call = alice.call('bob')
    run()
    expect(call.final).toBe(302)
    expect(first(call.responses.at(-1)!, 'Contact')).toContain('provider.example')
  })

  it('leaves the others of the one who was called ringing, and the first to answer takes it', () => {
    const { home, run, alice, carol } = forwarding({ 'bob-1': '<sip:carol@lanline.local>' })
    const other = registered(home, 'bob-2')
    const call = alice.call('bob')
    run()
    other.pickUp()
    run()
    expect(call.final).toBe(200)
    expect(carol.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
  })
})

describe('a telephone with one Call-ID for ever, that counts from one after its power was cut', () => {
  const rebooted = (o: { afterMilliseconds: number; houseToo?: boolean; withdraws?: boolean }) => {
    const home = house()
    const door = new SimPhone(home, { device: 'alice-1' })
    const register = (cseq: number, contact = door.contact, expires = '3600'): void => {
      door.request({
        method: 'REGISTER',
        uri: 'sip:lanline.local',
        to: '<sip:alice@lanline.local>',
        callId: '00:11:22:33:44:55',
        cseq: () => cseq++,
        extra: [
          { name: 'Contact', value: contact },
          { name: 'Expires', value: expires },
        ],
        done: answer => door.statuses.push(answer.status),
      })
      home.network.run(100)
    }
    register(700)
    if (o.houseToo) home.stop()
    home.network.run(o.afterMilliseconds)
    if (o.houseToo) home.start()
    if (o.withdraws) register(1, '*', '0')
    register(3)
    return door.statuses
  }

  it('registers again, also when the house was without power, too', () => {
    expect(rebooted({ afterMilliseconds: 33_000 })).toEqual([200, 200])
    expect(rebooted({ afterMilliseconds: 10_000, houseToo: true })).toEqual([200, 200])
  })

  it('may take back first what it registered before', () => {
    expect(rebooted({ afterMilliseconds: 60_000, withdraws: true })).toEqual([200, 200, 200])
  })

  it('is told apart from a request that was overtaken on the way', () => {
    expect(rebooted({ afterMilliseconds: 10_000 })).toEqual([200, 500])
  })
})

describe('a telephone that reads the first Contact only', () => {
  it('finds its own there, and the one it has now', () => {
    const home = house()
    registered(home, 'alice-2')
    const phone = registered(home, 'alice-1')
    phone.register(600, { contact: '<sip:alice-1@10.0.1.9:5062>' })
    home.network.run(100)
    const listed = values(responses(phone).at(-1)!, 'Contact')
    expect(listed).toHaveLength(3)
    expect(listed[0]).toBe('<sip:alice-1@10.0.1.9:5062>;expires=600')
    expect(listed[1]).toContain('sip:alice-1@')
  })
})

describe('a call that is handed on', () => {
  it('does not ring the pages of who has it on a telephone', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const carol = registered(home, 'carol-1', { onInvite: 'answer' })
    const { address } = carol.local
    home.agent('carol-2', {
      ...{ kind: 'attach', user: 'carol', displayName: 'Carol', userAgent: '' },
      ...{ remote: { address, port: 1 }, local: home.local },
    })
    const before = bob.call('carol')
    home.network.run(200)
    home.agentEvents.length = 0
    const tag = tagOf(before.responses.at(-1)!, 'To')
    const value = `${before.callId};to-tag=${tag};from-tag=${before.dialog!.localTag}`
    const call = alice.call('carol', { extra: [{ name: 'Replaces', value }] })
    home.network.run(200)
    expect(call.final).toBe(200)
    expect(home.agentEvents).toEqual([])
  })

  const referred = (phone: SimPhone): string =>
    first(phone.received.filter(one => one.kind === 'request' && one.method === 'REFER').at(-1)!, 'Refer-To')!

  it.each([
    'udp',
    'tcp',
  ] as const)('blindly, over %s: REFER, a call, and NOTIFY of how it goes', transport => {
    const home = house()
    const [alice, bob, carol] = ['alice-1', 'bob-1', 'carol-1'].map(device =>
      registered(home, device, { transport, onInvite: 'answer' }),
    ) as [SimPhone, SimPhone, SimPhone]
    const call = alice.call('bob')
    home.network.run(200)
    const bobs = bob.incoming[0]!.dialog!
    expect(inside(bob, bobs, 'REFER', [{ name: 'Refer-To', value: '<sip:carol@lanline.local>' }])).toBe(200)
    const uri = parseNameAddr(referred(alice))!.uri
    const next = alice.call(uri, { extra: [{ name: 'Referred-By', value: '<sip:bob@lanline.local>' }] })
    home.network.run(200)
    expect(next.final).toBe(200)
    const frag = [
      { name: 'Event', value: 'refer' },
      { name: 'Subscription-State', value: 'terminated;reason=noresource' },
      { name: 'Content-Type', value: 'message/sipfrag;version=2.0' },
    ]
    expect(inside(alice, call.dialog!, 'NOTIFY', frag)).toBe(200)
    expect(inside(bob, bobs, 'BYE', [])).toBe(200)
    expect(bob.requests.slice(-2)).toEqual(['ACK', 'NOTIFY'])
    expect(carol.requests).toEqual(['INVITE', 'ACK'])
    expect(home.callLog()).toEqual([
      ...['started', 'ringing', 'answered', 'started', 'ringing', 'answered'],
      'ended callee 0 hangup',
    ])
  })

  it.each([
    ['as it is registered', (contact: string) => contact],
    ['with its transport said', (contact: string) => `${contact};transport=udp`],
    ['with parameters of the dialog', (contact: string) => `${contact};ob;user=phone`],
  ])('after a word with the other, whose contact stands in Refer-To %s', (_, written) => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1', { onInvite: 'answer' })
    const carol = registered(home, 'carol-1', { onInvite: 'answer' })
    const first = bob.call('carol')
    home.network.run(200)
    const replaces = `${first.callId};to-tag=x;from-tag=${first.dialog!.localTag}`
    const call = alice.call(written(first.dialog!.target), { extra: [{ name: 'Replaces', value: replaces }] })
    home.network.run(200)
    expect(call.final).toBe(200)
    expect(carol.requests).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK'])
  })
})

describe('what somebody dials who is used to another exchange', () => {
  it.each([
    '#31#20',
    '*97',
    '+4930123456',
    '0',
    '%2321%23',
  ])('%s is nobody’s, and stands in the log', dialled => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const call = alice.call(`sip:${dialled}@lanline.local;user=phone`)
    home.network.run(100)
    expect(call.final).toBe(404)
    expect(home.callLog()).toEqual(['started', 'ended server 404 notFound'])
    expect(home.calls[0]).toMatchObject({ callee: { user: decodeURIComponent(dialled) } })
  })
})

describe('a call that is not answered yet', () => {
  it.each(['udp', 'tcp'] as const)('passes on PRACK and UPDATE of both, over %s', transport => {
    const home = house()
    const alice = registered(home, 'alice-1', { transport })
    const bob = registered(home, 'bob-1', { transport, onInvite: 'silent' })
    const call = alice.call('bob', { extra: [{ name: 'Supported', value: '100rel, timer' }] })
    home.network.run(100)
    const { request: invite, tag } = bob.incoming[0]!
    const routes = values(invite, 'Record-Route')
    const reliably = [
      { name: 'Require', value: '100rel' },
      { name: 'RSeq', value: '1' },
      { name: 'Contact', value: bob.contact },
      ...routes.map(value => ({ name: 'Record-Route', value })),
    ]
    const progress = bob.answer(invite, 183, tag, reliably)
    home.network.run(100)
    const told = call.responses.at(-1)!
    expect([told.status, first(told, 'RSeq'), first(told, 'Require')]).toEqual([183, '1', '100rel'])
    const asked = (
      phone: SimPhone,
      method: string,
      dialog: Omit<SimDialog, 'cseq' | 'ended' | 'localTag'>,
    ) => {
      let status = 0
      phone.request({
        ...{ method, uri: dialog.target, to: dialog.remote, from: dialog.local, callId: dialog.callId },
        cseq: () => 50,
        extra: dialog.routes.map(value => ({ name: 'Route', value })),
        done: answer => {
          status = answer.status
        },
      })
      home.network.run(100)
      return status
    }
    const { callId } = call
    const local = first(call.invite, 'From')!
    const remote = first(progress, 'To')!
    const ofCaller = { callId, local, remote, target: contactIn(told), routes: [...routes].reverse() }
    const ofCallee = { callId, local: remote, remote: local, target: contactIn(call.invite), routes }
    expect(asked(alice, 'PRACK', ofCaller)).toBe(200)
    expect(asked(alice, 'UPDATE', ofCaller)).toBe(200)
    expect(asked(bob, 'UPDATE', ofCallee)).toBe(200)
    expect(bob.requests).toEqual(['INVITE', 'PRACK', 'UPDATE'])
    expect(alice.requests).toEqual(['UPDATE'])
    expect(home.callLog()).toEqual(['started', 'ringing'])
  })
})

const contactIn = (message: SipMessage): string => parseNameAddr(first(message, 'Contact')!)!.uri
