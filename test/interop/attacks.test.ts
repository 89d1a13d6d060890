/** What must be refused, said to a running daemon by peers made of plain sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import {
  answer,
  challengeOf,
  digest,
  RawMessage,
  RawPeer,
  type RawTransport,
  type RequestParts,
  request,
  token,
} from './raw-sip.ts'

const domain = 'lanline.local'
const password = 'right'
const directory = mkdtempSync(path.join(tmpdir(), 'lanline-attacks-'))
const peers: RawPeer[] = []
let daemon: LocalDaemon

const transports = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const

beforeAll(async () => {
  // One victim a transport: wrong passwords make the exchange refuse a name from an address for a while.
  const names = ['alice', 'bob', 'carol', 'dave', ...transports.map(transport => `victim-${transport}`)]
  const users = names.map(name => ({ name, password }))
  daemon = await startLocalDaemon({ directory, users })
})

afterEach(() => {
  for (const peer of peers.splice(0)) peer.close()
})

afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function open(transport: RawTransport, localPort = 0, localAddress?: string): Promise<RawPeer> {
  const { sip, sipTls, http, https } = daemon.ports
  const port = { udp: sip, tcp: sip, tls: sipTls, ws: http, wss: https }[transport]
  const peer = await RawPeer.open(transport, port, localPort, localAddress)
  peers.push(peer)
  return peer
}

const aor = (user: string): string => `sip:${user}@${domain}`

const registration = (user: string, peer: RawPeer, more: Partial<RequestParts> = {}): RequestParts => ({
  method: 'REGISTER',
  uri: `sip:${domain}`,
  from: `<${aor(user)}>`,
  to: `<${aor(user)}>`,
  transport: peer.transport,
  ...more,
  more: [
    `Contact: <sip:${user}@127.0.0.1:${peer.localPort};transport=${peer.transport}>`,
    'Expires: 600',
    ...(more.more ?? []),
  ],
})

const call = (from: string, to: string, peer: RawPeer, more: Partial<RequestParts> = {}): RequestParts => ({
  method: 'INVITE',
  uri: aor(to),
  from: `<${aor(from)}>`,
  to: `<${aor(to)}>`,
  transport: peer.transport,
  ...more,
  more: [
    `Contact: <sip:${from}@127.0.0.1:${peer.localPort};transport=${peer.transport}>`,
    ...(more.more ?? []),
  ],
})

/** Sends the request, and again with credentials when it is challenged; the last answer. */
async function authenticated(
  peer: RawPeer,
  parts: RequestParts,
  who: { user: string; password?: string; nc?: number },
): Promise<RawMessage | undefined> {
  const callId = parts.callId ?? token()
  const tag = parts.tag ?? token()
  const first = await peer.ask(request({ ...parts, callId, tag, cseq: parts.cseq ?? 1 }))
  if (first === undefined || (first.status !== 401 && first.status !== 407)) return first
  return peer.ask(
    request({ ...withCredentials(parts, first, who), callId, tag, cseq: (parts.cseq ?? 1) + 1 }),
  )
}

function withCredentials(
  parts: RequestParts,
  challenge: RawMessage,
  who: { user: string; password?: string; nc?: number },
): RequestParts {
  const name = challenge.status === 401 ? 'Authorization' : 'Proxy-Authorization'
  const value = digest({
    user: who.user,
    password: who.password ?? password,
    method: parts.method,
    uri: parts.uri,
    challenge: challengeOf(challenge),
    ...(who.nc === undefined ? {} : { nc: who.nc }),
  })
  return { ...parts, more: [...(parts.more ?? []), `${name}: ${value}`] }
}

/** Everything of an answer that must not differ between two askers: no nonces, tags, ports and times. */
const shape = (message: RawMessage | undefined): string =>
  (message?.text ?? 'nothing')
    .replace(/nonce="[^"]*"/g, 'nonce=')
    .replace(/tag=[^\s;]+/g, 'tag=')
    .replace(/branch=[^\s;]+/g, 'branch=')
    .replace(/rport=\d+/g, 'rport=')
    .replace(/^Call-ID: .*$/m, 'Call-ID:')
    .replaceAll(/victim-\w+|nobody-\w+/g, 'somebody')

describe.each(transports)('over %s', transport => {
  const victim = `victim-${transport}`

  it('the right password registers and a wrong one is challenged again', async () => {
    const peer = await open(transport)
    const parts = registration(victim, peer)
    expect((await authenticated(peer, parts, { user: victim, password: 'wrong' }))?.status).toBe(401)
    expect((await authenticated(peer, parts, { user: victim }))?.status).toBe(200)
  })

  it('an unknown user gets the very answers of a known one with a wrong password', async () => {
    const peer = await open(transport)
    const nobody = `nobody-${transport}`
    const wrong = { password: 'wrong' }
    const known = await authenticated(peer, registration(victim, peer), { user: victim, ...wrong })
    const unknown = await authenticated(peer, registration(nobody, peer), { user: nobody, ...wrong })
    expect(unknown?.status).toBe(401)
    expect(shape(unknown)).toBe(shape(known))
  })

  it('a call with a wrong password is challenged again, and so is one by an unknown user', async () => {
    const peer = await open(transport)
    const nobody = `nobody-${transport}`
    const wrong = { password: 'wrong' }
    const known = await authenticated(peer, call(victim, 'bob', peer), { user: victim, ...wrong })
    const unknown = await authenticated(peer, call(nobody, 'bob', peer), { user: nobody, ...wrong })
    expect([known?.status, unknown?.status]).toEqual([407, 407])
  })

  it('guessing on is refused for a while, without a word about whether the last guess was right', async () => {
    const peer = await open(transport)
    const guesses: (number | undefined)[] = []
    for (let guess = 0; guess < 12; guess++) {
      const parts = registration(`nobody-${transport}`, peer)
      guesses.push(
        (await authenticated(peer, parts, { user: `nobody-${transport}`, password: `${guess}` }))?.status,
      )
    }
    expect(guesses[0]).toBe(401)
    expect(guesses.at(-1)).toBe(503)
  })

  it('credentials used a second time are stale', async () => {
    const peer = await open(transport)
    const parts = registration(victim, peer)
    const challenge = await peer.ask(request(parts))
    const answered = withCredentials(parts, challenge!, { user: victim })
    expect((await peer.ask(request({ ...answered, callId: token() })))?.status).toBe(200)
    const thief = await open(transport)
    const replayed = await thief.ask(request({ ...answered, callId: token() }))
    expect(replayed?.status).toBe(401)
    expect(challengeOf(replayed!).stale).toBe('true')
  })

  it('a From of somebody else is forbidden', async () => {
    const peer = await open(transport)
    const forged = await authenticated(peer, call('bob', 'carol', peer), { user: victim })
    expect(forged?.status).toBe(403)
  })

  it('a connection proven for one is not proven for another', async () => {
    const peer = await open(transport)
    expect((await authenticated(peer, registration(victim, peer), { user: victim }))?.status).toBe(200)
    expect((await peer.ask(request(call('bob', 'carol', peer))))?.status).toBe(407)
  })

  it('registering somebody else is forbidden', async () => {
    const peer = await open(transport)
    const parts = registration('bob', peer, { from: `<${aor(victim)}>` })
    expect((await authenticated(peer, parts, { user: victim }))?.status).toBe(403)
  })

  it('malformed messages are refused or ignored, and the next good one is served', async () => {
    for (const [what, message, allowed] of malformed(transport)) {
      const peer = await open(transport)
      peer.send(message)
      const answer = await peer.next(m => m.status >= 200, allowed.includes('nothing') ? 300 : 5_000)
      const status = answer?.status ?? (peer.closed ? 'closed' : 'nothing')
      expect(allowed, `${what}: ${status}`).toContain(status)
      peer.close()
    }
    const peer = await open(transport)
    expect((await authenticated(peer, registration(victim, peer), { user: victim }))?.status).toBe(200)
  })
})

type Fate = number | 'closed' | 'nothing'

/** What is sent, and what may become of it. Streams may be closed where framing is lost. */
function malformed(transport: RawTransport): [what: string, message: string | Buffer, fates: Fate[]][] {
  const good = request({
    method: 'OPTIONS',
    uri: aor('bob'),
    from: '<sip:x@y>',
    to: `<${aor('bob')}>`,
    transport,
  })
  const without = (name: string): string => good.replace(new RegExp(`^${name}:.*\r\n`, 'm'), '')
  const silent: Fate[] = ['nothing', 'closed']
  return [
    [
      'random bytes',
      Buffer.from(Array.from({ length: 600 }, (_, index) => (index * 197 + 91) % 256)),
      silent,
    ],
    ['a web request', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', silent],
    ['no Via', without('Via'), silent],
    ['a Via that says nothing', good.replace(/^Via: .*$/m, 'Via: ,;;'), [400, ...silent]],
    ['no From', without('From'), [400]],
    ['no Call-ID', without('Call-ID'), [400]],
    ['two Call-IDs', good.replace(/^(Call-ID: .*)$/m, '$1\r\n$1x'), [400]],
    ['another method in CSeq', good.replace('1 OPTIONS', '1 INVITE'), [400]],
    ['a CSeq beyond counting', good.replace('CSeq: 1', 'CSeq: 99999999999999999999'), [400]],
    ['a negative length', good.replace('Content-Length: 0', 'Content-Length: -1'), [400, 'closed']],
    [
      'a length beyond the end',
      good.replace('Content-Length: 0', 'Content-Length: 4000000000'),
      [400, 'closed'],
    ],
    ['SIP/7.0', good.replace(' SIP/2.0\r', ' SIP/7.0\r'), [505]],
    ['a bare line feed', good.replace('From:', 'X: a\n\tb\r\nFrom:'), [400, 'nothing']],
    ['a NUL', good.replace('From:', 'X: a\0b\r\nFrom:'), [400]],
    ['129 fields', good.replace('From:', `${'X: y\r\n'.repeat(129)}From:`), [400, ...silent]],
    ['70,000 bytes', good.replace('From:', `X: ${'y'.repeat(70_000)}\r\nFrom:`), [513, ...silent]],
    ['an unclosed quote', good.replace('From: <', 'From: "<'), [400]],
    ['an unknown scheme', good.replace(`OPTIONS ${aor('bob')}`, 'OPTIONS nntp:x'), [400, 407, 416]],
  ]
}

/** A socket that is all of `user`'s devices: what earlier tests bound is gone. */
const registered = async (user: string, transport: RawTransport = 'udp'): Promise<RawPeer> => {
  const peer = await open(transport)
  const parts = registration(user, peer)
  const none = { ...parts, more: ['Contact: *', 'Expires: 0'] }
  expect((await authenticated(peer, none, { user }))?.status).toBe(200)
  expect((await authenticated(peer, parts, { user }))?.status).toBe(200)
  return peer
}

/** Starts a call and leaves it ringing: the caller's INVITE as accepted, and the callee's as it came. */
async function ring(caller: RawPeer, callee: RawPeer, from: string, to: string) {
  const parts = { ...call(from, to, caller), callId: token(), tag: token(), branch: `z9hG4bK${token()}` }
  let invite = request({ ...parts, branch: `z9hG4bK${token()}` })
  caller.send(invite)
  const first = await caller.next(m => m.status >= 180)
  if (first?.status === 407) {
    invite = request({ ...withCredentials(parts, first, { user: from }), cseq: 2 })
    caller.send(invite)
  }
  const incoming = await callee.next(m => m.method === 'INVITE')
  expect(incoming).toBeDefined()
  const tag = token()
  callee.send(answer(incoming!, 180, { tag, contact: `sip:${to}@127.0.0.1:${callee.localPort}` }))
  expect((await caller.next(m => m.status === 180))?.status).toBe(180)
  return { invite: new RawMessage(invite), incoming: incoming!, tag }
}

describe('strangers to a call', () => {
  it('cannot cancel it, although they know every word of the INVITE', async () => {
    const [alice, bob, mallory] = [await registered('alice'), await registered('bob'), await open('udp')]
    const { invite, incoming, tag } = await ring(alice, bob, 'alice', 'bob')
    const cancel = invite.text.replace(/^INVITE/, 'CANCEL').replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL')
    mallory.send(cancel)
    expect((await mallory.next(m => m.status > 0))?.status).toBe(481)
    expect(await bob.next(m => m.method === 'CANCEL', 300)).toBeUndefined()
    bob.send(answer(incoming, 486, { tag }))
    expect((await alice.next(m => m.status >= 200))?.status).toBe(486)
  })

  it('cannot answer it from another address, although they know every word of the INVITE that rings', async () => {
    const [alice, bob] = [await registered('alice'), await registered('bob')]
    const mallory = await open('udp', 0, '127.0.0.2')
    const { incoming, tag } = await ring(alice, bob, 'alice', 'bob')
    mallory.send(answer(incoming, 200, { tag: 'stolen', contact: `sip:m@127.0.0.1:${mallory.localPort}` }))
    mallory.send(answer(incoming, 486, { tag: 'stolen' }))
    expect(await alice.next(m => m.status >= 200, 300)).toBeUndefined()
    bob.send(answer(incoming, 603, { tag }))
    expect((await alice.next(m => m.status >= 200))?.status).toBe(603)
  })

  it('cannot end it with a BYE that has the right tags and routes', async () => {
    const [alice, bob, mallory] = [await registered('alice'), await registered('bob'), await open('udp')]
    const { incoming, tag } = await ring(alice, bob, 'alice', 'bob')
    bob.send(answer(incoming, 200, { tag, contact: `sip:bob@127.0.0.1:${bob.localPort}` }))
    const ok = await alice.next(m => m.status === 200)
    const bye = request({
      method: 'BYE',
      uri: `sip:bob@127.0.0.1:${bob.localPort}`,
      from: ok!.header('From').replace(/;tag=.*/, ''),
      tag: /;tag=([^;]+)/.exec(ok!.header('From'))![1]!,
      to: ok!.header('To'),
      callId: ok!.header('Call-ID'),
      cseq: 9,
      more: ok!
        .headers('Record-Route')
        .toReversed()
        .map(value => `Route: ${value}`),
    })
    expect((await mallory.ask(bye))?.status).toBe(407)
    expect(await bob.next(m => m.method === 'BYE', 300)).toBeUndefined()
  })

  it('cannot make up a route: only what the exchange itself issued is one', async () => {
    const mallory = await open('udp')
    const forged = Buffer.from('rb!0123456789abcdef!device').toString('base64url').padEnd(60, 'A')
    const bye = request({
      method: 'BYE',
      uri: 'sip:bob@127.0.0.1:5999',
      from: `<${aor('alice')}>`,
      to: `<${aor('bob')}>;tag=x`,
      more: [`Route: <sip:${forged}@127.0.0.1:${daemon.ports.sip};lr>`],
    })
    expect([403, 404, 407, 481]).toContain((await mallory.ask(bye))?.status)
  })
})

describe('credentials', () => {
  it('a count is good once, in any order, and not far behind the highest', async () => {
    const peer = await open('udp')
    const parts = registration('carol', peer)
    const challenge = await peer.ask(request(parts))
    const answers: unknown[] = []
    for (const nc of [5, 5, 3, 3, 4, 5000, 5000, 4999, 1, 0xffffffff, 6]) {
      const again = withCredentials(parts, challenge!, { user: 'carol', nc })
      const result = await peer.ask(request({ ...again, callId: token() }))
      answers.push(result?.status === 401 ? challengeOf(result).stale : result?.status)
    }
    expect(answers).toEqual([200, 'true', 200, 'true', 200, 200, 'true', 200, 'true', 200, 'true'])
  })

  it('a nonce of somebody else is stale, a made-up one too', async () => {
    const peer = await open('udp')
    const parts = registration('carol', peer)
    const challenge = (await peer.ask(request(parts)))!
    for (const nonce of [
      '',
      'x',
      'A'.repeat(32),
      challengeOf(challenge).nonce!.replace(/.$/, c => (c === 'A' ? 'B' : 'A')),
    ]) {
      const forged = new RawMessage(challenge.text.replaceAll(/nonce="[^"]*"/g, `nonce="${nonce}"`))
      const result = await peer.ask(
        request({ ...withCredentials(parts, forged, { user: 'carol' }), callId: token() }),
      )
      expect(result?.status).toBe(401)
    }
  })

  it('made for one method or one address do not serve for another', async () => {
    const peer = await open('udp')
    const parts = registration('carol', peer)
    const challenge = (await peer.ask(request(parts)))!
    const value = digest({
      user: 'carol',
      password,
      method: 'REGISTER',
      uri: parts.uri,
      challenge: challengeOf(challenge),
    })
    const invite = call('carol', 'bob', peer)
    const result = await peer.ask(
      request({ ...invite, more: [...invite.more!, `Proxy-Authorization: ${value}`] }),
    )
    expect(result?.status).toBe(407)
  })

  it('for the exchange are not shown to the other party', async () => {
    const [alice, bob] = [await registered('alice'), await registered('bob')]
    const { incoming, tag } = await ring(alice, bob, 'alice', 'bob')
    expect(incoming.text).not.toMatch(/authorization/i)
    bob.send(answer(incoming, 486, { tag }))
  })
})

describe('registrations', () => {
  it('of more contacts than a device may have are refused whole', async () => {
    const peer = await open('udp')
    const parts = registration('dave', peer)
    const bomb = Array.from({ length: 400 }, (_, index) => `<sip:dave@192.0.2.1:${index + 1}>`).join(',')
    const refused = await authenticated(peer, { ...parts, more: [`Contact: ${bomb}`] }, { user: 'dave' })
    expect(refused?.status).toBe(403)
    const listed = await authenticated(peer, { ...parts, more: [] }, { user: 'dave' })
    expect(listed?.headers('Contact')).toEqual([])
  })

  it('naming somebody else as contact bring the calls to where they came from, not to the named', async () => {
    const [bystander, dave, alice] = [await open('udp'), await open('udp'), await registered('alice')]
    const parts = registration('dave', dave)
    const aimed = { ...parts, more: [`Contact: <sip:dave@127.0.0.1:${bystander.localPort}>`, 'Expires: 600'] }
    expect((await authenticated(dave, aimed, { user: 'dave' }))?.status).toBe(200)
    const { incoming, tag } = await ring(alice, dave, 'alice', 'dave')
    expect(incoming.uri).toContain(`:${bystander.localPort}`)
    expect(bystander.inbox).toEqual([])
    dave.send(answer(incoming, 486, { tag }))
    await authenticated(dave, { ...parts, more: ['Contact: *', 'Expires: 0'] }, { user: 'dave' })
  })

  it('over TCP make the exchange connect to nobody but whoever registered', async () => {
    const heard: string[] = []
    const stranger = createServer(socket => {
      socket.on('error', () => {})
      heard.push(socket.remoteAddress ?? '')
    })
    await new Promise<void>(resolve => stranger.listen(0, '127.0.0.2', resolve))
    const { port } = stranger.address() as AddressInfo
    const [dave, alice] = [await open('tcp'), await registered('alice')]
    const parts = registration('dave', dave)
    const aimed = { ...parts, more: [`Contact: <sip:dave@127.0.0.2:${port};transport=tcp>`, 'Expires: 600'] }
    expect((await authenticated(dave, aimed, { user: 'dave' }))?.status).toBe(200)
    dave.close()
    await dave.untilClosed(1_000)
    expect((await authenticated(alice, call('alice', 'dave', alice), { user: 'alice' }))?.status).toBe(480)
    expect(heard).toEqual([])
    await new Promise(resolve => stranger.close(resolve))
    await registered('dave')
  })

  it('that point back at the exchange make no loop', async () => {
    const [dave, alice] = [await open('udp'), await registered('alice')]
    const parts = registration('dave', dave)
    const self = Array.from(
      { length: 5 },
      (_, index) => `<sip:dave@127.0.0.1:${daemon.ports.sip};x=${index}>`,
    ).join(',')
    await authenticated(dave, { ...parts, more: [`Contact: ${self}`, 'Expires: 600'] }, { user: 'dave' })
    // Over UDP they lead to Dave's own socket, which sends them back to the exchange as they are.
    const parrot = setInterval(() => {
      for (const message of dave.inbox.splice(0)) if (message.method === 'INVITE') dave.send(message.text)
    }, 5)
    let sent = 0
    const original = dave.send.bind(dave)
    dave.send = bytes => {
      sent++
      original(bytes)
    }
    const final = await authenticated(alice, call('alice', 'dave', alice), { user: 'alice' })
    clearInterval(parrot)
    expect(final?.status ?? 'ringing').toSatisfy(status => status === 'ringing' || Number(status) >= 400)
    expect(sent).toBeLessThan(200)
    dave.send = original
    await authenticated(dave, { ...parts, more: ['Contact: *', 'Expires: 0'] }, { user: 'dave' })
  })
})

describe('loops', () => {
  it('a request without hops left is not passed on', async () => {
    const [alice] = [await registered('alice'), await registered('bob')]
    const text = request(call('alice', 'bob', alice)).replace('Max-Forwards: 70', 'Max-Forwards: 0')
    expect([407, 483]).toContain((await alice.ask(text))?.status)
  })

  it('a thousand routes through the exchange are refused', async () => {
    const alice = await registered('alice')
    const route = `<sip:127.0.0.1:${daemon.ports.sip};lr>`
    const parts = call('alice', 'bob', alice)
    const bomb = { ...parts, more: [...parts.more!, `Route: ${Array(1_000).fill(route).join(',')}`] }
    expect((await authenticated(alice, bomb, { user: 'alice' }))?.status).toBe(400)
  })

  it('routes to strangers are not followed', async () => {
    const alice = await registered('alice')
    const parts = call('alice', 'bob', alice)
    const away = { ...parts, more: [...parts.more!, 'Route: <sip:192.0.2.77:5060;lr>'] }
    expect((await authenticated(alice, away, { user: 'alice' }))?.status).toBe(403)
  })
})

describe('connections', () => {
  it('a flood of half-open ones pushes out only each other, and phones get through', async () => {
    const flood: RawPeer[] = []
    for (let wave = 0; wave < 8; wave++) {
      flood.push(...(await Promise.all(Array.from({ length: 50 }, () => open(wave % 2 ? 'tls' : 'tcp')))))
      for (const peer of flood) if (!peer.closed) peer.send('REGISTER sip:lanline.local SIP/2.0\r\nVia: ')
    }
    for (const transport of ['tcp', 'tls', 'udp'] as const) {
      const peer = await open(transport)
      expect((await authenticated(peer, registration('carol', peer), { user: 'carol' }))?.status).toBe(200)
      expect((await authenticated(peer, registration('carol', peer), { user: 'carol' }))?.status).toBe(200)
    }
    expect(flood.filter(peer => !peer.closed).length).toBeLessThanOrEqual(128)
  })

  it('a message that trickles in byte by byte is served, and a stream of line ends is answered sparingly', async () => {
    const slow = await open('tcp')
    for (const byte of request(registration('carol', slow))) slow.send(byte)
    expect((await slow.next(m => m.status > 0))?.status).toBe(401)
    slow.send('\r\n'.repeat(30_000))
    expect((await authenticated(slow, registration('carol', slow), { user: 'carol' }))?.status).toBe(200)
  })
})
