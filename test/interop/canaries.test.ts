/**
 * Secrets planted wherever a client, a person or a stranger can put one, and those the daemon itself gives out: after
 * calls they are in nothing that it keeps or shows.
 *
 * What the database alone holds, the key of the owner's certificate, is looked for everywhere else.
 * What is kept of a secret by design, and is not looked for: HA1 of SIP passwords (RFC 2617 §3.2.2.2), the memory-hard hash
 * of console passwords, SHA-256 of tokens, cookies and invitations. The claim link and its code stand in the output once,
 * before the log begins: whoever starts the appliance is to read them there.
 *
 * The relay does not serve loopback: TURN credentials are looked for where coturn’s clients use them, in turnutils.test.ts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SetupResponse } from '../../src/admin/message.ts'
import { databaseFile } from '../../src/store/database.ts'
import { essentialsFile } from '../../src/store/essentials.ts'
import { makeChain } from '../tls/own-certificate.ts'
import { ChannelClient } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, type RawMessage, RawPeer, request, token } from './raw-sip.ts'
import { print, report } from './reporting.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-canaries-'))
const data = path.join(directory, 'data')
const domain = 'lanline.local'
/** What it is, by its value. */
const planted = new Map<string, string>()
/** Short and of small letters mostly, so that nothing takes it for a token by its looks. */
const canary = (what: string): string => {
  const value = `canary-${String(planted.size).padStart(2, '0')}-zq`
  planted.set(value, what)
  return value
}
const given = (what: string, value: string): string => {
  expect(value.length, what).toBeGreaterThan(7)
  planted.set(value, what)
  return value
}
/** A line in the middle of a key's PEM. */
const lineOf = (pem: string): string => pem.split('\n')[2]!.slice(0, 40)
const passwords = {
  anna: canary('the password of a SIP phone'),
  ben: canary('the password of another'),
  owner: canary('the owner’s password'),
}

let daemon: LocalDaemon
beforeAll(async () => {
  daemon = await startLocalDaemon({
    directory,
    users: [
      { name: 'anna', password: passwords.anna },
      { name: 'ben', password: passwords.ben },
    ],
    configuration: '[log]\nlevel = "trace"\n',
  })
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

// ------------------------------------------------------------------------------------------------ REST interface

class Rest {
  cookie = ''
  csrf = ''

  async ask(method: string, route: string, body?: unknown, more: Record<string, string> = {}) {
    const answered = await fetch(`http://127.0.0.1:${daemon.ports.http}${route}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.cookie === '' ? {} : { cookie: this.cookie, 'x-csrf-token': this.csrf }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await answered.arrayBuffer())
    return { status: answered.status, bytes, cookie: answered.headers.get('set-cookie') ?? '' }
  }

  async json<Answer>(method: string, route: string, body?: unknown): Promise<Answer> {
    const { status, bytes } = await this.ask(method, `/api/v1${route}`, body)
    if (status < 200 || status > 299) throw new Error(`${method} ${route}: ${status} ${bytes}`)
    return JSON.parse(bytes.toString()) as Answer
  }
}

// ------------------------------------------------------------------------------------------------------ SIP phones

const description = (byte: string): string =>
  [
    'v=0',
    `o=${canary('an o= name')} 1 1 IN IP4 127.0.0.1`,
    `s=${canary('an s= line')}`,
    't=0 0',
    `k=clear:${canary('a k= line')}`,
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    `a=ice-ufrag:keptUfrag${byte}`,
    `a=ice-pwd:${canary('an ice-pwd')}aaaaaaaaaaaa`,
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${canary('an SDES key')}`,
    `a=x-key:${canary('an unknown attribute')}`,
    `a=fingerprint:${print(byte)}`,
    '',
  ].join('\r\n')

class Phone {
  readonly name: 'anna' | 'ben'
  readonly peer: RawPeer
  readonly contact: string
  readonly #address: string

  private constructor(name: 'anna' | 'ben', peer: RawPeer) {
    this.name = name
    this.peer = peer
    this.#address = `<sip:${name}@${domain}>`
    this.contact = `<sip:${name}@127.0.0.1:${peer.localPort};transport=tcp>`
  }

  static async register(name: 'anna' | 'ben'): Promise<Phone> {
    const phone = new Phone(name, await RawPeer.open('tcp', daemon.ports.sip))
    const uri = `sip:${domain}`
    const wrong = await phone.ask('REGISTER', uri, {
      to: phone.#address,
      password: canary('a wrong password'),
    })
    expect(wrong?.status).toBeGreaterThan(399)
    expect((await phone.ask('REGISTER', uri, { to: phone.#address }))?.status).toBe(200)
    return phone
  }

  /** With an answer to the challenge, where one comes. */
  async ask(
    method: string,
    uri: string,
    how: {
      readonly to: string
      readonly password?: string
      readonly callId?: string
      readonly tag?: string
      readonly more?: readonly string[]
      readonly body?: string
    },
  ): Promise<RawMessage | undefined> {
    const { password = passwords[this.name], more = [], callId = token(), tag = token(), ...rest } = how
    const say = (cseq: number, lines: readonly string[]): Promise<RawMessage | undefined> =>
      this.peer.ask(
        request({
          ...{ method, uri, from: this.#address, transport: 'tcp', callId, tag, cseq, ...rest },
          more: [`Contact: ${this.contact}`, ...more, ...lines],
        }),
      )
    const first = await say(1, [])
    if (first?.status !== 401 && first?.status !== 407) return first
    const challenge = challengeOf(first)
    given('a nonce', challenge.nonce!)
    const header = first.status === 401 ? 'Authorization' : 'Proxy-Authorization'
    const cnonce = canary('a cnonce')
    const credentials = digest({ user: this.name, password, method, uri, challenge, cnonce })
    given('a digest response', /response="(\w+)"/.exec(credentials)![1]!)
    return say(2, [`${header}: ${credentials}`])
  }
}

const oddHeaders = (): string[] => [
  `Authorization: Bearer ${canary('a bearer token')}`,
  `Cookie: session=${canary('a SIP cookie')}`,
  `X-Secret: ${canary('an unknown header')}`,
  `Subject: ${canary('a subject')}`,
  `Alert-Info: <http://example.com/${canary('a ring tone’s address')}>`,
  `Identity: ${canary('an identity')};info=<https://example.com>;alg=ES256`,
]

/** Rings, is answered, says a word and ends; gives nothing back: the list of calls has it. */
async function callBySip(anna: Phone, ben: Phone): Promise<void> {
  const [callId, tag] = [token(), token()]
  const sdp = ['Content-Type: application/sdp', ...oddHeaders()]
  const to = `<sip:ben@${domain};token=${canary('a parameter of To')}>`
  const answering = ben.peer
    .next(message => message.method === 'INVITE')
    .then(invite => {
      const ok = answer(invite!, 200, {
        tag: token(),
        contact: ben.contact.slice(1, -1),
        body: description('BB'),
      })
      ben.peer.send(ok.replace('Content-Length', 'Content-Type: application/sdp\r\nContent-Length'))
    })
  const ok = await anna.ask('INVITE', `sip:ben@${domain}`, {
    ...{ to, callId, tag, more: sdp, body: description('AA') },
  })
  await answering
  expect(ok?.status).toBe(200)
  const routes = ok!.headers('Record-Route').reverse()
  const uri = /<(.*?)>/.exec(ok!.header('Contact'))![1]!
  const within = (method: string, cseq: number, more: readonly string[], body = ''): string =>
    request({
      ...{ method, uri, from: `<sip:anna@${domain}>`, to: ok!.header('To'), transport: 'tcp' },
      ...{ callId, tag, cseq, more: [...routes.map(route => `Route: ${route}`), ...more], body },
    })
  anna.peer.send(within('ACK', 2, []))
  expect(await ben.peer.next(message => message.method === 'ACK')).toBeDefined()
  const words = canary('the body of a MESSAGE')
  anna.peer.send(within('MESSAGE', 3, ['Content-Type: text/plain', ...oddHeaders()], words))
  const message = await ben.peer.next(one => one.method === 'MESSAGE')
  expect(message?.body).toBe(words)
  ben.peer.send(answer(message!, 200))
  anna.peer.send(within('BYE', 4, []))
  ben.peer.send(answer((await ben.peer.next(one => one.method === 'BYE'))!, 200))
  await anna.peer.next(one => one.status === 200 && one.header('CSeq') === '4 BYE')
}

// ----------------------------------------------------------------------------------------------- lanline.v1 clients

async function enter(rest: Rest, user: string): Promise<ChannelClient> {
  await rest.json('POST', '/users', { name: user })
  const wish = { displayName: user, deviceName: 'test', kind: 'app', user }
  const enrolment = await rest.json<{ token: string }>('POST', '/devices', wish)
  const channel = await ChannelClient.open(daemon.ports.http)
  const hello = { type: 'hello', client: 'test', tab: 'one', resume: [] }
  channel.say({ ...hello, token: given('a device’s token', enrolment.token) })
  expect(await channel.next('welcome')).toBeDefined()
  return channel
}

async function callByChannel(rest: Rest): Promise<void> {
  const stranger = await ChannelClient.open(daemon.ports.http)
  const hello = { type: 'hello', client: 'test', tab: 'one', resume: [] }
  stranger.say({ ...hello, token: canary('a token that is nobody’s') })
  await stranger.untilClosed()
  const [carl, dora] = [await enter(rest, 'carl'), await enter(rest, 'dora')]
  carl.say({ type: 'call', ref: 'r1', to: 'dora', sdp: description('AA'), video: false })
  const call = String((await carl.next('calling'))?.call)
  await dora.next('incoming')
  dora.say({ type: 'answer', call, sdp: description('BB') })
  const answered = await carl.next('answered')
  given('a dialog that resumes a call', String((await carl.next('dialog', 500))?.dialog ?? answered!.dialog))
  carl.say({ type: 'report', call, report: report('caller', 100) })
  dora.say({ type: 'report', call, report: report('callee', 100) })
  // What no client of ours says: each is refused, and its refusal is told and noted somewhere.
  for (const odd of [
    {
      type: 'report',
      call,
      report: { ...report('callee', 200), secret: canary('a report’s unknown member') },
    },
    {
      type: 'report',
      call,
      report: { ...report('callee', 300), iceConnection: canary('a state that is none') },
    },
    { type: 'report', call, report: { ...report('callee', 400), streams: canary('streams that are none') } },
    { type: canary('a type that is none'), call, password: canary('a member of what is no message') },
    { type: 'bye', call, reason: canary('a reason that is none') },
    `{"type":"answer","token":"${canary('JSON that is broken')}`,
  ]) {
    const liar = await ChannelClient.open(daemon.ports.http)
    liar.say(odd)
    await liar.untilClosed(300)
    liar.close()
    if (typeof odd !== 'string') dora.say(odd)
  }
  carl.say({ type: 'bye', call, reason: 'hangup' })
  await Promise.all([carl.next('ended'), dora.next('ended', 500)])
  for (const channel of [carl, dora]) channel.close()
}

// -------------------------------------------------------------------------------------------------------- the search

/** As it is, and as base64 has it at each of three places. */
const shapes = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  ...[0, 1, 2].map(at => {
    const text = Buffer.from(`${'\0'.repeat(at)}${secret}`)
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(at === 0 ? 0 : at + 1, -2)
  }),
]

function found(places: ReadonlyMap<string, Buffer>): string[] {
  const texts = [...places].map(([place, bytes]) => [place, bytes.toString('latin1')] as const)
  return [...planted].flatMap(([secret, what]) =>
    texts.flatMap(([place, text]) =>
      shapes(secret).some(one => text.includes(one)) ? `${what}: ${place}` : [],
    ),
  )
}

/** Everything of the data directory, and what lies compressed in the database. */
function onDisk(): Map<string, Buffer> {
  const places = new Map<string, Buffer>()
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(data, name)
    if (statSync(file).isFile()) places.set(name, readFileSync(file))
  }
  const database = new Sqlite(path.join(data, databaseFile), { readonly: true })
  const rows = database.prepare('select events from trace_segments').all() as { events: string | Buffer }[]
  database.close()
  const events = rows.map(({ events }) =>
    typeof events === 'string' ? events : zstdDecompressSync(events).toString(),
  )
  expect(events.length).toBeGreaterThan(0)
  return places.set('events of calls', Buffer.from(events.join('\n')))
}

const unpacked = (bytes: Buffer): Buffer =>
  bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes

it('keeps and shows none of more than eighty secrets', { retry: 0 }, async () => {
  const owner = new Rest()
  const setupCode = /setup code (\S+)/.exec(daemon.output())![1]!
  const claim = await owner.ask('POST', '/api/v1/setup', {
    ...{ code: setupCode, place: 'Test house', displayName: 'Olivia', password: passwords.owner },
  })
  expect(claim.status, claim.bytes.toString()).toBe(201)
  const setup = JSON.parse(claim.bytes.toString()) as SetupResponse
  owner.cookie = claim.cookie.split(';')[0]!
  owner.csrf = given('a CSRF token', setup.session.csrfToken)
  given('a session cookie', owner.cookie.split('=')[1]!)
  given('the owner’s device token', setup.enrolment.token)
  const nobody = new Rest()
  const refused = [
    await nobody.ask('POST', '/api/v1/session', { user: 'olivia', password: canary('a failed login') }),
    await nobody.ask('POST', '/api/v1/invites/look', { invite: canary('a wrong invitation') }),
    await nobody.ask('GET', '/api/v1/users', undefined, {
      ...{
        cookie: `lanline_session=${canary('a wrong cookie')}`,
        authorization: `Bearer ${canary('a wrong bearer')}`,
      },
    }),
    await nobody.ask('GET', `/api/v1/users?token=${canary('a token in an address')}`),
    await nobody.ask('GET', `/sip/provisioning/${canary('a wrong provisioning link')}`),
    await nobody.ask('POST', '/api/v1/session', { user: 'olivia', [canary('a member’s name')]: 1 }),
  ]
  expect(refused.filter(({ status }) => status < 400)).toEqual([])
  const invite = await owner.json<{ token: string }>('POST', '/invites', {})
  given('an invitation', invite.token)
  const softphone = await owner.json<{ password: string; linphone: { url: string } }>('POST', '/softphones', {
    deviceName: 'softphone',
  })
  given('a softphone’s password', softphone.password)
  given('a provisioning link', softphone.linphone.url.split('/').at(-1)!)
  const backup = await owner.ask('POST', '/api/v1/backup', {
    passphrase: `${canary('a passphrase')} of a backup`,
  })
  expect(backup.status).toBe(200)

  const [own, other] = ['phone.example.com', 'other.example.com'].map(name => makeChain({ names: [name] }))
  const wrong = { certificate: own!.leaf, key: other!.key }
  given('the key of a certificate that was refused', lineOf(other!.key))
  for (const route of ['look', 'own'])
    expect((await owner.ask('POST', `/api/v1/certificate/${route}`, wrong)).status).toBe(422)
  await owner.json('POST', '/certificate/own', { certificate: own!.leaf + own!.intermediate, key: own!.key })

  const [anna, ben] = [await Phone.register('anna'), await Phone.register('ben')]
  const spoken = ben.peer.next(one => one.method === 'MESSAGE').then(one => ben.peer.send(answer(one!, 200)))
  const delivered = await anna.ask('MESSAGE', `sip:ben@${domain}`, {
    ...{ to: `<sip:ben@${domain}>`, body: canary('the body of a MESSAGE outside a call') },
    more: ['Content-Type: text/plain', ...oddHeaders()],
  })
  expect(delivered?.status).toBe(200)
  await spoken
  await callBySip(anna, ben)
  await callByChannel(owner)
  for (const phone of [anna, ben]) phone.peer.close()
  expect(planted.size).toBeGreaterThan(80)

  const { calls } = await owner.json<{ calls: { id: string }[] }>('GET', '/calls')
  expect(calls).toHaveLength(2)
  const files = ['trace.json', 'trace.html', 'trace.pcapng', 'trace.pcap', 'trace.rtcstats', 'ladder.svg']
  const routes = [
    ...calls.flatMap(({ id }) =>
      ['', ...files.map(file => `/${file}`)].map(file => `/api/v1/calls/${id}${file}`),
    ),
    ...[
      'calls',
      'calls.csv',
      'help',
      'help/diagnostics',
      `help/diagnosis?user=ben&at=${Date.now()}`,
      'help/networks',
      'settings',
      'certificate',
      'log',
      'relay',
    ].map(route => `/api/v1/${route}`),
    ...['users', 'devices', 'invites', 'sessions', 'requests', 'health/detail'].map(
      route => `/api/v1/${route}`,
    ),
    '/metrics',
  ]
  const shown = new Map<string, Buffer>([['backup', backup.bytes]])
  for (const route of routes) {
    const { status, bytes } = await owner.ask('GET', route)
    expect(status, `${route} ${bytes.toString('latin1').slice(0, 200)}`).toBe(200)
    shown.set(route, unpacked(bytes))
  }
  for (const { id } of calls) shown.set(`call show ${id}`, Buffer.from(daemon.cli('call', 'show', id)))
  // Everybody sees their own session’s CSRF token only where they log in: nothing above may tell it.
  const running = onDisk()
  expect([...running.keys()].some(name => name.endsWith('-wal'))).toBe(true)
  await daemon.stop()
  const log = Buffer.from(daemon.output())
  const all = new Map([
    ...shown,
    ...[...running].map(([name, bytes]) => [`${name}, running`, bytes] as const),
    ...onDisk(),
  ])
  all.set('log', log)

  // The search is not blind: what is no secret is where it belongs.
  const text = (place: string): string => all.get(place)!.toString('latin1')
  expect(text('events of calls')).toMatch(/keptUfragAA[\s\S]*\[redacted\]/)
  const withUfrag = calls.flatMap(({ id }) => files.slice(0, 4).map(file => `/api/v1/calls/${id}/${file}`))
  expect(withUfrag.filter(place => !text(place).includes('keptUfragAA'))).toEqual([])
  expect(text('log')).toMatch(/"level":"(debug|trace)"|"level":\s*(10|20)/)
  expect(
    found(new Map([...all, ['planted', Buffer.from([...planted.keys()].join(' '))]])).length,
  ).toBeGreaterThanOrEqual(planted.size)
  expect(found(all)).toEqual([])

  // In the database, and what is kept of it once more, the key has its place, as those of the appliance; nowhere else.
  planted.clear()
  given('the key of the owner’s certificate', lineOf(own!.key))
  const holding = found(all).map(line => line.split(': ')[1]!)
  const places = [databaseFile, essentialsFile]
  expect(holding.filter(place => !places.some(own => place.startsWith(own)))).toEqual([])
  expect(holding.length).toBeGreaterThan(0)
})
