import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminHouse } from './house.ts'

let house: AdminHouse
let owner: Awaited<ReturnType<AdminHouse['owner']>>
beforeEach(async () => {
  house = await AdminHouse.open()
  owner = await house.owner()
})
afterEach(() => house.close())

test('the owner changes the place, whether names are shown, and the host name', async () => {
  const before = { place: 'Mill', showNames: true, hostname: 'lanline' }
  expect((await house.api('GET', '/settings', { headers: owner })).body).toMatchObject(before)
  let told = 0
  house.store.settings.onSiteChanged(() => told++)
  const change = { place: 'Barn', showNames: false, hostname: 'Exchange' }
  const answer = await house.api('PATCH', '/settings', { headers: owner, body: change })
  expect(answer.body).toMatchObject({ place: 'Barn', showNames: false, hostname: 'exchange' })
  expect(house.store.settings.hostname()).toBe('exchange')
  expect(told).toBeGreaterThan(0)
})

test('a host name that is none is refused, and members may not change the site', async () => {
  for (const hostname of ['', 'two words', '-a', 'a.b', 'x'.repeat(64)]) {
    expect((await house.api('PATCH', '/settings', { headers: owner, body: { hostname } })).status).toBe(400)
  }
  const member = await house.member()
  expect((await house.api('PATCH', '/settings', { headers: member, body: { place: 'X' } })).status).toBe(403)
})

test('everybody inside sees where the appliance is, and the address for the code on the fridge', async () => {
  const member = await house.member()
  expect((await house.api('GET', '/network', { headers: member })).body).toMatchObject({
    hostname: 'lanline',
    ports: { http: 8080, https: 8443, sip: 5060, sips: 5061 },
    joinUrl: 'http://10.1.1.1:8080/j',
  })
  expect((await house.api('GET', '/network')).status).toBe(401)
})

test('an invitation leads to where it is shown: to the network of whoever asks for it', async () => {
  await house.close()
  house = await AdminHouse.open({ inviteOrigin: peer => `http://${peer.replace(/[0-9]+$/, '1')}` })
  const headers = await house.owner()
  const origins = async (peer: string): Promise<string[]> => {
    const env = { peer }
    const invite = await house.api('POST', '/invites', { headers, env, body: {} })
    const network = await house.api('GET', '/network', { headers, env })
    const phone = await house.api('POST', '/softphones', {
      ...{ headers, env },
      body: { user: 'olivia', deviceName: peer },
    })
    const urls = [invite.body.url, network.body.joinUrl, phone.body.linphone.url]
    return [...new Set(urls.map(url => new URL(url).origin))]
  }
  expect(await origins('10.10.0.9')).toEqual(['http://10.10.0.1'])
  expect(await origins('10.20.0.9')).toEqual(['http://10.20.0.1'])
})

test('only the owner decides about guests, and a guest has no password', async () => {
  const { token } = (await house.api('POST', '/invites', { headers: owner, body: { staySeconds: 3_600 } }))
    .body
  const body = { displayName: 'Gast', deviceName: 'Phone', kind: 'page', invite: token }
  await house.api('POST', '/devices', { body })
  const guest = (await house.api('GET', '/users', { headers: owner })).body.find(
    (user: { name: string }) => user.name === 'gast',
  )
  expect(guest).toMatchObject({ role: 'guest', seenByGuests: false })
  expect(guest.expiresAt).toBeGreaterThan(Date.now() + 3_500_000)
  const refused = await house.api('PATCH', '/users/gast', {
    headers: owner,
    body: { password: 'long enough words' },
  })
  expect([refused.status, refused.body.error.code]).toEqual([409, 'guest'])
  const member = await house.member()
  for (const body of [{ seenByGuests: true }, { alsoRings: ['gast'] }, { doorKeys: '9#' }]) {
    expect((await house.api('PATCH', '/users/mia', { headers: member, body })).status).toBe(403)
  }
  const rings = await house.api('PATCH', '/users/mia', { headers: owner, body: { alsoRings: ['gast'] } })
  expect(rings.body).toMatchObject({ name: 'mia', alsoRings: ['gast'] })
  const door = await house.api('PATCH', '/users/mia', { headers: owner, body: { doorKeys: '9#' } })
  expect(door.body).toMatchObject({ name: 'mia', doorKeys: '9#' })
  for (const doorKeys of ['open', '1 2', '1'.repeat(17)])
    expect((await house.api('PATCH', '/users/mia', { headers: owner, body: { doorKeys } })).status).toBe(400)
  const self = await house.api('PATCH', '/users/mia', { headers: owner, body: { alsoRings: ['mia'] } })
  expect([self.status, self.body.error.code]).toEqual([400, 'badName'])
  const alsoRings = Array.from({ length: 21 }, (_, number) => `user${number}`)
  const crowd = await house.api('PATCH', '/users/mia', { headers: owner, body: { alsoRings } })
  expect([crowd.status, crowd.body.error.message]).toEqual([400, 'a call rings at 20 other people at most'])
  const kept = await house.api('PATCH', '/users/gast', { headers: owner, body: { staySeconds: null } })
  expect(kept.body).toMatchObject({ role: 'member' })
  expect(kept.body.expiresAt).toBeUndefined()
})

test('everybody sets their quiet hours, from their phone too, and the owner anybody’s', async () => {
  const member = await house.member()
  const quietHours = { from: '22:00', until: '07:00', days: ['mon', 'sun'], zone: 'Europe/Berlin' }
  const set = (name: string, headers: Record<string, string>, body: object) =>
    house.api('PATCH', `/users/${name}`, { headers, body })
  expect((await set('mia', member, { quietHours })).body).toMatchObject({ name: 'mia', quietHours })
  expect(house.store.directory.quiet('mia').hours).toEqual(quietHours)
  expect((await set('olivia', member, { quietHours })).status).toBe(403)
  expect((await set('mia', owner, { quietHours: null })).body).not.toHaveProperty('quietHours')
  expect((await set('mia', owner, { quietHours })).status).toBe(200)
  // What else is changed of a person leaves them.
  expect((await set('mia', owner, { displayName: 'Mia M' })).body).toMatchObject({ quietHours })
  const wrong = [
    ...[
      { from: '22' },
      { until: '24:00' },
      { days: [] },
      { days: ['monday'] },
      { days: Array(8).fill('mon') },
    ],
    ...[{ zone: 'Mars/Base' }, { zone: '' }, { zone: undefined }, { more: 1 }],
  ]
  for (const part of wrong) {
    const answer = await set('mia', member, { quietHours: { ...quietHours, ...part } })
    expect([answer.status, answer.body.error.code], JSON.stringify(part)).toEqual([400, 'badBody'])
  }
})

test('a softphone has a name and a password of its own, is made for oneself, and is not for guests', async () => {
  const member = await house.member()
  const made = await house.api('POST', '/softphones', { headers: member, body: { deviceName: 'Desk' } })
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({
    user: 'mia',
    digestUser: 'mia-2',
    host: '10.1.1.1',
    port: 5060,
    tlsPort: 5061,
  })
  expect(made.body.password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){2}$/)
  const { directory } = house.store
  expect(directory.byDigestUser('mia-2')).toMatchObject({ user: 'mia', device: made.body.device })
  expect([directory.personOf('mia-2'), directory.personOf('mia'), directory.personOf('nobody')]).toEqual([
    ...['mia', 'mia', undefined],
  ])
  const others = { deviceName: 'Desk', user: 'olivia' }
  expect((await house.api('POST', '/softphones', { headers: member, body: others })).status).toBe(403)
  const { token } = (await house.api('POST', '/invites', { headers: owner, body: { staySeconds: 3_600 } }))
    .body
  const joined = { displayName: 'Gast', deviceName: 'Phone', kind: 'page', invite: token }
  const guest = (await house.api('POST', '/devices', { body: joined })).body
  const headers = { authorization: `Bearer ${guest.token}` }
  const refused = await house.api('POST', '/softphones', { headers, body: { deviceName: 'Desk' } })
  expect([refused.status, refused.body.error.code]).toEqual([409, 'guest'])
  const asOwner = await house.api('PATCH', '/users/gast', { headers, body: { displayName: 'Olivia' } })
  expect([asOwner.status, asOwner.body.error.code]).toEqual([403, 'guest'])
  await directory.revokeDevice(made.body.device)
  expect(directory.personOf('mia-2')).toBeUndefined()
})

test('nobody comes to go by the name of somebody’s softphone, nor changes its password', async () => {
  const member = await house.member()
  const made = await house.api('POST', '/softphones', { headers: member, body: { deviceName: 'Desk' } })
  const { directory } = house.store
  const before = directory.byDigestUser(made.body.digestUser)
  const added = await house.api('POST', '/users', { headers: owner, body: { name: made.body.digestUser } })
  expect([added.status, added.body.error?.code]).toEqual([409, 'taken'])
  await directory.setSipPassword(made.body.digestUser, 'another password').catch(() => {})
  expect(directory.byDigestUser(made.body.digestUser)).toEqual(before)
})
