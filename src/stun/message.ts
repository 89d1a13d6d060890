/** STUN messages (RFC 8489 §5), as far as the keep-alives of RFC 5626 need them. Types and constants only. */
import type { Endpoint } from '../core/endpoint.ts'

/** Class and method together, as they stand in the first two bytes (RFC 8489 §5). */
export const stunType = {
  bindingRequest: 0x0001,
  bindingIndication: 0x0011,
  bindingSuccess: 0x0101,
  bindingError: 0x0111,
} as const

export type StunType = (typeof stunType)[keyof typeof stunType]

/** RFC 8489 §18.3. Attributes below 0x8000 must be understood, or the request is refused with 420. */
export const stunAttribute = {
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  xorMappedAddress: 0x0020,
  software: 0x8022,
  fingerprint: 0x8028,
} as const

export const magicCookie = 0x2112a442

/** RFC 8489 §14.2, unmasked. */
export type MappedAddress = Endpoint

export interface StunMessage {
  readonly type: StunType
  /** Twelve bytes. */
  readonly transaction: Uint8Array
  readonly mapped?: MappedAddress | undefined
  /** 300–699, with its phrase. */
  readonly error?: { readonly code: number; readonly reason: string } | undefined
  /** Comprehension-required attributes: those we do not know, or those an error names. */
  readonly unknown?: readonly number[] | undefined
}
