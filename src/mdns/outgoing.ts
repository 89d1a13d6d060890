/**
 * What is about to be sent on one link by multicast, and what was sent lately: aggregation, the random delay, known
 * answers that arrive in several packets, other responders' answers that make ours needless, and the limit of once a
 * second (RFC 6762 §6, §6.3, §6.4, §7.1, §7.2, §7.4). Pure.
 */
import { after, type Monotonic } from '../core/clock.ts'
import type { OwnRecord } from './records.ts'

/**
 * RFC 6762 §6: a record goes out at most once a second, and once in 250 ms in answer to a probe. Who asks half a second
 * after it went out, and does not count it among the known answers, has lost it: it waits for the second to pass. Who
 * asks earlier has asked before it came.
 */
const onceInMilliseconds = 1_000
const onceForProbeMilliseconds = 250
const lostAfterMilliseconds = 500
/** Askers remembered for each record: of more it is not known who has the answer already. */
const askersPerRecord = 16

interface Waiting {
  readonly record: OwnRecord
  due: Monotonic
  /** Who asked, so that their known answers may still arrive (§7.2); undefined: somebody whose do not count. */
  askers: Set<string> | undefined
}

export class Outgoing {
  readonly #waiting = new Map<string, Waiting>()
  readonly #sentAt = new Map<string, Monotonic>()

  /** Puts an answer on its way. False when it went out so lately that it need not. */
  add(
    record: OwnRecord,
    wanted: Monotonic,
    how: { asker: string | undefined; probe: boolean; now: Monotonic },
  ): boolean {
    const sent = this.#sentAt.get(record.key)
    const once = how.probe ? onceForProbeMilliseconds : onceInMilliseconds
    if (sent !== undefined && how.now < after(sent, Math.min(once, lostAfterMilliseconds))) return false
    const due = sent === undefined ? wanted : (Math.max(wanted, sent + once) as Monotonic)
    const waiting = this.#waiting.get(record.key)
    if (waiting === undefined) {
      const askers = how.asker === undefined ? undefined : new Set([how.asker])
      this.#waiting.set(record.key, { record, due, askers })
      return true
    }
    waiting.due = Math.min(waiting.due, due) as Monotonic
    if (how.asker === undefined || (waiting.askers?.size ?? 0) >= askersPerRecord) waiting.askers = undefined
    else waiting.askers?.add(how.asker)
    return true
  }

  /** More of an asker's known answers (§7.2): what nobody else wants is not sent. */
  known(recordKey: string, asker: string): void {
    const waiting = this.#waiting.get(recordKey)
    if (waiting?.askers?.delete(asker) && waiting.askers.size === 0) this.#waiting.delete(recordKey)
  }

  /** Another responder has just said the same (§7.4). */
  saidByOther(recordKey: string): void {
    this.#waiting.delete(recordKey)
  }

  next(): Monotonic | undefined {
    let next: Monotonic | undefined
    for (const { due } of this.#waiting.values()) if (next === undefined || due < next) next = due
    return next
  }

  /** Takes what is due, with all that would be due within `aheadMilliseconds`: one packet instead of several (§6.4). */
  take(now: Monotonic, aheadMilliseconds: number): OwnRecord[] {
    const next = this.next()
    if (next === undefined || next > now) return []
    const taken: OwnRecord[] = []
    for (const [key, { record, due }] of this.#waiting) {
      if (due > after(now, aheadMilliseconds)) continue
      this.#waiting.delete(key)
      taken.push(record)
    }
    return taken
  }

  sent(records: readonly OwnRecord[], now: Monotonic): void {
    for (const { key } of records) this.#sentAt.set(key, now)
  }

  /** Milliseconds since it last went out to all; Infinity when it never did. */
  age(record: OwnRecord, now: Monotonic): number {
    const sent = this.#sentAt.get(record.key)
    return sent === undefined ? Number.POSITIVE_INFINITY : now - sent
  }

  /** Forgets everything about records that are no more. */
  keepOnly(keys: { has(key: string): boolean }): void {
    for (const key of this.#waiting.keys()) if (!keys.has(key)) this.#waiting.delete(key)
    for (const key of this.#sentAt.keys()) if (!keys.has(key)) this.#sentAt.delete(key)
  }
}
