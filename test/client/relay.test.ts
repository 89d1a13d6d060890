import { describe, expect, it } from 'vitest'
import { negotiationLimits } from '../../client/negotiation.ts'
import { pathOf } from '../../client/path.ts'
import { readPeerWord } from '../../client/peerword.ts'
import type { MediaFacts } from '../../client/report.ts'
import { isOlder } from '../../client/sdp.ts'
import type { ServerMessage } from '../../src/signalling/message.ts'
import { fakePhone, randomOf, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const bob = { user: 'bob', name: 'Bob' }
const offer = 'v=0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'
const servers = [
  { urls: ['turn:10.0.10.1:3478?transport=udp'], username: 'u', credential: 'p' },
  { urls: ['turns:10.0.10.1:5349?transport=tcp'], username: 'u', credential: 'p' },
]
const relay: ServerMessage = { type: 'relay', call, servers, reason: 'otherNetwork' }
const refused: ServerMessage = { type: 'relayRefused', call, reason: 'off', message: 'The relay is off.' }
const answered = (trickle = true): ServerMessage => ({
  type: 'answered',
  call,
  sdp: 'v=0 answer',
  trickle,
  by: bob,
})

/** A call that was placed and taken; media does not flow yet. */
async function placed({ trickle = true } = {}) {
  const parts = fakePhone()
  await parts.online()
  const own = parts.phone.call(bob, { video: false })
  await settle()
  parts.peer().found(null)
  await settle()
  parts.socket().say({ type: 'calling', ref: own.ref, call })
  parts.socket().say(answered(trickle))
  await settle()
  parts.socket().say({ type: 'dialog', call, dialog: 'token-1' })
  parts.peer().become('connecting')
  return { ...parts, own }
}

/** The same from the other side. */
async function taken() {
  const parts = fakePhone()
  await parts.online()
  parts.socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
  const own = parts.phone.calls[0]!
  await own.answer({ video: false })
  parts.peer().become('connecting')
  return { ...parts, own }
}

describe('a call whose checks are not answered', () => {
  it.each([
    ['caller', placed],
    ['callee', taken],
  ])('is reported by the %s after 1 s, once', async (_, start) => {
    const { clock, socket, peer } = await start()
    peer().checked('a', 3, 0)
    await clock.pass(900)
    expect(socket().ofType('noPath')).toEqual([])
    await clock.pass(10_000)
    expect(socket().ofType('noPath')).toEqual([{ type: 'noPath', call }])
  })

  it('is not reported when media flows', async () => {
    const { clock, socket, peer } = await placed()
    peer().checked('a', 3, 1)
    await clock.pass(1_000)
    peer().become('connected')
    await clock.pass(20_000)
    expect(socket().ofType('noPath')).toEqual([])
  })

  it('is reported again when a restart in an established call finds nothing', async () => {
    const { clock, socket, peer } = await placed()
    peer().checked('a', 3, 1)
    peer().become('connected')
    await clock.pass(5_000)
    peer().become('disconnected')
    await clock.pass(3_000)
    expect(socket().ofType('noPath')).toEqual([])
    socket().say(answered())
    await settle()
    peer().checked('b', 1, 0)
    await clock.pass(1_000)
    expect(socket().ofType('noPath')).toHaveLength(1)
  })
})

describe('the relay', () => {
  it('is used by the next gathering, and the appliance is told', async () => {
    const { socket, peer } = await placed()
    socket().say(relay)
    expect(peer().configuration).toEqual({ bundlePolicy: 'balanced', iceServers: servers })
    expect(socket().ofType('relayReady')).toEqual([{ type: 'relayReady', call }])
    expect(socket().ofType('offer')).toEqual([])
  })

  it('is taken away again by an empty list', async () => {
    const { socket, peer } = await placed()
    socket().say(relay)
    socket().say({ type: 'relay', call, servers: [], reason: 'otherNetwork' })
    expect(peer().configuration).toEqual({ bundlePolicy: 'balanced', iceServers: [] })
    expect(socket().ofType('relayReady')).toHaveLength(1)
  })

  it.each([
    ['caller', placed],
    ['callee', taken],
  ])('comes into use by a restart that the %s is asked for', async (_, start) => {
    const { socket, peer } = await start()
    socket().say(relay)
    socket().say({ type: 'restart', call })
    await settle()
    expect(socket().ofType('offer')).toHaveLength(1)
    expect(peer().offers.at(-1)).toEqual({ iceRestart: true })
  })

  it('gives the search 20 s from then on', async () => {
    const { clock, socket, own } = await placed()
    await clock.pass(15_000)
    socket().say(relay)
    await clock.pass(19_999)
    expect(own.state).toBe('connecting')
    await clock.pass(1)
    expect(own.end).toMatchObject({ reason: 'mediaFailed' })
  })

  it('does not hold the offer up towards who takes candidates afterwards', async () => {
    const { socket, peer } = await placed()
    socket().say(relay)
    socket().say({ type: 'restart', call })
    await settle()
    peer().found('candidate:1 1 udp 1 10.0.20.1 50000 typ relay raddr 0.0.0.0 rport 0')
    const kinds = socket().sent.map(message => message.type)
    expect(kinds.slice(-2)).toEqual(['offer', 'candidate'])
  })

  it('is waited for at most 1.5 s towards who takes none', async () => {
    const { clock, socket, peer } = await placed({ trickle: false })
    socket().say(relay)
    socket().say({ type: 'restart', call })
    await clock.pass(1_000)
    expect(socket().ofType('offer')).toHaveLength(0)
    peer().found('candidate:1 1 udp 1 10.0.20.1 50000 typ relay raddr 0.0.0.0 rport 0')
    await settle()
    expect(socket().ofType('offer')).toHaveLength(1)

    const slow = await placed({ trickle: false })
    slow.socket().say(relay)
    slow.socket().say({ type: 'restart', call })
    await slow.clock.pass(1_499)
    expect(slow.socket().ofType('offer')).toHaveLength(0)
    await slow.clock.pass(1)
    expect(slow.socket().ofType('offer')).toHaveLength(1)
  })

  it('that is refused says why, and the call ends by its own time', async () => {
    const { clock, socket, own } = await placed()
    socket().say(refused)
    expect(own.relayRefusal).toEqual({ reason: 'off', message: 'The relay is off.' })
    await clock.pass(20_000)
    expect(own.end).toMatchObject({ reason: 'mediaFailed' })
    expect(own.relayRefusal).toBeDefined()
  })

  it('that was refused is forgotten when media flows after all', async () => {
    const { socket, peer, own } = await placed()
    socket().say(refused)
    peer().become('connected')
    expect(own.relayRefusal).toBeUndefined()
  })
})

describe('an answer to an offer of the other side', () => {
  it('goes before the candidates that belong to it', async () => {
    const { socket, peer, clock } = await taken()
    peer().getStats = () => new Promise(resolve => clock.setTimeout(() => resolve(new Map()), 50))
    socket().say({ type: 'offer', call, sdp: offer })
    await settle()
    peer().found('candidate:1 1 udp 1 10.0.20.1 50000 typ host')
    await clock.pass(100)
    const kinds = socket().sent.map(message => message.type)
    expect(kinds.slice(-2)).toEqual(['answer', 'candidate'])
  })

  it('takes an own offer back first', async () => {
    const { socket, peer } = await taken()
    socket().say({ type: 'restart', call })
    await settle()
    expect(peer().signalingState).toBe('have-local-offer')
    socket().say({ type: 'offer', call, sdp: offer })
    await settle()
    expect(peer().signalingState).toBe('stable')
    expect(socket().ofType('answer')).toHaveLength(2)
  })
})

describe('a line that may have died with the path', () => {
  it('is looked at when media is lost', async () => {
    const { socket, peer } = await placed()
    peer().become('connected')
    peer().become('disconnected')
    expect(socket().ofType('ping')).toHaveLength(1)
  })

  it('is looked at as soon as nothing is received any more, once', async () => {
    const { clock, socket, peer } = await placed()
    peer().become('connected')
    const received = (packetsReceived: number) =>
      peer().stats.set('in', { id: 'in', type: 'inbound-rtp', kind: 'audio', ssrc: 1, packetsReceived })
    received(50)
    await clock.pass(1_000)
    received(100)
    await clock.pass(1_000)
    expect(socket().ofType('ping')).toHaveLength(0)
    await clock.pass(4_000)
    expect(socket().ofType('ping')).toHaveLength(1)
  })

  it('is not looked at because two looks at the media came close together', async () => {
    const { clock, socket, peer } = await placed()
    peer().stats.set('in', { id: 'in', type: 'inbound-rtp', kind: 'audio', ssrc: 1, packetsReceived: 50 })
    peer().become('connected')
    await clock.pass(100)
    peer().onconnectionstatechange?.()
    await clock.pass(500)
    expect(socket().ofType('ping')).toHaveLength(0)
  })

  it('has the caller restart when it is back', async () => {
    const { clock, socket, peer, sockets, online } = await placed()
    peer().become('connected')
    socket().answersPings = false
    peer().become('disconnected')
    await clock.pass(1_000)
    expect(sockets).toHaveLength(2)
    await online({ resumed: [{ call, state: 'held', reason: '' }] })
    await clock.pass(negotiationLimits.askedMilliseconds)
    expect(socket().ofType('offer')).toHaveLength(1)
  })

  it('has it restart once only where the appliance asks for that in the same breath', async () => {
    const { clock, socket, peer, online } = await placed()
    peer().become('connected')
    socket().answersPings = false
    peer().become('disconnected')
    await clock.pass(1_000)
    await online({ resumed: [{ call, state: 'held', reason: '' }] })
    socket().say({ type: 'restart', call })
    await clock.pass(4_000)
    expect(socket().ofType('offer')).toHaveLength(1)
  })
})

describe('an offer over the data channel', () => {
  it('that is older than what was applied since is not taken', async () => {
    const { peer } = await taken()
    const channel = peer().createDataChannel('lanline')
    peer().ondatachannel?.({ channel })
    channel.open()
    const version = (number: number) => `v=0\r\no=- 77 ${number} IN IP4 127.0.0.1\r\n`
    peer().remoteDescription = { type: 'offer', sdp: version(5) }
    channel.hear({ type: 'offer', sdp: version(4), number: 1 })
    await settle()
    expect(channel.sent.filter(word => word.type === 'answer')).toEqual([])
    channel.hear({ type: 'offer', sdp: version(6), number: 2 })
    await settle()
    expect(channel.sent.filter(word => word.type === 'answer')).toMatchObject([{ number: 2 }])
  })

  it('is read with its number, or without one', () => {
    expect(readPeerWord('{"type":"offer","sdp":"v=0","number":3}')).toEqual({
      type: 'offer',
      sdp: 'v=0',
      number: 3,
    })
    expect(readPeerWord('{"type":"answer","sdp":"v=0","number":"3"}')).toEqual({ type: 'answer', sdp: 'v=0' })
  })

  it('is older by the version of the same session only', () => {
    const sdp = (session: string, version: string) => `v=0\r\no=x ${session} ${version} IN IP4 0.0.0.0\r\n`
    expect(isOlder(sdp('1', '9'), sdp('1', '10'))).toBe(true)
    expect(isOlder(sdp('1', '10'), sdp('1', '10'))).toBe(false)
    expect(isOlder(sdp('1', '9'), sdp('2', '10'))).toBe(false)
    expect(isOlder('v=0', sdp('1', '10'))).toBe(false)
  })
})

describe('the account of the media path', () => {
  it('is looked at again soon while it names no pair, but not for ever', async () => {
    const { clock, peer, own } = await placed()
    let looks = 0
    own.on('facts', () => looks++)
    peer().become('connected')
    await clock.pass(2_100)
    expect(looks).toBeGreaterThanOrEqual(10)
    looks = 0
    await clock.pass(10_000)
    expect(looks).toBeLessThanOrEqual(11)
  })
})

describe('the path of a call', () => {
  const facts = (localType: string, remoteType: string, remoteAddress = '10.0.20.2', relayProtocol = '') =>
    ({ pair: { localType, remoteType, remoteAddress }, relayProtocol }) as unknown as MediaFacts
  const used = { servers, reason: 'otherNetwork' } as const

  it.each([
    ['host', 'host', 'direct'],
    ['host', 'prflx', 'direct'],
    ['relay', 'relay', 'relayed'],
    ['host', 'relay', 'relayed'],
    ['relay', 'prflx', 'relayed'],
  ])('from %s to %s is %s', (local, remote, kind) => {
    expect(pathOf(facts(local, remote), used).kind).toBe(kind)
  })

  it('is relayed where the other end is the relay’s own address, seen before its candidate came', () => {
    expect(pathOf(facts('host', 'prflx', '10.0.10.1'), used)).toEqual({
      kind: 'relayed',
      reason: 'otherNetwork',
      via: undefined,
    })
    const six = { urls: ['turn:[fd00::1]:3478?transport=udp'], username: 'u', credential: 'p' }
    expect(pathOf(facts('host', 'prflx', 'fd00::1'), { ...used, servers: [six] }).kind).toBe('relayed')
  })

  it('is not called direct where the other end is told by no candidate while there is a relay to be had', () => {
    expect(pathOf(facts('host', 'prflx', ''), used).kind).toBe('none')
    expect(pathOf(facts('relay', 'prflx', ''), used).kind).toBe('relayed')
    // No relay, or none any more: there is nothing that it could be hiding.
    expect(pathOf(facts('host', 'prflx', ''), undefined).kind).toBe('direct')
    expect(pathOf(facts('host', 'prflx', ''), { ...used, servers: [] }).kind).toBe('direct')
  })

  it('tells how the relay is reached from here', () => {
    expect(pathOf(facts('relay', 'relay', '10.0.20.1', 'tls'), used).via).toBe('tls')
  })

  it('is none without a pair, and while media does not flow', async () => {
    expect(pathOf(undefined, used).kind).toBe('none')
    const { own } = await placed()
    expect(own.path.kind).toBe('none')
  })
})

describe('whatever order things are told in', () => {
  it.each([
    ['caller', placed],
    ['callee', taken],
  ])('the %s never has two offers whose fate is not known', async (_, start) => {
    let offers = 0
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed)
      const { clock, socket, peer, own } = await start()
      let seen = 0
      let known = 0
      const says: (() => void)[] = [
        () => socket().say(relay),
        () => socket().say({ type: 'relay', call, servers: [], reason: 'otherNetwork' }),
        () => socket().say({ type: 'restart', call }),
        () => socket().say({ type: 'restart', call }),
        () => socket().say(refused),
        () => socket().say({ type: 'candidate', call, candidate: { candidate: 'candidate:1', sdpMid: '0' } }),
        () => socket().say({ type: 'offer', call, sdp: offer }),
        () => peer().become(random() < 0.5 ? 'connected' : 'disconnected'),
        () => peer().found('candidate:1 1 udp 1 10.0.20.1 50000 typ relay'),
        () => {
          known = seen
          socket().say(answered())
        },
        () => {
          known = seen
          const retryAfterMilliseconds = random() < 0.5 ? null : 4_000 * random()
          socket().say({ type: 'offerRefused', call, code: 491, retryAfterMilliseconds })
        },
      ]
      for (let step = 0; step < 50 && own.state !== 'ended'; step++) {
        says[Math.floor(random() * says.length)]!()
        await clock.pass(random() < 0.2 ? 5_000 * random() : 50 * random())
        seen = socket().ofType('offer').length
        expect(seen - known, `seed ${seed} step ${step}`).toBeLessThanOrEqual(1)
      }
      offers += seen
    }
    expect(offers).toBeGreaterThan(100)
  })
})
