import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type * as message from '../../src/admin/message.ts'
import type * as schemas from '../../src/admin/schemas.ts'
import type { SelectedPair } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import { AdminHouse } from './house.ts'

let house: AdminHouse
let headers: Record<string, string>
beforeAll(async () => {
  house = await AdminHouse.open()
  headers = await house.owner()
})
afterAll(() => house.close())

type Keys<Schema extends z.ZodType> = keyof z.infer<Schema>

test('the schemas have the fields that the types of message.ts have', () => {
  expectTypeOf<Keys<typeof schemas.health>>().toEqualTypeOf<keyof message.Health>()
  expectTypeOf<Keys<typeof schemas.healthDetail>>().toEqualTypeOf<keyof message.HealthDetail>()
  expectTypeOf<Keys<typeof schemas.setupState>>().toEqualTypeOf<keyof message.SetupState>()
  expectTypeOf<Keys<typeof schemas.setupRequest>>().toEqualTypeOf<keyof message.SetupRequest>()
  expectTypeOf<Keys<typeof schemas.setupResponse>>().toEqualTypeOf<keyof message.SetupResponse>()
  expectTypeOf<Keys<typeof schemas.sessionRequest>>().toEqualTypeOf<keyof message.SessionRequest>()
  expectTypeOf<Keys<typeof schemas.session>>().toEqualTypeOf<keyof message.Session>()
  expectTypeOf<Keys<typeof schemas.user>>().toEqualTypeOf<keyof message.User>()
  expectTypeOf<Keys<typeof schemas.newUser>>().toEqualTypeOf<keyof message.NewUser>()
  expectTypeOf<Keys<typeof schemas.userChange>>().toEqualTypeOf<keyof message.UserChange>()
  expectTypeOf<Keys<typeof schemas.device>>().toEqualTypeOf<keyof message.Device>()
  expectTypeOf<Keys<typeof schemas.enrolRequest>>().toEqualTypeOf<keyof message.EnrolRequest>()
  expectTypeOf<Keys<typeof schemas.enrolment>>().toEqualTypeOf<keyof message.Enrolment>()
  expectTypeOf<Keys<typeof schemas.joinState>>().toEqualTypeOf<keyof message.JoinState>()
  expectTypeOf<Keys<typeof schemas.waitingRequest>>().toEqualTypeOf<keyof message.WaitingRequest>()
  expectTypeOf<Keys<typeof schemas.invite>>().toEqualTypeOf<keyof message.Invite>()
  expectTypeOf<Keys<typeof schemas.softphoneRequest>>().toEqualTypeOf<keyof message.SoftphoneRequest>()
  expectTypeOf<Keys<typeof schemas.softphone>>().toEqualTypeOf<keyof message.Softphone>()
  expectTypeOf<Keys<typeof schemas.relayGrantRequest>>().toEqualTypeOf<keyof message.RelayGrantRequest>()
  expectTypeOf<Keys<typeof schemas.relayGrant>>().toEqualTypeOf<keyof message.RelayGrant>()
  expectTypeOf<Keys<typeof schemas.callRow>>().toEqualTypeOf<keyof message.ToldCall>()
  expectTypeOf<NonNullable<z.infer<typeof schemas.callRow>['callerPair']>>().toHaveProperty('localType')
  expectTypeOf<keyof NonNullable<z.infer<typeof schemas.callRow>['callerPair']>>().toEqualTypeOf<
    keyof SelectedPair
  >()
})

test('the document says of every route who may, what it takes and what it answers', async () => {
  const { body } = await house.api('GET', '/openapi.json')
  expect(body.openapi).toBe('3.1.0')
  for (const { method, path, who, body: taken, upload, answers } of house.app.routes) {
    const told = body.paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()]
    expect(told['x-who'], path).toBe(who)
    expect(told.requestBody !== undefined, path).toBe((taken ?? upload) !== undefined)
    expect(Object.keys(told.responses).sort(), path).toEqual([...Object.keys(answers), 'default'].sort())
    const named = [...path.matchAll(/:(\w+)/g)].map(match => match[1])
    const parameters = told.parameters as { in: string; name: string }[]
    expect(parameters.filter(each => each.in === 'path').map(each => each.name)).toEqual(named)
  }
})

test('the document says of what kind a file is, and the file is of that kind', async () => {
  const { body } = await house.api('GET', '/openapi.json')
  for (const { method, path, answers } of house.app.routes) {
    if (method !== 'GET') continue
    const [kind] = Object.keys(body.paths[path.replace(/:(\w+)/g, '{$1}')].get.responses[200].content)
    expect(kind, path).toBe(typeof answers[200] === 'string' ? answers[200] : 'application/json')
    if (path.includes(':') || path === '/events') continue
    const given = await house.ask('GET', `/api/v1${path}`, { headers })
    if (given.status === 200) expect(given.headers.get('content-type'), path).toBe(kind)
  }
})

test('the document says which headers a request needs', async () => {
  const { body } = await house.api('GET', '/openapi.json')
  const headersOf = (path: string, method: string) =>
    (body.paths[path][method].parameters as { in: string; name: string; required: boolean }[])
      .filter(each => each.in === 'header')
      .map(({ name, required }) => [name, required])
  expect(headersOf('/requests/{id}', 'get')).toEqual([['x-request-secret', true]])
  expect(headersOf('/restore', 'post')).toEqual([
    ['x-backup-passphrase', true],
    ['x-csrf-token', false],
  ])
  expect(headersOf('/users', 'post')).toEqual([['x-csrf-token', false]])
  expect([...headersOf('/users', 'get'), ...headersOf('/session', 'post')]).toEqual([])
})

test('a call with everything known of it is answered as the document says', async () => {
  const pair: SelectedPair = {
    localType: 'host',
    localAddress: '10.0.0.2',
    localPort: 5_000,
    remoteType: 'host',
    remoteAddress: '10.0.0.3',
    remotePort: 5_002,
    protocol: 'udp',
    rttMilliseconds: 1.5,
  }
  const at = Date.UTC(2027, 0, 1) as Epoch
  await house.store.calls.save({
    id: 'c1',
    callerUser: 'olivia',
    callerName: 'Olivia',
    callerDevice: 'd1',
    calleeUser: 'bob',
    calleeName: 'Bob',
    calleeDevice: 'd2',
    video: true,
    startedAt: at,
    ringingAt: at,
    answeredAt: at,
    endedAt: at,
    endedBy: 'caller',
    reason: 'hangup',
    code: 0,
    missed: false,
    missedSeen: false,
    aliveAt: at,
    callerPair: pair,
    calleePair: pair,
    relayReason: undefined,
    ledger: undefined,
  })
  expect((await house.api('GET', '/calls/c1', { headers })).body.callerPair).toEqual(pair)
  expect((await house.api('GET', '/calls?user=bob', { headers })).body.total).toBe(1)
  expect((await house.api('GET', '/calls/none', { headers })).status).toBe(404)
  const files = {
    'trace.json': ['json', 'application/json', null],
    'trace.html': ['html', 'text/html; charset=utf-8', null],
    'trace.pcapng': ['pcapng', 'application/x-pcapng', 'attachment; filename="call-c1.pcapng"'],
    'trace.pcap': ['pcap', 'application/vnd.tcpdump.pcap', 'attachment; filename="call-c1.pcap"'],
    'trace.rtcstats': ['rtcstats', 'text/plain; charset=utf-8', 'attachment; filename="call-c1.rtcstats"'],
    'ladder.svg': ['ladder', 'image/svg+xml', null],
  }
  for (const [name, [format, contentType, disposition]] of Object.entries(files)) {
    const file = await house.api('GET', `/calls/c1/${name}`, { headers })
    const { status, text } = file
    expect({ status, text, type: file.headers.get('content-type') }).toEqual({
      ...{ status: 200, text: JSON.stringify({ call: 'c1', format }), type: contentType },
    })
    expect(file.headers.get('content-disposition')).toBe(disposition)
    expect(file.headers.get('x-content-type-options')).toBe('nosniff')
    expect(file.headers.get('content-security-policy')).toMatch(
      name === 'trace.html'
        ? /^sandbox; default-src 'none'; style-src 'sha256-test'; frame-ancestors 'none'$/
        : /^sandbox; default-src 'none';/,
    )
    expect((await house.api('GET', `/calls/none/${name}`, { headers })).status).toBe(404)
  }
  const csv = await house.api('GET', '/calls.csv', { headers })
  expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
  expect(csv.text).toMatch(/^"","olivia","bob","lanline",.*"c1",.*\r\n$/)
})
