/**
 * Nonces that need no memory (RFC 8489 §9.2): when and for whom they were made, signed. Nothing is kept for a client
 * that has not authenticated. They hold for one address and port, so that a request replayed from elsewhere is stale.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Monotonic, minutes } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { ClientFlow } from './message.ts'

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

  make({ remote }: ClientFlow, now: Monotonic): string {
    const time = Buffer.alloc(timeBytes)
    time.writeUIntBE(Math.floor(now), 0, timeBytes)
    return cookie + Buffer.concat([time, this.#mac(time, remote)]).toString('base64url')
  }

  /** `stale`: ours, but too old. `foreign`: not made by us for this address and port. */
  check(nonce: string, { remote }: ClientFlow, now: Monotonic): 'ok' | 'stale' | 'foreign' {
    if (!nonce.startsWith(cookie)) return 'foreign'
    const bytes = Buffer.from(nonce.slice(cookie.length), 'base64url')
    if (bytes.length !== timeBytes + macBytes) return 'foreign'
    const time = bytes.subarray(0, timeBytes)
    if (!timingSafeEqual(this.#mac(time, remote), bytes.subarray(timeBytes))) return 'foreign'
    return now - time.readUIntBE(0, timeBytes) <= nonceMilliseconds ? 'ok' : 'stale'
  }

  #mac(time: Uint8Array, { address, port }: Endpoint): Buffer {
    const signed = createHmac('sha256', this.#key).update(time).update(`${address} ${port}`)
    return signed.digest().subarray(0, macBytes)
  }
}
