/**
 * The WebSocket SDP exchange `lanline.v1`: JSON text frames, one message each. This file is its only definition;
 * `codec.ts` holds the limits, `docs/client-protocol.md` tells it to people, the client library imports these types.
 */
import type { SelectedPair } from '../calls/message.ts'

export const subprotocol = 'lanline.v1'

/** `available`: at least one device reachable. `away`: no page open, no phone registered. */
export type Presence = 'available' | 'inCall' | 'doNotDisturb' | 'away'

export interface Person {
  readonly user: string
  readonly name: string
  readonly presence: Presence
}

export interface MissedCall {
  readonly call: string
  readonly user: string
  readonly name: string
  readonly video: boolean
  /** Milliseconds since 1970, by the appliance's clock. */
  readonly at: number
}

export interface IceCandidate {
  /** `candidate:…`; an empty string means end of candidates. */
  readonly candidate: string
  readonly sdpMid?: string | null | undefined
  readonly sdpMLineIndex?: number | null | undefined
  readonly usernameFragment?: string | null | undefined
}

export interface StreamCount {
  readonly ssrc: number
  readonly kind: 'audio' | 'video'
  readonly direction: 'sent' | 'received'
  readonly packets: number
  readonly bytes: number
  readonly lost: number
}

/** What a party's client says about its end of the media path. */
export interface MediaReport {
  /** Milliseconds since the client's own start of this call. */
  readonly atMilliseconds: number
  readonly iceConnection: string
  readonly iceGathering: string
  readonly connection: string
  readonly dtls: string
  readonly localFingerprint: string
  readonly remoteFingerprint: string
  readonly pair: SelectedPair | null
  readonly streams: readonly StreamCount[]
}

export type EndReason =
  | 'hangup'
  | 'declined'
  | 'busy'
  | 'cancelled'
  | 'noAnswer'
  | 'answeredElsewhere'
  | 'unreachable'
  | 'doNotDisturb'
  | 'notFound'
  | 'mediaLost'
  | 'mediaFailed'
  | 'lost'
  | 'revoked'
  | 'failed'

/** Client to server. `hello` comes first; everything else before it is `notReady`. */
export type ClientMessage =
  | {
      readonly type: 'hello'
      readonly token: string
      readonly client: string
      readonly tab: string
      readonly resume: readonly ResumeCall[]
    }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'doNotDisturb'; readonly on: boolean }
  | { readonly type: 'missedSeen' }
  /** Starts a call. `ref` is the client's name for it until `calling` answers with the call's id. */
  | {
      readonly type: 'call'
      readonly ref: string
      readonly to: string
      readonly sdp: string
      readonly video: boolean
    }
  | { readonly type: 'ringing'; readonly call: string }
  | { readonly type: 'answer'; readonly call: string; readonly sdp: string }
  | { readonly type: 'decline'; readonly call: string; readonly reason: 'declined' | 'busy' | 'failed' }
  | { readonly type: 'candidate'; readonly call: string; readonly candidate: IceCandidate }
  /** A new offer inside the call: ICE restart or media change. */
  | { readonly type: 'offer'; readonly call: string; readonly sdp: string }
  | { readonly type: 'bye'; readonly call: string; readonly reason: EndReason }
  | { readonly type: 'report'; readonly call: string; readonly report: MediaReport }

/** A call the client still holds, or that ended while the server was away (`ended`). */
export interface ResumeCall {
  readonly call: string
  readonly dialog: string
  readonly ended?:
    | { readonly by: 'self' | 'peer'; readonly reason: EndReason; readonly agoMilliseconds: number }
    | undefined
}

/** Server to client. */
export type ServerMessage =
  | {
      readonly type: 'welcome'
      readonly user: string
      readonly name: string
      readonly device: string
      readonly place: string
      readonly version: string
      readonly doNotDisturb: boolean
      readonly roster: readonly Person[]
      readonly missed: readonly MissedCall[]
      /** Fate of each call named in `resume`. */
      readonly resumed: readonly {
        readonly call: string
        readonly state: 'held' | 'ended'
        readonly reason: EndReason | ''
      }[]
      readonly pingSeconds: number
    }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'roster'; readonly roster: readonly Person[] }
  | { readonly type: 'presence'; readonly person: Person }
  | { readonly type: 'doNotDisturb'; readonly on: boolean }
  | { readonly type: 'missed'; readonly missed: readonly MissedCall[] }
  | { readonly type: 'calling'; readonly ref: string; readonly call: string }
  | {
      readonly type: 'incoming'
      readonly call: string
      readonly from: { readonly user: string; readonly name: string }
      readonly sdp: string
      readonly trickle: boolean
      readonly video: boolean
    }
  | { readonly type: 'ringing'; readonly call: string }
  | {
      readonly type: 'answered'
      readonly call: string
      readonly sdp: string
      readonly trickle: boolean
      readonly by: { readonly user: string; readonly name: string }
    }
  | { readonly type: 'candidate'; readonly call: string; readonly candidate: IceCandidate }
  | { readonly type: 'offer'; readonly call: string; readonly sdp: string }
  | {
      readonly type: 'offerRefused'
      readonly call: string
      readonly code: number
      readonly retryAfterMilliseconds: number | null
    }
  | {
      readonly type: 'ended'
      readonly call: string
      readonly by: 'self' | 'peer' | 'server'
      readonly reason: EndReason
      readonly code: number
    }
  /** Keep the newest for each call; present it in `resume`. */
  | { readonly type: 'dialog'; readonly call: string; readonly dialog: string }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly ref: string }

/** Stable. `ref` of an `error` is the call or ref it is about, `''` when none. */
export type ErrorCode =
  | 'badMessage'
  | 'notReady'
  | 'badToken'
  | 'revoked'
  | 'replaced'
  | 'tooMany'
  | 'tooLarge'
  | 'noSuchCall'
  | 'wrongState'
  | 'shuttingDown'

/** WebSocket close codes (RFC 6455 §7.4.2, private range) that tell a client whether to come back. */
export const closeCode = {
  /** The token names no device: enrol again. */
  badToken: 4401,
  /** The device's right was taken away: enrol again. */
  revoked: 4403,
  /** The same device connected from another tab: do not come back by yourself. */
  replaced: 4409,
  /** No `pong`, too many or too large messages: come back with back-off. */
  policy: 4408,
  /** The server stops or sheds: come back with back-off. */
  goingAway: 1001,
} as const
