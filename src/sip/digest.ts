/**
 * Digest access authentication (RFC 7616, RFC 8760) without a session table: a nonce carries its moment and a MAC, so
 * only used nonces are remembered, and only their counts. Knows nothing of SIP beyond method and URI.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Monotonic } from '../core/clock.ts'
import type { AuthParams, Credential } from './message.ts'
import { Recent } from './recent.ts'

export const digestLimits = {
  nonceMilliseconds: 300_000,
  /** Used nonces remembered, until they expire. When some have to go before, all as old as they become stale, so none can be replayed. */
  usedNonces: 50_000,
  /** How far behind the highest count of a nonce a late packet may be (RFC 7616 §3.4.5 leaves it to us). */
  countWindow: 31,
} as const

export type DigestVerdict =
  | { readonly kind: 'proven'; readonly credential: Credential }
  /** The nonce is not usable, be the password right or, with a foreign one, whatever it is: challenge with `stale=true`. */
  | { readonly kind: 'stale'; readonly reason: 'expiredNonce' | 'foreignNonce' | 'replayedNonce' }
  | { readonly kind: 'wrong'; readonly reason: 'badDigest' | 'unusableDigest' }

interface NonceUse {
  readonly issuedAt: number
  highest: number
  /** Bit n set: count `highest - n` was used. */
  seen: number
}

export class Digest {
  readonly #realm: string
  readonly #nonceKey: Uint8Array
  readonly #used = new Recent<NonceUse>(digestLimits.usedNonces)
  readonly #decoy: { readonly md5: string; readonly sha256: string }
  #serial: number
  /** Nonces up to this moment are stale: some of them were used and are forgotten. */
  #floor = -1
  #generationSince = 0

  constructor(o: { realm: string; nonceKey: Uint8Array; firstSerial: number }) {
    this.#realm = o.realm
    this.#nonceKey = o.nonceKey
    this.#serial = o.firstSerial
    const decoy = createHmac('sha256', o.nonceKey).update('decoy').digest('hex')
    this.#decoy = { md5: decoy.slice(0, 32), sha256: decoy }
  }

  /** The two challenges, MD5 first for clients that read only the first header field. Good for that address only. */
  challenges(stale: boolean, address: string, now: Monotonic): [string, string] {
    const nonce = this.#nonce(address, now)
    const rest = `realm="${this.#realm}", nonce="${nonce}", qop="auth"${stale ? ', stale=true' : ''}`
    return [`Digest algorithm=MD5, ${rest}`, `Digest algorithm=SHA-256, ${rest}`]
  }

  isOurRealm(auth: AuthParams): boolean {
    return auth.params.get('realm') === this.#realm
  }

  /**
   * Judges credentials for our realm, from `address`. An unknown user costs what a known one costs. The caller compares
   * the `uri` parameter with the request. Who answers what was never asked at that address guesses nothing: else whoever
   * forges an address could use up its tries, and a right guess would be told from a wrong one.
   */
  judge(
    auth: AuthParams,
    method: string,
    credential: Credential | undefined,
    address: string,
    now: Monotonic,
  ): DigestVerdict {
    const params = auth.params
    const nonce = params.get('nonce') ?? ''
    const issuedAt = this.#issuedAt(nonce, address)
    if (issuedAt === undefined) return { kind: 'stale', reason: 'foreignNonce' }
    const count = params.get('nc') ?? ''
    const sha256 = params.get('algorithm')?.toUpperCase() === 'SHA-256'
    const algorithm = sha256 ? 'sha256' : 'md5'
    const usable =
      auth.scheme === 'digest' &&
      (sha256 || (params.get('algorithm') ?? 'MD5').toUpperCase() === 'MD5') &&
      params.get('qop')?.toLowerCase() === 'auth' &&
      /^[0-9a-f]{8}$/i.test(count)
    if (!usable) return { kind: 'wrong', reason: 'unusableDigest' }
    const ha1 = sha256
      ? (credential?.ha1Sha256 ?? this.#decoy.sha256)
      : (credential?.ha1Md5 ?? this.#decoy.md5)
    const ha2 = hash(algorithm, `${method}:${params.get('uri')}`)
    const expected = hash(
      algorithm,
      `${ha1}:${nonce}:${count}:${params.get('cnonce') ?? ''}:${params.get('qop')}:${ha2}`,
    )
    const right = equalText(expected, (params.get('response') ?? '').toLowerCase())
    if (credential === undefined || !right) return { kind: 'wrong', reason: 'badDigest' }
    if (now - issuedAt > digestLimits.nonceMilliseconds) return { kind: 'stale', reason: 'expiredNonce' }
    if (!this.#countIsNew(nonce, Number.parseInt(count, 16), issuedAt, now)) {
      return { kind: 'stale', reason: 'replayedNonce' }
    }
    return { kind: 'proven', credential }
  }

  /** How many are remembered. */
  get usedNonces(): number {
    return this.#used.size
  }

  // 6 bytes of moment, 6 of serial number, 12 of MAC over them and the address (RFC 7616 §3.3 leaves that to us):
  // whoever answers has received what we sent to that address, so over UDP an answer proves its source.
  #nonce(address: string, now: Monotonic): string {
    const bytes = Buffer.allocUnsafe(24)
    bytes.writeUIntBE(Math.floor(now), 0, 6)
    bytes.writeUIntBE(this.#serial++ % 2 ** 48, 6, 6)
    this.#mac(bytes.subarray(0, 12), address).copy(bytes, 12, 0, 12)
    return bytes.toString('base64url')
  }

  #issuedAt(nonce: string, address: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url')
    if (bytes.length !== 24 || nonce.length !== 32) return undefined
    const mac = this.#mac(bytes.subarray(0, 12), address).subarray(0, 12)
    return timingSafeEqual(mac, bytes.subarray(12)) ? bytes.readUIntBE(0, 6) : undefined
  }

  // A keyed hash of which half only is shown, so that nothing can be added to it: HMAC's second pass would add nothing.
  #mac(bytes: Uint8Array, address: string): Buffer {
    return hash('sha256', Buffer.concat([this.#nonceKey, bytes, Buffer.from(address)]), 'buffer')
  }

  #countIsNew(nonce: string, count: number, issuedAt: number, now: Monotonic): boolean {
    const use = this.#used.get(nonce)
    if (use === undefined) {
      if (issuedAt <= this.#floor) return false
      // What was put in before this generation is stale by now.
      if (now - this.#generationSince > digestLimits.nonceMilliseconds)
        this.#newGeneration(this.#used.age(), now)
      this.#newGeneration(this.#used.set(nonce, { issuedAt, highest: count, seen: 1 }), now)
      return true
    }
    const behind = use.highest - count
    if (behind > digestLimits.countWindow) return false
    if (behind >= 0) {
      if ((use.seen >>> behind) & 1) return false
      use.seen |= 1 << behind
      return true
    }
    use.seen = -behind > digestLimits.countWindow ? 1 : (use.seen << -behind) | 1
    use.highest = count
    return true
  }

  #newGeneration(forgotten: ReadonlyMap<string, NonceUse> | undefined, now: Monotonic): void {
    if (forgotten === undefined) return
    this.#generationSince = now as number
    for (const use of forgotten.values()) this.#floor = Math.max(this.#floor, use.issuedAt)
  }
}

function equalText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'))
}
