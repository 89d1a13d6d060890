/**
 * What the appliance's authority may vouch for, and nothing beyond: names and addresses that exist only on a LAN. So
 * whoever trusts it risks nothing elsewhere, even should the intermediate's key be stolen from the appliance.
 */
import { parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { StoredAuthority } from './ports.ts'

/** Names below these, and these themselves. The appliance's own bare name joins them when the authority is made. */
export const localDomains = ['local', 'lan', 'home.arpa'] as const

export const nameConstraintsOid = '2.5.29.30'
/** The same, and where it begins in a certificate: an element of type OBJECT IDENTIFIER (X.690 §8.19). */
const encodedOid = Uint8Array.from([0x06, 0x03, 0x55, 0x1d, 0x1e])

/** What a leaf is to vouch for. Names are DNS names, addresses canonical text. */
export interface Subjects {
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}

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

/** What of `subjects` this authority may vouch for, without doubles. */
export function permittedSubjects({ root }: Pick<StoredAuthority, 'root'>, subjects: Subjects): Subjects {
  const domains = permittedDomains(root)
  return {
    names: unique(subjects.names.map(name => name.toLowerCase())).filter(name =>
      isPermittedName(name, domains),
    ),
    addresses: unique(subjects.addresses).filter(isPermittedAddress),
  }
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

/** Read back from the root itself: the bare name it was made with may differ from today's configuration. */
function permittedDomains(root: Uint8Array): string[] {
  const bytes = Buffer.from(root)
  const at = bytes.indexOf(encodedOid)
  if (at < 0) return []
  let offset = at + encodedOid.length
  // RFC 5280 §4.1: critical, a BOOLEAN, may stand before the OCTET STRING.
  if (bytes[offset] === 0x01) offset += 3
  const value = elementAt(bytes, offset)
  const domains: string[] = []
  // SEQUENCE, then [0]; each subtree is SEQUENCE { [2] name } or SEQUENCE { [7] range }.
  let subtree = elementAt(bytes, elementAt(bytes, value.begin).begin).begin
  while (subtree < value.end) {
    const base = elementAt(bytes, subtree)
    const name = elementAt(bytes, base.begin)
    if (bytes[base.begin] === 0x82) domains.push(bytes.toString('latin1', name.begin, name.end))
    subtree = base.end
  }
  return domains
}

/** Where the contents of the DER element at `offset` lie: within `bytes`, whatever a worn card gives back. */
function elementAt(bytes: Uint8Array, offset: number): { begin: number; end: number } {
  const first = bytes[offset + 1] ?? 0
  const begin = offset + 2 + (first < 128 ? 0 : first & 0x7f)
  const length = bytes.subarray(offset + 2, begin).reduce((sum, octet) => sum * 256 + octet, 0)
  return { begin, end: Math.min(begin + (first < 128 ? first : length), bytes.length) }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)]

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
