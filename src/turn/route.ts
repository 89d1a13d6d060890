/**
 * The hot path: where data goes next. No effect list, no copy of the payload, no look at the wall clock; a packet costs
 * a few look-ups by text that is already there. Relay to relay is forwarded here, without a socket between.
 */
import type { Monotonic } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { decode, encode, limits } from '../stun/codec.ts'
import { stunType } from '../stun/message.ts'
import type { Allocations } from './allocations.ts'
import { type Grants, otherParty } from './grants.ts'
import type { Route } from './message.ts'
import { channelOf, isPermitted, peerKey } from './permissions.ts'
import type { Allocation, OpenGrant, Party } from './state.ts'

/** RFC 8656 §12.4: channel number and length. */
const channelHeaderBytes = 4
/** What a Data indication holds; no media packet comes near it. */
const dataBytes = limits.messageBytes - 64
/** What may go through at once after a pause, in seconds of the bound. */
const burstSeconds = 1

export interface RouterOptions {
  readonly grants: Grants
  readonly allocations: Allocations
  /** Of a call; 0: no bound. */
  readonly bytesPerSecond: number
}

export class Router {
  readonly #options: RouterOptions
  /** Counts indications: their transaction ids mean nothing (RFC 8489 §6.3.2), but differ. */
  #serial = 0

  constructor(options: RouterOptions) {
    this.#options = options
  }

  /** ChannelData from a client (RFC 8656 §12.4), header and all; over a stream without its padding. */
  channelData(flowKey: string, bytes: Uint8Array, now: Monotonic): Route | undefined {
    const allocation = this.#options.allocations.ofFlow(flowKey)
    if (allocation === undefined || bytes.length < channelHeaderBytes) return undefined
    allocation.heardAt = now
    const channel = channelOf(allocation, bytes[0]! * 256 + bytes[1]!, now)
    const length = bytes[2]! * 256 + bytes[3]!
    if (channel === undefined || length > bytes.length - channelHeaderBytes) return undefined
    const data = bytes.subarray(channelHeaderBytes, channelHeaderBytes + length)
    return this.#toPeer(allocation, channel.peer, channel.key, data, now)
  }

  /** A Send indication (RFC 8656 §11.2): never answered, whatever is wrong with it. */
  sendIndication(flowKey: string, bytes: Uint8Array, now: Monotonic): Route | undefined {
    const allocation = this.#options.allocations.ofFlow(flowKey)
    if (allocation === undefined) return undefined
    allocation.heardAt = now
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok' || decoded.message.type !== stunType.sendIndication) return undefined
    const { peers, data, unknown, dontFragment } = decoded.message
    const peer = peers?.[0]
    if (peer === undefined || data === undefined || unknown !== undefined || dontFragment) return undefined
    return this.#toPeer(allocation, peer, peerKey(peer), data, now)
  }

  /** What came to a relay's socket (RFC 8656 §11.3). */
  fromPeer(
    relay: number,
    address: string,
    port: number,
    bytes: Uint8Array,
    now: Monotonic,
  ): Route | undefined {
    const allocation = this.#options.allocations.ofRelay(relay)
    // Own addresses only speak through the relay itself: anything else that says so is another program, or forged.
    if (allocation === undefined || this.#options.grants.isOwn(address)) return undefined
    const { party } = allocation.holder
    if (party === undefined || !isPermitted(allocation, address, now)) return undefined
    // Nobody but the other party is permitted, so it came from there, past any relay of its own.
    const other = otherParty(party)
    if (bytes.length > dataBytes || !this.#mayPass(other, bytes.length, now)) return undefined
    other.ledger.sent(bytes.length, now)
    return this.#toClient(allocation, party, { address, port }, bytes, now)
  }

  #toPeer(
    allocation: Allocation,
    peer: Endpoint,
    key: string,
    bytes: Uint8Array,
    now: Monotonic,
  ): Route | undefined {
    const { party } = allocation.holder
    if (party === undefined || !isPermitted(allocation, peer.address, now)) return undefined
    if (!this.#options.grants.isOwn(peer.address)) {
      if (!this.#options.grants.mayReach(allocation.holder, peer)) return undefined
      if (!this.#mayPass(party, bytes.length, now)) return undefined
      party.ledger.sent(bytes.length, now)
      otherParty(party).ledger.received(bytes.length, now)
      return { to: 'peer', relay: allocation.relay, peer, bytes }
    }
    const target = this.#options.allocations.ofAddress(key)
    const other = otherParty(party)
    if (target === undefined || target.holder.party !== other) return undefined
    const { relayed } = allocation
    if (!isPermitted(target, relayed.address, now) || bytes.length > dataBytes) return undefined
    if (!this.#mayPass(party, bytes.length, now)) return undefined
    party.ledger.sent(bytes.length, now)
    return this.#toClient(target, other, relayed, bytes, now)
  }

  #toClient(
    { flow, channelsByPeer }: Allocation,
    party: Party,
    from: Endpoint,
    bytes: Uint8Array,
    now: Monotonic,
  ): Route {
    party.ledger.received(bytes.length, now)
    const channel = channelsByPeer.get(peerKey(from))
    if (channel === undefined || channel.until <= now) {
      const peers = [from]
      const transaction = this.#transaction()
      const indication = encode({ type: stunType.dataIndication, transaction, peers, data: bytes })
      return { to: 'client', flow, header: undefined, bytes: indication }
    }
    const header = Buffer.allocUnsafe(channelHeaderBytes)
    header.writeUInt16BE(channel.number, 0)
    header.writeUInt16BE(bytes.length, 2)
    return { to: 'client', flow, header, bytes }
  }

  /** A bucket for the call, so that one of them cannot fill the network. */
  #mayPass(party: Party, bytes: number, now: Monotonic): boolean {
    const { bytesPerSecond } = this.#options
    if (bytesPerSecond === 0) return true
    const grant: OpenGrant = party.grant
    const full = bytesPerSecond * burstSeconds
    grant.tokens = Math.min(full, grant.tokens + ((now - grant.tokensAt) * bytesPerSecond) / 1_000)
    grant.tokensAt = now
    if (grant.tokens < bytes) {
      party.ledger.droppedPackets++
      party.ledger.changed = true
      return false
    }
    grant.tokens -= bytes
    return true
  }

  #transaction(): Uint8Array {
    const bytes = Buffer.alloc(12)
    bytes.writeUIntBE(++this.#serial % 2 ** 48, 6, 6)
    return bytes
  }
}

/** Whether bytes of a client are ChannelData, by their first two bits (RFC 8656 §12). */
export const isChannelData = (bytes: Uint8Array): boolean => (bytes[0]! & 0xc0) === 0x40

export const isSendIndication = (bytes: Uint8Array): boolean =>
  bytes[0] === stunType.sendIndication >> 8 && bytes[1] === (stunType.sendIndication & 0xff)
