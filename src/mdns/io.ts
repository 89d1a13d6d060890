/**
 * The rim of the advertiser. For each family one socket on the wildcard address hears all links; what it hears is told
 * apart by its source, since Node does not say on which interface a datagram came. For each link and family one more
 * socket, bound to an own address there, speaks on that link and hears what is sent to that address alone.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { canonicalAddress, type Family, familyOf, isInSubnet } from '../core/endpoint.ts'
import type { OwnLink } from '../runtime/interfaces.ts'
import { groups, type Link, type MdnsEffect, type MdnsInput, mdnsPort } from './message.ts'

/** What the machine can ask of the rim. */
export type SendEffect = Extract<MdnsEffect, { kind: 'send' }>

export interface MdnsIoOptions {
  readonly input: (input: MdnsInput) => void
  /** A socket could not be opened or failed; `undefined` when all is well. Told after each attempt. */
  readonly onState: (trouble: MdnsTrouble | undefined) => void
  readonly onNote: (reason: string, detail: string) => void
}

export interface MdnsTrouble {
  readonly detail: string
  /** Another program has the port and lets nobody share it. */
  readonly held: boolean
}

interface Speaker {
  readonly link: OwnLink
  readonly sockets: Map<Family, Socket>
}

/** RFC 6762 §11: so that nothing from farther away can look like it. */
const hops = 255
const retryMilliseconds = 1_000

export class MdnsIo {
  readonly #options: MdnsIoOptions
  readonly #listeners = new Map<Family, Socket>()
  readonly #speakers = new Map<string, Speaker>()
  #wanted: readonly OwnLink[] = []
  #retry: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: MdnsIoOptions) {
    this.#options = options
  }

  /** Opens, closes and joins what these links need, then tells the machine of those that work. */
  update(links: readonly OwnLink[]): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#update(links))
      .catch(error => this.#options.onState(troubleOf(error)))
    return this.#turn
  }

  /** Leaves the port to others; the machine is told that it is on no link. */
  release(): Promise<void> {
    this.#turn = this.#turn
      .then(() => {
        this.#wanted = []
        clearTimeout(this.#retry)
        this.#closeAll()
        this.#options.input({ kind: 'links', links: [] })
      })
      .catch(error => this.#options.onNote('socket', String(error)))
    return this.#turn
  }

  carryOut(effect: SendEffect): void {
    const to = effect.to
    const family = typeof to === 'number' ? to : familyOf(to.address)
    const socket = this.#speakers.get(effect.link)?.sockets.get(family)
    if (socket === undefined) return
    const [address, port] = typeof to === 'number' ? [groups[to], mdnsPort] : [to.address, to.port]
    const scoped = isScoped(address) ? `${address}%${effect.link}` : address
    socket.send(effect.bytes, port, scoped, error => {
      if (error) this.#options.onNote('send', error.message)
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    // What is just being opened goes too.
    this.#turn = this.#turn.then(() => this.#closeAll())
  }

  #closeAll(): void {
    for (const { sockets } of this.#speakers.values()) for (const socket of sockets.values()) socket.close()
    for (const socket of this.#listeners.values()) socket.close()
    this.#speakers.clear()
    this.#listeners.clear()
  }

  async #update(links: readonly OwnLink[]): Promise<void> {
    if (this.#closed) return
    this.#wanted = links
    clearTimeout(this.#retry)
    for (const [name, { link }] of this.#speakers) {
      if (!links.some(other => JSON.stringify(other) === JSON.stringify(link))) this.#leave(name)
    }
    let trouble: MdnsTrouble | undefined
    let incomplete = false
    for (const link of links) {
      const known = this.#speakers.get(link.name)
      const sockets = known?.sockets ?? new Map<Family, Socket>()
      if (known === undefined) this.#speakers.set(link.name, { link, sockets })
      for (const address of speakingAddresses(link)) {
        if (sockets.has(familyOf(address))) continue
        try {
          sockets.set(familyOf(address), await this.#join(link, address))
        } catch (error) {
          incomplete = true
          const found = troubleOf(error)
          // RFC 4862 §5.4: an IPv6 address is not to be had in its first seconds. Nobody needs to hear of it meanwhile.
          if (isNotYet(error) && sockets.size > 0) continue
          if (trouble === undefined || (found.held && !trouble.held)) {
            trouble = { ...found, detail: `${link.name}: ${found.detail}` }
          }
        }
      }
    }
    if (this.#closed) return
    // A port that somebody holds may be free later.
    if (incomplete) this.#retrySoon()
    this.#options.onState(trouble)
    this.#options.input({ kind: 'links', links: this.#working() })
  }

  #retrySoon(): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.update(this.#wanted), retryMilliseconds)
  }

  /** Links and their addresses, as far as there is a socket for their family. */
  #working(): Link[] {
    return [...this.#speakers.values()]
      .map(({ link: { name, addresses }, sockets }) => ({
        name,
        addresses: addresses.filter(own => sockets.has(familyOf(own.address))),
      }))
      .filter(({ addresses }) => addresses.length > 0)
  }

  async #join(link: OwnLink, address: string): Promise<Socket> {
    const family = familyOf(address)
    const listener = await this.#listener(family)
    const membership = family === 4 ? address : `::%${link.name}`
    // Whoever heard this link before it was changed may still be a member.
    quietly(() => listener.dropMembership(groups[family], membership))
    listener.addMembership(groups[family], membership)
    return this.#speaker(link, address, family)
  }

  #leave(name: string): void {
    const speaker = this.#speakers.get(name)
    this.#speakers.delete(name)
    for (const [family, socket] of speaker?.sockets ?? []) {
      const address = speaker!.link.addresses.find(own => familyOf(own.address) === 4)?.address
      const membership = family === 4 ? address : `::%${name}`
      quietly(() => this.#listeners.get(family)?.dropMembership(groups[family], membership))
      socket.close()
    }
  }

  async #listener(family: Family): Promise<Socket> {
    const known = this.#listeners.get(family)
    if (known !== undefined) return known
    const socket = await open(family, family === 4 ? '0.0.0.0' : '::')
    socket.on('message', (bytes, from) => this.#heard(bytes, from, undefined))
    socket.on('error', error => {
      this.#listeners.delete(family)
      socket.close()
      this.#options.onState(troubleOf(error))
      // Its memberships are gone with it.
      for (const name of [...this.#speakers.keys()]) this.#leave(name)
      this.#retrySoon()
    })
    this.#listeners.set(family, socket)
    return socket
  }

  async #speaker(link: OwnLink, address: string, family: Family): Promise<Socket> {
    const socket = await open(family, isScoped(address) ? `${address}%${link.name}` : address)
    socket.setMulticastInterface(family === 4 ? address : `::%${link.name}`)
    socket.setMulticastTTL(hops)
    socket.setTTL(hops)
    // Resolvers on this very machine want to hear us too.
    socket.setMulticastLoopback(true)
    socket.on('message', (bytes, from) => this.#heard(bytes, from, link.name))
    socket.on('error', error => {
      this.#options.onNote('socket', error.message)
      this.#leave(link.name)
      this.#retrySoon()
    })
    return socket
  }

  /** `link` is given where a datagram came to an address of our own. */
  #heard(bytes: Buffer, from: RemoteInfo, link: string | undefined): void {
    const [plain, scope] = from.address.split('%')
    const address = canonicalAddress(plain!)
    // RFC 768: nobody is at port 0; Node throws where an answer is tried.
    if (address === undefined || from.port === 0) return
    const name = link ?? scope ?? this.#linkOf(address)
    // RFC 6762 §11: from no network of ours.
    if (name === undefined || !this.#speakers.has(name)) return this.#options.onNote('offLink', address)
    const source = { address, port: from.port }
    this.#options.input({ kind: 'packet', link: name, source, multicast: link === undefined, bytes })
  }

  #linkOf(address: string): string | undefined {
    for (const [name, { link }] of this.#speakers) {
      if (link.addresses.some(own => isInSubnet(address, own.address, own.prefixLength))) return name
    }
    return undefined
  }
}

const troubleOf = (error: unknown): MdnsTrouble => ({
  detail: error instanceof Error ? error.message : String(error),
  held: (error as NodeJS.ErrnoException)?.code === 'EADDRINUSE',
})

const isNotYet = (error: unknown): boolean => (error as NodeJS.ErrnoException)?.code === 'EADDRNOTAVAIL'

/** One of each family: for IPv6 the link-local address, which mDNS speaks from. */
function speakingAddresses(link: OwnLink): readonly string[] {
  const all = link.addresses.map(({ address }) => address)
  return [all.find(address => familyOf(address) === 4), all.find(isScoped)].filter(own => own !== undefined)
}

/** Addresses that mean nothing without an interface. */
const isScoped = (address: string): boolean => /^(fe[89ab]|ff02)/.test(address)

function open(family: Family, address: string): Promise<Socket> {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    // Other responders and resolvers of this machine may be there as well.
    reuseAddr: true,
    ipv6Only: family === 6,
    recvBufferSize: 262_144,
    lookup: (host, _options, done) => done(null, host, familyOf(host)),
  })
  return new Promise((resolve, reject) => {
    socket.once('error', error => {
      socket.close()
      reject(error)
    })
    socket.bind({ address, port: mdnsPort, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // The interface or the socket is gone already.
  }
}
