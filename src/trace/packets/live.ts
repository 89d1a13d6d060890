/**
 * Packets of a capture that is running, told apart by call while the calls go on: only what comes on a path on which
 * checks of a followed call were seen is looked at further, everything else is forgotten at once. Bounded.
 */
import type { Epoch } from '../../core/clock.ts'
import { formatEndpoint } from '../../core/endpoint.ts'
import type { PartyRole } from '../../turn/message.ts'
import type { CaptureFacts } from '../message.ts'
import { factsOf } from './facts.ts'
import type { CallIdentity } from './figures.ts'
import { counted, type Packet } from './message.ts'
import { CallMatch } from './summary.ts'

export const liveLimits = {
  calls: 128,
  ufragsEach: 32,
  /** Directions of paths, of one call. */
  waysEach: 32,
  /** Of one call, for its answers to be known and some packets to be kept. */
  transactions: 512,
  keptBytes: 131_072,
  /** Programs and the kernel hand packets over in blocks, of each filter and interface by themselves. */
  reorderMilliseconds: 1_500,
  reorderPackets: 8_192,
  /** After so long another interface may show what one showed until then. */
  silentMilliseconds: 5_000,
} as const

interface Followed {
  readonly match: CallMatch
  readonly since: Epoch
  readonly framesBefore: number
  readonly ufrags: Set<string>
  readonly ways: Set<string>
  interrupted: boolean
}

interface Way {
  readonly call: string
  /** Of a bridge all ports are heard: a packet counts where its path was seen first. */
  interface: string
  at: Epoch
}

export class LiveCalls {
  readonly #calls = new Map<string, Followed>()
  /** Who may have said it: four letters are not much. */
  readonly #ufrags = new Map<string, { readonly call: string; readonly party: PartyRole }[]>()
  readonly #ways = new Map<string, Way>()
  readonly #waiting: { readonly packet: Packet; readonly interface: string }[] = []
  #frames = 0

  get size(): number {
    return this.#calls.size
  }

  /** From now on this party's checks are known by this. */
  know(call: string, party: PartyRole, ufrag: string, now: Epoch): void {
    let followed = this.#calls.get(call)
    if (followed === undefined) {
      if (this.#calls.size === liveLimits.calls) return
      followed = {
        ...{ match: new CallMatch(nobody, liveLimits), since: now, framesBefore: this.#frames },
        ...{ ufrags: new Set(), ways: new Set(), interrupted: false },
      }
      this.#calls.set(call, followed)
    }
    const mark = `${party} ${ufrag}`
    if (followed.ufrags.has(mark) || followed.ufrags.size === liveLimits.ufragsEach) return
    followed.ufrags.add(mark)
    followed.match.know(call_(party, ufrag))
    const owners = this.#ufrags.get(ufrag) ?? []
    owners.push({ call, party })
    this.#ufrags.set(ufrag, owners)
  }

  /** Frames that the program gave, of whomever. */
  seen(frames: number): void {
    this.#frames += frames
  }

  add(packet: Packet, from: string): void {
    const { at } = packet
    if (at === undefined || this.#calls.size === 0) return
    let index = this.#waiting.length
    while (index > 0 && this.#waiting[index - 1]!.packet.at! > at) index--
    this.#waiting.splice(index, 0, { packet, interface: from })
    // By the many, since taking from the front of an array moves all the rest.
    const newest = this.#waiting.at(-1)!.packet.at!
    const { reorderMilliseconds, reorderPackets } = liveLimits
    const isFull = this.#waiting.length > reorderPackets
    if (!isFull && this.#waiting[0]!.packet.at! > newest - 2 * reorderMilliseconds) return
    let due = isFull ? reorderPackets / 4 : 0
    while (due < this.#waiting.length && this.#waiting[due]!.packet.at! < newest - reorderMilliseconds) due++
    for (const one of this.#waiting.splice(0, due)) this.#take(one.packet, one.interface)
  }

  /** Nothing was heard for a while. */
  interrupted(): void {
    for (const followed of this.#calls.values()) followed.interrupted = true
  }

  /** What was seen of a call; forgets it. `identity`: all that is known of it by now. Undefined: it was not followed. */
  conclude(call: string, identity: CallIdentity, startedAt: Epoch, now: Epoch): CaptureFacts | undefined {
    for (const one of this.#waiting.splice(0)) this.#take(one.packet, one.interface)
    const followed = this.#calls.get(call)
    if (followed === undefined) return undefined
    this.forget(call)
    followed.match.know(identity)
    const ending = {
      ...{ format: undefined, bytes: 0, packets: 0, interfaces: [], stop: undefined, counts: noCounts },
      ...{ frames: this.#frames - followed.framesBefore, firstAt: followed.since, lastAt: now },
    }
    const facts = factsOf(followed.match, ending, { name: 'the appliance', takenAt: 'appliance' }, startedAt)
    return followed.interrupted
      ? { ...facts, stoppedBecause: 'lanline did not capture all of the time' }
      : facts
  }

  forget(call: string): void {
    const followed = this.#calls.get(call)
    if (followed === undefined) return
    this.#calls.delete(call)
    for (const mark of followed.ufrags) {
      const ufrag = mark.slice(mark.indexOf(' ') + 1)
      const others = (this.#ufrags.get(ufrag) ?? []).filter(owner => owner.call !== call)
      if (others.length > 0) this.#ufrags.set(ufrag, others)
      else this.#ufrags.delete(ufrag)
    }
    for (const way of followed.ways) this.#ways.delete(way)
  }

  #take(packet: Packet, from: string): void {
    const { there, back } = waysOf(packet)
    const { content, at } = packet
    const call =
      content.kind === 'stun' && content.username !== undefined ? this.#callOf(content.username) : undefined
    if (call !== undefined) {
      this.#claim(call, there, from, at!)
      this.#claim(call, back, from, at!)
    }
    const way = this.#ways.get(there)
    if (way === undefined) return
    if (way.interface !== from) {
      if (at! - way.at < liveLimits.silentMilliseconds) return
      way.interface = from
    }
    way.at = at!
    this.#calls.get(way.call)?.match.add(packet)
  }

  /** RFC 8445 §7.2.2: the receiver's fragment, a colon, the sender's. */
  #callOf(username: string): string | undefined {
    const colon = username.indexOf(':')
    const senders = this.#ufrags.get(username.slice(colon + 1))
    const receivers = this.#ufrags.get(username.slice(0, colon))
    if (colon < 0 || senders === undefined || receivers === undefined) return undefined
    return senders.find(one => receivers.some(other => other.call === one.call && other.party !== one.party))
      ?.call
  }

  #claim(call: string, way: string, from: string, at: Epoch): void {
    const followed = this.#calls.get(call)
    if (followed === undefined || this.#ways.has(way) || followed.ways.size === liveLimits.waysEach) return
    followed.ways.add(way)
    this.#ways.set(way, { call, interface: from, at })
  }
}

const nobody: CallIdentity = {
  parties: { caller: { ufrags: [], addresses: [] }, callee: { ufrags: [], addresses: [] } },
  applianceAddresses: [],
}
const noCounts = Object.fromEntries(counted.map(name => [name, 0])) as Record<
  (typeof counted)[number],
  number
>

const call_ = (party: PartyRole, ufrag: string): CallIdentity => ({
  ...nobody,
  parties: { ...nobody.parties, [party]: { ufrags: [ufrag], addresses: [] } },
})

function waysOf({ source, target, inside }: Packet): { readonly there: string; readonly back: string } {
  const [from, to] = [formatEndpoint(source), formatEndpoint(target)]
  const within = inside === undefined ? '' : ` ${inside.peer ? formatEndpoint(inside.peer) : inside.channel}`
  return { there: `${from} ${to}${within}`, back: `${to} ${from}${within}` }
}
