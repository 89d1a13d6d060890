import { describe, expect, it } from 'vitest'
import { fixedMedia, MediaError } from '../../client/media.ts'
import { closeCode } from '../../src/signalling/message.ts'
import { fakePhone, fakeTrack, settle, welcome } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const bob = { user: 'bob', name: 'Bob' }
const house = { user: 'house', name: 'House' }
const offer = 'v=0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'

/** A phone whose call was placed and told its id. */
async function calling() {
  const parts = fakePhone()
  await parts.online()
  const placed = parts.phone.call(bob, { video: false })
  await settle()
  parts.peer().found(null)
  await settle()
  const [sent] = parts.socket().ofType('call')
  parts.socket().say({ type: 'calling', ref: sent!.ref, call })
  return { ...parts, placed }
}

/** …and taken, with media flowing. */
async function talking() {
  const parts = await calling()
  parts.socket().say({ type: 'ringing', call })
  parts.socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
  await settle()
  parts.socket().say({ type: 'dialog', call, dialog: 'token-1' })
  parts.peer().become('connected')
  parts.peer().channel!.open()
  await settle()
  return parts
}

/** A phone that rings. */
async function ringing(media?: Parameters<typeof fakePhone>[0], sdp = offer) {
  const parts = fakePhone(media)
  await parts.online()
  parts.socket().say({ type: 'incoming', call, from: bob, sdp, trickle: true, video: false })
  return { ...parts, taken: parts.phone.calls[0]! }
}

describe('placing a call', () => {
  it('goes from the microphone over ringing to connected', async () => {
    const parts = fakePhone()
    await parts.online()
    const states: string[] = []
    const placed = parts.phone.call(bob, { video: true })
    placed.on('changed', () => placed.state !== states.at(-1) && states.push(placed.state))
    await settle()
    parts.peer().found(null)
    await settle()
    const [sent] = parts.socket().ofType('call')
    expect(sent).toMatchObject({ to: 'bob', video: true, sdp: 'v=0 offer 1' })
    parts.socket().say({ type: 'calling', ref: sent!.ref, call })
    parts.socket().say({ type: 'ringing', call })
    parts.socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await settle()
    parts.peer().become('connected')
    expect(states).toEqual(['calling', 'ringing', 'connecting', 'connected'])
    expect(parts.peer().kinds).toEqual(['audio', 'video'])
    expect(parts.peer().channel!.label).toBe('lanline')
  })

  it('lets peers without BUNDLE in, and uses no ICE servers', async () => {
    const { peer } = await calling()
    expect(peer().configuration).toEqual({ bundlePolicy: 'balanced', iceServers: [] })
  })

  it('sends the offer after half a second when candidates keep coming', async () => {
    const { phone, clock, socket, online } = fakePhone()
    await online()
    phone.call(bob, { video: false })
    await clock.pass(499)
    expect(socket().ofType('call')).toHaveLength(0)
    await clock.pass(1)
    expect(socket().ofType('call')).toHaveLength(1)
  })

  it('trickles late candidates only once the call is answered by somebody who takes them', async () => {
    const { socket, peer } = await calling()
    peer().found('candidate:1 late')
    expect(socket().ofType('candidate')).toHaveLength(0)
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await settle()
    expect(socket().ofType('candidate')).toMatchObject([
      { call, candidate: { candidate: 'candidate:1 late' } },
    ])
  })

  it('keeps candidates to itself towards somebody who takes none', async () => {
    const { socket, peer } = await calling()
    peer().found('candidate:1 late')
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: false, by: bob })
    await settle()
    expect(socket().ofType('candidate')).toHaveLength(0)
  })

  it('gives up after 60 s without an answer', async () => {
    const { clock, socket, placed } = await calling()
    socket().say({ type: 'ringing', call })
    await clock.pass(60_000)
    expect(placed.end).toMatchObject({ by: 'self', reason: 'noAnswer' })
    expect(socket().ofType('bye')).toEqual([{ type: 'bye', call, reason: 'noAnswer' }])
  })

  it('is cancelled as soon as its id is known when the caller gave up before that', async () => {
    const { phone, socket, online, peer } = fakePhone()
    await online()
    const placed = phone.call(bob, { video: false })
    await settle()
    peer().found(null)
    await settle()
    placed.hangUp()
    expect(socket().ofType('bye')).toHaveLength(0)
    socket().say({ type: 'calling', ref: placed.ref, call })
    expect(socket().ofType('bye')).toEqual([{ type: 'bye', call, reason: 'cancelled' }])
  })

  it('is placed again when the line broke before the appliance said that it knows of it', async () => {
    const { phone, socket, online, back, peer } = fakePhone()
    await online()
    const placed = phone.call(bob, { video: false })
    await settle()
    peer().found(null)
    await settle()
    const [first] = socket().ofType('call')
    socket().drop()
    await back()
    expect(socket().ofType('call')).toEqual([first])
    // What became of the one that may have been begun is nothing of ours.
    socket().say({ type: 'ended', call: 'f'.repeat(32), by: 'self', reason: 'lost', code: 487 })
    socket().say({ type: 'calling', ref: placed.ref, call })
    socket().say({ type: 'ringing', call })
    expect([placed.id, placed.state]).toEqual([call, 'ringing'])
    socket().drop()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    expect(socket().ofType('call')).toEqual([])
  })

  it('waits ten seconds for a line', async () => {
    const placed = async (awayMilliseconds: number) => {
      const parts = fakePhone()
      await parts.online()
      parts.socket().drop()
      const placed = parts.phone.call(bob, { video: false })
      await settle()
      parts.peer().found(null)
      await parts.clock.pass(awayMilliseconds)
      await parts.online()
      return { placed, calls: parts.socket().ofType('call').length }
    }
    const soon = await placed(9_000)
    expect([soon.placed.state, soon.calls]).toEqual(['calling', 1])
    const late = await placed(10_000)
    expect([late.placed.end, late.calls]).toEqual([{ by: 'server', reason: 'lost', code: 0 }, 0])
  })

  it('and an answer look at the line when nothing is said to them', async () => {
    for (const isCaller of [true, false]) {
      const { clock, sockets, socket, phone, online, peer } = fakePhone()
      await online()
      socket().answersPings = false
      if (isCaller) phone.call(bob, { video: false })
      else {
        socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
        void phone.calls[0]!.answer({ video: false })
      }
      await settle()
      peer().found(null)
      await clock.pass(2_400)
      expect(sockets).toHaveLength(1)
      await clock.pass(200)
      expect(sockets).toHaveLength(2)
    }
  })

  it('is over at once, and says why, when the microphone is forbidden', async () => {
    const { phone, socket, online } = fakePhone(async () => {
      throw new MediaError('microphoneDenied')
    })
    await online()
    const placed = phone.call(bob, { video: false })
    await settle()
    expect(placed.state).toBe('ended')
    expect(placed.problem).toBe('microphoneDenied')
    expect(socket().ofType('call')).toHaveLength(0)
  })

  it('is over when the browser makes no offer', async () => {
    const { phone, socket, online, env } = fakePhone()
    env.RTCPeerConnection.prototype.createOffer = () => Promise.reject(new Error('no codec'))
    await online()
    const placed = phone.call(bob, { video: false })
    await settle()
    expect(placed.end).toMatchObject({ by: 'self', reason: 'mediaFailed' })
    expect(socket().ofType('call')).toHaveLength(0)
  })

  it('ends with what the appliance says', async () => {
    const { phone, socket, placed } = await calling()
    socket().say({ type: 'ended', call, by: 'peer', reason: 'busy', code: 486 })
    expect(placed.end).toEqual({ by: 'peer', reason: 'busy', code: 486 })
    expect(phone.calls).toHaveLength(0)
  })

  it('ends when no media flows within 20 s of the answer', async () => {
    const { clock, socket, placed } = await calling()
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await clock.pass(20_000)
    expect(placed.end).toMatchObject({ reason: 'mediaFailed' })
    expect(socket().ofType('bye')).toHaveLength(1)
  })
})

describe('taking a call', () => {
  it('rings, and answers at once towards a caller who takes trickled candidates', async () => {
    const { socket, peer, taken } = await ringing()
    expect(socket().ofType('ringing')).toEqual([{ type: 'ringing', call }])
    expect(taken.state).toBe('incoming')
    await taken.answer({ video: false })
    expect(socket().ofType('answer')).toEqual([{ type: 'answer', call, sdp: 'v=0 answer 1' }])
    expect(peer().configuration).toEqual({ bundlePolicy: 'max-bundle', iceServers: [] })
    expect(taken.state).toBe('connecting')
  })

  it('does not insist on BUNDLE towards a phone that does not offer it', async () => {
    const { peer, taken } = await ringing(undefined, offer.replace('a=group:BUNDLE 0\r\n', ''))
    await taken.answer({ video: false })
    expect(peer().configuration).toEqual({ bundlePolicy: 'balanced', iceServers: [] })
  })

  it('keeps candidates that come before its own answer', async () => {
    const { socket, peer, taken } = await ringing()
    const answering = taken.answer({ video: false })
    await settle()
    socket().say({ type: 'candidate', call, candidate: { candidate: 'candidate:1', sdpMid: '0' } })
    await answering
    await settle()
    expect(peer().candidates).toMatchObject([{ candidate: 'candidate:1', sdpMid: '0' }])
  })

  it('keeps ringing when the microphone is forbidden, so that it can be allowed', async () => {
    let allowed = false
    const { socket, taken } = await ringing(async () => {
      if (!allowed) throw new MediaError('microphoneDenied')
      return {
        audio: fakeTrack('audio'),
        video: undefined,
        testSource: false,
        problems: [],
        useMicrophone: async () => fakeTrack('audio'),
        startCamera: async () => fakeTrack('video'),
        stopCamera() {},
        release() {},
      }
    })
    await taken.answer({ video: false })
    expect(taken.state).toBe('incoming')
    expect(taken.problem).toBe('microphoneDenied')
    allowed = true
    await taken.answer({ video: false })
    expect(socket().ofType('answer')).toHaveLength(1)
    expect(taken.problem).toBeUndefined()
  })

  it('opens no camera that nobody would see', async () => {
    const opened: boolean[] = []
    for (const video of [false, true]) {
      const { phone, socket, online } = fakePhone(wanted => {
        opened.push(wanted.video)
        return fixedMedia({ audio: fakeTrack('audio') })(wanted)
      })
      await online()
      socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video })
      await phone.calls[0]!.answer({ video: true })
    }
    expect(opened).toEqual([false, true])
  })

  it('declines', async () => {
    const { socket, taken } = await ringing()
    taken.hangUp()
    expect(socket().ofType('decline')).toEqual([{ type: 'decline', call, reason: 'declined' }])
    expect(taken.state).toBe('ended')
  })

  it('stops ringing when another device answered', async () => {
    const { socket, taken } = await ringing()
    socket().say({ type: 'ended', call, by: 'server', reason: 'answeredElsewhere', code: 200 })
    expect(taken.end).toMatchObject({ reason: 'answeredElsewhere' })
  })

  it('says nothing of a call that is over already', async () => {
    const { socket, taken } = await ringing()
    socket().say({ type: 'ended', call, by: 'server', reason: 'answeredElsewhere', code: 200 })
    taken.decline()
    expect(socket().ofType('decline')).toEqual([])
  })

  describe('that came without an offer', () => {
    const taking = async () => {
      const parts = await ringing(undefined, '')
      const answering = parts.taken.answer({ video: false })
      await settle()
      parts.peer().found(null)
      await answering
      expect(parts.socket().ofType('answer')).toEqual([{ type: 'answer', call, sdp: 'v=0 offer 1' }])
      expect(parts.taken.state).toBe('answering')
      return parts
    }

    it('makes one, and begins with the answer to it', async () => {
      const { socket, peer, taken } = await taking()
      peer().found('candidate:1 late')
      socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
      await settle()
      expect(taken.state).toBe('connecting')
      expect(socket().ofType('candidate')).toMatchObject([{ candidate: { candidate: 'candidate:1 late' } }])
      peer().become('connected')
      expect(taken.state).toBe('connected')
      socket().say({ type: 'restart', call })
      await settle()
      expect(socket().ofType('offer')).toHaveLength(1)
    })

    it('hangs up, and does not decline, what it has taken', async () => {
      const { socket, taken } = await taking()
      taken.hangUp()
      expect(socket().ofType('bye')).toEqual([{ type: 'bye', call, reason: 'hangup' }])
      expect(socket().ofType('decline')).toEqual([])
    })
  })

  it('goes on with whom it is handed on to, as muted as it was, and shows them no picture', async () => {
    const { phone, socket, peer, taken } = await ringing()
    await taken.answer({ video: true })
    taken.setMuted(true)
    const second = call.replace('0', 'f')
    const carol = { user: 'carol', name: 'Carol' }
    const handedOn = { call: second, from: carol, sdp: offer, trickle: true, video: true, replaces: call }
    socket().say({ type: 'incoming', ...handedOn })
    await settle()
    expect(
      socket()
        .ofType('answer')
        .map(message => message.call),
    ).toEqual([call, second])
    expect(
      socket()
        .ofType('ringing')
        .map(message => message.call),
    ).toEqual([call])
    socket().say({ type: 'ended', call, by: 'peer', reason: 'hangup', code: 0 })
    await settle()
    expect(phone.calls.map(({ id, party, muted, cameraOn }) => [id, party, muted, cameraOn])).toEqual([
      [second, carol, true, false],
    ])
    peer().become('connected')
    expect(phone.calls[0]!.state).toBe('connected')
  })

  it('declines a second call as busy, and says who it was', async () => {
    const { phone, socket } = await ringing()
    const second = call.replace('0', 'f')
    const turnedAway: unknown[] = []
    phone.on('turnedAway', who => turnedAway.push(who))
    socket().say({ type: 'incoming', call: second, from: bob, sdp: offer, trickle: true, video: false })
    expect(socket().ofType('decline')).toEqual([{ type: 'decline', call: second, reason: 'busy' }])
    expect(phone.calls).toHaveLength(1)
    expect(turnedAway).toEqual([{ ...bob, calledFor: undefined }])
    const third = { ...{ call: call.replace('0', 'e'), from: bob, for: house }, sdp: offer, trickle: true }
    socket().say({ type: 'incoming', ...third, video: false })
    expect(turnedAway.at(-1)).toEqual({ ...bob, calledFor: house })
  })
})

describe('a call to somebody whose calls ring at others', () => {
  it('is for them where it rings, and with who calls', async () => {
    const { phone, socket } = await ringing()
    expect(phone.calls[0]).toMatchObject({ party: bob, calledFor: undefined })
    phone.calls[0]!.decline()
    const second = call.replace('0', 'f')
    const incoming = { call: second, from: bob, for: house, sdp: offer, trickle: true, video: false }
    socket().say({ type: 'incoming', ...incoming })
    expect(phone.calls[0]).toMatchObject({ party: bob, calledFor: house })
  })

  it('is with who took it, and was for who was called', async () => {
    const { phone, online, peer, socket } = fakePhone()
    await online()
    const placed = phone.call(house, { video: false })
    await settle()
    peer().found(null)
    await settle()
    const [sent] = socket().ofType('call')
    socket().say({ type: 'calling', ref: sent!.ref, call })
    expect(placed).toMatchObject({ party: house, calledFor: undefined })
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await settle()
    expect(placed).toMatchObject({ party: bob, calledFor: house })
    // That of an ICE restart.
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    expect(placed).toMatchObject({ party: bob, calledFor: house })
    expect((await talking()).placed.calledFor).toBeUndefined()
  })
})

describe('a call whose media breaks', () => {
  it('restarts ICE after 3 s, and 5 s after each that brought no media, when it is the caller', async () => {
    const { clock, socket, peer, placed } = await talking()
    peer().become('disconnected')
    expect(placed.state).toBe('reconnecting')
    await clock.pass(2_999)
    expect(socket().ofType('offer')).toHaveLength(0)
    await clock.pass(1)
    expect(socket().ofType('offer')).toHaveLength(1)
    expect(peer().offers.at(-1)).toEqual({ iceRestart: true })
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await clock.pass(4_999)
    expect(socket().ofType('offer')).toHaveLength(1)
    await clock.pass(1)
    expect(socket().ofType('offer')).toHaveLength(2)
  })

  it('offers nothing else while the fate of an offer is not known', async () => {
    const { clock, socket, peer, phone } = await talking()
    peer().become('disconnected')
    await clock.pass(3_000)
    await phone.networkChanged()
    await clock.pass(15_000)
    expect(socket().ofType('offer')).toHaveLength(1)
    expect(peer().signalingState).toBe('have-local-offer')
  })

  it('never restarts when it is the callee', async () => {
    const { clock, socket, peer, taken } = await ringing()
    await taken.answer({ video: false })
    peer().become('connected')
    peer().become('disconnected')
    await clock.pass(19_999)
    expect(socket().ofType('offer')).toHaveLength(0)
    expect(taken.state).toBe('reconnecting')
  })

  it('goes on when the connection comes back', async () => {
    const { clock, peer, placed } = await talking()
    const since = placed.connectedAt
    peer().become('disconnected')
    await clock.pass(10_000)
    peer().become('connected')
    await clock.pass(60_000)
    expect(placed.state).toBe('connected')
    expect(placed.connectedAt).toBe(since)
  })

  it('ends after 20 s without media, on either side', async () => {
    const caller = await talking()
    caller.peer().become('failed')
    await caller.clock.pass(20_000)
    expect(caller.placed.end).toMatchObject({ reason: 'mediaLost' })
    expect(caller.socket().ofType('bye')).toEqual([{ type: 'bye', call, reason: 'mediaLost' }])

    const callee = await ringing()
    await callee.taken.answer({ video: false })
    callee.peer().become('connected')
    callee.peer().become('disconnected')
    await callee.clock.pass(20_000)
    expect(callee.taken.end).toMatchObject({ reason: 'mediaLost' })
  })

  it('takes an offer that was refused back, and waits as long as it was told', async () => {
    const { clock, socket, peer } = await talking()
    peer().become('disconnected')
    await clock.pass(3_000)
    socket().say({ type: 'offerRefused', call, code: 491, retryAfterMilliseconds: 2_500 })
    await settle()
    expect(peer().signalingState).toBe('stable')
    await clock.pass(2_499)
    expect(socket().ofType('offer')).toHaveLength(1)
    await clock.pass(1)
    expect(socket().ofType('offer')).toHaveLength(2)
  })

  it('answers the caller’s restart', async () => {
    const { socket, taken } = await ringing()
    await taken.answer({ video: false })
    socket().say({ type: 'offer', call, sdp: offer })
    await settle()
    expect(socket().ofType('answer')).toHaveLength(2)
  })
})

describe('a call while the appliance is away', () => {
  it('goes on, and is named in the next hello with its newest dialog token', async () => {
    const { socket, back, placed } = await talking()
    socket().say({ type: 'dialog', call, dialog: 'token-2' })
    socket().drop()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    expect(socket().ofType('hello')[0]!.resume).toEqual([{ call, dialog: 'token-2' }])
    expect(placed.state).toBe('connected')
  })

  it('is hung up by the data channel, and the end is reported with its age', async () => {
    const { socket, back, peer, placed } = await talking()
    socket().drop()
    placed.hangUp()
    expect(peer().channel!.sent.at(-1)).toEqual({ type: 'bye', reason: 'hangup' })
    await back({ resumed: [{ call, state: 'ended', reason: 'hangup' }] })
    expect(socket().ofType('hello')[0]!.resume).toEqual([
      { call, dialog: 'token-1', ended: { by: 'self', reason: 'hangup', agoMilliseconds: 600 } },
    ])
    socket().drop()
    await back()
    expect(socket().ofType('hello')[0]!.resume).toEqual([])
  })

  it('ends when the other side hangs up by the data channel, and that is reported too', async () => {
    const { socket, back, peer, placed } = await talking()
    socket().drop()
    peer().channel!.hear({ type: 'bye', reason: 'hangup' })
    expect(placed.end).toMatchObject({ by: 'peer', reason: 'hangup' })
    await back()
    expect(socket().ofType('hello')[0]!.resume).toMatchObject([
      { call, ended: { by: 'peer', reason: 'hangup' } },
    ])
  })

  it('ends at the other side where that one’s line is dead, whoever says first that it is over', async () => {
    const byes = (sent: readonly Record<string, unknown>[]) => sent.filter(({ type }) => type === 'bye')
    const told = await talking()
    told.socket().say({ type: 'ended', call, by: 'peer', reason: 'hangup', code: 200 })
    await told.clock.pass(250)
    expect(byes(told.peer().channel!.sent), 'the appliance tells them more').toEqual([])
    await told.clock.pass(100)
    expect(byes(told.peer().channel!.sent)).toEqual([{ type: 'bye', reason: 'hangup' }])
    const early = await talking()
    early.peer().channel!.readyState = 'connecting'
    early.placed.hangUp()
    early.peer().channel!.open()
    await early.clock.pass(350)
    expect(byes(early.peer().channel!.sent)).toEqual([{ type: 'bye', reason: 'hangup' }])
    const heard = await talking()
    heard.peer().channel!.hear({ type: 'bye', reason: 'hangup' })
    await heard.clock.pass(350)
    expect(byes(heard.peer().channel!.sent)).toEqual([])
  })

  it('whose right has ended is told by the appliance, as a guest whose time is over or as who was removed', async () => {
    for (const [staySeconds, reason] of [
      [60, 'guestOver'],
      [3_600, 'revoked'],
      [null, 'revoked'],
    ] as const) {
      const { placed, socket, peer, clock } = await talking()
      socket().say({ type: 'standing', name: 'Gustav', role: 'guest', staySeconds })
      await clock.pass(60_000)
      socket().drop(closeCode.revoked)
      expect(placed.end).toMatchObject({ by: 'self', reason })
      expect(peer().channel!.sent.filter(({ type }) => type === 'bye')).toEqual([])
    }
  })

  it('restarts ICE by the data channel while that is open', async () => {
    const { socket, peer, phone } = await talking()
    socket().drop()
    void phone.networkChanged()
    await settle()
    expect(peer().channel!.sent.at(-1)).toMatchObject({ type: 'offer' })
    peer().channel!.hear({ type: 'answer', sdp: 'v=0 again' })
    await settle()
    expect(peer().remoteDescription).toEqual({ type: 'answer', sdp: 'v=0 again' })
  })

  it('restarts ICE as soon as the appliance is back', async () => {
    const { clock, socket, peer, online } = await talking()
    peer().channel!.readyState = 'closed'
    socket().drop()
    peer().become('disconnected')
    await clock.pass(4_000)
    await online({ resumed: [{ call, state: 'held', reason: '' }] })
    expect(socket().ofType('offer')).toHaveLength(1)
  })

  it('is over when the appliance says it ended meanwhile', async () => {
    const { socket, back, placed } = await talking()
    socket().drop()
    await back({ resumed: [{ call, state: 'ended', reason: 'mediaLost' }] })
    expect(placed.end).toMatchObject({ by: 'server', reason: 'mediaLost' })
  })

  it('goes on ringing when it is offered again, and is over when it is not', async () => {
    const again = await ringing()
    again.socket().drop()
    await again.back()
    again.socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
    await again.clock.pass(10_000)
    expect(again.taken.state).toBe('incoming')
    expect(again.socket().ofType('ringing')).toEqual([{ type: 'ringing', call }])

    const over = await ringing()
    over.socket().drop()
    await over.back()
    await over.clock.pass(3_000)
    expect(over.taken.end).toMatchObject({ reason: 'lost' })
  })

  it('rings no longer without a line than the appliance waits, and goes on if it is taken then', async () => {
    const { clock, socket, taken, back } = await ringing()
    socket().drop()
    await clock.pass(14_900)
    expect(taken.state).toBe('incoming')
    await clock.pass(100)
    expect(taken.end).toMatchObject({ reason: 'lost' })
    await back()
    expect(socket().ofType('decline')).toEqual([])

    const answered = await ringing()
    answered.socket().drop()
    await answered.taken.answer({ video: false })
    await answered.clock.pass(15_000)
    expect(answered.taken.state).toBe('connecting')
  })

  it('that is taken between hello and welcome is answered when it is offered again', async () => {
    const { clock, sockets, socket, taken } = await ringing()
    const before = sockets.length
    socket().drop()
    while (sockets.length === before) await clock.pass(100)
    socket().open()
    await taken.answer({ video: false })
    socket().say(welcome())
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
    await clock.pass(4_000)
    expect(socket().ofType('answer')).toHaveLength(1)
    expect(taken.state).toBe('connecting')
  })

  it('is forgotten when the appliance knows it no more', async () => {
    const { socket, taken, back } = await ringing()
    socket().drop()
    await back()
    await taken.answer({ video: false })
    socket().say({ type: 'error', code: 'noSuchCall', message: '', ref: call })
    expect(taken.end).toMatchObject({ reason: 'lost' })
    socket().drop()
    await back()
    expect(socket().ofType('hello')[0]!.resume).toEqual([])
  })

  it('is forgotten when it is hung up and the appliance knows it no more', async () => {
    const { socket, taken, back } = await ringing()
    await taken.answer({ video: false })
    taken.hangUp()
    socket().say({ type: 'error', code: 'noSuchCall', message: '', ref: call })
    socket().drop()
    await back()
    expect(socket().ofType('hello')[0]!.resume).toEqual([])
  })

  it('is not taken by a word of the appliance before it was answered here', async () => {
    const { clock, socket, online, phone } = fakePhone()
    await online()
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: false, video: false })
    const taken = phone.calls[0]!
    void taken.answer({ video: false })
    await settle()
    socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
    await settle()
    expect([taken.state, taken.isTaken]).toEqual(['answering', false])
    await clock.pass(500)
    expect([taken.state, socket().ofType('answer').length]).toEqual(['connecting', 1])
  })

  it('is answered again when the answer was lost with the line, by then with all candidates', async () => {
    const { socket, peer, back, taken } = await ringing()
    await taken.answer({ video: false })
    socket().drop()
    peer().localDescription = { type: 'answer', sdp: 'v=0 answer with candidates' }
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    expect(socket().ofType('answer')).toEqual([])
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
    expect(socket().ofType('answer')).toEqual([{ type: 'answer', call, sdp: 'v=0 answer with candidates' }])
    expect(taken.state).toBe('connecting')
  })

  it('is answered again with the candidate that who knows no trickling looks for, where the stack leaves it out', async () => {
    const { socket, peer, back, taken } = await ringing()
    await taken.answer({ video: false })
    socket().drop()
    const [media, candidate] = ['v=0\r\nm=audio', 'a=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n']
    const sdp = `${media} 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n${candidate}`
    peer().localDescription = { type: 'answer', sdp }
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: false, video: false })
    const said = `${media} 5000 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\n${candidate}`
    expect(socket().ofType('answer')).toEqual([{ type: 'answer', call, sdp: said }])
  })

  it('that came without an offer is answered again as well', async () => {
    const { socket, peer, back, taken } = await ringing(undefined, '')
    const answering = taken.answer({ video: false })
    await settle()
    peer().found(null)
    await answering
    expect(socket().ofType('answer')).toHaveLength(1)
    socket().drop()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    socket().say({ type: 'incoming', call, from: bob, sdp: '', trickle: false, video: false })
    expect(socket().ofType('answer')).toHaveLength(1)
  })

  it('that came without an offer is over when nothing is heard of ours', async () => {
    const { clock, socket, peer, taken } = await ringing(undefined, '')
    const answering = taken.answer({ video: false })
    await settle()
    peer().found(null)
    await answering
    socket().drop()
    await clock.pass(34_900)
    expect(taken.state).toBe('answering')
    await clock.pass(100)
    expect(taken.end).toMatchObject({ by: 'self', reason: 'mediaFailed' })
  })

  it('does not ring again when it was declined while the line was broken', async () => {
    const { socket, phone, back, taken } = await ringing()
    socket().drop()
    taken.decline()
    await back()
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
    expect(phone.calls).toEqual([])
    expect(socket().ofType('decline')).toEqual([{ type: 'decline', call, reason: 'declined' }])
  })

  it('does not ring again when it was taken and hung up before the appliance heard of either', async () => {
    const { clock, sockets, socket, phone, taken } = await ringing()
    const before = sockets.length
    await taken.answer({ video: false })
    socket().drop()
    while (sockets.length === before) await clock.pass(100)
    socket().open()
    taken.hangUp()
    socket().say(welcome({ resumed: [{ call, state: 'held', reason: '' }] }))
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: false })
    expect(phone.calls).toEqual([])
    expect(socket().ofType('bye')).toEqual([{ type: 'bye', call, reason: 'hangup' }])
  })

  it('is reported as lost by the next life of the page', async () => {
    const { clock, reloaded, sockets } = await talking()
    await clock.pass(2_000)
    const next = reloaded()
    next.start()
    sockets.at(-1)!.open()
    expect(sockets.at(-1)!.ofType('hello')[0]!.resume).toEqual([
      { call, dialog: 'token-1', ended: { by: 'self', reason: 'lost', agoMilliseconds: 0 } },
    ])
  })
})

describe('reports', () => {
  it('are sent at once when a state changes, and every second', async () => {
    const { clock, socket, peer } = await talking()
    const before = socket().ofType('report').length
    expect(before).toBeGreaterThan(0)
    await clock.pass(20_000)
    expect(socket().ofType('report').length - before).toBe(20)
    peer().become('disconnected')
    await settle()
    expect(socket().ofType('report').length - before).toBe(21)
  })

  it('tell each change of a state at the moment it happened', async () => {
    const { clock, socket, peer } = await talking()
    await clock.pass(5_000)
    const before = socket().ofType('report').length
    peer().become('disconnected')
    peer().become('connected')
    await settle()
    const states = socket()
      .ofType('report')
      .slice(before)
      .flatMap(({ report }) => report.states ?? [])
    expect(states.filter(one => one.what === 'connection').map(one => one.to)).toEqual([
      'disconnected',
      'connected',
    ])
  })

  it('are completed after the call: at once, and when nothing is on its way any more', async () => {
    const { clock, socket, peer, placed } = await talking()
    peer().checked('p', 6, 4)
    await clock.pass(2_000)
    peer().checked('p', 7, 5)
    await clock.pass(2_000)
    expect(socket().ofType('report').at(-1)!.report.checks).toBeUndefined()
    placed.hangUp()
    await settle()
    const types = socket().sent.map(message => message.type)
    expect(types.lastIndexOf('report')).toBeGreaterThan(types.indexOf('bye'))
    expect(socket().ofType('report').at(-1)!.report.checks).toMatchObject([
      { requestsSent: 7, responsesReceived: 5 },
    ])
    expect(socket().ofType('report').at(-1)!.report.final).toBeUndefined()
    expect(peer().transceivers.map(({ sender }) => sender.track)).toEqual([null])
    const reports = socket().ofType('report').length
    await clock.pass(5_000)
    expect(socket().ofType('report').length).toBe(reports + 1)
    expect(socket().ofType('report').at(-1)!.report.final).toBe(true)
  })

  it('are completed by a browser too busy to count at once; what never counts is closed all the same', async () => {
    for (const [counting, isTold] of [
      [1_000, true],
      [60_000, false],
    ] as const) {
      const { clock, socket, peer, placed } = await talking()
      await clock.pass(2_000)
      const connection = peer()
      const read = connection.getStats.bind(connection)
      connection.getStats = async () => {
        await new Promise<void>(resolve => void clock.setTimeout(resolve, counting))
        return connection.closed ? Promise.reject(new Error('closed')) : read()
      }
      placed.hangUp()
      await clock.pass(10_000)
      expect(socket().ofType('report').at(-1)!.report.final === true).toBe(isTold)
      expect(connection.closed).toBe(true)
    }
  })

  it('that found no line are sent with their age when it is back, and all is told again', async () => {
    const { clock, socket, back, peer } = await talking()
    peer().checked('p', 6, 4)
    await clock.pass(2_000)
    socket().drop()
    peer().become('disconnected')
    await settle()
    peer().become('connected')
    await settle()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await settle()
    const reports = socket()
      .ofType('report')
      .map(({ report }) => report)
    expect(reports[0]).toMatchObject({ connection: 'disconnected', states: [{ to: 'disconnected' }, {}] })
    expect(reports[0]!.heldMilliseconds).toBeGreaterThan(0)
    expect(reports.at(-1)!.heldMilliseconds).toBeUndefined()
    expect(reports.at(-1)!.checks).toMatchObject([{ requestsSent: 6, responsesReceived: 4 }])
  })

  it('of a call that ended without a line are sent as well', async () => {
    const { clock, socket, back, placed } = await talking()
    await clock.pass(2_000)
    socket().drop()
    placed.hangUp()
    await settle()
    await back({ resumed: [{ call, state: 'ended', reason: 'hangup' }] })
    expect(socket().ofType('report').at(-1)).toMatchObject({
      call,
      report: { final: true, heldMilliseconds: 350 },
    })
  })
})

describe('people', () => {
  it('are everybody but oneself, as presence changes', async () => {
    const { phone, socket, online } = fakePhone()
    await online()
    expect(phone.roster.map(person => person.user)).toEqual(['bob'])
    socket().say({ type: 'presence', person: { user: 'bob', name: 'Bob', number: '21', presence: 'inCall' } })
    socket().say({
      type: 'presence',
      person: { user: 'carol', name: 'Carol', number: '22', presence: 'away' },
    })
    socket().say({
      type: 'presence',
      person: { user: 'alice', name: 'Alice', number: '20', presence: 'inCall' },
    })
    expect(phone.roster.map(person => [person.user, person.presence])).toEqual([
      ['bob', 'inCall'],
      ['carol', 'away'],
    ])
  })
})
