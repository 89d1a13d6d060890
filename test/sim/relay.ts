/**
 * The relay's thread on the simulated network: grants come and go as it is ordered, its words may be late, orders may
 * find it wedged, and it may die and be started anew with nothing in it. What it would carry, it counts.
 */
import type { RelayEffect, RelayInput } from '../../src/relay/message.ts'
import type { CallLedger, Grant, GrantParty, PartyLedger } from '../../src/turn/message.ts'
import type { SimNetwork } from './network.ts'

export class SimRelay {
  readonly grants = new Map<string, Grant>()
  /** Every grant it was ever given, in order. */
  readonly given: Grant[] = []
  /** Asked at each order: how long its word takes; undefined: an order to open is lost. */
  delay: () => number | undefined = () => 1
  /** Grants it has room for. */
  room = 500
  up = false
  readonly #network: SimNetwork
  readonly #tell: (input: RelayInput) => void
  readonly #carried = new Map<string, number>()
  #generation = 0
  /** Words leave in the order of their orders. */
  #lastAt = 0

  constructor(network: SimNetwork, tell: (input: RelayInput) => void) {
    this.#network = network
    this.#tell = tell
  }

  start(): void {
    const generation = ++this.#generation
    this.#network.later(50, () => {
      if (generation !== this.#generation) return
      this.up = true
      this.#tell({ kind: 'started' })
    })
  }

  /** The thread is gone; `told`: the process is still there and hears of it. */
  stop(told: boolean): void {
    this.#generation++
    this.up = false
    this.grants.clear()
    this.#carried.clear()
    if (told) this.#tell({ kind: 'lost' })
  }

  order(effect: Extract<RelayEffect, { kind: 'openGrant' | 'closeGrant' }>): void {
    if (!this.up) return
    const late = this.delay()
    if (late === undefined && effect.kind === 'openGrant') return
    const generation = this.#generation
    const at = Math.max(this.#lastAt, this.#network.monotonic() + (late ?? 1))
    this.#lastAt = at
    this.#network.later(at - this.#network.monotonic(), () => {
      if (generation === this.#generation) this.#obey(effect)
    })
  }

  /** Whether media of this party may pass now, by what its client was told. */
  allows(call: string, username: string): boolean {
    return this.grants.get(call)?.parties.some(party => party.credential?.username === username) ?? false
  }

  /** Whether this party's relay may send to that address. */
  reaches(call: string, username: string, peer: string): boolean {
    const grant = this.grants.get(call)
    if (grant === undefined) return false
    const [caller, callee] = grant.parties
    const has = (party: GrantParty): boolean => party.credential?.username === username
    return (has(caller) && callee.proven.includes(peer)) || (has(callee) && caller.proven.includes(peer))
  }

  carry(call: string): void {
    if (!this.grants.has(call)) return
    const packets = (this.#carried.get(call) ?? 0) + 50
    this.#carried.set(call, packets)
    this.#tell({ kind: 'ledger', call, ledger: ledgerOf(packets, 1) })
  }

  #obey(effect: Extract<RelayEffect, { kind: 'openGrant' | 'closeGrant' }>): void {
    if (effect.kind === 'closeGrant') {
      const { call } = effect
      if (this.grants.delete(call))
        this.#tell({ kind: 'ledger', call, ledger: ledgerOf(this.#carried.get(call) ?? 0, 0) })
      this.#carried.delete(call)
      this.#tell({ kind: 'closed', call })
      return
    }
    const { grant } = effect
    if (!this.grants.has(grant.call) && this.grants.size >= this.room) {
      this.#tell({ kind: 'notGranted', call: grant.call })
      return
    }
    this.grants.set(grant.call, grant)
    this.given.push(grant)
    this.#tell({ kind: 'granted', call: grant.call })
    this.#expire(grant)
  }

  #expire({ call, lifetimeMilliseconds }: Grant): void {
    if (lifetimeMilliseconds === undefined) return
    this.#network.later(lifetimeMilliseconds, () => {
      if (this.grants.delete(call)) this.#tell({ kind: 'closed', call })
    })
  }
}

export function ledgerOf(packets: number, openAllocations: number): CallLedger {
  const party: PartyLedger = {
    ...{ allocations: 1, openAllocations, permissions: 1, droppedPackets: 0, refusals: 0, refusedPeers: [] },
    ...{ sentPackets: packets, sentBytes: 100 * packets },
    ...{ receivedPackets: packets, receivedBytes: 100 * packets, firstAt: undefined, lastAt: undefined },
  }
  return { caller: party, callee: party }
}
