/** What whoever has no password leaves behind, however large and many their messages are: nothing. */
import { expect, it } from 'vitest'
import type { SipRequest } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const requestOf = (stranger: SimPhone, method: string, number: number): SipRequest => ({
  kind: 'request',
  method,
  uri: 'sip:bob@lanline.local',
  headers: [
    { name: 'Via', value: stranger.via() },
    { name: 'From', value: '<sip:alice@lanline.local>;tag=1' },
    { name: 'To', value: '<sip:bob@lanline.local>;tag=2' },
    { name: 'Call-ID', value: `call${number}` },
    { name: 'CSeq', value: `1 ${method}` },
  ],
  body: new Uint8Array(0),
})

it.each(['udp', 'tcp'] as const)('over %s: no transaction, no kept answer, no answer twice', transport => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const stranger = new SimPhone(home, { device: 'alice-1', transport, password: 'none' })
  const methods = ['INVITE', 'CANCEL', 'BYE', 'MESSAGE', 'REGISTER', 'OPTIONS']
  methods.forEach((method, number) => {
    stranger.send(requestOf(stranger, method, number))
  })
  home.network.run(100)
  expect(stranger.received).toHaveLength(methods.length)
  expect([home.machine.sizes.serverTransactions, home.machine.answers]).toEqual([0, 0])
  home.network.run(40_000)
  expect(stranger.received).toHaveLength(methods.length)
})

it('a CANCEL that is about nothing, sent again, is answered again', () => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const stranger = new SimPhone(home, { device: 'alice-1', password: 'none' })
  const cancel = requestOf(stranger, 'CANCEL', 1)
  for (const _ of [1, 2]) stranger.send(cancel)
  home.network.run(100)
  expect(stranger.received.map(one => (one.kind === 'response' ? one.status : 0))).toEqual([481, 481])
  expect(
    new Set(stranger.received.map(one => one.headers.find(({ name }) => name === 'To')?.value)).size,
  ).toBe(1)
})

it('the ACK to a refusal in a dialog ends here, and goes to nobody', () => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const bob = new SimPhone(home, { device: 'bob-1' })
  bob.register()
  home.network.run(100)
  const stranger = new SimPhone(home, { device: 'alice-1', password: 'none' })
  const contact = /<(sip:[^>]+)>/.exec(bob.contact)![1]!
  const invite = { ...requestOf(stranger, 'INVITE', 1), uri: contact }
  stranger.send(invite)
  home.network.run(100)
  const headers = invite.headers.map(field =>
    field.name === 'CSeq' ? { name: 'CSeq', value: '1 ACK' } : field,
  )
  stranger.send({ ...invite, method: 'ACK', headers })
  home.network.run(100)
  expect(bob.requests).toEqual([])
})

it.each([
  'sip:bob:secret@elsewhere.example',
  'SIPS:bob:secret@elsewhere.example',
  'xmpp:bob:secret@elsewhere.example',
])('%s is refused, and its password is in no log', uri => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const details: string[] = []
  home.observe = effect => {
    if (effect.kind === 'note') details.push(effect.detail)
  }
  const alice = new SimPhone(home, { device: 'alice-1' })
  const call = alice.call('bob', { uri })
  home.network.run(200)
  expect(call.final).toBeGreaterThanOrEqual(400)
  expect(details.join()).toContain('bob@elsewhere.example')
  expect(details.join()).not.toContain('secret')
})
