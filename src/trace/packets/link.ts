/** From a frame to the IP packet in it: where it begins, by link type, with VLAN tags taken off. */
import { limits, linkType } from './message.ts'
import { u16, u32 } from './queue.ts'

const etherType = { ipv4: 0x0800, ipv6: 0x86dd } as const
/** IEEE 802.1Q, 802.1ad, and what was used for the latter before. */
const tags: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])

/** The IP packet, whose own first bits say which version; or why there is none. */
export function ipOf(type: number, frame: Uint8Array): Uint8Array | 'linkTypes' | 'notIp' {
  switch (type) {
    case linkType.ethernet:
      return afterEtherType(frame, 12)
    // draft-ietf-opsawg-pcaplinktype: the protocol is the last field of sixteen bytes, or the first of twenty.
    case linkType.linuxCooked:
      return afterEtherType(frame, 14)
    case linkType.linuxCooked2:
      return afterEtherType(frame, 0, 20)
    case linkType.raw:
    case linkType.ipv4:
    case linkType.ipv6:
      return frame
    case linkType.null:
    case linkType.loop:
      return isIpFamily(frame) ? frame.subarray(4) : 'notIp'
    default:
      return 'linkTypes'
  }
}

function afterEtherType(frame: Uint8Array, at: number, begin = at + 2): Uint8Array | 'notIp' {
  let [field, payload] = [at, begin]
  for (let count = 0; count <= limits.vlanTags; count++) {
    if (field + 2 > frame.length) return 'notIp'
    const type = u16(frame, field)
    if (type === etherType.ipv4 || type === etherType.ipv6) return frame.subarray(payload)
    if (!tags.has(type)) return 'notIp'
    // A tag is four bytes, of which the last two are the next type.
    field = payload + 2
    payload += 4
  }
  return 'notIp'
}

/**
 * Four bytes with the capturing system's number of an address family, for link type 0 in that system's byte order: 2 is
 * IPv4 everywhere, IPv6 is 10 (Linux), 24, 28 or 30 (BSD, macOS).
 */
function isIpFamily(frame: Uint8Array): boolean {
  if (frame.length < 4) return false
  const family = Math.min(u32(frame, 0), u32(frame, 0, true))
  return [2, 10, 24, 28, 30].includes(family)
}
