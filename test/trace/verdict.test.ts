import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyPartyLedger } from '../../src/relay/ledger.ts'
import { evidenceOf } from '../../src/trace/evidence.ts'
import type { CaptureFacts, CaptureFlow, PairChecks, Verdict } from '../../src/trace/message.ts'
import { mirrors, verdictOf } from '../../src/trace/verdict.ts'
import { eventsOf, ledger, mirrored, otherPrint, pair, type Story } from './story.ts'

const verdict = (story: Story = {}): Verdict => verdictOf(evidenceOf(eventsOf(story)))
const told = (story: Story): string => `${verdict(story).path} ${verdict(story).grade}`
const line = (given: Verdict, id: string) => given.checked.find(one => one.id === id)!

const capture = (change: Partial<CaptureFacts> = {}): { kind: 'capture'; facts: CaptureFacts } => {
  const rtp = (ssrc: number) => [{ ssrc, packets: 1_400 }]
  const flow: Pick<
    CaptureFlow,
    'way' | 'matchedBy' | 'checks' | 'checkAnswers' | 'certificates' | 'packets'
  > = {
    ...{ way: 'direct', matchedBy: 'ufrags', checks: 4, checkAnswers: 4, certificates: [], packets: 1_410 },
  }
  const [caller, callee] = ['192.168.1.2:5002', '192.168.1.3:5003']
  return {
    kind: 'capture',
    facts: {
      ...{
        name: 'bridge.pcap',
        takenAt: 'elsewhere',
        firstAtMilliseconds: 0,
        lastAtMilliseconds: 30_000,
        frames: 3_000,
      },
      flows: [
        {
          ...{ ...flow, source: caller, target: callee, sender: 'caller' },
          ...{ dtls: ['ClientHello'], rtp: rtp(1_111) },
        },
        {
          ...{ ...flow, source: callee, target: caller, sender: 'callee' },
          ...{ dtls: ['ServerHello'], rtp: rtp(2_222) },
        },
      ],
      ...change,
    },
  }
}

describe('a verdict', () => {
  it('is direct by both ends where every line holds, and says what packets would add', () => {
    const given = verdict()
    expect(given).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
    expect(given.checked.map(one => `${one.id} ${one.outcome}`)).toEqual([
      'pairs holds',
      'checks holds',
      'dtls holds',
      'fingerprints holds',
      'streams holds',
      'ledger holds',
      'packets missing',
    ])
    expect(line(given, 'streams').figures).toMatch(
      /caller to callee: audio 0x00000457: sent \d+, received \d+ \+ lost 0 in 2\d\.\d s/,
    )
    expect(given.missing).toEqual([
      'a capture taken at one of the two, or at the switch or access point between them',
    ])
  })

  const table: readonly [string, Story, string][] = [
    [
      'a peer-reflexive candidate on one side',
      { calleePair: mirrored(pair(), { remoteType: 'prflx' }) },
      'direct bothEnds',
    ],
    [
      'an address that one browser hides',
      { calleePair: mirrored(pair(), { remoteAddress: '' }) },
      'direct bothEnds',
    ],
    ['packets lost and counted as lost', { lost: 0.1 }, 'direct bothEnds'],
    ['reports every five seconds', { everySeconds: 5 }, 'direct bothEnds'],
    ['a callee that says nothing', { calleeReports: false }, 'direct oneEnd'],
    ['a caller that says nothing', { callerReports: false }, 'direct oneEnd'],
    ['two that say nothing', { callerReports: false, calleeReports: false }, 'unknown none'],
    [
      'a ledger with bytes and relayed pairs',
      { callerPair: pair({ localType: 'relay', localAddress: '192.168.1.1' }), ledger: ledger(90_000, 900) },
      'relayed ledger',
    ],
    [
      'a ledger with bytes and nobody who reports',
      { callerReports: false, calleeReports: false, ledger: ledger(90_000, 900) },
      'relayed ledger',
    ],
    [
      'a relay that is not ours',
      {
        callerPair: pair({ localType: 'relay', localAddress: '203.0.113.1' }),
        calleePair: mirrored(pair(), { remoteAddress: '203.0.113.1', remoteType: 'relay' }),
      },
      'relayed bothEnds',
    ],
    [
      'a relay that is not ours, which only one end knows as one',
      {
        callerPair: pair({ localType: 'relay', localAddress: '203.0.113.1' }),
        calleePair: mirrored(pair(), { remoteAddress: '203.0.113.1', remoteType: 'prflx' }),
      },
      'relayed oneEnd',
    ],
    [
      'a relay that the other end knows as a host',
      { callerPair: pair({ localType: 'relay' }) },
      'contradicted none',
    ],
    [
      'a relay at the other end, which is a host by its own word',
      { callerPair: pair({ remoteType: 'relay' }) },
      'contradicted none',
    ],
    ['a capture of this call', { more: [capture()] }, 'direct packets'],
    ['a capture of another call', { more: [capture({ flows: [] })] }, 'direct bothEnds'],
    [
      'silence where the appliance looks',
      { more: [capture({ flows: [], takenAt: 'appliance' })] },
      'direct bothEnds',
    ],
    [
      'a capture without one direction',
      { more: [capture({ flows: capture().facts.flows.slice(0, 1) })] },
      'direct bothEnds',
    ],
    [
      'a capture with streams of somebody else',
      {
        more: [
          capture({ flows: capture().facts.flows.map(one => ({ ...one, rtp: [{ ssrc: 9, packets: 9 }] })) }),
        ],
      },
      'direct bothEnds',
    ],
    [
      'a capture, and one end that says nothing',
      { calleeReports: false, more: [capture()] },
      'direct oneEnd',
    ],
    ['a lie about the pair', { calleePair: mirrored(pair(), { localPort: 6_000 }) }, 'contradicted none'],
    [
      'a lie about the other’s address',
      { calleePair: mirrored(pair(), { remoteAddress: '192.168.1.77' }) },
      'contradicted none',
    ],
    ['a lie about packets', { calleePackets: 0.5 }, 'contradicted none'],
    ['a small lie about packets', { calleePackets: 0.9 }, 'contradicted none'],
    ['more packets than were sent', { calleePackets: 1.2 }, 'contradicted none'],
    ['a lie about bytes', { calleeBytes: 10 }, 'contradicted none'],
    [
      'a lie about packets in reports every five seconds',
      { calleePackets: 0.4, everySeconds: 5 },
      'contradicted none',
    ],
    ['another fingerprint applied by the callee', { calleeApplied: otherPrint }, 'contradicted none'],
    ['another fingerprint applied by the caller', { callerApplied: otherPrint }, 'contradicted none'],
    [
      'two that say direct, while the relay carried the call',
      { ledger: ledger(90_000, 900) },
      'contradicted none',
    ],
    [
      'one that says direct, while the relay carried the call',
      { calleeReports: false, ledger: ledger(90_000, 900) },
      'contradicted none',
    ],
    [
      'a relay of ours that carried nothing',
      { callerPair: pair({ localType: 'relay', localAddress: '192.168.1.1' }) },
      'contradicted none',
    ],
    [
      'a capture in which lanline carried the call, and an empty ledger',
      {
        more: [
          capture({
            flows: [
              ...capture().facts.flows,
              {
                ...{ source: '192.168.1.2:5002', target: '192.168.1.1:3478', way: 'turn' },
                ...{ sender: 'caller', matchedBy: 'ufrags', checks: 0, checkAnswers: 0 },
                ...{ dtls: [], certificates: [], rtp: [{ ssrc: 1_111, packets: 800 }], packets: 800 },
              },
            ],
          }),
        ],
      },
      'contradicted none',
    ],
  ]
  it.each(table)('%s', (_name, story, expected) => expect(told(story)).toBe(expected))

  it('shows both sides of a contradiction', () => {
    const given = verdict({ calleeApplied: otherPrint })
    expect(given.contradictions).toEqual([
      {
        about: 'the caller’s certificate',
        one: 'exchange: sha-256 AA:AA:AA:AA:AA:AA:AA:AA…',
        other: 'callee applied: sha-256 CC:CC:CC:CC:CC:CC:CC:CC…',
      },
    ])
    expect(verdict({ calleePackets: 0.5 }).contradictions[0]!.other).toMatch(
      /sent 1\d\d\d, received 6\d\d \+ lost 0 .*-50/,
    )
  })

  it('knows that what was counted before a restart may be lost', () => {
    const ours = pair({ localType: 'relay', localAddress: '192.168.1.1', localPort: 49_500 })
    const story: Story = { callerPair: ours, calleePair: mirrored(ours), ledger: undefined }
    expect(told(story)).toBe('contradicted none')
    const restarted = verdict({ ...story, more: [{ kind: 'restart' }] })
    expect(restarted).toMatchObject({ path: 'relayed', grade: 'bothEnds', contradictions: [] })
    expect(restarted.sentence).toMatch(/^Relayed, as the ends say; lanline was started again/)
    const counted = verdict({ ...story, ledger: ledger(40_000, 500), more: [{ kind: 'restart' }] })
    expect(counted).toMatchObject({ path: 'relayed', grade: 'ledger', contradictions: [] })
    expect(line(counted, 'ledger').figures).toMatch(/; at least: lanline was started again meanwhile$/)
    // Nobody was on the relay: a restart makes no call less direct.
    expect(told({ more: [{ kind: 'restart' }] })).toBe('direct bothEnds')
  })

  it('does not compare certificates by the words of two hash functions', () => {
    const print = `sha-1 ${'DD:'.repeat(19)}DD`
    const given = verdict({ callerApplied: print })
    expect(given).toMatchObject({ path: 'direct', grade: 'oneEnd', contradictions: [] })
    expect(line(given, 'fingerprints').outcome).toBe('missing')
    expect(given.missing).toContain('what the caller applied by the hash function that was carried')
  })

  it('says what a silent phone leaves open', () => {
    const given = verdict({ calleeReports: false })
    expect(given.sentence).toBe('Direct, as the caller says; the callee says nothing.')
    expect(given.missing).toContain('a client at the callee’s end that reports its selected pair')
    expect(given.missing).toContain('the callee’s DTLS state')
    expect(verdict({ calleeReports: false, callerReports: false }).sentence).toBe(
      'Unknown: no end says which way media went.',
    )
  })

  it('does not call it a lie when one end reports a change of pair before the other', () => {
    const events = eventsOf()
    const changed = {
      ...events.find(one => one.kind === 'pair' && one.source === 'caller')!,
      atMilliseconds: 28_000,
      pair: pair({ localPort: 7_000 }),
    }
    const at = events.findIndex(one => one.atMilliseconds > 28_000)
    const given = verdictOf(evidenceOf([...events.slice(0, at), changed as never, ...events.slice(at)]))
    expect(given).toMatchObject({ path: 'direct', grade: 'oneEnd', contradictions: [] })
  })

  it('takes two hidden addresses for no lie and for no proof', () => {
    const hidden = { localAddress: '', remoteAddress: '' }
    expect(told({ callerPair: pair(hidden), calleePair: mirrored(pair(), hidden) })).toBe('direct oneEnd')
  })

  it('of parties that live on the appliance is direct all the same', () => {
    const here = pair({ localAddress: '192.168.1.1', remoteAddress: '192.168.1.1', remoteType: 'prflx' })
    expect(told({ callerPair: here, calleePair: mirrored(here) })).toBe('direct bothEnds')
  })

  it.each([
    ['otherNetwork', [], 'noRoute'],
    ['otherNetwork', [1], 'filtered'],
    ['checksFailed', [], 'isolation'],
  ] as const)('says why it was not direct: %s %j is %s', (reason, requestsReceived, why) => {
    const pairs = requestsReceived.map(count => ({
      local: 'a',
      remote: 'b',
      state: 'failed',
      requestsSent: 9,
      responsesReceived: 0,
      requestsReceived: count,
      responsesSent: 0,
    }))
    const events = eventsOf({
      callerPair: pair({ localType: 'relay' }),
      ledger: ledger(90_000, 900),
      more: [{ kind: 'grant', what: 'opened', reason }],
    })
    const checks = { number: 99, atMilliseconds: 1_900, source: 'caller', kind: 'checks', pairs } as const
    const given = verdictOf(evidenceOf([...events, ...(pairs.length > 0 ? [checks] : [])]))
    expect(given.whyNotDirect?.reason).toBe(why)
    expect(given.whyNotDirect?.fix.length).toBeGreaterThan(20)
  })

  it('tells of checks what each end counted, what it does not count, and why pairs failed', () => {
    const pairs: PairChecks[] = [
      {
        local: 'host 192.168.1.2:5002',
        remote: 'host 192.168.1.3:5003',
        state: 'succeeded',
        responsesReceived: 4,
      },
      { local: 'host 192.168.1.2:5002', remote: 'host 10.9.9.9:1', state: 'failed', why: 'unanswered' },
    ]
    const checks = { number: 99, atMilliseconds: 1_900, source: 'caller', kind: 'checks', pairs } as const
    const { figures, outcome } = line(verdictOf(evidenceOf([...eventsOf(), checks])), 'checks')
    expect(outcome).toBe('holds')
    expect(figures).toBe(
      'caller 1 of 2 pairs answered, host 192.168.1.2:5002 → host 192.168.1.3:5003 succeeded, 4 answered, 1 failed: nothing came back; callee 1 of 1 pairs answered, host 192.168.1.3:5003 → host 192.168.1.2:5002 succeeded, 5 sent, 5 answered',
    )
  })

  it('says what a stack does not tell of DTLS', () => {
    expect(line(verdict(), 'dtls').figures).toContain('connected, DTLS 1.3, cipher, SRTP profile not said')
  })

  it('rests on no checks', () => {
    const without = eventsOf().filter(event => event.kind !== 'checks')
    const given = verdictOf(evidenceOf(without))
    expect(given).toMatchObject({ path: 'direct', grade: 'bothEnds' })
    expect(line(given, 'checks')).toMatchObject({
      outcome: 'missing',
      figures: 'caller says nothing; callee says nothing',
    })
  })

  it('knows the row’s ledger where the events have none', () => {
    const row = { answeredAt: 1, ledger: ledger(5_000, 500), relayReason: 'otherNetwork' } as const
    expect(verdictOf(evidenceOf([], row))).toMatchObject({ path: 'relayed', grade: 'ledger' })
    const nothing = { caller: emptyPartyLedger, callee: emptyPartyLedger }
    expect(verdictOf(evidenceOf([], { ledger: nothing }))).toMatchObject({
      sentence: 'Unknown: the call was never answered.',
      missing: [],
    })
    expect(verdictOf(evidenceOf([], { answeredAt: 1, ledger: nothing })).missing).not.toEqual([])
  })

  it('is never direct with a byte in the ledger, and never without a word of anybody', () => {
    const any = fc.record({
      callerReports: fc.boolean(),
      calleeReports: fc.boolean(),
      calleePackets: fc.double({ min: 0, max: 3, noNaN: true }),
      lost: fc.double({ min: 0, max: 0.9, noNaN: true }),
      bytes: fc.integer({ min: 0, max: 100_000 }),
      port: fc.constantFrom(5_003, 6_003),
    })
    fc.assert(
      fc.property(any, ({ bytes, port, ...rest }) => {
        const story = {
          ...rest,
          calleePair: mirrored(pair(), { localPort: port }),
          ledger: bytes > 0 ? ledger(bytes, Math.ceil(bytes / 100)) : undefined,
        }
        const given = verdict(story)
        if (bytes > 0) expect(given.path).not.toBe('direct')
        if (!rest.callerReports && !rest.calleeReports) expect(['relayed', 'unknown']).toContain(given.path)
        if (given.grade === 'bothEnds' && given.path === 'direct') {
          expect(rest.callerReports && rest.calleeReports && port === 5_003 && bytes === 0).toBe(true)
          expect(Math.abs(rest.calleePackets - 1) * (1 - rest.lost)).toBeLessThan(0.03)
        }
        expect(given.path === 'contradicted').toBe(given.contradictions.length > 0)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the mirror of pairs', () => {
  it('is symmetric, and broken by any port, address or relay', () => {
    const port = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(port, port, fc.boolean(), (a, b, hide) => {
        const one = pair({ localPort: a, remotePort: b })
        const other = mirrored(one, hide ? { remoteAddress: 'x.local' } : {})
        expect(mirrors(one, other)).toBe(true)
        expect(mirrors(other, one)).toBe(true)
        expect(mirrors(one, { ...other, localPort: (b % 65_535) + 1 })).toBe(false)
        expect(mirrors(one, { ...other, localAddress: '192.168.1.200' })).toBe(false)
        expect(mirrors(one, { ...other, remoteType: 'relay' })).toBe(false)
      }),
    )
  })
})
