/**
 * Traces on disk: events as they came, and the summary that stays when they are forgotten.
 *
 * What all calls have to be kept at one moment makes up a segment, compressed as one: messages of calls repeat each
 * other, so that this costs less than to write them, and an SD card less still. A segment has a line a call:
 * its id, a tab, its events as JSON.
 */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import type { NetworkedCall } from '../help/message.ts'
import type { TraceEvent, TraceSummary } from '../trace/message.ts'
import { concluded } from './calls.ts'
import { type Rows, statement } from './client.ts'

/** Events are kept for so long, and no longer than their call. */
export const eventDays = 30
/** Of all events together; the oldest go first. */
export const maxEventBytes = 256_000_000
const pruneStep = 200

export class Traces {
  readonly #rows: Rows

  constructor(rows: Rows) {
    this.#rows = rows
  }

  async save(call: string, events: readonly TraceEvent[]): Promise<void> {
    const text = JSON.stringify(events)
    await this.#rows.write(
      statement('insert into trace_batches (call, bytes, events) values (?, ?, ?)', call, text.length, text),
    )
  }

  async conclude(summary: TraceSummary): Promise<void> {
    await this.#rows.write(
      statement(
        'insert into trace_summaries values (?, ?) on conflict (call) do update set summary = excluded.summary',
        summary.call,
        JSON.stringify(summary),
      ),
      concluded(summary),
    )
  }

  async events(call: string): Promise<readonly TraceEvent[]> {
    const rows = await this.#rows.read('select events from trace_batches where call = ? order by seq', call)
    return rows.flatMap(row => JSON.parse(String(row.events)) as TraceEvent[])
  }

  async summary(call: string): Promise<TraceSummary | undefined> {
    const [row] = await this.#rows.read('select summary from trace_summaries where call = ?', call)
    return row === undefined ? undefined : (JSON.parse(String(row.summary)) as TraceSummary)
  }

  /** Of the newest calls that were answered and are over, as far as anything was concluded of them. */
  async networked(limit: number): Promise<NetworkedCall[]> {
    const rows = await this.#rows.read(
      `select id, path, json_extract(row, '$.reason') as ended, json_extract(summary, '$.addresses.caller') as caller,
        json_extract(summary, '$.addresses.callee') as callee, json_extract(summary, '$.relayRefusal') as refusal,
        json_extract(summary, '$.verdict.whyNotDirect.sentence') as why
        from calls join trace_summaries on call = id
        where json_extract(row, '$.answeredAt') is not null order by seq desc limit ?`,
      limit,
    )
    return rows.flatMap(row => {
      const failed = row.path !== 'direct' && row.path !== 'relayed'
      // Of a call that went some way that nobody told, nothing is known.
      if (failed && row.refusal === null && row.ended !== 'mediaFailed') return []
      return {
        call: String(row.id),
        addresses: { caller: String(row.caller ?? ''), callee: String(row.callee ?? '') },
        path: failed ? 'failed' : (row.path as 'direct' | 'relayed'),
        reason: failed ? `relay: ${row.refusal ?? row.ended}` : String(row.why ?? ''),
      }
    })
  }

  /** The number of the last event kept of a call; 0 of one that has none. */
  async lastNumber(call: string): Promise<number> {
    const [segment] = await this.#segments(call, 'desc', 1)
    return segment === undefined ? 0 : (eventsIn(segment, call).at(-1)?.number ?? 0)
  }

  /** Forgets what belongs to no call, events past their time, and the oldest above the bound of bytes. */
  async prune(now: Epoch): Promise<void> {
    await this.#rows.write(statement('delete from trace_summaries where call not in (select id from calls)'))
    await this.#remove('call not in (select id from calls)')
    if (now >= plausibleFrom) {
      // A row written under an unset clock has no age: it does not make events go.
      const old =
        'call in (select id from calls where ended_at is not null and started_at >= ? and started_at < ?)'
      await this.#remove(old, plausibleFrom, now - days(eventDays))
    }
    for (;;) {
      const [row] = await this.#rows.read(
        'select total(bytes) as bytes, count(*) as batches from trace_batches',
      )
      if (Number(row!.bytes) <= maxEventBytes || Number(row!.batches) === 0) return
      await this.#rows.write(
        statement(
          'delete from trace_batches where seq in (select seq from trace_batches order by seq limit ?)',
          pruneStep,
        ),
      )
    }
  }

  /** In steps, so that pruning never keeps a registration waiting. */
  async #remove(which: string, ...values: readonly number[]): Promise<void> {
    for (;;) {
      const due = await this.#rows.read(
        `select seq from trace_batches where ${which} order by seq limit ?`,
        ...values,
        pruneStep,
      )
      if (due.length === 0) return
      await this.#rows.write(
        statement(
          `delete from trace_batches where seq in (select seq from trace_batches where ${which} order by seq limit ?)`,
          ...values,
          pruneStep,
        ),
      )
    }
  }
}
