/**
 * Grants as the relay's thread has them: what it was told and has not answered, what it is closing, and what it carried.
 * Orders and words pass each other: a word is of the oldest order that has none yet.
 */
import { after, type Monotonic, minutes, seconds } from '../core/clock.ts'
import type { CallLedger, Grant, grantLimits } from '../turn/message.ts'
import { carriedBytes, carriedPackets, closedLedger, emptyLedger, openedAllocations } from './ledger.ts'
import type { RelayEffect } from './message.ts'
import { type Open, reasonOf, totalOf, withoutSecrets } from './state.ts'

const grants: (typeof grantLimits)['grants'] = 500

export const givenLimits = {
  grants,
  /** How long the relay may take to close one. */
  closingMilliseconds: seconds(2),
  /** Totals are given to the call's row when the first packet went through, then this often, and at the end. */
  ledgerMilliseconds: minutes(1),
} as const

/** Since the start of the process. */
export interface RelayTotals {
  readonly granted: number
  readonly allocations: number
  readonly packets: number
  readonly bytes: number
}

export class Grants {
  readonly #emit: (effect: RelayEffect) => void
  readonly #open = new Map<string, Open>()
  /** Given up, and the relay has not yet said that it has: until when that is waited for, in this order. */
  readonly #closing = new Map<string, { readonly open: Open; readonly until: Monotonic }>()
  readonly #totals = { granted: 0, allocations: 0, packets: 0, bytes: 0 }
  #isUp = false

  constructor(emit: (effect: RelayEffect) => void) {
    this.#emit = emit
  }

  get size(): number {
    return this.#open.size + this.#closing.size
  }

  get isFull(): boolean {
    return this.size >= givenLimits.grants
  }

  /** The relay's thread is there. */
  get isUp(): boolean {
    return this.#isUp
  }

  get totals(): RelayTotals {
    return this.#totals
  }

  get(call: string): Open | undefined {
    return this.#open.get(call)
  }

  /** Oldest first. */
  all(): Open[] {
    return [...this.#open.values()]
  }

  isClosing(call: string): boolean {
    return this.#closing.has(call)
  }

  ledgerOf(call: string): CallLedger | undefined {
    const open = this.#open.get(call) ?? this.#closing.get(call)?.open
    return open === undefined ? undefined : totalOf(open)
  }

  /** Wanted from here on; given to the relay by `give`. */
  add(open: Open): void {
    this.#open.set(open.call, open)
  }

  /** With its parties as they are now. What was given once is remembered until it is closed. */
  give(open: Open, parties: Grant['parties'], now: Monotonic): void {
    const { call, manual } = open
    const isNew = open.given === undefined
    open.state = 'opening'
    open.given = withoutSecrets(parties)
    open.unanswered++
    const lifetimeMilliseconds = manual === undefined ? undefined : Math.max(1, manual.until - now)
    this.#emit({ kind: 'openGrant', grant: { call, parties, lifetimeMilliseconds } })
    if (isNew && manual === undefined) this.#emit({ kind: 'remember', call, reason: reasonOf(open) })
  }

  /** The relay has it. Returns it once this was the last word to come. */
  granted(call: string, now: Monotonic): Open | undefined {
    const open = this.#open.get(call)
    // So late that nobody waited for it to be closed any more.
    if (open === undefined && !this.#closing.has(call)) this.#emit({ kind: 'closeGrant', call })
    if (open?.state !== 'opening' || --open.unanswered > 0) return undefined
    if (open.keptAt === undefined) {
      this.#totals.granted++
      this.#keepNow(open, now)
    }
    return open
  }

  /** Nothing of it may be used from here on; what it carried is told by the relay once more. */
  close(open: Open, now: Monotonic): void {
    const { call, given, remembered, manual } = open
    this.#open.delete(call)
    if (manual === undefined && (given !== undefined || remembered)) this.#emit({ kind: 'forget', call })
    if (given === undefined) return
    if (!this.#isUp) return this.#keep(open)
    this.#emit({ kind: 'closeGrant', call })
    this.#closing.set(call, { open, until: after(now, givenLimits.closingMilliseconds) })
  }

  /** The relay has closed it. Returns one that nobody asked it to close. */
  closed(call: string): Open | undefined {
    const closing = this.#closing.get(call)
    if (closing !== undefined) {
      this.#closing.delete(call)
      this.#keep(closing.open)
      return undefined
    }
    const open = this.#open.get(call)
    // Words come in the order of their orders: with one still to come, this one is of the grant before.
    return open === undefined || open.state === 'waiting' || open.unanswered > 0 ? undefined : open
  }

  /** When the relay's `closed` is waited for no more. */
  next(): Monotonic | undefined {
    return this.#closing.values().next().value?.until
  }

  /** The first call whose `closed` is waited for no more. */
  overdue(now: Monotonic): string | undefined {
    const first = this.#closing.entries().next().value
    return first !== undefined && first[1].until <= now ? first[0] : undefined
  }

  /** The thread counts each grant from zero, and has none. */
  started(): void {
    this.#isUp = true
    for (const open of this.#open.values()) {
      if (open.state === 'waiting') continue
      open.earlier = totalOf(open)
      open.counted = emptyLedger
      open.unanswered = 0
    }
  }

  lost(): void {
    this.#isUp = false
    for (const { open } of this.#closing.values()) this.#keep(open)
    this.#closing.clear()
  }

  counted(call: string, counted: CallLedger, now: Monotonic): void {
    const open = this.#closing.get(call)?.open ?? this.#open.get(call)
    if (open === undefined) return
    const first = carriedPackets(open.counted) === 0 && carriedPackets(counted) > 0
    this.#totals.allocations += Math.max(0, openedAllocations(counted) - openedAllocations(open.counted))
    this.#totals.packets += Math.max(0, carriedPackets(counted) - carriedPackets(open.counted))
    this.#totals.bytes += Math.max(0, carriedBytes(counted) - carriedBytes(open.counted))
    open.counted = counted
    const due = after(open.keptAt ?? now, givenLimits.ledgerMilliseconds) <= now
    if (open.manual === undefined && (first || due)) this.#keepNow(open, now)
  }

  #keepNow(open: Open, now: Monotonic): void {
    open.keptAt = now
    this.#keep(open)
  }

  #keep(open: Open): void {
    if (open.of === undefined) return
    const isClosed = this.#open.get(open.call) !== open
    open.of.ledger = isClosed ? closedLedger(totalOf(open)) : totalOf(open)
    this.#emit({ kind: 'ledger', call: open.call, ledger: open.of.ledger, reason: reasonOf(open) })
  }
}
