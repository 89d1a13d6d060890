/** Long-term credentials (RFC 8489 §9.2.2) and the message integrity made with them (§14.5, §14.6). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { headerBytes, type Signing, withLength } from './codec.ts'
import type { Integrity, IntegrityKind } from './message.ts'

/** The key that `algorithm` (RFC 8489 §18.5) makes of a password. Username and password are taken as they are. */
export function longTermKey(
  algorithm: 'md5' | 'sha256',
  username: string,
  realm: string,
  password: string,
): Uint8Array {
  return createHash(algorithm).update(`${username}:${realm}:${password}`).digest()
}

/** Whether the integrity found in `bytes` was made with `key`; in constant time. */
export function isIntact(bytes: Uint8Array, integrity: Integrity, key: Uint8Array): boolean {
  const { offset, kind, value } = integrity
  const signed = withLength(bytes.subarray(0, offset), offset - headerBytes + 4 + value.length)
  return timingSafeEqual(hmac(kind, key, signed), value)
}

export const signingWith = (kind: IntegrityKind, key: Uint8Array): Signing => ({
  kind,
  hmac: bytes => hmac(kind, key, bytes),
})

const hmac = (kind: IntegrityKind, key: Uint8Array, bytes: Uint8Array): Uint8Array =>
  createHmac(kind, key).update(bytes).digest()
