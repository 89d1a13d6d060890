/**
 * Which call may relay, and how its parties come to use it. The relay itself is in `turn/`; what the two parties'
 * clients are told is here, and goes to them over the channel as it is.
 */
import type { CallLedger, Grant, PartyRole } from '../turn/message.ts'

/** `cross-vlan`: only between different networks. `on-failure`: whenever the direct checks failed. */
export type RelayPolicy = 'cross-vlan' | 'on-failure' | 'off'

/** Why a call is relayed. */
export type RelayReason = 'otherNetwork' | 'checksFailed'

/** Why it is not. */
export type RelayRefusal = 'off' | 'sameNetwork' | 'unknownAddress' | 'full' | 'failed'

/** As `RTCIceServer`. */
export interface RelayServer {
  readonly urls: readonly string[]
  readonly username: string
  readonly credential: string
}

/** What a party's client is told about its call. */
export type RelayTelling =
  /** Use these from the next gathering on and answer `relayReady`; an empty list takes them away again. */
  | {
      readonly type: 'relay'
      readonly call: string
      readonly servers: readonly RelayServer[]
      readonly reason: RelayReason
    }
  /** Restart ICE now. Told to one party only: the caller, or the callee where the caller has no client of ours. */
  | { readonly type: 'restart'; readonly call: string }
  /** `message` is a sentence for people: what happened and what can be done. */
  | {
      readonly type: 'relayRefused'
      readonly call: string
      readonly reason: RelayRefusal
      readonly message: string
    }

/** A grant's state, for API and CLI. */
export interface GrantView {
  readonly call: string
  readonly reason: RelayReason | 'manual'
  /** `opening`: the relay was asked. `telling`: clients take it up. `open`: in use or ready to be. */
  readonly state: 'opening' | 'telling' | 'open'
  readonly parties: readonly {
    readonly role: PartyRole
    readonly device: string
    readonly proven: readonly string[]
  }[]
  readonly ledger: CallLedger
}

/** Whoever comes from `for` may relay to `peer`, for so long. Addresses, canonical. */
export interface ManualWish {
  readonly peer: string
  readonly for: string
  readonly lifetimeMilliseconds: number
}

export type ManualOutcome =
  | { readonly kind: 'granted'; readonly call: string; readonly servers: readonly RelayServer[] }
  /** `badPeer`: nothing is ever relayed there. `noWay`: the relay does not listen where `for` could reach it. */
  | { readonly kind: 'refused'; readonly reason: 'badPeer' | 'noWay' | 'full' | 'failed' }

export type RelayInput =
  /** A client sent checks and none was answered. */
  | { readonly kind: 'noPath'; readonly call: string; readonly device: string }
  | { readonly kind: 'relayReady'; readonly call: string; readonly device: string }
  /** A party's client holds this call (after its line was away): its address may be another one. */
  | { readonly kind: 'held'; readonly call: string; readonly device: string }
  /** The call was answered, or is over, or is known from before a restart. */
  | { readonly kind: 'callChanged'; readonly call: string }
  /** How a device is reached changed, or it is no more. */
  | { readonly kind: 'flowChanged'; readonly device: string }
  /** Its right ended: the grants of its calls go at once. */
  | { readonly kind: 'revoked'; readonly device: string }
  /** Own addresses changed. */
  | { readonly kind: 'addressesChanged' }
  /** A party's client says which way media goes. */
  | {
      readonly kind: 'path'
      readonly call: string
      readonly device: string
      /** One end of its pair is a relayed address, as it knows. */
      readonly relayed: boolean
      /** Where it sends: one of our own is a relay it has not been told of yet (RFC 8445 §7.3.1.3). */
      readonly remoteAddress: string
    }
  | { readonly kind: 'granted'; readonly call: string }
  | { readonly kind: 'notGranted'; readonly call: string }
  | { readonly kind: 'closed'; readonly call: string }
  | { readonly kind: 'ledger'; readonly call: string; readonly ledger: CallLedger }
  /** The relay's thread is there (again): whatever is granted is given to it anew. */
  | { readonly kind: 'started' }
  /** The owner decided otherwise: for calls from now on. */
  | { readonly kind: 'policy'; readonly policy: RelayPolicy }
  | { readonly kind: 'lost' }
  /** By the owner, outside a call. Answered by `manualGrant` with the same ticket. */
  | { readonly kind: 'grantManually'; readonly ticket: number; readonly wish: ManualWish }
  | { readonly kind: 'closeManually'; readonly call: string }

export type RelayEffect =
  | { readonly kind: 'openGrant'; readonly grant: Grant }
  | { readonly kind: 'closeGrant'; readonly call: string }
  | { readonly kind: 'tell'; readonly device: string; readonly telling: RelayTelling }
  /** A grant that is to be given again after a restart of the daemon. No secret is in it. */
  | { readonly kind: 'remember'; readonly call: string; readonly reason: RelayReason }
  | { readonly kind: 'forget'; readonly call: string }
  /** Totals of all grants of this call, for its row: at the first packet, once a minute, and at the end. */
  | {
      readonly kind: 'ledger'
      readonly call: string
      readonly ledger: CallLedger
      readonly reason: RelayReason
    }
  | { readonly kind: 'manualGrant'; readonly ticket: number; readonly outcome: ManualOutcome }
  | { readonly kind: 'note'; readonly reason: string; readonly detail: string }
