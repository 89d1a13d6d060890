/** A call that is handed on, as the library of each of the two sees it. */
import { describe, expect, it, vi } from 'vitest'
import { fixedMedia, type OpenMedia } from '../../client/media.ts'
import { offerLimits } from '../../client/offers.ts'
import { fakePhone, fakeTrack, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const next = 'fedcba9876543210fedcba9876543210'
const bob = { user: 'bob', name: 'Bob' }
const carol = { user: 'carol', name: 'Carol' }
const answer = { type: 'answered', sdp: 'v=0 answer', trickle: true } as const

async function talking(openMedia?: OpenMedia) {
  const parts = fakePhone(openMedia)
  await parts.online()
  const ours = parts.phone.call(bob, { video: true })
  await parts.clock.pass(500)
  parts.socket().say({ type: 'calling', ref: ours.ref, call })
  parts.socket().say({ ...answer, call, by: bob })
  await settle()
  parts.socket().say({ type: 'dialog', call, dialog: 'token-1' })
  parts.peer().become('connected')
  await settle()
  return { ...parts, ours }
}

describe('whoever hands on', () => {
  it('asks for it, hears how it goes, and is done', async () => {
    const { ours, socket } = await talking()
    expect(ours.handOn).toBeUndefined()
    expect(ours.refer(carol)).toBe(true)
    expect(socket().ofType('refer')).toEqual([{ type: 'refer', call, to: 'carol' }])
    expect(ours.handOn).toEqual({ to: carol, state: 'asked', reason: undefined })
    expect(ours.refer(carol), 'one at a time').toBe(false)
    socket().say({ type: 'referral', call, state: 'ringing', reason: null })
    expect(ours.handOn?.state).toBe('ringing')
    expect(ours.state).toBe('connected')
    socket().say({ type: 'referral', call, state: 'answered', reason: null })
    socket().say({ type: 'ended', call, by: 'self', reason: 'hangup', code: 0 })
    expect(ours.handOn?.state).toBe('answered')
    expect(ours.end).toEqual({ by: 'self', reason: 'hangup', code: 0 })
  })

  it('goes on talking where nobody answers, and may ask again', async () => {
    const { ours, socket } = await talking()
    ours.refer(carol)
    socket().say({ type: 'referral', call, state: 'failed', reason: 'busy' })
    expect(ours.handOn).toEqual({ to: carol, state: 'failed', reason: 'busy' })
    expect(ours.state).toBe('connected')
    expect(ours.refer(carol)).toBe(true)
  })

  it('asks only in a call, by a line that is there', async () => {
    const parts = fakePhone()
    await parts.online()
    const placed = parts.phone.call(bob, { video: false })
    await settle()
    expect(placed.refer(carol)).toBe(false)
    const { ours, socket } = await talking()
    socket().drop()
    expect(ours.refer(carol)).toBe(false)
    expect(ours.handOn).toBeUndefined()
  })

  it('does not ask again where it hears, with the line, what came of it', async () => {
    const { ours, socket, back, clock } = await talking()
    ours.refer(carol)
    socket().drop()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    socket().say({ type: 'referral', call, state: 'failed', reason: 'declined' })
    await clock.pass(1_000)
    expect(socket().ofType('refer')).toEqual([])
    expect(ours.handOn).toEqual({ to: carol, state: 'failed', reason: 'declined' })
  })

  it('asks again when the line was away meanwhile: it may have been lost', async () => {
    const { ours, socket, back, clock } = await talking()
    ours.refer(carol)
    socket().drop()
    await back({ resumed: [{ call, state: 'held', reason: '' }] })
    await clock.pass(offerLimits.missedMilliseconds)
    expect(socket().ofType('refer')).toHaveLength(1)
    // It was not lost: what it says then is no end of the call.
    socket().say({ type: 'error', code: 'wrongState', message: 'already', ref: call })
    expect([ours.state, ours.handOn?.state]).toEqual(['connected', 'asked'])
  })
})

describe('whoever is handed on', () => {
  it('calls whom it is told to, with the same microphone and as muted, and shows no picture unasked', async () => {
    const wanted: Parameters<OpenMedia>[0][] = []
    const microphone = fakeTrack('audio')
    const parts = await talking(async asked => {
      wanted.push(asked)
      return fixedMedia({ audio: microphone, video: fakeTrack('video') })(asked)
    })
    parts.ours.setMuted(true)
    const told: unknown[] = []
    parts.phone.on('handedOn', ({ from, call: to }) => told.push(from, to))
    parts.socket().say({ type: 'referred', call, to: carol })
    await parts.clock.pass(500)
    const theirs = parts.phone.calls[1]!
    expect(told).toEqual([parts.ours, theirs])
    expect(parts.socket().ofType('call').at(-1)).toMatchObject({ to: 'carol', referred: call, video: false })
    expect(wanted.at(-1)).toMatchObject({ video: false, microphone: parts.ours.localAudio })
    expect([theirs.muted, theirs.cameraOn]).toEqual([true, false])
    expect(parts.ours.state).toBe('connected')
    // Told again after the line was away.
    parts.socket().say({ type: 'referred', call, to: carol })
    await settle()
    expect(parts.phone.calls).toHaveLength(2)
  })

  it.each([
    ['hangs up the first call itself where the other party does not', true],
    ['keeps the first call where nobody answers', false],
  ])('%s', async (_, isAnswered) => {
    const { ours, phone, socket, clock } = await talking()
    socket().say({ type: 'referred', call, to: carol })
    await clock.pass(500)
    const theirs = phone.calls[1]!
    socket().say({ type: 'calling', ref: theirs.ref, call: next })
    if (isAnswered) socket().say({ ...answer, call: next, by: carol })
    else socket().say({ type: 'ended', call: next, by: 'peer', reason: 'declined', code: 603 })
    await clock.pass(1_900)
    expect(ours.state).toBe('connected')
    await clock.pass(200)
    expect(ours.state).toBe(isAnswered ? 'ended' : 'connected')
    expect(socket().ofType('bye')).toEqual(isAnswered ? [{ type: 'bye', call, reason: 'hangup' }] : [])
  })

  it('is in neither call when the new one ends at once', async () => {
    const { phone, socket, clock } = await talking()
    socket().say({ type: 'referred', call, to: carol })
    await clock.pass(500)
    const theirs = phone.calls[1]!
    socket().say({ type: 'calling', ref: theirs.ref, call: next })
    socket().say({ ...answer, call: next, by: carol })
    socket().say({ type: 'ended', call: next, by: 'peer', reason: 'hangup', code: 200 })
    expect(phone.calls).toEqual([])
  })

  it('calls on where the first call ends before anybody answers', async () => {
    const { phone, socket, clock } = await talking()
    socket().say({ type: 'referred', call, to: carol })
    socket().say({ type: 'ended', call, by: 'peer', reason: 'hangup', code: 200 })
    await clock.pass(500)
    expect(phone.calls.map(({ party }) => party)).toEqual([carol])
    expect(socket().ofType('call').at(-1)).toMatchObject({ referred: call })
  })

  it('of a call it does not have is not handed on', async () => {
    const { phone, socket } = await talking()
    socket().say({ type: 'referred', call: next, to: carol })
    expect(phone.calls).toHaveLength(1)
  })
})

describe('whoever was asked first', () => {
  const from = { user: 'dora', name: 'Dora' }
  const taken = { type: 'incoming', call: next, from, sdp: 'v=0', trickle: true, video: false } as const

  it('takes who is connected with them without ringing, and nobody once they have hung up', async () => {
    for (const hasHungUp of [false, true]) {
      const { ours, phone, socket, clock } = await talking()
      if (hasHungUp) ours.hangUp()
      const rings = vi.fn()
      phone.on('incoming', ({ state }) => state === 'incoming' && rings())
      socket().say({ ...taken, replaces: call })
      await clock.pass(500)
      const declined = { type: 'decline', call: next, reason: 'declined' }
      expect(socket().ofType('decline')).toEqual(hasHungUp ? [declined] : [])
      expect(phone.calls.map(({ id, replaces }) => [id, replaces])).toEqual(
        hasHungUp
          ? []
          : [
              [call, undefined],
              [next, call],
            ],
      )
      expect([rings.mock.calls.length, socket().ofType('ringing').length]).toEqual([0, 0])
    }
  })
})
