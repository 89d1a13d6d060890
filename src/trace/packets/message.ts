/** What a capture is read into: frames, packets, and how the reading ended. Types and constants only. */
import type { Epoch } from '../../core/clock.ts'
import type { Endpoint } from '../../core/endpoint.ts'

/** What one reader holds and lets through, however long the file is. */
export const limits = {
  /** Wireshark's own largest frame. */
  frameBytes: 262_144,
  /** Of a pcapng block that is read at all; others are skipped without being held. */
  blockBytes: 1_048_576,
  interfaces: 1_024,
  commentsPerFrame: 8,
  commentCharacters: 4_096,
  vlanTags: 4,
  extensionHeaders: 16,
  /** IP datagrams that wait for further fragments, and their bytes together. */
  fragmented: 64,
  fragmentsEach: 128,
  fragmentedBytes: 1_048_576,
  /** RFC 8200 §4.5. */
  fragmentMilliseconds: 60_000,
  /** Directions of TCP connections, and what waits in them for a missing segment. */
  streams: 256,
  heldSegments: 128,
  heldBytesEach: 262_144,
  heldBytes: 1_048_576,
  /** Of a TURN message in a stream. */
  streamMessageBytes: 16_384,
  /** Directions in which DTLS handshakes are followed, and what waits there for further fragments. */
  handshakes: 64,
  handshakeMessages: 16,
  handshakeMessageBytes: 16_384,
  handshakePieces: 64,
  /** Pieces of one message that do not touch. */
  handshakeRanges: 16,
  handshakeBytes: 1_048_576,
  channels: 1_024,
  stunAttributes: 64,
  dtlsRecords: 64,
} as const

/** LINKTYPE_ values that are read. */
export const linkType = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
  linuxCooked2: 276,
} as const

/** One captured frame. `bytes` is a view that holds until the next push. */
export interface Frame {
  /** From 1, as Wireshark counts. */
  readonly number: number
  /** Of its record's first byte in the file. */
  readonly offset: number
  /** Undefined where the file does not say (simple packet blocks). */
  readonly at: Epoch | undefined
  readonly linkType: number
  /** Into the ending's `interfaces`. */
  readonly interface: number
  readonly bytes: Uint8Array
  readonly originalBytes: number
  readonly comments: readonly string[]
}

/** Where a frame came from, without its bytes. */
export type FrameMark = Omit<Frame, 'bytes' | 'originalBytes' | 'linkType'>

export interface CaptureInterface {
  readonly linkType: number
  readonly name?: string | undefined
}

/** One message of the kinds that a call's media path is made of. No payload, no credentials. */
export interface Packet extends FrameMark {
  readonly source: Endpoint
  readonly target: Endpoint
  readonly transport: 'udp' | 'tcp'
  /** Set where a TURN message carried it; `source` and `target` are then the outer ones. */
  readonly inside?: Wrapping | undefined
  readonly content: Content
  /** Of the content as it was sent, not as far as it was captured. */
  readonly bytes: number
  /** Only if the reader was asked for it, and the packet came as one: not from fragments, not over TCP. */
  readonly wire?: Wire | undefined
}

/** A packet as it was captured, payload and all: `kept.ts` says what of it may be kept. */
export interface Wire {
  /** From its IP header on; of media only the headers. */
  readonly ip: Uint8Array
  /** Where the UDP datagram's data begins. */
  readonly dataAt: number
}

export interface Wrapping {
  readonly kind: 'channel' | 'indication'
  readonly channel?: number | undefined
  /** Of a channel only if its ChannelBind is in the capture. */
  readonly peer?: Endpoint | undefined
}

export type Content = Stun | Dtls | Rtp | Rtcp | Tls | Other

/** RFC 8489, RFC 8445 §16.1, RFC 8656. */
export interface Stun {
  readonly kind: 'stun'
  readonly class: 'request' | 'indication' | 'success' | 'error'
  /** 1 is Binding. */
  readonly method: number
  /** Twelve bytes in hexadecimal. */
  readonly transaction: string
  readonly username?: string | undefined
  readonly priority?: number | undefined
  readonly useCandidate?: true | undefined
  readonly role?: 'controlling' | 'controlled' | undefined
  readonly errorCode?: number | undefined
  readonly mapped?: Endpoint | undefined
  readonly relayed?: Endpoint | undefined
  readonly peers?: readonly Endpoint[] | undefined
  readonly channel?: number | undefined
}

/** The DTLS records of one datagram (RFC 6347, RFC 9147). */
export interface Dtls {
  readonly kind: 'dtls'
  readonly records: number
  /** Records that cannot be read: of an epoch above 0, or with DTLS 1.3's short header. */
  readonly encrypted: number
  readonly alerts: number
  /** Handshake type of every readable fragment, in order, repeated ones too. */
  readonly fragments: readonly number[]
  /** Handshake messages that this datagram made whole for the first time. */
  readonly messages: readonly HandshakeMessage[]
}

export interface HandshakeMessage {
  readonly type: number
  readonly messageSequence: number
  readonly epoch: number
  /** As the record says. */
  readonly version: number
  readonly hello?: Hello | undefined
  /** SHA-256 of the first certificate (RFC 8122 §5), lower-case hexadecimal; readable up to DTLS 1.2. */
  readonly certificateSha256?: string | undefined
}

export interface Hello {
  /** In a ServerHello the version that was chosen, in a ClientHello the highest one offered. */
  readonly version: number
  /** One in a ServerHello; in a ClientHello all that were offered. */
  readonly ciphers: readonly number[]
  /** RFC 5764 §4.1.1. In DTLS 1.3 the choice is encrypted, so that a ServerHello has none. */
  readonly srtpProfiles: readonly number[]
  /** RFC 8446 §4.1.4: a ServerHello that asks for another ClientHello. */
  readonly retry?: true | undefined
}

export interface Rtp {
  readonly kind: 'rtp'
  readonly ssrc: number
  readonly payloadType: number
  readonly sequence: number
  readonly marker: boolean
}

export interface Rtcp {
  readonly kind: 'rtcp'
  /** Of the first packet's sender. */
  readonly ssrc: number
  readonly packetType: number
}

/** A TCP segment of a connection that speaks TLS: nothing in it can be read. */
export interface Tls {
  readonly kind: 'tls'
}

/** Inside a TURN message, and none of the above. */
export interface Other {
  readonly kind: 'other'
}

/** Why reading stopped before the file was over. */
export type StopReason =
  | 'empty'
  | 'notACapture'
  | 'compressed'
  | 'unsupportedVersion'
  | 'blockLength'
  | 'blockTooLarge'
  | 'packetLength'
  | 'unknownInterface'
  | 'tooManyInterfaces'
  | 'truncated'

export interface Stop {
  readonly reason: StopReason
  /** Of the first byte that could not be used. */
  readonly offset: number
}

/** What was met and not turned into packets, each a number of frames, datagrams or segments. */
export const counted = [
  /** A link type that is not read. */
  'linkTypes',
  /** Neither IPv4 nor IPv6, or not whole enough to say. */
  'notIp',
  /** IP, but neither UDP nor TCP. */
  'otherProtocols',
  /** Cut by the capture's snap length. */
  'cutShort',
  'fragments',
  /** Datagrams given up: fragments missing, overlapping, cut short or too many. */
  'fragmentsLost',
  /** UDP that is none of STUN, ChannelData, DTLS, RTP and RTCP. */
  'otherDatagrams',
  /** TCP with data that is neither TURN nor TLS. */
  'otherSegments',
  /** Places where a TCP stream's bytes are missing, or its messages could not be told apart. */
  'streamGaps',
] as const

export type Counted = (typeof counted)[number]

export interface Ending {
  readonly format: 'pcap' | 'pcapng' | undefined
  readonly bytes: number
  readonly frames: number
  readonly packets: number
  readonly interfaces: readonly CaptureInterface[]
  readonly firstAt: Epoch | undefined
  readonly lastAt: Epoch | undefined
  readonly counts: Readonly<Record<Counted, number>>
  /** Set where the file could not be read to its end; what came before it holds. */
  readonly stop: Stop | undefined
}
