/** Taps to disk and back, with secrets planted wherever a client or a stranger can put one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import Sqlite from 'better-sqlite3'
import { afterAll, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import { emptyPartyLedger } from '../../src/relay/ledger.ts'
import { databaseFile } from '../../src/store/database.ts'
import { openStore } from '../../src/store/store.ts'
import { verifyTrace } from '../../src/trace/document.ts'
import { TraceIo } from '../../src/trace/io.ts'
import type { TraceInput } from '../../src/trace/machine-message.ts'
import { callOf } from '../../src/trace/sip-text.ts'

const directory = mkdtempSync(join(tmpdir(), 'lanline-canaries-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const id = callOf('one', 'abc')
const planted: string[] = []
const canary = (): string => {
  planted.push(`canary${String(planted.length).padStart(3, '0')}x7Kq`)
  return planted.at(-1)!
}

const sdp = (): string =>
  [
    'v=0',
    `o=${canary()} 1 1 IN IP4 192.0.2.1`,
    `s=${canary()}`,
    't=0 0',
    'm=audio 5000 UDP/TLS/RTP/SAVPF 111',
    'a=ice-ufrag:keptUfrag',
    `a=ice-pwd:${canary()}`,
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${canary()}`,
    `a=x-key:${canary()}`,
    'a=fingerprint:sha-256 AA:BB',
  ].join('\r\n')

const sip = (start: string, cseq: string, from: string, to: string, type: string, body: string): Buffer =>
  Buffer.from(
    [
      start,
      'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1',
      `From: <sip:alice:${canary()}@h>;tag=${from}`,
      `To: <sip:bob@h;token=${canary()}>${to && `;tag=${to}`}`,
      'Call-ID: one',
      `CSeq: ${cseq}`,
      `Proxy-Authorization: Digest username="alice", realm="r", nonce="${canary()}", response="${canary()}", cnonce="${canary()}"`,
      `Authorization: Bearer ${canary()}`,
      `Cookie: ${canary()}`,
      `Record-Route: <sip:${canary()}@h;lr>`,
      `X-Secret: ${canary()}`,
      `Content-Type: ${type}`,
      '',
      body,
    ].join('\r\n'),
  )

/** What lies compressed in the database. */
function segments(): string[] {
  const database = new Sqlite(join(directory, databaseFile), { readonly: true })
  const rows = database.prepare('select events from trace_segments').all() as { events: string | Buffer }[]
  database.close()
  return rows.map(({ events }) =>
    typeof events === 'string' ? events : zstdDecompressSync(events).toString(),
  )
}

it('leaves no secret on disk or in an export, and what it keeps is there', async () => {
  const store = await openStore(directory)
  const end = { address: '192.0.2.1', port: 1 }
  const row = {
    id,
    callerUser: 'alice',
    calleeUser: 'bob',
    callerDevice: 'A',
    calleeDevice: 'B',
    startedAt: 1,
  } as unknown as CallRow
  const faults: unknown[] = []
  const trace = new TraceIo({
    ...{
      store: store.traces,
      rowOf: id => store.calls.get(id),
      addresses: ['192.0.2.9'],
      open: [],
      version: '1',
    },
    ...{ appliance: 'here', key: store.settings.traceKey() },
    relayPorts: () => ({ turn: 3_478, first: 49_152, last: 50_151 }),
    onNote: (reason, detail) => faults.push(`${reason} ${detail}`),
    onFault: error => faults.push(error),
  })
  const wire = (direction: 'in' | 'out', bytes: Uint8Array): void =>
    trace.sip(direction, { id: 'f', transport: 'tcp', local: end, remote: end }, bytes)
  const frame = (direction: 'in' | 'out', connection: string, value: object): void =>
    trace.input({ kind: 'frame', direction, connection, text: JSON.stringify(value) })
  const party = (user: string, device: string | undefined) => ({ user, displayName: user, device })
  const facts: TraceInput[] = [
    {
      kind: 'call',
      event: {
        kind: 'started',
        call: id,
        caller: party('alice', 'A'),
        callee: party('bob', undefined),
        video: false,
      },
    },
    { kind: 'row', row },
    { kind: 'grant', call: id, reason: 'otherNetwork' },
    {
      kind: 'ledger',
      call: id,
      ledger: {
        caller: { ...emptyPartyLedger, sentBytes: 9_000, sentPackets: 90 },
        callee: emptyPartyLedger,
      },
    },
  ]

  wire('in', sip('INVITE sip:bob@h SIP/2.0', '1 INVITE', 'abc', '', 'application/sdp', sdp()))
  for (const fact of facts) trace.input(fact)
  wire('out', sip('INVITE sip:bob@h SIP/2.0', '1 INVITE', 'abc', '', 'application/sdp', sdp()))
  wire('in', sip('SIP/2.0 200 OK', '1 INVITE', 'abc', 'def', 'application/sdp', sdp()))
  wire('in', sip('MESSAGE sip:bob@h SIP/2.0', '2 MESSAGE', 'abc', 'def', 'text/plain', canary()))
  for (const [connection, device] of [
    ['a', 'A'],
    ['b', 'B'],
  ] as const) {
    trace.input({ kind: 'opened', connection, local: end, remote: end })
    frame('in', connection, { type: 'hello', token: canary(), resume: [{ call: id, dialog: canary() }] })
    frame('out', connection, { type: 'welcome', device, dialog: canary() })
  }
  frame('out', 'b', { type: 'incoming', call: id, sdp: sdp() })
  frame('in', 'b', { type: 'answer', call: id, sdp: sdp(), secret: canary() })
  frame('out', 'a', {
    type: 'relay',
    call: id,
    servers: [{ urls: ['turn:192.0.2.9:3478?transport=udp'], username: canary(), credential: canary() }],
  })
  frame('out', 'a', { type: 'dialog', call: id, dialog: canary() })

  await store.calls.save(row)
  const ended = { ...row, endedAt: 2 as Epoch }
  const formats = ['json', 'html', 'pcapng', 'pcap', 'rtcstats', 'ladder'] as const
  const exports: string[] = []
  for (const format of formats) exports.push(Buffer.from(await trace.file(ended, format)).toString('latin1'))
  const file = exports[0]!
  await trace.close()
  await store.close()
  expect(faults).toEqual([])
  expect(planted.length).toBeGreaterThan(20)

  const files = readdirSync(directory).map(name => readFileSync(join(directory, name), 'latin1'))
  const disk = [...files, ...segments()].join('')
  const all = `${disk}${exports.join('')}`
  expect(planted.filter(secret => all.includes(secret))).toEqual([])
  for (const kept of ['keptUfrag', 'turn:192.0.2.9:3478', '[redacted]', 'INVITE sip:bob@h SIP/2.0']) {
    expect(disk).toContain(kept)
    expect(file).toContain(kept)
  }
  const verified = verifyTrace(Buffer.from(file, 'latin1'), trace.key().fingerprint)
  expect(verified).toMatchObject({
    kind: 'genuine',
    trace: { verdict: { path: 'relayed', whyNotDirect: { reason: 'noRoute' } } },
  })
})
