import { describe, expect, it } from 'vitest'
import { LateReports, lateLimits } from '../../client/late-reports.ts'
import type { MediaFacts } from '../../client/report.ts'
import { Telling, tellingLimits } from '../../client/telling.ts'
import { decodeFrame } from '../../src/signalling/codec.ts'
import type { CheckedPair, StateChange } from '../../src/signalling/message.ts'

const checked = (change: Partial<CheckedPair> = {}): CheckedPair => ({
  ...{ localType: 'host', localAddress: '10.0.0.2', localPort: 5_000, protocol: 'udp' },
  ...{ remoteType: 'host', remoteAddress: '10.0.0.3', remotePort: 6_000, state: 'in-progress' },
  ...{ requestsSent: 1, responsesReceived: 0 },
  ...change,
})

const facts = (change: Partial<MediaFacts> = {}): MediaFacts => ({
  ...{ atMilliseconds: 1_000, iceConnection: 'connected', iceGathering: 'complete', connection: 'connected' },
  ...{ dtls: 'connected', localFingerprint: 'sha-256 AA', remoteFingerprint: 'sha-256 BB', pair: null },
  ...{ streams: [], pairs: [], changes: [] },
  ...{ dtlsVersion: '', dtlsCipher: '', srtpProfile: '', relayProtocol: '' },
  ...change,
})

const became = (to: string, atMilliseconds: number): StateChange => ({
  what: 'connection',
  to,
  atMilliseconds,
})

describe('a report', () => {
  it('tells ciphers and changes of state once', () => {
    const telling = new Telling()
    const full = facts({ dtlsVersion: 'DTLS 1.2', srtpProfile: 'AEAD', changes: [became('connecting', 900)] })
    const first = telling.reportOf(full)
    expect(first).toMatchObject({
      dtlsVersion: 'DTLS 1.2',
      srtpProfile: 'AEAD',
      states: [became('connecting', 900)],
    })
    expect(first).not.toHaveProperty('dtlsCipher')
    const second = telling.reportOf(full)
    for (const name of ['dtlsVersion', 'srtpProfile', 'states', 'checks'])
      expect(second).not.toHaveProperty(name)
    const more = facts({ changes: [...full.changes, became('connected', 950)] })
    expect(telling.reportOf(more).states).toEqual([became('connected', 950)])
  })

  it('tells a pair again when its fate changes or a count doubles, not when it only grows', () => {
    const telling = new Telling()
    const sent = (requestsSent: number, change: Partial<CheckedPair> = {}): number | undefined =>
      telling.reportOf(facts({ pairs: [checked({ requestsSent, ...change })] })).checks?.length
    expect([1, 2, 3, 4, 5, 6, 7].map(count => sent(count))).toEqual([
      1,
      1,
      undefined,
      1,
      undefined,
      undefined,
      undefined,
    ])
    expect(sent(7, { state: 'failed' })).toBe(1)
    expect(sent(7, { state: 'failed', rttMilliseconds: 3 })).toBeUndefined()
  })

  it('tells every count as it ended in the last one', () => {
    const telling = new Telling()
    telling.reportOf(facts({ pairs: [checked({ requestsSent: 4 })] }))
    const last = telling.reportOf(facts({ pairs: [checked({ requestsSent: 5 })] }), true)
    expect(last.checks).toEqual([checked({ requestsSent: 5 })])
  })

  it('lets the better of two pairs with the same ends stand for both', () => {
    const pairs = [checked({ state: 'failed' }), checked({ state: 'succeeded' })]
    expect(new Telling().reportOf(facts({ pairs })).checks).toEqual([checked({ state: 'succeeded' })])
  })

  it('never holds more than the appliance takes; the rest follows', () => {
    const pairs = Array.from({ length: 40 }, (_, index) => checked({ localPort: index + 1 }))
    const changes = Array.from({ length: 40 }, (_, index) => became(String(index), index))
    const streams = Array.from({ length: 40 }, (_, ssrc) => ({
      ...({ ssrc, kind: 'audio', direction: 'sent', packets: 1, bytes: 1, lost: 0 } as const),
    }))
    const telling = new Telling()
    const all = facts({ pairs, changes, streams })
    const reports = [telling.reportOf(all), telling.reportOf(all), telling.reportOf(all)]
    expect(reports.map(one => one.checks?.length)).toEqual([24, 16, undefined])
    expect(reports.flatMap(one => one.states ?? [])).toEqual(changes)
    for (const report of reports) {
      const frame = JSON.stringify({ type: 'report', call: '0'.repeat(32), report })
      expect(decodeFrame(frame)).toMatchObject({ kind: 'ok', message: { report } })
    }
  })

  it('tells all again on a new line, changes of state only from the time that may be lost', () => {
    const telling = new Telling()
    const changes = [became('connecting', 900), became('connected', 60_000)]
    const full = facts({ atMilliseconds: 61_000, pairs: [checked()], changes, dtlsVersion: 'DTLS 1.3' })
    telling.reportOf(full)
    telling.again(full)
    expect(telling.reportOf(full)).toMatchObject({
      ...{ checks: [checked()], states: changes.slice(1), dtlsVersion: 'DTLS 1.3' },
    })
    expect(61_000 - tellingLimits.againMilliseconds).toBeGreaterThan(900)
  })
})

describe('reports without a line', () => {
  const report = (change: Partial<MediaFacts> = {}) => new Telling().reportOf(facts(change))

  it('are kept in order and sent with their age', () => {
    const late = new LateReports()
    late.keep('a', report(), 1_000, false)
    late.keep('a', report({ connection: 'disconnected' }), 2_000, false)
    const sent = late.take(5_000)
    expect(sent.map(one => [one.report.connection, one.report.heldMilliseconds])).toEqual([
      ['connected', 4_000],
      ['disconnected', 3_000],
    ])
    expect(late.take(5_000)).toEqual([])
  })

  it('are thinned where only counters changed, but never the last of a call', () => {
    const late = new LateReports()
    for (let second = 0; second < 30; second++) late.keep('a', report(), second * 1_000, false)
    expect(late.size).toBe(3)
    late.keep('a', report(), 30_000 - 1, true)
    expect(late.size).toBe(4)
  })

  it('are bounded, the oldest going first, and forgotten when nobody would take them', () => {
    const late = new LateReports()
    for (let index = 0; index < 200; index++) {
      late.keep('a', report({ connection: String(index) }), index * 1_000, false)
    }
    expect(late.size).toBe(lateLimits.reports)
    const sent = late.take(150_000 + lateLimits.ageMilliseconds)
    expect(sent[0]!.report.connection).toBe('150')
  })
})
