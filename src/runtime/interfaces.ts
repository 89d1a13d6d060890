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

/** Bridges and their ports that containers and virtual machines bring: nobody's phone is behind them. */
const containerBridge = /^(docker|br-|veth|virbr|lxcbr|lxdbr|cni|flannel|podman)/
export const isContainerBridge = (name: string): boolean => containerBridge.test(name)

/**
 * Own addresses, sorted, without IPv6 link-local ones (they mean nothing without an interface). `bind` limits them to
 * the interfaces or addresses it names; empty: all but container bridges. Loopback is always in.
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
  const order = (own: OwnAddress): string =>
    `${own.loopback ? 1 : 0}${own.family}${own.interface} ${own.address}`
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/** A network this machine is on: one interface that is up, without loopback; IPv6 link-local addresses are in. */
export interface OwnLink {
  readonly name: string
  /** The system's number of the interface, another one after it was made anew; 0 where the system does not tell. */
  readonly index: number
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[]
}

/** Like `ownAddresses`, by interface. An interface that `bind` names by its address has only that one and its link-local ones. */
export function ownLinks(
  bind: readonly string[],
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): OwnLink[] {
  const wanted = ownAddresses(bind, interfaces).filter(own => !own.loopback)
  return [...new Set(wanted.map(own => own.interface))].map(name => {
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
 * since then, while it was starting, is told as well. Returns what stops it.
 */
export function watchInterfaces(
  bind: readonly string[],
  known: Interfaces,
  onChange: (interfaces: Interfaces) => void,
  everyMilliseconds = 500,
): () => void {
  let before = JSON.stringify(known)
  const timer = setInterval(() => {
    const interfaces = readInterfaces(bind)
    const now = JSON.stringify(interfaces)
    if (now === before) return
    before = now
    onChange(interfaces)
  }, everyMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
