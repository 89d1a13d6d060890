/** Names: how they are compared, made, and changed when somebody else has them. Pure. */
import { familyOf, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import { limits } from './codec.ts'
import type { Name } from './message.ts'

export const hostNameOf = (hostname: string): Name => [hostname, 'local']
export const typeNameOf = ([service, protocol]: readonly [string, string]): Name => [
  service,
  protocol,
  'local',
]
/** RFC 6763 §9: lists the types of services. */
export const metaName: Name = ['_services', '_dns-sd', '_udp', 'local']

/** Equal for names that are the same: ASCII letters count alike in either case, all else as it is (RFC 6762 §16). */
export const keyOf = (name: Name): string =>
  JSON.stringify(name.map(label => label.replace(/[A-Z]/g, letter => letter.toLowerCase())))

/** The name under which an address is looked up in reverse (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseNameOf(address: string): Name {
  if (familyOf(address) === 4) {
    return [...parseIPv4(address)!].reverse().map(String).concat('in-addr', 'arpa')
  }
  const digits = [...parseIPv6(address)!].flatMap(octet => [octet >> 4, octet & 15])
  return digits
    .reverse()
    .map(digit => digit.toString(16))
    .concat('ip6', 'arpa')
}

/** RFC 6762 §9: `lanline` → `lanline-2` → `lanline-3`. */
export function nextHostname(hostname: string): string {
  const match = /^(.*)-([0-9]{1,6})$/.exec(hostname)
  const suffix = `-${match ? Number(match[2]) + 1 : 2}`
  return cut(match ? match[1]! : hostname, limits.labelBytes - suffix.length) + suffix
}

/** RFC 6763 appendix D: `Ann` → `Ann (2)` → `Ann (3)`. */
export function nextInstance(instance: string): string {
  const match = /^(.*) \(([0-9]{1,6})\)$/s.exec(instance)
  const suffix = ` (${match ? Number(match[2]) + 1 : 2})`
  return cut(match ? match[1]! : instance, limits.labelBytes - suffix.length) + suffix
}

/** A label that fits: cut to so many bytes of UTF-8 without halving a character, and without control characters. */
export function labelOf(text: string): string {
  // RFC 6763 §4.1.1: no ASCII control characters.
  const clean = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\u0000-\u001f\u007f]/g, '')
  return cut(clean, limits.labelBytes) || '-'
}

function cut(text: string, bytes: number): string {
  let cut = text
  while (Buffer.byteLength(cut) > bytes) cut = [...cut].slice(0, -1).join('')
  return cut
}
