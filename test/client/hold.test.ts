/** A party that is let wait, and what it is told: RFC 3264 §8.4 for phones, a word on the data channel for pages. */
import { describe, expect, it, vi } from 'vitest'
import { fixedMedia, type LocalMedia } from '../../client/media.ts'
import { fakePhone, fakeTrack, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const other = 'fedcba9876543210fedcba9876543210'
const bob = { user: 'bob', name: 'Bob' }
const carol = { user: 'carol', name: 'Carol' }

const nothing = { type: 'media', muted: false, camera: false, testSource: false, hold: false }

/** In a call with a phone, or with a page. */
async function talking(
  kind: 'phone' | 'page',
  camera?: LocalMedia,
  video = camera !== undefined,
  trickle = true,
) {
  const fixed = fixedMedia({ audio: fakeTrack('audio') })
  const parts = fakePhone(async wanted => camera ?? fixed(wanted))
  await parts.online()
  const ours = parts.phone.call(bob, { video })
  await parts.clock.pass(500)
  const microphone = ours.localAudio!
  parts.socket().say({ type: 'calling', ref: ours.ref, call })
  parts.socket().say({ type: 'answered', sdp: 'v=0 answer', trickle, call, by: bob })
  await settle()
  parts.peer().become('connected')
  await settle()
  const channel = parts.peer().channel!
  if (kind === 'page') {
    channel.open()
    channel.hear(nothing)
  }
  const agrees = async () => {
    parts.socket().say({ type: 'answered', sdp: 'v=0 again', trickle, call, by: bob })
    await settle()
  }
  const refuses = async (code: number, retryAfterMilliseconds: number | null) => {
    parts.socket().say({ type: 'offerRefused', call, code, retryAfterMilliseconds })
    await settle()
  }
  const directions = () => parts.peer().transceivers.map(({ direction }) => direction)
  const offers = () => parts.socket().ofType('offer').length
  return { ...parts, ours, microphone, channel, agrees, refuses, directions, offers }
}

describe('whoever is let wait', () => {
  it('hears silence, and a phone is told by an offer that wants nothing of its sound', async () => {
    const { ours, microphone, agrees, directions, offers } = await talking('phone')
    ours.setMuted(true)
    expect(ours.setHold(true)).toBe(true)
    await settle()
    expect([ours.isHolding, microphone.enabled, offers(), directions()]).toEqual([
      true,
      false,
      1,
      ['sendonly'],
    ])
    await agrees()
    expect(ours.isHeld, 'it is us who hold').toBe(false)
    expect(ours.setHold(true)).toBe(true)
    await settle()
    expect(offers(), 'once').toBe(1)
    ours.setMuted(false)
    expect(microphone.enabled, 'waits all the same').toBe(false)
    ours.setHold(false)
    await settle()
    expect([ours.isHolding, microphone.enabled, offers(), directions()]).toEqual([
      false,
      true,
      2,
      ['sendrecv'],
    ])
    await agrees()
    expect(offers()).toBe(2)
  })

  it('is heard again even where that is wished just as their phone has agreed to wait', async () => {
    const { ours, agrees, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    const agreed = agrees()
    ours.setHold(false)
    await agreed
    await settle()
    expect([offers(), directions()]).toEqual([2, ['sendrecv']])
  })

  it('is told again once there is a line', async () => {
    const { ours, socket, back, offers } = await talking('phone')
    socket().drop()
    ours.setHold(true)
    await settle()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await settle()
    expect(offers()).toBe(1)
  })

  it('hears silence even where their phone does not take the offer, and talks on afterwards', async () => {
    vi.stubGlobal('MediaStream', class {})
    const { ours, peer, refuses, microphone, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    await refuses(488, null)
    const { localDescription, remoteDescription } = peer()
    expect([remoteDescription, localDescription], 'by which browsers play again').toEqual([
      { type: 'offer', sdp: 'v=0 answer' },
      { type: 'answer', sdp: 'v=0 answer 3' },
    ])
    expect([microphone.enabled, directions(), ours.isPictureRefused]).toEqual([false, ['sendrecv'], false])
    ours.setHold(false)
    await settle()
    expect([microphone.enabled, offers(), ours.state]).toEqual([true, 1, 'connected'])
  })

  it('says nothing, and no other path is looked for therefore', async () => {
    const { ours, peer, clock, agrees, offers } = await talking('phone')
    const heard = { id: 'in', type: 'inbound-rtp', kind: 'audio', ssrc: 1, packetsReceived: 50 }
    peer().stats.set('in', heard)
    await clock.pass(1_000)
    ours.setHold(true)
    await settle()
    peer().transceivers[0]!.currentDirection = 'sendonly'
    await agrees()
    await clock.pass(60_000)
    expect([offers(), ours.state]).toEqual([1, 'connected'])
    ours.setHold(false)
    await settle()
    peer().transceivers[0]!.currentDirection = 'sendrecv'
    await agrees()
    await clock.pass(10_000)
    expect(offers(), 'now it should be heard').toBeGreaterThan(2)
  })

  it('is asked again the next time, where it was refused and something else was agreed on since', async () => {
    const { ours, socket, refuses, agrees, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    await refuses(488, null)
    ours.setHold(false)
    socket().say({ type: 'restart', call })
    await settle()
    await agrees()
    ours.setHold(true)
    await settle()
    expect([offers(), directions()]).toEqual([3, ['sendonly']])
  })

  it('is heard again at once where they are back before their phone has answered, which is told so when it has', async () => {
    const { ours, peer, clock, agrees, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    ours.setHold(false)
    await settle()
    expect([offers(), peer().signalingState, directions()]).toEqual([1, 'stable', ['sendrecv']])
    await clock.pass(15_000)
    await agrees()
    expect([offers(), peer().signalingState, directions()]).toEqual([2, 'have-local-offer', ['sendrecv']])
    await agrees()
    expect([offers(), ours.isHeld]).toEqual([2, false])
    await clock.pass(60_000)
    expect(offers()).toBe(2)
  })

  it('is taken back where they were let wait twice, and back twice, before their phone was even asked', async () => {
    const { ours, clock, agrees, directions, offers } = await talking('phone', undefined, undefined, false)
    for (const on of [true, false, true, false]) {
      ours.setHold(on)
      await clock.pass(50)
    }
    await clock.pass(500)
    expect(offers()).toBe(1)
    await agrees()
    await clock.pass(500)
    expect([offers(), directions()]).toEqual([2, ['sendrecv']])
  })

  it('is heard again at once where they are back before their phone has refused to wait', async () => {
    const { ours, peer, clock, refuses, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    ours.setHold(false)
    await settle()
    await refuses(408, null)
    await clock.pass(60_000)
    expect([offers(), peer().signalingState]).toEqual([1, 'stable'])
  })

  it('is asked again where their phone refuses to take them back, and not for ever', async () => {
    const { ours, clock, agrees, refuses, directions, offers } = await talking('phone')
    const waits = async () => {
      ours.setHold(true)
      await settle()
      await agrees()
      ours.setHold(false)
      await settle()
    }
    await waits()
    for (const [index, seconds] of [2, 4, 8, 16].entries()) {
      expect(offers()).toBe(2 + index)
      await refuses(500, null)
      await clock.pass(seconds * 1_000 - 1)
      expect(offers()).toBe(2 + index)
      await clock.pass(1)
      expect([offers(), directions()]).toEqual([3 + index, ['sendrecv']])
    }
    await refuses(500, null)
    await clock.pass(60_000)
    expect(offers()).toBe(6)
    await waits()
    await refuses(500, null)
    await clock.pass(2_000)
    await agrees()
    await clock.pass(60_000)
    expect(offers()).toBe(8)
  })

  it('is not kept waiting by the answer to an offer of theirs, where ours crossed it and was taken back', async () => {
    const { ours, clock, socket, refuses, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    await refuses(491, 2_100)
    ours.setHold(false)
    socket().say({ type: 'offer', call, sdp: 'v=0 crossing' })
    await settle()
    expect([socket().ofType('answer').length, directions()]).toEqual([1, ['sendrecv']])
    await clock.pass(5_000)
    expect([offers(), directions()]).toEqual([1, ['sendrecv']])
  })

  it('is asked again after an offer of theirs that crossed ours', async () => {
    const { ours, clock, socket, refuses, agrees, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    socket().say({ type: 'offer', call, sdp: 'v=0 crossing' })
    await refuses(491, 2_100)
    await clock.pass(2_100)
    expect([offers(), directions()]).toEqual([2, ['sendonly']])
    await agrees()
    ours.setHold(false)
    await settle()
    expect([offers(), directions()]).toEqual([3, ['sendrecv']])
  })

  it('is heard again where it was put on hold before it was known to be a page', async () => {
    const { ours, channel, agrees, directions, offers } = await talking('phone')
    ours.setHold(true)
    await settle()
    await agrees()
    channel.open()
    channel.hear(nothing)
    ours.setHold(false)
    await settle()
    expect([offers(), directions()]).toEqual([2, ['sendrecv']])
    await agrees()
    ours.setHold(true)
    await settle()
    expect(offers(), 'a word is enough from now on').toBe(2)
  })

  it('is told by a word where it is a page, even while the appliance is away', async () => {
    const { ours, socket, channel, offers } = await talking('page')
    socket().drop()
    ours.setHold(true)
    expect(channel.sent.at(-1)).toMatchObject({ type: 'media', hold: true })
    ours.setHold(false)
    expect(channel.sent.at(-1)).toMatchObject({ type: 'media', hold: false })
    await settle()
    expect(offers()).toBe(0)
  })

  it('is nobody who has not answered', async () => {
    const parts = fakePhone()
    await parts.online()
    const placed = parts.phone.call(bob, { video: false })
    await settle()
    expect([placed.setHold(true), placed.isHolding]).toEqual([false, false])
  })

  it('sees that they are, by what they hear from a page or by what a phone asks', async () => {
    const page = await talking('page')
    page.channel.hear({ type: 'media', muted: true, camera: false, testSource: false, hold: true })
    expect(page.ours.isHeld).toBe(true)
    page.channel.hear({ type: 'media', muted: false, camera: false, testSource: false })
    expect(page.ours.isHeld).toBe(false)
    const phone = await talking('phone')
    for (const [direction, isHeld] of [
      ['recvonly', true],
      ['inactive', true],
      ['sendrecv', false],
    ] as const) {
      phone.peer().transceivers[0]!.currentDirection = direction
      expect(phone.ours.isHeld, direction).toBe(isHeld)
    }
  })
})

describe('the camera of whoever waits', () => {
  async function waiting(camera?: MediaStreamTrack) {
    const media = {
      ...{ audio: fakeTrack('audio'), video: camera, testSource: false, problems: [], release() {} },
      useMicrophone: async () => fakeTrack('audio'),
      async startCamera() {
        media.video = fakeTrack('video')
        return media.video
      },
      stopCamera() {
        media.video = undefined
      },
    }
    const parts = await talking('phone', media, camera !== undefined)
    /** As the phone offers it. */
    const becomes = async (...directions: string[]) => {
      parts.socket().say({ type: 'offer', call, sdp: 'v=0 theirs' })
      for (const [index, direction] of directions.entries())
        parts.peer().transceivers[index]!.currentDirection = direction
      await settle()
    }
    return { ...parts, becomes }
  }

  it.each([
    'recvonly',
    'inactive',
  ])('is not refused by that (%s), and seen again afterwards', async direction => {
    const { ours, becomes, offers } = await waiting(fakeTrack('video'))
    await becomes(direction, direction)
    expect([ours.isHeld, ours.cameraOn, ours.isPictureRefused]).toEqual([true, true, false])
    await becomes('sendrecv', 'sendrecv')
    expect([ours.isHeld, ours.cameraOn, ours.isPictureRefused, offers()]).toEqual([false, true, false, 0])
    await becomes(direction, direction)
    await becomes('sendrecv', 'recvonly')
    expect([ours.cameraOn, ours.isPictureRefused]).toEqual([false, true])
  })

  it('is offered afterwards where it was turned on meanwhile', async () => {
    const { ours, becomes, offers } = await waiting()
    await becomes('recvonly')
    await ours.setCamera(true)
    await settle()
    expect([ours.cameraOn, offers()]).toEqual([true, 0])
    await becomes('sendrecv')
    expect([ours.cameraOn, offers()]).toEqual([true, 1])
  })
})

describe('the camera of whoever lets wait', () => {
  /** Each start waits for the test. */
  function camera() {
    let opens: (() => void) | undefined
    let turn = 0
    const media = {
      audio: fakeTrack('audio'),
      video: undefined as MediaStreamTrack | undefined,
      ...{ testSource: false, problems: [], release() {}, useMicrophone: async () => fakeTrack('audio') },
      async startCamera() {
        const mine = ++turn
        await new Promise<void>(resolve => {
          opens = resolve
        })
        const track = fakeTrack('video')
        if (mine === turn) media.video = track
        return track
      },
      stopCamera() {
        turn++
        media.video = undefined
      },
    }
    return { media, open: () => opens!() }
  }

  it('shows nothing where it opens only then, and is on afterwards', async () => {
    const { media, open } = camera()
    const { ours, peer, agrees } = await talking('page', media)
    void ours.setCamera(true)
    ours.setHold(true)
    open()
    await settle()
    const { sender } = peer().transceivers[1]!
    expect([ours.cameraOn, sender.track ?? null]).toEqual([false, null])
    ours.setHold(false)
    open()
    await settle()
    expect([ours.cameraOn, sender.track]).toEqual([true, media.video])
    await agrees()
  })

  it('is not taken for refused where it opens just as the phone agrees to what was offered without it', async () => {
    const { media, open } = camera()
    const { ours, peer, agrees, directions } = await talking('phone', media)
    const [, picture] = peer().transceivers
    ours.setHold(true)
    await settle()
    picture!.currentDirection = 'inactive'
    await agrees()
    expect(directions()).toEqual(['sendonly', 'inactive'])
    ours.setHold(false)
    await settle()
    expect(directions()).toEqual(['sendrecv', 'recvonly'])
    void ours.setCamera(true)
    picture!.currentDirection = 'recvonly'
    // It is there, and not put into its section yet.
    picture!.sender.replaceTrack = () => new Promise(() => {})
    open()
    await agrees()
    expect([ours.isPictureRefused, ours.cameraOn]).toEqual([false, true])
  })

  it('is offered once to a phone that takes no picture, though it was turned on while another offer was out', async () => {
    const { media, open } = camera()
    const { ours, peer, clock, agrees, offers } = await talking('phone', media)
    const [, picture] = peer().transceivers
    picture!.currentDirection = 'recvonly'
    ours.setHold(true)
    await settle()
    await agrees()
    ours.setHold(false)
    await settle()
    void ours.setCamera(true)
    open()
    await settle()
    expect(offers()).toBe(2)
    for (let answer = 0; answer < 4; answer++) {
      await agrees()
      await clock.pass(1_000)
    }
    expect([offers(), ours.isPictureRefused, ours.cameraOn]).toEqual([3, true, false])
  })

  it.each(['is there again', 'is gone'])('is offered again at once, and once, where it %s', async fate => {
    const { media, open } = camera()
    const { ours, peer, agrees, directions, offers } = await talking('phone', media)
    const [, picture] = peer().transceivers
    void ours.setCamera(true)
    open()
    await settle()
    ours.setHold(true)
    await settle()
    picture!.currentDirection = 'inactive'
    await agrees()
    if (fate === 'is gone')
      media.startCamera = async () => {
        await settle()
        throw new Error('gone')
      }
    ours.setHold(false)
    await settle()
    expect([offers(), directions()]).toEqual([2, ['sendrecv', 'sendrecv']])
    picture!.currentDirection = 'sendrecv'
    await agrees()
    if (fate === 'is gone') {
      expect([offers(), directions(), ours.cameraOn]).toEqual([3, ['sendrecv', 'recvonly'], false])
      return
    }
    expect(offers()).toBe(2)
    open()
    await settle()
    expect([offers(), ours.cameraOn, picture!.sender.track]).toEqual([2, true, media.video])
  })
})

it('hands on to who was asked first, and asks for the same again where it may be lost', async () => {
  const { ours, phone, socket, back, clock, microphone } = await talking('phone')
  ours.setHold(true)
  const asked = phone.call(carol, { video: false, microphone: microphone as unknown as MediaStreamTrack })
  await clock.pass(500)
  socket().say({ type: 'calling', ref: asked.ref, call: other })
  const wish = { type: 'refer', call, to: 'carol', replaces: other }
  expect(ours.refer(carol, asked)).toBe(true)
  expect(socket().ofType('refer')).toEqual([wish])
  socket().drop()
  const held = { state: 'held', reason: '' } as const
  await back({ resumed: [call, other].map(id => ({ call: id, ...held })) })
  await clock.pass(1_000)
  expect(socket().ofType('refer')).toEqual([wish])
})
