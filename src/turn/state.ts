/**
 * What the relay remembers, and how it hangs together: a grant has two parties, a party has holders of credentials, a
 * holder has allocations. Types only.
 */
import type { Monotonic } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Ledger } from './ledger.ts'
import type { ClientFlow, PartyRole } from './message.ts'

export interface OpenGrant {
  readonly call: string
  readonly parties: { readonly caller: Party; readonly callee: Party }
  /** Bytes that may go through now, and when that was reckoned. */
  tokens: number
  tokensAt: Monotonic
}

export interface Party {
  readonly role: PartyRole
  readonly device: string
  readonly ledger: Ledger
  readonly grant: OpenGrant
  proven: readonly string[]
  relayOn: readonly string[]
  /** By the credentials of its client, newest last, and by its phone's own. */
  readonly holders: Set<Holder>
}

/** Whoever can authenticate: a party by its call's credential, or a phone by its own. */
export interface Holder {
  readonly username: string
  readonly md5: Uint8Array
  readonly sha256: Uint8Array | undefined
  readonly quota: number
  /** Its password was chosen by a person: a phone's own. A call's is random. */
  readonly guessable: boolean
  /** Source addresses from which it has allocated, no more than `grantLimits.provenAddresses`. */
  readonly sources: Set<string>
  readonly allocations: Set<Allocation>
  /** Undefined: a phone whose call has no grant. Its allocation sleeps. */
  party: Party | undefined
}

/** RFC 8656 §5: a client's relayed address with its permissions and channels. */
export interface Allocation {
  readonly flow: ClientFlow
  readonly holder: Holder
  readonly relay: number
  readonly relayed: Endpoint
  readonly permissions: Map<string, { until: Monotonic }>
  readonly channels: Map<number, Channel>
  readonly channelsByPeer: Map<string, Channel>
  /** When its client last asked something of it or sent by it. */
  heardAt: Monotonic
}

export interface Channel {
  readonly number: number
  readonly peer: Endpoint
  /** `peerKey(peer)`. */
  readonly key: string
  until: Monotonic
}
