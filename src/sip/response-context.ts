/**
 * What the proxy remembers of one request it forwards (RFC 3261 §16.7): its branches, what came back, and the choice of
 * the one final response that goes on.
 */

import type { Endpoint } from '../core/endpoint.ts'
import type { ClientTransaction } from './client-transactions.ts'
import type { Sender } from './identity.ts'
import type { Incoming } from './incoming.ts'
import type { HeaderField, Party, SipRequest, SipResponse, Transport } from './message.ts'
import type { AddressToken } from './route-token.ts'
import type { ServerTransaction } from './server-transactions.ts'

/** Where a branch goes: to a binding, whose present flow counts, or to the address of a party that has none. */
export interface Target {
  readonly uri: string
  /** Of the binding. */
  readonly key: string | undefined
  readonly address: AddressToken | undefined
  /** Whose binding it is. */
  readonly user: string | undefined
  readonly device: string
  readonly transport: Transport
  readonly path: readonly string[]
  /** Where the party was last heard from; undefined: nothing is opened to it. */
  readonly seen: Endpoint | undefined
  /** Keys of the bindings that lead to the same instance as well, in the order in which they are tried. */
  readonly others: readonly string[]
}

export interface Branch {
  readonly id: number
  readonly context: ResponseContext
  readonly target: Target
  /** `connecting`: a connection is being opened. `waiting`: for the party to register again. */
  state: 'connecting' | 'waiting' | 'open' | 'done'
  client: ClientTransaction<Branch> | undefined
  /** Of `target`, as long as none of them was gone over to. */
  others: readonly string[]
  /** To be cancelled as soon as a provisional response allows it (§9.1). */
  cancelWanted: boolean
  cancelSent: boolean
  /** It is to end and says nothing: the caller's answer waits for it no longer, though it may yet be heard of. */
  isLeft: boolean
  cancelReason: HeaderField | undefined
  /** Given up by timer C. */
  expired: boolean
  /** Who answered when nobody was there to take it, by their tags: they have been hung up. */
  leftTags: readonly string[]
}

export interface Asked {
  readonly incoming: Incoming
  /** The request as it goes on, before what is particular to a branch. */
  readonly request: SipRequest
  readonly loopMark: string
  readonly maxBreadth: number | undefined
  /** Set where the request can make a dialog: the sender's side of the two Record-Routes. */
  readonly recordRoute: string | undefined
  /** The token of the other side, where the dialog has one. */
  readonly targetToken: string | undefined
  /** Who asks, where that is to be told. */
  readonly asserted: string | undefined
  /** Whoever is not of the house is not told. */
  readonly isHidden: boolean
  /** Of a request that may carry an offer: the call it is within. */
  readonly within: string | undefined
}

/** The call that an initial INVITE starts. */
export interface AskedCall {
  readonly id: string
  readonly callee: Party
  answered: boolean
  /** Devices of which it was told that they ring. */
  ringing: readonly string[]
  /** Those it was sent to: who was called, and whom their telephones forwarded it to. */
  people: readonly string[]
}

export interface ResponseContext {
  /** Undefined once all is said: later 2xx need no more than the server transaction. */
  asked: Asked | undefined
  readonly server: ServerTransaction<ResponseContext>
  readonly sender: Sender
  branches: readonly Branch[]
  /** Of an initial INVITE, until all is said. */
  call: AskedCall | undefined
  readonly mayWait: boolean
  /** From as it came, of who hides. */
  readonly hiddenFrom: string | undefined
  /** Who is asked hides from who asks: the answer tells no more. */
  readonly isToHidden: boolean
  best: SipResponse | undefined
  bestFromPeer: boolean
  /** Of all that challenged. */
  challenges: readonly HeaderField[]
  cancelled: 'no' | 'byCaller' | 'callerLost'
  finalSent: boolean
  /** The caller was told that it came to nothing: a 2xx has nobody to go to (RFC 6026 §7.1). */
  isRefused: boolean
}

/** An answered call's transactions stay for half a minute; what was asked, by far the most of them, need not. */
export function letGo(context: ResponseContext): void {
  if (!context.finalSent || context.branches.some(branch => branch.state !== 'done')) return
  context.asked = undefined
  context.call = undefined
  context.best = undefined
  context.challenges = []
}

/** §16.7 step 6: whether `candidate` is the better answer than `best`. */
export function isBetter(candidate: SipResponse, best: SipResponse | undefined): boolean {
  return best === undefined || rank(candidate.status) < rank(best.status)
}

// 6xx first, then the lowest class. Within 4xx those that let the caller try again in another way (§16.7 step 6), then
// what a person decided, and last what only says that a device was not there.
function rank(status: number): number {
  if (status >= 600) return 0
  const retriable = [401, 407, 415, 420, 484].indexOf(status)
  if (retriable >= 0) return 400 + retriable
  if (status === 487) return 490
  if (status === 408 || status === 480 || status === 430) return 499
  if (status >= 400 && status < 500) return status === 486 ? 410 : 420
  return status
}
