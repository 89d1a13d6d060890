/**
 * The state of one hosted agent's call, and the desk its parts work at. A call is one INVITE with all its branches
 * and, once answered, one dialog (RFC 3261 §12). Types, limits and small look-ups only.
 */

import type { Monotonic } from '../core/clock.ts'
import { minutes, seconds } from '../core/clock.ts'
import type { EndReason } from '../core/end-reason.ts'
import type { Random } from '../core/random.ts'
import type { TimerTable } from '../core/timers.ts'
import type { AgentEvent, Candidate, SipMessage, SipRequest, SipResponse, SipUri } from './message.ts'

/** RFC 3261 §17.1.1.1 and §13.3.1.4. */
export const T1 = 500
export const T2 = seconds(4)

export const agentLimits = {
  /** Calls a device may have at once, ringing ones too. */
  callsPerDevice: 8,
  /** Finished calls a device's agent still keeps for stragglers; the oldest goes first. */
  finishedPerDevice: 16,
  earlyDialogs: 16,
  candidatesPerSide: 128,
  /** Events kept for a client that is away, per call; more are dropped, the newest first. */
  heldEvents: 160,
  sdpBytes: 32_768,
  tokenCharacters: 8_192,
  routes: 8,
  /** An INVITE nobody answered is given up. */
  ringMilliseconds: minutes(2),
  /** How long a ringing call waits for a client that went away. */
  ringGraceMilliseconds: seconds(15),
  /** For one that went by itself: as long as a page takes to be loaded anew. */
  ringLeftMilliseconds: seconds(5),
  /**
   * How long an established call waits for a client that went away. Long, because it is as often the appliance that was
   * cut off, and media goes on without it; a party that is truly gone is noticed by the other one.
   */
  lostMilliseconds: minutes(10),
  /** An offer inside a call that the client does not answer is refused. */
  offerMilliseconds: seconds(20),
  /** How long it is waited to hear how handing on goes: longer than it may ring. */
  referMilliseconds: minutes(2) + seconds(30),
  /** RFC 3515 §2.4.4: who takes a REFER says something at once. Some phones take it and do nothing. */
  firstNotifyMilliseconds: seconds(10),
  /** How often the other side may ask for a call within one: each is placed without a person's doing. */
  referralsPerCall: 16,
  /** How long a client may take to place the call it was asked for: its media are opened first. */
  referralMilliseconds: seconds(20),
  /** 64*T1: a transaction or an unacknowledged 2xx is over. */
  transactionMilliseconds: 64 * T1,
} as const

export interface Named {
  readonly user: string
  readonly displayName: string
}

/** One leg of a call as this side sees the other: an early dialog, or the confirmed one. */
export interface Dialog {
  readonly remoteTag: string
  target: string
  readonly routes: readonly string[]
  /** The other side takes trickled candidates in INFO (RFC 8840). */
  trickle: boolean
  remoteSeq: number | undefined
  /** Candidates told so far; each INFO repeats them all (RFC 8840 §4.4). */
  told: number
  toldEnd: boolean
  /** CSeq of the INFO that is under way. */
  telling: number | undefined
  /** What the other side told, so that repeats are not passed on. */
  readonly heard: Set<string>
  /** Candidates heard while it is not yet known whether this branch is the one. */
  readonly early: (Candidate | undefined)[]
}

/** The other side's REFER: whom it asks to be called (RFC 3515). */
export interface Referral {
  /** Key of the call within which it was asked. */
  readonly call: string
  /** The value of Event in its notifications (RFC 3515 §2.4.6). */
  readonly event: string
  /** Whom to call, as the transferor wrote it, and who that is. */
  readonly uri: string
  readonly to: Named
  /** The transferor, unless they hide who they are. */
  readonly by: Named | undefined
  /** RFC 3891: where the transferor has had a word with them before. */
  readonly replaces: string | undefined
  /** Kept for a while all the same: a client whose line broke may place it again. */
  isPlaced: boolean
}

/** An INVITE of ours that has no final response yet. */
export interface Inviting {
  readonly request: SipRequest
  readonly seq: number
  /** Inside the dialog (a re-INVITE). */
  readonly inside: boolean
  readonly sdp: string
  provisional: boolean
  /** The CANCEL's Reason word, once the call was given up. */
  cancel: EndReason | undefined
  cancelSent: boolean
}

/** What the other side asks and the client has not answered: the INVITE, a re-INVITE or an UPDATE. */
export interface Asked {
  readonly request: SipRequest
  /** Undefined: it leaves the offer to us (RFC 3261 §13.2.1, §14.1). */
  readonly sdp: string | undefined
}

/** A 2xx of ours to an INVITE that was not acknowledged yet (RFC 3261 §13.3.1.4). */
export interface Answered {
  readonly seq: number
  readonly response: SipResponse
  /** It carries our offer, whose answer comes in the ACK: the call's first, or a later one. */
  readonly offer: 'first' | 'later' | undefined
  intervalMilliseconds: number
}

/**
 * - `inviting`: our INVITE is out. `cancelling`: it was given up, its final response is awaited.
 * - `asked`: their INVITE rings here.
 * - `established`: a 2xx was sent or received.
 * - `over`: the client knows the end; kept for our BYE's response and for stragglers.
 */
export type Phase = 'inviting' | 'cancelling' | 'asked' | 'established' | 'over'

export interface Call {
  readonly device: string
  readonly user: string
  readonly key: string
  readonly callId: string
  readonly localTag: string
  readonly role: 'caller' | 'callee'
  /** From or To of each side without tag, as name-addr text. */
  readonly local: string
  readonly remote: string
  /** Who calls; or who was called, and once it is answered who took it, as far as the proxy tells. */
  peer: Named
  /** Who was called, where that is somebody else than whose device this is. */
  readonly calledFor: Named | undefined
  /** Who handed the caller on to us, as is said. */
  readonly referredBy: Named | undefined
  readonly video: boolean
  /** The key of a call of this device that goes on with this caller, and ends with the answer (RFC 3891). */
  readonly replaces: string | undefined
  phase: Phase
  localSeq: number
  /** The confirmed dialog; for the callee also while it rings. */
  dialog: Dialog | undefined
  readonly early: Map<string, Dialog>
  inviting: Inviting | undefined
  asked: Asked | undefined
  answered: Answered | undefined
  /** Hang up as soon as our 2xx is acknowledged (RFC 3261 §15). */
  byeAfterAck: EndReason | undefined
  /** CSeq of our BYE while its response is awaited. */
  leaving: number | undefined
  /** Our REFER, until it is known what became of it. */
  referring: { readonly seq: number; isNotified: boolean; rang: boolean } | undefined
  /** The other side's REFER is not settled yet. */
  isReferred: boolean
  /** It was told that nobody places what it asked for. */
  hasLapsed: boolean
  timesReferred: number
  /** That of another call, which this one carries out; until it is known how that ends. */
  referral: Referral | undefined
  localSdp: string
  remoteSdp: string
  /** The other side's newest description answered an offer of ours. */
  isAnswered: boolean
  rang: boolean
  readonly candidates: Candidate[]
  candidatesEnd: boolean
  /** Events for a client that is away. */
  readonly held: AgentEvent[]
}

/** What the parts of an agent need of it. `at` is the moment of the fact being handled. */
export interface Desk {
  readonly random: Random
  readonly timers: TimerTable<string>
  readonly domain: string
  readonly tokenKey: Uint8Array
  readonly at: Monotonic
  userAgentOf(device: string): string
  /** Whose address this user part is. */
  personOf(addressUser: string): string | undefined
  /** Whom a request to this address would ask for; undefined where that is nobody of this house. */
  personAt(uri: SipUri): string | undefined
  send(device: string, message: SipMessage): void
  /** Tells the client, or keeps it until the client is back. */
  tell(call: Call, event: AgentEvent): void
  /** Tells the end, once, and moves the call to `over`; whoever calls it sees to its being forgotten. */
  end(call: Call, by: 'self' | 'peer' | 'server', code: number, reason: EndReason): void
  /** Where a device has as many finished calls as are kept, the oldest gives way. */
  enter(call: Call): void
  forget(call: Call): void
}

export const callIdOf = (device: string, key: string): string => `${device} ${key}`
export const timerOf = (kind: CallTimer, call: Call): string => `${kind} ${callIdOf(call.device, call.key)}`

/**
 * `ring`: nobody answered. `over`: stop waiting for stragglers. `repeat`: our 2xx again. `unacknowledged`: it never
 * was. `offer`: the client did not answer an offer. `tell`: an INFO got no response. `refer`: nobody says how handing on went.
 */
export const callTimers = ['ring', 'over', 'repeat', 'unacknowledged', 'offer', 'tell', 'refer'] as const
export type CallTimer = (typeof callTimers)[number]

export function newDialog(of: {
  remoteTag: string
  target: string
  routes: readonly string[]
  trickle: boolean
  remoteSeq: number | undefined
}): Dialog {
  return { ...of, told: 0, toldEnd: false, telling: undefined, heard: new Set(), early: [] }
}

export function newCall(
  of: Pick<
    Call,
    | 'device'
    | 'user'
    | 'key'
    | 'callId'
    | 'localTag'
    | 'role'
    | 'local'
    | 'remote'
    | 'peer'
    | 'video'
    | 'phase'
    | 'localSeq'
  > & {
    readonly replaces?: string | undefined
    readonly calledFor?: Named | undefined
    readonly referredBy?: Named | undefined
    readonly referral?: Referral | undefined
  },
): Call {
  return {
    ...of,
    replaces: of.replaces,
    calledFor: of.calledFor,
    referredBy: of.referredBy,
    dialog: undefined,
    early: new Map(),
    inviting: undefined,
    asked: undefined,
    answered: undefined,
    byeAfterAck: undefined,
    leaving: undefined,
    referring: undefined,
    isReferred: false,
    hasLapsed: false,
    timesReferred: 0,
    referral: of.referral,
    localSdp: '',
    remoteSdp: '',
    isAnswered: false,
    rang: false,
    candidates: [],
    candidatesEnd: false,
    held: [],
  }
}

/** A new description of ours starts a new list of candidates to tell. */
export function setLocalSdp(call: Call, sdp: string): void {
  call.localSdp = sdp
  call.candidates.length = 0
  call.candidatesEnd = false
  for (const dialog of [...call.early.values(), ...(call.dialog ? [call.dialog] : [])]) {
    dialog.told = 0
    dialog.toldEnd = false
  }
}
