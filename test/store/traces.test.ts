import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { days, type Epoch, plausibleFrom } from '../../src/core/clock.ts'
import { databaseFile } from '../../src/store/database.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { eventDays } from '../../src/store/traces.ts'
import type { TraceEvent, TraceSummary } from '../../src/trace/message.ts'

let directory = ''
let store: Store | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-traces-'))
})
afterEach(async () => {
  await store?.close()
  rmSync(directory, { recursive: true, force: true })
})

const event = (number: number): TraceEvent => ({
  number,
  atMilliseconds: number,
  source: 'server',
  kind: 'restart',
})
const now = (plausibleFrom + days(100)) as Epoch
const row = (id: string, ago: number): CallRow =>
  ({
    id,
    callerUser: 'a',
    calleeUser: 'b',
    startedAt: now - days(ago),
    endedAt: now,
    missed: false,
  }) as unknown as CallRow

it('keeps events in order and a summary longer than them, and neither longer than the call', async () => {
  store = await openStore(directory)
  const { traces, calls } = store
  await Promise.all([calls.save(row('new', 1)), calls.save(row('old', eventDays + 1))])
  for (const call of ['new', 'old', 'never']) {
    await traces.save(call, [event(1), event(2)])
    await traces.save(call, [event(3)])
    await traces.conclude({
      call,
      events: 3,
      verdict: { path: 'unknown', grade: 'none' },
      mos: {},
    } as TraceSummary)
  }
  expect((await traces.events('new')).map(one => one.number)).toEqual([1, 2, 3])
  expect(await traces.lastEvent('new')).toMatchObject({ number: 3 })
  expect(await traces.lastEvent('none')).toEqual({ number: 0, atMilliseconds: 0 })
  await traces.prune(now)
  const left = async (call: string) => [
    (await traces.events(call)).length,
    (await traces.summary(call))?.events,
  ]
  expect(await left('new')).toEqual([3, 3])
  expect(await left('old')).toEqual([0, 3])
  expect(await left('never')).toEqual([0, undefined])
})

it('packs what was concluded, and reads what lies there as text from before', async () => {
  store = await openStore(directory)
  const { traces, calls } = store
  const ids = Array.from({ length: 60 }, (_, number) => `call${number}`)
  const called = (id: string) => ({ ...row(id, 1), answeredAt: now, reason: 'hangup' }) as CallRow
  await Promise.all(ids.map(id => calls.save(called(id))))
  const summaryOf = (call: string, why: string) => {
    const verdict = { path: 'relayed', grade: 'ledger', checked: [], whyNotDirect: { sentence: why } }
    const addresses = { caller: '192.168.1.2', callee: '192.168.2.3' }
    return { call, events: 3, verdict, mos: {}, addresses } as unknown as TraceSummary
  }
  for (const id of ids) await traces.conclude(summaryOf(id, 'no route between them. '.repeat(100)))
  await store.close()
  const database = new Sqlite(join(directory, databaseFile))
  const sizes = database.prepare(
    'select length(packed) as packed, length(summary) as text from trace_summaries',
  )
  for (const { packed, text } of sizes.all() as { packed: number; text: number }[]) {
    expect(text).toBe(0)
    expect(packed).toBeLessThan(300)
  }
  const asText = database.prepare('update trace_summaries set packed = null, summary = ? where call = ?')
  asText.run(JSON.stringify(summaryOf('call3', 'a firewall')), 'call3')
  asText.run(JSON.stringify(summaryOf('call4', 'a firewall')), 'call4')
  asText.run('{"call', 'call5')
  database.close()
  store = await openStore(directory)
  await store.traces.conclude(summaryOf('call4', 'isolation'))
  const told = await store.traces.networked(1_000)
  expect(told.map(({ call }) => call)).toEqual(ids.filter(id => id !== 'call5').reverse())
  const reasons = Object.fromEntries(told.map(({ call, reason }) => [call, reason]))
  expect(reasons).toMatchObject({ call3: 'a firewall', call4: 'isolation' })
  expect(told[0]).toMatchObject({ path: 'relayed', addresses: { callee: '192.168.2.3' } })
  expect((await store.traces.summary('call3'))?.verdict.whyNotDirect?.sentence).toBe('a firewall')
  expect(await store.traces.summary('call5')).toBe(undefined)
})

it('signs with the same key after a restart', async () => {
  store = await openStore(directory)
  const key = store.settings.traceKey()
  expect(key).toHaveLength(32)
  await store.close()
  store = await openStore(directory)
  expect(store.settings.traceKey()).toEqual(key)
})
