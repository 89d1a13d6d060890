import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { captureFile } from '../../src/trace/capture-file.ts'
import { documentOf, type TraceDocument } from '../../src/trace/document.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { FrameReader } from '../../src/trace/packets/frames.ts'
import type { Frame } from '../../src/trace/packets/message.ts'

const lanline = { address: '192.0.2.1', port: 5061 }
const phone = { address: '192.0.2.7', port: 40_000 }
const browser = { address: '192.0.2.8', port: 50_000 }
const row = {
  id: 'c',
  callerUser: 'alice',
  calleeUser: 'bob',
  startedAt: 1_700_000_000_000,
} as unknown as CallRow

const sip = (name: string, cseq: string, transport: string, direction: 'in' | 'out', start: string) => ({
  ...{ kind: 'sip', source: 'server', party: 'caller', local: lanline, remote: phone },
  ...{ name, cseq, transport, direction },
  text: `${start}\r\nVia: SIP/2.0/TLS 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:alice@lan>;tag=a\r\nTo: <sip:bob@lan>\r\nCall-ID: one\r\nCSeq: ${cseq}\r\nContent-Length: 999\r\n\r\n`,
})
const trace: TraceDocument = documentOf({
  ...{ version: '1', appliance: 'here', row, kept: undefined },
  events: [
    sip('INVITE', '1 INVITE', 'tls', 'in', 'INVITE sip:bob@lan SIP/2.0'),
    {
      ...{
        kind: 'channel',
        source: 'server',
        party: 'callee',
        direction: 'out',
        device: 'd',
        type: 'invite',
      },
      ...{ local: { address: '192.0.2.1', port: 8443 }, remote: browser, message: { type: 'invite' } },
    },
    sip('180 Ringing', '1 INVITE', 'tcp', 'out', 'SIP/2.0 180 Ringing'),
    sip('200 OK', '1 INVITE', 'tcp', 'out', 'SIP/2.0 200 OK'),
    sip('BYE', '2 BYE', 'udp', 'in', 'BYE sip:bob@lan SIP/2.0'),
  ].map(
    (event, index) => ({ ...event, number: index + 1, atMilliseconds: index * 10 }) as unknown as TraceEvent,
  ),
})

describe('a trace as a capture file', () => {
  it('has a packet for every message, between its real ends, with a comment naming its event', () => {
    const frames: Frame[] = []
    const reader = new FrameReader(frame => frames.push({ ...frame, bytes: frame.bytes.slice() }))
    reader.push(captureFile(trace, 'pcapng'))
    reader.end()
    expect(reader.stop).toBeUndefined()
    expect(frames.map(({ at = 0 }) => at - row.startedAt)).toEqual([0, 10, 20, 30, 40])
    expect(frames.map(({ comments }) => comments?.map(comment => comment.split(':')[0]))).toEqual(
      [1, 2, 3, 4, 5].map(number => [`event ${number}`]),
    )
    // IPv4 addresses and UDP ports of the second: to the browser, from the port it came to.
    const { bytes } = frames[1]!
    expect([...bytes.subarray(12, 20)]).toEqual([192, 0, 2, 1, 192, 0, 2, 8])
    expect([bytes[20]! * 256 + bytes[21]!, bytes[22]! * 256 + bytes[23]!]).toEqual([8443, 50_000])
  })

  it('leaves out what has no two ends of one family instead of failing', () => {
    const [first] = trace.events
    const odd = { ...trace, events: [{ ...first, remote: { address: '', port: 0 } } as TraceEvent] }
    expect(captureFile(odd, 'pcap')).toHaveLength(24)
  })

  const tshark = spawnSync('tshark', ['--version']).status === 0
  it.runIf(tshark).each(['pcapng', 'pcap'] as const)('is read by tshark: %s', format => {
    const directory = mkdtempSync(join(tmpdir(), 'lanline-'))
    try {
      const file = join(directory, `call.${format}`)
      writeFileSync(file, captureFile(trace, format))
      const read = (...words: string[]) =>
        execFileSync('tshark', ['-r', file, ...words], { encoding: 'utf8' })
      expect(read('-Y', '_ws.malformed')).toBe('')
      const cseqs = read('-Y', 'sip', '-T', 'fields', '-e', 'sip.CSeq').trim().split('\n')
      expect(cseqs).toEqual(['1 INVITE', '1 INVITE', '1 INVITE', '2 BYE'])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
