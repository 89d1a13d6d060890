/** Whole scenarios over the simulated network: telephones, losses, restarts. */
import { describe, expect, it } from 'vitest'
import { first } from '../../src/sip/codec.ts'
import { SimHouse } from '../sim/house.ts'
import { type Conditions, calm, SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const rough: Conditions = {
  latencyMilliseconds: [2, 40],
  loss: 0.3,
  duplication: 0.1,
  reordering: 0.1,
}

function house(users: string[], o: { seed?: number; conditions?: Conditions } = {}): SimHouse {
  return new SimHouse(new SimNetwork(o.seed ?? 1, o.conditions ?? calm), users)
}

function registered(
  home: SimHouse,
  device: string,
  o: Partial<ConstructorParameters<typeof SimPhone>[1]> = {},
) {
  const phone = new SimPhone(home, { device, ...o })
  phone.register()
  const there = home.network.runUntil(() => phone.statuses.length > 0, 40_000)
  expect([there, phone.statuses[0]]).toEqual([true, 200])
  return phone
}

describe('two telephones', () => {
  it('register, ring, talk and hang up', () => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const call = alice.call('bob', { video: true })
    home.network.run(100)
    expect(call.statuses).toEqual([100, 180])
    bob.pickUp()
    home.network.run(100)
    expect(call.final).toBe(200)
    expect(bob.requests).toEqual(['INVITE', 'ACK'])
    alice.hangUp(call.dialog!)
    home.network.run(100)
    expect(bob.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(home.callLog()).toEqual(['started', 'ringing', 'answered', 'ended caller 0 hangup'])
    expect(home.calls[0]).toMatchObject({ video: true, caller: { user: 'alice', device: 'alice-1' } })
    expect(home.calls[2]).toMatchObject({ callee: { user: 'bob', device: 'bob-1' } })
    home.network.run(60_000)
    expect(home.machine.sizes).toEqual({
      bindings: 2,
      serverTransactions: 0,
      clientTransactions: 0,
      branches: 0,
      hostedCalls: 0,
    })
  })

  it('hang up on somebody whose right has ended: that is told, though nobody is there to hear it', () => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1')
    registered(home, 'bob-1', { onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(100)
    home.revoke('bob-1')
    alice.inDialog(call.dialog!, 'BYE', status => alice.statuses.push(status))
    home.network.run(100)
    expect(alice.statuses.at(-1)).toBe(480)
    expect(home.callLog().at(-1)).toBe('ended caller 0 hangup')
  })

  it.each(['caller', 'callee'] as const)('hang up without the route that was recorded: the %s', by => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1', { onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(100)
    const [phone, dialog] = by === 'caller' ? [alice, call.dialog!] : [bob, bob.incoming[0]!.dialog!]
    phone.hangUp({ ...dialog, routes: [] })
    home.network.run(100)
    expect((by === 'caller' ? bob : alice).requests).toContain('BYE')
    expect(home.callLog().filter(event => event.startsWith('ended'))).toContain(`ended ${by} 0 hangup`)
    const ends = home.calls.filter(event => event.kind === 'ended' && event.call === home.calls[0]!.call)
    expect(ends).toMatchObject([{ by, calleeTag: bob.incoming[0]!.tag }])
  })

  it.each([
    1, 2, 3, 4, 5, 6, 7, 8,
  ])('set up a call although three datagrams in ten are lost (seed %i)', seed => {
    const home = house(['alice', 'bob'], { seed, conditions: rough })
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1', { onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(32_000)
    expect(call.final).toBe(200)
    expect(bob.requests.filter(method => method === 'INVITE')).toHaveLength(1)
    expect(bob.requests).toContain('ACK')
    bob.hangUp(bob.incoming[0]!.dialog!)
    home.network.run(32_000)
    // A 180 may be lost for good: nothing repeats it.
    const log = home.callLog().filter(event => event !== 'ringing')
    expect(log).toEqual(['started', 'answered', 'ended callee 0 hangup'])
  })
})

describe('a user with several telephones', () => {
  const ringing = (conditions = calm) => {
    const home = house(['alice', 'bob'], { conditions })
    const alice = registered(home, 'alice-1')
    const phones = ['bob-1', 'bob-2', 'bob-3'].map(device => registered(home, device))
    const call = alice.call('bob')
    home.network.run(200)
    return { home, alice, phones, call }
  }

  it('has all of them ring, and the first to answer silences the others', () => {
    const { home, phones, call } = ringing()
    expect(call.statuses).toEqual([100, 180, 180, 180])
    phones[1]!.pickUp()
    home.network.run(200)
    expect(call.final).toBe(200)
    expect(phones.map(phone => phone.requests)).toEqual([
      ['INVITE', 'CANCEL', 'ACK'],
      ['INVITE', 'ACK'],
      ['INVITE', 'CANCEL', 'ACK'],
    ])
    const cancel = phones[0]!.received.find(one => one.kind === 'request' && one.method === 'CANCEL')!
    expect(first(cancel, 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    home.network.run(60_000)
    expect(home.callLog()).toEqual(['started', 'ringing', 'ringing', 'ringing', 'answered'])
    expect(home.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0, branches: 0 })
  })

  it('has all of them fall silent when the caller gives up', () => {
    const { home, alice, phones, call } = ringing()
    alice.cancel(call)
    home.network.run(200)
    expect(call.final).toBe(487)
    for (const phone of phones) expect(phone.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(home.callLog().at(-1)).toBe('ended caller 487 cancelled')
  })

  it('is busy only when every telephone is', () => {
    const { home, phones, call } = ringing()
    phones[0]!.refuse(486)
    phones[1]!.refuse(480)
    home.network.run(200)
    expect(call.final).toBeUndefined()
    phones[2]!.refuse(404)
    home.network.run(200)
    expect(call.final).toBe(486)
    expect(home.callLog().at(-1)).toBe('ended callee 486 busy')
  })

  it('declines for all with one 603', () => {
    const { home, phones, call } = ringing()
    phones[2]!.refuse(603)
    home.network.run(200)
    expect(call.final).toBe(603)
    expect(phones[0]!.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(home.callLog().at(-1)).toBe('ended callee 603 declined')
  })

  it('lets the second of two simultaneous answers through, for the caller to end', () => {
    const { home, phones, call } = ringing()
    phones[0]!.pickUp()
    phones[1]!.pickUp()
    home.network.run(200)
    expect(call.responses.filter(response => response.status === 200)).toHaveLength(2)
    expect(phones[0]!.requests).toContain('ACK')
    expect(phones[1]!.requests).toContain('ACK')
    expect(home.callLog().filter(event => event === 'answered')).toHaveLength(1)
  })

  it.each([0, 1, 2, 3, 4, 5, 6])('survives a CANCEL that crosses the answer, %i ms apart', apart => {
    const { home, alice, phones, call } = ringing()
    phones[0]!.pickUp()
    home.network.run(apart)
    alice.cancel(call)
    home.network.run(40_000)
    expect([200, 487]).toContain(call.final)
    const answered = home.callLog().includes('answered')
    expect(answered).toBe(call.final === 200)
    expect(phones[1]!.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    home.network.run(40_000)
    expect(home.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0, branches: 0 })
  })

  it('is not kept waiting by one that is dead', () => {
    const { home, phones, call } = ringing()
    phones[2]!.onInvite = 'silent'
    phones[0]!.pickUp()
    home.network.run(100)
    expect(call.final).toBe(200)
  })
})

describe('a call that finds nobody', () => {
  it.each([
    ['nobody', 404, 'notFound'],
    ['carol', 480, 'unreachable'],
    ['dora', 480, 'doNotDisturb'],
  ])('to %s is refused with %i', (to, status, reason) => {
    const home = house(['alice', 'carol', 'dora'])
    home.doNotDisturb.add('dora')
    const alice = registered(home, 'alice-1')
    registered(home, 'dora-1')
    const call = alice.call(to)
    home.network.run(100)
    expect(call.final).toBe(status)
    expect(home.callLog()).toEqual(['started', `ended server ${status} ${reason}`])
  })

  it('ends with 408 when the telephone never says anything', () => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1')
    registered(home, 'bob-1', { onInvite: 'silent' })
    const call = alice.call('bob')
    home.network.run(31_000)
    expect(call.final).toBeUndefined()
    home.network.run(2_000)
    expect(call.final).toBe(408)
    expect(home.callLog().at(-1)).toBe('ended server 408 noAnswer')
  })

  it('stops ringing after three minutes without an answer', () => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const call = alice.call('bob')
    home.network.run(179_000)
    expect(call.final).toBeUndefined()
    home.network.run(2_000)
    expect(bob.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(call.final).toBe(408)
    expect(home.callLog().at(-1)).toBe('ended server 408 noAnswer')
  })

  it("stops ringing when the caller's connection breaks", () => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1', { transport: 'wss' })
    const bob = registered(home, 'bob-1')
    alice.call('bob')
    home.network.run(100)
    alice.disconnect()
    home.network.run(100)
    expect(bob.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(home.callLog().at(-1)).toBe('ended caller 487 lost')
  })
})

describe('a call across transports', () => {
  const transports = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const
  const pairs = transports.flatMap(a => transports.map(b => [a, b] as const))

  it.each(pairs)('from %s to %s works both ways', (from, to) => {
    const home = house(['alice', 'bob'])
    const alice = registered(home, 'alice-1', { transport: from })
    const bob = registered(home, 'bob-1', { transport: to, onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(100)
    expect(call.final).toBe(200)
    const statuses: number[] = []
    alice.inDialog(call.dialog!, 'INVITE', status => statuses.push(status))
    home.network.run(100)
    bob.inDialog(bob.incoming[0]!.dialog!, 'INFO', status => statuses.push(status))
    home.network.run(100)
    bob.inDialog(bob.incoming[0]!.dialog!, 'BYE', status => statuses.push(status))
    home.network.run(100)
    expect(statuses).toEqual([200, 200, 200])
    expect(home.callLog().at(-1)).toBe('ended callee 0 hangup')
  })
})

describe('a call in progress', () => {
  const talking = (transport: 'udp' | 'tcp' | 'wss', o: { registers?: boolean } = {}) => {
    const home = house(['alice', 'bob'])
    const alice = new SimPhone(home, { device: 'alice-1', transport })
    if (o.registers !== false) {
      alice.register()
      home.network.run(100)
    }
    const bob = registered(home, 'bob-1', { transport, onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(200)
    expect(call.final).toBe(200)
    return { home, alice, bob, call, bobs: bob.incoming[0]!.dialog! }
  }

  it('is hung up after a restart of the house as if nothing had been', () => {
    const { home, bob, alice, call, bobs } = talking('udp')
    home.stop()
    home.network.run(5_000)
    home.start()
    bob.inDialog(bobs, 'INFO')
    home.network.run(100)
    expect(alice.requests).toEqual(['INFO'])
    alice.hangUp(call.dialog!)
    home.network.run(100)
    expect(bob.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(home.callLog().at(-1)).toBe('ended caller 0 hangup')
    const [started] = home.calls
    expect(home.calls.at(-1)!.call).toBe(started!.call)
  })

  it('waits for a telephone that has to register again after a restart', () => {
    const { home, bob, alice, call } = talking('wss')
    home.stop()
    home.network.run(1_000)
    home.start()
    alice.connect()
    alice.register()
    home.network.run(100)
    let status = 0
    alice.inDialog(call.dialog!, 'BYE', told => {
      status = told
    })
    home.network.run(20_000)
    expect(status).toBe(0)
    bob.connect()
    bob.register()
    home.network.run(100)
    expect(status).toBe(200)
    expect(bob.requests).toContain('BYE')
  })

  it('is answered 480 for a telephone that does not come back within thirty seconds', () => {
    const { home, bob, alice, call } = talking('wss')
    bob.disconnect()
    home.network.run(100)
    let status = 0
    alice.inDialog(call.dialog!, 'INFO', told => {
      status = told
    })
    home.network.run(29_000)
    expect(status).toBe(0)
    home.network.run(2_000)
    expect(status).toBe(480)
  })

  it('reaches a TCP telephone by a new connection', () => {
    const { home, bob, alice, call } = talking('tcp')
    bob.listen()
    bob.disconnect()
    home.network.run(100)
    alice.hangUp(call.dialog!)
    home.network.run(100)
    expect(bob.requests).toContain('BYE')
  })

  it.each([
    'udp',
    'tcp',
    'wss',
  ] as const)('goes on with a caller that never registered, over %s', transport => {
    const { home, bob, alice, call, bobs } = talking(transport, { registers: false })
    bob.inDialog(bobs, 'INFO')
    home.network.run(100)
    expect(alice.requests).toEqual(['INFO'])
    let status = 0
    alice.inDialog(call.dialog!, 'BYE', told => {
      status = told
    })
    home.network.run(100)
    expect(status).toBe(200)
    expect(home.callLog().at(-1)).toBe('ended caller 0 hangup')
  })

  it('is not open to a stranger who learnt its routes', () => {
    const { home, bob, call } = talking('udp')
    const stranger = new SimPhone(home, { device: 'mallory-1', password: 'guess' })
    let status = 0
    stranger.inDialog({ ...call.dialog!, cseq: 50 }, 'BYE', told => {
      status = told
    })
    home.network.run(200)
    expect(status).toBe(407)
    expect(bob.requests).not.toContain('BYE')
    expect(home.callLog().at(-1)).toBe('answered')
  })
})
