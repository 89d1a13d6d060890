/** Under which names and addresses this appliance is known: to web pages, to SIP, and on its certificate. */
import { canonicalAddress, isInSubnet, isLoopback } from '../core/endpoint.ts'
import { namesHost } from '../core/host-name.ts'
import type { OwnAddress } from './interfaces.ts'

/** Local domains in which routers and mDNS give a host's bare name. */
const domains = ['local', 'lan', 'home.arpa']

export class OwnNames {
  readonly #machineName: string
  #hostname: string
  /** Those it went by before, since this process began: dialogs and pages may still use them. */
  #formerNames: ReadonlySet<string> = new Set()
  readonly #limited: boolean
  #addresses: readonly OwnAddress[]
  #certified: readonly string[] = []
  #hosts: ReadonlySet<string>

  /**
   * `hostname` is the configured bare name, `machineName` what the operating system is called. `limited` says that
   * the configuration names the addresses to be reachable on.
   */
  constructor(options: {
    readonly hostname: string
    readonly machineName: string
    readonly addresses: readonly OwnAddress[]
    readonly limited: boolean
  }) {
    this.#hostname = options.hostname
    this.#machineName = options.machineName.split('.', 1)[0]!.toLowerCase()
    this.#limited = options.limited
    this.#addresses = options.addresses
    this.#hosts = this.#allHosts()
  }

  /** The bare name it goes by now. */
  get hostname(): string {
    return this.#hostname
  }

  hostnameChanged(hostname: string): void {
    this.#formerNames = new Set([...this.#formerNames, ...withDomains(this.#hostname)].slice(-formerNames))
    this.#hostname = hostname
    this.#hosts = this.#allHosts()
  }

  /** Names of a certificate that the owner brought, `*.` among them: whoever holds its key is called so. */
  certifiedChanged(names: readonly string[]): void {
    this.#certified = names
  }

  get addresses(): readonly OwnAddress[] {
    return this.#addresses
  }

  addressesChanged(addresses: readonly OwnAddress[]): void {
    this.#addresses = addresses
    this.#hosts = this.#allHosts()
  }

  /** True for own names, with or without local domain or certified by the owner, own addresses, and `localhost`. No port, no brackets. */
  isOwnHost(host: string): boolean {
    return (
      this.#hosts.has(host) ||
      this.#hosts.has(canonicalAddress(host) ?? host.toLowerCase()) ||
      this.#certified.some(name => namesHost(name, host))
    )
  }

  /** By which devices beside this one reach us: on its own network where we are on it, else the likeliest. */
  addressBeside(peer: string): string | undefined {
    const lan = this.#addresses.filter(own => !own.loopback)
    const beside = lan.find(own => isInSubnet(peer, own.address, own.prefixLength))
    return (lan.find(own => own.interface === beside?.interface) ?? lan[0])?.address
  }

  /**
   * True where a router gives the bare name in a domain of its own (`lanline.fritz.box`): enough for phones, which were sent
   * here by whoever set them up, but not for pages (DNS rebinding).
   */
  isCalled(host: string): boolean {
    const dot = host.indexOf('.')
    return (
      dot > 0 && canonicalAddress(host) === undefined && this.#hosts.has(host.slice(0, dot).toLowerCase())
    )
  }

  /** False for connections that came to an address which `net.bind` or a container bridge excludes. */
  isBound(address: string): boolean {
    if (this.#hosts.has(address) || isLoopback(address)) return true
    // Link-local addresses belong to every interface and are in no list.
    return !this.#limited && /^fe[89ab]/.test(address)
  }

  /** True for this computer itself and for hosts on the networks it has an address in. */
  isAttached(peer: string): boolean {
    if (isLoopback(peer) || /^fe[89ab]/.test(peer)) return true
    return this.#addresses.some(own => isInSubnet(peer, own.address, own.prefixLength))
  }

  /** For the certificate. */
  subjects(): { readonly names: readonly string[]; readonly addresses: readonly string[] } {
    return { names: [...this.#names()], addresses: this.#addresses.map(own => own.address) }
  }

  #allHosts(): ReadonlySet<string> {
    const addresses = this.#addresses.map(own => own.address)
    return new Set([...this.#names(), ...this.#formerNames, 'localhost', ...addresses])
  }

  #names(): ReadonlySet<string> {
    return new Set([this.#hostname, this.#machineName].filter(name => name !== '').flatMap(withDomains))
  }
}

/** Enough for five renamings. */
const formerNames = 20

const withDomains = (name: string): string[] => [name, ...domains.map(domain => `${name}.${domain}`)]
