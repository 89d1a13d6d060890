/**
 * A telephone that is registered and not there: switched off, out of range, its registration not over yet. It cannot be
 * cancelled (RFC 3261 §9.1), so nobody waits for it who has given up, or been declined; and what it may still say leaves
 * it in no call.
 */
import { describe, expect, it } from 'vitest'
import { branchLimits } from '../../src/sip/branches.ts'
import { first, response, tagOf, values } from '../../src/sip/codec.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { calm, SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

/** Alice calls; Bob has a telephone that rings and one that is dead. */
function home(caller: Partial<PhoneOptions> = {}) {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol', 'house'])
  const [alice, rings, dead, carol] = ['alice-1', 'bob-1', 'bob-2', 'carol-1'].map((device, index) => {
    const options = index === 0 ? caller : {}
    const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}`, ...options })
    phone.register()
    return phone
  }) as [SimPhone, SimPhone, SimPhone, SimPhone]
  const run = (milliseconds = 300): void => at.network.run(milliseconds)
  run()
  dead.deaf = true
  const only = () => rings.register(0)
  const tables = () => at.machine.sizes
  return { at, alice, rings, dead, carol, run, only, tables }
}

const empty = { serverTransactions: 0, clientTransactions: 0, branches: 0 }
const methods = (phone: SimPhone): string[] => phone.requests

describe('a telephone that is dead', () => {
  it('does not keep a caller who gives up', () => {
    const { at, alice, dead, run, only, tables } = home()
    only()
    run()
    const call = alice.call('bob')
    run()
    expect(call.statuses).toEqual([100])
    alice.cancel(call)
    run()
    expect(call.final).toBe(487)
    expect(at.callLog()).toEqual(['started', 'ended caller 487 cancelled'])
    expect(tables()).toMatchObject({ branches: 1, clientTransactions: 1 })
    run(40_000)
    expect(methods(dead)).toEqual([])
    expect(tables()).toMatchObject(empty)
  })

  it('does not keep a caller who gives up while another one rings', () => {
    const { at, alice, rings, run } = home()
    const call = alice.call('bob')
    run()
    alice.cancel(call)
    run()
    expect(call.final).toBe(487)
    expect(methods(rings)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(at.callLog().at(-1)).toBe('ended caller 487 cancelled')
  })

  it('does not keep from a caller that they are declined', () => {
    const { at, alice, rings, run, tables } = home()
    const call = alice.call('bob')
    run()
    rings.refuse(603)
    run()
    expect(call.final).toBe(603)
    expect(at.callLog().slice(-2)).toEqual(['declined', 'ended callee 603 declined'])
    run(60_000)
    expect(tables()).toMatchObject(empty)
  })

  it('is tried for as long as somebody else of the house may take the call', () => {
    const { at, alice, rings, carol, run } = home()
    at.alsoRings.set('house', ['bob', 'carol'])
    const call = alice.call('house')
    run()
    rings.refuse(603)
    run()
    expect(call.final).toBeUndefined()
    carol.refuse(603)
    run()
    expect(call.final).toBe(603)
  })

  it('does not keep a call alive whose caller is lost, or has lost their right', () => {
    for (const how of ['lost', 'revoked'] as const) {
      const { at, alice, run, only, tables } = home({ transport: 'tcp' })
      only()
      run()
      const call = alice.call('bob')
      run()
      if (how === 'lost') alice.disconnect()
      else at.revoke('alice-1')
      run()
      expect(at.callLog().at(-1), how).toBe('ended caller 487 lost')
      expect(call.final).toBe(undefined)
      run(40_000)
      expect(tables()).toMatchObject(empty)
    }
  })

  it('is not called any longer once it has lost its right', () => {
    const { at, alice, run, only } = home()
    only()
    run()
    const call = alice.call('bob')
    run()
    at.revoke('bob-2')
    run()
    expect(call.final).toBe(480)
    expect(at.callLog().at(-1)).toBe('ended server 480 unreachable')
  })

  it('that died as it rang keeps nobody longer than two seconds', () => {
    const { at, alice, rings, run, tables } = home()
    const call = alice.call('bob')
    run()
    rings.deaf = true
    alice.cancel(call)
    run(1_500)
    expect(call.final).toBeUndefined()
    run(1_000)
    expect(call.final).toBe(487)
    expect(at.callLog().at(-1)).toBe('ended caller 487 cancelled')
    run(60_000)
    expect(tables()).toMatchObject(empty)
  })
})

it('calls that were given up count for as long as a dead telephone is still tried', () => {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob'], { transactionBytes: 20_000 })
  const [alice, dead] = ['alice-1', 'bob-1'].map((device, index) => {
    const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}` })
    phone.register()
    return phone
  }) as [SimPhone, SimPhone]
  at.network.run(300)
  dead.deaf = true
  const finals = Array.from({ length: 40 }, () => {
    const call = alice.call('bob')
    at.network.run(50)
    if (call.final === undefined) alice.cancel(call)
    at.network.run(50)
    return call.final
  })
  // Who gives up may do so when there is no room for another call.
  expect([...new Set(finals)]).toEqual([487, 503])
  expect(at.machine.sizes.branches).toBe(finals.filter(status => status === 487).length)
  at.network.run(60_000)
  expect(at.machine.sizes).toMatchObject(empty)
  const call = alice.call('bob')
  at.network.run(50)
  expect(call.statuses).toEqual([100])
})

describe('a telephone that is there after all', () => {
  /** It got the call, and says so when nobody waits for it any more. */
  function late() {
    const parts = home()
    const { alice, dead, run, only } = parts
    only()
    run()
    dead.deaf = false
    dead.onInvite = 'silent'
    const call = alice.call('bob')
    run(100)
    alice.cancel(call)
    run(100)
    expect(call.final).toBe(487)
    return { ...parts, call }
  }

  it('is cancelled as soon as it rings', () => {
    const { at, alice, dead, run, tables } = late()
    const { request, tag } = dead.incoming[0]!
    dead.answer(request, 180, tag)
    run()
    expect(methods(dead)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(alice.requests).toEqual([])
    run(60_000)
    expect(tables()).toMatchObject(empty)
    expect(at.callLog()).toEqual(['started', 'ended caller 487 cancelled'])
  })

  it('is in no call once it answers: lanline ends that itself (RFC 6026 leaves nobody else to)', () => {
    const { at, dead, call, run, tables } = late()
    dead.pickUp()
    run()
    expect(methods(dead)).toEqual(['INVITE', 'ACK', 'BYE'])
    const [ack, bye] = dead.received.filter(one => one.kind === 'request').slice(-2)
    expect([ack, bye].map(one => tagOf(one!, 'From'))).toEqual([1, 2].map(() => tagOf(call.invite, 'From')))
    expect([ack, bye].map(one => first(one!, 'CSeq'))).toEqual(['2 ACK', '3 BYE'])
    expect(values(bye!, 'Route')).toEqual([])
    expect(first(bye!, 'Reason')).toContain('cancelled')
    expect(dead.incoming[0]!.dialog!.ended).toBe(true)
    expect(call.statuses).toEqual([100, 487])
    run(60_000)
    expect(at.callLog()).toEqual(['started', 'ended caller 487 cancelled'])
    expect(tables()).toMatchObject(empty)
  })

  it('is told again that its answer came, and hung up once', () => {
    const { at, dead, run } = late()
    const sent: string[] = []
    at.observe = effect => {
      if (effect.kind === 'send') sent.push(Buffer.from(effect.bytes).toString('latin1').split(' ', 1)[0]!)
    }
    const { request, tag } = dead.incoming[0]!
    const answer = dead.answer(request, 200, tag, [{ name: 'Contact', value: dead.contact }])
    run()
    dead.send(answer)
    run()
    expect(sent).toEqual(['ACK', 'BYE', 'ACK'])
  })

  it('is hung up once for each that answered behind it, and only some of them', () => {
    const { at, dead, run, tables } = late()
    const { request } = dead.incoming[0]!
    for (let round = 0; round < 2; round++)
      for (let leg = 0; leg < 100; leg++)
        dead.answer(request, 200, `leg${leg}`, [{ name: 'Contact', value: dead.contact }])
    run()
    const byes = dead.received.filter(one => one.kind === 'request' && one.method === 'BYE')
    expect(new Set(byes.map(one => tagOf(one, 'To'))).size).toBe(byes.length)
    expect(byes.length).toBe(branchLimits.legs)
    run(60_000)
    expect(tables()).toMatchObject(empty)
    expect(at.callLog()).toEqual(['started', 'ended caller 487 cancelled'])
  })

  it('is hung up by the way that it recorded beyond lanline', () => {
    const { dead, run } = late()
    const { request, tag } = dead.incoming[0]!
    const edge = (name: string) => `<sip:${name}.example;lr>`
    const ours = values(request, 'Record-Route')
    const recorded = [edge('near-phone'), edge('near-us'), ...ours].map(value => ({
      ...{ name: 'Record-Route', value },
    }))
    dead.send(response(request, 200, 'OK', [...recorded, { name: 'Contact', value: dead.contact }], tag))
    run()
    const [ack, bye] = dead.received.filter(one => one.kind === 'request').slice(-2)
    const way = [edge('near-us'), edge('near-phone')]
    expect([ack, bye].map(one => values(one!, 'Route'))).toEqual([way, way])
  })

  it('has no call where the 2xx was on its way as the caller’s line broke', () => {
    const { at, alice, rings, run, tables } = home({ transport: 'tcp' })
    const call = alice.call('bob')
    run()
    let isCancelled = false
    at.observe = effect => {
      if (effect.kind === 'send') isCancelled ||= Buffer.from(effect.bytes).toString().startsWith('CANCEL')
    }
    alice.disconnect()
    expect(at.network.runUntil(() => isCancelled, 100)).toBe(true)
    rings.pickUp()
    run()
    expect(call.final).toBeUndefined()
    expect(methods(rings).slice(-2)).toEqual(['ACK', 'BYE'])
    expect(rings.incoming[0]!.dialog!.ended).toBe(true)
    run(60_000)
    expect(at.callLog().at(-1)).toBe('ended caller 487 lost')
    expect(tables()).toMatchObject(empty)
  })

  it('goes on talking where it was only asked again within a call', () => {
    const { alice, rings, run } = home()
    const call = alice.call('bob')
    run()
    rings.pickUp()
    run()
    const { dialog } = call
    rings.deaf = true
    let invite = call.invite
    const statuses: number[] = []
    alice.request({
      ...{ method: 'INVITE', uri: dialog!.target, to: dialog!.remote, from: dialog!.local },
      ...{ callId: dialog!.callId, cseq: () => ++dialog!.cseq },
      extra: [
        ...dialog!.routes.map(value => ({ name: 'Route', value })),
        { name: 'Contact', value: alice.contact },
      ],
      sending: request => {
        invite = request
      },
      done: ({ status }) => statuses.push(status),
    })
    run(100)
    alice.cancel({ ...call, invite })
    run(100)
    rings.deaf = false
    run(5_000)
    expect(statuses[0]).toBe(200)
    expect(methods(rings)).not.toContain('BYE')
  })
})

describe('a page that calls a dead telephone', () => {
  it('has its row closed at once when it gives up, and hears at once that it was declined', () => {
    const network = new SimNetwork(1, { ...calm })
    const exchange = new SimExchange(network, ['alice', 'bob'])
    const dead = new SimPhone(exchange.house, { device: 'bob-1', address: '10.0.1.9' })
    dead.register()
    const alice = new SimClient(exchange, 'alice-5')
    alice.connect()
    network.run(1_000)
    dead.deaf = true
    alice.call('bob')
    network.run(500)
    const [call] = [...alice.calls.keys()]
    alice.hangUp(call!)
    network.run(500)
    expect([...exchange.rows.values()].map(row => row.endedAt !== undefined)).toEqual([true])
    const bob = new SimClient(exchange, 'bob-5')
    bob.connect()
    network.run(500)
    alice.call('bob')
    network.run(500)
    const second = [...bob.calls.keys()].at(-1)!
    bob.decline(second)
    network.run(500)
    const ends = alice.told.filter(message => message.type === 'ended')
    expect(ends.at(-1)).toMatchObject({ call: second, reason: 'declined' })
    network.run(40_000)
    expect(exchange.leftovers()).toEqual({})
  })
})

const seeds = process.env.LANLINE_SOAK === '1' ? 5_000 : 200

describe('whatever telephones do that come and go', () => {
  it(`who gives up is free at once, and nobody is left in a call alone (${seeds} seeds)`, () => {
    for (let seed = 1; seed <= seeds; seed++) comeAndGo(seed)
  }, 600_000)
})

/**
 * A page calls Bob, or a house where Carol is rung as well; their telephones ring, decline, answer, die and are back. In every
 * other house Bob's three are the flows of one telephone (RFC 5626).
 */
function comeAndGo(seed: number): void {
  const loss = seed % 3 === 0 ? 0.1 : 0
  const network = new SimNetwork(seed, { ...calm, loss, latencyMilliseconds: [1, 20] })
  const exchange = new SimExchange(network, ['alice', 'bob', 'carol', 'house'])
  exchange.house.alsoRings.set('house', ['bob', 'carol'])
  const { random } = network
  const isOne = seed % 2 === 0
  const bobs = isOne ? ['bob-1', 'bob-1', 'bob-1'] : ['bob-1', 'bob-2', 'bob-3']
  const phones = [...bobs, 'carol-1'].map((device, index) => {
    const transport = index === 2 ? 'tcp' : 'udp'
    const onInvite = random.below(3) === 0 ? 'silent' : 'ring'
    const phone = new SimPhone(exchange.house, {
      device,
      transport,
      address: `10.0.1.${index + 2}`,
      onInvite,
      ...(isOne && index < 3 && { contactParams: `;reg-id=${index + 1};+sip.instance="<urn:uuid:0>"` }),
    })
    phone.register(3600, { extra: [{ name: 'Supported', value: 'path, outbound' }] })
    return phone
  })
  const alice = new SimClient(exchange, 'alice-5')
  alice.connect()
  network.run(2_000)
  const hangUp = () => {
    for (const call of alice.calls.keys()) alice.hangUp(call)
  }
  for (let step = 0; step < 12; step++) {
    const phone = phones[random.below(phones.length)]!
    const ringing = phone.incoming.at(-1)
    const mayAnswer = ringing !== undefined && ringing.dialog === undefined && !ringing.refused
    const what = random.below(8)
    if (what < 2 && alice.calls.size === 0) alice.call(random.below(2) === 0 ? 'bob' : 'house')
    else if (what === 2) hangUp()
    // What a connection brings comes once.
    else if (what < 5 && phone.transport === 'udp') phone.deaf = !phone.deaf
    else if (what < 7 && mayAnswer) phone.pickUp()
    else if (mayAnswer)
      phone.refuse((isOne ? [486, 603, 408, 430] : [486, 603])[random.below(isOne ? 4 : 2)]!)
    network.run([0, 3, 20, 100, 600, 2_000, ...(isOne ? [4_500] : [])][random.below(isOne ? 7 : 6)]!)
  }
  // What was said is heard.
  network.run(100)
  hangUp()
  network.run(2_500)
  const open = [...exchange.rows.values()].filter(row => row.endedAt === undefined)
  expect(open, `seed ${seed}: open rows`).toEqual([])
  for (const phone of phones) phone.deaf = false
  network.run(100_000)
  expect(exchange.leftovers(), `seed ${seed}: left behind`).toEqual({})
  const alone = phones.flatMap(({ device, incoming }) =>
    incoming.flatMap(({ dialog }) => (dialog === undefined || dialog.ended ? [] : device)),
  )
  expect(alone, `seed ${seed}: in a call alone`).toEqual([])
}
