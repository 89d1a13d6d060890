import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { type Epoch, type Monotonic, plausibleFrom } from '../../src/core/clock.ts'
import type { MediaReport } from '../../src/signalling/message.ts'
import { begunAgo, ClientClock } from '../../src/trace/clocks.ts'
import { summaryOf } from '../../src/trace/document.ts'
import { earlyLimits } from '../../src/trace/early.ts'
import { TraceMachine, traceLimits } from '../../src/trace/machine.ts'
import type { TraceEffect, TraceInput } from '../../src/trace/machine-message.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { callOf } from '../../src/trace/sip-text.ts'
import { ledger, pair } from './story.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const here = { address: '192.168.1.1', port: 5060 }
const phone = { address: '192.168.1.2', port: 5060 }
const id = callOf('one', 'abc')

const message = (start: string, from: string, to: string, cseq: string, extra = ''): Uint8Array =>
  Buffer.from(
    `${start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=${from}\r\nTo: <sip:b@h>${to && `;tag=${to}`}\r\nCall-ID: one\r\nCSeq: ${cseq}\r\n${extra}\r\n`,
  )

const sip = (direction: 'in' | 'out', bytes: Uint8Array): TraceInput => ({
  kind: 'sip',
  direction,
  transport: 'udp',
  local: here,
  remote: phone,
  bytes,
})

const row = (change: Partial<CallRow> = {}): CallRow => ({
  ...{
    id,
    callerUser: 'alice',
    callerName: 'Alice',
    callerDevice: 'A',
    calleeUser: 'bob',
    calleeName: 'Bob',
    calleeDevice: 'B',
  },
  ...{
    video: false,
    startedAt: 1 as Epoch,
    ringingAt: undefined,
    answeredAt: undefined,
    endedAt: undefined,
    endedBy: undefined,
  },
  ...{
    reason: undefined,
    code: undefined,
    missed: false,
    missedSeen: false,
    aliveAt: 1 as Epoch,
    callerPair: undefined,
  },
  ...{ calleePair: undefined, relayReason: undefined, ledger: undefined },
  ...change,
})

const party = (user: string, device: string | undefined) => ({ user, displayName: user, device })
const started: TraceInput = {
  kind: 'call',
  event: {
    kind: 'started',
    call: id,
    caller: party('alice', 'A'),
    callee: party('bob', undefined),
    video: false,
  },
}
const answered: TraceInput = {
  kind: 'call',
  event: {
    kind: 'answered',
    call: id,
    callee: party('bob', 'B'),
    dialog: { callId: 'c', callerTag: 'abc', calleeTag: 'def' },
  },
}

const report = (change: Partial<MediaReport> = {}): MediaReport => ({
  ...{
    atMilliseconds: 1_000,
    iceConnection: 'connected',
    iceGathering: 'complete',
    connection: 'connected',
    dtls: 'connected',
  },
  ...{ localFingerprint: 'sha-256 AA', remoteFingerprint: 'sha-256 BB', pair: pair(), streams: [] },
  ...change,
})

const fresh = (): TraceMachine => new TraceMachine({ now: at(0), addresses: ['192.168.1.1'], open: [] })
const eventsIn = (effects: readonly TraceEffect[]): TraceEvent[] =>
  effects.flatMap(effect => (effect.kind === 'save' ? effect.events.map(event => JSON.parse(event)) : []))

function run(machine: TraceMachine, inputs: readonly (readonly [number, TraceInput])[]): TraceEvent[] {
  const out = inputs.flatMap(([when, input]) => machine.handle(input, at(when)))
  return eventsIn([...out, ...machine.flush()])
}

describe('the tracer', () => {
  it('tells of each SIP message who sent it, also before the call was accepted', () => {
    const events = run(fresh(), [
      [10, sip('in', message('INVITE sip:b@h SIP/2.0', 'abc', '', '1 INVITE'))],
      [
        11,
        sip(
          'out',
          message(
            'SIP/2.0 407 Proxy Authentication Required',
            'abc',
            'x',
            '1 INVITE',
            'Proxy-Authenticate: Digest nonce="secret"\r\n',
          ),
        ),
      ],
      [30, sip('in', message('INVITE sip:b@h SIP/2.0', 'abc', '', '2 INVITE'))],
      [31, started],
      [32, sip('out', message('INVITE sip:b@h SIP/2.0', 'abc', '', '2 INVITE'))],
      [90, sip('in', message('SIP/2.0 200 OK', 'abc', 'def', '2 INVITE'))],
      [91, sip('out', message('SIP/2.0 200 OK', 'abc', 'def', '2 INVITE'))],
      [400, sip('in', message('REFER sip:b@h SIP/2.0', 'abc', 'def', '3 REFER'))],
      [410, sip('out', message('NOTIFY sip:a@h SIP/2.0', 'def', 'abc', '1 NOTIFY'))],
      [900, sip('in', message('BYE sip:a@h SIP/2.0', 'def', 'abc', '2 BYE'))],
      [901, sip('out', message('BYE sip:a@h SIP/2.0', 'def', 'abc', '2 BYE'))],
    ])
    const told = events
      .filter(one => one.kind === 'sip')
      .map(one => `${one.atMilliseconds} ${one.source} ${one.direction} ${one.party} ${one.name}`)
    expect(told).toEqual([
      '-21 caller in caller INVITE',
      '-20 server out caller 407 Proxy Authentication Required',
      '-1 caller in caller INVITE',
      '1 server out callee INVITE',
      '59 callee in callee 200 OK',
      '60 server out caller 200 OK',
      '369 caller in caller REFER',
      '379 server out caller NOTIFY',
      '869 callee in callee BYE',
      '870 server out caller BYE',
    ])
    expect(JSON.stringify(events)).not.toContain('secret')
    expect(events.map(one => one.number)).toEqual(events.map((_, index) => index + 1))
  })

  it('keeps nothing of registrations, of strangers’ INVITEs and of other calls', () => {
    const machine = fresh()
    run(machine, [[1, sip('in', message('REGISTER sip:h SIP/2.0', 'abc', '', '1 REGISTER'))]])
    expect(machine.sizes.early).toBe(0)
    for (let count = 0; count < 2_000; count++) {
      const bytes = Buffer.from(
        String(Buffer.from(message('INVITE sip:b@h SIP/2.0', 'abc', '', '1 INVITE'))).replace(
          'Call-ID: one',
          `Call-ID: c${count}`,
        ),
      )
      run(machine, [[1, sip('in', bytes)]])
    }
    expect(machine.sizes).toMatchObject({ calls: 0, early: earlyLimits.calls, connections: 0 })
    expect(run(machine, [[2, sip('in', message('BYE sip:b@h SIP/2.0', 'p', 'q', '1 BYE'))]])).toEqual([])
  })

  it('takes channel messages of the two parties only, with the call that had no id yet', () => {
    const frame = (direction: 'in' | 'out', connection: string, value: object): TraceInput => ({
      kind: 'frame',
      direction,
      connection,
      text: JSON.stringify(value),
    })
    const open = (connection: string): TraceInput => ({
      kind: 'opened',
      connection,
      local: here,
      remote: phone,
    })
    const events = run(fresh(), [
      ...['a', 'b', 'x'].flatMap((name): [number, TraceInput][] => [
        [1, open(name)],
        [2, frame('out', name, { type: 'welcome', device: name.toUpperCase(), user: name })],
      ]),
      [
        10,
        frame('in', 'a', { type: 'call', ref: 'r', to: 'bob', sdp: 'v=0\r\na=ice-pwd:secret', video: false }),
      ],
      [11, started],
      [12, frame('out', 'a', { type: 'calling', ref: 'r', call: id })],
      [13, frame('out', 'b', { type: 'incoming', call: id, sdp: 'v=0' })],
      [14, frame('in', 'b', { type: 'answer', call: id, sdp: 'v=0' })],
      [15, frame('in', 'x', { type: 'answer', call: id, sdp: 'v=0\r\na=fingerprint:sha-256 EE' })],
      [16, frame('in', 'b', { type: 'ping', id: 1, call: id })],
      [17, { kind: 'closed', connection: 'b' }],
      [18, open('b2')],
      [19, frame('out', 'b2', { type: 'welcome', device: 'B', user: 'b' })],
    ])
    expect(
      events.flatMap(one =>
        one.kind === 'channel' ? `${one.atMilliseconds} ${one.source} ${one.party} ${one.type}` : [],
      ),
    ).toEqual([
      '-1 caller caller call',
      '1 server caller calling',
      '2 server callee incoming',
      '3 callee callee answer',
    ])
    expect(events.flatMap(one => (one.kind === 'flow' ? `${one.party} ${one.what}` : []))).toEqual([
      'callee closed',
      'callee resumed',
    ])
    expect(JSON.stringify(events)).not.toMatch(/secret|EE/)
  })

  it('makes changes of a report to events at the client’s time, with the error of its clock', () => {
    const machine = fresh()
    const stream = (packets: number, lost: number) => [
      { ssrc: 7, kind: 'audio', direction: 'received', packets, bytes: packets * 80, lost } as const,
    ]
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      { kind: 'report', call: id, device: 'A', report: report(change) },
    ]
    const events = run(machine, [
      [100, started],
      told(2_120, {
        atMilliseconds: 2_000,
        roundTripMilliseconds: 10,
        iceConnection: 'checking',
        pair: null,
        streams: stream(0, 0),
      }),
      told(3_150, { atMilliseconds: 3_000, streams: stream(50, 0) }),
      told(4_150, { atMilliseconds: 4_000, streams: stream(90, 10) }),
      told(4_160, { atMilliseconds: 3_500, connection: 'failed' }),
    ])
    const reported = events.filter(one => one.source === 'caller')
    expect(reported.map(one => `${one.atMilliseconds}±${one.clockErrorMilliseconds} ${one.kind}`)).toEqual([
      '2015±5 state',
      '2015±5 state',
      '2015±5 state',
      '2015±5 dtls',
      '2015±5 quality',
      '3015±5 state',
      '3015±5 pair',
      '3015±5 firstMedia',
      '3015±5 quality',
      '4015±5 quality',
    ])
    const mos = reported.flatMap(one => (one.kind === 'quality' && one.mos ? one.mos : []))
    expect(mos[0]).toBe(4.4)
    expect(mos[1]).toBeLessThan(3)
    expect(run(machine, [[5_000, { kind: 'report', call: id, device: 'X', report: report() }]])).toEqual([])
  })

  it('places changes of state at their own moments, and knows those that are told again', () => {
    const states = [
      { what: 'iceConnection', to: 'checking', atMilliseconds: 1_500 },
      { what: 'iceConnection', to: 'connected', atMilliseconds: 1_800 },
    ] as const
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      {
        kind: 'report',
        call: id,
        device: 'A',
        report: report({ iceGathering: 'new', connection: 'new', ...change }),
      },
    ]
    const events = run(fresh(), [
      [0, started],
      told(2_010, { atMilliseconds: 2_000, roundTripMilliseconds: 20, states }),
      told(3_010, { atMilliseconds: 3_000, states }),
    ])
    const changes = events.flatMap(one =>
      one.kind === 'state' ? `${one.atMilliseconds} ${one.from} ${one.to}` : [],
    )
    expect(changes).toEqual(['1500 new checking', '1800 checking connected'])
  })

  it('places reports that were kept without a line at the time they were made', () => {
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      { kind: 'report', call: id, device: 'A', report: report(change) },
    ]
    const events = run(fresh(), [
      [0, started],
      told(9_000, { atMilliseconds: 2_000, heldMilliseconds: 7_000 }),
      told(9_001, { atMilliseconds: 5_000, heldMilliseconds: 4_001, roundTripMilliseconds: 0 }),
    ])
    expect(events.flatMap(one => (one.kind === 'quality' ? one.atMilliseconds : []))).toEqual([2_000, 5_000])
  })

  it('tells of checks why a pair failed, and makes up no count', () => {
    const ends = {
      localType: 'host',
      localAddress: '10.0.0.2',
      localPort: 5,
      remoteType: 'host',
      remotePort: 6,
    }
    const pairs = [
      { requestsSent: 7, responsesReceived: 0, requestsReceived: 0 },
      { requestsSent: 7, responsesReceived: 0, requestsReceived: 3 },
      { requestsSent: 9, responsesReceived: 2 },
      { requestsSent: 0, responsesReceived: 0 },
      { responsesReceived: 0 },
    ].map((counts, index) => ({
      ...{ ...ends, remoteAddress: `10.0.0.${10 + index}`, protocol: index === 0 ? 'tcp' : 'udp' },
      ...{ state: 'failed', ...counts },
    }))
    const events = run(fresh(), [
      [0, started],
      [900, { kind: 'report', call: id, device: 'A', report: report({ checks: pairs }) }],
    ])
    const found = events.find(one => one.kind === 'checks')!
    expect(found.pairs.map(one => one.why)).toEqual([
      'unanswered',
      'oneWay',
      'answeredNoMore',
      'neverChecked',
      'notCounted',
    ])
    expect(found.pairs[0]).toMatchObject({ local: 'host 10.0.0.2:5 tcp', remote: 'host 10.0.0.10:6' })
    expect(found.pairs[4]).not.toHaveProperty('requestsSent')
  })

  it('keeps the ciphers that were told once', () => {
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      { kind: 'report', call: id, device: 'A', report: report({ atMilliseconds: when, ...change }) },
    ]
    const events = run(fresh(), [
      [0, started],
      told(1_000, { dtls: 'connecting' }),
      told(2_000, { dtlsVersion: 'DTLS 1.2', srtpProfile: 'AEAD_AES_128_GCM' }),
      told(3_000, {}),
      told(4_000, { dtls: 'closed' }),
    ])
    expect(
      events.flatMap(one => (one.kind === 'dtls' ? `${one.state} ${one.version} ${one.srtpProfile}` : [])),
    ).toEqual(['connecting  ', 'connected DTLS 1.2 AEAD_AES_128_GCM', 'closed DTLS 1.2 AEAD_AES_128_GCM'])
  })

  it('hears jitter and concealment in the estimate', () => {
    const heard = (change: Partial<MediaReport['streams'][number]>): number => {
      const stream = (packets: number, more = {}) => ({
        ...({ ssrc: 7, kind: 'audio', direction: 'received', packets, bytes: packets, lost: 0 } as const),
        ...{ samples: packets * 960, concealedSamples: 0, ...more },
      })
      const told = (when: number, one: ReturnType<typeof stream>): [number, TraceInput] => [
        when,
        { kind: 'report', call: id, device: 'A', report: report({ atMilliseconds: when, streams: [one] }) },
      ]
      const events = run(fresh(), [[0, started], told(1_000, stream(50)), told(2_000, stream(100, change))])
      return events.flatMap(one => (one.kind === 'quality' && one.mos ? one.mos : [])).at(-1)!
    }
    expect(heard({})).toBe(4.4)
    expect(heard({ jitterMilliseconds: 150 })).toBeLessThan(4)
    expect(heard({ concealedSamples: 9_600 })).toBeLessThan(3)
  })

  it('says when a party is reached at another address, and only then', () => {
    const reached = (when: number, device: string, address: string): [number, TraceInput] => [
      when,
      { kind: 'reached', device, address },
    ]
    const events = run(fresh(), [
      reached(0, 'A', '192.168.1.2'),
      reached(0, 'C', '192.168.1.4'),
      [10, started],
      reached(500, 'A', '192.168.1.2'),
      reached(600, 'C', '10.0.0.4'),
      reached(700, 'A', '10.0.0.2'),
    ])
    expect(events.flatMap(one => (one.kind === 'network' && one.who !== 'lanline' ? one : []))).toMatchObject(
      [{ atMilliseconds: 690, source: 'server', who: 'caller', addresses: ['10.0.0.2'] }],
    )
  })

  it('gives batches within a second, and says when it is done with a call', () => {
    const machine = fresh()
    expect(eventsIn(machine.handle(started, at(100)))).toEqual([])
    expect(machine.nextWakeup()).toBe(1_100)
    expect(eventsIn(machine.wake(at(1_100))).length).toBe(2)
    machine.handle({ kind: 'row', row: row({ endedAt: 9 as Epoch }) }, at(2_000))
    expect(
      run(machine, [[2_500, { kind: 'report', call: id, device: 'B', report: report() }]]).length,
    ).toBeGreaterThan(0)
    expect(machine.wake(at(2_000 + traceLimits.lateMilliseconds))).toContainEqual({
      kind: 'finished',
      call: id,
    })
    expect(machine.sizes.calls).toBe(0)
  })

  it('is not done with a call that was refused and is tried again', () => {
    const machine = fresh()
    machine.handle(started, at(100))
    machine.handle({ kind: 'row', row: row({ endedAt: 9 as Epoch }) }, at(2_000))
    machine.handle({ kind: 'row', row: row() }, at(2_010))
    const later = at(2_000 + traceLimits.lateMilliseconds)
    expect(machine.wake(later)).not.toContainEqual({ kind: 'finished', call: id })
    expect(machine.sizes.calls).toBe(1)
  })

  it('has a first verdict a second after the end, of a call that somebody told of', () => {
    const ended: TraceInput = { kind: 'row', row: row({ endedAt: 9 as Epoch }) }
    const first = at(2_000 + traceLimits.firstVerdictMilliseconds)
    const told = fresh()
    run(told, [
      [1, started],
      [2, answered],
      [1_500, { kind: 'report', call: id, device: 'B', report: report() }],
      [2_000, ended],
    ])
    // With all that came, and not yet without what may come.
    const effects = told.wake(first).filter(({ kind }) => kind === 'save' || kind === 'ended')
    expect(effects.at(-1)).toEqual({ kind: 'ended', call: id })
    expect(told.has(id)).toBe(true)
    const silent = fresh()
    run(silent, [
      [1, started],
      [2, answered],
      [2_000, ended],
    ])
    expect(silent.wake(first).map(({ kind }) => kind)).not.toContain('ended')
  })

  it('tells whoever captures that a call is over, if it told it of the call', () => {
    const effectsOf = (sdp: string): string[] => {
      const machine = new TraceMachine({ now: at(0), addresses: [], open: [], watched: true })
      const offer = message(
        'INVITE sip:bob@h SIP/2.0',
        'abc',
        '',
        '1 INVITE',
        `Content-Type: application/sdp\r\n\r\n${sdp}`,
      )
      const ended: TraceInput = { kind: 'row', row: row({ endedAt: 9 as Epoch }) }
      return [sip('in', offer), started, ended].flatMap(input =>
        machine.handle(input, at(1)).map(({ kind }) => kind),
      )
    }
    expect(effectsOf('v=0\r\n')).toEqual([])
    expect(effectsOf('v=0\r\na=ice-ufrag:abcd\r\n')).toEqual(['ufrag', 'over'])
  })

  it("says where nobody told anything of a call's media, and then a verdict could only be that nothing is known", () => {
    const machine = fresh()
    const events = run(machine, [
      [0, sip('in', message('INVITE sip:bob@h SIP/2.0', 'abc', '', '1 INVITE'))],
      [1, started],
      [2, answered],
      [3, sip('in', message('BYE sip:bob@h SIP/2.0', 'abc', 'def', '2 BYE'))],
    ])
    const ended = row({ endedAt: 9 as Epoch })
    machine.handle({ kind: 'row', row: ended }, at(2_000))
    const effects = machine.wake(at(2_000 + traceLimits.lateMilliseconds))
    expect(effects).toContainEqual({ kind: 'untold', call: id })
    expect(events.map(({ kind }) => kind)).toContain('sip')
    expect(summaryOf(ended, events)).toMatchObject({
      ...{ verdict: { path: 'unknown', grade: 'none' }, mos: { caller: undefined, callee: undefined } },
    })
  })

  it('keeps room for what is said when counters fill a trace, and says how many it left out', () => {
    const machine = fresh()
    const inputs: [number, TraceInput][] = [
      [0, started],
      [0, answered],
    ]
    for (let count = 1; count < 16_000; count++) {
      inputs.push([
        count * 1_000,
        { kind: 'report', call: id, device: 'A', report: report({ atMilliseconds: count * 1_000 }) },
      ])
    }
    inputs.push([16_000_000, sip('in', message('BYE sip:a@h SIP/2.0', 'def', 'abc', '1 BYE'))])
    inputs.push([16_000_001, { kind: 'row', row: row({ endedAt: 9 as Epoch }) }])
    const events = run(machine, inputs)
    expect(events.filter(one => one.kind === 'quality').length).toBeLessThanOrEqual(15_000)
    expect(events.at(-1)).toMatchObject({ kind: 'sip', name: 'BYE' })
    const last = eventsIn(machine.wake(at(17_000_000)))
    expect(last).toContainEqual(expect.objectContaining({ kind: 'leftOut', what: 'quality' }))
  })

  it('keeps room for what is said when a client floods it with checks', () => {
    const inputs: [number, TraceInput][] = [[0, started]]
    const ends = { localType: 'host', localAddress: 'a', localPort: 1, remoteType: 'host', remotePort: 2 }
    for (let count = 1; count < 1_500; count++) {
      const checks = Array.from({ length: 24 }, (_, index) => ({
        ...{ ...ends, remoteAddress: String(index), protocol: 'udp', state: 'failed', requestsSent: count },
      }))
      const told = report({ atMilliseconds: count * 100, checks })
      inputs.push([count * 100, { kind: 'report', call: id, device: 'A', report: told }])
    }
    inputs.push([160_000, sip('in', message('BYE sip:a@h SIP/2.0', 'def', 'abc', '1 BYE'))])
    const events = run(fresh(), inputs)
    expect(events.filter(one => one.kind === 'checks').length).toBeLessThan(1_000)
    expect(events.at(-1)).toMatchObject({ kind: 'sip', name: 'BYE' })
  })

  it('goes on with a call from before a restart where it was', () => {
    const machine = new TraceMachine({
      now: at(50_000),
      addresses: [],
      open: [{ row: row(), lastNumber: 40, lastAtMilliseconds: 59_000, startedAt: at(-10_000) }],
    })
    const events = run(machine, [
      [51_000, { kind: 'ledger', call: id, ledger: ledger(1, 1) }],
      [51_500, { kind: 'ledger', call: id, ledger: ledger(1, 1) }],
      [52_000, sip('in', message('BYE sip:a@h SIP/2.0', 'def', 'abc', '1 BYE'))],
    ])
    expect(events.map(one => `${one.number} ${one.atMilliseconds} ${one.kind}`)).toEqual([
      '41 60000 restart',
      '42 60000 network',
      '43 61000 ledger',
      '44 62000 sip',
    ])
  })

  it('does not take for new, after a restart, what was so before it', () => {
    const machine = new TraceMachine({
      now: at(6_000),
      addresses: [],
      open: [{ row: row(), lastNumber: 40, lastAtMilliseconds: 3_000, startedAt: at(0) }],
    })
    const changed = (to: string, atMilliseconds: number) =>
      ({ what: 'iceConnection', to, atMilliseconds }) as const
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      { kind: 'report', call: id, device: 'A', report: report({ iceConnection: 'connected', ...change }) },
    ]
    const stream = (ssrc: number, packets: number) =>
      ({ ssrc, kind: 'audio', direction: 'received', packets, bytes: packets, lost: 0 }) as const
    const streams = [stream(7, 150)]
    const events = run(machine, [
      // Kept while there was no line; then all is told again on the new one.
      told(7_000, { atMilliseconds: 4_000, heldMilliseconds: 2_900, streams }),
      told(7_010, {
        ...{ atMilliseconds: 6_900, roundTripMilliseconds: 4, streams: [...streams, stream(8, 1)] },
        states: [changed('checking', 150), changed('connected', 200), changed('disconnected', 5_000)],
        iceConnection: 'disconnected',
      }),
    ])
    const news = events.flatMap(one => {
      if (one.kind === 'state') return `${Math.round(one.atMilliseconds / 100)} ${one.from} to ${one.to}`
      return one.kind === 'firstMedia' ? `${Math.round(one.atMilliseconds / 100)} first of ${one.ssrc}` : []
    })
    expect(news).toEqual(['51 connected to disconnected', '70 first of 8'])
  })

  it('estimates no sound of a call on hold, and of what was begun or ended by that', () => {
    const sdp = (direction: string) =>
      `Content-Type: application/sdp\r\n\r\nv=0\r\nm=audio 1 UDP/TLS/RTP/SAVPF 111\r\na=${direction}\r\nm=video 1 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n`
    const offered = (direction: string) =>
      sip('in', message('INVITE sip:b@h SIP/2.0', 'abc', 'def', '2 INVITE', sdp(direction)))
    const told = (when: number, packets: number, concealedSamples: number): [number, TraceInput] => {
      const heard = {
        ssrc: 7,
        kind: 'audio',
        direction: 'received',
        packets,
        bytes: packets,
        lost: 0,
      } as const
      const streams = [{ ...heard, samples: when * 48, concealedSamples }]
      return [
        when,
        { kind: 'report', call: id, device: 'A', report: report({ atMilliseconds: when, streams }) },
      ]
    }
    const events = run(fresh(), [
      [0, started],
      [500, offered('sendrecv')],
      told(1_000, 50, 0),
      [1_500, offered('sendonly')],
      told(2_000, 75, 20_000),
      told(3_000, 76, 20_000),
      [3_500, offered('sendrecv')],
      told(4_000, 100, 30_000),
      told(5_000, 150, 30_000),
    ])
    const mos = events.flatMap(one => (one.kind === 'quality' ? [one.mos ?? 'none'] : []))
    expect(mos).toEqual([4.4, 'none', 'none', 'none', 4.4])
  })

  it('estimates no sound from after the end, when nobody speaks any more', () => {
    const heard = (packets: number, concealedSamples: number) => [
      {
        ...({ ssrc: 7, kind: 'audio', direction: 'received', packets, bytes: packets, lost: 0 } as const),
        ...{ samples: packets * 960 + concealedSamples, concealedSamples },
      },
    ]
    const told = (when: number, change: Partial<MediaReport>): [number, TraceInput] => [
      when,
      { kind: 'report', call: id, device: 'A', report: report({ atMilliseconds: when, ...change }) },
    ]
    const over = row({ answeredAt: 1 as Epoch, endedAt: 2 as Epoch })
    const other = { ...heard(1, 0)[0]!, ssrc: 8 }
    const events = run(fresh(), [
      [0, started],
      told(1_000, { streams: heard(50, 0) }),
      [1_500, { kind: 'row', row: over }],
      told(1_520, { streams: heard(76, 1_800) }),
      told(1_770, { streams: [...heard(77, 12_000), other], final: true }),
    ])
    expect(events.flatMap(one => (one.kind === 'quality' ? [one.mos] : []))).toEqual([
      4.4,
      undefined,
      undefined,
    ])
    // What nobody had looked for in time came before the end, not a quarter of a second behind it.
    const first = events.flatMap(one => (one.kind === 'firstMedia' ? [one.atMilliseconds] : []))
    expect(first).toEqual([1_000, 1_520])
  })

  it('takes whatever bytes and texts come', () => {
    const machine = fresh()
    machine.handle(started, at(0))
    machine.handle({ kind: 'opened', connection: 'a', local: here, remote: phone }, at(0))
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constant(`{"type":"welcome","device":{}}`),
      fc.constant(`{"type":"call","ref":"__proto__","sdp":{}}`),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), text, (bytes, frame) => {
        machine.handle(sip('in', bytes), at(1))
        machine.handle({ kind: 'frame', direction: 'in', connection: 'a', text: frame }, at(1))
        machine.handle({ kind: 'frame', direction: 'out', connection: 'a', text: frame }, at(1))
      }),
    )
  })
})

describe('the clock of a call that goes on over a restart', () => {
  const epoch = (milliseconds: number): Epoch => milliseconds as Epoch
  const [unset, set] = [5_000, plausibleFrom + 5_000]
  it.each([
    ['that runs on', set, set + 20_000, 20_000],
    ['that was set back meanwhile', set, set - 3_600_000, 12_000],
    ['that was set for the first time', unset, set, 12_000],
    ['that was never set', unset, unset + 20_000, 20_000],
  ])('goes on from the last event at least, by a wall clock %s', (_, startedAt, now, ago) => {
    expect(begunAgo(epoch(startedAt), 12_000, epoch(now))).toBe(ago)
  })
})

describe('a client’s clock', () => {
  it('is placed within its stated error, whatever the way there and back takes', () => {
    const delay = fc.double({ min: 0, max: 200, noNaN: true })
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.array(fc.tuple(delay, delay), { minLength: 1, maxLength: 20 }),
        (offset, ways) => {
          const clock = new ClientClock()
          // The round trip includes the way that the message itself took.
          ways.forEach(([there, back], index) => {
            clock.heard(index * 100, index * 100 + offset + there, there + back)
          })
          const { atMilliseconds, clockErrorMilliseconds } = clock.place(5_000)
          expect(Math.abs(atMilliseconds - 5_000 - offset)).toBeLessThanOrEqual(clockErrorMilliseconds! + 0.1)
        },
      ),
    )
  })

  it('without a round trip is late at most, and says that it does not know', () => {
    const clock = new ClientClock()
    clock.heard(0, 1_040, undefined)
    clock.heard(100, 1_105, undefined)
    clock.heard(200, 1_260, undefined)
    expect(clock.place(300)).toEqual({ atMilliseconds: 1_305, clockErrorMilliseconds: null })
  })
})
