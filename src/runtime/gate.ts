/**
 * Bounds on connections, per source and in all. A connection is *unproven* until it has said something complete (a
 * SIP message, an HTTP request): a flood of half-open ones can only push out each other. Sources are single addresses; an
 * IPv6 /64, of which anybody on it has as many as they like, and everybody on a LAN has one, may have half of all.
 * Loopback is bounded by the totals alone.
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
  /** In order of arrival, with their sources. */
  readonly #unproven = new Map<Connection, readonly string[]>()
  readonly #proven = new Map<Connection, readonly string[]>()
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
    const sources = sourcesOf(address)
    if (!isLoopback(address) && sources.some(source => this.#isFull(source))) return 'tooManyFromSource'
    if (this.#proven.size >= this.#limits.total) return 'tooMany'
    if (this.#unproven.size >= this.#limits.unprovenTotal) {
      const oldest = this.#unproven.keys().next().value
      if (oldest !== undefined) {
        this.leave(oldest)
        this.#evict(oldest)
      }
    }
    this.#unproven.set(connection, sources)
    count(this.#unprovenBySource, sources, 1)
    return 'ok'
  }

  /** The connection said something complete. */
  prove(connection: Connection): void {
    const sources = this.#unproven.get(connection)
    if (sources === undefined) return
    this.#unproven.delete(connection)
    count(this.#unprovenBySource, sources, -1)
    this.#proven.set(connection, sources)
    count(this.#provenBySource, sources, 1)
  }

  leave(connection: Connection): void {
    count(this.#unprovenBySource, this.#unproven.get(connection) ?? [], -1)
    count(this.#provenBySource, this.#proven.get(connection) ?? [], -1)
    this.#unproven.delete(connection)
    this.#proven.delete(connection)
  }

  #isFull(source: string): boolean {
    const { unprovenPerSource, unprovenTotal, perSource, total } = this.#limits
    const [unproven, proven] = isNetwork(source)
      ? [Math.max(unprovenPerSource, unprovenTotal / 2), Math.max(perSource, total / 2)]
      : [unprovenPerSource, perSource]
    return (
      (this.#unprovenBySource.get(source) ?? 0) >= unproven ||
      (this.#provenBySource.get(source) ?? 0) >= proven
    )
  }
}

/** Whom a connection counts for: its address, and the network of an IPv6 one. */
const sourcesOf = (address: string): readonly string[] => [...new Set([address, sourceOf(address)])]

const isNetwork = (source: string): boolean => source.endsWith('/64')

function count(counts: Map<string, number>, sources: readonly string[], change: number): void {
  for (const source of sources) {
    const value = (counts.get(source) ?? 0) + change
    if (value > 0) counts.set(source, value)
    else counts.delete(source)
  }
}
