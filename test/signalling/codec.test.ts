import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientMessages, decodeFrame, encodeFrame, limits } from '../../src/signalling/codec.ts'
import type { ClientMessage } from '../../src/signalling/message.ts'

const call = '0123456789abcdef0123456789abcdef'
const sdp = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n'
const runs = process.env.LANLINE_SOAK === '1' ? 200_000 : 2_000

const examples: ClientMessage[] = [
  { type: 'hello', token: 't', client: 'c', tab: 'k', resume: [{ call, dialog: 'd' }] },
  {
    type: 'hello',
    token: 't',
    client: '',
    tab: 'k',
    resume: [{ call, dialog: '', ended: { by: 'peer', reason: 'hangup', agoMilliseconds: 5.5 } }],
  },
  { type: 'ping', id: 1 },
  { type: 'doNotDisturb', on: true },
  { type: 'quietHours', hours: null },
  {
    type: 'quietHours',
    hours: { from: '22:00', until: '07:00', days: ['sun', 'mon'], zone: 'Europe/Berlin' },
  },
  { type: 'missedSeen' },
  { type: 'answerRequest', id: 'r1', allow: true, staySeconds: 3_600 },
  { type: 'call', ref: 'r', to: 'bob', sdp, video: false },
  { type: 'ringing', call },
  { type: 'answer', call, sdp },
  { type: 'decline', call, reason: 'busy' },
  { type: 'candidate', call, candidate: { candidate: '' } },
  { type: 'candidate', call, candidate: { candidate: 'candidate:1 1 udp 1 ::1 9 typ host', sdpMid: null } },
  { type: 'offer', call, sdp },
  { type: 'refer', call, to: 'carol' },
  { type: 'refer', call, to: 'carol', replaces: 'f'.repeat(32) },
  { type: 'bye', call, reason: 'mediaLost' },
  { type: 'noPath', call },
  { type: 'mediaProblem', call: '', problem: 'microphoneDenied' },
  { type: 'relayReady', call },
  {
    type: 'report',
    call,
    report: {
      atMilliseconds: 12.5,
      iceConnection: 'connected',
      iceGathering: 'complete',
      connection: 'connected',
      dtls: 'connected',
      localFingerprint: 'sha-256 AA',
      remoteFingerprint: '',
      pair: {
        localType: 'host',
        localAddress: '10.0.0.1',
        localPort: 1,
        remoteType: 'prflx',
        remoteAddress: '',
        remotePort: 2,
        protocol: 'udp',
        rttMilliseconds: 0.4,
      },
      streams: [{ ssrc: 1, kind: 'audio', direction: 'received', packets: 1, bytes: 2, lost: -1 }],
    },
  },
  {
    type: 'report',
    call,
    report: {
      ...{
        atMilliseconds: 12.5,
        heldMilliseconds: 4_000,
        roundTripMilliseconds: 3,
        iceConnection: 'checking',
      },
      ...{ iceGathering: 'complete', connection: 'connecting', dtls: 'new', pair: null },
      ...{ localFingerprint: '', remoteFingerprint: '' },
      streams: [
        {
          ...{ ssrc: 1, kind: 'audio', direction: 'received', packets: 1, bytes: 2, lost: 0 },
          ...{ jitterMilliseconds: 1.5, samples: 960, concealedSamples: 480, frames: 1, freezes: 0 },
        },
      ],
      states: [{ what: 'iceConnection', to: 'checking', atMilliseconds: 11 }],
      checks: [
        {
          ...{ localType: 'host', localAddress: '10.0.0.1', localPort: 1, protocol: 'udp', state: 'failed' },
          ...{ remoteType: 'host', remoteAddress: '', remotePort: 2, rttMilliseconds: 0.4 },
          ...{ requestsSent: 4, responsesReceived: 0, requestsReceived: 1, responsesSent: 1 },
        },
      ],
      ...{ dtlsVersion: 'DTLS 1.3', dtlsCipher: 'TLS_AES_128_GCM_SHA256', srtpProfile: 'AEAD_AES_128_GCM' },
    },
  },
]

const rejection = (frame: string) => {
  const decoded = decodeFrame(frame)
  return decoded.kind === 'reject' && decoded.answer.type === 'error' ? decoded.answer : undefined
}

describe('a frame', () => {
  it('of every kind is read as it was written', () => {
    expect(new Set(examples.map(each => each.type))).toEqual(new Set(Object.keys(clientMessages)))
    for (const message of examples) {
      expect(decodeFrame(JSON.stringify(message))).toEqual({ kind: 'ok', message })
    }
  })

  it('loses fields it does not have', () => {
    const decoded = decodeFrame('{"type":"ping","id":3,"more":1,"__proto__":{"x":1}}')
    expect(decoded).toEqual({ kind: 'ok', message: { type: 'ping', id: 3 } })
  })

  it('of an unknown type, or of no type, is refused with a sentence', () => {
    for (const frame of [
      '{"type":"dance"}',
      '{}',
      '[]',
      'null',
      '3',
      '',
      '{',
      '{"type":"toString"}',
      '{"type":3}',
    ]) {
      expect(rejection(frame)?.code).toBe('badMessage')
      expect(rejection(frame)?.message).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('with hours that no clock shows, on no day or in no place is refused', () => {
    const hours = { from: '22:00', until: '07:00', days: ['mon'], zone: 'Europe/Berlin' }
    const wrong = [
      ...['24:00', '7:00', '07:60', '22:00\n', 7, null].flatMap(time => [{ from: time }, { until: time }]),
      ...[[], ['Mon'], ['mon', 'funday'], Array(8).fill('mon'), 'mon'].map(days => ({ days })),
      ...['Mars/Base', '', 'Europe/Berlin\n', `Europe/${'B'.repeat(60)}`, 2].map(zone => ({ zone })),
      // Moments, which Temporal takes a zone from.
      ...['2026-01-01T00:00[Europe/Berlin]', '2026-01-01T00:00Z'].map(zone => ({ zone })),
    ]
    expect(rejection(JSON.stringify({ type: 'quietHours', hours }))).toBeUndefined()
    for (const part of wrong) {
      const frame = JSON.stringify({ type: 'quietHours', hours: { ...hours, ...part } })
      expect(rejection(frame)?.code, frame).toMatch(/badMessage|tooLarge/)
    }
  })

  it('that reports words which are none, or a time that no call lasts, is refused', () => {
    const [, report] = examples.filter(({ type }) => type === 'report')
    const text = JSON.stringify(report)
    const changed = [
      text.replace('"host"', '"\\u001b[2J"'),
      text.replace('"10.0.0.1"', '"10.0.0.1\\nverdict  Direct"'),
      text.replace('"DTLS 1.3"', '"\\u202e3.1 SLTD"'),
      text.replace('"TLS_AES', '"\\u009b31mTLS_AES'),
      text.replace('"failed"', '"f\\u0430iled"'),
      text.replace('"atMilliseconds":12.5', '"atMilliseconds":1e300'),
      text.replace('"rttMilliseconds":0.4', '"rttMilliseconds":1e308'),
      text.replace('"jitterMilliseconds":1.5', '"jitterMilliseconds":1e308'),
    ]
    expect(rejection(text)).toBeUndefined()
    for (const frame of changed) {
      expect(frame).not.toBe(text)
      expect(rejection(frame)?.code, frame).toMatch(/badMessage|tooLarge/)
    }
  })

  it('with a field missing or wrong is refused and says which, and about what', () => {
    const answer = rejection(JSON.stringify({ type: 'bye', call, reason: 'because' }))
    expect(answer).toMatchObject({ code: 'badMessage', ref: call })
    expect(answer?.message).toContain('`reason`')
    expect(rejection(JSON.stringify({ type: 'call', ref: 'r9', to: 'bob', sdp }))?.ref).toBe('r9')
  })

  it('over a limit is too large', () => {
    const long = (count: number): string => 'x'.repeat(count)
    expect(rejection(long(limits.frameBytes + 1))?.code).toBe('tooLarge')
    const big = { type: 'answer', call, sdp: `v=0\r\n${long(limits.sdpCharacters)}` }
    expect(rejection(JSON.stringify(big))?.code).toBe('tooLarge')
    const resume = Array.from({ length: limits.resumeCalls + 1 }, () => ({ call, dialog: '' }))
    const hello = { type: 'hello', token: 't', client: 'c', tab: 'k', resume }
    expect(rejection(JSON.stringify(hello))?.code).toBe('tooLarge')
  })

  it('cannot smuggle lines into a candidate, a name or a description', () => {
    const candidate = { candidate: 'candidate:1 1 udp\r\na=x' }
    expect(rejection(JSON.stringify({ type: 'candidate', call, candidate }))?.code).toBe('badMessage')
    expect(
      rejection(JSON.stringify({ type: 'call', ref: 'r', to: 'a\r\nb', sdp, video: true })),
    ).toBeDefined()
    expect(rejection(JSON.stringify({ type: 'answer', call, sdp: 'INVITE sip:x' }))).toBeDefined()
  })

  it('holds no half of a character, which no signature over a trace could cover', () => {
    const [hello, called] = ['hello', 'call'].map(type =>
      JSON.stringify(examples.find(each => each.type === type)),
    ) as [string, string]
    const one = {
      candidate: 'candidate:1 1 udp 1 10.0.0.1 9 typ host',
      sdpMid: '0',
      usernameFragment: 'abcd',
    }
    const candidate = JSON.stringify({ type: 'candidate', call, candidate: one })
    const half = String.raw`\ud83d`
    const changed = [
      ...['client', 'tab'].map(name => hello.replace(`"${name}":"`, `$&${half}`)),
      ...['ref', 'to'].map(name => called.replace(`"${name}":"`, `$&${half}`)),
      called.replace(/"sdp":"v=0(\\r)?\\n/, `$&${half}`),
      ...['sdpMid', 'usernameFragment'].map(name => candidate.replace(`"${name}":"`, `$&${half}`)),
    ]
    for (const frame of changed) {
      expect(frame).toContain(half)
      expect(rejection(frame)?.code, frame).toBe('badMessage')
      expect(rejection(frame.replace(half, String.raw`${half}\ude00`)), frame).toBeUndefined()
    }
  })

  it('names its program in one line', () => {
    const hello = JSON.stringify(examples.find(each => each.type === 'hello'))
    expect(rejection(hello.replace('"client":"', String.raw`$&x\r\nX-Evil: 1`))?.code).toBe('badMessage')
  })

  it('whatever it holds never throws, and is answered or taken', () => {
    const kinds = fc.constantFrom(...Object.keys(clientMessages))
    const nearly = fc
      .tuple(
        kinds,
        fc.dictionary(fc.constantFrom('call', 'sdp', 'ref', 'report', 'resume', 'id'), fc.jsonValue()),
      )
      .map(([type, rest]) => JSON.stringify({ ...rest, type }))
    const broken = fc
      .tuple(fc.constantFrom(...examples), fc.nat(), fc.string())
      .map(([message, at, junk]) => {
        const text = JSON.stringify(message)
        return text.slice(0, at % text.length) + junk + text.slice(at % text.length)
      })
    const anything = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json(), nearly, broken)
    fc.assert(
      fc.property(anything, frame => {
        const decoded = decodeFrame(frame)
        if (decoded.kind === 'ok') expect(decodeFrame(JSON.stringify(decoded.message))).toEqual(decoded)
        else if (decoded.kind === 'reject') expect(encodeFrame(decoded.answer)).toContain('"error"')
        else expect.unreachable()
      }),
      { numRuns: runs, seed: 1 },
    )
  })

  it('nested deeper than anybody means is refused', () => {
    expect(rejection('['.repeat(60_000))?.code).toBe('badMessage')
    expect(rejection(`{"type":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)?.code).toBe('badMessage')
  })
})
