/**
 * A call's messages as a capture file: what was encrypted on the wire, or never had a packet of its own, as plain
 * packets between the ends that it really went between, so that Wireshark and sngrep show the ladder.
 */
import type { Epoch } from '../core/clock.ts'
import { type Endpoint, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import { canonical } from './canonical.ts'
import type { TraceDocument } from './document.ts'
import type { ChannelHappening, Moment, SipHappening } from './message.ts'
import { TcpConnections, udpPacket } from './packets/synthesize.ts'
import { pcapBegin, pcapFrame, pcapngBegin, pcapngFrame, type WrittenFrame } from './packets/write.ts'

export type CaptureFormat = 'pcapng' | 'pcap'

/** LINKTYPE_RAW: packets begin with their IP header. */
const rawIp = 101
const resolution = 'microseconds'

/** Only pcapng has room for comments. */
export function captureFile(trace: TraceDocument, format: CaptureFormat): Uint8Array<ArrayBuffer> {
  const frames = framesOf(trace)
  if (format === 'pcap') {
    return Buffer.concat([pcapBegin(rawIp, resolution), ...frames.map(frame => pcapFrame(frame, resolution))])
  }
  const begin = pcapngBegin({
    interfaces: [{ name: 'lanline', description: 'signalling as lanline saw it', linkType: rawIp }],
    application: `lanline ${trace.madeBy.version}`,
    resolution,
    comment: `Call ${trace.call.id}. ${trace.verdict.sentence} Messages are redacted, and written in the clear also where they were encrypted.`,
  })
  return Buffer.concat([begin, ...frames.map(frame => pcapngFrame(frame, resolution))])
}

type Message = Moment & (SipHappening | ChannelHappening)

function framesOf({ call, events }: TraceDocument): WrittenFrame[] {
  const connections = new TcpConnections()
  return events.flatMap(event => {
    if (event.kind !== 'sip' && event.kind !== 'channel') return []
    const [source, target] =
      event.direction === 'in' ? [event.remote, event.local] : [event.local, event.remote]
    if (!sameFamily(source, target)) return []
    const payload = Buffer.from(event.kind === 'sip' ? withRightLength(event.text) : canonical(event.message))
    // Plain text on the port of an encrypted connection would be dissected as damaged TLS: it becomes a datagram.
    const plainTcp = event.kind === 'sip' && event.transport === 'tcp'
    const bytes = plainTcp ? connections.packet(source, target, payload) : udpPacket(source, target, payload)
    return [{ at: (call.startedAt + event.atMilliseconds) as Epoch, bytes, comments: [commentOf(event)] }]
  })
}

function commentOf(event: Message): string {
  const way = event.direction === 'in' ? `${event.party} to lanline` : `lanline to ${event.party}`
  const what =
    event.kind === 'sip'
      ? `${event.name} (CSeq ${event.cseq}) over ${event.transport}`
      : `${event.type} over the lanline.v1 channel`
  return `event ${event.number}: ${way}: ${what}, ${event.atMilliseconds.toFixed(1)} ms after the call's start`
}

/** RFC 3261 §20.14: the body's octets. Redaction changed them. */
function withRightLength(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return text
  const length = Buffer.byteLength(text) - Buffer.byteLength(text.slice(0, end + 4))
  const head = text.slice(0, end).replace(/^(content-length|l):.*$/im, `$1: ${length}`)
  return head + text.slice(end)
}

function sameFamily(one: Endpoint, other: Endpoint): boolean {
  const family = ({ address }: Endpoint) => (parseIPv4(address) ? 4 : parseIPv6(address) ? 6 : undefined)
  return family(one) !== undefined && family(one) === family(other)
}
