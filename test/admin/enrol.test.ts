import { afterEach, expect, test, vi } from 'vitest'
import { AdminHouse, type AskOptions } from './house.ts'

let house: AdminHouse
afterEach(() => house.close())

const wish = { displayName: 'Ann', deviceName: 'Tablet', kind: 'page' }
const unix: AskOptions = { env: { listener: 'unix', peer: '' } }

test('by default the owner is asked: waiting, allowed, enrolled', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const asked = await house.api('POST', '/devices', { body: wish })
  expect(asked.status).toBe(202)
  const { id, secret } = asked.body
  const headers = { 'x-request-secret': secret }
  expect((await house.api('GET', `/requests/${id}`, { headers })).body).toEqual({ state: 'waiting' })
  expect((await house.api('GET', `/requests/${id}`)).status).toBe(404)
  expect((await house.api('GET', '/requests', { headers: owner })).body).toMatchObject([
    { id, displayName: 'Ann', deviceName: 'Tablet', address: '10.1.1.9' },
  ])
  const allowed = await house.api('POST', `/requests/${id}/allow`, { headers: owner, body: {} })
  expect(allowed.status).toBe(204)
  const { state, enrolment } = (await house.api('GET', `/requests/${id}`, { headers })).body
  expect(state).toBe('allowed')
  expect(house.store.directory.byToken(enrolment.token)).toMatchObject({
    user: 'ann',
    device: enrolment.device,
  })
  expect((await house.api('GET', '/requests', { headers: owner })).body).toEqual([])
})

test('nobody asks to join under a name that cannot be seen or written', async () => {
  house = await AdminHouse.open()
  await house.owner()
  for (const displayName of [
    '\u200b',
    '\u2060\u00ad',
    '\ufe0f\u200d',
    '\ud83d',
    'Ann\udc00',
    'Ann\u0000',
    '\u202eAnn',
  ]) {
    const asked = await house.api('POST', '/devices', { body: { ...wish, displayName } })
    expect([displayName, asked.status]).toEqual([displayName, 400])
  }
  for (const displayName of ['🙂', '👩‍👩‍👧', 'می‌خواهم', '李', '?']) {
    const asked = await house.api('POST', '/devices', { body: { ...wish, displayName } })
    expect([displayName, asked.status]).toEqual([displayName, 202])
  }
})

test('a request may be let in as a further device of somebody, or denied', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const [mine, theirs] = [
    (await house.api('POST', '/devices', { body: wish })).body,
    (await house.api('POST', '/devices', { body: { ...wish, displayName: 'Eve' } })).body,
  ]
  await house.api('POST', `/requests/${mine.id}/allow`, { headers: owner, body: { user: 'olivia' } })
  await house.api('POST', `/requests/${theirs.id}/deny`, { headers: owner, body: {} })
  const told = (request: { id: string; secret: string }) =>
    house.api('GET', `/requests/${request.id}`, { headers: { 'x-request-secret': request.secret } })
  expect((await told(mine)).body.enrolment.user).toBe('olivia')
  expect((await told(theirs)).body).toEqual({ state: 'denied' })
})

test('an invitation enrols at once, for one device, under every policy', async () => {
  house = await AdminHouse.open({ config: { enrol: { policy: 'invite' } } })
  const owner = await house.owner()
  const invite = (await house.api('POST', '/invites', { headers: owner, body: { user: 'olivia' } })).body
  expect(invite.url).toBe(`http://10.1.1.1:8080/j#${invite.token}`)
  const listed = (await house.api('GET', '/invites', { headers: owner })).text
  expect(listed).not.toContain(invite.token)
  const body = { ...wish, invite: invite.token }
  expect((await house.api('POST', '/devices', { body })).body).toMatchObject({ user: 'olivia' })
  expect((await house.api('POST', '/devices', { body })).body.error.code).toBe('badInvite')
  expect((await house.api('POST', '/devices', { body: wish })).body.error.code).toBe('inviteNeeded')
})

test('under the open policy everybody is let in at once', async () => {
  house = await AdminHouse.open({ config: { enrol: { policy: 'open' } } })
  await house.owner()
  expect(await house.api('POST', '/devices', { body: wish })).toMatchObject({
    status: 201,
    body: { user: 'ann' },
  })
})

test('only the owner enrols a device for somebody; over the unix socket that needs no session', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const body = { ...wish, user: 'olivia' }
  expect((await house.api('POST', '/devices', { body })).status).toBe(403)
  expect((await house.api('POST', '/devices', { body, headers: { cookie: owner.cookie } })).status).toBe(403)
  expect((await house.api('POST', '/devices', { body, headers: owner })).body.user).toBe('olivia')
  expect((await house.api('POST', '/devices', { body, ...unix })).body.user).toBe('olivia')
})

test('one source has at most five open requests, and a plain word about it; others still may ask', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const ask = (peer = '10.1.1.9') => house.api('POST', '/devices', { body: wish, env: { peer } })
  const answers = []
  for (let count = 0; count < 6; count++) answers.push(await ask())
  expect(answers.map(answer => answer.status)).toEqual([202, 202, 202, 202, 202, 429])
  expect(answers[5]!.body.error).toEqual({
    code: 'tooManyWaiting',
    message: expect.stringContaining('ask the owner'),
  })
  expect((await ask('10.1.1.10')).status).toBe(202)
  // All of one IPv6 network are one source.
  for (let host = 1; host <= 5; host++) expect((await ask(`fd00::${host}`)).status).toBe(202)
  expect((await ask('fd00::77')).status).toBe(429)
  await house.api('POST', `/requests/${answers[0]!.body.id}/deny`, { headers: owner, body: {} })
  expect((await ask()).status).toBe(202)
})

test('one source asking to join again and again is slowed down', async () => {
  house = await AdminHouse.open({ config: { enrol: { policy: 'open' } } })
  await house.owner()
  const statuses: number[] = []
  for (let count = 0; count < 12; count++)
    statuses.push((await house.api('POST', '/devices', { body: wish })).status)
  expect(statuses.slice(0, 10)).toEqual(Array(10).fill(201))
  expect(statuses.slice(10)).toEqual([429, 429])
  const other = await house.api('POST', '/devices', { body: wish, env: { peer: '10.1.1.10' } })
  expect(other.status).toBe(201)
})

test('a page has one open request however often it asks, under the name it gave last', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const page = 'p'.repeat(32)
  const ask = (displayName: string, set: object = {}) =>
    house.api('POST', '/devices', { body: { ...wish, displayName, page, ...set } })
  const waiting = async () => (await house.api('GET', '/requests', { headers: owner })).body
  // Pressed thrice: three at once, none of which has seen another's answer.
  const [older, ...same] = await Promise.all(['Ann', 'Ann', 'Ann'].map(name => ask(name)))
  expect(same.map(answer => answer.body)).toEqual([older!.body, older!.body])
  // By another name it is another request: who clicks on the old one lets nobody in.
  const first = await ask('Anna')
  expect(await waiting()).toMatchObject([{ id: first.body.id, displayName: 'Anna' }])
  const stale = await house.api('POST', `/requests/${older!.body.id}/allow`, { headers: owner, body: {} })
  expect(stale.status).toBe(404)
  // Another page is another request; an id that is easily guessed is none.
  expect((await ask('Eve', { page: 'q'.repeat(32) })).body.id).not.toBe(first.body.id)
  expect((await ask('Eve', { page: 'short' })).status).toBe(400)
  expect(JSON.stringify(house.store.directory.requests())).not.toContain(page)
  // Allowed and not fetched yet: asking again leads to the answer, under the name that was allowed.
  await house.api('POST', `/requests/${first.body.id}/allow`, { headers: owner, body: {} })
  expect((await ask('Olivia')).body).toEqual(first.body)
  const headers = { 'x-request-secret': first.body.secret }
  const told = await house.api('GET', `/requests/${first.body.id}`, { headers })
  expect(told.body).toMatchObject({ state: 'allowed', enrolment: { displayName: 'Anna' } })
  // Enrolled, or turned away: the next time is a new request.
  const again = (await ask('Anna')).body
  expect(again.id).not.toBe(first.body.id)
  await house.api('POST', `/requests/${again.id}/deny`, { headers: owner, body: {} })
  expect((await ask('Anna')).body.id).not.toBe(again.id)
})

test('a device token reads its person’s own things and is never the owner’s', async () => {
  house = await AdminHouse.open()
  await house.owner()
  const { token } = (await house.api('POST', '/devices', { ...unix, body: { ...wish, user: 'olivia' } })).body
  const headers = { authorization: `Bearer ${token}` }
  expect((await house.api('GET', '/calls', { headers })).body).toEqual({ calls: [], total: 0 })
  expect((await house.api('GET', '/devices', { headers })).body).toHaveLength(2)
  expect((await house.api('GET', '/users', { headers })).status).toBe(403)
  const password = { headers, body: { password: 'stolen stolen stolen' } }
  expect((await house.api('PATCH', '/users/olivia', password)).status).toBe(403)
  const device = house.store.directory.byToken(token)!.device
  expect((await house.api('DELETE', `/devices/${device}`, { headers })).status).toBe(204)
  expect((await house.api('GET', '/calls', { headers })).status).toBe(401)
})

test('a person with a SIP password appears with their phone, and the last owner stays', async () => {
  house = await AdminHouse.open()
  const headers = await house.owner()
  const body = { name: 'bob', displayName: 'Bob', sipPassword: 'secret phone' }
  const added = await house.api('POST', '/users', { headers, body })
  expect(added.body).toMatchObject({
    name: 'bob',
    devices: [{ kind: 'sip', digestUser: 'bob', reachable: false }],
  })
  expect(added.text).not.toMatch(/ha1|hash|secret/i)
  expect((await house.api('POST', '/users', { headers, body })).status).toBe(409)
  expect((await house.api('DELETE', '/users/olivia', { headers })).body.error.code).toBe('owner')
  expect((await house.api('DELETE', '/users/bob', { headers })).status).toBe(204)
})

test('somebody else’s device does not exist for a member', async () => {
  house = await AdminHouse.open()
  await house.owner()
  const headers = await house.member()
  const [device] = house.store.directory.devices('olivia')
  expect((await house.api('DELETE', `/devices/${device!.id}`, { headers })).status).toBe(404)
  expect(
    (await house.api('PATCH', `/devices/${device!.id}`, { headers, body: { name: 'mine' } })).status,
  ).toBe(404)
  expect((await house.api('GET', '/devices?user=olivia', { headers })).body).toEqual([])
})

test('one logs in by the full name as well, however it is written, unless two have it', async () => {
  house = await AdminHouse.open()
  const headers = await house.owner()
  const logIn = async (user: string) =>
    (await house.api('POST', '/session', { body: { user, password: 'correct horse battery' } })).status
  for (const user of ['olivia', 'Olivia', ' OLIVIA ']) expect(await logIn(user), user).toBe(200)
  const rename = { headers, body: { displayName: 'Olivia Brandt' } }
  expect((await house.api('PATCH', '/users/olivia', rename)).status).toBe(200)
  for (const user of ['olivia', 'Olivia Brandt', 'olivia brandt']) expect(await logIn(user), user).toBe(200)
  expect(await logIn('Brandt')).toBe(401)
})

test('a new password ends the person’s other sessions', async () => {
  house = await AdminHouse.open()
  const first = await house.owner()
  const login = { body: { user: 'olivia', password: 'correct horse battery' } }
  const again = await house.api('POST', '/session', login)
  const second = { cookie: again.headers.getSetCookie()[0]!.split(';')[0]! }
  const body = { password: 'quite another one' }
  expect((await house.api('PATCH', '/users/olivia', { headers: first, body })).status).toBe(200)
  expect((await house.api('GET', '/session', { headers: second })).status).toBe(401)
  expect((await house.api('GET', '/session', { headers: first })).status).toBe(200)
  expect((await house.api('POST', '/session', login)).status).toBe(401)
})

test('a browser that was logged in before gets in although its address and account are being guessed at', async () => {
  house = await AdminHouse.open()
  const { cookie } = await house.owner()
  const known = cookie.split('; ').find(each => each.startsWith('__Host-lanline_known='))!
  const login = (password: string, headers: Record<string, string> = {}) =>
    house.api('POST', '/session', { headers, body: { user: 'olivia', password } })
  for (let count = 0; count < 15; count++) await login('a wrong password')
  expect((await login('correct horse battery')).status).toBe(429)
  expect((await login('correct horse battery', { cookie: known })).status).toBe(200)
  expect((await login('correct horse battery', { cookie: '__Host-lanline_known=forged.mark' })).status).toBe(
    429,
  )
})

test('bodies that do not fit are refused with where and why', async () => {
  house = await AdminHouse.open()
  const headers = await house.owner()
  const wrong = await house.api('POST', '/users', { headers, body: { name: 'Bad Name' } })
  expect([wrong.status, wrong.body.error.message]).toEqual([400, expect.stringContaining('name: ')])
  expect((await house.api('POST', '/users', { headers, body: '{' })).status).toBe(400)
  const plain = { ...headers, 'content-type': 'text/plain' }
  expect((await house.api('POST', '/users', { headers: plain, body: '{"name":"x"}' })).status).toBe(415)
  expect((await house.api('GET', '/calls?limit=9999', { headers })).status).toBe(400)
})

test('an invitation tells whom it is for, as often as it is looked at, until it is used', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const make = async (body: object) =>
    (await house.api('POST', '/invites', { headers: owner, body })).body.token
  const [known, fresh] = [await make({ user: 'olivia' }), await make({})]
  const look = (invite: string) => house.api('POST', '/invites/look', { body: { invite } })
  expect((await look(known)).body).toEqual({ displayName: 'Olivia' })
  expect((await look(known)).body).toEqual({ displayName: 'Olivia' })
  expect((await look(fresh)).body).toEqual({})
  const guest = await make({ staySeconds: 3_600 })
  expect((await look(guest)).body).toEqual({ staySeconds: 3_600, stayFromJoin: true })
  await house.api('POST', '/devices', { body: { ...wish, invite: known } })
  for (const gone of [known, `${fresh}x`, '']) {
    const answer = await look(gone)
    expect([answer.status, answer.body.error.code]).toEqual([403, 'badInvite'])
  }
})

test('everybody invites a further device of their own, by session or phone; nobody but the owner invites others', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const session = await house.member()
  const { directory } = house.store
  const { token } = await directory.enrol({ user: 'mia' }, { name: 'Phone', kind: 'page' })
  const phone = { authorization: `Bearer ${token}` }
  const invite = (headers: Readonly<Record<string, string>>, body: object) =>
    house.api('POST', '/invites', { headers, body })
  const made = await invite(phone, {})
  expect(made.body).toMatchObject({ user: 'mia', url: expect.stringContaining('/j#') })
  expect(made.body.expiresAt - Date.now()).toBeLessThanOrEqual(3_600_000)
  const enrolled = await house.api('POST', '/devices', { body: { ...wish, invite: made.body.token } })
  expect(enrolled.body).toMatchObject({ user: 'mia' })
  for (const body of [{ user: 'olivia' }, { staySeconds: 3_600 }, { user: 'mia', staySeconds: 60 }]) {
    const refused = await invite(phone, body)
    expect([refused.status, refused.body.error.code], JSON.stringify(body)).toEqual([403, 'forbidden'])
  }
  expect((await invite(session, { hours: 24 })).status).toBe(400)
  // Five open ones at most; one's own can be seen and withdrawn, others' cannot.
  const theirs = (await invite(owner, {})).body
  const own = []
  for (let count = 0; count < 5; count++) own.push((await invite(session, {})).body)
  expect((await invite(phone, {})).body.error).toMatchObject({ code: 'tooMany' })
  const listed = (await house.api('GET', '/invites', { headers: phone })).body as { id: string }[]
  expect(listed.map(({ id }) => id).sort()).toEqual(own.map(({ id }) => id).sort())
  expect((await house.api('DELETE', `/invites/${theirs.id}`, { headers: phone })).status).toBe(404)
  expect((await house.api('DELETE', `/invites/${own[0].id}`, { headers: phone })).status).toBe(204)
  expect((await invite(phone, {})).status).toBe(201)
})

test('a guest has one device and invites no other', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const { token } = (await house.api('POST', '/invites', { headers: owner, body: { staySeconds: 3_600 } }))
    .body
  const guest = (await house.api('POST', '/devices', { body: { ...wish, invite: token } })).body
  const headers = { authorization: `Bearer ${guest.token}` }
  const refused = await house.api('POST', '/invites', { headers, body: {} })
  expect([refused.status, refused.body.error.code]).toEqual([409, 'guest'])
})

test('an invitation that is worth nothing says why to who holds it, and nothing to who guesses', async () => {
  house = await AdminHouse.open()
  const owner = await house.owner()
  const make = async (body: object) =>
    (await house.api('POST', '/invites', { headers: owner, body })).body as { id: string; token: string }
  const used = await make({})
  const expired = await make({ hours: 1e-6 })
  const withdrawn = await make({})
  await house.api('POST', '/devices', { body: { ...wish, invite: used.token } })
  await house.api('DELETE', `/invites/${withdrawn.id}`, { headers: owner })
  await vi.waitUntil(async () => house.store.directory.invites().length === 0)
  await house.store.directory.sweep()
  const why = async (invite: string) => {
    const look = await house.api('POST', '/invites/look', { body: { invite } })
    const join = await house.api('POST', '/devices', { body: { ...wish, invite } })
    expect([look.status, join.status, join.body]).toEqual([403, 403, look.body])
    return look.body.error
  }
  expect(await why(used.token)).toMatchObject({ code: 'badInvite', detail: 'used' })
  expect(await why(expired.token)).toMatchObject({ code: 'badInvite', detail: 'expired' })
  for (const nothing of [withdrawn.token, used.token.slice(1), ''])
    expect(await why(nothing)).toMatchObject({ code: 'badInvite', detail: 'unknown' })
  // Spent ones are nobody's to see or to withdraw.
  expect((await house.api('GET', '/invites', { headers: owner })).body).toEqual([])
  expect((await house.api('DELETE', `/invites/${used.id}`, { headers: owner })).status).toBe(404)
})
