/** This machine's own addresses, and word when they change. */
import { networkInterfaces } from 'node:os'
import { canonicalAddress, type Family } from '../core/endpoint.ts'

export interface OwnAddress {
  readonly interface: string
  readonly address: string
  readonly family: Family
  readonly prefixLength: number
  readonly loopback: boolean
}

/**
 * Bridges and their ports that containers and virtual machines bring: nobody's phone is behind them. Docker numbers its
 * bridges (`br-3f1c09ab77de`); one that somebody named, such as OpenWrt's `br-lan`, is a network.
 */
const containerBridge =
  /^(docker|br-[0-9a-f]+$|veth|virbr|vnet|vboxnet|vmnet|lxcbr|lxdbr|incusbr|cni|cali|cilium|flannel|kube-|podman)/
export const isContainerBridge = (name: string): boolean => containerBridge.test(name)

type Infos = NonNullable<ReturnType<typeof networkInterfaces>[string]>

/** Without an address of its own kind (Ethernet's, Wi-Fi's): WireGuard, OpenVPN's tun, PPP to the provider. */
const isTunnel = (infos: Infos): boolean =>
  infos.every(({ mac, internal }) => mac === '00:00:00:00:00:00' && !internal)

/**
 * Own addresses without IPv6 link-local ones (they mean nothing without an interface), those first by which a phone most
 * likely reaches us: invitations and the page for phones name the first. `bind` limits them to the interfaces or
 * addresses it names; empty: all but container bridges. Loopback is always in.
 */
export function ownAddresses(
  bind: readonly string[],
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): OwnAddress[] {
  const found: OwnAddress[] = []
  for (const [name, infos] of Object.entries(interfaces)) {
    for (const info of infos ?? []) {
      const address = canonicalAddress(info.address)
      if (address === undefined || /^fe[89ab]/.test(address)) continue
      const wanted =
        bind.length > 0 ? bind.includes(name) || bind.includes(address) : !isContainerBridge(name)
      if (!wanted && !info.internal) continue
      const prefixLength = Number(info.cidr?.split('/')[1] ?? (info.family === 'IPv6' ? 64 : 24))
      found.push({
        interface: name,
        address,
        family: info.family === 'IPv6' ? 6 : 4,
        prefixLength,
        loopback: info.internal,
      })
    }
  }
  const order = (own: OwnAddress): string => {
    const kind = own.loopback ? 2 : isTunnel(interfaces[own.interface]!) ? 1 : 0
    return `${kind}${own.family}${rankOf(own.address)}${own.interface} ${own.address}`
  }
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/** RFC 3927 §2.11: not where there is another. RFC 4193 §1: unique-local ones stay, whatever the provider gives. */
function rankOf(address: string): number {
  if (address.includes(':')) return /^f[cd]/.test(address) ? 0 : 1
  return address.startsWith('169.254.') ? 1 : 0
}

/** A network this machine is on: one interface that is up, without loopback; IPv6 link-local addresses are in. */
export interface OwnLink {
  readonly name: string
  /** The system's number of the interface, another one after it was made anew; 0 where the system does not tell. */
  readonly index: number
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[]
}

/**
 * Like `ownAddresses`, by interface, and without tunnels that `bind` does not name: who is at home is not for a provider
 * or for the other end of a VPN to hear. An interface that `bind` names by its address has only that one and its
 * link-local ones.
 */
export function ownLinks(
  bind: readonly string[],
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): OwnLink[] {
  const wanted = ownAddresses(bind, interfaces).filter(own => !own.loopback)
  const names = [...new Set(wanted.map(own => own.interface))]
  const told = names.filter(name => bind.length > 0 || !isTunnel(interfaces[name]!))
  return told.map(name => {
    const infos = interfaces[name] ?? []
    const local = infos.flatMap(info => {
      const address = canonicalAddress(info.address)
      return address !== undefined && /^fe[89ab]/.test(address) ? [{ address, prefixLength: 64 }] : []
    })
    const addresses = wanted
      .filter(own => own.interface === name)
      .map(({ address, prefixLength }) => ({ address, prefixLength }))
    const index = infos.find(info => info.family === 'IPv6')?.scopeid ?? 0
    return { name, index, addresses: [...addresses, ...local] }
  })
}

export interface Interfaces {
  readonly addresses: readonly OwnAddress[]
  readonly links: readonly OwnLink[]
}

export function readInterfaces(bind: readonly string[]): Interfaces {
  const interfaces = networkInterfaces()
  return { addresses: ownAddresses(bind, interfaces), links: ownLinks(bind, interfaces) }
}

/**
 * Looks every `everyMilliseconds` and tells when anything is another than before: asking costs a fraction of a
 * millisecond, and nobody waits for a message that may not come. `known` is what the caller goes by: a lease that came
 * since then, while it was starting, is told as well. Where the system cannot tell (asking takes a descriptor, and there
 * may be none left) what is known stays. Returns what stops it.
 */
export function watchInterfaces(
  bind: readonly string[],
  known: Interfaces,
  onChange: (interfaces: Interfaces) => void,
  everyMilliseconds = 500,
  read = readInterfaces,
): () => void {
  let before = JSON.stringify(known)
  const timer = setInterval(() => {
    const interfaces = readIfTold(() => read(bind))
    if (interfaces === undefined) return
    const now = JSON.stringify(interfaces)
    if (now === before) return
    before = now
    onChange(interfaces)
  }, everyMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}

function readIfTold(read: () => Interfaces): Interfaces | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
