/**
 * What the relay is told and what it tells. `TurnOrder` and `TurnWord` cross the thread (structured clones);
 * `TurnInput` and `TurnEffect` are between the machine and its sockets, inside the worker.
 */
import type { Epoch } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'

/** The two ends of a call. */
export type PartyRole = 'caller' | 'callee'

/** A username and password for one party of one call (RFC 8489 §9.2): never stored, never logged. */
export interface TurnCredential {
  readonly username: string
  readonly password: string
}

export interface GrantParty {
  readonly role: PartyRole
  readonly device: string
  /** Undefined: this party has no client of ours; a SIP phone may use the allocation it holds by its own password. */
  readonly credential: TurnCredential | undefined
  /** Addresses this party has proven, canonical, without ports, newest last, at most `grantLimits.provenAddresses`. */
  readonly proven: readonly string[]
  /**
   * Own addresses to relay for this party on: those of the interface on which the *other* party is reached, so that it
   * can also be sent to without a relay of its own. The first of a family counts.
   */
  readonly relayOn: readonly string[]
}

/** A call's right to relay. Given again for the same call it takes the place of the earlier one; allocations stay. */
export interface Grant {
  readonly call: string
  readonly parties: readonly [GrantParty, GrantParty]
  /** Undefined: until it is closed. */
  readonly lifetimeMilliseconds: number | undefined
}

/** A SIP phone that registered by digest: it may hold one allocation, which wakes with a grant of its call. */
export interface DormantAccount {
  readonly device: string
  readonly username: string
  /** MD5 of `username:realm:password` (RFC 8489 §9.2.2), lower-case hexadecimal: the HA1 of its SIP account. */
  readonly ha1: string
  /** The same by SHA-256, where the account has it. */
  readonly ha1Sha256: string | undefined
}

/** Who gets answers to TURN requests at all. Whole lists: each takes the place of the one before. */
export interface Known {
  /** Addresses of registered devices, canonical. */
  readonly addresses: readonly string[]
  readonly accounts: readonly DormantAccount[]
}

/** What the relay carried of one party, by whichever of the two relays. `sent` came from it, `received` went to it. */
export interface PartyLedger {
  /** Ever opened; `openAllocations` are there now. */
  readonly allocations: number
  readonly openAllocations: number
  readonly permissions: number
  readonly sentPackets: number
  readonly sentBytes: number
  readonly receivedPackets: number
  readonly receivedBytes: number
  /** Data over the bound of bytes a second. */
  readonly droppedPackets: number
  readonly firstAt: Epoch | undefined
  readonly lastAt: Epoch | undefined
  /** Peers asked for and refused with 403: how often, and the first few as text. */
  readonly refusals: number
  readonly refusedPeers: readonly string[]
}

export interface CallLedger {
  readonly caller: PartyLedger
  readonly callee: PartyLedger
}

export const grantLimits = {
  grants: 500,
  allocationsPerParty: 8,
  provenAddresses: 4,
  refusedPeers: 8,
} as const

export interface TurnPorts {
  /** UDP and TCP. */
  readonly plain: number
  readonly tls: number
}

/** A certificate for who asks by one of these names. */
export interface ShownByName {
  readonly names: readonly string[]
  readonly key: string
  readonly cert: string
}

/** Main thread to worker. */
export type TurnOrder =
  /** Own addresses, all families; listens on new ones, lets go of those that are no more. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** PEM, for TLS; handshakes from now on. */
  | {
      readonly kind: 'certificate'
      readonly key: string
      readonly cert: string
      readonly named?: ShownByName | undefined
    }
  | { readonly kind: 'known'; readonly known: Known }
  /** Answered by `granted`. */
  | { readonly kind: 'openGrant'; readonly grant: Grant }
  /** Allocations go at once. Answered by a last `ledger`, then `closed`. */
  | { readonly kind: 'closeGrant'; readonly call: string }
  /** Answered by `here`. */
  | { readonly kind: 'areYouThere' }
  | { readonly kind: 'stop' }

/** Worker to main thread. */
export type TurnWord =
  | { readonly kind: 'listening'; readonly ports: TurnPorts }
  /** The start must stop: an explicit port is taken. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'moved'; readonly key: string; readonly from: number; readonly to: number }
  | { readonly kind: 'here' }
  | { readonly kind: 'granted'; readonly call: string }
  /** No room for it. */
  | { readonly kind: 'notGranted'; readonly call: string }
  /** Ledgers that changed, once a second. Totals, not differences. */
  | {
      readonly kind: 'ledgers'
      readonly ledgers: readonly { readonly call: string; readonly ledger: CallLedger }[]
    }
  /** Whoever closed it: `closeGrant` or its time was over. */
  | { readonly kind: 'closed'; readonly call: string }
  /** Counts since the last time, by stable word. */
  | { readonly kind: 'notes'; readonly notes: Readonly<Record<string, number>> }
  | { readonly kind: 'fault'; readonly during: string; readonly error: string }

/** How a client reaches us: RFC 8656's 5-tuple. `key` names it for as long as it lasts. */
export interface ClientFlow {
  readonly key: string
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly local: Endpoint
  readonly remote: Endpoint
}

/** A relay's socket, by the rim's number for it. */
export interface OpenedRelay {
  readonly relay: number
  readonly address: Endpoint
}

export type TurnInput =
  | { readonly kind: 'known'; readonly known: Known }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'openGrant'; readonly grant: Grant }
  | { readonly kind: 'closeGrant'; readonly call: string }
  /** A message that is not data: STUN, or what claims to be. */
  | { readonly kind: 'received'; readonly flow: ClientFlow; readonly bytes: Uint8Array }
  | { readonly kind: 'flowClosed'; readonly flow: ClientFlow }
  /** One, or with `pair` two: an even port and the next. */
  | { readonly kind: 'relayOpened'; readonly ticket: number; readonly relays: readonly OpenedRelay[] }
  | { readonly kind: 'relayFailed'; readonly ticket: number }
  /** Its socket failed. */
  | { readonly kind: 'relayLost'; readonly relay: number }

export type TurnEffect =
  | { readonly kind: 'send'; readonly flow: ClientFlow; readonly bytes: Uint8Array }
  /** The flow has shown a right to be here: it is no longer among those that can be pushed out. */
  | { readonly kind: 'prove'; readonly flow: ClientFlow }
  | {
      readonly kind: 'openRelay'
      readonly ticket: number
      readonly address: string
      readonly port: 'any' | 'even' | 'pair'
    }
  | { readonly kind: 'closeRelay'; readonly relay: number }
  | { readonly kind: 'closeFlow'; readonly flow: ClientFlow }
  | { readonly kind: 'word'; readonly word: TurnWord }
  | { readonly kind: 'note'; readonly reason: string }

/** Where data goes next: out of a relay to a peer, or to a client, after `header` if there is one. */
export type Route =
  | { readonly to: 'peer'; readonly relay: number; readonly peer: Endpoint; readonly bytes: Uint8Array }
  | {
      readonly to: 'client'
      readonly flow: ClientFlow
      readonly header: Uint8Array | undefined
      readonly bytes: Uint8Array
    }
