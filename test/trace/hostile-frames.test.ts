/** What a known device can send to hold the tracer up: frames of 64 kB, made for each pattern that looks at them. */
import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { limits } from '../../src/signalling/codec.ts'
import type { MediaReport } from '../../src/signalling/message.ts'
import { TraceMachine } from '../../src/trace/machine.ts'
import { redactChannel } from '../../src/trace/redact.ts'
import { redactSdp, safeCandidate } from '../../src/trace/redact-sdp.ts'
import { callOf } from '../../src/trace/sip-text.ts'

const size = 64_000
const fill = (unit: string): string => unit.repeat(Math.ceil(size / unit.length)).slice(0, size)

/** Each invites a pattern to try again and again. */
const units = [
  ' ',
  'a',
  'a=',
  '\r',
  '\n',
  '\r\n',
  ' \r',
  'a=ssrc:1 ',
  'ssrc:1 a',
  'a=ice-ufrag:aaaa ',
  'a=ice-ufrag:aaaa',
  'a=candidate:1 1 udp 1 a 1 typ host ',
  'a=fmtp:1 a;',
  'o=',
  'candidate:',
  'candidate:1 1 udp 1 1.1.1.1 1 typ host',
  ' a b',
  ' a',
  ' raddr 1.1.1.1',
  ' ufrag aaaa',
  ' ufrag ',
  ' tcptype aaaaaaaaa',
  'turn:',
  'turn:a?transport=',
  '"type":"',
  '\\u0000',
  '{"type":',
  '[',
  '\u2028',
]
const prefixes = [
  '',
  'a=',
  'a=candidate:',
  'candidate:1 1 udp 1 1.1.1.1 1 typ host',
  'a=ssrc:',
  'turn:',
  'o=-',
]
const texts = prefixes.flatMap(prefix => units.map(unit => `${prefix}${fill(unit)}!`))

const mostMilliseconds = 10

/** The best of several, so that what else the machine does is not counted. This thread's CPU, not wall time. */
function milliseconds(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 20 && best > (run < 3 ? 1 : mostMilliseconds); run++) {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    best = Math.min(best, (user + system) / 1_000)
  }
  return best
}

const slow = (name: string, work: (text: string) => unknown): string[] =>
  texts.flatMap(text => {
    const took = milliseconds(() => work(text))
    return took > mostMilliseconds
      ? [`${name} ${JSON.stringify(text.slice(0, 60))}: ${took.toFixed(0)} ms`]
      : []
  })

describe('64 kB of a known device hold nobody up for 10 ms', () => {
  it('as a description, a candidate, any member of a message', () => {
    expect(slow('redactSdp', redactSdp)).toEqual([])
    expect(slow('safeCandidate', safeCandidate)).toEqual([])
    for (const name of ['sdp', 'type', 'reason', 'message', 'from', 'x']) {
      expect(slow(name, text => redactChannel({ type: 'offer', [name]: text }))).toEqual([])
    }
    expect(
      slow('candidate', text => redactChannel({ candidate: { candidate: text, sdpMid: text } })),
    ).toEqual([])
    expect(slow('servers', text => redactChannel({ servers: [{ urls: [text] }] }))).toEqual([])
    const many = Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`m${index}`, index]))
    expect(milliseconds(() => redactChannel(many))).toBeLessThan(10)
  })

  it('as a frame of a call that is traced, whole or cut anywhere', () => {
    const machine = new TraceMachine({ now: 0 as Monotonic, addresses: [], open: [] })
    const call = callOf('one', 'abc')
    const end = { address: '192.0.2.1', port: 1 }
    const party = { user: 'a', displayName: 'a', device: 'A' }
    const give = (text: string): unknown =>
      machine.handle({ kind: 'frame', direction: 'in', connection: 'c', text }, 1 as Monotonic)
    machine.handle(
      { kind: 'call', event: { kind: 'started', call, caller: party, callee: party, video: false } },
      0 as Monotonic,
    )
    machine.handle({ kind: 'opened', connection: 'c', local: end, remote: end }, 0 as Monotonic)
    machine.handle(
      { kind: 'frame', direction: 'out', connection: 'c', text: '{"type":"welcome","device":"A"}' },
      0 as Monotonic,
    )
    expect(
      slow('frame', text => give(JSON.stringify({ type: 'offer', call, sdp: text.slice(0, 60_000) }))),
    ).toEqual([])
    expect(slow('frame', give)).toEqual([])
    expect(slow('frame', text => give(`{"type":"offer","call":"${call}",${text}`))).toEqual([])
    expect(slow('frame', text => give(`{"x":${'['.repeat(20_000)}${text}`))).toEqual([])
  })

  it('as the largest report there may be, over and over', () => {
    const word = 'w'.repeat(limits.reportWordCharacters)
    const machine = new TraceMachine({ now: 0 as Monotonic, addresses: [], open: [] })
    const call = callOf('one', 'abc')
    const party = { user: 'a', displayName: 'a', device: 'A' }
    machine.handle(
      { kind: 'call', event: { kind: 'started', call, caller: party, callee: party, video: false } },
      0 as Monotonic,
    )
    const made = (at: number): MediaReport =>
      ({
        ...{
          atMilliseconds: at,
          iceConnection: `${word}${at}`,
          iceGathering: word,
          connection: `${at}`,
          dtls: `${at}`,
        },
        ...{
          localFingerprint: 'f'.repeat(limits.fingerprintCharacters),
          remoteFingerprint: `${at}`,
          pair: null,
        },
        streams: Array.from({ length: limits.reportStreams }, (_, ssrc) => ({
          ...{ ssrc: ssrc + at * 100, kind: 'audio', direction: 'received', packets: at, bytes: at, lost: 0 },
          ...{ samples: at, concealedSamples: 0 },
        })),
        states: Array.from({ length: limits.reportStates }, (_, index) => ({
          ...{ what: 'connection', to: `${word}${index}`, atMilliseconds: at + index / 100 },
        })),
        checks: Array.from({ length: limits.reportChecks }, (_, index) => ({
          ...{ localType: word, localAddress: 'a'.repeat(limits.addressCharacters), localPort: index },
          ...{ remoteType: word, remoteAddress: 'a'.repeat(limits.addressCharacters), remotePort: index },
          ...{ protocol: word, state: 'failed' },
        })),
      }) as unknown as MediaReport
    const took: number[] = []
    for (let at = 1; at <= 500; at++) {
      const report = made(at)
      const before = process.threadCpuUsage()
      machine.handle({ kind: 'report', call, device: 'A', report }, at as Monotonic)
      const { user, system } = process.threadCpuUsage(before)
      took.push((user + system) / 1_000)
    }
    // Some meet a garbage collection or a compilation.
    expect(took.filter(one => one > 10).length).toBeLessThan(50)
  })
})
