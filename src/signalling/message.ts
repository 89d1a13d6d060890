/**
 * The WebSocket SDP exchange `lanline.v1`: JSON text frames, one message each. This file is its only definition, but
 * for the words of `core/end-reason.ts`, which SIP shares; `codec.ts` holds the limits, `docs/client-protocol.md` tells it
 * to people, the client library imports these types.
 */
import type { CallInput, CallRow, SelectedPair } from '../calls/message.ts'
import type { EndReason } from '../core/end-reason.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Quiet, QuietHours } from '../core/quiet-hours.ts'
import type { RelayInput, RelayTelling } from '../relay/message.ts'
import type { AgentCommand, AgentEvent } from '../sip/message.ts'

export const subprotocol = 'lanline.v1'

/** `available`: at least one device reachable. `away`: no page open, no phone registered. */
export type Presence = 'available' | 'inCall' | 'doNotDisturb' | 'away'

export interface Person {
  readonly user: string
  readonly name: string
  /** What phones without letters dial. */
  readonly number: string
  readonly presence: Presence
  /** Of a door station: the keys that open it. Guests are told of none. */
  readonly doorKeys?: string | undefined
}

export interface PersonName {
  readonly user: string
  readonly name: string
}

/** Somebody asks to join; told to the owner's devices only. */
export interface JoinAsk {
  readonly id: string
  readonly name: string
  readonly device: string
  /** Milliseconds since 1970, by the appliance's clock. */
  readonly at: number
}

export interface MissedCall {
  readonly call: string
  /** Who called. */
  readonly user: string
  readonly name: string
  readonly video: boolean
  /** Milliseconds since 1970, by the appliance's clock. */
  readonly at: number
  /** Who was called, where it was to ring here in their place. */
  readonly for?: PersonName | undefined
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
  /** From here on: where the stack says it. Of what is sent it is what the other end's receiver reports say. */
  readonly jitterMilliseconds?: number | undefined
  /** Packets sent again, as far as they are counted among `packets`. */
  readonly repeats?: number | undefined
  /** Audio played out in all, and what of it was made up for what did not come in time; silence does not count. */
  readonly samples?: number | undefined
  readonly concealedSamples?: number | undefined
  readonly frames?: number | undefined
  readonly freezes?: number | undefined
}

/** A state of the `RTCPeerConnection` as it became, by the client's own clock. */
export interface StateChange {
  readonly what: 'iceConnection' | 'iceGathering' | 'connection'
  readonly to: string
  readonly atMilliseconds: number
}

/** A candidate pair that was checked (RFC 8445 §6.1.2). Totals; a count that the stack does not keep is absent. */
export interface CheckedPair {
  readonly localType: string
  readonly localAddress: string
  readonly localPort: number
  readonly remoteType: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly protocol: string
  readonly state: string
  readonly requestsSent?: number | undefined
  readonly responsesReceived?: number | undefined
  readonly requestsReceived?: number | undefined
  readonly responsesSent?: number | undefined
  readonly rttMilliseconds?: number | undefined
}

/** What a party's client says about its end of the media path. */
export interface MediaReport {
  /** Milliseconds since the client's own start of this call. */
  readonly atMilliseconds: number
  /** How long it was kept because there was no line. */
  readonly heldMilliseconds?: number | undefined
  /** The channel's, newly measured; sent with it the appliance knows how well it aligns the client's clock. */
  readonly roundTripMilliseconds?: number | undefined
  readonly iceConnection: string
  readonly iceGathering: string
  readonly connection: string
  readonly dtls: string
  readonly localFingerprint: string
  readonly remoteFingerprint: string
  readonly pair: SelectedPair | null
  readonly streams: readonly StreamCount[]
  /** The call is over at this end and nothing is on its way any more: these counts are the last. */
  readonly final?: boolean | undefined
  /** Only what is new since the last report; all of it again after the line was away. */
  readonly states?: readonly StateChange[] | undefined
  readonly checks?: readonly CheckedPair[] | undefined
  /** `DTLS 1.2`. These three once they are known, where the stack says them, and when they change. */
  readonly dtlsVersion?: string | undefined
  readonly dtlsCipher?: string | undefined
  readonly srtpProfile?: string | undefined
}

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
  /** Within the person's quiet hours: whether these count. Else by hand, until it is switched off. */
  | { readonly type: 'doNotDisturb'; readonly on: boolean }
  /** When the person is not to be disturbed; null: at no hours. */
  | { readonly type: 'quietHours'; readonly hours: QuietHours | null }
  | { readonly type: 'missedSeen' }
  /** The owner answers somebody who asks to join. `staySeconds` makes them a guest for so long, absent: for good. */
  | {
      readonly type: 'answerRequest'
      readonly id: string
      readonly allow: boolean
      readonly staySeconds?: number | undefined
    }
  /** Starts a call. `ref` is the client's name for it until `calling` answers with the call's id. */
  | {
      readonly type: 'call'
      readonly ref: string
      readonly to: string
      readonly sdp: string
      readonly video: boolean
      /** The call within which `referred` asked for this one. */
      readonly referred?: string | undefined
    }
  | { readonly type: 'ringing'; readonly call: string }
  | { readonly type: 'answer'; readonly call: string; readonly sdp: string }
  | { readonly type: 'decline'; readonly call: string; readonly reason: 'declined' | 'busy' | 'failed' }
  | { readonly type: 'candidate'; readonly call: string; readonly candidate: IceCandidate }
  /** A new offer inside the call: ICE restart or media change. */
  | { readonly type: 'offer'; readonly call: string; readonly sdp: string }
  /** The other party shall call `to` instead; in the place of `replaces`, a call of ours with them. */
  | {
      readonly type: 'refer'
      readonly call: string
      readonly to: string
      readonly replaces?: string | undefined
    }
  | { readonly type: 'bye'; readonly call: string; readonly reason: EndReason }
  | { readonly type: 'report'; readonly call: string; readonly report: MediaReport }
  /** Checks were sent on this call's candidate pairs and none was answered: a relay is wanted. One party is enough. */
  | { readonly type: 'noPath'; readonly call: string }
  /**
   * Microphone or camera cannot be had, for this call or for one that could not even be begun (`call` is `''`). `problem`
   * is a word such as `microphoneDenied`.
   */
  | { readonly type: 'mediaProblem'; readonly call: string; readonly problem: string }
  /** The servers of `relay` will be used by the next gathering. */
  | { readonly type: 'relayReady'; readonly call: string }

/**
 * A call the client still holds, or that ended while the server was away (`ended`). The device's calls that are not
 * named are ended by the server; those that still ring here are offered again by `incoming`.
 */
export interface ResumeCall {
  readonly call: string
  /** The newest `dialog` of this call; empty while none was received, as in set-up. */
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
      readonly role: 'owner' | 'member' | 'guest'
      /** For a guest: how long until they are removed. */
      readonly staySeconds: number | null
      readonly doNotDisturb: boolean
      /** Why it is on, and when it will be. */
      readonly quiet: Quiet
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
  /** What was told in `welcome` of this device's person is so no longer: renamed, longer a guest, or none any more. */
  | {
      readonly type: 'standing'
      readonly name: string
      readonly role: 'owner' | 'member' | 'guest'
      readonly staySeconds: number | null
    }
  | { readonly type: 'roster'; readonly roster: readonly Person[] }
  /** Everybody who waits to be let in: at each change, and after `welcome` if anybody does; to the owner's devices. */
  | { readonly type: 'requests'; readonly waiting: readonly JoinAsk[] }
  | { readonly type: 'presence'; readonly person: Person }
  | { readonly type: 'doNotDisturb'; readonly on: boolean; readonly quiet: Quiet }
  | { readonly type: 'missed'; readonly missed: readonly MissedCall[] }
  | { readonly type: 'calling'; readonly ref: string; readonly call: string }
  | {
      readonly type: 'incoming'
      readonly call: string
      readonly from: PersonName
      /** Who was called, where it rings here in their place and this person may know of them. */
      readonly for?: PersonName | undefined
      /** Who handed the caller on, as their device says, where this person may know of them. */
      readonly referredBy?: PersonName | undefined
      /** Empty where the offer is left to the callee: then `answer` carries one, and `answered` follows. */
      readonly sdp: string
      readonly trickle: boolean
      readonly video: boolean
      /** A call of this device that is handed on: it goes on with this one, unasked, and ends once that is answered. */
      readonly replaces?: string | undefined
    }
  | { readonly type: 'ringing'; readonly call: string }
  | {
      readonly type: 'answered'
      readonly call: string
      readonly sdp: string
      readonly trickle: boolean
      /** Who took it, who may be another than was called; as far as the caller may know of them. */
      readonly by: PersonName
    }
  | { readonly type: 'candidate'; readonly call: string; readonly candidate: IceCandidate }
  | { readonly type: 'offer'; readonly call: string; readonly sdp: string }
  | {
      readonly type: 'offerRefused'
      readonly call: string
      readonly code: number
      readonly retryAfterMilliseconds: number | null
    }
  /** The other party hands this device on: it is to call `to`, and to name this call as `referred` in that. */
  | { readonly type: 'referred'; readonly call: string; readonly to: PersonName }
  /** How our `refer` goes; `reason` of what `failed`. */
  | {
      readonly type: 'referral'
      readonly call: string
      readonly state: 'ringing' | 'answered' | 'failed'
      readonly reason: EndReason | null
    }
  | {
      readonly type: 'ended'
      readonly call: string
      readonly by: 'self' | 'peer' | 'server'
      readonly reason: EndReason
      readonly code: number
    }
  /** `relay`, `restart`, `relayRefused`: see there. */
  | RelayTelling
  /** Keep the newest for each call; present it in `resume`. */
  | { readonly type: 'dialog'; readonly call: string; readonly dialog: string }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly ref: string }

/** Stable. `ref` of an `error` is the call or ref it is about, `''` when none. */
export type ErrorCode =
  | 'badMessage'
  | 'notReady'
  | 'badToken'
  | 'revoked'
  /** For now: keep the token and come back with back-off. */
  | 'disabled'
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
  /** The same tab opened a newer connection: this one is history. */
  superseded: 4400,
  /** The same device connected from another tab: do not come back by yourself. */
  replaced: 4409,
  /** No `pong`, too many or too large messages: come back with back-off. */
  policy: 4408,
  /** The server stops or sheds: come back with back-off. */
  goingAway: 1001,
} as const

/** One fact for the channel's machine. `connection` is the rim's name for a socket, unique for the life of the process. */
export type SignallingInput =
  | {
      readonly kind: 'opened'
      readonly connection: string
      readonly remote: Endpoint
      /** Our end. */
      readonly local: Endpoint
    }
  | { readonly kind: 'frame'; readonly connection: string; readonly text: string }
  | { readonly kind: 'binaryFrame'; readonly connection: string }
  /** The socket is gone, whoever closed it. `left`: the page that had it went (RFC 6455 §7.4.1: 1001), or is loaded anew. */
  | { readonly kind: 'closed'; readonly connection: string; readonly left: boolean }
  | { readonly kind: 'agentEvent'; readonly device: string; readonly event: AgentEvent }
  | {
      readonly kind: 'reachable'
      readonly user: string
      readonly device: string
      readonly reachable: boolean
    }
  | { readonly kind: 'callChanged'; readonly row: CallRow; readonly missedBy: readonly string[] }
  /** Somebody asks to join, or was answered; the machine reads them anew. */
  | { readonly kind: 'requestsChanged' }
  /** People were added, renamed, removed, or set do not disturb; the machine reads them anew. */
  | { readonly kind: 'peopleChanged' }
  /** The wall clock was set, or is looked at for the first time: whose quiet hours are on is read anew. */
  | { readonly kind: 'clockSet' }
  | { readonly kind: 'revoked'; readonly device: string }
  /** As `revoked`, but the device may come back. */
  | { readonly kind: 'disabled'; readonly device: string }
  /** For the client of a party, about its call's relay. */
  | { readonly kind: 'relayTelling'; readonly device: string; readonly telling: RelayTelling }
  /** The daemon stops: every client is told, nothing new is taken. */
  | { readonly kind: 'stopping' }

/** What the rim must do, in order. */
export type SignallingEffect =
  | { readonly kind: 'sendFrame'; readonly connection: string; readonly text: string }
  | {
      readonly kind: 'closeConnection'
      readonly connection: string
      readonly code: number
      readonly reason: string
    }
  | { readonly kind: 'agent'; readonly device: string; readonly command: AgentCommand }
  | { readonly kind: 'callFact'; readonly input: CallInput }
  | { readonly kind: 'relayFact'; readonly input: RelayInput }
  /** A party's report, checked: for the trace. */
  | {
      readonly kind: 'reported'
      readonly call: string
      readonly device: string
      readonly report: MediaReport
    }
  /** Save it, then answer with `peopleChanged`. */
  | { readonly kind: 'saveDoNotDisturb'; readonly user: string; readonly on: boolean }
  | { readonly kind: 'saveQuietHours'; readonly user: string; readonly hours: QuietHours | null }
  /** By the clock these people are not to be disturbed from now on, or may be again. */
  | { readonly kind: 'quietTurned'; readonly users: readonly string[] }
  | { readonly kind: 'deviceSeen'; readonly device: string }
  /** A client says why it could not take part with sound or picture. */
  | {
      readonly kind: 'mediaProblem'
      readonly user: string
      readonly device: string
      readonly call: string
      readonly problem: string
    }
  /** The owner's answer to somebody who asks to join; then answer with `requestsChanged`. */
  | {
      readonly kind: 'answerRequest'
      readonly id: string
      readonly allow: boolean
      readonly staySeconds: number | undefined
    }
  /** To be counted, and logged at debug. `reason` is a stable word. */
  | {
      readonly kind: 'note'
      readonly reason: string
      readonly connection: string | undefined
      readonly detail: string
    }
