/**
 * Media on the simulated network. A peer connection here has an `RTCPeerConnection`'s outside, as far as the client
 * library uses it (W3C WebRTC, JSEP: RFC 9429): two of them connect when each has applied the other's description and one
 * knows a candidate of the other that is reached; media then flows and the data channel carries words. An ICE restart
 * makes new credentials, beside which the old pair goes on until the new one stands. A cut is admitted as late as
 * Chromium does. Left out: codecs, DTLS, and all media but the count of its packets.
 */
import type { RelayServer } from '../../src/relay/message.ts'
import type { SimNetwork } from './network.ts'
import { SimPeerConnection } from './peer-connection.ts'
import type { SimRelay } from './relay.ts'

/** Where a client or a telephone runs. */
export interface SimHost {
  readonly name: string
  address: string
}

/** Whether the page of a connection is there, and runs. */
export interface LivingPage {
  readonly isAlive: boolean
  readonly isAsleep: boolean
  /** Runs it as soon as the page is awake; never, if it is gone. */
  awake(run: () => void): void
}

/** One set of ICE credentials, and what was gathered for it. */
export interface Generation {
  readonly ufrag: string
  readonly host: SimHost
  /** Undefined: a telephone's, which takes whoever checks it. */
  readonly owner: SimPeerConnection | undefined
  readonly address: string
  readonly port: number
  /** Candidate lines so far, without `a=`. */
  readonly lines: string[]
  relay: string | undefined
  /** It still takes and sends media. */
  isOpen(): boolean
}

export interface MediaPath {
  readonly kind: 'host' | 'relay'
  readonly local: Generation
  readonly remote: Generation
}

export class SimAir {
  readonly network: SimNetwork
  readonly relay: SimRelay
  readonly connections = new Set<SimPeerConnection>()
  readonly generations = new Map<string, Generation>()
  /** Two hosts that are on different /24 reach each other. */
  routed = true
  readonly #cuts = new Map<string, number>()
  #serial = 0

  constructor(network: SimNetwork, relay: SimRelay) {
    this.network = network
    this.relay = relay
  }

  /** The class for one page. */
  connectionClass(host: SimHost, page: LivingPage): typeof RTCPeerConnection {
    const air = this
    return class extends SimPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(air, host, page, configuration)
      }
    } as unknown as typeof RTCPeerConnection
  }

  generation(host: SimHost, owner: SimPeerConnection | undefined, isOpen: () => boolean): Generation {
    const serial = ++this.#serial
    const port = 10_000 + serial
    const made: Generation = {
      ...{
        ufrag: `u${serial}`,
        host,
        owner,
        address: host.address,
        port,
        lines: [],
        relay: undefined,
        isOpen,
      },
    }
    this.generations.set(made.ufrag, made)
    return made
  }

  /** A telephone's description: ICE, one candidate, which is all it ever has. */
  telephone(host: SimHost, isOpen: () => boolean): (video: boolean) => string {
    return () => {
      const made = this.generation(host, undefined, isOpen)
      made.lines.push(hostLine(made))
      return [
        ...['v=0', `o=- ${made.port} 1 IN IP4 ${host.address}`, 's=-', 't=0 0'],
        ...[`m=audio ${made.port} UDP/TLS/RTP/SAVPF 111`, `c=IN IP4 ${host.address}`, 'a=mid:0'],
        ...[
          `a=ice-ufrag:${made.ufrag}`,
          'a=ice-pwd:0123456789012345678901',
          'a=sendrecv',
          `a=${made.lines[0]}`,
        ],
        '',
      ].join('\r\n')
    }
  }

  /** Nothing passes between the two hosts until `mend`; cuts add up. */
  cut(one: SimHost, other: SimHost): void {
    this.#cuts.set(between(one, other), (this.#cuts.get(between(one, other)) ?? 0) + 1)
    this.changed()
  }

  mend(one: SimHost, other: SimHost): void {
    this.#cuts.set(between(one, other), this.#cuts.get(between(one, other))! - 1)
    this.changed()
  }

  /** Something changed that paths depend on. */
  changed(): void {
    for (const connection of this.connections) connection.look()
  }

  /** Which way media goes between two generations that check each other, if there is any. */
  pathOf(local: Generation, remote: Generation, isKnown: boolean): MediaPath | undefined {
    if (!isKnown || !isThere(local) || !isThere(remote)) return undefined
    const [one, other] = [local.host, remote.host]
    const isCut = (this.#cuts.get(between(one, other)) ?? 0) > 0
    const isNear = this.routed || networkOf(one.address) === networkOf(other.address)
    if (isNear && !isCut) return { kind: 'host', local, remote }
    return this.#isRelayed(local, remote) ? { kind: 'relay', local, remote } : undefined
  }

  #isRelayed(local: Generation, remote: Generation): boolean {
    if (!this.relay.up) return false
    return [...this.relay.grants.keys()].some(call => {
      const has = ({ relay }: Generation) => relay !== undefined && this.relay.allows(call, relay)
      if (remote.owner === undefined)
        return has(local) && this.relay.reaches(call, local.relay!, remote.address)
      return has(local) && has(remote)
    })
  }
}

/** What a generation has gathered for the servers it was given. */
export function relayUserOf(servers: readonly RTCIceServer[] | undefined): string | undefined {
  return (servers as readonly RelayServer[] | undefined)?.[0]?.username
}

export const hostLine = ({ port, address }: Generation): string =>
  `candidate:${port} 1 udp 2122260223 ${address} ${port} typ host`
export const relayLine = ({ port, address }: Generation): string =>
  `candidate:${port} 1 udp 41885439 10.0.0.1 ${port} typ relay raddr ${address} rport ${port}`

const isThere = ({ isOpen, host, address }: Generation): boolean => isOpen() && host.address === address
const networkOf = (address: string): string => address.split('.').slice(0, 3).join('.')
const between = (one: SimHost, other: SimHost): string => [one.name, other.name].sort().join(' ')
