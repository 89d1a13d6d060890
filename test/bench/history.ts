/**
 * What the console waits for when many calls are kept: each question it asks of the store, with a database of so many
 * calls, every one with its trace. Milliseconds of CPU from question to answer, the store's thread included, and of time;
 * medians.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import type { CallRow } from '../../src/calls/message.ts'
import { type Epoch, plausibleFrom } from '../../src/core/clock.ts'
import type { CallFilter } from '../../src/store/calls.ts'
import { databaseFile } from '../../src/store/database.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { documentOf, summaryOf } from '../../src/trace/document.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { callOf } from '../../src/trace/sip-text.ts'
import { eventsOf } from '../trace/story.ts'

export interface HistoryBenchOptions {
  readonly calls: number
  readonly rounds: number
  readonly json: boolean
}

const people = 50
const minute = 60_000

export async function benchHistory(options: HistoryBenchOptions): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-bench-'))
  try {
    const store = await openStore(directory)
    const begun = performance.now()
    await fill(store, options.calls)
    const filled = (performance.now() - begun) / 1_000
    const rows = await questions(store, options)
    await store.close()
    const megabytes = statSync(path.join(directory, databaseFile)).size / 1_000_000
    if (options.json) return void process.stdout.write(`${JSON.stringify({ rows, megabytes })}\n`)
    const cell = (value: number): string => value.toFixed(1).padStart(8)
    process.stdout.write(`${''.padEnd(50)}     CPU    time\n`)
    for (const { name, cpu, time } of rows) {
      process.stdout.write(`${name.padEnd(50)}${cell(cpu)}${cell(time)}\n`)
    }
    process.stdout.write(
      `${options.calls} calls, ${megabytes.toFixed(0)} MB, filled in ${filled.toFixed(0)} s\n${plans(directory)}again: scripts/bench history --count ${options.calls}\n`,
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** One in a hundred is missed, one in fifty relayed, one in two hundred bad; a call a minute. */
async function fill(store: Store, count: number): Promise<void> {
  const events = eventsOf() as readonly TraceEvent[]
  for (let from = 0; from < count; from += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => rowOf(from + index))
    await Promise.all(rows.map(row => store.calls.save(row)))
    const model = summaryOf(rows[0]!, events)
    await Promise.all(
      rows.flatMap((row, index) => {
        const number = from + index
        const verdict = { ...model.verdict, path: number % 50 === 0 ? 'relayed' : 'direct' } as const
        const mos = number % 200 === 0 ? 2 : 4.2
        const summary = { ...model, call: row.id, verdict, mos: { caller: mos, callee: 4.3 } }
        return [store.traces.save(row.id, events), store.traces.conclude(summary)]
      }),
    )
  }
}

/** One in a hundred is missed. */
export const rowOf = (number: number): CallRow =>
  ({
    id: callOf(String(number), 'tag'),
    callerUser: `user${number % people}`,
    callerName: `Person ${number % people}`,
    callerDevice: `a${number % people}`,
    calleeUser: `user${(number * 7 + 1) % people}`,
    calleeName: `Person ${(number * 7 + 1) % people}`,
    calleeDevice: `b${number % people}`,
    startedAt: plausibleFrom + number * minute,
    ringingAt: plausibleFrom + number * minute + 500,
    answeredAt: number % 100 === 0 ? null : plausibleFrom + number * minute + 4_000,
    endedAt: plausibleFrom + number * minute + 50_000,
    endedBy: 'caller',
    reason: 'hangup',
    code: 200,
    missed: number % 100 === 0,
    missedSeen: false,
    video: number % 3 === 0,
  }) as unknown as CallRow

async function questions(store: Store, { calls, rounds }: HistoryBenchOptions) {
  const middle = rowOf(calls >> 1)
  const day = { from: middle.startedAt - 720 * minute, until: middle.startedAt + 720 * minute }
  const list = (filter: Partial<CallFilter>) => () => store.calls.list({ limit: 50, ...filter })
  const asked: Record<string, () => Promise<unknown>> = {
    'list: newest 50': list({}),
    'list: 50 from the middle': list({ before: middle.id }),
    'list: 500': list({ limit: 500 }),
    'list: of one person': list({ user: 'user7' }),
    'list: relayed': list({ path: 'relayed' }),
    'list: contradicted (none)': list({ path: 'contradicted' }),
    'list: poor': list({ quality: 'poor' }),
    'list: missed': list({ missed: true }),
    'list: missed of one person': list({ missed: true, user: 'user7' }),
    'list: of one day': list(day),
    'list: poor, relayed, of one person, of one day': list({
      ...day,
      quality: 'poor',
      path: 'relayed',
      user: 'user7',
    }),
    'list: going on (none)': list({ going: true }),
    'one call: its row': () => store.calls.get(middle.id),
    'one call: its summary': () => store.traces.summary(middle.id),
    'one call: row, events, verdict made anew': async () => {
      const [row, events, kept] = await Promise.all([
        store.calls.get(middle.id),
        store.traces.events(middle.id),
        store.traces.summary(middle.id),
      ])
      return documentOf({ version: '1', appliance: 'a', row: row!, events, kept })
    },
    'calls without a verdict (none), at each start': async () => {
      for await (const _ of store.traces.unconcluded());
    },
    'who reached whom, of the newest 300': () => store.traces.networked(300),
    'prune, nothing to do': async () => {
      await store.calls.prune(100_000, (plausibleFrom + minute) as Epoch)
      await store.traces.prune((plausibleFrom + minute) as Epoch)
    },
  }
  const rows = []
  for (const [name, ask] of Object.entries(asked)) {
    const times: number[] = []
    const cpus: number[] = []
    for (let round = 0; round < rounds; round++) {
      const [start, before] = [performance.now(), process.cpuUsage()]
      await ask()
      const { user, system } = process.cpuUsage(before)
      times.push(performance.now() - start)
      cpus.push((user + system) / 1_000)
    }
    rows.push({ name, cpu: median(cpus), time: median(times) })
  }
  return rows
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** How SQLite goes about what is asked most. */
function plans(directory: string): string {
  const database = new Sqlite(path.join(directory, databaseFile), { readonly: true })
  const explain = (sql: string, ...values: readonly unknown[]): string => {
    const steps = database.prepare(`explain query plan ${sql}`).all(...values) as { detail: string }[]
    return `${sql}\n${steps.map(({ detail }) => `    ${detail}\n`).join('')}`
  }
  const text = [
    explain(
      `select row from calls where seq < iif(? is null, 9007199254740991,
        coalesce((select seq from calls where id = ?), 0)) order by seq desc limit 50`,
      ...['x', 'x'],
    ),
    explain('select row from calls where id = ?', 'x'),
    explain(
      `select events from trace_segments where seq in
        (select segment from trace_places where call = ? order by segment limit -1) order by seq`,
      'x',
    ),
    explain('select total(bytes) from trace_segments'),
  ].join('')
  database.close()
  return text
}
