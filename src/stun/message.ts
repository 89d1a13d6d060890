/** STUN messages (RFC 8489 §5) with the attributes of TURN (RFC 8656 §18). Types and constants only. */
import type { Endpoint } from '../core/endpoint.ts'

/** Class and method together, as they stand in the first two bytes (RFC 8489 §5). */
export const stunType = {
  bindingRequest: 0x0001,
  bindingIndication: 0x0011,
  bindingSuccess: 0x0101,
  bindingError: 0x0111,
  allocateRequest: 0x0003,
  allocateSuccess: 0x0103,
  allocateError: 0x0113,
  refreshRequest: 0x0004,
  refreshSuccess: 0x0104,
  refreshError: 0x0114,
  sendIndication: 0x0016,
  dataIndication: 0x0017,
  createPermissionRequest: 0x0008,
  createPermissionSuccess: 0x0108,
  createPermissionError: 0x0118,
  channelBindRequest: 0x0009,
  channelBindSuccess: 0x0109,
  channelBindError: 0x0119,
} as const

export type StunType = (typeof stunType)[keyof typeof stunType]

/** RFC 8489 §18.3, RFC 8656 §18. Attributes below 0x8000 must be understood, or the request is refused with 420. */
export const stunAttribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  dontFragment: 0x001a,
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001,
  passwordAlgorithms: 0x8002,
  software: 0x8022,
  fingerprint: 0x8028,
} as const

export const magicCookie = 0x2112a442

/** RFC 8489 §18.5. */
export const passwordAlgorithm = { md5: 1, sha256: 2 } as const

/** RFC 8489 §14.2, unmasked. */
export type MappedAddress = Endpoint

export interface StunError {
  /** 300–699, with its phrase. */
  readonly code: number
  readonly reason: string
}

export type IntegrityKind = 'sha1' | 'sha256'

/** Where a message's integrity is in its bytes, to be verified with the key of whoever it says it is from. */
export interface Integrity {
  readonly kind: IntegrityKind
  /** Of the attribute's first byte. */
  readonly offset: number
  readonly value: Uint8Array
}

export interface StunMessage {
  readonly type: StunType
  /** Twelve bytes. */
  readonly transaction: Uint8Array
  readonly mapped?: MappedAddress | undefined
  readonly relayed?: MappedAddress | undefined
  /** XOR-PEER-ADDRESS, as often as it occurs. */
  readonly peers?: readonly MappedAddress[] | undefined
  readonly error?: StunError | undefined
  /** Comprehension-required attributes: those we do not know, or those an error names. */
  readonly unknown?: readonly number[] | undefined
  readonly username?: string | undefined
  readonly realm?: string | undefined
  readonly nonce?: string | undefined
  readonly software?: string | undefined
  /** The first is what a request chose; the list is what a server offers and a client repeats. Numbers of §18.5. */
  readonly algorithm?: number | undefined
  readonly algorithms?: readonly number[] | undefined
  readonly lifetimeSeconds?: number | undefined
  /** An IP protocol number; 17 is UDP. */
  readonly transport?: number | undefined
  /** As on the wire: 1 is IPv4, 2 is IPv6. */
  readonly family?: number | undefined
  readonly additionalFamily?: number | undefined
  readonly addressError?: (StunError & { readonly family: number }) | undefined
  readonly channel?: number | undefined
  readonly data?: Uint8Array | undefined
  /** EVEN-PORT; `reserveNext` is its R bit. */
  readonly evenPort?: { readonly reserveNext: boolean } | undefined
  readonly dontFragment?: true | undefined
  /** Eight bytes. */
  readonly reservation?: Uint8Array | undefined
  readonly integrity?: Integrity | undefined
}
