/** Addresses and ports, as values: how they are written, compared and classified. No look-ups of any kind. */

const dot = 0x2e
const zero = 0x30
const nine = 0x39

export type Family = 4 | 6

/** One end of a transport: an IP address in its canonical text form (no brackets, no zone) and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4
}

/** Whether it is exactly one dotted quad (no leading zeros, RFC 6943 §3.1.1). */
export function isIPv4(text: string): boolean {
  if (text.length < 7 || text.length > 15) return false
  let octets = 0
  let octet = 0
  let digits = 0
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : dot
    if (code === dot) {
      if (digits === 0 || octet > 255) return false
      octets++
      octet = 0
      digits = 0
    } else {
      if (code < zero || code > nine || (digits > 0 && octet === 0)) return false
      octet = octet * 10 + code - zero
      digits++
    }
  }
  return octets === 4
}

/** The four octets of a dotted quad; undefined for anything else. */
export function parseIPv4(text: string): readonly [number, number, number, number] | undefined {
  if (!isIPv4(text)) return undefined
  const octets: [number, number, number, number] = [0, 0, 0, 0]
  let place = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === dot) place++
    else octets[place] = octets[place]! * 10 + code - zero
  }
  return octets
}

/** The sixteen octets of an IPv6 address (RFC 4291 §2.2, zone removed), or undefined. */
export function parseIPv6(text: string): Uint8Array | undefined {
  const zone = text.indexOf('%')
  const bare = zone >= 0 ? text.slice(0, zone) : text
  if (bare.length < 2 || bare.length > 45) return undefined
  const halves = bare.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail]
  const octets = new Uint8Array(16)
  groups.forEach((group, index) => {
    octets[2 * index] = group >> 8
    octets[2 * index + 1] = group & 0xff
  })
  return octets
}

/** The one text form of an address (RFC 5952; IPv4-mapped IPv6 becomes IPv4), or undefined when it is not an address. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  const octets = parseIPv6(text)
  if (octets === undefined) return undefined
  if (octets.subarray(0, 10).every(octet => octet === 0) && octets[10] === 0xff && octets[11] === 0xff) {
    return octets.subarray(12).join('.')
  }
  return formatIPv6(octets)
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
export function formatIPv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (octets[2 * index]! << 8) | octets[2 * index + 1]!)
  let start = -1
  let length = 1
  for (let index = 0; index < 8; index++) {
    let end = index
    while (end < 8 && groups[end] === 0) end++
    if (end - index > length) {
      start = index
      length = end - index
    }
    if (end > index) index = end
  }
  const hex = groups.map(group => group.toString(16))
  if (start < 0) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** Whom limits by source count as one: an IPv4 address, an IPv6 /64. */
export function sourceOf(address: string): string {
  const octets = address.includes(':') ? parseIPv6(address) : undefined
  return octets === undefined ? address : `${formatIPv6(octets.fill(0, 8))}/64`
}

export function isLoopback(address: string): boolean {
  const canonical = canonicalAddress(address)
  return canonical !== undefined && (canonical === '::1' || canonical.startsWith('127.'))
}

/** Whether `address` is in the subnet that `network`/`prefixLength` names; false when either is no address. */
export function isInSubnet(address: string, network: string, prefixLength: number): boolean {
  const one = octetsOf(address)
  const other = octetsOf(network)
  if (one === undefined || other === undefined || one.length !== other.length) return false
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const mask = (0xff << Math.max(0, 8 - (prefixLength - bit))) & 0xff
    if ((one[bit >> 3]! & mask) !== (other[bit >> 3]! & mask)) return false
  }
  return true
}

/** The addresses that share their first `prefixLength` bits with `network`. */
export interface Subnet {
  readonly network: string
  readonly prefixLength: number
}

/** CIDR: `10.20.0.0/16`, `fd00:20::/64` (RFC 4632 §3.1, RFC 4291 §2.3); undefined when it is none. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', bits = '', ...rest] = text.split('/')
  const network = canonicalAddress(address)
  if (network === undefined || address.includes('%') || !/^[0-9]{1,3}$/.test(bits) || rest.length > 0) {
    return undefined
  }
  const prefixLength = Number(bits)
  return prefixLength <= (network.includes(':') ? 128 : 32) ? { network, prefixLength } : undefined
}

function octetsOf(address: string): ArrayLike<number> | undefined {
  const canonical = canonicalAddress(address) ?? ''
  return parseIPv4(canonical) ?? parseIPv6(canonical)
}

function groupsOf(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (mayEndInQuad && index === parts.length - 1 && part.includes('.')) {
      const quad = parseIPv4(part)
      if (quad === undefined) return undefined
      groups.push((quad[0] << 8) | quad[1], (quad[2] << 8) | quad[3])
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups.length <= 8 ? groups : undefined
}
