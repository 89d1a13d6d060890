import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminHouse } from './house.ts'

let house: AdminHouse
beforeEach(async () => {
  house = await AdminHouse.open()
})
afterEach(() => house.close())

const wish = { place: 'Mill', displayName: 'Olivia Öwner', password: 'correct horse battery' }

test('the code claims: an owner, a session, an enrolled browser, a named place', async () => {
  expect((await house.api('GET', '/setup')).body).toMatchObject({ claimed: false, place: '' })
  const answer = await house.api('POST', '/setup', { body: { ...wish, code: house.claim.code } })
  expect(answer.status).toBe(201)
  expect(answer.body.session).toMatchObject({
    user: 'olivia-owner',
    displayName: 'Olivia Öwner',
    role: 'owner',
  })
  const [session] = answer.headers.getSetCookie()
  expect(session).toMatch(/^__Host-lanline_session=.+; HttpOnly; SameSite=Strict; Secure$/)
  expect(house.store.directory.byToken(answer.body.enrolment.token)).toMatchObject({ user: 'olivia-owner' })
  expect((await house.api('GET', '/setup')).body).toMatchObject({ claimed: true, place: 'Mill' })
})

test('the link’s token claims, and the code is read leniently', async () => {
  const answer = await house.api('POST', '/setup', { body: { ...wish, code: house.claim.token } })
  expect(answer.status).toBe(201)
  const other = await AdminHouse.open()
  const sloppy = other.claim.code.replace('-', ' ').toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')
  expect((await other.api('POST', '/setup', { body: { ...wish, code: sloppy } })).status).toBe(201)
  await other.close()
})

test('of two claims at once one wins, and there is one owner', async () => {
  const claims = ['Anna', 'Bert'].map(displayName =>
    house.api('POST', '/setup', { body: { ...wish, displayName, code: house.claim.code } }),
  )
  const statuses = (await Promise.all(claims)).map(answer => answer.status).sort()
  expect(statuses).toEqual([201, 409])
  expect(house.store.directory.users().filter(user => user.role === 'owner')).toHaveLength(1)
})

test('a wrong code is refused, and guessing is slowed down without locking out the link', async () => {
  for (let i = 0; i < 10; i++) {
    const answer = await house.api('POST', '/setup', { body: { ...wish, code: 'AAAA-AAAA' } })
    expect(answer.status).toBe(403)
  }
  const answer = await house.api('POST', '/setup', { body: { ...wish, code: house.claim.code } })
  expect(answer.status).toBe(429)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await house.api('POST', '/setup', { body: { ...wish, code: house.claim.token } })).status).toBe(201)
})

test('over loopback in the clear the cookie is not marked Secure, or it would be lost', async () => {
  const answer = await house.api('POST', '/setup', {
    body: { ...wish, code: house.claim.code },
    host: 'localhost:8080',
    env: { listener: 'http', peer: '127.0.0.1' },
  })
  expect(answer.headers.getSetCookie()[0]).not.toContain('Secure')
})

test('nobody is enrolled before there is an owner', async () => {
  const body = { displayName: 'Eve', deviceName: 'Phone', kind: 'page' }
  expect(await house.api('POST', '/devices', { body })).toMatchObject({
    status: 409,
    body: { error: { code: 'unclaimed' } },
  })
})

test('for 15 minutes after the start a browser on the same network claims without a code', async () => {
  expect((await house.api('GET', '/setup')).body.openSeconds).toBe(900)
  house.monotonic = (house.monotonic + 60_000) as typeof house.monotonic
  expect((await house.api('GET', '/setup')).body.openSeconds).toBe(840)
  expect((await house.api('POST', '/setup', { body: wish })).status).toBe(201)
  expect((await house.api('GET', '/setup')).body).toMatchObject({ claimed: true, openSeconds: 0 })
})

test('of two browsers that claim without a code at once one wins, and the other is told', async () => {
  const claims = ['Anna', 'Bert'].map(displayName =>
    house.api('POST', '/setup', { body: { ...wish, displayName } }),
  )
  const answers = await Promise.all(claims)
  expect(answers.map(answer => answer.status).sort()).toEqual([201, 409])
  expect(answers.find(answer => answer.status === 409)!.body.error.code).toBe('claimed')
})

test('later, from another network, or where it is turned off, the code is needed', async () => {
  const codeNeeded = async (env = {}) => {
    expect((await house.api('GET', '/setup', { env })).body.openSeconds).toBe(0)
    const answer = await house.api('POST', '/setup', { body: wish, env })
    expect([answer.status, answer.body.error.code]).toEqual([403, 'codeNeeded'])
  }
  await codeNeeded({ peer: '192.0.2.1' })
  house.monotonic = (house.monotonic + 900_001) as typeof house.monotonic
  await codeNeeded()
  await house.close()
  house = await AdminHouse.open({ claimMinutes: 0 })
  await codeNeeded()
  const wrong = await house.api('POST', '/setup', { body: { ...wish, code: '0000-0000' } })
  expect(wrong.body.error.code).toBe('wrongCode')
  expect((await house.api('POST', '/setup', { body: { ...wish, code: house.claim.code } })).status).toBe(201)
})

test('names are shown on the network unless the claim says otherwise', async () => {
  await house.api('POST', '/setup', { body: { ...wish, showNames: false } })
  expect(house.store.settings.showNames()).toBe(false)
})
