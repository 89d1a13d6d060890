/** Telephones that move while they talk: another address, another port, another connection, another family. */
import { expect, it } from 'vitest'
import { SimHouse } from '../sim/house.ts'
import { calm, SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

type Options = Partial<ConstructorParameters<typeof SimPhone>[1]>

const instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'

/** Bob answered Alice, and goes on at another place under the same device, registered there as well. */
function moved(before: Options, after: Options) {
  const home = new SimHouse(new SimNetwork(1, calm), ['alice', 'bob'])
  const alice = new SimPhone(home, { device: 'alice-1' })
  const bob = new SimPhone(home, { device: 'bob-1', onInvite: 'answer', ...before })
  for (const phone of [alice, bob]) phone.register()
  home.network.run(200)
  const call = alice.call('bob')
  home.network.run(200)
  expect([bob.statuses, call.final]).toEqual([[200], 200])
  bob.deaf = true
  bob.disconnect()
  const there = new SimPhone(home, { device: 'bob-1', movedFrom: bob, ...before, ...after })
  there.register()
  home.network.run(200)
  return { home, alice, bob, there, dialog: call.dialog!, bobs: bob.incoming[0]!.dialog! }
}

const moves: [string, Options, Options][] = [
  ['UDP, another address', { address: '10.0.1.20' }, { address: '10.0.1.30' }],
  ['UDP, another port', { address: '10.0.1.20' }, { address: '10.0.1.20', port: 5062 }],
  [
    'UDP, another address, with its instance',
    { address: '10.0.1.20', contactParams: instance },
    { address: '10.0.1.30' },
  ],
  ['UDP, IPv4 to IPv6', { address: '10.0.1.20' }, { address: 'fd00::20' }],
  ['TCP, another address', { transport: 'tcp', address: '10.0.1.20' }, { address: '10.0.1.30' }],
  ['TCP, another connection', { transport: 'tcp', address: '10.0.1.20' }, {}],
  [
    'TLS, another connection and address',
    { transport: 'tls', address: '10.0.1.20' },
    { address: '10.0.1.30' },
  ],
  ['WebSocket, another connection', { transport: 'wss', address: '10.0.1.20' }, { address: '10.0.1.30' }],
  ['UDP to TCP', { address: '10.0.1.20' }, { transport: 'tcp' }],
]

it.each(moves)('%s: the other party is heard there and hangs up', (_, before, after) => {
  const { home, alice, there, dialog } = moved(before, after)
  expect(there.statuses).toEqual([200])
  const statuses: number[] = []
  alice.inDialog(dialog, 'INFO', status => statuses.push(status))
  home.network.run(35_000)
  alice.inDialog(dialog, 'BYE', status => statuses.push(status))
  home.network.run(35_000)
  expect([statuses, there.requests]).toEqual([
    [200, 200],
    ['INFO', 'BYE'],
  ])
})

it.each(moves)('%s: it goes on from there and hangs up', (_, before, after) => {
  const { home, alice, there, bobs } = moved(before, after)
  const statuses: number[] = []
  there.inDialog(bobs, 'INFO', status => statuses.push(status))
  home.network.run(200)
  there.inDialog(bobs, 'BYE', status => statuses.push(status))
  home.network.run(35_000)
  expect(statuses).toEqual([200, 200])
  expect(alice.requests).toEqual(['INFO', 'BYE'])
  expect(home.callLog().at(-1)).toBe('ended callee 0 hangup')
})

it('is heard there also once it took its first contact back', () => {
  const { home, alice, bob, there, dialog } = moved({ address: '10.0.1.20' }, { address: '10.0.1.30' })
  there.register(0, { contact: bob.contact })
  home.network.run(200)
  alice.hangUp(dialog)
  home.network.run(200)
  expect([there.statuses, there.requests]).toEqual([[200, 200], ['BYE']])
})

it('is waited for where its first contact is over and the other not registered yet', () => {
  const { home, alice, bob, there, dialog } = moved({ address: '10.0.1.20' }, { address: '10.0.1.30' })
  there.register(0)
  there.register(0, { contact: bob.contact })
  home.network.run(200)
  alice.hangUp(dialog)
  home.network.run(10_000)
  expect(there.requests).toEqual([])
  there.register()
  home.network.run(200)
  expect(there.requests).toEqual(['BYE'])
})

it('is not taken for another phone with the same password', () => {
  const home = new SimHouse(new SimNetwork(1, calm), ['alice', 'bob'])
  const alice = new SimPhone(home, { device: 'alice-1' })
  const bob = new SimPhone(home, { device: 'bob-1', onInvite: 'answer', address: '10.0.1.20' })
  for (const phone of [alice, bob]) phone.register()
  home.network.run(200)
  const call = alice.call('bob')
  home.network.run(200)
  const another = new SimPhone(home, { device: 'bob-1', address: '10.0.1.30' })
  another.register()
  home.network.run(200)
  alice.hangUp(call.dialog!)
  home.network.run(200)
  expect([bob.requests, another.requests]).toEqual([['INVITE', 'ACK', 'BYE'], []])
})

it('is registered however often it moves before its first contacts are over, and is asked where it is by who calls', () => {
  const home = new SimHouse(new SimNetwork(1, calm), ['alice', 'bob'])
  const alice = new SimPhone(home, { device: 'alice-1' })
  let bob = new SimPhone(home, { device: 'bob-1', address: '10.0.1.20' })
  for (const phone of [alice, bob]) phone.register()
  home.network.run(200)
  for (let move = 0; move < 25; move++) {
    bob.deaf = true
    bob = new SimPhone(home, { device: 'bob-1', movedFrom: bob, address: '10.0.1.20', port: 6_000 + move })
    bob.register()
    home.network.run(60_000)
    expect(bob.statuses).toEqual([200])
  }
  alice.call('bob')
  home.network.run(200)
  expect(bob.requests).toEqual(['INVITE'])
})
