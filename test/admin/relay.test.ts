/** The relay as its owner sees it: what it carries, and grants outside any call. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RelayGrant } from '../../src/admin/message.ts'
import { AdminHouse } from './house.ts'

let house: AdminHouse
let headers: Record<string, string>
beforeAll(async () => {
  house = await AdminHouse.open()
  headers = await house.owner()
})
afterAll(() => house.close())

const grant = (body: unknown) => house.api('POST', '/relay/grants', { headers, body })
const grants = async (): Promise<{ call: string; parties: { proven: string[] }[] }[]> =>
  (await house.api('GET', '/relay', { headers })).body.grants

test('a grant by hand names its one user, its one peer and its end, and tells the credential once', async () => {
  const before = Date.now()
  const { status, body } = await grant({ peer: '10.2.2.2', for: '10.1.1.9', seconds: 60 })
  const told = body as RelayGrant
  expect(status).toBe(201)
  expect(told.call).toMatch(/^[0-9a-f]{32}$/)
  expect(told.username.startsWith(`${told.call.slice(0, 16)}.caller.`)).toBe(true)
  expect(told.urls).toEqual([
    'turn:10.1.1.1:3478?transport=udp',
    'turn:10.1.1.1:3478?transport=tcp',
    'turns:10.1.1.1:5349?transport=tcp',
  ])
  expect(told.expiresAt - before).toBeGreaterThanOrEqual(60_000)
  const listed = await house.api('GET', '/relay', { headers })
  const [caller, callee] = listed.body.grants[0].parties
  expect([caller.proven, callee.proven]).toEqual([['10.1.1.9'], ['10.2.2.2']])
  expect(listed.text).not.toContain(told.credential)
})

test('its user is told an address of the family it comes by', async () => {
  const { body } = await grant({ peer: 'fd00::9', for: 'fd00::0:8', seconds: 60 })
  expect(body.urls[0]).toBe('turn:[fd00::1]:3478?transport=udp')
})

test('ended by its id it is gone, and cannot be ended again', async () => {
  const { body } = await grant({ peer: '10.2.2.2', for: '10.1.1.9', seconds: 60 })
  const path = `/relay/grants/${body.call}`
  expect((await grants()).some(each => each.call === body.call)).toBe(true)
  expect((await house.api('DELETE', path, { headers })).status).toBe(204)
  expect((await grants()).some(each => each.call === body.call)).toBe(false)
  expect((await house.api('DELETE', path, { headers })).status).toBe(404)
})

test.each([
  ['this machine itself', '10.1.1.1'],
  ['loopback', '127.0.0.1'],
  ['loopback, mapped', '::ffff:127.0.0.1'],
  ['a metadata service', '169.254.169.254'],
  ['multicast', 'ff02::1'],
  ['the subnet’s broadcast', '10.1.1.255'],
  ['NAT64', '64:ff9b::a02:202'],
])('not even the owner has anything relayed to %s', async (_name, peer) => {
  const { status, body } = await grant({ peer, for: '10.1.1.9', seconds: 60 })
  expect([status, body.error.code]).toEqual([400, 'badPeer'])
})

test('a loopback address cannot come by the relay', async () => {
  const { status, body } = await grant({ peer: '10.2.2.2', for: '127.0.0.1', seconds: 60 })
  expect([status, body.error.code]).toEqual([400, 'noWay'])
})

test.each([
  [{ peer: '10.2.2', for: '10.1.1.9', seconds: 60 }, /peer: not an IP address/],
  [{ peer: '10.2.2.2', for: 'example', seconds: 60 }, /for: an IP address/],
  [{ peer: '10.2.2.2', for: '10.1.1.9', seconds: 0 }, /seconds/],
  [{ peer: '10.2.2.2', for: '10.1.1.9', seconds: 100_000 }, /seconds/],
])('%j is refused with what is wrong', async (wish, message) => {
  const { status, body } = await grant(wish)
  expect(status).toBe(400)
  expect(body.error.message).toMatch(message)
})

test('a call says what the relay carried: zeros where it was never opened', async () => {
  await house.store.calls.save({
    ...{ id: 'c'.repeat(32), callerUser: 'olivia', callerName: 'Olivia', callerDevice: undefined },
    ...{ calleeUser: 'bob', calleeName: 'Bob', calleeDevice: undefined, video: false },
    ...{ startedAt: 1 as never, ringingAt: undefined, answeredAt: undefined, endedAt: 2 as never },
    ...{ endedBy: 'caller', reason: 'cancelled', code: 487, missed: true, missedSeen: false },
    ...{ aliveAt: 1 as never, callerPair: undefined, calleePair: undefined },
    ...{ relayReason: undefined, ledger: undefined },
  })
  const { body } = await house.api('GET', `/calls/${'c'.repeat(32)}`, { headers })
  expect(body.ledger.caller).toMatchObject({ allocations: 0, sentBytes: 0, receivedBytes: 0 })
  expect(body.ledger.callee).toEqual(body.ledger.caller)
  expect(body.relayReason).toBeUndefined()
})
