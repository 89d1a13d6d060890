/** What was carried for one party of a call: counted here, told once a second. */
import type { Epoch, Monotonic } from '../core/clock.ts'
import { grantLimits, type PartyLedger } from './message.ts'

export class Ledger {
  allocations = 0
  openAllocations = 0
  permissions = 0
  sentPackets = 0
  sentBytes = 0
  receivedPackets = 0
  receivedBytes = 0
  droppedPackets = 0
  refusals = 0
  readonly refusedPeers: string[] = []
  /** Something is another than when it was last told. */
  changed = true
  #firstAt: Monotonic | undefined
  #lastAt: Monotonic | undefined

  sent(bytes: number, now: Monotonic): void {
    this.sentPackets++
    this.sentBytes += bytes
    this.#carried(now)
  }

  received(bytes: number, now: Monotonic): void {
    this.receivedPackets++
    this.receivedBytes += bytes
    this.#carried(now)
  }

  refused(peer: string): void {
    this.refusals++
    this.changed = true
    if (this.refusedPeers.length < grantLimits.refusedPeers && !this.refusedPeers.includes(peer)) {
      this.refusedPeers.push(peer)
    }
  }

  snapshot(epoch: (moment: Monotonic) => Epoch): PartyLedger {
    const { allocations, openAllocations, permissions, sentPackets, sentBytes } = this
    const { receivedPackets, receivedBytes, droppedPackets, refusals } = this
    return {
      ...{ allocations, openAllocations, permissions, sentPackets, sentBytes },
      ...{ receivedPackets, receivedBytes, droppedPackets },
      firstAt: this.#firstAt === undefined ? undefined : epoch(this.#firstAt),
      lastAt: this.#lastAt === undefined ? undefined : epoch(this.#lastAt),
      refusals,
      refusedPeers: [...this.refusedPeers],
    }
  }

  #carried(now: Monotonic): void {
    this.changed = true
    this.#firstAt ??= now
    this.#lastAt = now
  }
}
