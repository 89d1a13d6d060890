/**
 * RFC 3261 §24 and RFC 4475 through codec and machine together: what lanline, a registrar and proxy, answers to each
 * message, from somebody unknown and from a device that has proved who it is.
 */
import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { decode, encode, first, parseAuth, parseNameAddr, parseUri, values } from '../../src/sip/codec.ts'
import { SipMachine } from '../../src/sip/machine.ts'
import {
  type Flow,
  type SipEffect,
  type SipInput,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  udpFlow,
} from '../../src/sip/message.ts'
import { exampleVectors, tortureVectors, type Vector, vectorBytes } from '../vectors/sip/vectors.ts'

const now = 1_000 as Monotonic
const realm = 'torture'
const local = { address: '10.0.0.1', port: 5060 }
const stream = (id: string, port: number): Flow => ({
  id,
  transport: 'tcp',
  local,
  remote: { address: '10.0.0.2', port },
})
const stranger = udpFlow(local, { address: '192.0.2.99', port: 5060 })
const senderFlow = stream('sender', 40_001)
const calleeFlow = stream('callee', 40_002)

/** Every name under these is the appliance, as if it served all the RFCs' domains. */
const domains = [
  'example.com',
  'example.org',
  'example.net',
  'company.com',
  'biloxi.com',
  'atlanta.com',
  '127.0.0.1',
]
const isOwnHost = (host: string): boolean => domains.some(own => host === own || host.endsWith(`.${own}`))

const ha1 = (user: string): string => hash('md5', `${user}:${realm}:secret`)

/** A house in which every name is a user with one device, whose binding exists once it registered. */
class House {
  readonly machine = new SipMachine({
    callLog: { ongoing: () => undefined },
    accounts: {
      byDigestUser: name => {
        const user = decodeURIComponent(name)
        return { device: `device of ${user}`, user, ha1Md5: ha1(user), ha1Sha256: '' }
      },
      user: name => ({ name, displayName: name, doNotDisturb: false, alsoRings: [] }),
      mayCall: () => true,
      isGuest: () => false,
      personOf: name => name,
      userOfDevice: device => device.slice('device of '.length),
    },
    own: { isOwnHost },
    identity: { realm, tokenKey: new Uint8Array(32), nonceKey: new Uint8Array(32) },
    random: seededRandom(1),
    bindings: [],
    now,
    domain: 'example.com',
  })

  /** What is sent because of `input`, with the store saying yes to all. */
  sent(input: SipInput): { readonly flow: Flow; readonly message: SipMessage }[] {
    const effects: SipEffect[] = this.machine.handle(input, now)
    for (const effect of effects) {
      if (effect.kind !== 'saveBindings' || effect.ticket === undefined) continue
      effects.push(...this.machine.handle({ kind: 'saved', ticket: effect.ticket }, now))
    }
    return effects.flatMap(effect => {
      if (effect.kind !== 'send') return []
      const decoded = decode(effect.bytes)
      // What answers a message that cannot be read repeats the part that cannot be read.
      const [, status] = /^SIP\/2\.0 (400|505) /.exec(Buffer.from(effect.bytes).toString('latin1')) ?? []
      if (decoded.kind !== 'ok' && status !== undefined) {
        const message = {
          kind: 'response',
          status: Number(status),
          reason: '',
          headers: [],
          body: effect.bytes,
        } as const
        return [{ flow: effect.flow, message }]
      }
      if (decoded.kind !== 'ok')
        throw new Error(`sent what is ${decoded.reason}: ${Buffer.from(effect.bytes)}`)
      return [{ flow: effect.flow, message: decoded.message }]
    })
  }

  receive(flow: Flow, bytes: Uint8Array) {
    return this.sent({ kind: 'received', flow, bytes })
  }

  /** `user` registers on `flow` with its password. */
  register(flow: Flow, user: string): void {
    const [challenge] = this.receive(flow, encode(registration(flow, user, 1)))
    const asked = parseAuth(first(challenge!.message, 'WWW-Authenticate')!)!.params
    const ha2 = hash('md5', 'REGISTER:sip:example.com')
    const answer = hash('md5', `${ha1(user)}:${asked.get('nonce')}:00000001:c:auth:${ha2}`)
    const authorization =
      `Digest username="${encodeURIComponent(user)}", realm="${realm}", nonce="${asked.get('nonce')}", ` +
      `uri="sip:example.com", algorithm=MD5, qop=auth, nc=00000001, cnonce="c", response="${answer}"`
    const [done] = this.receive(flow, encode(registration(flow, user, 2, authorization)))
    expect(done?.message, `${user} registers`).toMatchObject({ kind: 'response', status: 200 })
  }
}

function registration(flow: Flow, user: string, number: number, authorization?: string): SipRequest {
  const address = `<sip:${encodeURIComponent(user)}@example.com>`
  const fields: Record<string, string> = {
    Via: `SIP/2.0/TCP 10.0.0.2:${flow.remote.port};branch=z9hG4bK${flow.id}${number}`,
    From: `${address};tag=r`,
    To: address,
    'Call-ID': `registration of ${flow.id}`.replaceAll(' ', '-'),
    CSeq: `${number} REGISTER`,
    Contact: `<sip:phone@10.0.0.2:${flow.remote.port};transport=tcp>`,
    ...(authorization === undefined ? {} : { Authorization: authorization }),
  }
  const headers = Object.entries(fields).map(([name, value]) => ({ name, value }))
  return { kind: 'request', method: 'REGISTER', uri: 'sip:example.com', headers, body: new Uint8Array(0) }
}

const responsesTo = (flow: Flow, sent: readonly { flow: Flow; message: SipMessage }[]): SipResponse[] =>
  sent.flatMap(({ flow: { remote }, message }) =>
    message.kind === 'response' && remote.address === flow.remote.address ? [message] : [],
  )

const finals = (flow: Flow, sent: readonly { flow: Flow; message: SipMessage }[]): number[] =>
  responsesTo(flow, sent).flatMap(({ status }) => (status >= 200 ? [status] : []))

const userOf = (address: string): string | undefined => parseUri(parseNameAddr(address)?.uri ?? '')?.user
const readable = (vector: Vector): SipMessage | undefined => {
  const decoded = decode(vectorBytes(vector.name))
  return decoded.kind === 'ok' ? decoded.message : undefined
}

const all = [...exampleVectors, ...tortureVectors]
const isRequest = (vector: Vector): boolean => readable(vector)?.kind === 'request'
const requests = all.filter(isRequest)

describe('from somebody unknown', () => {
  it.each(all.filter(({ expected }) => expected.kind === 'reject'))('$name is refused: $about', vector => {
    const status = vector.expected.kind === 'reject' ? vector.expected.status : 0
    expect(finals(stranger, new House().receive(stranger, vectorBytes(vector.name)))).toEqual([status])
  })

  it.each(
    all.filter(vector => !isRequest(vector) && vector.expected.kind !== 'reject'),
  )('$name goes nowhere: $about', vector =>
    expect(new House().receive(stranger, vectorBytes(vector.name))).toEqual([]))

  it.each(requests)('$name is challenged or refused, and goes nowhere', vector => {
    const sent = new House().receive(stranger, vectorBytes(vector.name))
    const { method } = readable(vector) as SipRequest
    const answers = vector.expected.kind === 'ok' ? (vector.expected.answers ?? []) : []
    expect(sent.every(({ message }) => message.kind === 'response')).toBe(true)
    if (method === 'ACK') expect(sent).toEqual([])
    // §16.3: these three are judged before anybody is asked who they are.
    else if ([416, 420, 483].some(status => answers.includes(status))) {
      expect(answers).toContain(finals(stranger, sent)[0])
    } else expect([401, 407]).toContain(finals(stranger, sent)[0])
  })

  it('an unknown authorization scheme is no authorization', () => {
    const sent = new House().receive(stranger, vectorBytes('rfc4475/regaut01'))
    expect(values(sent[0]!.message, 'WWW-Authenticate').map(value => parseAuth(value)?.scheme)).toContain(
      'digest',
    )
  })

  it('a second request in a datagram is not looked at (RFC 4475 §3.1.1.8)', () => {
    const sent = new House().receive(stranger, vectorBytes('rfc4475/dblreq'))
    expect(sent.map(({ message }) => first(message, 'CSeq'))).toEqual(['8 REGISTER'])
  })
})

describe('from a device that is known', () => {
  /** The house after the vector came from its sender, everybody it is for being there. */
  function received(vector: Vector) {
    const message = readable(vector) as SipRequest
    const house = new House()
    const sender = userOf(first(message, 'From')!)?.toLowerCase()
    if (sender !== undefined) house.register(senderFlow, sender)
    const callee = parseUri(message.uri)?.user?.toLowerCase()
    if (callee !== undefined) house.register(calleeFlow, callee)
    return { message, sent: house.receive(senderFlow, vectorBytes(vector.name)) }
  }

  const outside = requests.filter(v => !v.name.startsWith('rfc3261/session'))
  const answered = outside.filter(
    ({ expected }) =>
      expected.kind === 'ok' && expected.answers !== undefined && !expected.answers.includes(401),
  )
  const passed = outside.filter(
    v =>
      v.expected.kind === 'ok' &&
      v.expected.answers === undefined &&
      parseUri((readable(v) as SipRequest).uri)?.user !== undefined,
  )
  const registrations = outside.filter(
    v =>
      v.expected.kind === 'ok' &&
      v.expected.answers === undefined &&
      (readable(v) as SipRequest).method === 'REGISTER',
  )

  it.each(answered)('$name is answered as the RFC says: $about', vector => {
    const { sent } = received(vector)
    const answers = vector.expected.kind === 'ok' ? vector.expected.answers! : []
    const [status, ...more] = finals(senderFlow, sent)
    // An unknown scheme in From leaves nobody to be known.
    expect(vector.name.endsWith('unksm2') ? [401, ...answers] : answers).toContain(status)
    expect(more).toEqual([])
  })

  it.each([
    ...passed,
    ...exampleVectors.filter(v => v.name.endsWith('session-f01')),
  ])('$name is passed on with all that is in it: $about', vector => {
    const { message, sent } = received(vector)
    const forwarded = sent.filter(({ flow }) => flow.id === calleeFlow.id).map(one => one.message)
    expect(finals(senderFlow, sent)).toEqual([])
    expect(forwarded).toHaveLength(1)
    const [request] = forwarded as [SipRequest]
    expect([request.method, Buffer.from(request.body)]).toEqual([message.method, Buffer.from(message.body)])
    expect(values(request, 'Via').length).toBe(values(message, 'Via').length + 1)
    expect(values(request, 'Via').slice(2)).toEqual(values(message, 'Via').slice(1))
    const changed = [
      'P-Asserted-Identity',
      'Via',
      'Route',
      'Record-Route',
      'Max-Forwards',
      'Max-Breadth',
      'Content-Length',
    ]
    const kept = (of: SipMessage) => of.headers.filter(field => !changed.includes(field.name))
    expect(kept(request)).toEqual(kept(message))
    expect(Number(first(request, 'Max-Forwards'))).toBe(Number(first(message, 'Max-Forwards') ?? 71) - 1)
  })

  it.each(registrations)('$name registers: $about', vector => {
    const { message, sent } = received(vector)
    expect(finals(senderFlow, sent)).toEqual([200])
    const bound = values(responsesTo(senderFlow, sent)[0]!, 'Contact').map(value => parseNameAddr(value)?.uri)
    for (const contact of values(message, 'Contact')) expect(bound).toContain(parseNameAddr(contact)?.uri)
  })
})
