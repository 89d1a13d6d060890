/**
 * What the appliance's authority may vouch for, and nothing beyond: names and addresses that exist only on a LAN. So
 * whoever trusts it risks nothing elsewhere, even should the intermediate's key be stolen from the appliance.
 */
import { parseIPv4, parseIPv6 } from '../core/endpoint.ts'

/** Names below these, and these themselves. The appliance's own bare name joins them when the authority is made. */
export const localDomains = ['local', 'lan', 'home.arpa'] as const

interface Range {
  readonly address: string
  readonly prefixBits: number
}

/** RFC 1918, link-local (RFC 3927, RFC 4291 §2.5.6), unique local (RFC 4193). */
const localRanges: readonly Range[] = [
  { address: '10.0.0.0', prefixBits: 8 },
  { address: '172.16.0.0', prefixBits: 12 },
  { address: '192.168.0.0', prefixBits: 16 },
  { address: '169.254.0.0', prefixBits: 16 },
  { address: 'fc00::', prefixBits: 7 },
  { address: 'fe80::', prefixBits: 10 },
]

export const isPermittedName = (name: string, domains: readonly string[]): boolean =>
  domains.some(domain => name === domain || name.endsWith(`.${domain}`))

export function isPermittedAddress(address: string): boolean {
  const octets = octetsOf(address)
  if (octets === undefined) return false
  return localRanges.some(range => {
    const base = octetsOf(range.address)!
    const mask = maskOf(range)
    return base.length === octets.length && octets.every((octet, i) => (octet & mask[i]!) === base[i])
  })
}

/**
 * RFC 5280 §4.2.1.10 NameConstraints with permitted subtrees only, as DER: DNS names as given, addresses as network
 * and mask.
 */
export function nameConstraints(domains: readonly string[]): Uint8Array<ArrayBuffer> {
  const subtrees = [
    ...domains.map(domain => der(0x30, der(0x82, new TextEncoder().encode(domain)))),
    ...localRanges.map(range => der(0x30, der(0x87, octetsOf(range.address)!, maskOf(range)))),
  ]
  return der(0x30, der(0xa0, ...subtrees))
}

function maskOf(range: Range): Uint8Array {
  const octets = new Uint8Array(octetsOf(range.address)!.length)
  for (let bit = 0; bit < range.prefixBits; bit++) octets[bit >> 3]! |= 0x80 >> (bit & 7)
  return octets
}

function octetsOf(address: string): Uint8Array | undefined {
  const quad = parseIPv4(address)
  return quad ? Uint8Array.from(quad) : parseIPv6(address)
}

/** One DER element with the given identifier octet (X.690 §8.1); lengths below 65,536. */
function der(identifier: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, part) => sum + part.length, 0)
  const head = [
    identifier,
    ...(length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]),
  ]
  const bytes = new Uint8Array(head.length + length)
  bytes.set(head)
  let offset = head.length
  for (const part of contents) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
