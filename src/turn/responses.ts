/** Answers to requests as messages (RFC 8489 §6.3.1.1, §6.3.1.2), with the error codes of RFC 8489 §14.8 and RFC 8656 §19. */
import type { StunMessage } from '../stun/message.ts'

/** RFC 8489 §5: the class bits of a success and of an error. */
const successBits = 0x0100
const errorBits = 0x0110

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  486: 'Allocation Quota Reached',
  508: 'Insufficient Capacity',
}

export const errorOf = (code: number): { readonly code: number; readonly reason: string } => ({
  ...{ code, reason: phrases[code]! },
})

type Request = Pick<StunMessage, 'type' | 'transaction'>

export const successTo = (
  { type, transaction }: Request,
  fields: Partial<StunMessage> = {},
): StunMessage => ({
  ...{ ...fields, type: (type | successBits) as StunMessage['type'], transaction },
})

export const errorTo = (
  { type, transaction }: Request,
  code: number,
  fields: Partial<StunMessage> = {},
): StunMessage => ({
  ...{ ...fields, type: (type | errorBits) as StunMessage['type'], transaction, error: errorOf(code) },
})
