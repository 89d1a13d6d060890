import type { Monotonic } from './clock.ts'

interface Bucket {
  tokens: number
  at: Monotonic
  /** When it was last put behind all others. */
  readonly placedAt: Monotonic
}

/** The order of eviction need not be finer, and moving a bucket costs more than using it. */
const placedForMilliseconds = 1_000

/**
 * A token bucket per key with a bound on keys: a source is let through `burst` times at once and `perSecond` times a
 * second in the long run. Memory stays below `maxKeys` buckets; when a new key does not fit, full buckets (which say
 * nothing) go first, then the one used longest ago.
 */
export class Limiter {
  readonly #perSecond: number
  readonly #burst: number
  readonly #maxKeys: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(limits: { perSecond: number; burst: number; maxKeys: number }) {
    this.#perSecond = limits.perSecond
    this.#burst = limits.burst
    this.#maxKeys = limits.maxKeys
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes `cost` tokens from `key`'s bucket; false when it has not got them. */
  allow(key: string, now: Monotonic, cost = 1): boolean {
    const bucket = this.#buckets.get(key)
    const tokens = this.#tokensIn(bucket, now)
    const allowed = tokens >= cost
    const left = allowed ? tokens - cost : tokens
    if (bucket !== undefined && now - bucket.placedAt < placedForMilliseconds) {
      bucket.tokens = left
      bucket.at = now
      return allowed
    }
    // Re-inserting keeps the map in order of last use, which is the order of eviction.
    this.#buckets.delete(key)
    if (this.#buckets.size >= this.#maxKeys) this.#evict(now)
    this.#buckets.set(key, { tokens: left, at: now, placedAt: now })
    return allowed
  }

  /** Milliseconds until `cost` tokens will be there; 0 when they are. */
  waitMilliseconds(key: string, now: Monotonic, cost = 1): number {
    const tokens = this.#tokensIn(this.#buckets.size === 0 ? undefined : this.#buckets.get(key), now)
    return Math.max(0, ((cost - tokens) / this.#perSecond) * 1_000)
  }

  /** Fills `key`'s bucket, as after a success that proves the earlier failures harmless. */
  reset(key: string): void {
    this.#buckets.delete(key)
  }

  #tokensIn(bucket: Bucket | undefined, now: Monotonic): number {
    if (bucket === undefined) return this.#burst
    return Math.min(this.#burst, bucket.tokens + ((now - bucket.at) / 1_000) * this.#perSecond)
  }

  #evict(now: Monotonic): void {
    let looked = 0
    for (const [key, bucket] of this.#buckets) {
      if (this.#tokensIn(bucket, now) >= this.#burst) {
        this.#buckets.delete(key)
        return
      }
      if (++looked === 8) break
    }
    const oldest = this.#buckets.keys().next().value
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
