import type { Monotonic } from './clock.ts'

/**
 * A token bucket per key with a bound on keys: a source is let through `burst` times at once and `perSecond` times a
 * second in the long run. Memory stays below `maxKeys` buckets; when a new key does not fit, full buckets (which say
 * nothing) go first, then the one used longest ago.
 */
export class Limiter {
  readonly #perSecond: number
  readonly #burst: number
  readonly #maxKeys: number
  readonly #buckets = new Map<string, { tokens: number; at: Monotonic }>()

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
    const tokens = this.#tokens(key, now)
    const allowed = tokens >= cost
    // Re-inserting keeps the map in order of last use, which is the order of eviction.
    this.#buckets.delete(key)
    if (this.#buckets.size >= this.#maxKeys) this.#evict(now)
    this.#buckets.set(key, { tokens: allowed ? tokens - cost : tokens, at: now })
    return allowed
  }

  /** Milliseconds until `cost` tokens will be there; 0 when they are. */
  waitMilliseconds(key: string, now: Monotonic, cost = 1): number {
    return Math.max(0, ((cost - this.#tokens(key, now)) / this.#perSecond) * 1_000)
  }

  /** Fills `key`'s bucket, as after a success that proves the earlier failures harmless. */
  reset(key: string): void {
    this.#buckets.delete(key)
  }

  #tokens(key: string, now: Monotonic): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return this.#burst
    return Math.min(this.#burst, bucket.tokens + ((now - bucket.at) / 1_000) * this.#perSecond)
  }

  #evict(now: Monotonic): void {
    let looked = 0
    for (const key of this.#buckets.keys()) {
      if (this.#tokens(key, now) >= this.#burst) {
        this.#buckets.delete(key)
        return
      }
      if (++looked === 8) break
    }
    const oldest = this.#buckets.keys().next().value
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
