/** A call that a telephone forwards, as everybody else in the house sees it. */
import { describe, expect, it } from 'vitest'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const users = ['alice', 'bob', 'carol', 'dora']

function house() {
  const network = new SimNetwork(1)
  const exchange = new SimExchange(network, users)
  const [alice, bob, carol] = ['alice-1', 'bob-1', 'carol-1'].map((device, index) => {
    const address = `10.0.1.${index + 1}`
    return new SimPhone(exchange.house, { device, address, onInvite: index === 1 ? 'silent' : 'ring' })
  }) as [SimPhone, SimPhone, SimPhone]
  const watcher = new SimClient(exchange, 'dora-5')
  watcher.connect()
  for (const phone of [alice, bob, carol]) phone.register()
  network.run(1_000)
  const presence = () => {
    const told = new Map<string, string>()
    for (const message of watcher.told) {
      const people = message.type === 'welcome' || message.type === 'roster' ? message.roster : []
      for (const { user, presence } of people) told.set(user, presence)
      if (message.type === 'presence') told.set(message.person.user, message.person.presence)
    }
    return users.slice(0, 3).map(user => told.get(user))
  }
  const forward = () => {
    const { request, tag } = bob.incoming.at(-1)!
    bob.answer(request, 302, tag, [{ name: 'Contact', value: '<sip:carol@lanline.local>' }])
    network.run(500)
  }
  return { network, exchange, alice, bob, carol, presence, forward }
}

describe('a forwarded call', () => {
  it('is that of whoever took it: they are in a call, who was called is not', () => {
    const { network, exchange, alice, carol, presence, forward } = house()
    const call = alice.call('bob')
    network.run(500)
    forward()
    carol.pickUp()
    network.run(500)
    const row = () => [...exchange.rows.values()].at(-1)
    expect(row()).toMatchObject({ calleeUser: 'bob', calleeDevice: 'carol-1' })
    expect(row()).toMatchObject({ answererUser: 'carol', answererName: 'CAROL' })
    expect(presence()).toEqual(['inCall', 'available', 'inCall'])
    alice.hangUp(call.dialog!)
    network.run(500)
    expect(presence()).toEqual(['available', 'available', 'available'])
    expect(row()).toMatchObject({ reason: 'hangup', endedBy: 'caller', missed: false })
    expect(exchange.calls.sizes).toMatchObject({ open: 0, timers: 0 })
    expect(exchange.calls.openOf('carol')).toEqual([])
  })

  it('is that of whoever took it after a restart, too', () => {
    const { network, exchange, alice, carol, presence, forward } = house()
    alice.call('bob')
    network.run(500)
    forward()
    carol.pickUp()
    network.run(500)
    exchange.stop()
    exchange.start()
    network.run(5_000)
    expect(presence()).toEqual(['inCall', 'available', 'inCall'])
  })
})
