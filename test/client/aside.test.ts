/** A party that is let wait, and what it is told: RFC 3264 §8.4 for phones, a word on the data channel for pages. */
import { describe, expect, it } from 'vitest'
import { fixedMedia } from '../../client/media.ts'
import { fakePhone, fakeTrack, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const other = 'fedcba9876543210fedcba9876543210'
const bob = { user: 'bob', name: 'Bob' }
const carol = { user: 'carol', name: 'Carol' }

/** In a call with a phone, or with a page. */
async function talking(kind: 'phone' | 'page') {
  const microphone = fakeTrack('audio')
  const parts = fakePhone(fixedMedia({ audio: microphone }))
  await parts.online()
  const ours = parts.phone.call(bob, { video: false })
  await parts.clock.pass(500)
  parts.socket().say({ type: 'calling', ref: ours.ref, call })
  parts.socket().say({ type: 'answered', sdp: 'v=0 answer', trickle: true, call, by: bob })
  await settle()
  parts.peer().become('connected')
  await settle()
  const channel = parts.peer().channel!
  if (kind === 'page') {
    channel.open()
    channel.hear({ type: 'media', muted: false, camera: false, testSource: false, aside: false })
  }
  const agrees = async () => {
    parts.socket().say({ type: 'answered', sdp: 'v=0 again', trickle: true, call, by: bob })
    await settle()
  }
  const directions = () => parts.peer().transceivers.map(({ direction }) => direction)
  const offers = () => parts.socket().ofType('offer').length
  return { ...parts, ours, microphone, channel, agrees, directions, offers }
}

describe('whoever is let wait', () => {
  it('hears silence, and a phone is told by an offer that wants nothing of its sound', async () => {
    const { ours, microphone, agrees, directions, offers } = await talking('phone')
    ours.setMuted(true)
    expect(ours.setAside(true)).toBe(true)
    await settle()
    expect([ours.isAside, microphone.enabled, offers(), directions()]).toEqual([true, false, 1, ['sendonly']])
    await agrees()
    expect(ours.isHeld, 'it is us who hold').toBe(false)
    expect(ours.setAside(true)).toBe(true)
    await settle()
    expect(offers(), 'once').toBe(1)
    ours.setMuted(false)
    expect(microphone.enabled, 'waits all the same').toBe(false)
    ours.setAside(false)
    await settle()
    expect([ours.isAside, microphone.enabled, offers(), directions()]).toEqual([false, true, 2, ['sendrecv']])
    await agrees()
    expect(offers()).toBe(2)
  })

  it('is told again once there is a line', async () => {
    const { ours, socket, back, offers } = await talking('phone')
    socket().drop()
    ours.setAside(true)
    await settle()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await settle()
    expect(offers()).toBe(1)
  })

  it('hears silence even where their phone does not take the offer, and talks on afterwards', async () => {
    const { ours, socket, microphone, directions, offers } = await talking('phone')
    ours.setAside(true)
    await settle()
    socket().say({ type: 'offerRefused', call, code: 488, retryAfterMilliseconds: null })
    await settle()
    expect([microphone.enabled, directions(), ours.isPictureRefused]).toEqual([false, ['sendrecv'], false])
    ours.setAside(false)
    await settle()
    expect([microphone.enabled, offers(), ours.state]).toEqual([true, 1, 'connected'])
  })

  it('is told by a word where it is a page, even while the appliance is away', async () => {
    const { ours, socket, channel, offers } = await talking('page')
    socket().drop()
    ours.setAside(true)
    expect(channel.sent.at(-1)).toMatchObject({ type: 'media', aside: true })
    ours.setAside(false)
    expect(channel.sent.at(-1)).toMatchObject({ type: 'media', aside: false })
    await settle()
    expect(offers()).toBe(0)
  })

  it('is nobody who has not answered', async () => {
    const parts = fakePhone()
    await parts.online()
    const placed = parts.phone.call(bob, { video: false })
    await settle()
    expect([placed.setAside(true), placed.isAside]).toEqual([false, false])
  })

  it('sees that they are, by what they hear from a page or by what a phone asks', async () => {
    const page = await talking('page')
    page.channel.hear({ type: 'media', muted: true, camera: false, testSource: false, aside: true })
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

it('hands on to who was asked first, and asks for the same again where it may be lost', async () => {
  const { ours, phone, socket, back, clock, microphone } = await talking('phone')
  ours.setAside(true)
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
