/** Addresses nobody may ever be relayed to, whatever else speaks for them. */
import { parseIPv4, parseIPv6 } from '../core/endpoint.ts'

/**
 * True for what is no single host of a network: unspecified, loopback, link-local (with it the metadata services),
 * multicast, reserved and broadcast, and every IPv6 form that stands for an IPv4 address.
 */
export function isNeverPeer(address: string): boolean {
  const quad = parseIPv4(address)
  if (quad) {
    const [a, b] = quad
    // RFC 7526: what was the 6to4 anycast prefix.
    const anycast = a === 192 && b === 88 && quad[2] === 99
    return a === 0 || a === 127 || (a === 169 && b === 254) || anycast || a >= 224
  }
  const octets = parseIPv6(address)
  if (octets === undefined) return true
  const starts = (...prefix: number[]): boolean => prefix.every((octet, index) => octets[index] === octet)
  return (
    // RFC 4291 §2.5.2, §2.5.3, §2.5.5: unspecified, loopback, compatible and mapped; ::/64 has no other use.
    starts(0, 0, 0, 0, 0, 0, 0, 0) ||
    // RFC 4291 §2.7.
    starts(0xff) ||
    // RFC 4291 §2.5.6, and the site-local addresses that RFC 3879 took away.
    (octets[0] === 0xfe && octets[1]! >= 0x80) ||
    // RFC 6052 §2.1, RFC 8215: NAT64. RFC 3056: 6to4. RFC 4380: Teredo.
    starts(0, 0x64, 0xff, 0x9b) ||
    starts(0x20, 0x02) ||
    starts(0x20, 0x01, 0, 0) ||
    // RFC 5214 §6.1: ISATAP interface identifiers carry an IPv4 address.
    ((octets[8]! & 0xfd) === 0 && octets[9] === 0 && octets[10] === 0x5e && octets[11] === 0xfe)
  )
}
