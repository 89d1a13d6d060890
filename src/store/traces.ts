/**
 * Traces on disk: events as they came, and the summary that stays when they are forgotten.
 *
 * What all calls have to be kept at one moment makes up a segment, compressed as one: messages of calls repeat each
 * other, so that this costs less than to write them, and an SD card less still. A segment has a line a call:
 * its id, a tab, its events as JSON.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import { segmentLine, segmentTexts } from '../core/segment.ts'
import type { NetworkedCall } from '../help/message.ts'
import type { TraceEvent, TraceSummary } from '../trace/message.ts'
import type { PackedSegment, StoredSegment } from '../trace/ports.ts'
import { concluded, unknownPath } from './calls.ts'
import { type Rows, readable, statement } from './client.ts'
import type { Row, Value } from './database.ts'
import { StoreError } from './errors.ts'

/** Events are kept for so long, and no longer than their call. */
export const eventDays = 30
/** Of all events together as they lie on disk; the oldest go first. */
const maxEventBytes = 256_000_000
/** Of a segment before it is compressed, unless one batch alone is longer: who reads a call reads whole segments. */
const segmentCharacters = 128_000
/** Shorter ones lie there as they are. */
const worthCompressing = 2_000
const pruneStep = 200
/** How long what was concluded of calls of which nothing is known may wait. */
const untoldMilliseconds = 1_000
/** Rows looked at in one go. */
const sweepStep = 2_000
/** Summaries read in one turn of the event loop. */
const summariesAtOnce = 25
/** Segments handed on at once: some are 128,000 characters, most of a long call far less. */
const segmentPage = 64

const compress = promisify(zstdCompress)
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

interface Waiting {
  readonly calls: string[]
  text: string
}

export class Traces {
  readonly #rows: Rows
  #waiting: Waiting[] = []
  #untold: string[] = []
  #suspended = false
  #soon = false
  #timer: NodeJS.Timeout | undefined
  #written: PromiseWithResolvers<void> | undefined
  /** Segments are written in order of their making. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** Resolves when they are on disk. What is saved in one turn of the event loop is written together. */
  save(call: string, events: readonly TraceEvent[]): Promise<void> {
    if (this.#suspended) {
      return Promise.reject(diskFull())
    }
    const line = segmentLine(call, JSON.stringify(events))
    const last = this.#waiting.at(-1)
    if (last === undefined || last.text.length + line.length > segmentCharacters) {
      this.#waiting.push({ calls: [call], text: line })
    } else {
      last.calls.push(call)
      last.text += line
    }
    this.#written ??= Promise.withResolvers()
    if (!this.#soon) setImmediate(() => void this.flush().catch(() => {}))
    this.#soon = true
    return this.#written.promise
  }

  /** The same for what was packed elsewhere. */
  keep(segments: readonly PackedSegment[]): Promise<void> {
    if (this.#suspended) return Promise.reject(diskFull())
    const work = this.#last.then(() => this.#rows.write(...segments.flatMap(insertion)))
    this.#last = work.catch(() => {})
    return work
  }

  /** The same for calls of which nothing is known but what their rows say. */
  concludeUntold(calls: readonly string[]): Promise<void> {
    this.#untold.push(...calls)
    // Nobody waits for it, and each commit costs more than all that is in it.
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), untoldMilliseconds)
    this.#written ??= Promise.withResolvers()
    return this.#written.promise
  }

  /** Gives what waits to the database now; resolves or rejects when that is done. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const written = this.#written
    if (written === undefined) return
    const [segments, untold] = [this.#waiting, this.#untold]
    this.#written = undefined
    this.#soon = false
    this.#waiting = []
    this.#untold = []
    const work = this.#last.then(() => this.#write(segments, untold))
    this.#last = work.catch(() => {})
    work.then(written.resolve, written.reject)
    await work
  }

  async #write(segments: readonly Waiting[], untold: readonly string[]): Promise<void> {
    const job = []
    for (const { calls, text } of segments) {
      const data = text.length < worthCompressing ? text : new Uint8Array(await compress(text, compression))
      job.push(...insertion({ calls, data }))
    }
    if (untold.length > 0) job.push(unknownPath(untold))
    await this.#rows.write(...job)
  }

  async conclude(summary: TraceSummary): Promise<void> {
    await this.#rows.write(
      statement(
        `insert into trace_summaries (call, summary, packed) values (?, '', ?)
          on conflict (call) do update set summary = '', packed = excluded.packed`,
        summary.call,
        zstdCompressSync(JSON.stringify(summary), compression),
      ),
      concluded(summary),
    )
  }

  async events(call: string): Promise<readonly TraceEvent[]> {
    return (await this.#segments(call, 'asc', -1)).flatMap(segment =>
      readable(() => eventsIn(segment, call)).flat(),
    )
  }

  /** The same as it lies there, some at a time: for who reads long calls away from the event loop. */
  async *segments(call: string): AsyncGenerator<readonly StoredSegment[], void> {
    for (let after = -1; ; ) {
      const rows = await this.#rows.read(
        `select seq, events from trace_segments where seq in
          (select segment from trace_places where call = ? and segment > ? order by segment limit ?) order by seq`,
        call,
        after,
        segmentPage,
      )
      if (rows.length === 0) return
      after = Number(rows.at(-1)!.seq)
      yield rows.map(({ events }) => (events instanceof Uint8Array ? events : String(events)))
      if (rows.length < segmentPage) return
    }
  }

  async #segments(call: string, order: 'asc' | 'desc', limit: number): Promise<string[]> {
    const rows = await this.#rows.read(
      `select events from trace_segments where seq in
        (select segment from trace_places where call = ? order by segment ${order} limit ?) order by seq`,
      call,
      limit,
    )
    return rows.flatMap(({ events }) =>
      events instanceof Uint8Array ? readable(() => zstdDecompressSync(events).toString()) : [String(events)],
    )
  }

  async summary(call: string): Promise<TraceSummary | undefined> {
    const [row] = await this.#rows.read('select summary, packed from trace_summaries where call = ?', call)
    return row && readable(() => summaryIn(row))[0]
  }

  /** Newest first; none of calls that begin meanwhile. */
  async *unconcluded(): AsyncGenerator<readonly string[], void> {
    const [all] = await this.#rows.read('select min(seq) as first, max(seq) as last from calls')
    for (let last = Number(all?.last ?? 0); last >= Number(all?.first ?? 1); last -= sweepStep) {
      const found = await this.#rows.read(
        `select id from calls indexed by calls_filter where seq > ? and seq <= ? and path is null
          and ended_at is not null and exists (select 1 from trace_places where call = id) order by seq desc`,
        last - sweepStep,
        last,
      )
      if (found.length > 0) yield found.map(({ id }) => String(id))
    }
  }

  /** Of the newest calls that were answered and are over, as far as anything was concluded of them. */
  async networked(limit: number): Promise<NetworkedCall[]> {
    const rows = await this.#rows.read(
      `select id, path, json_extract(row, '$.reason') as ended, summary, packed
        from calls join trace_summaries on call = id
        where iif(json_valid(row), json_extract(row, '$.answeredAt'), null) is not null order by seq desc limit ?`,
      limit,
    )
    const found: NetworkedCall[] = []
    for (const [at, row] of rows.entries()) {
      if (at > 0 && at % summariesAtOnce === 0) await nextTurn()
      found.push(...readable(() => summaryIn(row)).flatMap(summary => networkedOf(row, summary)))
    }
    return found
  }

  /** Of the last events kept of a call the last number and the latest time; zeros of one that has none. */
  async lastEvent(call: string): Promise<{ readonly number: number; readonly atMilliseconds: number }> {
    const [segment] = await this.#segments(call, 'desc', 1)
    const events = segment === undefined ? [] : readable(() => eventsIn(segment, call)).flat()
    return {
      number: events.at(-1)?.number ?? 0,
      atMilliseconds: Math.max(0, ...events.map(one => one.atMilliseconds)),
    }
  }

  /** Forgets what belongs to no call, events past their time, and the oldest above the bound of bytes. */
  async prune(now: Epoch): Promise<void> {
    await this.#sweep('trace_summaries', 'call', 'call not in (select id from calls)')
    await this.#sweep('trace_places', 'call', 'call not in (select id from calls)')
    // A row written under an unset clock has no age: it does not make events go.
    if (now >= plausibleFrom) await this.#forgetBefore(now - days(eventDays))
    const unused = 'not exists (select 1 from trace_places where segment = seq)'
    await this.#sweep('trace_segments', 'seq', unused)
    while ((await this.bytes()) > maxEventBytes) if ((await this.forgetOldest()) === 0) return
  }

  /** Walks a table by its key and removes what is to go, in steps: pruning never keeps a registration waiting. */
  async #sweep(table: string, key: string, which: string): Promise<void> {
    for (let from: Value = ''; ; ) {
      const start = key === 'seq' ? Number(from) : from
      const [last] = await this.#rows.read(
        `select max(${key}) as key, count(*) as count from
          (select ${key} from ${table} where ${key} > ? order by ${key} limit ?)`,
        start,
        sweepStep,
      )
      if (last === undefined || last.key == null) return
      await this.#rows.write(
        statement(`delete from ${table} where ${key} > ? and ${key} <= ? and ${which}`, start, last.key),
      )
      if (Number(last.count) < sweepStep) return
      from = last.key
    }
  }

  async #forgetBefore(cutoff: number): Promise<void> {
    for (let from: number = plausibleFrom; ; ) {
      const old = await this.#rows.read(
        `select id, started_at from calls where ended_at is not null and started_at >= ? and started_at < ?
          order by started_at limit ?`,
        from,
        cutoff,
        sweepStep,
      )
      const ids = JSON.stringify(old.map(({ id }) => id))
      await this.#rows.write(
        statement('delete from trace_places where call in (select value from json_each(?))', ids),
      )
      // Those of the last moment are seen twice.
      const last = Number(old.at(-1)?.started_at ?? cutoff)
      if (old.length < sweepStep || last === from) return
      from = last
    }
  }

  /** What all events take on disk. */
  async bytes(): Promise<number> {
    return Number((await this.#rows.read('select total(bytes) as bytes from trace_segments'))[0]!.bytes)
  }

  /** Some of them, the oldest; their summaries stay. Resolves with the bytes they took, 0 when there are none left. */
  async forgetOldest(): Promise<number> {
    const due = await this.#rows.read('select seq, bytes from trace_segments order by seq limit ?', pruneStep)
    if (due.length === 0) return 0
    const numbers = JSON.stringify(due.map(({ seq }) => seq))
    const listed = '(select value from json_each(?))'
    await this.#rows.write(
      statement(`delete from trace_places where segment in ${listed}`, numbers),
      statement(`delete from trace_segments where seq in ${listed}`, numbers),
    )
    return due.reduce((sum, { bytes }) => sum + Number(bytes), 0)
  }

  /** While suspended events are not kept: what room there is is for what people wait for. */
  suspend(on: boolean): void {
    this.#suspended = on
  }
}

const insertion = ({ calls, data }: PackedSegment) => [
  statement('insert into trace_segments (bytes, events) values (?, ?)', data.length, data),
  statement(
    `insert or ignore into trace_places (call, segment)
      select value, (select max(seq) from trace_segments) from json_each(?)`,
    JSON.stringify(calls),
  ),
]

/** Those of before schema 18 lie there as text. */
const summaryIn = ({ summary, packed }: Row): TraceSummary =>
  JSON.parse(packed instanceof Uint8Array ? zstdDecompressSync(packed).toString() : String(summary))

function networkedOf({ id, path, ended }: Row, summary: TraceSummary): NetworkedCall[] {
  const { addresses, relayRefusal, verdict } = summary
  const failed = path !== 'direct' && path !== 'relayed'
  // Of a call that went some way that nobody told, nothing is known.
  if (failed && relayRefusal === undefined && ended !== 'mediaFailed') return []
  return [
    {
      call: String(id),
      addresses: { caller: addresses?.caller ?? '', callee: addresses?.callee ?? '' },
      path: failed ? 'failed' : path,
      reason: failed ? `relay: ${relayRefusal ?? ended}` : (verdict.whyNotDirect?.sentence ?? ''),
    },
  ]
}

const diskFull = (): StoreError =>
  new StoreError('diskFull', 'the disk is full: events of calls are not kept')

/** A call may have several lines of one segment. */
const eventsIn = (segment: string, call: string): TraceEvent[] =>
  segmentTexts(segment, call).flatMap(text => JSON.parse(text) as TraceEvent[])
