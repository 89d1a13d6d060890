/** Clients that report what is not so, against a running daemon: found, and shown side by side, or left out. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { MediaReport } from '../../src/signalling/message.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { type Lie, print, Reporters, report } from './reporting.ts'

// Each waits for its own four seconds.
vi.setConfig({ maxConcurrency: 32 })

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-liars-'))
let daemon: LocalDaemon
let reporters: Reporters

beforeAll(async () => {
  daemon = await startLocalDaemon({ directory, users: [] })
  reporters = new Reporters(path.join(directory, 'data'), daemon.ports.http)
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

type Stream = MediaReport['streams'][number]
const received =
  (change: (honest: Stream) => Partial<Stream>): Lie =>
  honest => ({
    ...honest,
    streams: honest.streams.map(one => (one.direction === 'received' ? { ...one, ...change(one) } : one)),
  })

/** The lie, what it is told to be about, and a word of either side. */
const lies: readonly (readonly [string, Lie, about: string, one: RegExp, other: RegExp])[] = [
  [
    'the port of its pair',
    honest => ({ ...honest, pair: { ...honest.pair!, localPort: 6_003 } }),
    'the selected pairs',
    /caller: .*10\.0\.0\.2:5003/,
    /callee: host 10\.0\.0\.2:6003/,
  ],
  [
    'the other’s address',
    honest => ({ ...honest, pair: { ...honest.pair!, remoteAddress: '10.0.0.77' } }),
    'the selected pairs',
    /caller: host 10\.0\.0\.2:5002/,
    /callee: .*10\.0\.0\.77:5002/,
  ],
  [
    'a relay that it does not use',
    honest => ({ ...honest, pair: { ...honest.pair!, localType: 'relay', localAddress: '127.0.0.1' } }),
    'the selected pairs',
    /caller: .*host 10\.0\.0\.2:5003/,
    /callee: relay 127\.0\.0\.1:5003/,
  ],
  [
    'its packets, of which a tenth arrives',
    received(({ packets }) => ({ packets: Math.floor(packets / 10) })),
    'packets caller to callee',
    /sent/,
    /sent \d+, received \d+ .*-\d\d\.\d %/,
  ],
  [
    'its packets, of which more arrive than were sent',
    received(({ packets }) => ({ packets: packets * 1.2 })),
    'packets caller to callee',
    /sent/,
    /sent 200, received 240 \+ lost 0 in all \(20\.0 %\)/,
  ],
  [
    'its last counts alone',
    honest => (honest.final ? received(() => ({ packets: 260 }))(honest) : honest),
    'packets caller to callee',
    /sent/,
    /sent 200, received 260/,
  ],
  [
    'its bytes',
    received(({ bytes }) => ({ bytes: bytes * 10 })),
    'packets caller to callee',
    /sent/,
    /sent 16000 bytes, received 160000/,
  ],
  [
    'the certificate that it applied',
    honest => ({ ...honest, remoteFingerprint: print('CC') }),
    'the caller’s certificate',
    /exchange: sha-256 AA:AA/,
    /callee applied: sha-256 CC:CC/,
  ],
  [
    'its own certificate',
    honest => ({ ...honest, localFingerprint: print('DD') }),
    'the callee’s certificate',
    /exchange: sha-256 BB:BB/,
    /callee has: sha-256 DD:DD/,
  ],
  [
    'the state of DTLS',
    honest => ({ ...honest, dtls: 'failed' }),
    'the callee’s DTLS',
    /callee: failed, never connected/,
    /received 200 packets/,
  ],
  [
    'which stream it receives',
    received(() => ({ ssrc: 99 })),
    'packets caller to callee',
    /sent/,
    /0x00000063: received 200 packets of a stream that the other end does not send/,
  ],
]

describe.concurrent('a client that lies', () => {
  it.each(lies)('about %s is contradicted by what it cannot know', async (_, lie, about, one, other) => {
    const { verdict } = await (await reporters.call()).told(lie)
    expect(verdict).toMatchObject({ path: 'contradicted', grade: 'none' })
    expect(verdict.contradictions.map(each => each.about)).toContain(about)
    const found = verdict.contradictions.find(each => each.about === about)
    expect(found?.one).toMatch(one)
    expect(found?.other).toMatch(other)
  })

  it('is shown beside the other in the terminal', async () => {
    const talk = await reporters.call()
    await talk.told(honest => ({ ...honest, remoteFingerprint: print('CC') }))
    const shown = daemon.cli('call', 'show', talk.call)
    expect(shown).toContain('The sides disagree')
    expect(shown).toMatch(/exchange: sha-256 AA:AA.*\n?.*callee applied: sha-256 CC:CC/)
  })

  it('about nothing is not contradicted', async () => {
    const { verdict } = await (await reporters.call()).told()
    expect(verdict).toMatchObject({ path: 'direct', grade: 'bothEnds' })
  })

  /** Clocks are the client's own: what they are set to does no harm, and proves nothing. */
  const clocks: readonly (readonly [string, Lie])[] = [
    [
      'was set an hour ahead in mid-call',
      honest => later(honest, honest.atMilliseconds > 2_000 ? 3_600_000 : 0),
    ],
    ['was set back in mid-call', honest => later(honest, honest.atMilliseconds > 2_000 ? -1_900 : 0)],
    ['runs twice as fast', honest => later(honest, honest.atMilliseconds)],
    ['says that its reports waited for ten minutes', honest => ({ ...honest, heldMilliseconds: 600_000 })],
    ['says that no time passes', honest => ({ ...honest, atMilliseconds: 1 })],
  ]
  it.each(
    clocks,
  )('whose clock %s moves no event out of the call and gets no better verdict', async (_, lie) => {
    const { verdict, events } = await (await reporters.call()).told(lie)
    expect(verdict.path === 'direct' || verdict.path === 'contradicted').toBe(true)
    expect(verdict.grade).not.toBe('packets')
    const ended = events.find(one => one.kind === 'call' && one.what === 'ended')!.atMilliseconds
    for (const { atMilliseconds, source } of events) {
      if (source !== 'callee') continue
      expect(atMilliseconds).toBeGreaterThan(-1_000)
      expect(atMilliseconds).toBeLessThan(ended + 5_000)
    }
  })

  it('in the name of another is refused, and nothing of it is in the trace', async () => {
    const talk = await reporters.call()
    const stranger = await reporters.enter()
    const lie = { ...report('callee', 1_000), remoteFingerprint: print('EE') }
    stranger.channel.say({ type: 'report', call: talk.call, report: lie })
    expect(await stranger.channel.next('error')).toMatchObject({ code: 'noSuchCall' })
    stranger.channel.close()
    const trace = await talk.told()
    expect(JSON.stringify(trace)).not.toContain('EE:EE')
    expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'bothEnds' })
  })

  it('after the end is heard, and contradicted like any other', async () => {
    const talk = await reporters.call()
    const late: SignedTrace = await (async () => {
      talk.caller.say({ type: 'report', call: talk.call, report: report('caller', 1_000) })
      talk.callee.say({ type: 'report', call: talk.call, report: report('callee', 1_000) })
      talk.caller.say({ type: 'bye', call: talk.call, reason: 'hangup' })
      await talk.callee.next('ended')
      const lie = { ...report('callee', 1_100), localFingerprint: print('DD') }
      talk.callee.say({ type: 'report', call: talk.call, report: lie })
      return talk.close()
    })()
    expect(late.verdict).toMatchObject({ path: 'contradicted' })
  })

  it('a thousand times a second is sent away, and the call has its trace and verdict all the same', async () => {
    const talk = await reporters.call()
    for (let one = 0; one < 3_000; one++) {
      const lie = report('callee', 1_000 + one)
      talk.callee.say({ type: 'report', call: talk.call, report: lie })
    }
    expect(await talk.callee.next('error')).toMatchObject({ code: 'tooMany' })
    expect(await talk.callee.untilClosed()).toBeDefined()
    talk.caller.say({ type: 'report', call: talk.call, report: report('caller', 1_000) })
    talk.caller.say({ type: 'bye', call: talk.call, reason: 'hangup' })
    const trace = await talk.close()
    expect(trace.events.length).toBeLessThan(1_000)
    expect(trace.events.at(-1)).toMatchObject({ kind: expect.stringMatching(/quality|call|channel|flow/) })
    expect(trace.verdict.grade).not.toBe('bothEnds')
  })
})

const later = (honest: MediaReport, milliseconds: number): MediaReport => ({
  ...honest,
  atMilliseconds: honest.atMilliseconds + milliseconds,
})
