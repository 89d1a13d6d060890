/** Who may do what: every route walked by everybody, and every way round the guard that a browser could be led. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { type Epoch, hours } from '../../src/core/clock.ts'
import { AdminHouse, type Asked, cookiesOf } from './house.ts'
import { whoMay } from './who-may.ts'

let house: AdminHouse
let owner: { cookie: string; 'x-csrf-token': string }
let member: { cookie: string; 'x-csrf-token': string }

/** Everybody who may knock: how they show who they are, and which person that is. */
interface Somebody {
  readonly headers: Readonly<Record<string, string>>
  readonly person: string
}
let everybody: Readonly<
  Record<'nobody' | 'owner' | 'member' | `${'owner' | 'member' | 'guest'}’s phone`, Somebody>
>

/** What is the owner's, by the route's path: nobody else may see or touch it. */
let owners: Readonly<Record<'users' | 'devices' | 'requests' | 'invites' | 'calls', string>>

beforeAll(async () => {
  house = await AdminHouse.open()
  owner = await house.owner()
  member = await house.member()
  const { directory, calls } = house.store
  const page = { name: 'Phone', kind: 'page' } as const
  const phoneOf = async (user: string): Promise<Somebody> => {
    const { token } = await directory.enrol({ user }, page)
    return { headers: { authorization: `Bearer ${token}` }, person: user }
  }
  const stay = await directory.addInvite(undefined, hours(1), 3_600)
  const guest = await directory.enrolByInvite(stay.token, 'Gast', page)
  everybody = {
    nobody: { headers: {}, person: 'nobody-here' },
    owner: { headers: owner, person: 'olivia' },
    member: { headers: member, person: 'mia' },
    'owner’s phone': await phoneOf('olivia'),
    'member’s phone': await phoneOf('mia'),
    'guest’s phone': { headers: { authorization: `Bearer ${guest.token}` }, person: 'gast' },
  }
  const { request } = await directory.addRequest({ displayName: 'Rex', device: page, address: '10.1.1.7' })
  const { invite } = await directory.addInvite('olivia', hours(1))
  await calls.save(callOf('olivia'))
  owners = {
    ...{ users: 'olivia', devices: directory.devices('olivia')[0]!.id, requests: request.id },
    ...{ invites: invite.id, calls: callOf('olivia').id },
  }
})
afterAll(() => house.close())

const refusedForRights = (answer: Asked): boolean =>
  answer.status === 401 || (answer.status === 403 && ['forbidden', 'csrf'].includes(answer.body.error.code))

/** A path with every parameter filled: one's own name where people may change themselves, else nothing real. */
const concrete = (path: string, method = '', person = 'mia'): string =>
  path.replace(/:[a-z]+/gi, method === 'PATCH' && path === '/users/:name' ? person : 'nobody-here')

const callOf = (user: string): CallRow => {
  const row: Partial<CallRow> = {
    ...{ id: 'c'.repeat(32), callerUser: user, callerName: 'Olivia', calleeUser: 'zenobia' },
    ...{ calleeName: 'Zenobia', video: false, startedAt: 1 as Epoch, endedAt: 2 as Epoch },
    ...{ endedBy: 'caller', reason: 'cancelled', code: 487, missed: true, missedSeen: false },
    aliveAt: 1 as Epoch,
  }
  return row as CallRow
}

const hexOf =
  (before: string) =>
  (letter: string): string =>
    `${before}${letter.charCodeAt(0).toString(16)}`

const mayAtAll = (who: 'anyone' | 'member' | 'owner', name: string): boolean =>
  who === 'anyone' || (who === 'member' ? name !== 'nobody' : name === 'owner')

interface Operation {
  readonly method: string
  /** With `{name}` and `{id}`. */
  readonly path: string
  readonly who: 'anyone' | 'member' | 'owner'
  readonly body: BodySchema | undefined
  readonly query: readonly string[]
}
interface BodySchema {
  readonly properties?: Readonly<Record<string, BodySchema>>
  readonly required?: readonly string[]
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly pattern?: string
}

/** Every operation as the published document has it. */
async function operations(): Promise<readonly Operation[]> {
  const { paths } = (await house.api('GET', '/openapi.json')).body
  return Object.entries(paths as Record<string, Record<string, never>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({
      method: method.toUpperCase(),
      path,
      who: told['x-who'],
      body: (told as { requestBody?: { content: Record<string, { schema: BodySchema }> } }).requestBody
        ?.content['application/json']?.schema,
      query: (told as { parameters: { in: string; name: string }[] }).parameters
        .filter(each => each.in === 'query')
        .map(each => each.name),
    })),
  )
}

/** A body that fits, with every field it must have, and `user` where it may have one. */
function sample(schema: BodySchema, user: string): unknown {
  const { properties, required = [], type, pattern } = schema
  if (properties === undefined) {
    if (schema.enum) return schema.enum[0]
    if (type === 'boolean') return true
    return type === 'string'
      ? new RegExp(pattern ?? '').test('Taken Over It')
        ? 'Taken Over It'
        : 'taken'
      : 60
  }
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name) || name === 'user')
  return Object.fromEntries(wanted.map(([name, each]) => [name, name === 'user' ? user : sample(each, user)]))
}

describe('every route of the REST interface', () => {
  it('is for whom the written table says, and every one stands in it', async () => {
    const told = (await operations()).map(({ method, path, who }) => [`${method} ${path}`, who] as const)
    const byName = (a: readonly [string, string], b: readonly [string, string]) => (a[0] < b[0] ? -1 : 1)
    expect([...told].sort(byName)).toEqual(Object.entries(whoMay).sort(byName))
  })

  it('lets through whom its table names and nobody else, with session, phone or nothing', async () => {
    const all = await operations()
    expect(all.length).toBe(house.app.routes.length)
    expect(all.length).toBeGreaterThan(20)
    // Logging out is asked last: it is meant to end the session it is asked with.
    const routes = all.filter(one => !(one.method === 'DELETE' && one.path === '/session'))
    for (const { method, path, who } of routes) {
      const template = path.replace(/\{(\w+)\}/g, ':$1')
      const seen: Record<string, boolean> = {}
      const due: Record<string, boolean> = {}
      for (const [name, { headers, person }] of Object.entries(everybody)) {
        const body = method === 'GET' ? {} : { body: {} }
        const answer = await house.api(method, concrete(template, method, person), { headers, ...body })
        seen[name] = refusedForRights(answer)
        due[name] = !mayAtAll(who, name)
      }
      // A login without its fields and a request nobody knows are refused too, but not for want of rights.
      if (who === 'anyone') expect(seen.owner, `${method} ${path}`).toBe(false)
      else expect(seen, `${method} ${path}`).toEqual(due)
    }
  })

  it('neither shows nor changes what is the owner’s to anybody else, by its id, in the body or in the query', async () => {
    const others = Object.entries(everybody).filter(([, { person }]) => person !== 'olivia')
    const { directory } = house.store
    const kept = () => [directory.users(), directory.devices(), directory.requests(), directory.invites()]
    const before = kept()
    let tries = 0
    for (const { method, path, who, body, query } of await operations()) {
      const named = path.replace(/\{\w+\}/, owners[path.split('/')[1] as keyof typeof owners] ?? 'olivia')
      const asks = [
        ...(named === path ? [] : [{ path: named, names: true }]),
        ...(body?.properties?.user ? [{ path, names: true }] : []),
        ...(query.includes('user') ? [{ path: `${path}?user=olivia`, names: false }] : []),
        ...(method === 'GET' && named === path ? [{ path, names: false }] : []),
      ]
      for (const ask of asks) {
        for (const [name, { headers }] of others) {
          tries++
          const what = `${method} ${ask.path} by ${name}`
          const sent = body === undefined ? {} : { body: sample(body, 'olivia') }
          const answer = await house.api(method, ask.path, { headers, ...sent })
          expect(answer.text, what).not.toMatch(/Olivia|Zenobia|Rex/)
          // What is asked without naming anybody is answered with one's own.
          if (ask.names) expect([401, 403, 404], what).toContain(answer.status)
          else if (who === 'owner') expect([401, 403], what).toContain(answer.status)
        }
      }
    }
    expect(tries).toBeGreaterThan(60)
    expect(kept()).toEqual(before)
  })

  it('that changes a person is for that person and the owner', async () => {
    const answer = await house.api('PATCH', '/users/olivia', {
      headers: member,
      body: { displayName: 'Mine' },
    })
    expect([answer.status, answer.body.error.code]).toEqual([403, 'forbidden'])
  })

  it('sets no password of a member’s by their open console, without the old one', async () => {
    const body = { password: 'a password of somebody else' }
    const set = await house.api('PATCH', '/users/mia', { body, headers: member })
    expect(set.status).toBe(403)
  })

  it('that changes something is refused with a session alone, and with another session’s token', async () => {
    for (const { method, path, who } of house.app.routes) {
      if (method === 'GET' || who === 'anyone') continue
      for (const token of [undefined, '', member['x-csrf-token'], `${owner['x-csrf-token']}x`]) {
        const headers = { cookie: owner.cookie, ...(token === undefined ? {} : { 'x-csrf-token': token }) }
        const answer = await house.api(method, concrete(path), { headers, body: {} })
        expect([answer.status, answer.body.error.code], `${method} ${path}`).toEqual([403, 'csrf'])
      }
    }
  })

  it('agrees with the document that describes it', async () => {
    const { body } = await house.api('GET', '/openapi.json')
    const told = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    const served = house.app.routes.map(
      ({ method, path }) => `${method} ${path.replace(/:([a-z]+)/gi, '{$1}')}`,
    )
    const bare = (line: string): string => line.replace('/api/v1', '')
    expect(told.map(bare).sort()).toEqual(served.sort())
  })
})

describe('ways round', () => {
  /** How a path may be written otherwise, and whether that is another path or the same. */
  const tricks: Readonly<Record<string, readonly [(path: string) => string, 'other' | 'same']>> = {
    'a slash twice': [path => path.replace('/v1/', '/v1//'), 'other'],
    'a slash twice in front': [path => `/${path}`, 'other'],
    'a slash behind': [path => `${path}/`, 'other'],
    'an encoded slash': [path => path.replace('/v1/', '/v1%2f'), 'other'],
    'an encoded slash in front': [path => path.replace('/api', '/%2fapi'), 'other'],
    capitals: [path => path.replace(/(?<=v1\/)[a-z]+/, word => word.toUpperCase()), 'other'],
    'capitals in front': [path => path.replace('/api', '/API'), 'other'],
    'a dot behind the first word': [path => path.replace(/(?<=v1\/)[a-z]+/, '$&.'), 'other'],
    'a matrix parameter': [path => path.replace(/(?<=v1\/)[a-z]+/, '$&;a=b'), 'other'],
    'a NUL': [path => path.replace(/(?<=v1\/)[a-z]+/, '$&%00'), 'other'],
    'a letter encoded twice': [path => path.replace(/(?<=v1\/)[a-z]/, hexOf('%25')), 'other'],
    'an overlong dot': [path => path.replace('/v1/', '/v1/x/%c0%ae%c0%ae/'), 'other'],
    'a folder and back, encoded twice': [path => path.replace('/v1/', '/v1/x/%252e%252e/'), 'other'],
    'a folder and back': [path => path.replace('/v1/', '/v1/x/../'), 'same'],
    'a folder and back, encoded': [path => path.replace('/v1/', '/v1/x/%2e%2E/'), 'same'],
    'from the console and back': [path => `/admin/..${path}`, 'same'],
    'an encoded letter': [path => path.replace(/(?<=v1\/)[a-z]/, hexOf('%')), 'same'],
    'a backslash': [path => path.replaceAll('/', '\\').replace(/^\\/, '/'), 'same'],
    'a query': [path => `${path}?`, 'same'],
  }

  it('a path written otherwise is no path, or has the same rights: for every route and everybody', async () => {
    const { directory } = house.store
    const kept = () => [directory.users(), directory.devices(), directory.requests(), directory.invites()]
    const before = kept()
    let tried = 0
    for (const { method, path: template } of house.app.routes) {
      for (const [name, { headers, person }] of Object.entries(everybody)) {
        const path = `/api/v1${concrete(template, method, person)}`
        // No JSON: whoever may ask gets no further than that.
        const options = { headers, ...(method === 'GET' ? {} : { body: '{' }) }
        const may = mayAtAll(whoMay[`${method} ${template.replace(/:(\w+)/g, '{$1}')}`]!, name)
        for (const [trick, [write, is]] of Object.entries(tricks)) {
          if (is === 'same' && method === 'DELETE' && template === '/session') continue
          tried++
          const what = `${method} ${write(path)} (${trick}) by ${name}`
          const answer = await house.ask(method, write(path), options, false)
          if (is === 'other') expect([404, 400], what).toContain(answer.status)
          else if (!may) expect([401, 403], what).toContain(answer.status)
          else expect([401, 'csrf'], what).not.toContain(answer.body?.error?.code)
        }
      }
    }
    expect(tried).toBeGreaterThan(house.app.routes.length * 6 * 15)
    expect(kept()).toEqual(before)
  })

  it.each(['PUT', 'OPTIONS', 'PROPFIND'])('%s is no method of any route', async method => {
    for (const { path } of house.app.routes) {
      const answer = await house.ask(method, `/api/v1${concrete(path)}`, { headers: owner }, false)
      expect(answer.status, path).toBe(404)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('a header that names another method, path or address changes nothing', async () => {
    const claims = {
      'x-http-method-override': 'DELETE',
      'x-original-url': '/api/v1/setup',
      'x-rewrite-url': '/api/v1/setup',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'localhost',
      'x-forwarded-proto': 'http',
      forwarded: 'for=127.0.0.1;host=localhost',
    }
    expect((await house.api('GET', '/users', { headers: claims })).status).toBe(401)
    const headers = { ...member, ...claims }
    const answer = await house.api('GET', '/network', { headers })
    expect([answer.status, answer.body.seenAddress]).toEqual([200, '10.1.1.9'])
  })

  it('HEAD has the rights of GET, and no body', async () => {
    const by = (headers: Readonly<Record<string, string>>) =>
      house.ask('HEAD', '/api/v1/users', { headers }, false)
    expect([(await by({})).status, (await by(member)).status, (await by(owner)).status]).toEqual([
      401, 403, 200,
    ])
    expect((await by(owner)).text).toBe('')
  })

  it.each([
    '/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/admin/..%2f..%2fpackage.json',
    '/assets/%5c..%5c..%5cpackage.json',
    '/data/lanline.db',
  ])('%s is no file', async path => {
    expect((await house.ask('GET', path, { headers: owner })).status).toBe(404)
  })

  it.each([
    'evil.example',
    'lanline.local.evil.example',
    'lanline.local@evil.example',
    '',
    '10.1.1.2',
    '[::2]',
  ])('the name %j is not ours (DNS rebinding)', async host => {
    const answer = await house.api('GET', '/users', { host, headers: owner })
    expect([400, 421]).toContain(answer.status)
  })

  it('localhost is served to this computer only', async () => {
    const from = (peer: string): Promise<Asked> =>
      house.api('GET', '/health', { host: 'alice.localhost:8080', env: { listener: 'http', peer } })
    expect((await from('10.1.1.9')).status).toBe(421)
    expect((await from('127.0.0.1')).status).toBe(200)
    expect((await from('::1')).status).toBe(200)
  })

  it('pages of other sites are refused, those the owner listed are not', async () => {
    const from = (origin: string): Promise<Asked> =>
      house.api('GET', '/users', { headers: { ...owner, origin } })
    for (const origin of [
      'https://evil.example',
      'null',
      'http://lanline.local:8443',
      'https://lanline.local',
    ]) {
      expect((await from(origin)).status, origin).toBe(403)
    }
    expect((await from('https://lanline.local:8443')).status).toBe(200)
    expect((await from('https://app.example')).status).toBe(200)
  })

  it('in the clear from the LAN there is the door page and nothing of the interface', async () => {
    const env = { listener: 'http' as const, peer: '10.1.1.9' }
    expect((await house.ask('GET', '/', { env, host: '10.1.1.1' })).headers.get('content-type')).toContain(
      'html',
    )
    for (const path of ['/api/v1/users', '/api/v1/session', '/metrics', '/admin/']) {
      const answer = await house.ask('GET', path, { env, host: '10.1.1.1', headers: owner })
      expect(answer.text, path).not.toContain('Olivia')
      expect(answer.headers.get('content-type'), path).not.toContain('json;')
    }
    const login = { body: { user: 'olivia', password: 'correct horse battery' } }
    const answer = await house.ask('POST', '/api/v1/session', { env, host: '10.1.1.1', ...login })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it('the counters are the owner’s', async () => {
    expect((await house.ask('GET', '/metrics')).status).toBe(401)
    expect((await house.ask('GET', '/metrics', { headers: member })).status).toBe(403)
    expect((await house.ask('GET', '/metrics', { headers: owner })).text).toContain('lanline_up')
  })

  it('a body over the limit is refused', async () => {
    const answer = await house.api('POST', '/session', { body: { user: 'x', password: 'y'.repeat(20_000) } })
    expect(answer.status).toBe(413)
  })
})

describe('a session', () => {
  it('is a cookie that scripts and other sites cannot use, new at each login and gone after logout', async () => {
    const login = (): Promise<Asked> =>
      house.api('POST', '/session', { body: { user: 'mia', password: 'another long password' } })
    const [first, second] = [await login(), await login()]
    const cookie = first.headers.getSetCookie().find(one => one.startsWith('__Host-lanline_session='))!
    for (const word of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(word)
    expect(second.headers.getSetCookie().join()).not.toContain(cookie.split(';')[0])
    const headers = { cookie: cookie.split(';')[0]!, 'x-csrf-token': first.body.csrfToken as string }
    expect((await house.api('GET', '/session', { headers })).status).toBe(200)
    expect((await house.api('DELETE', '/session', { headers })).status).toBeLessThan(300)
    expect((await house.api('GET', '/session', { headers })).status).toBe(401)
  })

  it('costs a guesser time, and its owner nothing', async () => {
    const guess = (peer: string): Promise<Asked> =>
      house.api('POST', '/session', { body: { user: 'mia', password: 'wrong' }, env: { peer } })
    const statuses: number[] = []
    for (let count = 0; count < 14; count++) statuses.push((await guess('10.1.1.66')).status)
    expect(statuses.filter(status => status === 429).length).toBeGreaterThan(0)
    const right = { body: { user: 'mia', password: 'another long password' } }
    expect((await house.api('POST', '/session', { ...right, env: { peer: '10.1.1.7' } })).status).toBe(200)
  })

  it('lengthened, the mark of a browser that logged in before buys no further tries', async () => {
    const right = { body: { user: 'mia', password: 'another long password' } }
    const login = await house.api('POST', '/session', { ...right, env: { peer: '10.1.1.8' } })
    const [cookie] = login.headers
      .getSetCookie()
      .find(one => one.startsWith('__Host-lanline_known='))!
      .split(';')
    const statuses: number[] = []
    for (let count = 0; count < 14; count++) {
      const headers = { cookie: `${cookie}.${count}` }
      const body = { user: 'mia', password: 'wrong' }
      statuses.push(
        (await house.api('POST', '/session', { body, headers, env: { peer: '10.1.1.8' } })).status,
      )
    }
    expect(statuses.filter(status => status === 429).length).toBeGreaterThan(0)
  })

  it('is not had by the old password once there is a new one, however early it was asked for', async () => {
    // Work on a hash takes longer than to write one down.
    const slow = await AdminHouse.open({ scryptCost: { cost: 16_384, blockSize: 8, parallelization: 1 } })
    const [old, fresh] = ['the password of before', 'the password from now on']
    const headers = await slow.owner()
    await slow.api('POST', '/users', { body: { name: 'nora', displayName: 'Nora' }, headers })
    await slow.api('PATCH', '/users/nora', { body: { password: old }, headers })
    const change = slow.api('PATCH', '/users/nora', { body: { password: fresh }, headers })
    const logins = Array.from({ length: 6 }, () =>
      slow.api('POST', '/session', { body: { user: 'nora', password: old } }),
    )
    expect((await change).status).toBe(200)
    const cookies = (await Promise.all(logins)).flatMap(login => login.headers.getSetCookie())
    for (const cookie of cookies.map(one => one.split(';')[0]!)) {
      expect((await slow.api('GET', '/session', { headers: { cookie } })).status).toBe(401)
    }
    const login = await slow.api('POST', '/session', { body: { user: 'nora', password: fresh } })
    const nora = { cookie: cookiesOf(login), 'x-csrf-token': login.body.csrfToken as string }
    const changes = ['the first of two changes', 'the second of two changes'].map(password =>
      slow.api('POST', '/password', { body: { current: fresh, password }, headers: nora }),
    )
    expect((await Promise.all(changes)).map(({ status }) => status).sort()).toEqual([204, 403])
    await slow.close()
  })
})
