/** IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200 §4), as far as a payload and its ends need. */
import { formatIPv6 } from '../../core/endpoint.ts'
import { limits } from './message.ts'
import { u16, u32 } from './queue.ts'

export const protocol = { tcp: 6, udp: 17 } as const

const extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
  mobility: 135,
} as const

export interface IpPacket {
  readonly protocol: number
  readonly source: string
  readonly target: string
  /** As far as it was captured, without the link's padding. */
  readonly payload: Uint8Array
  /** Of the payload as it was sent. */
  readonly bytes: number
  readonly fragment?: Fragment | undefined
}

export interface Fragment {
  readonly id: number
  readonly offset: number
  readonly more: boolean
}

/** Undefined: not whole enough, or no IP packet. */
export function readIp(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length === 0) return undefined
  const version = bytes[0]! >> 4
  return version === 4 ? readIpv4(bytes) : version === 6 ? readIpv6(bytes) : undefined
}

function readIpv4(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 20) return undefined
  const header = (bytes[0]! & 15) * 4
  // A length of zero is what a network card that cuts packets itself leaves in a capture on its own host.
  const total = u16(bytes, 2) || bytes.length
  if (header < 20 || header > bytes.length || total < header) return undefined
  const flags = u16(bytes, 6)
  const [offset, more] = [(flags & 0x1fff) * 8, (flags & 0x2000) !== 0]
  return {
    protocol: bytes[9]!,
    source: ipv4Text(bytes, 12),
    target: ipv4Text(bytes, 16),
    payload: bytes.subarray(header, total),
    bytes: total - header,
    ...((more || offset > 0) && { fragment: { id: u16(bytes, 4), offset, more } }),
  }
}

function readIpv6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 40) return undefined
  const end = 40 + (u16(bytes, 4) || bytes.length - 40)
  const ends = { source: formatIPv6(bytes.subarray(8, 24)), target: formatIPv6(bytes.subarray(24, 40)) }
  let next = bytes[6]!
  let at = 40
  let fragment: Fragment | undefined
  for (let count = 0; count < limits.extensionHeaders; count++) {
    if (next === extension.fragment) {
      if (at + 8 > Math.min(end, bytes.length)) return undefined
      const field = u16(bytes, at + 2)
      const [offset, more] = [field & 0xfff8, (field & 1) !== 0]
      next = bytes[at]!
      // RFC 8200 §4.5, RFC 6946: a fragment that is alone is the whole packet.
      if (more || offset > 0) fragment = { id: u32(bytes, at + 4), offset, more }
      at += 8
      // What follows in the first fragment is read when all are there.
      if (fragment !== undefined) break
      continue
    }
    const length = extensionBytes(next, bytes[at + 1])
    if (length === 0) break
    if (at + length > Math.min(end, bytes.length)) return undefined
    next = bytes[at]!
    at += length
  }
  const payload = bytes.subarray(at, end)
  return { protocol: next, ...ends, payload, bytes: end - at, ...(fragment && { fragment }) }
}

/** Zero: it is none of the headers that may be passed over. RFC 4302 §2.2 counts in fours, the others in eights. */
function extensionBytes(header: number, lengthField = 0): number {
  switch (header) {
    case extension.hopByHop:
    case extension.routing:
    case extension.destination:
    case extension.mobility:
      return (lengthField + 1) * 8
    case extension.authentication:
      return (lengthField + 2) * 4
    default:
      return 0
  }
}

/** Takes off the extension headers that a put-together IPv6 payload begins with. */
export function afterExtensions(
  first: number,
  payload: Uint8Array,
): { protocol: number; at: number } | undefined {
  let [next, at] = [first, 0]
  for (let count = 0; count < limits.extensionHeaders; count++) {
    const length = extensionBytes(next, payload[at + 1])
    if (length === 0) break
    if (at + length > payload.length) return undefined
    next = payload[at]!
    at += length
  }
  return { protocol: next, at }
}

const ipv4Text = (bytes: Uint8Array, at: number): string =>
  `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
