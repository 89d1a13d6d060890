/**
 * Limits on guessing. A source (an IPv4 address, an IPv6 /64) has few tries; an account has more from all sources
 * together, so that many sources guess no faster. A browser that logged in before carries a mark of its own and is
 * counted under that alone: nobody else's tries can lock its owner out. A success gives nothing back: whoever has an account could otherwise buy
 * tries at others' with it.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Monotonic } from '../core/clock.ts'
import { sourceOf } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import { sameSecret } from './sessions.ts'

export const tryLimits = {
  perSource: { burst: 10, perSecond: 1 / 10, maxKeys: 10_000 },
  perAccount: { burst: 50, perSecond: 1 / 5, maxKeys: 10_000 },
  perMark: { burst: 10, perSecond: 1 / 10, maxKeys: 1_000 },
  /** Setup codes have 40 bits: from all sources together it would take a thousand years. */
  claims: { burst: 50, perSecond: 1, maxKeys: 1 },
  /** Requests to join, for each source. */
  joins: { burst: 10, perSecond: 1 / 30, maxKeys: 10_000 },
} as const

export class Tries {
  readonly #markKey: Uint8Array
  readonly #sources = new Limiter(tryLimits.perSource)
  readonly #accounts = new Limiter(tryLimits.perAccount)
  readonly #marks = new Limiter(tryLimits.perMark)
  readonly #claims = new Limiter(tryLimits.claims)
  readonly #joins = new Limiter(tryLimits.joins)

  /** `tokenKey`: secret and persisted, so that marks outlive restarts. */
  constructor(tokenKey: Uint8Array) {
    this.#markKey = createHmac('sha256', tokenKey).update('known browser').digest()
  }

  /** Takes one try at `user`'s password; milliseconds to wait, 0 when it may be made. */
  login(user: string, peer: string, mark: string | undefined, now: Monotonic): number {
    if (mark !== undefined && this.#isMarkOf(mark, user)) return take(this.#marks, mark, now)
    return take(this.#sources, sourceOf(peer), now) || take(this.#accounts, user, now)
  }

  claim(peer: string, now: Monotonic): number {
    return take(this.#sources, sourceOf(peer), now) || take(this.#claims, '', now)
  }

  join(peer: string, now: Monotonic): number {
    return take(this.#joins, sourceOf(peer), now)
  }

  /** For a browser that has just proved to be `user`'s. */
  newMark(user: string): string {
    return this.#mark(randomBytes(12).toString('base64url'), user)
  }

  /** The whole of it is what is counted, so the whole of it must be ours. */
  #isMarkOf(mark: string, user: string): boolean {
    const nonce = mark.split('.', 1)[0]!
    return sameSecret(mark, this.#mark(nonce, user))
  }

  #mark(nonce: string, user: string): string {
    return `${nonce}.${createHmac('sha256', this.#markKey).update(`${nonce}:${user}`).digest('base64url')}`
  }
}

function take(limiter: Limiter, key: string, now: Monotonic): number {
  return limiter.allow(key, now) ? 0 : Math.max(1, limiter.waitMilliseconds(key, now))
}
