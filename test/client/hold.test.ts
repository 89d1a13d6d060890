/** A party that is let wait, and what it is told: RFC 3264 §8.4 for phones, a word on the data channel for pages. */
import { describe, expect, it, vi } from 'vitest'
import type { LocalMedia } from '../../client/media.ts'
import { fakePhone, fakeTrack, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const other = 'fedcba9876543210fedcba9876543210'
const bob = { user: 'bob', name: 'Bob' }
const carol = { user: 'carol', name: 'Carol' }

/** The word of a page that sends sound. */
const sound = { type: 'media', muted: false, camera: false, testSource: false, hold: false }

/** In a call with a phone, or with a page; with a picture or none, of which `media` may be what we send. */
async function talking(
  kind: 'phone' | 'page',
  { media, video = false, trickle = true }: { media?: LocalMedia; video?: boolean; trickle?: boolean } = {},
) {
  const parts = media ? fakePhone(async () => media) : fakePhone()
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
    channel.hear(sound)
  }
  const holds = async (on: boolean) => {
    expect(ours.setHold(on)).toBe(true)
    await settle()
  }
  const agrees = async () => {
    parts.socket().say({ type: 'answered', sdp: 'v=0 again', trickle, call, by: bob })
    await settle()
  }
  const refuses = async (code: number, retryAfterMilliseconds: number | null) => {
    parts.socket().say({ type: 'offerRefused', call, code, retryAfterMilliseconds })
    await settle()
  }
  /** The other one offers something; by its answer sections go these ways. */
  const asks = async (...directions: string[]) => {
    parts.socket().say({ type: 'offer', call, sdp: 'v=0 theirs' })
    for (const [index, direction] of directions.entries())
      parts.peer().transceivers[index]!.currentDirection = direction
    await settle()
  }
  const directions = () => parts.peer().transceivers.map(({ direction }) => direction)
  const offers = () => parts.socket().ofType('offer').length
  /** How often, and what last. */
  const offered = () => [offers(), directions()]
  return { ...parts, ours, microphone, channel, holds, agrees, refuses, asks, directions, offers, offered }
}

describe('whoever is let wait', () => {
  it('hears silence, and a phone is told by an offer that wants nothing of its sound', async () => {
    const { ours, microphone, holds, agrees, offers, offered } = await talking('phone')
    ours.setMuted(true)
    await holds(true)
    expect([ours.isHolding, microphone.enabled, ...offered()]).toEqual([true, false, 1, ['sendonly']])
    await agrees()
    expect(ours.isHeld, 'it is us who hold').toBe(false)
    await holds(true)
    expect(offers(), 'once').toBe(1)
    ours.setMuted(false)
    expect(microphone.enabled, 'waits all the same').toBe(false)
    await holds(false)
    expect([ours.isHolding, microphone.enabled, ...offered()]).toEqual([false, true, 2, ['sendrecv']])
    await agrees()
    expect(offers()).toBe(2)
  })

  it('is heard again even where that is wished just as their phone has agreed to wait', async () => {
    const { ours, holds, agrees, offered } = await talking('phone')
    await holds(true)
    const agreed = agrees()
    ours.setHold(false)
    await agreed
    await settle()
    expect(offered()).toEqual([2, ['sendrecv']])
  })

  it('is told again once there is a line', async () => {
    const { socket, back, holds, offers } = await talking('phone')
    socket().drop()
    await holds(true)
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await settle()
    expect(offers()).toBe(1)
  })

  it('is told that they do not, where the offer of it may have been taken and its answer was lost with the line', async () => {
    const { ours, socket, back, clock, holds, offers, offered } = await talking('phone')
    await holds(true)
    socket().drop()
    ours.setHold(false)
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await settle()
    expect(offers(), 'the answer may still come').toBe(0)
    await clock.pass(10_000)
    expect(offered()).toEqual([1, ['sendrecv']])
  })

  it('hears silence even where their phone does not take the offer, and talks on afterwards', async () => {
    vi.stubGlobal('MediaStream', class {})
    const { ours, peer, microphone, holds, refuses, directions, offers } = await talking('phone')
    await holds(true)
    await refuses(488, null)
    const { localDescription, remoteDescription } = peer()
    expect([remoteDescription, localDescription], 'by which browsers play again').toEqual([
      { type: 'offer', sdp: 'v=0 answer' },
      { type: 'answer', sdp: 'v=0 answer 3' },
    ])
    expect([microphone.enabled, directions(), ours.isPictureRefused]).toEqual([false, ['sendrecv'], false])
    await holds(false)
    expect([microphone.enabled, offers(), ours.state]).toEqual([true, 1, 'connected'])
  })

  it('says nothing, and no other path is looked for therefore', async () => {
    const { ours, peer, clock, holds, agrees, offers } = await talking('phone')
    const heard = { id: 'in', type: 'inbound-rtp', kind: 'audio', ssrc: 1, packetsReceived: 50 }
    peer().stats.set('in', heard)
    await clock.pass(1_000)
    await holds(true)
    peer().transceivers[0]!.currentDirection = 'sendonly'
    await agrees()
    await clock.pass(60_000)
    expect([offers(), ours.state]).toEqual([1, 'connected'])
    await holds(false)
    peer().transceivers[0]!.currentDirection = 'sendrecv'
    await agrees()
    await clock.pass(10_000)
    expect(offers(), 'now it should be heard').toBeGreaterThan(2)
  })

  it('is asked again the next time, where it was refused and something else was agreed on since', async () => {
    const { ours, socket, holds, agrees, refuses, offered } = await talking('phone')
    await holds(true)
    await refuses(488, null)
    ours.setHold(false)
    socket().say({ type: 'restart', call })
    await settle()
    await agrees()
    await holds(true)
    expect(offered()).toEqual([3, ['sendonly']])
  })

  it('is heard again at once where they are back before their phone has answered, which is told so when it has', async () => {
    const { ours, peer, clock, holds, agrees, directions, offers } = await talking('phone')
    await holds(true)
    await holds(false)
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
    const { ours, clock, agrees, offers, offered } = await talking('phone', { trickle: false })
    for (const on of [true, false, true, false]) {
      ours.setHold(on)
      await clock.pass(50)
    }
    await clock.pass(500)
    expect(offers()).toBe(1)
    await agrees()
    await clock.pass(500)
    expect(offered()).toEqual([2, ['sendrecv']])
  })

  it('is heard again at once where they are back before their phone has refused to wait', async () => {
    const { peer, clock, holds, refuses, offers } = await talking('phone')
    await holds(true)
    await holds(false)
    await refuses(408, null)
    await clock.pass(60_000)
    expect([offers(), peer().signalingState]).toEqual([1, 'stable'])
  })

  it('is asked again where their phone refuses to take them back, and not for ever', async () => {
    const { clock, holds, agrees, refuses, offers, offered } = await talking('phone')
    const waits = async () => {
      await holds(true)
      await agrees()
      await holds(false)
    }
    await waits()
    for (const [index, seconds] of [2, 4, 8, 16].entries()) {
      expect(offers()).toBe(2 + index)
      await refuses(500, null)
      await clock.pass(seconds * 1_000 - 1)
      expect(offers()).toBe(2 + index)
      await clock.pass(1)
      expect(offered()).toEqual([3 + index, ['sendrecv']])
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
    const { ours, socket, clock, holds, refuses, asks, directions, offered } = await talking('phone')
    await holds(true)
    await refuses(491, 2_100)
    ours.setHold(false)
    await asks()
    expect([socket().ofType('answer').length, directions()]).toEqual([1, ['sendrecv']])
    await clock.pass(5_000)
    expect(offered()).toEqual([1, ['sendrecv']])
  })

  it('is asked again after an offer of theirs that crossed ours', async () => {
    const { clock, holds, agrees, refuses, asks, offered } = await talking('phone')
    await holds(true)
    await asks()
    await refuses(491, 2_100)
    await clock.pass(2_100)
    expect(offered()).toEqual([2, ['sendonly']])
    await agrees()
    await holds(false)
    expect(offered()).toEqual([3, ['sendrecv']])
  })

  it('is heard on where an offer of theirs crosses ours and cannot be taken', async () => {
    vi.stubGlobal('MediaStream', class {})
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { peer, socket, holds, asks } = await talking('phone')
    await holds(true)
    const connection = peer()
    const apply = connection.setRemoteDescription.bind(connection)
    connection.setRemoteDescription = async description => {
      if (description.sdp === 'v=0 theirs') throw new Error('no codec')
      await apply(description)
    }
    await asks()
    expect([warn.mock.calls.length, socket().ofType('decline').length]).toEqual([1, 1])
    const { localDescription, remoteDescription, signalingState } = connection
    expect([remoteDescription, localDescription, signalingState], 'by which browsers play again').toEqual([
      { type: 'offer', sdp: 'v=0 answer' },
      { type: 'answer', sdp: 'v=0 answer 3' },
      'stable',
    ])
  })

  it('is heard again where it was put on hold before it was known to be a page', async () => {
    const { channel, holds, agrees, offers, offered } = await talking('phone')
    await holds(true)
    await agrees()
    channel.open()
    channel.hear(sound)
    await holds(false)
    expect(offered()).toEqual([2, ['sendrecv']])
    await agrees()
    await holds(true)
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
    page.channel.hear({ ...sound, muted: true, hold: true })
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

/** Microphone and camera: `isOn`, that is, from the start; `isSlow`: each start of the camera waits for the test. */
function devices({ isOn = false, isSlow = false } = {}) {
  let open = () => {}
  let turn = 0
  const media = {
    audio: fakeTrack('audio'),
    video: isOn ? fakeTrack('video') : undefined,
    ...{ testSource: false, problems: [], release() {}, useMicrophone: async () => fakeTrack('audio') },
    async startCamera() {
      const mine = ++turn
      if (isSlow) {
        await new Promise<void>(resolve => {
          open = resolve
        })
      }
      const track = fakeTrack('video')
      if (mine === turn) media.video = track
      return track
    },
    stopCamera() {
      turn++
      media.video = undefined
    },
  }
  /** The camera is there. */
  const opens = async () => {
    open()
    await settle()
  }
  return { media, opens }
}

describe('the camera of whoever waits', () => {
  it.each([
    'recvonly',
    'inactive',
  ])('is not refused by that (%s), and seen again afterwards', async direction => {
    const { ours, asks, offers } = await talking('phone', { ...devices({ isOn: true }), video: true })
    await asks(direction, direction)
    expect([ours.isHeld, ours.cameraOn, ours.isPictureRefused]).toEqual([true, true, false])
    await asks('sendrecv', 'sendrecv')
    expect([ours.isHeld, ours.cameraOn, ours.isPictureRefused, offers()]).toEqual([false, true, false, 0])
    await asks(direction, direction)
    await asks('sendrecv', 'recvonly')
    expect([ours.cameraOn, ours.isPictureRefused]).toEqual([false, true])
  })

  it('is offered afterwards where it was turned on meanwhile', async () => {
    const { ours, asks, offers } = await talking('phone', devices())
    await asks('recvonly')
    await ours.setCamera(true)
    await settle()
    expect([ours.cameraOn, offers()]).toEqual([true, 0])
    await asks('sendrecv')
    expect([ours.cameraOn, offers()]).toEqual([true, 1])
  })
})

describe('the camera of whoever lets wait', () => {
  it('shows nothing where it opens only then, and is on afterwards', async () => {
    const { media, opens } = devices({ isSlow: true })
    const { ours, peer, agrees } = await talking('page', { media, video: true })
    void ours.setCamera(true)
    ours.setHold(true)
    await opens()
    const { sender } = peer().transceivers[1]!
    expect([ours.cameraOn, sender.track ?? null]).toEqual([false, null])
    ours.setHold(false)
    await opens()
    expect([ours.cameraOn, sender.track]).toEqual([true, media.video])
    await agrees()
  })

  it('is not taken for refused where it opens just as the phone agrees to what was offered without it', async () => {
    const { media, opens } = devices({ isSlow: true })
    const { ours, peer, holds, agrees, directions } = await talking('phone', { media, video: true })
    const [, picture] = peer().transceivers
    await holds(true)
    picture!.currentDirection = 'inactive'
    await agrees()
    expect(directions()).toEqual(['sendonly', 'inactive'])
    await holds(false)
    expect(directions()).toEqual(['sendrecv', 'recvonly'])
    void ours.setCamera(true)
    picture!.currentDirection = 'recvonly'
    // It is there, and not put into its section yet.
    picture!.sender.replaceTrack = () => new Promise(() => {})
    void opens()
    await agrees()
    expect([ours.isPictureRefused, ours.cameraOn]).toEqual([false, true])
  })

  it('is offered once to a phone that takes no picture, though it was turned on while another offer was out', async () => {
    const { media, opens } = devices({ isSlow: true })
    const { ours, peer, clock, holds, agrees, offers } = await talking('phone', { media, video: true })
    const [, picture] = peer().transceivers
    picture!.currentDirection = 'recvonly'
    await holds(true)
    await agrees()
    await holds(false)
    void ours.setCamera(true)
    await opens()
    expect(offers()).toBe(2)
    for (let answer = 0; answer < 4; answer++) {
      await agrees()
      await clock.pass(1_000)
    }
    expect([offers(), ours.isPictureRefused, ours.cameraOn]).toEqual([3, true, false])
  })

  it('is waited for all the same where that was said twice', async () => {
    const { media, opens } = devices({ isSlow: true, isOn: true })
    const { ours, peer, holds, agrees, offers, offered } = await talking('phone', { media, video: true })
    const [, picture] = peer().transceivers
    await holds(true)
    picture!.currentDirection = 'inactive'
    await agrees()
    ours.setHold(false)
    await holds(false)
    expect(offered()).toEqual([2, ['sendrecv', 'sendrecv']])
    picture!.currentDirection = 'sendrecv'
    await agrees()
    await opens()
    expect([offers(), ours.cameraOn, picture!.sender.track]).toEqual([2, true, media.video])
  })

  it.each(['is there again', 'is gone'])('is offered again at once, and once, where it %s', async fate => {
    const { media, opens } = devices({ isSlow: true })
    const { ours, peer, holds, agrees, offers, offered } = await talking('phone', {
      media,
      video: true,
    })
    const [, picture] = peer().transceivers
    void ours.setCamera(true)
    await opens()
    await holds(true)
    picture!.currentDirection = 'inactive'
    await agrees()
    if (fate === 'is gone')
      media.startCamera = async () => {
        await settle()
        throw new Error('gone')
      }
    await holds(false)
    expect(offered()).toEqual([2, ['sendrecv', 'sendrecv']])
    picture!.currentDirection = 'sendrecv'
    await agrees()
    if (fate === 'is gone') {
      expect([...offered(), ours.cameraOn]).toEqual([3, ['sendrecv', 'recvonly'], false])
      return
    }
    expect(offers()).toBe(2)
    await opens()
    expect([offers(), ours.cameraOn, picture!.sender.track]).toEqual([2, true, media.video])
  })
})

it('hands on to who was asked first, and asks for the same again where it may be lost', async () => {
  const { ours, phone, socket, back, clock, microphone } = await talking('phone')
  ours.setHold(true)
  const asked = phone.call(carol, { video: false, microphone })
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
