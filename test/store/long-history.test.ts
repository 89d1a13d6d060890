/** The call log of years: what the console asks of 100,000 calls is answered at once, whatever the filter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CallFilter } from '../../src/store/calls.ts'
import { databaseFile } from '../../src/store/database.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { rowOf } from '../bench/history.ts'

const count = 100_000
const mostMilliseconds = 50

let directory: string
let store: Store
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-history-'))
  await (await openStore(directory)).close()
  fill()
  store = await openStore(directory)
})
afterAll(async () => {
  await store?.close()
  rmSync(directory, { recursive: true, force: true })
})

/** As the store writes them, but all at once: one in fifty relayed, one in two hundred poor, every second to the desk. */
function fill(): void {
  const database = new Sqlite(join(directory, databaseFile))
  // By default what one transaction changes is written to the disk over and over.
  database.pragma('cache_size = -200000')
  const insert = database.prepare(
    `insert into calls (id, caller_user, callee_user, started_at, ended_at, missed, row, path, grade, mos)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  database.transaction(() => {
    for (let number = 0; number < count; number++) {
      const row = { ...rowOf(number), ...(number % 2 === 0 ? { calleeUser: 'desk' } : {}) }
      const path = number % 50 === 0 ? 'relayed' : 'direct'
      insert.run(
        ...[row.id, row.callerUser, row.calleeUser, row.startedAt, row.endedAt, row.missed ? 1 : 0],
        ...[JSON.stringify(row), path, 'bothEnds', number % 200 === 0 ? 2 : 4.2],
      )
    }
  })()
  database.close()
}

const filters: Readonly<Record<string, Partial<CallFilter>>> = {
  'the newest': {},
  'those of one person': { user: 'user7' },
  'the relayed': { path: 'relayed' },
  'those that contradict themselves, none of them': { path: 'contradicted' },
  'the poor ones': { quality: 'poor' },
  'the missed of one person': { missed: true, user: 'user7' },
}

/** The best within some seconds: how long it takes, not what else this machine does meanwhile. */
async function bestMilliseconds(filter: Partial<CallFilter>, enough = mostMilliseconds): Promise<number> {
  const begin = performance.now()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 9 || (best >= enough && performance.now() - begin < 10_000); round++) {
    const start = performance.now()
    const { calls, total } = await store.calls.list({ limit: 100, ...filter })
    best = Math.min(best, performance.now() - start)
    expect(calls.length).toBe(Math.min(100, total))
  }
  return best
}

it.each(Object.entries(filters))('%s are listed in less than 50 ms', async (_name, filter) => {
  expect(await bestMilliseconds(filter)).toBeLessThan(mostMilliseconds)
})

it('half of them all, those of the desk, are counted without reading their rows', async () => {
  expect(await bestMilliseconds({ user: 'desk' }, mostMilliseconds / 2)).toBeLessThan(mostMilliseconds / 2)
})

it('the hundred before any of them as well', async () => {
  const { calls, total } = await store.calls.list({ limit: 500 })
  expect(total).toBe(count)
  const before = calls.at(-1)!.id
  expect(await bestMilliseconds({ before })).toBeLessThan(mostMilliseconds)
  const next = await store.calls.list({ limit: 100, before })
  expect(next.calls.length).toBe(100)
})
