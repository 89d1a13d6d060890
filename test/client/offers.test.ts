import { describe, expect, it } from 'vitest'
import { Offers, type OfferWay, offerLimits } from '../../client/offers.ts'
import { FakeClock, randomOf, settle } from './fakes.ts'

/** An exchange of offers whose other end the test plays. */
function restarting(byItself = true) {
  const clock = new FakeClock()
  const sent: { way: OfferWay; number: number; at: number; purpose: string }[] = []
  const parts = {
    way: 'line' as OfferWay | undefined,
    needed: true,
    offers: 0,
    /** What an offer of a change comes to find: nothing is left to be changed. */
    settled: false,
    refused: 0,
    rolledBack: 0,
    /** Offers that were applied and neither answered nor taken back. */
    outstanding: 0,
    mostOutstanding: 0,
    makingMilliseconds: 0,
  }
  const restarts = new Offers({
    env: {
      now: () => clock.milliseconds,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
    } as never,
    byItself,
    isNeeded: () => parts.needed,
    way: () => parts.way,
    offer: async purpose => {
      if (purpose === 'change' && parts.settled) return undefined
      parts.offers++
      parts.outstanding++
      parts.mostOutstanding = Math.max(parts.mostOutstanding, parts.outstanding)
      if (parts.makingMilliseconds > 0) {
        await new Promise<void>(resolve => clock.setTimeout(resolve, parts.makingMilliseconds))
      }
      return `v=0 ${purpose} ${parts.offers}`
    },
    rollBack: async () => {
      parts.rolledBack++
      parts.outstanding--
    },
    send: (way, sdp, number) => {
      if (parts.way !== way) return false
      sent.push({ way, number, at: clock.milliseconds, purpose: sdp.split(' ')[1]! })
      return true
    },
    changeRefused: () => {
      parts.refused++
      return undefined
    },
  })
  const answer = (way: OfferWay = 'line', number?: number): boolean => {
    if (!restarts.takesAnswer(way, number)) return false
    parts.outstanding--
    restarts.settled()
    return true
  }
  return { clock, sent, parts, restarts, answer }
}

describe('restarts of ICE', () => {
  it('are offered at once when the appliance asks, by the callee too', async () => {
    const { sent, restarts } = restarting(false)
    restarts.want()
    await settle()
    expect(sent).toHaveLength(0)
    restarts.ask()
    await settle()
    expect(sent).toHaveLength(1)
  })

  it('wait for the fate of an offer that is under way, then follow at once', async () => {
    const { sent, restarts, answer } = restarting()
    restarts.want()
    await settle()
    restarts.ask()
    restarts.ask()
    await settle()
    expect(sent).toHaveLength(1)
    answer()
    await settle()
    expect(sent).toHaveLength(2)
  })

  it('that are asked for put an end to waiting for one’s own next try', async () => {
    const { sent, restarts, clock } = restarting()
    restarts.wantAfter(3_000)
    await clock.pass(1_000)
    restarts.ask()
    await settle()
    expect(sent).toMatchObject([{ at: 1_000 }])
  })

  it('are tried again as soon as a glare allows (RFC 3261 §14.1)', async () => {
    const { sent, parts, restarts, clock } = restarting(false)
    restarts.ask()
    await settle()
    restarts.refused(2_100)
    expect(parts.rolledBack).toBe(1)
    await clock.pass(2_099)
    expect(sent).toHaveLength(1)
    await clock.pass(1)
    expect(sent).toHaveLength(2)
  })

  it('are not tried again by a callee whose offer was refused for good', async () => {
    const { sent, restarts, clock } = restarting(false)
    restarts.ask()
    await settle()
    restarts.refused(null)
    await clock.pass(60_000)
    expect(sent).toHaveLength(1)
  })

  it('are over when media flows again', async () => {
    const { sent, parts, restarts, answer, clock } = restarting()
    restarts.want()
    await settle()
    answer()
    parts.needed = false
    restarts.flowing()
    await clock.pass(60_000)
    expect(sent).toHaveLength(1)
  })

  it('wait until the other party can be reached', async () => {
    const { sent, parts, restarts } = restarting()
    parts.way = undefined
    restarts.want()
    await settle()
    parts.way = 'line'
    restarts.lineBack()
    await settle()
    expect(sent).toHaveLength(1)
  })

  it('take the answer that was missed while the line was away', async () => {
    const { sent, parts, restarts, answer, clock } = restarting()
    restarts.want()
    await settle()
    restarts.lineBack()
    await clock.pass(offerLimits.missedMilliseconds - 1)
    expect(answer()).toBe(true)
    parts.needed = false
    await clock.pass(60_000)
    expect(sent).toHaveLength(1)
  })

  it('are offered anew when what was said on the old line is lost', async () => {
    const { sent, parts, restarts, clock } = restarting()
    restarts.want()
    await settle()
    restarts.lineBack()
    await clock.pass(offerLimits.missedMilliseconds)
    expect(parts.rolledBack).toBe(1)
    expect(sent.map(({ number }) => number)).toEqual([1, 2])
  })

  it('do not take the answer to an offer on the data channel that was given up', async () => {
    const { sent, parts, restarts, answer, clock } = restarting()
    parts.way = 'channel'
    restarts.want()
    await clock.pass(offerLimits.channelAnswerMilliseconds)
    expect(sent.map(({ number }) => number)).toEqual([1, 2])
    expect(answer('channel', 1)).toBe(false)
    expect(answer('channel', 2)).toBe(true)
  })

  it('go over the other way when one closes while the offer is made', async () => {
    const { sent, parts, restarts, clock } = restarting()
    parts.makingMilliseconds = 100
    restarts.want()
    await clock.pass(50)
    parts.way = 'channel'
    await clock.pass(150)
    expect(sent.map(({ way }) => way)).toEqual(['channel'])
    expect(parts.mostOutstanding).toBe(1)
  })
})

describe('whatever happens', () => {
  it('there are never two offers whose fate is not known, and an asked restart comes in the end', async () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomOf(seed)
      const { clock, parts, restarts, answer, sent } = restarting(random() < 0.5)
      let asked = false
      let offersBefore = 0
      for (let step = 0; step < 60; step++) {
        const events = [
          () => {
            asked = true
            offersBefore = parts.offers
            restarts.ask()
          },
          () => restarts.want(),
          () => restarts.wantAfter(3_000 * random()),
          () => answer('line'),
          () => answer('channel', Math.ceil(3 * random())),
          () => answer('channel', parts.offers),
          () => restarts.refused(random() < 0.5 ? null : 4_000 * random()),
          () => {
            parts.way = undefined
          },
          () => {
            parts.way = 'channel'
          },
          () => {
            parts.way = 'line'
            restarts.lineBack()
          },
          () => {
            parts.needed = !parts.needed
            if (!parts.needed) restarts.flowing()
          },
          () => {
            parts.makingMilliseconds = random() < 0.5 ? 0 : 300 * random()
          },
        ]
        events[Math.floor(random() * events.length)]!()
        await clock.pass(random() < 0.3 ? 6_000 * random() : 100 * random())
        expect(parts.outstanding, `seed ${seed} step ${step}`).toBeGreaterThanOrEqual(0)
        expect(parts.mostOutstanding, `seed ${seed} step ${step}`).toBeLessThanOrEqual(1)
      }
      if (!asked || parts.offers > offersBefore) continue
      // Nothing hinders any more: what was asked is done.
      parts.way = 'line'
      restarts.lineBack()
      for (let round = 0; round < 5 && parts.offers === offersBefore; round++) {
        await clock.pass(30_000)
        answer('line')
        await clock.pass(1_000)
      }
      expect(parts.offers, `seed ${seed}`).toBeGreaterThan(offersBefore)
      expect(sent.length).toBeGreaterThan(0)
    }
  })
})

describe('a change of what is sent', () => {
  it('is offered at once by either party, and over the line alone', async () => {
    const { sent, parts, restarts } = restarting(false)
    parts.way = 'channel'
    restarts.change()
    await settle()
    expect(sent).toHaveLength(0)
    parts.way = 'line'
    restarts.lineBack()
    await settle()
    expect(sent).toMatchObject([{ way: 'line', purpose: 'change' }])
    expect(restarts.isChanging).toBe(true)
  })

  it('waits for the fate of a restart, and a restart that is wanted goes first', async () => {
    const { sent, parts, restarts, answer } = restarting()
    restarts.want()
    await settle()
    restarts.change()
    restarts.ask()
    await settle()
    expect(sent).toHaveLength(1)
    answer()
    await settle()
    answer()
    await settle()
    answer()
    expect(sent.map(({ purpose }) => purpose)).toEqual(['restart', 'restart', 'change'])
    expect(parts.mostOutstanding).toBe(1)
    expect(restarts.isChanging).toBe(false)
  })

  it('is offered again after a glare, unless the other one’s offer has settled it', async () => {
    for (const [settled, offers] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const { sent, parts, restarts, clock } = restarting(false)
      restarts.change()
      await settle()
      restarts.refused(500)
      parts.settled = settled
      await clock.pass(1_000)
      expect(sent).toHaveLength(offers)
      expect(parts.refused).toBe(0)
      expect(restarts.isChanging).toBe(!settled)
    }
  })

  it('that the other party refuses is withdrawn and not offered again', async () => {
    const { sent, parts, restarts, clock } = restarting()
    parts.needed = false
    restarts.change()
    await settle()
    restarts.refused(null)
    await clock.pass(60_000)
    expect(sent).toHaveLength(1)
    expect(parts.refused).toBe(1)
    expect(restarts.isChanging).toBe(false)
  })

  it('that was lost with the line is offered anew on the next one', async () => {
    const { sent, parts, restarts, clock } = restarting()
    parts.needed = false
    restarts.change()
    await settle()
    parts.way = undefined
    await clock.pass(3_000)
    parts.way = 'line'
    restarts.lineBack()
    await clock.pass(offerLimits.missedMilliseconds)
    expect(sent.map(({ purpose }) => purpose)).toEqual(['change', 'change'])
    expect(parts.rolledBack).toBe(1)
  })
})
