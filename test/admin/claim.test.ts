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
  expect(session).toMatch(/^lanline_session=.+; HttpOnly; SameSite=Strict; Secure$/)
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
