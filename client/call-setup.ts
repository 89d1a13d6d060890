/** What a call is given: how it begins, what it needs of its phone, and how long it waits for what. */
import type { ClientMessage, MediaReport, PersonName } from '../src/signalling/message.ts'
import type { Env } from './env.ts'
import type { KeptCalls } from './kept.ts'
import type { OpenMedia } from './media.ts'

export interface CallPorts {
  readonly env: Env
  readonly kept: KeptCalls
  readonly openMedia: OpenMedia
  online(): boolean
  /** False when there is no line. */
  send(message: ClientMessage): boolean
  /** Now, or when there is a line again. */
  report(call: string, report: MediaReport, isLast: boolean): void
  /** Media stopped: the line may be dead as well. */
  lookAtLine(): void
}

export interface CallSetup {
  readonly direction: 'outgoing' | 'incoming'
  /** Our name for the call until the appliance tells its id. */
  readonly ref: string
  readonly peer: PersonName
  readonly video: boolean
  /** Incoming only: who was called, where it rings here in their place. */
  readonly calledFor?: PersonName | undefined
  /** Incoming only: who handed the caller on to us, as is said. */
  readonly referredBy?: PersonName | undefined
  /** Outgoing only: the id of the call whose other party asked for this one. */
  readonly referred?: string | undefined
  /** Incoming only: the id of the call of ours that it takes the place of. */
  readonly replaces?: string | undefined
  /** One that is open already: people are not asked twice, and some phones open no second one beside the first. */
  readonly microphone?: MediaStreamTrack | undefined
  /** Incoming only. */
  readonly incoming?: { readonly call: string; readonly sdp: string; readonly trickle: boolean }
}

/** Patience. */
export const callLimits = {
  /** A caller gives up after this. */
  noAnswerMilliseconds: 60_000,
  /** A call taken with an offer of ours: the appliance ends one that is not acknowledged sooner, if it is there. */
  unacknowledgedMilliseconds: 35_000,
  /** How long the appliance may take to confirm an end that the other party already told directly. */
  peerByeMilliseconds: 40_000,
  /** A call that rang here when the channel broke is offered again right after the welcome, or is over. */
  offeredAgainMilliseconds: 3_000,
  /** A call that rings here waits as long for its line at the appliance, which then gives it up. */
  ringsWithoutLineMilliseconds: 15_000,
  /** How long a call that the appliance may not know of waits for a line. */
  placedWithoutLineMilliseconds: 10_000,
  /** The appliance says something to a call and to an answer at once; without it the line is looked at. */
  replyMilliseconds: 1_500,
} as const
