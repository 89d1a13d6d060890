import { describe, expect, it } from 'vitest'
import { evidenceOf } from '../../src/trace/evidence.ts'
import type { Happening, TraceEvent } from '../../src/trace/message.ts'
import { seriesOf, thinned, valuesOf } from '../../src/trace/series.ts'
import { tablesOf } from '../../src/trace/tables.ts'
import { verdictOf } from '../../src/trace/verdict.ts'
import { calleePrint, callerPrint, eventsOf, ledger, mirrored, otherPrint, pair } from './story.ts'

let number = 10_000
const event = (atMilliseconds: number, source: TraceEvent['source'], happening: Happening): TraceEvent =>
  ({ number: ++number, atMilliseconds, source, ...happening }) as TraceEvent

describe('the table of pairs', () => {
  it('says of each pair what became of it, and which was selected when', () => {
    const checks = event(1_100, 'caller', {
      kind: 'checks',
      pairs: [
        { local: 'host 192.168.1.2:5002', remote: 'host 10.0.0.3:9', state: 'failed', why: 'unanswered' },
        { local: 'host 192.168.1.2:5002 tcp', remote: 'host 192.168.1.9:9', state: 'in-progress' },
      ],
    })
    const moved = pair({ localAddress: '192.168.2.2' })
    const rows = tablesOf([
      ...eventsOf(),
      checks,
      event(9_000, 'caller', { kind: 'pair', pair: moved }),
    ]).pairs
    const told = rows
      .filter(row => row.party === 'caller')
      .map(row => `${row.local} ${row.remote} ${row.fate} ${row.selectedAt.join()} ${row.why}`.trimEnd())
    expect(told).toEqual([
      'host 192.168.1.2:5002 host 10.0.0.3:9 failed  nothing came back',
      'host 192.168.1.2:5002 tcp host 192.168.1.9:9 underWay',
      'host 192.168.1.2:5002 host 192.168.1.3:5003 usedBefore 1200',
      'host 192.168.2.2:5002 host 192.168.1.3:5003 selected 9000',
    ])
    expect(rows[2]).toMatchObject({ requestsSent: 5, responsesReceived: 5, state: 'succeeded' })
  })

  it('has a pair once that was met before its candidate came, and does not call that an interruption', () => {
    const met = pair({ remoteType: 'prflx', remoteAddress: '' })
    const checks = (remote: string, state: string) => ({
      ...({ kind: 'checks' } as const),
      pairs: [{ local: 'host 192.168.1.2:5002', remote, state, requestsSent: 1, responsesReceived: 0 }],
    })
    const events = [
      event(1_100, 'caller', checks('prflx hidden:5003', 'in-progress')),
      event(1_150, 'caller', { kind: 'pair', pair: met }),
      ...eventsOf(),
      // Told again after a restart of lanline.
      event(9_000, 'caller', { kind: 'pair', pair: pair({ rttMilliseconds: 3 }) }),
    ]
    const evidence = evidenceOf(events)
    expect(tablesOf(events, evidence).pairs.filter(({ party }) => party === 'caller')).toMatchObject([
      { remote: 'host 192.168.1.3:5003', fate: 'selected', selectedAt: [1_150], responsesReceived: 5 },
    ])
    expect(evidence.caller.disturbances).toEqual([])
    const { checked } = verdictOf(evidence)
    expect(checked.find(({ id }) => id === 'checks')?.figures).toMatch(/^caller 1 of 1 pairs answered/)
  })

  it('has the pair of an end that tells no checks', () => {
    const rows = tablesOf([event(1, 'callee', { kind: 'pair', pair: mirrored(pair()) })]).pairs
    expect(rows).toMatchObject([{ party: 'callee', fate: 'selected', state: '', requestsSent: undefined }])
  })
})

describe('the facts of DTLS and SRTP', () => {
  it('say whether what was applied is what was carried', () => {
    const { security } = tablesOf(eventsOf({ calleeApplied: otherPrint }))
    expect(security.caller).toMatchObject({
      ...{ state: 'connected', ownFingerprint: callerPrint, appliedFingerprint: calleePrint },
      ...{ appliedWasCarried: true, states: [{ atMilliseconds: 1_200, state: 'connected' }] },
    })
    expect(security.callee).toMatchObject({ appliedFingerprint: otherPrint, appliedWasCarried: false })
  })

  it('keep a cipher that was told once', () => {
    const prints = { localFingerprint: callerPrint, remoteFingerprint: calleePrint }
    const dtls = (at: number, cipher: string) =>
      event(at, 'caller', {
        ...{ kind: 'dtls', state: 'connected', version: '', cipher, srtpProfile: '', ...prints },
      })
    const { security } = tablesOf([dtls(1_000, 'TLS_AES_128_GCM_SHA256'), dtls(4_000, '')])
    expect(security.caller).toMatchObject({ cipher: 'TLS_AES_128_GCM_SHA256' })
    expect(security.caller.states).toHaveLength(1)
  })

  it('are empty of an end that reports nothing', () => {
    expect(tablesOf(eventsOf({ calleeReports: false })).security.callee).toMatchObject({
      ...{ reports: false, state: '', appliedWasCarried: undefined, states: [] },
    })
  })

  it('name each stream once, by the words of both ends', () => {
    const audio = { kind: 'firstMedia', media: 'audio', ssrc: 1_111 } as const
    const first = event(1_300, 'callee', { ...audio, direction: 'received' })
    // A stack that looks once a second told of what it sent only then.
    const sent = event(2_000, 'caller', { ...audio, direction: 'sent' })
    const { streams } = tablesOf([...eventsOf(), first, sent])
    expect(streams.map(({ from, ssrc }) => `${from} ${ssrc}`)).toEqual(
      ['callee 2222', 'caller 1111'].sort().reverse(),
    )
    expect(streams.find(one => one.from === 'caller')).toMatchObject({
      firstSentAt: 1_300,
      firstReceivedAt: 1_300,
      sent: { packets: expect.any(Number) },
      received: { packets: expect.any(Number), lost: 0 },
    })
  })
})

describe('the other tables', () => {
  it('have grants, what the relay carried, and addresses only as they change', () => {
    const { relay, addresses } = tablesOf([
      ...eventsOf({ ledger: ledger(500, 5) }),
      event(1_900, 'server', { kind: 'grant', what: 'opened', reason: 'otherNetwork' }),
    ])
    expect(relay.grants).toEqual([{ atMilliseconds: 1_900, what: 'opened', reason: 'otherNetwork' }])
    expect(relay.ledgers).toMatchObject([{ atMilliseconds: 2_000, bytes: 1_000 }])
    expect(addresses.map(row => `${row.atMilliseconds} ${row.who} ${row.over} ${row.address}`)).toEqual([
      '0 lanline network 192.168.1.1',
      '1 caller lanline.v1 192.168.1.2:40000',
      '900 callee lanline.v1 192.168.1.3:40000',
      '1200 caller media host 192.168.1.2:5002',
      '1200 callee media host 192.168.1.3:5003',
    ])
  })
})

describe('quality over time', () => {
  it('is made of differences, and says who sends and who counted', () => {
    const { streams, rtt } = seriesOf(eventsOf({ lost: 0.1 }))
    expect(streams.map(({ from, by, direction }) => `${from} ${by} ${direction}`)).toEqual([
      'caller caller sent',
      'callee caller received',
      'callee callee sent',
      'caller callee received',
    ])
    const received = streams[3]!
    for (const { packetsPerSecond, kilobitsPerSecond, lossPercent, concealedPercent } of received.points) {
      expect(packetsPerSecond).toBeCloseTo(45, -1)
      expect(kilobitsPerSecond).toBeCloseTo(28.8, 0)
      expect(lossPercent).toBeCloseTo(10, 0)
      expect(concealedPercent).toBeUndefined()
    }
    expect(rtt.caller.length).toBe(29)
    expect(valuesOf(received, point => point.jitterMilliseconds)).toEqual([])
  })

  it('leaves out an interval in which a counter began anew', () => {
    const sample = (packets: number): Happening => ({
      kind: 'quality',
      streams: [{ ssrc: 1, media: 'audio', direction: 'sent', packets, bytes: packets * 10, lost: 0 }],
    })
    const events = [50, 100, 10, 60].map((packets, index) => event(index * 1_000, 'caller', sample(packets)))
    expect(seriesOf(events).streams[0]!.points.map(point => point.packetsPerSecond)).toEqual([50, 50])
  })

  it('thinned keeps peaks, and gaps', () => {
    const points = Array.from({ length: 3_600 }, (_, index) => ({
      atMilliseconds: index * 1_000,
      value: index === 1_800 ? 99 : 1,
    })).filter(point => point.atMilliseconds < 600_000 || point.atMilliseconds > 1_200_000)
    const thin = thinned(points, 240)
    expect(thin.length).toBeLessThanOrEqual(240)
    expect(Math.max(...thin.map(point => point.most))).toBe(99)
    expect(thin.some(one => one.atMilliseconds > 610_000 && one.atMilliseconds < 1_190_000)).toBe(false)
    expect(thinned(points.slice(0, 5), 240)).toHaveLength(5)
    expect(thinned([], 240)).toEqual([])
  })
})
