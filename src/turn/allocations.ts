/**
 * The allocations there are (RFC 8656 §5), by whatever they are asked for: the client's flow, the relay's socket, the
 * relayed address; counted in their party's ledger. And what can be said of an Allocate by itself (§7.2).
 */
import { type Monotonic, seconds } from '../core/clock.ts'
import { type Endpoint, type Family, familyOf } from '../core/endpoint.ts'
import { type StunMessage, stunAttribute } from '../stun/message.ts'
import { otherParty } from './grants.ts'
import type { ClientFlow, OpenedRelay } from './message.ts'
import { peerKey } from './permissions.ts'
import type { Allocation, Holder, Party } from './state.ts'

export const allocationLimits = {
  allocations: 2_000,
  defaultLifetimeSeconds: 600,
  maxLifetimeSeconds: 3_600,
  /**
   * One that its client says nothing by for so long is no path of a call: who has one asks the other end for its consent
   * every five seconds (RFC 7675 §5.1).
   */
  idleMilliseconds: seconds(10),
} as const

export class Allocations {
  readonly #byFlow = new Map<string, Allocation>()
  readonly #byRelay = new Map<number, Allocation>()
  readonly #byAddress = new Map<string, Allocation>()

  get size(): number {
    return this.#byFlow.size
  }

  all(): IterableIterator<Allocation> {
    return this.#byFlow.values()
  }

  ofFlow(key: string): Allocation | undefined {
    return this.#byFlow.get(key)
  }

  ofRelay(relay: number): Allocation | undefined {
    return this.#byRelay.get(relay)
  }

  /** By `peerKey` of its relayed address. */
  ofAddress(key: string): Allocation | undefined {
    return this.#byAddress.get(key)
  }

  enter(flow: ClientFlow, holder: Holder, { relay, address }: OpenedRelay, now: Monotonic): Allocation {
    const allocation: Allocation = {
      ...{ flow, holder, relay, relayed: address },
      ...{ permissions: new Map(), channels: new Map(), channelsByPeer: new Map() },
      heardAt: now,
    }
    this.#byFlow.set(flow.key, allocation)
    this.#byRelay.set(relay, allocation)
    this.#byAddress.set(peerKey(address), allocation)
    holder.allocations.add(allocation)
    const ledger = holder.party?.ledger
    if (ledger) {
      ledger.allocations++
      ledger.openAllocations++
      ledger.changed = true
    }
    return allocation
  }

  leave(allocation: Allocation): void {
    const { flow, holder, relay, relayed } = allocation
    this.#byFlow.delete(flow.key)
    this.#byRelay.delete(relay)
    this.#byAddress.delete(peerKey(relayed))
    holder.allocations.delete(allocation)
    const ledger = holder.party?.ledger
    if (ledger) {
      ledger.openAllocations--
      ledger.changed = true
    }
  }
}

/** An IP protocol number (RFC 8656 §14.7). */
const udp = 17

/** Why this Allocate can be granted to nobody, in the order of RFC 8656 §7.2. */
export function refusalOf(
  message: StunMessage,
): { readonly code: number; readonly unknown?: readonly number[] } | undefined {
  const { transport, family, additionalFamily, evenPort, reservation } = message
  if (transport === undefined) return { code: 400 }
  if (transport !== udp) return { code: 442 }
  // RFC 8656 §7.2: sockets here cannot set the bit, so the attribute is as good as unknown.
  if (message.dontFragment) return { code: 420, unknown: [stunAttribute.dontFragment] }
  const isShaped = evenPort !== undefined || family !== undefined || additionalFamily !== undefined
  if (reservation !== undefined && isShaped) return { code: 400 }
  const isAlone = family === undefined && evenPort?.reserveNext !== true && additionalFamily === 2
  if (additionalFamily !== undefined && !isAlone) return { code: 400 }
  if (family !== undefined && family !== 1 && family !== 2) return { code: 440 }
  return undefined
}

/**
 * A party is relayed for where the other one can reach it; a phone without a call where it reached us. RFC 8656 §7.2: on
 * IPv4 where it names no family, which browsers never do; on a network that has no IPv4 they would have no relay, and to
 * a phone on IPv6 that has none itself they would have no way.
 */
export function relayAddressFor(
  { party }: Holder,
  { local }: ClientFlow,
  asked: Family | undefined,
): string | undefined {
  const candidates = party === undefined ? [local.address] : party.relayOn
  const best = asked ?? (party && isPhoneOn6(otherParty(party)) ? 6 : 4)
  const found = candidates.find(address => familyOf(address) === best)
  return found ?? (asked === undefined ? candidates[0] : undefined)
}

const isPhoneOn6 = ({ holders, proven }: Party): boolean =>
  [...holders].every(({ guessable }) => guessable) && proven.every(address => familyOf(address) === 6)

/** RFC 8656 §7.2, §8.2: never shorter than the default, however short it was asked for. */
export function boundedLifetime(wantedSeconds: number | undefined): number {
  const { defaultLifetimeSeconds, maxLifetimeSeconds } = allocationLimits
  return Math.min(Math.max(wantedSeconds ?? 0, defaultLifetimeSeconds), maxLifetimeSeconds)
}

/** As on the wire (RFC 8656 §14.5). */
export const familyNumber = ({ address }: Endpoint): 1 | 2 => (familyOf(address) === 4 ? 1 : 2)
