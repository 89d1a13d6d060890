import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { captureFile } from '../../src/trace/capture-file.ts'
import { documentOf, type TraceDocument } from '../../src/trace/document.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { FrameReader } from '../../src/trace/packets/frames.ts'
import { capturedPackets } from '../../src/trace/packets/kept.ts'
import type { Frame } from '../../src/trace/packets/message.ts'
import { CaptureReader } from '../../src/trace/packets/reader.ts'
import { CallMatch } from '../../src/trace/packets/summary.ts'
import { describeWith } from '../net/peers.ts'
import { captured } from './packets/files.ts'

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
})

/** The call above with what a relay counted and what a capture of another one kept, as a trace has them. */
function withPackets(): TraceDocument {
  const reader = new CaptureReader({ wire: true })
  const match = new CallMatch({
    parties: {
      caller: { ufrags: ['eIyP'], addresses: ['10.77.0.12'] },
      callee: { ufrags: ['Y26x'], addresses: ['10.77.0.13'] },
    },
    applianceAddresses: [],
  })
  const packets = reader.push(captured('direct'))
  for (const packet of packets) match.add(packet)
  const kept = capturedPackets(match.kept(), at => at - packets[0]!.at!)
  const counted = { sentBytes: 1_000, sentPackets: 10, receivedBytes: 0, receivedPackets: 0 }
  const more = [
    { source: 'relay', kind: 'grant', what: 'opened', reason: 'noPath', atMilliseconds: 45 },
    { source: 'relay', kind: 'ledger', ledger: { caller: counted, callee: counted }, atMilliseconds: 60 },
    {
      source: 'capture',
      kind: 'capture',
      facts: { name: 'the switch', packets: kept },
      atMilliseconds: 9_000,
    },
    {
      source: 'capture',
      kind: 'capture',
      facts: { name: 'bob', packets: kept.slice(0, 9) },
      atMilliseconds: 9_100,
    },
  ]
  const events = more.map((event, index) => ({ ...event, number: 6 + index }) as unknown as TraceEvent)
  return { ...trace, events: [...trace.events, ...events] }
}

function inFile<T>(format: 'pcapng' | 'pcap', of: TraceDocument, use: (file: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-'))
  try {
    const file = join(directory, `call.${format}`)
    writeFileSync(file, captureFile(of, format))
    return use(file)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describeWith(['tshark'], 'a trace as a capture file, read by tshark', () => {
  const tshark = (file: string, filter: string, ...names: string[]): string[][] => {
    const options = ['-n', '-T', 'fields', '-E', 'separator=/t', ...names.flatMap(name => ['-e', name])]
    const text = execFileSync('tshark', ['-r', file, '-Y', filter, ...options], { encoding: 'utf8' })
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => line.split('\t'))
  }
  const complaints = '_ws.malformed || _ws.expert.severity >= "Warning"'

  it.each(['pcapng', 'pcap'] as const)('has nothing malformed and all SIP in order: %s', format => {
    inFile(format, withPackets(), file => {
      expect(tshark(file, complaints, 'frame.number', '_ws.expert.message')).toEqual([])
      expect(tshark(file, 'sip', 'sip.CSeq').flat()).toEqual(['1 INVITE', '1 INVITE', '1 INVITE', '2 BYE'])
    })
  })

  it('has what captures kept and what the relay counted, each by its interface, each with its event', () => {
    inFile('pcapng', withPackets(), file => {
      const all = tshark(file, 'frame', 'frame.interface_name', 'frame.comment')
      const [kept, relay] = ['the switch', 'relay'].map(name => all.filter(([from]) => from === name))
      expect(kept!.length).toBeGreaterThan(30)
      expect(kept!.every(([, comment]) => comment!.startsWith('event 8: captured by the switch: '))).toBe(
        true,
      )
      // The same packet from another place is no second one.
      expect(all.filter(([from]) => from === 'bob')).toEqual([])
      expect(all.filter(([, comment]) => comment!.includes('event 9: captured by bob: '))).toHaveLength(9)
      expect(relay!.map(([, comment]) => comment)).toEqual([
        "event 6: relay: opened for the caller (noPath), 45.0 ms after the call's start",
        "event 6: relay: opened for the callee (noPath), 45.0 ms after the call's start",
        "event 7: relay: from the caller 1000 bytes in 10 packets until now, 60.0 ms after the call's start",
        "event 7: relay: from the callee 1000 bytes in 10 packets until now, 60.0 ms after the call's start",
      ])
      expect(all.filter(([from]) => from === 'lanline')).toHaveLength(5)
      // As the wire had them: the two ends' fragments in order, checks that were answered, a handshake.
      expect(new Set(tshark(file, 'stun.att.username', 'stun.att.username').flat())).toEqual(
        new Set(['eIyP:Y26x', 'Y26x:eIyP']),
      )
      expect(tshark(file, 'stun.type == 0x0101', 'frame.number').length).toBeGreaterThan(1)
      expect(new Set(tshark(file, 'dtls.handshake.type', 'dtls.handshake.type').flat())).toEqual(
        new Set(['1', '2']),
      )
      const media = tshark(file, 'frame.comment contains "of stream"', 'frame.cap_len', 'frame.len')
      expect(media.length).toBeGreaterThan(10)
      expect(media.every(([captured, length]) => captured === '40' && Number(length) > 40)).toBe(true)
    })
  })
})

describeWith(['sngrep', 'script'], 'a trace as a capture file, opened by sngrep', () => {
  it('is one dialog with every message', () => {
    inFile('pcap', withPackets(), file => {
      const copy = `${file}.copy`
      const options = ['-N', '-F', '-I', file, '-O', copy]
      expect(execFileSync('sngrep', options, { encoding: 'utf8', input: '' })).toMatch(/Dialog count: 1\s*$/)
      const lines = readFileSync(copy, 'latin1').match(/(INVITE|BYE) sip:bob@lan SIP|SIP\/2\.0 [0-9]{3}/g)
      expect(lines).toEqual(['INVITE sip:bob@lan SIP', 'SIP/2.0 180', 'SIP/2.0 200', 'BYE sip:bob@lan SIP'])
    })
  })

  it('is in its list of calls, on the screen', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lanline-'))
    const file = join(directory, 'call.pcap')
    writeFileSync(file, captureFile(withPackets(), 'pcap'))
    const screen = spawn(
      'script',
      ['-qec', `exec setpriv --pdeathsig KILL sngrep -F -I ${file}`, '/dev/null'],
      {
        env: { ...process.env, TERM: 'vt100', COLUMNS: '100', LINES: '30' },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    )
    try {
      let shown = ''
      const found = new Promise<void>((resolve, reject) => {
        screen.stdout.on('data', chunk => {
          shown += String(chunk)
          // From, to and the number of messages; what moves the cursor stands between them.
          if (/INVITE.*alice@lan.*bob@lan.*4/.test(shown)) resolve()
        })
        screen.once('exit', code => reject(new Error(`sngrep ended with ${code}: ${shown}`)))
      })
      await found
      // One call: the second line of the list is empty.
      expect(shown.match(/alice@lan/g)).toHaveLength(1)
    } finally {
      screen.removeAllListeners('exit')
      screen.kill('SIGKILL')
      rmSync(directory, { recursive: true })
    }
  })
})
