import { describe, expect, it } from 'vitest'
import { backoffMilliseconds } from '../../client/backoff.ts'
import { closeCode } from '../../src/signalling/message.ts'
import { fakePhone } from './fakes.ts'

describe('the channel', () => {
  it('says hello with the token as soon as the socket opens, and is online after the welcome', async () => {
    const { phone, socket, online } = fakePhone()
    phone.start()
    expect(phone.state).toBe('connecting')
    await online()
    expect(socket().protocol).toBe('lanline.v1')
    expect(socket().sent[0]).toMatchObject({ type: 'hello', token: 'secret', client: 'test', resume: [] })
    expect(phone.state).toBe('online')
  })

  it('pings every 10 s and stays online while it is answered', async () => {
    const { phone, clock, socket, online } = fakePhone()
    await online()
    for (let round = 1; round <= 5; round++) {
      await clock.pass(10_000)
      expect(socket().ofType('ping')).toHaveLength(round)
    }
    expect(phone.state).toBe('online')
  })

  it('takes the line for dead 5 s after an unanswered ping, and tries again within a second', async () => {
    const { phone, clock, sockets, online } = fakePhone()
    await online()
    sockets[0]!.answersPings = false
    await clock.pass(14_999)
    expect(phone.state).toBe('online')
    await clock.pass(1)
    expect(phone.state).toBe('waiting')
    expect(sockets[0]!.closed).toBe(true)
    await clock.pass(1_000)
    expect(sockets).toHaveLength(2)
  })

  it('measures how long the appliance takes to answer, and says nothing of a line that is gone', async () => {
    const { phone, clock, sockets, online } = fakePhone()
    expect(await phone.roundTrip()).toBeUndefined()
    await online()
    sockets[0]!.answersPings = false
    const measured = phone.roundTrip()
    await clock.pass(70)
    const [ping] = sockets[0]!.ofType('ping')
    sockets[0]!.say({ type: 'pong', id: ping!.id })
    expect(await measured).toBe(70)
    const unanswered = phone.roundTrip()
    await clock.pass(5_000)
    expect(phone.state).toBe('waiting')
    expect(await unanswered).toBeUndefined()
  })

  it('takes any message as proof of life', async () => {
    const { phone, clock, socket, online } = fakePhone()
    await online()
    socket().answersPings = false
    await clock.pass(12_000)
    socket().say({ type: 'roster', roster: [] })
    await clock.pass(4_000)
    expect(phone.state).toBe('online')
  })

  it('does not wait longer than 6 s for a welcome', async () => {
    const { phone, clock } = fakePhone()
    phone.start()
    await clock.pass(6_000)
    expect(phone.state).toBe('waiting')
  })

  it('tries quickly at first, then ever more slowly up to 30 s', () => {
    const middle = Array.from({ length: 10 }, (_, attempt) => backoffMilliseconds(attempt, 0.5))
    expect(middle.slice(0, 3)).toEqual([600, 600, 600])
    expect(middle.slice(3, 7)).toEqual([1_500, 3_000, 6_000, 12_000])
    expect(backoffMilliseconds(0, 0)).toBe(200)
    expect(backoffMilliseconds(0, 1)).toBe(1_000)
    expect(backoffMilliseconds(50, 1)).toBe(30_000)
    expect(backoffMilliseconds(50, 0)).toBe(15_000)
  })

  it('starts with quick tries again after a connection that held, not after one that broke at once', async () => {
    const { clock, sockets, socket, online, back } = fakePhone()
    await online()
    for (let loss = 0; loss < 5; loss++) {
      socket().drop()
      await back()
    }
    socket().drop()
    const broken = sockets.length
    await clock.pass(1_000)
    expect(sockets).toHaveLength(broken)
    await back()
    await clock.pass(5_000)
    socket().drop()
    const held = sockets.length
    await clock.pass(1_000)
    expect(sockets).toHaveLength(held + 1)
  })

  it('tries at once when the network changes while it waits', async () => {
    const { phone, clock, sockets } = fakePhone()
    phone.start()
    for (let attempt = 0; attempt < 6; attempt++) {
      sockets.at(-1)!.drop()
      if (attempt < 5) await clock.pass(30_000)
    }
    const before = sockets.length
    expect(phone.state).toBe('waiting')
    void phone.networkChanged()
    expect(sockets).toHaveLength(before + 1)
  })

  it('looks at a line that seems alive when the network changes', async () => {
    const { phone, clock, socket, sockets, online } = fakePhone()
    await online()
    socket().answersPings = false
    void phone.networkChanged()
    expect(socket().ofType('ping')).toHaveLength(1)
    await clock.pass(399)
    expect(phone.state).toBe('online')
    await clock.pass(1)
    expect(phone.state).toBe('connecting')
    expect(sockets).toHaveLength(2)
  })

  it('does not wait long for a new line either then, and takes its time again after three tries', async () => {
    const { phone, clock, socket, sockets, online } = fakePhone()
    await online()
    socket().answersPings = false
    phone.lookAtLine()
    await clock.pass(1_000 + 1_500 + 1_500)
    expect(sockets).toHaveLength(4)
    await clock.pass(5_999)
    expect(phone.state).toBe('connecting')
    await clock.pass(1)
    expect(phone.state).toBe('waiting')
  })

  it('is not taken for dead because this machine was held up', async () => {
    const { phone, clock, socket, online } = fakePhone()
    await online()
    socket().answersPings = false
    phone.lookAtLine()
    // Nothing ran for 3 s, then the timers and after them what had been received.
    clock.milliseconds += 3_000
    await clock.pass(0)
    expect(phone.state).toBe('online')
    socket().say({ type: 'pong', id: 1 })
    await clock.pass(5_000)
    expect(phone.state).toBe('online')
    expect(socket().closed).toBe(false)
  })

  it('is looked at no longer than that however often something happens', async () => {
    const { phone, clock, socket, sockets, online } = fakePhone()
    await online()
    socket().answersPings = false
    for (let sign = 0; sign < 3; sign++) {
      phone.lookAtLine()
      await clock.pass(500)
    }
    expect(sockets).toHaveLength(2)
  })

  it.each([
    ['badToken', closeCode.badToken],
    ['revoked', closeCode.revoked],
    ['replaced', closeCode.replaced],
  ] as const)('stays away by itself after close code %s', async (reason, code) => {
    const { phone, clock, sockets, socket, online } = fakePhone()
    await online()
    socket().drop(code)
    await clock.pass(120_000)
    expect(phone.state).toBe('stopped')
    expect(phone.stopReason).toBe(reason)
    expect(sockets).toHaveLength(1)
    phone.start()
    expect(sockets).toHaveLength(2)
  })

  it.each([
    ['policy', closeCode.policy],
    ['going away', closeCode.goingAway],
    ['a broken line', 1006],
  ] as const)('comes back after %s', async (_, code) => {
    const { clock, sockets, socket, online } = fakePhone()
    await online()
    socket().drop(code)
    await clock.pass(1_000)
    expect(sockets).toHaveLength(2)
  })

  it('survives words that are no JSON', async () => {
    const { phone, socket, online } = fakePhone()
    await online()
    socket().onmessage?.({ data: '{' } as never)
    expect(phone.state).toBe('online')
  })
})
