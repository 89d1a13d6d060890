/** The calls on a page's screen: who waits, who is asked, and that both are found again whatever becomes of the other. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SimAir } from '../sim/air.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimDevice, SimPage } from '../sim/page.ts'

/** Pages that ask before they are left. */
let asking = 0

beforeEach(() => {
  asking = 0
  vi.stubGlobal('addEventListener', () => asking++)
  vi.stubGlobal('removeEventListener', () => asking--)
})

async function house(seed = 1) {
  const network = new SimNetwork(seed, {
    ...{ latencyMilliseconds: [1, 5], loss: 0, duplication: 0, reordering: 0 },
  })
  const exchange = new SimExchange(network, ['alice', 'bob', 'carol', 'dora'])
  const air = new SimAir(network, exchange.thread)
  const [alice, bob, carol, dora] = ['alice-5', 'bob-5', 'carol-5', 'dora-5'].map(
    (name, index) => new SimPage(exchange, air, new SimDevice(name, `10.0.2.${index + 1}`)),
  ) as [SimPage, SimPage, SimPage, SimPage]
  await network.pass(1_000)
  /** Whatever rings is answered. */
  const answer = async () => {
    await network.pass(1_000)
    for (const { phone } of [alice, bob, carol, dora])
      for (const call of phone.calls) if (call.state === 'incoming') void call.answer({ video: true })
    await network.pass(2_000)
  }
  const talks = async (from: SimPage, to: SimPage, video = false) => {
    from.talk.begin(from.phone.call(personOf(to), { video }))
    await answer()
    return [from.talk.call!, to.talk.call!] as const
  }
  const asksFirst = async (from: SimPage, to: SimPage) => {
    expect(from.talk.askFirst(from.phone, personOf(to))).toBe(true)
    await answer()
  }
  return { network, exchange, alice, bob, carol, dora, talks, asksFirst, answer }
}

const personOf = ({ device: { user } }: SimPage) => ({ user, name: user.toUpperCase() })
/** With whom a page talks, and who waits there. */
const shown = ({ talk }: SimPage) => [talk.call?.party.user, talk.waiting?.party.user]
const held = (page: SimPage) => page.phone.calls.map(({ isHeld }) => isHeld)

describe('who asks first', () => {
  it('is as muted to whom they ask, who would hear them unawares', async () => {
    const { alice, bob, carol, talks, asksFirst } = await house()
    await talks(alice, bob)
    alice.talk.call!.setMuted(true)
    await asksFirst(alice, carol)
    expect([alice.talk.call!.party.user, alice.talk.call!.muted]).toEqual(['carol', true])
  })

  it('connects the two, whoever called whom: they talk, nobody rings or waits, and the page is idle', async () => {
    for (let seed = 1; seed <= 16; seed++) {
      const { network, exchange, alice, bob, carol, talks, asksFirst } = await house(seed)
      await (seed & 1 ? talks(alice, bob, (seed & 2) > 0) : talks(bob, alice, (seed & 2) > 0))
      await asksFirst(alice, carol)
      expect([shown(alice), held(bob), held(carol)]).toEqual([['carol', 'bob'], [true], [false]])
      const rings: string[] = []
      for (const { phone } of [bob, carol])
        phone.on('incoming', call => call.on('changed', ({ state }) => rings.push(state)))
      if (seed & 4) bob.talk.call!.setMuted(true)
      expect(alice.talk.connect()).toBe(true)
      await network.pass(seed & 8 ? 2_000 : 10_000)
      expect([shown(alice), shown(bob), shown(carol)], `seed ${seed}`).toEqual([
        [undefined, undefined],
        ['carol', undefined],
        ['bob', undefined],
      ])
      const all = [alice, bob, carol].flatMap(({ phone }) => phone.calls)
      expect(all.map(({ state, isHeld, isHolding }) => [state, isHeld, isHolding])).toEqual([
        ['connected', false, false],
        ['connected', false, false],
      ])
      expect(rings).not.toContain('incoming')
      expect([bob, carol].map(({ talk }) => talk.call!.localAudio!.enabled)).toEqual([(seed & 4) === 0, true])
      bob.talk.call!.hangUp()
      await network.pass(60_000)
      expect([exchange.leftovers(), asking]).toEqual([{}, 0])
    }
  })

  it('goes back to who waits, whose camera is seen again as theirs is', async () => {
    const { network, alice, bob, carol, talks, asksFirst } = await house()
    const [ours, theirs] = await talks(alice, bob, true)
    await asksFirst(alice, carol)
    expect([ours.cameraOn, theirs.isHeld, ours.localAudio!.enabled]).toEqual([false, true, false])
    alice.talk.call!.hangUp()
    await network.pass(5_000)
    expect([shown(alice), alice.talk.call]).toEqual([['bob', undefined], ours])
    expect([ours.cameraOn, theirs.picture.receives, theirs.isHeld, ours.localAudio!.enabled]).toEqual([
      true,
      true,
      false,
      true,
    ])
    expect([shown(carol), asking]).toEqual([[undefined, undefined], 2])
  })

  it('is back with who waits where the other one hangs up while they are being connected', async () => {
    const { network, alice, bob, carol, talks, asksFirst } = await house()
    const [ours, theirs] = await talks(alice, bob)
    await asksFirst(alice, carol)
    alice.talk.connect()
    carol.talk.call!.hangUp()
    await network.pass(5_000)
    expect([shown(alice), shown(bob), shown(carol)]).toEqual([
      ['bob', undefined],
      ['alice', undefined],
      [undefined, undefined],
    ])
    expect([ours.handOn?.state, ours.isHolding, theirs.isHeld]).toEqual(['failed', false, false])
  })

  it('asks on where who waits hangs up', async () => {
    const { network, alice, bob, carol, talks, asksFirst } = await house()
    await talks(alice, bob)
    await asksFirst(alice, carol)
    bob.talk.call!.hangUp()
    await network.pass(1_000)
    expect([shown(alice), shown(carol), held(carol)]).toEqual([
      ['carol', undefined],
      ['alice', undefined],
      [false],
    ])
    expect(alice.talk.notice).not.toBe('')
  })
})

describe('who is handed on by who was asked first', () => {
  it('is not left alone once the two are connected', async () => {
    const { network, alice, bob, carol, dora, talks, asksFirst } = await house()
    await talks(alice, bob)
    await asksFirst(alice, carol)
    carol.talk.call!.refer(personOf(dora))
    await network.pass(1_000)
    alice.talk.connect()
    await network.pass(10_000)
    expect([shown(alice), shown(bob), shown(dora)]).toEqual([
      ['dora', undefined],
      ['carol', undefined],
      ['alice', undefined],
    ])
    expect(dora.talk.call!.state).toBe('incoming')
  })

  it('calls nobody else once somebody came in their place', async () => {
    const { network, alice, bob, carol, dora, talks, asksFirst } = await house()
    await talks(bob, dora)
    await asksFirst(bob, alice)
    bob.talk.call!.refer(personOf(carol))
    await network.pass(1_000)
    expect(alice.talk.handedOnTo?.state).toBe('ringing')
    bob.talk.connect()
    await network.pass(10_000)
    expect([shown(alice), shown(bob), shown(carol), shown(dora)]).toEqual([
      ['dora', undefined],
      [undefined, undefined],
      [undefined, undefined],
      ['alice', undefined],
    ])
    expect([alice, carol].map(({ phone }) => phone.calls.length)).toEqual([1, 0])
  })
})

describe('whoever comes in the place of who waits', () => {
  /** Alice asked Bob first, with Carol on hold; Bob lets her wait, and asks Dora. */
  async function waiting() {
    const parts = await house()
    const { alice, bob, carol, dora, talks, asksFirst } = parts
    await talks(alice, carol)
    await asksFirst(alice, bob)
    await asksFirst(bob, dora)
    expect(shown(bob)).toEqual(['dora', 'alice'])
    return parts
  }

  it('waits as well, and is told so', async () => {
    const { network, alice, bob, carol } = await waiting()
    alice.talk.connect()
    await network.pass(5_000)
    expect([shown(alice), shown(bob), shown(carol)]).toEqual([
      [undefined, undefined],
      ['dora', 'carol'],
      ['bob', undefined],
    ])
    expect([held(carol), bob.talk.waiting!.localAudio!.enabled]).toEqual([[true], false])
    bob.talk.call!.hangUp()
    await network.pass(5_000)
    expect([shown(bob), held(carol), bob.talk.call!.localAudio!.enabled]).toEqual([
      ['carol', undefined],
      [false],
      true,
    ])
  })

  for (const when of ['waits', 'talks'] as const) {
    it(`and has gone in the same moment, leaves them where they were: who ${when}`, async () => {
      const { network, alice, bob, carol } = await waiting()
      if (when === 'talks') bob.talk.call!.hangUp()
      await network.pass(2_000)
      const before = [shown(alice), shown(bob)]
      const kept = when === 'waits' ? bob.talk.waiting : bob.talk.call
      const states: string[] = []
      bob.phone.on('incoming', call => {
        call.on('changed', ({ state }) => states.push(state))
        // It crosses the answer.
        network.later(1, () => carol.talk.handedOnTo!.hangUp())
      })
      alice.talk.connect()
      await network.pass(5_000)
      expect([shown(alice), shown(bob), shown(carol)]).toEqual([...before, ['alice', undefined]])
      expect(states, 'it was taken').toContain('connecting')
      expect([kept, kept!.state, kept!.isHolding]).toEqual([
        when === 'waits' ? bob.talk.waiting : bob.talk.call,
        'connected',
        when === 'waits',
      ])
    })
  }

  it('and has gone when there is nobody else on the screen any more, leaves them heard', async () => {
    const { network, alice, bob, carol } = await waiting()
    const kept = bob.talk.waiting!
    bob.phone.on('incoming', () => {
      network.later(0, () => bob.talk.call!.hangUp())
      network.later(1, () => carol.talk.handedOnTo!.hangUp())
    })
    alice.talk.connect()
    await network.pass(5_000)
    expect([shown(alice), shown(bob)]).toEqual([
      ['bob', 'carol'],
      ['alice', undefined],
    ])
    expect([bob.talk.call, kept.isHolding, kept.localAudio!.enabled, held(alice)]).toEqual([
      kept,
      false,
      true,
      [false, false],
    ])
  })
})
