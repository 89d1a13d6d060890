/**
 * What travels in the SIP room: messages, the flows they arrive on, and the facts and effects of its machine. Types
 * and their few constant tables only; how bytes become messages is `codec.ts`.
 */
import type { EndReason } from '../core/end-reason.ts'
import type { Endpoint } from '../core/endpoint.ts'

/** `hosted` is the in-process transport between the proxy and the agents that the daemon runs for JSON devices. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'hosted'

/**
 * A way to reach a peer: a connection, or for UDP one pair of endpoints. `id` is unique for the life of the process
 * (for UDP: made of both endpoints, so the same pair is the same flow).
 */
export interface Flow {
  readonly id: string
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
}

/** The flow of a UDP pair of endpoints: the same pair is the same flow, also after a restart. */
export const udpFlow = (local: Endpoint, remote: Endpoint): Flow => ({
  id: `udp/${local.address}/${local.port}/${remote.address}/${remote.port}`,
  transport: 'udp',
  local,
  remote,
})

/** RFC 3261 §17: over a reliable transport nothing is retransmitted and timers D, I, J, K are zero. */
export const isReliable = (transport: Transport): boolean => transport !== 'udp'

/** One header field: its name as RFC 3261 spells it (`Via`, `CSeq`, unknown names as received), its value unfolded. */
export interface HeaderField {
  readonly name: string
  readonly value: string
}

/**
 * A header list in wire order. Names are compared without case and compact forms are expanded on decode. Several
 * values on one line (`Via: a, b`) stay one field here; `codec.values()` splits them.
 */
export interface SipRequest {
  readonly kind: 'request'
  readonly method: string
  /** The Request-URI as received. */
  readonly uri: string
  readonly headers: readonly HeaderField[]
  readonly body: Uint8Array
}

export interface SipResponse {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: readonly HeaderField[]
  readonly body: Uint8Array
}

export type SipMessage = SipRequest | SipResponse

/** RFC 3261 §19.1.1. `user` is unescaped; parameter and header names are lower case; a flag parameter is `''`. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  readonly user: string | undefined
  readonly password: string | undefined
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: ReadonlyMap<string, string>
  readonly headers: string | undefined
}

/** RFC 3261 §20.10, the form of From, To, Contact, Route, Record-Route, Path, Refer-To. `uri` is kept as text. */
export interface NameAddr {
  readonly displayName: string | undefined
  readonly uri: string
  readonly params: ReadonlyMap<string, string>
}

/** RFC 3261 §20.42. `sentBy` as written; `params` include branch, received, rport (`''` when asked for). */
export interface Via {
  readonly protocol: string
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  readonly params: ReadonlyMap<string, string>
}

export interface CSeq {
  readonly number: number
  readonly method: string
}

/** What every message must carry (RFC 3261 §8.1.1), as it was read to see that it is there. */
export interface Essentials {
  /** The topmost. */
  readonly via: Via
  readonly from: NameAddr
  readonly to: NameAddr
  readonly callId: string
  readonly cseq: CSeq
  /** The Request-URI; undefined in a response, and for other schemes than sip and sips. */
  readonly uri: SipUri | undefined
}

/** RFC 3261 §25.1 `challenge` and `credentials`: scheme in lower case, parameters unquoted, names in lower case. */
export interface AuthParams {
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

/** Who may register and call: one enrolled endpoint with a digest credential. HA1s are lower-case hexadecimal. */
export interface Credential {
  readonly device: string
  readonly user: string
  readonly ha1Md5: string
  readonly ha1Sha256: string
}

/**
 * A registered contact (RFC 3261 §10). Its key is (device, instance, regId) where the device sent an instance
 * (RFC 5626 §6), else (device, contact). `flow` is how it is reached now; undefined after a restart until the device
 * comes back (a UDP flow is rebuilt from the row).
 */
export interface Binding {
  readonly key: string
  readonly user: string
  readonly device: string
  readonly contact: string
  readonly instance: string | undefined
  readonly regId: number | undefined
  readonly path: readonly string[]
  readonly q: number
  readonly callId: string
  readonly cseq: number
  readonly userAgent: string
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
}

/** A binding as it lies in the store. Lifetime there is in wall time; in memory it is monotonic. */
export interface BindingRow extends Binding {
  readonly expiresSeconds: number
}

/** One party of a call as the proxy knows it. `device` is undefined until a branch answered. */
export interface Party {
  readonly user: string
  readonly displayName: string
  readonly device: string | undefined
}

export type CallEnder = 'caller' | 'callee' | 'server'

/** By what both ends of an answered call know it (RFC 3261 §12). */
export interface CallDialog {
  readonly callId: string
  readonly callerTag: string
  readonly calleeTag: string
}

/** What the proxy saw of a call; `calls/` makes rows of it. `call` is `callKey(Call-ID, caller's tag)`. */
export type CallEvent =
  | {
      readonly kind: 'started'
      readonly call: string
      readonly caller: Party
      /** They do not wish it to be told. */
      readonly isHidden?: boolean | undefined
      readonly callee: Party
      /** Whose call it is as well, by the owner's choice: it rings at them if they may be disturbed. Absent where nobody's. */
      readonly others?: readonly string[] | undefined
      readonly video: boolean
    }
  /** A telephone sends it on to them. */
  | { readonly kind: 'forwarded'; readonly call: string; readonly to: readonly string[] }
  /** One of those it rings at does not want it; the others may. */
  | { readonly kind: 'declined'; readonly call: string; readonly user: string }
  | { readonly kind: 'ringing'; readonly call: string; readonly device: string }
  | { readonly kind: 'answered'; readonly call: string; readonly callee: Party; readonly dialog: CallDialog }
  /** A picture was added to it since. */
  | { readonly kind: 'video'; readonly call: string }
  /** A final refusal, a CANCEL, or a BYE. `code` is the SIP status or 0; `reason` one stable word (`docs/client-protocol.md`). */
  | {
      readonly kind: 'ended'
      readonly call: string
      readonly by: CallEnder
      readonly code: number
      readonly reason: string
      /** For a BYE: the branch it ends. A branch that answered too late is hung up without ending the call. */
      readonly calleeTag?: string | undefined
      /** Whose branch that is, as far as a token tells. */
      readonly calleeDevice?: string | undefined
    }

/** What a JSON device's person does, as commands to its hosted agent. `call` is the call's key. */
export type AgentCommand =
  /** The device's client is here: it has a binding until `detach`. */
  | {
      readonly kind: 'attach'
      readonly user: string
      readonly displayName: string
      readonly userAgent: string
      readonly remote: Endpoint
      /** Our end of the client's connection. */
      readonly local: Endpoint
    }
  /** The client is away. `left`: by itself, so that it is not waited for as long as for one that was cut off. */
  | { readonly kind: 'detach'; readonly left: boolean }
  /** `ref` is the client's own name for the call until `calling` tells its key. */
  | {
      readonly kind: 'invite'
      readonly ref: string
      readonly to: string
      readonly sdp: string
      readonly video: boolean
      /** The call within which we were asked for this one, by `referred`; that says more exactly whom to call than `to`. */
      readonly referred?: string | undefined
    }
  | { readonly kind: 'ringing'; readonly call: string }
  | { readonly kind: 'answer'; readonly call: string; readonly sdp: string }
  | { readonly kind: 'refuse'; readonly call: string; readonly code: 480 | 486 | 488 | 603 }
  /** One trickled candidate line (`candidate:…`), or undefined for end-of-candidates. */
  | { readonly kind: 'candidate'; readonly call: string; readonly candidate: Candidate | undefined }
  /** A new offer within the call (ICE restart, media change): a re-INVITE. */
  | { readonly kind: 'offer'; readonly call: string; readonly sdp: string }
  /** Hang up, or give up before the answer. `reason` goes into the Reason header's text. */
  | { readonly kind: 'bye'; readonly call: string; readonly reason: string }
  /**
   * Hands the other party of an established call on to `to`; `referral` tells what becomes of it. `replaces`: a call of this
   * device with `to`, whose place theirs takes.
   */
  | {
      readonly kind: 'refer'
      readonly call: string
      readonly to: string
      readonly replaces?: string | undefined
    }
  /** The other party lost its right and will not hang up itself. */
  | { readonly kind: 'peerRevoked'; readonly call: string }
  /**
   * The client holds this call: a dialog lost by a restart of the daemon is rebuilt from the token. An empty token
   * says that the client has none yet; a call that is there then tells again how far it is. Comes before `attach`.
   */
  | { readonly kind: 'restore'; readonly call: string; readonly token: string }

export interface Candidate {
  readonly candidate: string
  readonly sdpMid: string | undefined
  readonly sdpMLineIndex: number | undefined
  readonly usernameFragment: string | undefined
}

/** What happens to a JSON device's calls, as its hosted agent tells it. */
export type AgentEvent =
  | { readonly kind: 'calling'; readonly ref: string; readonly call: string }
  | {
      readonly kind: 'incoming'
      readonly call: string
      readonly from: { readonly user: string; readonly displayName: string }
      /** Who was called, where that is somebody else: it rings here in their place. */
      readonly calledFor?: { readonly user: string; readonly displayName: string } | undefined
      /** Who handed the caller on to us, as is said. */
      readonly referredBy?: { readonly user: string; readonly displayName: string } | undefined
      /** Empty where the offer is left to the callee: `answer` then carries it, and `answered` follows. */
      readonly sdp: string
      readonly trickle: boolean
      readonly video: boolean
      /** A call of the device, which is handed on to who calls here: it ends once this one is answered. */
      readonly replaces?: string | undefined
    }
  | { readonly kind: 'ringing'; readonly call: string }
  /** The other side took it; `trickle` says whether it takes further candidates. */
  | {
      readonly kind: 'answered'
      readonly call: string
      readonly sdp: string
      readonly trickle: boolean
      readonly by: { readonly user: string; readonly displayName: string }
    }
  | { readonly kind: 'offer'; readonly call: string; readonly sdp: string }
  /** The other side leaves the offer to us: the next `offer` is it, and `answered` brings what becomes of it. */
  | { readonly kind: 'offerWanted'; readonly call: string }
  /** An `offer` of ours was refused (491, 488 …): the call goes on as it was. */
  | {
      readonly kind: 'offerRefused'
      readonly call: string
      readonly code: number
      readonly retryAfterMilliseconds: number | undefined
    }
  | { readonly kind: 'candidate'; readonly call: string; readonly candidate: Candidate | undefined }
  /** The other party hands us on: the next `invite` that names this call is the one it asks for. */
  | {
      readonly kind: 'referred'
      readonly call: string
      readonly to: { readonly user: string; readonly displayName: string }
    }
  /** How handing the other party on goes. `answered`: it is done, and this call ends. `failed`: it goes on as it was. */
  | {
      readonly kind: 'referral'
      readonly call: string
      readonly state: 'ringing' | 'answered' | 'failed'
      readonly reason: EndReason | undefined
    }
  | {
      readonly kind: 'ended'
      readonly call: string
      readonly by: 'self' | 'peer' | 'server'
      readonly code: number
      readonly reason: string
    }
  /** To be kept by the client and presented on `resume`. Opaque, authenticated, bound to the device. */
  | { readonly kind: 'dialog'; readonly call: string; readonly token: string }
  | { readonly kind: 'restored'; readonly call: string }
  | { readonly kind: 'notRestored'; readonly call: string; readonly reason: string }

/** Whether this phone is still in a call that was answered in an earlier life of the process. */
export interface AskedPhone {
  readonly call: string
  readonly device: string
  readonly side: 'caller' | 'callee'
  /** The people at both ends, by name; no caller where the phone was not told who that is. */
  readonly caller: string | undefined
  readonly callee: string
  readonly dialog: CallDialog
}

/** One fact for the SIP machine. */
export type SipInput =
  | { readonly kind: 'received'; readonly flow: Flow; readonly bytes: Uint8Array }
  | { readonly kind: 'flowClosed'; readonly flow: Flow }
  | { readonly kind: 'connected'; readonly ticket: number; readonly flow: Flow }
  | { readonly kind: 'connectFailed'; readonly ticket: number }
  | { readonly kind: 'saved'; readonly ticket: number }
  | { readonly kind: 'saveFailed'; readonly ticket: number }
  | { readonly kind: 'agent'; readonly device: string; readonly command: AgentCommand }
  | ({ readonly kind: 'ask' } & AskedPhone)
  /** The device's or its user's right ended: registrations, calls and flows go at once. */
  /** `isGuestOver`: its person was a guest, whose time is over. */
  | { readonly kind: 'revoked'; readonly device: string; readonly isGuestOver?: boolean }

/** What the rim must do, in order. */
export type SipEffect =
  | { readonly kind: 'send'; readonly flow: Flow; readonly bytes: Uint8Array }
  /** Open a connection and answer `connected` or `connectFailed` with the ticket. */
  | {
      readonly kind: 'connect'
      readonly ticket: number
      readonly transport: 'tcp' | 'tls'
      readonly remote: Endpoint
    }
  | { readonly kind: 'close'; readonly flow: Flow }
  /** Write these rows in one batch and answer `saved` or `saveFailed`. Without a ticket nobody waits. */
  | {
      readonly kind: 'saveBindings'
      readonly ticket: number | undefined
      readonly put: readonly BindingRow[]
      readonly remove: readonly string[]
    }
  /** A device became reachable or stopped being so. */
  | {
      readonly kind: 'reachable'
      readonly user: string
      readonly device: string
      readonly reachable: boolean
      readonly userAgent: string
      readonly transport: Transport
      readonly remote: Endpoint
      /** Our address that the device's flow came to. */
      readonly local: Endpoint
    }
  /** A phone of the device registers as one does that was just switched on: what it was in before it may know nothing of. */
  | { readonly kind: 'registeredAnew'; readonly device: string }
  | { readonly kind: 'agentEvent'; readonly device: string; readonly event: AgentEvent }
  | { readonly kind: 'call'; readonly event: CallEvent }
  /** The phone that was asked is in no such call. */
  | { readonly kind: 'gone'; readonly call: string; readonly device: string }
  /** To be counted, and logged at debug. `reason` is a stable word such as `badDigest`, `forgedFrom`, `malformed`. */
  | {
      readonly kind: 'note'
      readonly reason: string
      readonly flow: Flow | undefined
      readonly detail: string
      /** The digest user name that was refused, as it was given. */
      readonly account?: string | undefined
    }
