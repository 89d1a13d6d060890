/** The record of a call: one row however many devices rang, from the first INVITE to the true end. */
import type { Epoch } from '../core/clock.ts'
import type { RelayReason } from '../relay/message.ts'
import type { AskedPhone, CallDialog, CallEnder, CallEvent } from '../sip/message.ts'
import type { CallLedger } from '../turn/message.ts'

/** An ICE candidate pair as one end says it selected it. Addresses are text, `''` where the browser hides them. */
export interface SelectedPair {
  readonly localType: string
  readonly localAddress: string
  readonly localPort: number
  readonly remoteType: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly protocol: string
  readonly rttMilliseconds?: number | undefined
}

/** Somebody who is called in the callee's place, and what the call came to for them; absent as long as that is nothing. */
export interface OtherCallee {
  readonly user: string
  /** `missedSeen`: missed, and they looked at it since. */
  readonly became?: 'declined' | 'missed' | 'missedSeen' | undefined
}

/** Times are wall time as the appliance believed it; undefined while it has not happened. */
export interface CallRow {
  readonly id: string
  readonly callerUser: string
  readonly callerName: string
  readonly callerDevice: string | undefined
  /** Whoever is not of the house is not told who called. Absent where nothing is hidden. */
  readonly callerHidden?: boolean | undefined
  readonly calleeUser: string
  readonly calleeName: string
  readonly calleeDevice: string | undefined
  /** Who took it in the callee's place: it rang at them as well, or was forwarded to them. Absent where nobody did. */
  readonly answererUser?: string | undefined
  readonly answererName?: string | undefined
  /** Whose call it was as well, the answerer among them: it rings at them, or was forwarded to them. Absent where nobody's. */
  readonly others?: readonly OtherCallee[] | undefined
  /** It was placed with a picture, or one was added since. */
  readonly video: boolean
  readonly startedAt: Epoch
  readonly ringingAt: Epoch | undefined
  readonly answeredAt: Epoch | undefined
  readonly endedAt: Epoch | undefined
  readonly endedBy: CallEnder | undefined
  /** One stable word: an `EndReason`. */
  readonly reason: string | undefined
  readonly code: number | undefined
  /** Nobody took it although it was meant to be taken: what the callee missed. */
  readonly missed: boolean
  /** The callee looked at it in the list of missed calls. */
  readonly missedSeen: boolean
  /** The last moment the call was known to go on: what the end of a lost call is set to. At most a minute old. */
  readonly aliveAt: Epoch
  readonly callerPair: SelectedPair | undefined
  readonly calleePair: SelectedPair | undefined
  /** Why the relay was opened for this call; undefined while it never was. */
  readonly relayReason: RelayReason | undefined
  /** What the relay carried; undefined while it was never opened. At most a minute old while the call goes on. */
  readonly ledger: CallLedger | undefined
}

/** What is written of a call that goes on. `dialog`: of an answered one between phones, who can be asked by it. */
export interface KeptCall {
  readonly row: CallRow
  readonly dialog?: CallDialog | undefined
}

/** Facts for the call log. */
export type CallInput =
  | { readonly kind: 'sip'; readonly event: CallEvent }
  | { readonly kind: 'pair'; readonly call: string; readonly device: string; readonly pair: SelectedPair }
  /** A client holds this call (after a reconnect): it is not lost. */
  | { readonly kind: 'held'; readonly call: string; readonly device: string }
  /** A party's client came back without this call: unless the other one holds it, it is over. */
  | { readonly kind: 'released'; readonly call: string; readonly device: string }
  /** A party's client says the call ended while the daemon was away, `agoMilliseconds` before now. */
  | {
      readonly kind: 'endReported'
      readonly call: string
      readonly device: string
      readonly by: 'self' | 'peer'
      readonly reason: string
      readonly agoMilliseconds: number
    }
  /** A device became reachable or stopped being so; only what is not `hosted` can carry a call without a client. */
  | {
      readonly kind: 'reachable'
      readonly device: string
      readonly hosted: boolean
      readonly reachable: boolean
    }
  /** A phone of the device was switched on, as far as its registration tells. */
  | { readonly kind: 'registeredAnew'; readonly device: string }
  /** A phone that was asked is in no such call. */
  | { readonly kind: 'gone'; readonly call: string; readonly device: string }
  /** The device's right ended. A hosted agent leaves its calls itself; a phone's end here, and its peers are told. */
  | { readonly kind: 'revoked'; readonly device: string }
  /** Totals of what the relay carried, also after the end. */
  | {
      readonly kind: 'ledger'
      readonly call: string
      readonly ledger: CallLedger
      readonly reason: RelayReason
    }
  /** The person looked at the missed calls. */
  | { readonly kind: 'missedSeen'; readonly user: string }

export type CallEffect =
  | ({ readonly kind: 'save' } & KeptCall)
  /** Is this phone still in it? Answered by `gone`, or not at all. */
  | ({ readonly kind: 'ask' } & AskedPhone)
  /** The row is new, changed or closed: for whoever watches (roster, events). `missedBy`: who by that has missed it, or has not. */
  | { readonly kind: 'changed'; readonly row: CallRow; readonly missedBy: readonly string[] }
  /** The other party of this hosted device is gone for good and cannot say so itself. */
  | { readonly kind: 'peerRevoked'; readonly device: string; readonly call: string }
