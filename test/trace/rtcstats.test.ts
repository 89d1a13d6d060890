/**
 * Read back as the format's own description tells readers to (rtcstats-server, "RTCStats dump file format", version 3):
 * a line `RTCStatsDump`, a line of metadata, then lines of at least four, whose last is the time since the one before.
 */
import { expect, it } from 'vitest'
import { documentOf } from '../../src/trace/document.ts'
import { rtcstatsDump } from '../../src/trace/rtcstats.ts'
import { fortyMessages, longRow } from './long-story.ts'

interface Read {
  readonly metadata: Record<string, unknown>
  readonly events: { at: number; method: string; connection: string; value: Record<string, Stats> }[]
}
type Stats = Record<string, unknown>

function read(dump: string): Read {
  const [magic, head, ...lines] = dump.split('\n')
  expect(magic).toBe('RTCStatsDump')
  const metadata = JSON.parse(head!) as Record<string, unknown>
  let at = 0
  let stats: Record<string, Record<string, Stats>> = {}
  const events = lines
    .filter(line => line !== '')
    .map(line => {
      const told = JSON.parse(line) as [string, string, Record<string, Stats | null>, number]
      expect(told).toHaveLength(4)
      const [method, connection, value, delta] = told
      at += delta
      if (method !== 'getStats') return { at, method, connection, value: value as never }
      // Delta compression as readers undo it: what is not named stays, null goes away.
      const merged = { ...stats[connection] }
      for (const [id, report] of Object.entries(value)) {
        if (report === null) delete merged[id]
        else merged[id] = { ...merged[id], ...report }
      }
      stats = { ...stats, [connection]: merged }
      return { at, method, connection, value: merged }
    })
  return { metadata, events }
}

const row = longRow(39_762)
const told = documentOf({ version: '1', appliance: 'here', row, events: fortyMessages(), kept: undefined })
const { metadata, events } = read(rtcstatsDump(told))

it('names its version, and has each party as a connection, created first and closed last', () => {
  expect(metadata).toMatchObject({ fileFormat: 3, startTime: row.startedAt })
  for (const party of ['caller', 'callee']) {
    const own = events.filter(one => one.connection === party)
    expect([own[0]!.method, own.at(-1)!.method]).toEqual(['create', 'close'])
    expect(own.filter(one => one.method === 'getStats')).toHaveLength(30)
  }
  expect(Object.keys(Object.groupBy(events, one => one.connection)).sort()).toEqual(['callee', 'caller'])
})

it('has times that never go back and are the wall clock’s', () => {
  expect(events.every((one, index) => index === 0 || one.at >= events[index - 1]!.at - 0.2)).toBe(true)
  expect(Math.abs(events.at(-1)!.at - row.endedAt!)).toBeLessThan(1)
})

it('tells states, descriptions and candidates by the names of RTCPeerConnection', () => {
  const of = (party: string, method: string) =>
    events.filter(one => one.connection === party && one.method === method).map(one => one.value as unknown)
  expect(of('caller', 'oniceconnectionstatechange')).toEqual(['checking', 'connected'])
  expect(of('caller', 'setLocalDescription')).toMatchObject([
    { type: 'offer', sdp: expect.stringContaining('n3Wx') },
  ])
  expect(of('caller', 'setRemoteDescription')).toMatchObject([{ type: 'answer' }])
  expect(of('caller', 'onicecandidate')).toHaveLength(4)
  expect(of('callee', 'addIceCandidate')).toHaveLength(4)
  expect(of('caller', 'restartIce')).toEqual([null])
})

it('has statistics by their names, in seconds, with whole references', () => {
  const last = events.findLast(one => one.connection === 'caller' && one.method === 'getStats')!.value
  const byType = Object.groupBy(Object.entries(last), ([, report]) => String(report.type))
  expect(byType['inbound-rtp']!.map(([, report]) => report)).toMatchObject([
    {
      kind: 'audio',
      ssrc: 0x3c4d_0001,
      packetsReceived: 1_500,
      packetsLost: 0,
      jitter: expect.closeTo(0.004, 3),
    },
    { kind: 'video', framesDecoded: 750, freezeCount: 0 },
  ])
  expect(byType['outbound-rtp']!.map(([, report]) => report.packetsSent)).toEqual([1_500, 2_700])
  const transport = last.T!
  expect(transport).toMatchObject({ dtlsState: 'connected', tlsVersion: 'DTLS 1.3' })
  const pair = last[String(transport.selectedCandidatePairId)]!
  expect(pair).toMatchObject({ type: 'candidate-pair', state: 'succeeded', requestsSent: 12 })
  expect(last[String(pair.localCandidateId)]).toMatchObject({
    ...{ type: 'local-candidate', candidateType: 'relay', address: '192.168.10.1', port: 49_160 },
  })
  for (const report of Object.values(last))
    expect(Number(report.timestamp)).toBeGreaterThan(1_700_000_000_000)
})
