/**
 * IP packets as a message's sender would have put them on the wire, for messages that were encrypted or never had a
 * packet of their own. Both ends are of one address family; an address that is none is our own mistake and throws.
 */
import { type Endpoint, parseIPv4, parseIPv6 } from '../../core/endpoint.ts'
import { protocol } from './ip.ts'

const ipv4HeaderBytes = 20
const ipv6HeaderBytes = 40
const udpHeaderBytes = 8
const tcpHeaderBytes = 20
const ipBytes = 65_535
const hopLimit = 64

/** What fits into one packet of either kind, over either IP version; more is cut off. */
export const payloadBytes = ipBytes - ipv6HeaderBytes - tcpHeaderBytes

/** An IP packet with one UDP datagram (RFC 768). */
export function udpPacket(source: Endpoint, target: Endpoint, payload: Uint8Array): Uint8Array {
  const data = payload.subarray(0, payloadBytes)
  const datagram = Buffer.alloc(udpHeaderBytes + data.length)
  datagram.writeUInt16BE(source.port, 0)
  datagram.writeUInt16BE(target.port, 2)
  datagram.writeUInt16BE(datagram.length, 4)
  datagram.set(data, udpHeaderBytes)
  return ipPacket(source, target, protocol.udp, datagram, 6)
}

/** TCP connections in which each message is one segment: sequence and acknowledgement numbers go on (RFC 9293 §3.4). */
export class TcpConnections {
  readonly #next = new Map<string, number>()

  packet(source: Endpoint, target: Endpoint, payload: Uint8Array): Uint8Array {
    const data = payload.subarray(0, payloadBytes)
    const there = `${source.address} ${source.port} ${target.address} ${target.port}`
    const back = `${target.address} ${target.port} ${source.address} ${source.port}`
    const sequence = this.#next.get(there) ?? 1
    this.#next.set(there, (sequence + data.length) >>> 0)
    const segment = Buffer.alloc(tcpHeaderBytes + data.length)
    segment.writeUInt16BE(source.port, 0)
    segment.writeUInt16BE(target.port, 2)
    segment.writeUInt32BE(sequence, 4)
    segment.writeUInt32BE(this.#next.get(back) ?? 1, 8)
    segment[12] = (tcpHeaderBytes / 4) << 4
    // PSH and ACK.
    segment[13] = 0x18
    segment.writeUInt16BE(65_535, 14)
    segment.set(data, tcpHeaderBytes)
    return ipPacket(source, target, protocol.tcp, segment, 16)
  }
}

function ipPacket(
  source: Endpoint,
  target: Endpoint,
  upper: number,
  segment: Buffer,
  checksumAt: number,
): Uint8Array {
  const [from, to] = [octetsOf(source.address), octetsOf(target.address)]
  if (from.length !== to.length) throw new TypeError('both ends must be of one address family')
  // RFC 768, RFC 9293 §3.1, RFC 8200 §8.1: the sum goes over both addresses, the protocol and the length, too.
  const pseudo = Buffer.alloc(from.length * 2 + 8)
  pseudo.set(from, 0)
  pseudo.set(to, from.length)
  pseudo.writeUInt32BE(segment.length, pseudo.length - 8)
  pseudo[pseudo.length - 1] = upper
  const sum = checksum(pseudo, segment)
  // RFC 768: zero would mean that there is none.
  segment.writeUInt16BE(sum === 0 && upper === protocol.udp ? 0xffff : sum, checksumAt)
  const header = from.length === 4 ? ipv4Header(segment.length, upper) : ipv6Header(segment.length, upper)
  header.set(from, from.length === 4 ? 12 : 8)
  header.set(to, from.length === 4 ? 16 : 24)
  if (from.length === 4) header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, segment])
}

function ipv4Header(length: number, upper: number): Buffer {
  const header = Buffer.alloc(ipv4HeaderBytes)
  header[0] = 0x45
  header.writeUInt16BE(ipv4HeaderBytes + length, 2)
  // RFC 6864 §4.1: a datagram that must not be fragmented needs no identification.
  header.writeUInt16BE(0x4000, 6)
  header[8] = hopLimit
  header[9] = upper
  return header
}

function ipv6Header(length: number, upper: number): Buffer {
  const header = Buffer.alloc(ipv6HeaderBytes)
  header[0] = 0x60
  header.writeUInt16BE(length, 4)
  header[6] = upper
  header[7] = hopLimit
  return header
}

/** RFC 1071. Only the last part may be of odd length. */
function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += part[at]! * 256 + (part[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536)
  return ~sum & 0xffff
}

function octetsOf(address: string): ArrayLike<number> {
  const octets = parseIPv4(address) ?? parseIPv6(address)
  if (octets === undefined) throw new TypeError('an end has no IP address')
  return octets
}
