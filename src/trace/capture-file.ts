/**
 * A call as a capture file. Its messages: what was encrypted on the wire, or never had a packet of its own, as plain
 * packets between the ends that it really went between, so that Wireshark and sngrep show the ladder. In pcapng, each
 * from an interface of its own, also what captures kept of the call's packets, and what the relay counted.
 */
import type { Epoch } from '../core/clock.ts'
import { type Endpoint, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { PartyRole } from '../turn/message.ts'
import { canonical } from './canonical.ts'
import type { TraceDocument } from './document.ts'
import type {
  CaptureHappening,
  ChannelHappening,
  GrantHappening,
  LedgerHappening,
  Moment,
  SipHappening,
  TraceEvent,
} from './message.ts'
import { TcpConnections, udpPacket } from './packets/synthesize.ts'
import {
  pcapBegin,
  pcapFrame,
  pcapngBegin,
  pcapngFrame,
  type WrittenFrame,
  type WrittenInterface,
} from './packets/write.ts'

export type CaptureFormat = 'pcapng' | 'pcap'

/** LINKTYPE_RAW: packets begin with their IP header. */
const rawIp = 101
const resolution = 'microseconds'
/** RFC 863: whoever gets something there forgets it. What the relay tells was on no wire. */
const discardPort = 9

/** Only pcapng has room for comments and interfaces; a pcap has the messages alone. */
export function captureFile(trace: TraceDocument, format: CaptureFormat): Uint8Array<ArrayBuffer> {
  const messages = messageFrames(trace)
  if (format === 'pcap') {
    return Buffer.concat([
      pcapBegin(rawIp, resolution),
      ...inOrder(messages).map(frame => pcapFrame(frame, resolution)),
    ])
  }
  const interfaces = [named('lanline', 'signalling as lanline saw it')]
  const others = [...relayFrames(trace, interfaces), ...capturedFrames(trace, interfaces)]
  const begin = pcapngBegin({
    ...{ interfaces, resolution, application: `lanline ${trace.madeBy.version}` },
    comment: `Call ${trace.call.id}. ${trace.verdict.sentence} Messages are redacted, and written in the clear also where they were encrypted.`,
  })
  return Buffer.concat([
    begin,
    ...inOrder([...messages, ...others]).map(frame => pcapngFrame(frame, resolution)),
  ])
}

const named = (name: string, description: string): WrittenInterface => ({
  name,
  description,
  linkType: rawIp,
})
const inOrder = (frames: WrittenFrame[]): WrittenFrame[] => frames.sort((one, other) => one.at - other.at)

function messageFrames({ call, events }: TraceDocument): WrittenFrame[] {
  const connections = new TcpConnections()
  return events.flatMap(event => {
    if (!isMessage(event)) return []
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

type Message = Moment & (SipHappening | ChannelHappening)
const isMessage = (event: TraceEvent): event is Message => event.kind === 'sip' || event.kind === 'channel'

function commentOf(event: Message): string {
  const way = event.direction === 'in' ? `${event.party} to lanline` : `lanline to ${event.party}`
  const what =
    event.kind === 'sip'
      ? `${event.name} (CSeq ${event.cseq}) over ${event.transport}`
      : `${event.type} over the lanline.v1 channel`
  return `event ${event.number}: ${way}: ${what}, ${when(event)}`
}

const when = ({ atMilliseconds }: Pick<Moment, 'atMilliseconds'>): string =>
  `${atMilliseconds.toFixed(1)} ms after the call's start`

/** What the relay was allowed and what it counted, told in JSON between lanline and each party. */
function relayFrames({ call, events }: TraceDocument, interfaces: WrittenInterface[]): WrittenFrame[] {
  const ends = new Map<PartyRole, { readonly lanline: Endpoint; readonly party: Endpoint }>()
  const frames: WrittenFrame[] = []
  for (const event of events) {
    if (isMessage(event) && sameFamily(event.local, event.remote)) {
      const { party, local, remote } = event
      ends.set(party, { lanline: { ...local, port: discardPort }, party: { ...remote, port: discardPort } })
    }
    if (event.kind !== 'grant' && event.kind !== 'ledger') continue
    for (const [role, { lanline, party }] of ends) {
      const { comment, told } = ofRelay(event, role)
      const payload = Buffer.from(canonical(told))
      const bytes =
        event.kind === 'ledger' ? udpPacket(party, lanline, payload) : udpPacket(lanline, party, payload)
      const at = (call.startedAt + event.atMilliseconds) as Epoch
      frames.push({
        at,
        bytes,
        interface: interfaces.length,
        comments: [`event ${event.number}: ${comment}, ${when(event)}`],
      })
    }
  }
  if (frames.length > 0)
    interfaces.push(named('relay', 'what the relay was allowed and what it counted; no packets'))
  return frames
}

function ofRelay(
  event: GrantHappening | LedgerHappening,
  role: PartyRole,
): { readonly comment: string; readonly told: unknown } {
  if (event.kind === 'grant') {
    const { what, reason } = event
    return {
      comment: `relay: ${what} for the ${role}${reason ? ` (${reason})` : ''}`,
      told: { relay: what, reason },
    }
  }
  const told = event.ledger[role]
  const counted = `${told.sentBytes} bytes in ${told.sentPackets} packets until now`
  return { comment: `relay: from the ${role} ${counted}`, told: { [role]: told } }
}

/** What was kept of the call's packets. What several captures have is one packet, with what each of them says of it. */
function capturedFrames({ call, events }: TraceDocument, interfaces: WrittenInterface[]): WrittenFrame[] {
  const known = new Map<string, { readonly frame: WrittenFrame; readonly comments: string[] }>()
  for (const event of events) {
    if (event.kind !== 'capture' || event.facts.packets === undefined) continue
    const { name, packets } = event.facts
    interfaces.push(named(name, 'the first and the last of this call, headers only'))
    // What was sent again is in one capture as often as it was sent.
    const counts = new Map<string, number>()
    for (const packet of packets) {
      const count = (counts.get(packet.bytes) ?? 0) + 1
      counts.set(packet.bytes, count)
      const key = `${count} ${packet.bytes}`
      const comment = capturedComment(event, packet)
      const before = known.get(key)
      if (before !== undefined) before.comments.push(comment)
      else {
        const comments = [comment]
        const frame = {
          at: (call.startedAt + packet.atMilliseconds) as Epoch,
          bytes: Buffer.from(packet.bytes, 'base64'),
          interface: interfaces.length - 1,
          ...{ originalBytes: packet.originalBytes, comments },
        }
        known.set(key, { frame, comments })
      }
    }
  }
  return [...known.values()].map(({ frame }) => frame)
}

const capturedComment = (
  { number, facts }: Moment & CaptureHappening,
  packet: { readonly what: string; readonly atMilliseconds: number },
): string => `event ${number}: captured by ${facts.name}: ${packet.what}, ${when(packet)}`

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
