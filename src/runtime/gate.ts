/**
 * Bounds on connections, per source and in all. A connection is *unproven* until it has said something complete (a
 * SIP message, an HTTP request): a flood of half-open ones can only push out each other. Sources are single IPv4
 * addresses and IPv6 /64 networks; loopback is bounded by the totals alone.
 */
import { isLoopback, sourceOf } from '../core/endpoint.ts'

export interface GateLimits {
  readonly unprovenPerSource: number
  readonly unprovenTotal: number
  readonly perSource: number
  readonly total: number
}

export class Gate<Connection extends object> {
  readonly #limits: GateLimits
  readonly #evict: (connection: Connection) => void
  /** In order of arrival. */
  readonly #unproven = new Map<Connection, string>()
  readonly #proven = new Map<Connection, string>()
  readonly #unprovenBySource = new Map<string, number>()
  readonly #provenBySource = new Map<string, number>()

  /** `evict` must close the connection and may not call back synchronously. */
  constructor(limits: GateLimits, evict: (connection: Connection) => void) {
    this.#limits = limits
    this.#evict = evict
  }

  get unproven(): number {
    return this.#unproven.size
  }

  get proven(): number {
    return this.#proven.size
  }

  /** Takes a new connection in, or says why not. A full house of unproven ones loses its oldest. */
  enter(connection: Connection, address: string): 'ok' | 'tooManyFromSource' | 'tooMany' {
    const source = sourceOf(address)
    if (!isLoopback(address)) {
      if ((this.#unprovenBySource.get(source) ?? 0) >= this.#limits.unprovenPerSource)
        return 'tooManyFromSource'
      if ((this.#provenBySource.get(source) ?? 0) >= this.#limits.perSource) return 'tooManyFromSource'
    }
    if (this.#proven.size >= this.#limits.total) return 'tooMany'
    if (this.#unproven.size >= this.#limits.unprovenTotal) {
      const oldest = this.#unproven.keys().next().value
      if (oldest !== undefined) {
        this.leave(oldest)
        this.#evict(oldest)
      }
    }
    this.#unproven.set(connection, source)
    count(this.#unprovenBySource, source, 1)
    return 'ok'
  }

  /** The connection said something complete. */
  prove(connection: Connection): void {
    const source = this.#unproven.get(connection)
    if (source === undefined) return
    this.#unproven.delete(connection)
    count(this.#unprovenBySource, source, -1)
    this.#proven.set(connection, source)
    count(this.#provenBySource, source, 1)
  }

  leave(connection: Connection): void {
    const unproven = this.#unproven.get(connection)
    if (unproven !== undefined) count(this.#unprovenBySource, unproven, -1)
    const proven = this.#proven.get(connection)
    if (proven !== undefined) count(this.#provenBySource, proven, -1)
    this.#unproven.delete(connection)
    this.#proven.delete(connection)
  }
}

function count(counts: Map<string, number>, key: string, change: number): void {
  const value = (counts.get(key) ?? 0) + change
  if (value > 0) counts.set(key, value)
  else counts.delete(key)
}
