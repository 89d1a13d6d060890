/**
 * What a trace is made of: the events of a call on one time axis, captures, and what is concluded. `docs/trace.md` tells
 * it to people. Types only; no event ever holds media payload, keys, passwords,
 * nonces, digest responses, ice-pwd or message bodies: `redact.ts` runs before an event is made.
 */
import type { SelectedPair } from '../calls/message.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { RelayReason, RelayRefusal } from '../relay/message.ts'
import type { Transport } from '../sip/message.ts'
import type { CallLedger, PartyRole } from '../turn/message.ts'

/** Who says so. */
export type Source = 'server' | 'caller' | 'callee' | 'relay' | 'capture'

/** `in`: to the appliance. */
export type Direction = 'in' | 'out'

/** One event. */
export type TraceEvent = Moment & Happening

export interface Moment {
  /** Position in the call's trace, from 1. */
  readonly number: number
  /** Since the call's start, by the appliance's monotonic clock; negative for what came before the call was accepted. */
  readonly atMilliseconds: number
  readonly source: Source
  /**
   * For what a client timed by its own clock: how far `atMilliseconds` may be off either way. Absent: the appliance
   * saw it itself. `null`: no round trip was measured, so the event may be earlier by as long as its message took.
   */
  readonly clockErrorMilliseconds?: number | null | undefined
}

export type Happening =
  | CallHappening
  | SipHappening
  | ChannelHappening
  | FlowHappening
  | StateHappening
  | ChecksHappening
  | PairHappening
  | DtlsHappening
  | FirstMediaHappening
  | QualityHappening
  | GrantHappening
  | LedgerHappening
  | NetworkHappening
  | RestartHappening
  | CaptureHappening
  | LeftOutHappening

/** What the proxy made of the call. */
export interface CallHappening {
  readonly kind: 'call'
  readonly what: 'started' | 'ringing' | 'answered' | 'ended'
  readonly by?: 'caller' | 'callee' | 'server' | undefined
  readonly device?: string | undefined
  readonly reason?: string | undefined
  readonly code?: number | undefined
}

/** A SIP message on the wire, redacted. */
export interface SipHappening {
  readonly kind: 'sip'
  readonly direction: Direction
  readonly party: PartyRole
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
  /** `INVITE`, `200 OK`. */
  readonly name: string
  /** `1 INVITE`. */
  readonly cseq: string
  readonly text: string
}

/** A `lanline.v1` message, redacted. */
export interface ChannelHappening {
  readonly kind: 'channel'
  readonly direction: Direction
  readonly party: PartyRole
  /** Undefined until the connection's device is known. */
  readonly device: string | undefined
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly type: string
  readonly message: Readonly<Record<string, unknown>>
}

/** A party's connection to the appliance, after its first message of the call: that message names the connection. */
export interface FlowHappening {
  readonly kind: 'flow'
  readonly what: 'closed' | 'resumed'
  readonly party: PartyRole
  readonly device: string
  readonly remote: Endpoint
}

/** A state of the party's `RTCPeerConnection` changed. */
export interface StateHappening {
  readonly kind: 'state'
  readonly what: 'iceConnection' | 'iceGathering' | 'connection'
  readonly from: string
  readonly to: string
}

/** Why no media can go over a pair that failed, as far as counts tell. */
export type WhyFailed =
  /** Checks were sent, nothing came from there. */
  | 'unanswered'
  /** The other side's checks came, but no answer to ours. */
  | 'oneWay'
  /** It was answered once. */
  | 'answeredNoMore'
  | 'neverChecked'
  | 'notCounted'

/**
 * Connectivity checks of one pair (RFC 8445), totals as far as the party's stack counts them: what it does not is
 * absent. Ends as `host 192.0.2.1:5000`.
 */
export interface PairChecks {
  readonly local: string
  readonly remote: string
  readonly state: string
  readonly requestsSent?: number | undefined
  readonly responsesReceived?: number | undefined
  readonly requestsReceived?: number | undefined
  readonly responsesSent?: number | undefined
  readonly rttMilliseconds?: number | undefined
  readonly why?: WhyFailed | undefined
}

/** Pairs of which something is new, not all there are. */
export interface ChecksHappening {
  readonly kind: 'checks'
  readonly pairs: readonly PairChecks[]
}

/** The party selected this pair. */
export interface PairHappening {
  readonly kind: 'pair'
  readonly pair: SelectedPair
}

export interface DtlsHappening {
  readonly kind: 'dtls'
  readonly state: string
  /** `DTLS 1.2`; `''` where the stack does not say. */
  readonly version: string
  readonly cipher: string
  readonly srtpProfile: string
  /** Its own certificate, and the other side's as it was applied: `sha-256 AB:CD…`. */
  readonly localFingerprint: string
  readonly remoteFingerprint: string
}

export interface FirstMediaHappening {
  readonly kind: 'firstMedia'
  readonly direction: 'sent' | 'received'
  readonly media: 'audio' | 'video'
  readonly ssrc: number
}

/** Counters of one RTP stream, totals since its start. */
export interface StreamSample {
  readonly ssrc: number
  readonly media: 'audio' | 'video'
  readonly direction: 'sent' | 'received'
  readonly packets: number
  readonly bytes: number
  readonly lost: number
  /** Where the stack says it. `repeats`: packets sent again, as far as they are among `packets`. */
  readonly repeats?: number | undefined
  readonly jitterMilliseconds?: number | undefined
  readonly samples?: number | undefined
  readonly concealedSamples?: number | undefined
  readonly frames?: number | undefined
  readonly freezes?: number | undefined
}

export interface QualityHappening {
  readonly kind: 'quality'
  readonly rttMilliseconds?: number | undefined
  readonly streams: readonly StreamSample[]
  /** The call was over at this end, and nothing on its way any more: these counts are its last. */
  readonly final?: boolean | undefined
  /** Estimate for received audio since the party's last sample (`quality.ts`). */
  readonly mos?: number | undefined
}

export interface GrantHappening {
  readonly kind: 'grant'
  readonly what: 'opened' | 'closed'
  readonly reason?: RelayReason | undefined
}

export interface LedgerHappening {
  readonly kind: 'ledger'
  readonly ledger: CallLedger
}

/** The appliance's addresses, or how a party reaches it, changed. */
export interface NetworkHappening {
  readonly kind: 'network'
  readonly who: PartyRole | 'lanline'
  readonly addresses: readonly string[]
}

/** The daemon was started again while the call went on: what happened meanwhile only clients can tell. */
export interface RestartHappening {
  readonly kind: 'restart'
}

/** What a capture shows of this call. */
export interface CaptureHappening {
  readonly kind: 'capture'
  readonly facts: CaptureFacts
}

/** Events that a bound kept out. */
export interface LeftOutHappening {
  readonly kind: 'leftOut'
  readonly what: string
  readonly count: number
}

/**
 * `direct`: from one party’s address to the other’s. `appliance`: from or to the appliance. `turn`: inside ChannelData or
 * a Send or Data indication. `elsewhere`: by an address that is nobody’s.
 */
export type CaptureWay = 'direct' | 'appliance' | 'turn' | 'elsewhere'

/** What one capture shows of this call between two endpoints, one way. Addresses as `192.0.2.1:5000`. */
export interface CaptureFlow {
  readonly source: string
  readonly target: string
  readonly way: CaptureWay
  /** Inside TURN: the peer, where the capture says it. */
  readonly peer?: string | undefined
  /** By its checks, or else by its address. */
  readonly sender: PartyRole | 'unknown'
  /** `ufrags`: checks of this call were seen there. `ssrc`: only a stream that one of the two says is its own. */
  readonly matchedBy: 'ufrags' | 'ssrc'
  /** Binding requests whose USERNAME is made of this call's two ufrags. */
  readonly checks: number
  readonly checkAnswers: number
  /** Names of DTLS handshake messages that could be read, in order. */
  readonly dtls: readonly string[]
  /** Of certificates that could be read (up to DTLS 1.2): `sha-256 AA:BB…`. */
  readonly certificates: readonly string[]
  readonly rtp: readonly { readonly ssrc: number; readonly packets: number }[]
  /** All of them: checks and answers, DTLS, RTP, RTCP. */
  readonly packets: number
}

/** Where a capture was taken. `appliance`: by lanline itself; everything else is what who brought the file says. */
export type TakenAt = 'appliance' | 'client' | 'switch' | 'elsewhere'

export interface CaptureFacts {
  readonly name: string
  /** `appliance` sees others' packets only on a bridge, access point or mirror port. */
  readonly takenAt: TakenAt
  /** Who brought it; absent where lanline took it itself. */
  readonly importedBy?: PartyRole | 'owner' | undefined
  /** SHA-256 of the file, hexadecimal: the same one is not taken twice. Absent where there was no file. */
  readonly sha256?: string | undefined
  /** By the clock of who captured. */
  readonly firstAtMilliseconds: number | undefined
  readonly lastAtMilliseconds: number | undefined
  /** All in the file, of this call or not. */
  readonly frames: number
  readonly flows: readonly CaptureFlow[]
  /** Packets of this call in paths and streams beyond those that are told. */
  readonly leftOutPackets?: number | undefined
  /** Said by the reader where it stopped before the end. */
  readonly stoppedBecause?: string | undefined
  /** The first and the last of the call's packets (`packets/kept.ts`), for whoever wants to look at them. */
  readonly packets?: readonly CapturedPacket[] | undefined
}

/** A packet of a capture without payload and secrets. */
export interface CapturedPacket {
  /** By the capture's clock. */
  readonly atMilliseconds: number
  /** `check, 192.0.2.1:5000 to 192.0.2.2:6000`. */
  readonly what: string
  /** From its IP header on, base64. */
  readonly bytes: string
  /** Of the IP packet on the wire. */
  readonly originalBytes: number
}

/** How to capture a call at a computer of one of its two; nothing to capture as long as a party's address is not known. */
export interface CapturePlan {
  readonly state: 'ringing' | 'answered' | 'ended'
  /** Where they are. */
  readonly caller: readonly string[]
  readonly callee: readonly string[]
  /** Filters of libpcap for Ethernet frames, and where each frame is to be cut off: before its payload. */
  readonly captures: readonly { readonly filter: string; readonly snapBytes: number }[]
}

/** A capture that somebody brings. */
export interface CaptureUpload extends Pick<CaptureFacts, 'name'> {
  readonly body: AsyncIterable<Uint8Array>
  /** Whoever brings it has one read at a time. */
  readonly by: string
  readonly takenAt: Exclude<TakenAt, 'appliance'>
  readonly importedBy: PartyRole | 'owner'
}

/** `forgotten`: the events of the call, by which its packets could be known. `tooMany`: the call has its share. */
export type CaptureRefusal = 'busy' | 'forgotten' | 'tooMany' | 'notACapture' | 'noRoom'

export type ImportOutcome =
  | {
      readonly kind: 'refused'
      readonly reason: CaptureRefusal
      readonly sentence: string
      /** Of `notACapture`: what is wrong, as a stable word. */
      readonly detail?: string | undefined
    }
  | ImportVerdict

export interface ImportVerdict {
  /** `known`: this very file was brought before. `nothing`: nothing in it belongs to the call. In both nothing was changed. */
  readonly kind: 'added' | 'known' | 'nothing'
  /** Number of its event. */
  readonly event?: number | undefined
  readonly facts: Omit<CaptureFacts, 'packets'>
  readonly file: CaptureFile
  /** TLS between a party and the appliance, of which nothing can be read: signalling, or TURN over TLS. */
  readonly encrypted: readonly {
    readonly party: PartyRole
    readonly segments: number
    readonly bytes: number
  }[]
  /** With the capture. */
  readonly verdict: Verdict
}

export interface CaptureFile {
  readonly format: 'pcap' | 'pcapng' | undefined
  readonly bytes: number
  readonly frames: number
  /** STUN, DTLS, RTP, RTCP, TURN and TLS, of this call or not. */
  readonly packets: number
  /** What was met and could not be read, by kind. */
  readonly counts: Readonly<Record<string, number>>
  /** Where reading stopped before the end, and why, as a stable word. */
  readonly stop: { readonly reason: string; readonly offset: number } | undefined
}

// ---------------------------------------------------------------------------------------------------- conclusions

export type Path = 'direct' | 'relayed' | 'unknown' | 'contradicted'

/** What a verdict rests on, strongest first. */
export type Grade = 'packets' | 'bothEnds' | 'oneEnd' | 'ledger' | 'none'

export interface CheckedLine {
  /** Stable word: `pairs`, `fingerprints` … */
  readonly id: string
  /** What was asked, as a sentence. */
  readonly question: string
  /** `missing`: there is nothing to judge by. */
  readonly outcome: 'holds' | 'fails' | 'missing'
  /** The figures, as text. */
  readonly figures: string
}

/** Two sayings that cannot both be true. */
export interface Contradiction {
  readonly about: string
  readonly one: string
  readonly other: string
}

export type WhyNotDirect =
  | 'hiddenCandidates'
  | 'noRoute'
  | 'filtered'
  | 'isolation'
  | 'addressFamily'
  | 'notReported'

export interface Verdict {
  readonly path: Path
  readonly grade: Grade
  /** One sentence for people. */
  readonly sentence: string
  readonly checked: readonly CheckedLine[]
  /** What would be needed for the next grade. */
  readonly missing: readonly string[]
  readonly contradictions: readonly Contradiction[]
  readonly whyNotDirect?: { readonly reason: WhyNotDirect; readonly sentence: string; readonly fix: string }
}

/** What was concluded of a call's media path when it was over. `mos`: the lower of both parties' estimates. */
export interface CallOutcome {
  readonly path: Path
  readonly grade: Grade
  readonly mos: number | undefined
}

/** What stays when the events are forgotten. */
export interface TraceSummary {
  readonly call: string
  readonly events: number
  readonly bytes: number
  readonly verdict: Verdict
  readonly mos: Readonly<Record<PartyRole, number | undefined>>
  /** From the answer to the first media each way, by both parties' word. */
  readonly answeredToMediaMilliseconds: number | undefined
  /** Where the appliance saw the parties last; `''`: nowhere. */
  readonly addresses?: Readonly<Record<PartyRole, string>> | undefined
  /** Why nothing was relayed, where that was asked for. */
  readonly relayRefusal?: RelayRefusal | undefined
}
