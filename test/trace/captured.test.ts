/** What a capture's flows add to a verdict, one flow bent at a time. */
import { expect, it } from 'vitest'
import { evidenceOf } from '../../src/trace/evidence.ts'
import type { CaptureFacts, CaptureFlow, Verdict } from '../../src/trace/message.ts'
import { verdictOf } from '../../src/trace/verdict.ts'
import {
  calleePrint,
  callerPrint,
  eventsOf,
  ledger,
  mirrored,
  otherPrint,
  pair,
  type Story,
} from './story.ts'

const [caller, callee] = ['192.168.1.2:5002', '192.168.1.3:5003']

const flow = (change: Partial<CaptureFlow> = {}): CaptureFlow => ({
  ...{ source: caller, target: callee, way: 'direct', sender: 'caller', matchedBy: 'ufrags' },
  ...{ checks: 4, checkAnswers: 4, dtls: ['ClientHello'], certificates: [] },
  ...{ rtp: [{ ssrc: 1_111, packets: 1_400 }], packets: 1_410 },
  ...change,
})
const back = (change: Partial<CaptureFlow> = {}): CaptureFlow =>
  flow({
    ...{ source: callee, target: caller, sender: 'callee', dtls: ['ServerHello'] },
    ...{ rtp: [{ ssrc: 2_222, packets: 1_400 }], ...change },
  })

const facts = (flows: readonly CaptureFlow[], change: Partial<CaptureFacts> = {}): CaptureFacts => ({
  ...{ name: 'bridge.pcap', takenAt: 'switch', importedBy: 'owner', frames: 3_000, flows },
  ...{ firstAtMilliseconds: 0, lastAtMilliseconds: 30_000, sha256: 'a' },
  ...change,
})

function judged(captures: readonly CaptureFacts[], story: Story = {}): Verdict {
  const more = captures.map(each => ({ kind: 'capture', facts: each }) as const)
  return verdictOf(evidenceOf(eventsOf({ ...story, more })))
}
const grade = (flows: readonly CaptureFlow[], story: Story = {}): string => {
  const { path, grade } = judged([facts(flows)], story)
  return `${path} ${grade}`
}

it('proves a direct path with checks, handshake and a stream both ways, and says who brought it', () => {
  const verdict = judged([facts([flow(), back()])])
  expect(verdict).toMatchObject({ path: 'direct', grade: 'packets', missing: [] })
  expect(verdict.checked.at(-1)!.figures).toBe(
    'bridge.pcap (brought by the owner): between 192.168.1.2:5002 and 192.168.1.3:5003 8 checks, 8 answers, DTLS ClientHello ServerHello, RTP packets 1400 from the caller, 1400 from the callee; RTP by way of lanline 0',
  )
})

it.each([
  ['no check from one of the two', [flow({ checks: 0 }), back()]],
  ['no answer to one of the two', [flow(), back({ checkAnswers: 0 })]],
  ['no handshake', [flow({ dtls: [] }), back({ dtls: [] })]],
  ['no stream that the callee says is its own', [flow(), back({ rtp: [{ ssrc: 9, packets: 1_400 }] })]],
  ['one way only', [flow()]],
  [
    'ports that neither end names',
    [flow({ source: '192.168.1.2:7000' }), back({ target: '192.168.1.2:7000' })],
  ],
  ['an end on the appliance itself', [flow({ way: 'appliance' }), back({ way: 'appliance' })]],
  ['what went inside somebody’s TURN', [flow({ way: 'turn' }), back({ way: 'turn' })]],
])('with %s it proves nothing, and contradicts nobody', (_name, flows) => {
  expect(grade(flows)).toBe('direct bothEnds')
})

it('follows a call from pair to pair: the handshake on the first, the media on the last', () => {
  const moved = pair({ localPort: 6002, remotePort: 6003 })
  const events = eventsOf({ more: [{ kind: 'capture', facts: facts(bothPairs()) }] })
  for (const [source, change] of [
    ['caller', moved],
    ['callee', mirrored(moved)],
  ] as const) {
    events.push({ number: 900, atMilliseconds: 9_000, source, kind: 'pair', pair: change })
  }
  const { checked } = verdictOf(evidenceOf(events))
  expect(checked.find(({ id }) => id === 'packets')).toMatchObject({
    outcome: 'holds',
    figures: expect.stringContaining('(and 1 more)'),
  })
})

function bothPairs(): CaptureFlow[] {
  const later = { source: '192.168.1.2:6002', target: '192.168.1.3:6003', dtls: [] }
  return [
    ...[flow({ rtp: [] }), back({ rtp: [] }), flow(later)],
    back({ source: later.target, target: later.source, dtls: [] }),
  ]
}

it('contradicts with a certificate that the exchange did not carry, and not with the right ones', () => {
  const right = [flow({ certificates: [callerPrint] }), back({ certificates: [calleePrint] })]
  expect(grade(right)).toBe('direct packets')
  const verdict = judged([facts([flow({ certificates: [otherPrint] }), back()])])
  expect(verdict).toMatchObject({ path: 'contradicted', grade: 'none' })
  expect(verdict.contradictions).toEqual([
    expect.objectContaining({
      about: 'the caller’s certificate',
      other: expect.stringMatching(/^bridge\.pcap \(brought by the owner\): sha-256 CC/),
    }),
  ])
})

it('counts a file once, and one that proves beside one that does not', () => {
  const twice = judged([facts([flow(), back()]), facts([flow(), back()])])
  expect(twice.checked.at(-1)!.figures.match(/bridge\.pcap/g)?.length).toBe(1)
  const half = facts([flow()], { name: 'half.pcap', sha256: 'b' })
  expect(judged([half, facts([flow(), back()])])).toMatchObject({ path: 'direct', grade: 'packets' })
})

it('of nothing says so; the appliance’s own silence supports and proves nothing', () => {
  const own = facts([], { name: 'lanline', takenAt: 'appliance', importedBy: undefined, sha256: undefined })
  const verdict = judged([own])
  expect(verdict).toMatchObject({ path: 'direct', grade: 'bothEnds' })
  expect(verdict.checked.at(-1)!.figures).toMatch(/supports a direct path and proves none/)
})

it('counts media by way of the relay once, though the switch saw it on both its legs, and as nobody’s own way', () => {
  const [way, relay] = ['192.168.1.1:3478', '192.168.1.1:49278']
  const legs = (ssrc: number, there: readonly string[], sender: 'caller' | 'callee') =>
    there.map((ends, leg) => {
      const [source = '', target = ''] = ends.split(' ')
      const rtp = [{ ssrc, packets: 300 }]
      return flow({ source, target, sender, rtp, way: leg === 0 ? 'appliance' : 'turn', dtls: [] })
    })
  const flows = [
    ...legs(1_111, [`${caller} ${relay}`, `${way} ${callee}`], 'caller'),
    ...legs(2_222, [`${relay} ${caller}`, `${callee} ${way}`], 'callee'),
  ]
  const relayed = pair({ remoteType: 'relay', remoteAddress: '192.168.1.1', remotePort: 49278 })
  const carried = { ledger: ledger(60_000, 600), callerPair: relayed, calleePair: mirrored(relayed) }
  const { figures, outcome } = judged([facts(flows)], carried).checked.at(-1)!
  expect(outcome).toBe('holds')
  expect(figures).toMatch(/0 from the callee; RTP by way of lanline 600$/)
  // Its own capture has none of that, and says no more than it knows.
  const own = { takenAt: 'appliance', name: 'the appliance', importedBy: undefined } as const
  const silent = judged([facts([], own)], carried).checked.at(-1)!.figures
  expect(silent).toBe('the appliance: nothing of this call in 3000 frames')
  expect(judged([facts([flow(), back()], own)], carried).checked.at(-1)!.figures).not.toMatch(/by way of/)
})

it('says how much it does not tell, and where it was read in part only', () => {
  const change = { leftOutPackets: 7, stoppedBecause: 'It ends.' }
  const { figures } = judged([facts([flow(), back()], change)]).checked.at(-1)!
  expect(figures).toContain('; 7 packets are not told')
  expect(figures).toMatch(/; read in part: It ends\.$/)
})
