/** Addresses as a check reads them: IPv4 and IPv6 text to bytes, subnets, kinds of networks. Pure; never throws. */
import type { Subnet } from './facts.ts'

/** 4 or 16 bytes; undefined for what is no address. A zone (`%eth0`) is left out. */
export function addressBytes(text: string): readonly number[] | undefined {
  const plain = text.replace(/^\[|\]$/g, '').split('%')[0]!
  return plain.includes(':') ? ipv6Bytes(plain) : ipv4Bytes(plain)
}

export const isAddress = (text: string): boolean => addressBytes(text) !== undefined

export function sameAddress(one: string, other: string): boolean {
  const [a, b] = [addressBytes(one), addressBytes(other)]
  return a !== undefined && b !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at])
}

export function isIn(address: string, { address: base, prefixLength }: Subnet): boolean {
  const [bytes, baseBytes] = [addressBytes(address), addressBytes(base)]
  if (bytes === undefined || baseBytes === undefined || bytes.length !== baseBytes.length) return false
  return bytes.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefixLength - at * 8))
    const mask = (0xff << (8 - bits)) & 0xff
    return (byte & mask) === (baseBytes[at]! & mask)
  })
}

/** `10.77.0.0/24`. */
export function subnetName({ address, prefixLength }: Subnet): string {
  const bytes = addressBytes(address)
  if (bytes?.length !== 4) return `${address}/${prefixLength}`
  const base = bytes.map((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefixLength - at * 8))
    return byte & (0xff << (8 - bits)) & 0xff
  })
  return `${base.join('.')}/${prefixLength}`
}

/** `shared`: RFC 6598, which overlay VPNs use as well. `private`: RFC 1918 and RFC 4193. */
export type AddressKind = 'loopback' | 'linkLocal' | 'private' | 'shared' | 'public'

export function kindOf(address: string): AddressKind | undefined {
  const bytes = addressBytes(address)
  if (bytes === undefined) return undefined
  const within = (base: string, prefixLength: number) => isIn(address, { address: base, prefixLength })
  if (within('127.0.0.0', 8) || within('::1', 128)) return 'loopback'
  if (within('169.254.0.0', 16) || within('fe80::', 10)) return 'linkLocal'
  if (within('10.0.0.0', 8) || within('172.16.0.0', 12) || within('192.168.0.0', 16) || within('fc00::', 7))
    return 'private'
  return within('100.64.0.0', 10) ? 'shared' : 'public'
}

/** RFC 6761 §6.3. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || kindOf(host) === 'loopback'

function ipv4Bytes(text: string): readonly number[] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.every(byte => byte <= 255) ? bytes : undefined
}

/** RFC 4291 §2.2. An IPv4-mapped address is the IPv4 address in it (§2.5.5.2). */
function ipv6Bytes(text: string): readonly number[] | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)
  if (mapped) return ipv4Bytes(mapped[1]!)
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(half => (half === '' ? [] : half.split(':')))
  const gap = 8 - head!.length - (tail?.length ?? 0)
  if (tail === undefined ? gap !== 0 : gap < 1) return undefined
  const groups = [...head!, ...Array.from({ length: tail ? gap : 0 }, () => '0'), ...(tail ?? [])]
  if (!groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return groups.flatMap(group => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
