import { describe, expect, it } from 'vitest'
import { evidenceOf, type PartyEvidence } from '../../src/trace/evidence.ts'
import type { Happening, TraceEvent } from '../../src/trace/message.ts'
import { compareStreams } from '../../src/trace/streams.ts'

interface Count {
  readonly at: number
  readonly packets: number
  readonly lost?: number
  readonly bytes?: number
  readonly final?: boolean
  readonly frames?: number
  /** null: not counted. */
  readonly repeats?: number | null
}

/** A party that counts one video stream. */
function party(direction: 'sent' | 'received', counts: readonly Count[], more: readonly Said[] = []) {
  const qualities = counts.map((count): Said => {
    const { at, packets, lost = 0, bytes = packets * 1_000, final, frames, repeats = 0 } = count
    const stream = {
      ...({ ssrc: 7, media: 'video', direction, packets, bytes, lost, frames } as const),
      repeats: repeats ?? undefined,
    }
    return [at, { kind: 'quality', streams: [stream], final }]
  })
  const events = [...qualities, ...more].sort(([a], [b]) => a - b)
  return evidenceOf(
    events.map(([atMilliseconds, happening], index) => {
      return {
        number: index,
        atMilliseconds,
        source: 'caller',
        clockErrorMilliseconds: 2,
        ...happening,
      } as TraceEvent
    }),
  ).caller
}
type Said = readonly [at: number, happening: Happening]

const compared = (sender: PartyEvidence, receiver: PartyEvidence): string => {
  const [one] = compareStreams(sender, receiver)
  return `${one!.outcome}: ${one!.figures.replace('video 0x00000007: ', '')}`
}

/** A picture in bursts: nothing for a while, then many at once. */
const bursts = (at: number): number => Math.floor(at / 700) * 60

const counted = (offset: number, until: number, value: (at: number) => number): Count[] =>
  Array.from({ length: Math.floor((until - offset) / 1_000) + 1 }, (_, second) => {
    const at = offset + second * 1_000
    return { at, packets: Math.round(value(at)) }
  })

describe('the last counts of both ends', () => {
  const sender = party('sent', [
    ...counted(500, 4_500, bursts),
    { at: 5_250, packets: bursts(5_000), final: true },
  ])
  const receiver = (packets: number, lost = 0, bytes = packets * 1_000): PartyEvidence =>
    party('received', [...counted(1_100, 4_100, bursts), { at: 5_280, packets, lost, bytes, final: true }])
  const all = bursts(5_000)

  it('are compared where counts in between are too seldom to tell', () => {
    const withoutLast = party('received', counted(1_100, 4_100, bursts))
    expect(compared(sender, withoutLast)).toMatch(/^missing: .*counted too seldom to tell$/)
    expect(compared(sender, receiver(all))).toBe('holds: sent 420, received 420 + lost 0 in all (0.0 %)')
    expect(compared(sender, receiver(all - 100, 95))).toMatch(/^holds: .*lost 95 in all \(-1\.2 %\)/)
  })

  it('that say more than was sent are no mistake', () => {
    expect(compared(sender, receiver(all + 12))).toMatch(/^fails: .*in all \(2\.9 %\)/)
    expect(compared(sender, receiver(all, 0, all * 1_300))).toMatch(/^fails: .*; sent \d+ bytes, received/)
  })

  it('that say somewhat less leave it open, and much less contradict', () => {
    expect(compared(sender, receiver(all - 20))).toMatch(/^missing: .*not all is accounted for$/)
    const half = party('received', [
      ...counted(1_100, 4_100, at => bursts(at) / 2),
      { at: 5_280, packets: all / 2, final: true },
    ])
    expect(compared(sender, half)).toMatch(/^fails: /)
  })

  it('of a handful of packets tell by the packet', () => {
    const few = (packets: number, direction: 'sent' | 'received') =>
      party(direction, [{ at: 1_000, packets, final: true }])
    expect(compared(few(20, 'sent'), few(19, 'received'))).toMatch(/^holds/)
    expect(compared(few(20, 'sent'), few(18, 'received'))).toMatch(/^missing/)
    expect(compared(few(20, 'sent'), few(22, 'received'))).toMatch(/^fails/)
  })

  it('are not spoilt by what was sent before the other end was ready to count', () => {
    const steady = (at: number): number => at / 10
    const [told, heard] = [
      party('sent', [...counted(200, 4_200, steady), { at: 5_200, packets: 500, final: true }]),
      party('received', [
        { at: 300, packets: 0 },
        ...counted(900, 4_900, at => steady(at) - 40),
        { at: 5_250, packets: 460, final: true },
      ]),
    ]
    expect(compared(told, heard)).toMatch(/^holds: sent 410, received 410 \+ lost 0 in 4\.3 s/)
  })

  it('say of a stream of which nothing arrives that it did not, and call nobody a liar', () => {
    const silent = party(
      'received',
      counted(600, 9_600, () => 0),
    )
    expect(compared(party('sent', counted(500, 9_500, bursts)), silent)).toBe(
      'missing: nothing of 780 packets arrived',
    )
  })

  it('are judged by frames where one end does not count what is sent again or to probe the way', () => {
    const sent = party('sent', [{ at: 5_250, packets: 140, bytes: 7_493, frames: 81, final: true }])
    const got = (frames: number | undefined, repeats: number | null = null): string => {
      const counts = { at: 5_280, packets: 81, bytes: 5_601, final: true, repeats }
      return compared(sent, party('received', [frames === undefined ? counts : { ...counts, frames }]))
    }
    expect(got(81)).toMatch(/^holds: sent 140, received 81 .*; frames sent 81, received 81, so the rest/)
    expect(got(60)).toMatch(/^missing: .*; frames sent 81, received 60$/)
    expect(got(undefined)).toMatch(/^missing: .*one end does not count what is sent again$/)
    expect(got(81, 0)).toMatch(/^missing: .*not all is accounted for$/)
  })

  it('may be more by what was sent again, where the sender does not count that', () => {
    const sent = party('sent', [{ at: 5_250, packets: 400, final: true, repeats: null }])
    const got = (repeats: number): string =>
      compared(sent, party('received', [{ at: 5_280, packets: 420, lost: 20, final: true, repeats }]))
    expect(got(40)).toBe(
      'holds: sent 400, received 420 + lost 20 in all (10.0 %): 40 more, and 40 were sent again or to probe the way',
    )
    expect(got(20)).toBe(
      'fails: sent 400, received 420 + lost 20 in all (10.0 %): 40 more, and 20 were sent again or to probe the way',
    )
    expect(got(0)).toBe('fails: sent 400, received 420 + lost 20 in all (10.0 %)')
  })

  it('say nothing of what was sent again where it makes no difference', () => {
    const sent = party('sent', [{ at: 5_250, packets: 400, final: true, repeats: 9 }])
    const got = party('received', [{ at: 5_280, packets: 404, final: true, repeats: 20 }])
    expect(compared(sent, got)).toBe('holds: sent 400, received 404 + lost 0 in all (1.0 %)')
  })

  it('may be less by what was sent again, since that arrives but once', () => {
    const sent = party('sent', [{ at: 5_250, packets: 942, final: true, repeats: 56 }])
    const got = (packets: number): string =>
      compared(sent, party('received', [{ at: 5_280, packets, lost: 6, final: true, repeats: 50 }]))
    expect(got(882)).toBe(
      'holds: sent 942, received 882 + lost 6 in all (-5.7 %): 54 fewer, and 56 were sent again',
    )
    expect(got(840)).toBe(
      'missing: sent 942, received 840 + lost 6 in all (-10.2 %): 96 fewer, and 56 were sent again: not all is accounted for',
    )
  })

  it('are none where one end went on counting', () => {
    const goesOn = party('received', [
      { at: 1_000, packets: 100 },
      { at: 5_100, packets: all - 100, final: true },
      { at: 6_100, packets: all },
    ])
    expect(compared(sender, goesOn)).not.toMatch(/in all/)
  })
})

describe('counts between the ends of a call', () => {
  const steady = (at: number): number => at / 10
  const sender = party('sent', counted(0, 20_000, steady))
  const received = (share: number) =>
    party(
      'received',
      counted(400, 19_400, at => steady(at) * share).map(count => {
        return { ...count, repeats: Math.max(0, Math.round(count.packets * (1 - 1 / share))) }
      }),
    )

  it('may be more by what was sent again as well', () => {
    expect(compared(sender, received(1))).toMatch(/^holds: .*\(0\.0 %\)$/)
    expect(compared(sender, received(1.05))).toBe(
      'holds: sent 1900, received 1995 + lost 0 in 19.0 s (5.0 %): 95 more, and 95 were sent again or to probe the way',
    )
  })

  it('that say more than had been sent say by how much', () => {
    const [count] = counted(400, 400, () => 300)
    const liar = party('received', [count!, { at: 5_400, packets: 900, lost: 3, repeats: 40 }])
    expect(compared(sender, liar)).toMatch(
      /^fails: received 900 \+ lost 3 when at most \d+ had been sent: \d+ more, and 40 were sent again/,
    )
  })
})

describe('packets that never arrived and are not counted as lost', () => {
  const steady = (at: number): number => at / 10
  const sender = party('sent', counted(0, 40_000, steady))
  /** As steady, without what came between 10 and 13 s. */
  const withGap = (at: number): number => steady(at) - 10 * Math.min(30, Math.max(0, (at - 10_000) / 100))

  it('in one stretch are an interruption, and no lie', () => {
    const receiver = party('received', counted(400, 39_400, withGap))
    expect(compared(sender, receiver)).toMatch(/^missing: .*for a part of the time too few arrived$/)
  })

  it('around a change of the way are an interruption, however short the call', () => {
    const broke: Said = [
      12_000,
      { kind: 'state', what: 'iceConnection', from: 'connected', to: 'disconnected' },
    ]
    const receiver = party('received', counted(7_400, 15_400, withGap), [broke])
    expect(compared(sender, receiver)).toMatch(/^missing: .*the way was interrupted or changed meanwhile$/)
  })

  it('because the way broke before the end are no lie', () => {
    const stopped = (at: number): number => steady(Math.min(at, 5_000))
    const receiver = party('received', counted(400, 9_400, stopped))
    expect(compared(sender, receiver)).toMatch(/^missing: .*nothing arrived in the last 4\.0 s$/)
  })

  it('throughout the call contradict', () => {
    for (const share of [0.5, 0.9]) {
      const receiver = party(
        'received',
        counted(400, 39_400, at => steady(at) * share),
      )
      expect(compared(sender, receiver)).toMatch(/^fails/)
    }
  })
})
