/** What a capture is matched against, and the figures that come of it. Types only. */
import type { Epoch } from '../../core/clock.ts'
import type { Endpoint } from '../../core/endpoint.ts'
import type { HandshakeMessage } from './message.ts'

export type Party = 'caller' | 'callee'

/** What is known of a call from elsewhere. Addresses in their canonical text form. */
export interface CallIdentity {
  readonly parties: Readonly<Record<Party, PartyIdentity>>
  /** The appliance's own addresses. A packet from or to one of them went by way of it, whoever else has that address. */
  readonly applianceAddresses: readonly string[]
}

export interface PartyIdentity {
  /** Of every ICE generation (RFC 8445 §5.3): each restart makes a new one. */
  readonly ufrags: readonly string[]
  /** Where it sends from: of its candidates and its selected pairs, and nobody's relayed address. */
  readonly addresses: readonly string[]
  /** Of what it sends, as far as its reports say. */
  readonly ssrcs?: readonly number[] | undefined
}

/**
 * `direct`: from one party's address to the other's. `appliance`: from or to the appliance. `turn`: inside ChannelData or
 * a Send or Data indication. `elsewhere`: by an address that is nobody's.
 */
export type Way = 'direct' | 'appliance' | 'turn' | 'elsewhere'

export interface CallFigures {
  /** Both directions of every path that belongs to the call, in the order they were first seen. */
  readonly flows: readonly FlowFigures[]
  readonly totals: Readonly<Record<Way, Readonly<Record<Party | 'unknown', Totals>>>>
  /** Between a party and the appliance: it may be signalling, or TURN over TLS. */
  readonly encrypted: readonly EncryptedFigures[]
  /** Packets that could not be counted, because there were more paths or streams than are followed. */
  readonly leftOut: number
}

/** One direction of one path. */
export interface FlowFigures {
  readonly source: Endpoint
  readonly target: Endpoint
  readonly transport: 'udp' | 'tcp'
  readonly way: Way
  /** Inside TURN: the peer's address, where the capture says it. */
  readonly peer?: Endpoint | undefined
  /** Whose packets these are: by its checks, or else by its address. */
  readonly sender: Party | 'unknown'
  /** `ufrags`: checks of this call were seen on this path. `ssrc`: only a stream that a party says is its own. */
  readonly matchedBy: 'ufrags' | 'ssrc'
  /** Binding requests whose USERNAME is made of this call's ufrags, repeated ones too. */
  readonly checks: number
  readonly nominations: number
  /** Success responses to such requests of the other direction. */
  readonly answers: number
  /** Each once, in the order they became whole. */
  readonly handshake: readonly HandshakeMessage[]
  readonly dtlsPackets: number
  readonly rtcpPackets: number
  readonly streams: readonly StreamFigures[]
  readonly firstAt: Epoch | undefined
  readonly lastAt: Epoch | undefined
}

export interface StreamFigures {
  readonly ssrc: number
  /** Whose SSRC it is, where a report says so. */
  readonly reportedBy: Party | undefined
  readonly packets: number
  readonly bytes: number
  readonly payloadTypes: readonly number[]
  readonly firstAt: Epoch | undefined
  readonly lastAt: Epoch | undefined
}

export interface Totals {
  readonly checks: number
  readonly answers: number
  readonly handshakeMessages: number
  readonly mediaPackets: number
  readonly mediaBytes: number
}

export interface EncryptedFigures {
  readonly party: Party
  readonly appliance: Endpoint
  readonly segmentsToAppliance: number
  readonly segmentsFromAppliance: number
  readonly bytes: number
}
