import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ladderOf, ladderText } from '../../src/trace/ladder.ts'
import { ladderSvg } from '../../src/trace/ladder-svg.ts'
import type { Happening, TraceEvent } from '../../src/trace/message.ts'
import { eventsOf, ledger, pair } from './story.ts'

const end = { address: '192.168.1.2', port: 5060 }
const sip = (
  name: string,
  cseq: string,
  direction: 'in' | 'out',
  party: 'caller' | 'callee',
  text = name,
): Happening => ({
  ...{ kind: 'sip', direction, party, transport: 'udp', local: end, remote: end, name, cseq, text },
})
const trickled = (): Happening => ({
  ...{
    kind: 'channel',
    direction: 'in',
    party: 'caller',
    device: 'A',
    local: end,
    remote: end,
    type: 'candidate',
    message: {},
  },
})

const events = (list: readonly (readonly [number, TraceEvent['source'], Happening])[]): TraceEvent[] =>
  list.map(
    ([atMilliseconds, source, happening], index) =>
      ({ number: index + 1, atMilliseconds, source, ...happening }) as TraceEvent,
  )

const call = events([
  [0, 'caller', sip('INVITE', '1 INVITE', 'in', 'caller')],
  [2, 'server', sip('INVITE', '1 INVITE', 'out', 'callee')],
  [800, 'callee', sip('200 OK', '1 INVITE', 'in', 'callee')],
  [900, 'caller', trickled()],
  [901, 'caller', trickled()],
  [902, 'caller', trickled()],
  [950, 'caller', { kind: 'pair', pair: pair() }],
  [
    960,
    'caller',
    {
      kind: 'dtls',
      state: 'connected',
      version: '',
      cipher: '',
      srtpProfile: '',
      localFingerprint: '',
      remoteFingerprint: '',
    },
  ],
  [990, 'callee', { kind: 'firstMedia', direction: 'received', media: 'audio', ssrc: 1 }],
  [2_000, 'relay', { kind: 'ledger', ledger: ledger(1, 1) }],
  [3_000, 'relay', { kind: 'ledger', ledger: ledger(9, 1) }],
  [9_000, 'callee', sip('BYE', '2 BYE', 'in', 'callee')],
])

describe('a ladder', () => {
  it('says how a call goes that one party asked the other for', () => {
    const told = (state: string): Happening => ({
      ...(trickled() as Happening & { kind: 'channel' }),
      ...{ direction: 'out', type: 'referral', message: { type: 'referral', state } },
    })
    const notify = sip('NOTIFY', '3 NOTIFY', 'in', 'callee', 'NOTIFY sip:a@b SIP/2.0\r\n\r\nSIP/2.0 180')
    const { rows } = ladderOf(
      events([
        [1, 'caller', sip('REFER', '2 REFER', 'in', 'caller')],
        [2, 'callee', notify],
        [3, 'server', told('ringing')],
      ]),
    )
    expect(rows.map(({ label, phase }) => [label, phase])).toEqual([
      ['REFER', 'signalling'],
      ['NOTIFY (180)', 'signalling'],
      ['referral (ringing)', 'signalling'],
    ])
  })

  it('has once what an end told again after a restart of lanline', () => {
    const keys = (cipher: string): Happening => ({
      ...{ kind: 'dtls', state: 'connected', version: '', cipher, srtpProfile: '' },
      ...{ localFingerprint: 'sha-256 AA', remoteFingerprint: 'sha-256 BB' },
    })
    const { rows } = ladderOf(
      events([
        [1, 'caller', { kind: 'pair', pair: pair() }],
        [2, 'caller', keys('TLS_AES_128_GCM_SHA256')],
        [4_000, 'caller', { kind: 'pair', pair: pair({ rttMilliseconds: 3 }) }],
        [4_000, 'caller', keys('')],
        [7_000, 'caller', keys('TLS_AES_128_GCM_SHA256')],
      ]),
    )
    expect(rows.map(({ label }) => label)).toEqual(['pair host–host', 'DTLS connected'])
  })

  it('has a row for what became of checked pairs, and none for checks that go on', () => {
    const checks = (...states: string[]): Happening => ({
      kind: 'checks',
      pairs: states.map((state, index) => ({
        local: 'host a:1',
        remote: `host b:${index}`,
        state,
        requestsSent: 8,
      })),
    })
    const { rows } = ladderOf(
      events([
        [0, 'caller', checks('in-progress', 'in-progress')],
        [10, 'caller', checks('succeeded')],
        [20, 'caller', checks('succeeded', 'in-progress')],
        [30, 'callee', checks('succeeded')],
        [40, 'caller', checks('succeeded', 'failed')],
        [50, 'server', { kind: 'network', who: 'callee', addresses: ['10.0.0.2'] }],
      ]),
    )
    expect(rows.map(row => `${row.atMilliseconds} ${row.from} ${row.label}`)).toEqual([
      '0 caller checks: 2 under way',
      '10 caller checks: 1 answered',
      '30 callee checks: 1 answered',
      '40 caller checks: 1 failed',
      '50 callee network changed',
    ])
    expect(rows[1]!.detail).toBe('host a:1 → host b:0 succeeded, 8 sent')
  })

  it('has a lane for each party, rows in order of time, and phases by name', () => {
    const ladder = ladderOf([...call].reverse())
    expect(ladder.lanes).toEqual(['caller', 'lanline', 'relay', 'callee'])
    expect(ladder.rows.map(row => `${row.from}>${row.to} ${row.label}`)).toEqual([
      'caller>lanline INVITE',
      'lanline>callee INVITE',
      'callee>lanline 200 OK',
      'caller>lanline candidate × 3',
      'caller>caller pair host–host',
      'caller>caller DTLS connected',
      'caller>callee first audio',
      'relay>relay carried 2 bytes',
      'relay>relay carried 18 bytes',
      'callee>lanline BYE',
    ])
    expect(ladder.phases.map(({ phase }) => phase)).toEqual([
      'signalling',
      'connectivity',
      'encryption',
      'media',
      'relay',
      'end',
    ])
  })

  it('as text stays in its columns', () => {
    expect(ladderText(ladderOf(call)).join('\n')).toMatchInlineSnapshot(`
      "                       caller                 lanline                 relay                 callee
         0.000  Signalling      │────── INVITE ───────▶│                      │                      │
         0.002                  │                      │───────────────── INVITE ───────────────────▶│
         0.800                  │                      │◀────────────────── 200 OK ──────────────────│
         0.900  ICE             │── candidate × 3 ────▶│                      │                      │
         0.950                  ● pair host–host       │                      │                      │
         0.960  DTLS            ● DTLS connected       │                      │                      │
         0.990  SRTP            │────────────────────────── first audio ────────────────────────────▶│
         2.000  Relay           │                      │                      ● carried 2 bytes      │
         3.000                  │                      │                      ● carried 18 bytes     │
         9.000  End             │                      │◀──────────────────── BYE ───────────────────│"
    `)
    expect(Math.max(...ladderText(ladderOf(eventsOf())).map(line => [...line].length))).toBeLessThanOrEqual(
      100,
    )
  })

  it('as SVG names itself and each row, which can be focused, and grows with its rows', () => {
    const svg = ladderSvg(ladderOf(call), 'alice to <bob>')
    expect(svg).toContain('aria-label="alice to &lt;bob&gt;"')
    expect(svg.match(/class="r" tabindex="0"/g)).toHaveLength(10)
    const linked = ladderSvg(ladderOf(call), 'x', { href: row => `#event-${row.events[0]}`, width: 'narrow' })
    expect(linked.match(/<a class="r" href="#event-\d+"/g)).toHaveLength(10)
    expect(svg).toContain('aria-label="0.002 s, Signalling: INVITE, from lanline to callee"')
    expect(svg).not.toMatch(/href|<script|url\(|style=/)
    expect(ladderSvg(ladderOf(call), 'x', { withStyle: false })).not.toContain('<style')
  })

  it('shows that media goes by way of the relay', () => {
    const relayed = pair({ localType: 'relay' })
    const { rows } = ladderOf(
      events([
        [0, 'callee', { kind: 'pair', pair: relayed }],
        [1, 'callee', { kind: 'firstMedia', direction: 'received', media: 'audio', ssrc: 1 }],
        [2, 'caller', { kind: 'firstMedia', direction: 'received', media: 'audio', ssrc: 2 }],
      ]),
    )
    expect(rows.map(row => row.via)).toEqual([undefined, 'relay', undefined])
  })

  it('names challenges, and messages that carry a description', () => {
    const { rows } = ladderOf(
      events([
        [0, 'server', sip('407 Proxy Authentication Required', '1 INVITE', 'out', 'caller')],
        [1, 'caller', sip('INVITE', '2 INVITE', 'in', 'caller', 'INVITE x\r\n\r\nv=0\r\no=-')],
        [2, 'caller', sip('200\u001b[31m OK', '2 INVITE', 'in', 'caller')],
      ]),
    )
    expect(rows.map(row => row.label)).toEqual(['407 challenge', 'INVITE (SDP)', '200[31m OK'])
  })

  it('with whatever text is well-formed and bounded', () => {
    const nasty = fc.oneof(fc.string(), fc.constant(']]></title><script>"&\u0000\ud800'))
    fc.assert(
      fc.property(nasty, nasty, (name, text) => {
        const svg = ladderSvg(ladderOf(events([[0, 'caller', sip(name, '1 X', 'in', 'caller', text)]])), name)
        expect(svg).not.toMatch(/<script|[\x00-\x08]/)
        expect(svg.match(/<(g|text|title|desc|svg|style)\b/g)!.length).toBe(
          svg.match(/<\/(g|text|title|desc|svg|style)>/g)!.length,
        )
      }),
    )
    const many = events(
      Array.from({ length: 2_000 }, (_, index) => [
        index,
        'caller',
        sip('INVITE', '1 INVITE', 'in', 'caller'),
      ]),
    )
    const ladder = ladderOf(many)
    expect(ladder).toMatchObject({ leftOut: 1_600, leftOutBefore: 340 })
    // How a call ended is never what is left out.
    expect(ladder.rows.at(-1)!.atMilliseconds).toBe(1_999)
    expect(ladderText(ladder)[341]).toMatch(/… 1600 rows left out …/)
    expect(ladderSvg(ladder, 'x')).toContain('1600 rows left out')
  })
})
