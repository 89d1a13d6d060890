/**
 * Which network an address is on, which addresses may be sent to for a party, and which own ones are relayed on. Only
 * from the addresses themselves: nothing is looked up.
 */
import {
  canonicalAddress,
  formatIPv6,
  isInSubnet,
  isLoopback,
  parseIPv4,
  parseIPv6,
  type Subnet,
} from '../core/endpoint.ts'
import type { PartyFlow, RelayPorts } from './ports.ts'

export type OwnAddress = ReturnType<RelayPorts['ownAddresses']>[number]
export type OwnAddresses = readonly OwnAddress[]

/**
 * Whether two parties are on one network: that of the own interface whose subnet holds the address, both families of it
 * together; else the configured one that does; else the address's own /24 or /64. This machine is on all of them.
 */
export function onSameNetwork(
  one: string,
  other: string,
  own: OwnAddresses,
  configured: readonly Subnet[],
): boolean {
  if (isHere(one, own) || isHere(other, own)) return true
  return networkOf(one, own, configured) === networkOf(other, own, configured)
}

function networkOf(address: string, own: OwnAddresses, configured: readonly Subnet[]): string {
  const attached = interfaceTowards(address, own)
  if (attached !== undefined) return `interface ${attached}`
  const named = narrowest(address, configured, each => each.network)
  if (named !== undefined) return `configured ${named.network}/${named.prefixLength}`
  const octets = parseIPv6(address)
  if (octets !== undefined) return `${formatIPv6(octets.fill(0, 8))}/64`
  return `${address.split('.').slice(0, 3).join('.')}.0/24`
}

/** The own interface whose subnet holds `address`, the narrowest where several do. */
function interfaceTowards(address: string, own: OwnAddresses): string | undefined {
  const attached = own.filter(each => !each.loopback)
  return narrowest(address, attached, each => each.address)?.interface
}

function narrowest<Each extends { readonly prefixLength: number }>(
  address: string,
  subnets: readonly Each[],
  networkOf: (each: Each) => string,
): Each | undefined {
  let best: Each | undefined
  for (const each of subnets) {
    if (!isInSubnet(address, networkOf(each), each.prefixLength)) continue
    if (best === undefined || each.prefixLength > best.prefixLength) best = each
  }
  return best
}

const isHere = (address: string, own: OwnAddresses): boolean =>
  isLoopback(address) || own.some(each => each.address === address)

/**
 * Whether what a party proved may be sent to by a relay: an address of another host, of its own, that stands for no
 * other address. A relay on a LAN reaches whatever the appliance does, so this is a list of what is let through.
 */
export function isProvable(address: string, own: OwnAddresses): boolean {
  if (canonicalAddress(address) !== address || isHere(address, own)) return false
  const quad = parseIPv4(address)
  if (quad !== undefined) return isHostOf4(quad) && !isBroadcastOf(address, own)
  const octets = parseIPv6(address)
  return octets !== undefined && isHostOf6(octets)
}

function isHostOf4([a, b, c]: readonly [number, number, number, number]): boolean {
  // RFC 1122 §3.2.1.3: "this" network and loopback. RFC 3927: link-local, where metadata services are.
  if (a === 0 || a === 127 || (a === 169 && b === 254)) return false
  // RFC 7526: the 6to4 anycast prefix. RFC 5771, RFC 1112 §4: multicast and reserved, limited broadcast included.
  return !(a === 192 && b === 88 && c === 99) && a < 224
}

/** The subnet's own address and its broadcast address (RFC 919 §7), where the subnet is known. */
function isBroadcastOf(address: string, own: OwnAddresses): boolean {
  return own.some(({ address: mine, prefixLength }) => {
    if (mine.includes(':') || prefixLength > 30 || !isInSubnet(address, mine, prefixLength)) return false
    const host = (numberOf(address) & (2 ** (32 - prefixLength) - 1)) >>> 0
    return host === 0 || host === 2 ** (32 - prefixLength) - 1
  })
}

const numberOf = (quad: string): number =>
  quad.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)

/**
 * RFC 4291 §2.4: global (2000::/3 is what is given out) and unique-local (RFC 4193) unicast, so neither multicast nor
 * link-local, nor anything of ::/8, where the unspecified, loopback, compatible, mapped, translated (RFC 7915) and NAT64
 * (RFC 6052, RFC 8215) addresses are. Nor one that holds an IPv4 address: 6to4 (RFC 3056 §2), Teredo (RFC 4380 §2.6),
 * ISATAP (RFC 5214 §6.1).
 */
function isHostOf6(octets: Uint8Array): boolean {
  const group = (index: number): number => (octets[2 * index]! << 8) | octets[2 * index + 1]!
  if ((octets[0]! & 0xe0) !== 0x20 && (octets[0]! & 0xfe) !== 0xfc) return false
  if (group(0) === 0x2002 || (group(0) === 0x2001 && group(1) === 0)) return false
  return !(group(5) === 0x5efe && (group(4) & 0xfdff) === 0)
}

/**
 * Own addresses on the interface by which this party is reached, the one its flow came to first. The other party's
 * relays are opened there, so that this one can send to them whether it relays or not.
 */
export function addressesTowards(flow: Pick<PartyFlow, 'remote' | 'local'>, own: OwnAddresses): string[] {
  const usable = own.filter(each => !each.loopback)
  const here = usable.find(each => each.address === flow.local)
  const name = here?.interface ?? interfaceTowards(flow.remote, own)
  const others = usable.filter(each => each !== here && (name === undefined || each.interface === name))
  return [...(here === undefined ? [] : [here]), ...others].map(each => each.address)
}
