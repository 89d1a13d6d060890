/** A call and a daemon that is killed in the middle of it: what people see, and what the record says. */
import { describe, expect, it } from 'vitest'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

function house() {
  const network = new SimNetwork(1)
  const exchange = new SimExchange(network, ['alice', 'bob', 'carol'])
  const client = (device: string): SimClient => {
    const made = new SimClient(exchange, device)
    made.connect()
    return made
  }
  return { network, exchange, client }
}

function callBetweenTwo() {
  const { network, exchange, client } = house()
  const alice = client('alice-5')
  const bob = client('bob-5')
  alice.peers.push(bob)
  bob.peers.push(alice)
  network.run(100)
  alice.call('bob')
  network.run(1_000)
  const call = [...bob.calls.keys()][0]!
  bob.answer(call)
  network.run(1_000)
  return { network, exchange, alice, bob, call }
}

const isEstablished = (client: SimClient, call: string): boolean =>
  client.calls.get(call)?.state === 'established'

for (const downMilliseconds of [1_000, 180_000]) {
  describe(`the daemon is killed and back after ${downMilliseconds / 1_000} s`, () => {
    it('the call goes on, hang-up works, and the record has the true end', () => {
      const { network, exchange, alice, bob, call } = callBetweenTwo()
      exchange.stop()
      network.run(downMilliseconds)
      exchange.start()
      network.run(5_000)
      expect(isEstablished(alice, call) && isEstablished(bob, call)).toBe(true)
      bob.peers.length = 0
      bob.hangUp(call)
      const endedAt = network.epoch()
      network.run(5_000)
      expect(alice.calls.size + bob.calls.size).toBe(0)
      const row = exchange.rows.get(call)!
      expect(row).toMatchObject({ reason: 'hangup', endedBy: 'callee', missed: false })
      expect(Math.abs(row.endedAt! - endedAt)).toBeLessThan(100)
      network.run(60_000)
      expect(exchange.leftovers()).toEqual({})
    })

    it('what was hung up meanwhile ended when it did', () => {
      const { network, exchange, alice, bob, call } = callBetweenTwo()
      exchange.stop()
      network.run(500)
      alice.hangUp(call)
      const endedAt = network.epoch()
      network.run(downMilliseconds)
      exchange.start()
      network.run(5_000)
      expect(alice.calls.size + bob.calls.size).toBe(0)
      const row = exchange.rows.get(call)!
      expect(row).toMatchObject({ reason: 'hangup', endedBy: 'caller' })
      expect(Math.abs(row.endedAt! - endedAt)).toBeLessThan(100)
      network.run(120_000)
      expect(exchange.leftovers()).toEqual({})
    })

    it('an offer within the call reaches the other side again', () => {
      const { network, exchange, alice, bob, call } = callBetweenTwo()
      exchange.stop()
      network.run(downMilliseconds)
      exchange.start()
      network.run(5_000)
      alice.told.length = 0
      alice.offer(call)
      network.run(1_000)
      expect(alice.told.map(message => message.type)).toEqual(['answered', 'dialog'])
      expect(bob.told.some(message => message.type === 'offer')).toBe(true)
      alice.hangUp(call)
      network.run(60_000)
      expect(exchange.leftovers()).toEqual({})
    })
  })
}

describe('a telephone and a page', () => {
  it('call each other and survive a restart', () => {
    const { network, exchange, client } = house()
    const alice = client('alice-5')
    const phone = new SimPhone(exchange.house, { device: 'carol-1', onInvite: 'answer' })
    phone.register()
    network.run(1_000)
    alice.call('carol')
    network.run(3_000)
    const call = [...alice.calls.keys()][0]!
    expect(isEstablished(alice, call)).toBe(true)
    exchange.stop()
    network.run(20_000)
    exchange.start()
    network.run(3_000)
    expect(isEstablished(alice, call)).toBe(true)
    phone.hangUp(phone.incoming[0]!.dialog!)
    network.run(3_000)
    expect(alice.calls.size).toBe(0)
    expect(exchange.rows.get(call)).toMatchObject({
      reason: 'hangup',
      endedBy: 'callee',
      calleeDevice: 'carol-1',
    })
    network.run(60_000)
    expect(exchange.leftovers()).toEqual({})
  })

  it('the page that gave up while the daemon was away hangs up the telephone afterwards', () => {
    const { network, exchange, client } = house()
    const alice = client('alice-5')
    const phone = new SimPhone(exchange.house, { device: 'carol-1', onInvite: 'answer' })
    phone.register()
    network.run(1_000)
    alice.call('carol')
    network.run(3_000)
    const call = [...alice.calls.keys()][0]!
    exchange.stop()
    network.run(1_000)
    alice.hangUp(call)
    network.run(20_000)
    exchange.start()
    network.run(5_000)
    expect(phone.incoming[0]!.dialog!.ended).toBe(true)
    expect(exchange.rows.get(call)).toMatchObject({ reason: 'hangup', endedBy: 'caller' })
    network.run(60_000)
    expect(exchange.leftovers()).toEqual({})
  })
})

it('a client that never comes back loses its call, and the other side is told', () => {
  const { network, exchange, alice, bob, call } = callBetweenTwo()
  alice.stopped = true
  alice.drop(false)
  network.run(11 * 60_000)
  expect(bob.told).toContainEqual({ type: 'ended', call, by: 'peer', reason: 'lost', code: 200 })
  expect(exchange.rows.get(call)).toMatchObject({ reason: 'lost', endedBy: 'caller' })
  network.run(60_000)
  expect(exchange.leftovers()).toEqual({})
})

it('three devices ring, one answers, the others are told', () => {
  const { network, exchange, client } = house()
  const alice = client('alice-5')
  const bobs = ['bob-5', 'bob-6', 'bob-7'].map(client)
  network.run(100)
  alice.call('bob')
  network.run(1_000)
  const call = [...alice.calls.keys()][0]!
  bobs[1]!.answer(call)
  bobs[2]!.answer(call)
  network.run(1_000)
  expect(bobs.filter(bob => bob.calls.has(call))).toHaveLength(1)
  expect(bobs[0]!.told).toContainEqual({
    type: 'ended',
    call,
    by: 'peer',
    reason: 'answeredElsewhere',
    code: 487,
  })
  expect(alice.told.filter(message => message.type === 'answered')).toHaveLength(1)
  alice.hangUp(call)
  network.run(60_000)
  expect(exchange.leftovers()).toEqual({})
  expect(exchange.rows.get(call)).toMatchObject({ reason: 'hangup', endedBy: 'caller' })
})

it('do not disturb refuses at once and is missed', () => {
  const { network, exchange, client } = house()
  const alice = client('alice-5')
  const bob = client('bob-5')
  network.run(100)
  bob.send({ type: 'doNotDisturb', on: true })
  network.run(100)
  alice.call('bob')
  network.run(100)
  expect(alice.told.at(-1)).toMatchObject({ type: 'ended', reason: 'doNotDisturb' })
  expect(bob.told.some(message => message.type === 'incoming')).toBe(false)
  expect(bob.told.filter(message => message.type === 'missed').at(-1)).toMatchObject({
    missed: [{ user: 'alice' }],
  })
  network.run(60_000)
  expect(exchange.leftovers()).toEqual({})
})
