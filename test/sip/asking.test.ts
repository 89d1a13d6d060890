/** A phone is asked whether it is still in a call (RFC 2976 §2.2), and only one that knows nothing of it counts. */
import { expect, it } from 'vitest'
import { first } from '../../src/sip/codec.ts'
import type { CallDialog } from '../../src/sip/message.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const addresses = { alice: '10.0.1.2', bob: '10.0.1.3' }

/** Alice talks with Bob; the house forgot what it does not write down. */
function talking(options: Partial<PhoneOptions> = {}) {
  const house = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const [alice, bob] = (['alice', 'bob'] as const).map(user => {
    const phone = new SimPhone(house, { device: `${user}-1`, address: addresses[user], ...options })
    if (phone.transport === 'tcp') phone.listen()
    phone.register()
    return phone
  }) as [SimPhone, SimPhone]
  const run = (milliseconds = 300): void => house.network.run(milliseconds)
  const gone: string[] = []
  house.observe = effect => {
    if (effect.kind === 'gone') gone.push(effect.device)
  }
  run()
  bob.onInvite = 'answer'
  const call = alice.call('bob')
  run()
  const answered = house.calls.find(event => event.kind === 'answered')!
  house.stop()
  house.start()
  const ask = (side: 'caller' | 'callee', dialog: CallDialog = answered.dialog): void => {
    const device = side === 'caller' ? 'alice-1' : 'bob-1'
    house.ask({ call: answered.call, device, side, caller: 'alice', callee: 'bob', dialog })
    run()
  }
  return { house, alice, bob, call, run, gone, ask, dialog: answered.dialog }
}

it('by what the two of them know their call by, below all sequence numbers of theirs', () => {
  const { alice, bob, ask, gone, call, run } = talking()
  for (const side of ['caller', 'callee'] as const) ask(side)
  for (const [phone, theirs, others] of [
    [alice, 'alice', 'bob'],
    [bob, 'bob', 'alice'],
  ] as const) {
    const question = phone.received.find(message => message.kind === 'request' && message.method === 'INFO')!
    expect(first(question, 'Call-ID')).toBe(call.callId)
    expect(first(question, 'CSeq')).toBe('0 INFO')
    expect(first(question, 'To')).toMatch(new RegExp(`^<sip:${theirs}@.*;tag=`))
    expect(first(question, 'From')).toMatch(new RegExp(`^<sip:${others}@.*;tag=`))
  }
  const asked = bob.received.find(message => message.kind === 'request' && message.method === 'INFO')!
  expect(first(asked, 'From')!.split(';')[1]).toBe(first(call.invite, 'From')!.split(';')[1])
  expect(gone).toEqual([])
  bob.hangUp(bob.incoming[0]!.dialog!)
  run()
  expect(alice.requests, 'what they say to each other is not out of order').toEqual(['INFO', 'BYE'])
})

it('and is not told who called it, where it was not before', () => {
  const { house, bob, ask, dialog } = talking()
  house.ask({ call: 'c', device: 'bob-1', side: 'callee', caller: undefined, callee: 'bob', dialog })
  ask('caller')
  const asked = bob.received.find(message => message.kind === 'request' && message.method === 'INFO')!
  expect(first(asked, 'From')).toBe(`<sip:anonymous@anonymous.invalid>;tag=${dialog.callerTag}`)
})

it('and says that it is in none, or in another, by 481 alone', () => {
  const { alice, bob, ask, gone, call } = talking()
  call.dialog!.ended = true
  ask('caller')
  expect(gone).toEqual(['alice-1'])
  for (const status of [200, 405, 415, 500, 501]) {
    bob.otherStatus = status
    ask('callee')
  }
  expect(gone).toEqual(['alice-1'])
  expect(alice.requests).toEqual(['INFO'])
})

it('and two telephones with one password are both asked: one that was never in it says nothing of the other', () => {
  const { house, bob, ask, gone, run } = talking()
  const other = new SimPhone(house, { device: 'bob-1', address: '10.0.1.4' })
  other.register()
  run()
  ask('callee')
  expect([bob.requests.at(-1), other.requests]).toEqual(['INFO', ['INFO']])
  expect(gone).toEqual([])
  bob.incoming[0]!.dialog!.ended = true
  ask('callee')
  expect(gone).toEqual(['bob-1'])
})

it('and is over when the power of both was cut', () => {
  const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob'])
  const run = (milliseconds = 300): void => exchange.network.run(milliseconds)
  const switchedOn = (user: 'alice' | 'bob'): SimPhone => {
    const phone = new SimPhone(exchange.house, { device: `${user}-1`, address: addresses[user] })
    phone.register()
    run()
    return phone
  }
  const talk = (alice: SimPhone, bob: SimPhone): void => {
    bob.onInvite = 'answer'
    alice.call('bob')
    run()
  }
  const last = () => [...exchange.rows.values()].at(-1)!
  talk(switchedOn('alice'), switchedOn('bob'))
  run(180_000)
  const [alice, bob] = [switchedOn('alice'), switchedOn('bob')]
  expect(last().endedAt).toBeUndefined()
  run(3_000)
  expect([alice.requests, bob.requests]).toEqual([['INFO'], ['INFO']])
  expect(last()).toMatchObject({ reason: 'lost', endedBy: 'server' })
  talk(alice, bob)
  run(60_000)
  bob.countingAnew().register()
  run(60_000)
  expect(bob.requests, 'one that is still in its call').toEqual(['INFO', 'INVITE', 'ACK', 'INFO'])
  expect(last().endedAt).toBeUndefined()
})

it('and leaves nothing behind: where it is not connected, says nothing, or its connection breaks', () => {
  const udp = talking()
  udp.bob.deaf = true
  udp.ask('callee')
  expect(udp.house.machine.sizes.clientTransactions).toBe(1)
  udp.run(40_000)
  expect(udp.house.machine.sizes.clientTransactions).toBe(0)
  expect(udp.gone).toEqual([])

  const tcp = talking({ transport: 'tcp' })
  tcp.ask('callee')
  expect(tcp.bob.requests, 'nobody opens a connection to ask').toEqual(['INVITE', 'ACK'])
  tcp.bob.connect()
  tcp.bob.register()
  tcp.run()
  tcp.bob.deaf = true
  tcp.ask('callee')
  expect(tcp.house.machine.sizes.clientTransactions).toBe(1)
  tcp.bob.disconnect()
  tcp.run()
  expect(tcp.house.machine.sizes.clientTransactions).toBe(0)
})
