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
        bind.length > 0 ? bind.includes(name) || bind.includes(address) : !containerBridge.test(name)
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

/** Looks every `everyMilliseconds` and tells when the list is another than before. Returns what stops it. */
export function watchAddresses(
  bind: readonly string[],
  onChange: (addresses: readonly OwnAddress[]) => void,
  everyMilliseconds = 3_000,
): () => void {
  let before = JSON.stringify(ownAddresses(bind))
  const timer = setInterval(() => {
    const addresses = ownAddresses(bind)
    const now = JSON.stringify(addresses)
    if (now === before) return
    before = now
    onChange(addresses)
  }, everyMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
