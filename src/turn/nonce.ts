/**
 * Nonces that need no memory (RFC 8489 §9.2): when and for whom they were made, signed. Nothing is kept for a client
 * that has not authenticated.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Monotonic, minutes } from '../core/clock.ts'

export const nonceMilliseconds = minutes(10)

/** RFC 8489 §9.2: the cookie and the features of this server, 24 bits in base64: password algorithms (§18.1, bit 0). */
const cookie = `obMatJos2${Buffer.of(0x80, 0, 0).toString('base64')}`
const timeBytes = 6
const macBytes = 12

export class Nonces {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  make(address: string, now: Monotonic): string {
    const time = Buffer.alloc(timeBytes)
    time.writeUIntBE(Math.floor(now), 0, timeBytes)
    return cookie + Buffer.concat([time, this.#mac(time, address)]).toString('base64url')
  }

  /** `stale`: ours, but too old. `foreign`: not made by us for this address. */
  check(nonce: string, address: string, now: Monotonic): 'ok' | 'stale' | 'foreign' {
    if (!nonce.startsWith(cookie)) return 'foreign'
    const bytes = Buffer.from(nonce.slice(cookie.length), 'base64url')
    if (bytes.length !== timeBytes + macBytes) return 'foreign'
    const time = bytes.subarray(0, timeBytes)
    if (!timingSafeEqual(this.#mac(time, address), bytes.subarray(timeBytes))) return 'foreign'
    return now - time.readUIntBE(0, timeBytes) <= nonceMilliseconds ? 'ok' : 'stale'
  }

  #mac(time: Uint8Array, address: string): Buffer {
    return createHmac('sha256', this.#key).update(time).update(address).digest().subarray(0, macBytes)
  }
}
