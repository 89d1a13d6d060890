/**
 * What Help knows and what it says: facts of a person, their calls, this appliance and what it refused; one sentence on
 * what failed, the evidence, one fix. Types and constants only. No moment is in a sentence: whoever shows it knows the
 * reader's time zone, the appliance does not.
 */
import type { CallRow } from '../calls/message.ts'
import type { Epoch } from '../core/clock.ts'
import type { RelayPolicy, RelayRefusal } from '../relay/message.ts'
import type { Verdict } from '../trace/message.ts'

/** How far it came: each needs those before it. `data`: what is kept, of calls and people. */
export type Stage = 'signalling' | 'network' | 'security' | 'media' | 'data'

/** Stable words. */
export type Cause =
  | 'notRunning'
  | 'wrongPassword'
  | 'unknownAccount'
  | 'badToken'
  | 'notRegistered'
  | 'nothingArrived'
  | 'noDevice'
  | 'pageClosed'
  | 'microphone'
  | 'noMicrophone'
  | 'insecurePage'
  | 'relayOff'
  | 'relayFailed'
  | 'noPath'
  | 'filtered'
  | 'mediaLost'
  | 'badLine'
  | 'silence'
  | 'noDtlsSrtp'
  | 'noCommonMedia'
  | 'dtlsFailed'
  | 'contradicted'
  | 'certificate'
  | 'ownCertificate'
  | 'certificateRefused'
  | 'clockNotSet'
  | 'portMoved'
  | 'diskFull'
  | 'diskReadOnly'
  | 'nameConflict'
  | 'notAnnounced'
  | 'partFailed'
  | 'notTaken'
  | 'noSuchPerson'

export interface Finding {
  readonly stage: Stage
  readonly cause: Cause
  /** `failed`: this is why. `poor`: it went, badly. `told`: nothing broke, this is what happened. */
  readonly weight: 'failed' | 'poor' | 'told'
  readonly sentence: string
  readonly evidence: string
  readonly fix: string
  /** Since when, and until when if it is over. */
  readonly since: Epoch | undefined
  readonly until: Epoch | undefined
  readonly call: string | undefined
}

export interface Diagnosis {
  readonly user: string
  readonly at: Epoch
  /** The strongest first; none: nothing failed, as far as anything is known. */
  readonly findings: readonly Finding[]
  /** Their calls around that time, nearest first. */
  readonly calls: readonly CallRow[]
}

// ------------------------------------------------------------------------------------------------------ incidents

export type IncidentKind =
  /** A digest that does not fit: by `account`, from `source`. */
  | 'wrongPassword'
  /** A channel token that names no device, from `source`. */
  | 'badToken'
  /** The device is not reachable, from `at` until `until`. */
  | 'away'
  /** The client has no microphone or camera for a call: `detail` is the client's word. */
  | 'mediaProblem'
  /** A TLS client did not take our certificate: `detail` is its alert. */
  | 'certificateRefused'
  /** What was to be written was not: `detail` is the store's code. */
  | 'notWritten'
  /** The name was taken by another; `detail` is the name that was wanted. */
  | 'nameTaken'
  /** The appliance did not run. */
  | 'notRunning'

export interface Incident {
  readonly kind: IncidentKind
  readonly at: Epoch
  readonly lastAt: Epoch
  readonly until: Epoch | undefined
  readonly count: number
  readonly user: string
  readonly device: string
  readonly account: string
  readonly source: string
  readonly call: string
  readonly detail: string
}

/** What makes one incident of several; `''` where it does not apply. */
export type IncidentFact = Pick<Incident, 'kind'> &
  Partial<Pick<Incident, 'user' | 'device' | 'account' | 'source' | 'call' | 'detail'>>

// ---------------------------------------------------------------------------------------------------------- facts

export interface HelpFacts {
  /** Whose trouble it is, and when it was. */
  readonly asked: { readonly user: string; readonly at: Epoch }
  readonly people: readonly PersonFacts[]
  /** Calls of that person around the time, nearest first. */
  readonly calls: readonly CallFacts[]
  readonly incidents: readonly Incident[]
  readonly appliance: ApplianceFacts
  /** This machine's, and those that the configuration names. */
  readonly networks: readonly KnownNetwork[]
}

export interface KnownNetwork {
  readonly name: string
  readonly address: string
  readonly prefixLength: number
}

export interface PersonFacts {
  readonly user: string
  readonly name: string
  readonly devices: readonly DeviceFacts[]
}

export interface DeviceFacts {
  readonly id: string
  readonly name: string
  readonly kind: 'page' | 'app' | 'sip'
  readonly digestUser: string | undefined
  readonly reachable: boolean
  readonly address: string
  readonly lastSeenAt: Epoch | undefined
}

export interface CallFacts {
  readonly row: CallRow
  readonly verdict: Verdict | undefined
  /** The lower of both parties' estimates. */
  readonly mos: number | undefined
  readonly relayRefusal: RelayRefusal | undefined
  readonly caller: PartyFacts
  readonly callee: PartyFacts
}

export interface PartyFacts {
  /** Its client told of its media. */
  readonly reports: boolean
  /** How its descriptions would key SRTP: RFC 5763, RFC 4568, not at all. Undefined: none was seen. */
  readonly keying: 'dtls' | 'sdes' | 'none' | undefined
  readonly dtlsState: string | undefined
  readonly checksSent: number
  readonly checksAnswered: number
  readonly checksReceived: number
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly packetsLost: number
  /** Where the appliance saw it; `''` unknown. */
  readonly address: string
}

export interface ApplianceFacts {
  readonly now: Epoch
  readonly hostname: string
  /** The name it was to have. */
  readonly wantedHostname: string
  readonly address: string
  readonly sipPort: number
  /** Of the pages. */
  readonly httpsPort: number
  readonly relayPolicy: RelayPolicy
  readonly clockSet: boolean
  readonly moved: readonly { readonly key: string; readonly from: number; readonly to: number }[]
  readonly certificate: { readonly notBefore: Epoch; readonly notAfter: Epoch } | undefined
  /** One that the owner brought, for its names only. */
  readonly ownCertificate: OwnCertificateFacts | undefined
  readonly disk: { readonly freeBytes: number } | undefined
  readonly failedParts: readonly { readonly name: string; readonly detail: string }[]
  readonly discovery: { readonly state: string; readonly detail: string }
}

export interface OwnCertificateFacts {
  readonly names: readonly string[]
  readonly notBefore: Epoch
  readonly notAfter: Epoch
  /** Browsers know who signed it. */
  readonly isPublic: boolean
}

// ------------------------------------------------------------------------------------------------- network x network

export interface NetworkTable {
  readonly networks: readonly string[]
  readonly cells: readonly NetworkCell[]
  /** Calls that were looked at, and those of them whose networks nobody knows. */
  readonly calls: number
  readonly unknown: number
}

/** Both ways together: `from` is not after `to` in `networks`. */
export interface NetworkCell {
  readonly from: string
  readonly to: string
  readonly direct: number
  readonly relayed: number
  readonly failed: number
  readonly reasons: readonly { readonly text: string; readonly count: number }[]
  /** The newest call that was not direct. */
  readonly example: string | undefined
}

/** Of one call that was answered. */
export interface NetworkedCall {
  readonly call: string
  readonly addresses: { readonly caller: string; readonly callee: string }
  readonly path: 'direct' | 'relayed' | 'failed'
  readonly reason: string
}
