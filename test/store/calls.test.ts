import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { days, type Epoch } from '../../src/core/clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const now = Date.UTC(2027, 5, 1) as Epoch
let directory: string
let store: Store
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-calls-'))
  store = await openStore(directory)
})
afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

const row = (id: string, caller: string, callee: string, startedAt: number, ended = true): CallRow => ({
  id,
  callerUser: caller,
  callerName: caller,
  callerDevice: 'd1',
  calleeUser: callee,
  calleeName: callee,
  calleeDevice: undefined,
  video: true,
  startedAt: startedAt as Epoch,
  ringingAt: undefined,
  answeredAt: undefined,
  endedAt: ended ? ((startedAt + 1_000) as Epoch) : undefined,
  endedBy: ended ? 'caller' : undefined,
  reason: ended ? 'cancelled' : undefined,
  code: undefined,
  missed: false,
  missedSeen: false,
  aliveAt: startedAt as Epoch,
  callerPair: undefined,
  calleePair: undefined,
  relayReason: undefined,
  ledger: undefined,
})
const save = (rows: readonly CallRow[]): Promise<unknown> =>
  Promise.all(rows.map(each => store.calls.save(each)))
const ids = async (filter: Parameters<Store['calls']['list']>[0]): Promise<string[]> =>
  (await store.calls.list(filter)).calls.map(call => call.id)

test('calls are listed newest first, page by page, whatever the clock did in between', async () => {
  await save([
    row('a', 'alice', 'bob', now),
    row('b', 'bob', 'carol', 1_000),
    row('c', 'alice', 'carol', now - 5),
  ])
  expect(await ids({ limit: 2 })).toEqual(['c', 'b'])
  expect(await ids({ limit: 2, before: 'b' })).toEqual(['a'])
  expect(await ids({ limit: 2, before: 'a' })).toEqual([])
  expect(await ids({ limit: 2, before: 'never was' })).toEqual([])
})

test('a person’s calls are those they made and those made to them, each once', async () => {
  await save([
    row('out', 'alice', 'bob', now),
    row('other', 'bob', 'carol', now),
    row('in', 'carol', 'alice', now),
    row('self', 'alice', 'alice', now),
  ])
  expect(await store.calls.list({ limit: 10, user: 'alice' })).toMatchObject({ total: 3 })
  expect(await ids({ limit: 10, user: 'alice' })).toEqual(['self', 'in', 'out'])
  expect(await ids({ limit: 1, user: 'alice', before: 'self' })).toEqual(['in'])
})

test('and those they took in somebody’s place', async () => {
  await save([
    row('a', 'alice', 'bob', now),
    { ...row('b', 'alice', 'house', now), answererUser: 'bob', answererName: 'Bob' },
    { ...row('c', 'alice', 'house', now), answererUser: 'carol', answererName: 'Carol' },
  ])
  expect(await store.calls.list({ limit: 10, user: 'bob' })).toMatchObject({ total: 2 })
  expect(await ids({ limit: 10, user: 'bob' })).toEqual(['b', 'a'])
  expect(await ids({ limit: 10, user: 'house' })).toEqual(['c', 'b'])
  expect(await store.calls.list({ limit: 10, user: 'carol', missed: false })).toMatchObject({ total: 1 })
  await save([{ ...row('c', 'alice', 'house', now), answererUser: 'bob', answererName: 'Bob' }])
  expect(await ids({ limit: 10, user: 'carol' })).toEqual([])
  expect(await ids({ limit: 10, user: 'bob' })).toEqual(['c', 'b', 'a'])
})

test('and those they missed in somebody’s place, as long as nobody took them after all', async () => {
  const call = (became?: 'missed' | 'missedSeen' | 'declined') => ({
    ...row('b', 'alice', 'house', now),
    others: [{ user: 'bob', became }, { user: 'carol' }],
  })
  await save([row('a', 'alice', 'bob', now), call('missed')])
  expect(await store.calls.list({ limit: 10, user: 'bob' })).toMatchObject({ total: 2 })
  expect(await ids({ limit: 1, user: 'bob' })).toEqual(['b'])
  expect(await ids({ limit: 1, user: 'bob', before: 'b' })).toEqual(['a'])
  expect(await ids({ limit: 10, user: 'bob', missed: true })).toEqual(['b'])
  expect(await ids({ limit: 10, user: 'carol' })).toEqual([])
  await save([call('missedSeen')])
  expect(await ids({ limit: 10, user: 'bob', going: false })).toEqual(['b', 'a'])
  await save([call('declined')])
  expect(await ids({ limit: 10, user: 'bob' })).toEqual(['a'])
})

test('calls without an end are told as open, with what their phones know them by, which no list has', async () => {
  const dialog = { callId: 'call', callerTag: 'tag0', calleeTag: 'tag1' }
  const open = row('b', 'bob', 'carol', now, false)
  await save([row('a', 'alice', 'bob', now)])
  await store.calls.save(open, dialog)
  expect(await store.calls.open()).toEqual([{ row: open, dialog }])
  expect(await store.calls.get('b')).not.toHaveProperty('dialog')
})

test('old calls are forgotten, open ones and those from before the clock was set are not', async () => {
  const old = now - days(40)
  await save([
    row('old', 'a', 'b', old),
    row('open', 'a', 'b', old, false),
    row('unset', 'a', 'b', 60_000),
    row('new', 'a', 'b', now),
  ])
  expect(await store.calls.prune(30, 60_000 as Epoch)).toBe(0)
  expect(await store.calls.prune(30, now)).toBe(1)
  expect(await ids({ limit: 10 })).toEqual(['new', 'unset', 'open'])
})

test('many rows are pruned in steps, all of them', async () => {
  const others = [{ user: 'c', became: 'missed' as const }]
  const old = (index: number) => ({ ...row(`c${index}`, 'a', 'b', now - days(40) + index), others })
  await save(Array.from({ length: 2_500 }, (_, index) => old(index)))
  expect((await store.calls.list({ limit: 1, user: 'c' })).total).toBe(2_500)
  expect(await store.calls.prune(30, now)).toBe(2_500)
  expect((await store.calls.list({ limit: 1 })).total).toBe(0)
  expect((await store.calls.list({ limit: 1, user: 'c' })).total).toBe(0)
})

const concluded = (call: string, path: string, grade: string, mos: (number | undefined)[]): unknown => {
  const verdict = { path, grade, sentence: '', checked: [], missing: [], contradictions: [] }
  const summary = { call, events: 1, bytes: 1, verdict, mos: { caller: mos[0], callee: mos[1] } }
  return store.traces.conclude({ ...summary, answeredToMediaMilliseconds: undefined } as never)
}

test('calls are found by path, grade, quality, person, day, and by being missed or going on', async () => {
  await save([
    row('a', 'alice', 'bob', now),
    row('b', 'bob', 'carol', now + 1),
    { ...row('c', 'alice', 'carol', now + 2), missed: true },
    row('d', 'dora', 'alice', now + days(1), false),
  ])
  await concluded('a', 'direct', 'bothEnds', [4.3, 4.1])
  await concluded('b', 'relayed', 'ledger', [3.7, undefined])
  await concluded('c', 'unknown', 'none', [undefined, undefined])
  expect(await ids({ limit: 9, path: 'direct' })).toEqual(['a'])
  expect(await ids({ limit: 9, grade: 'ledger' })).toEqual(['b'])
  expect(await ids({ limit: 9, quality: 'good' })).toEqual(['a'])
  expect(await ids({ limit: 9, quality: 'fair' })).toEqual(['b'])
  expect(await ids({ limit: 9, quality: 'poor' })).toEqual([])
  expect(await ids({ limit: 9, missed: true })).toEqual(['c'])
  expect(await ids({ limit: 9, going: true })).toEqual(['d'])
  expect(await ids({ limit: 9, going: false, user: 'alice' })).toEqual(['c', 'a'])
  expect(await ids({ limit: 9, from: now + 1, until: now + 3 })).toEqual(['c', 'b'])
  expect(await ids({ limit: 1, from: now, before: 'c' })).toEqual(['b'])
  expect((await store.calls.list({ limit: 1, from: now, before: 'c' })).total).toBe(4)
  const [direct] = (await store.calls.list({ limit: 1, path: 'direct' })).calls
  expect(direct!.outcome).toEqual({ path: 'direct', grade: 'bothEnds', mos: 4.1 })
  expect(await store.calls.get('d')).toMatchObject({ outcome: undefined })
})

test('what was concluded of a call stays when its row is written again', async () => {
  await save([row('a', 'alice', 'bob', now)])
  await concluded('a', 'direct', 'packets', [4.3, 4.2])
  await save([{ ...row('a', 'alice', 'bob', now), missedSeen: true }])
  expect(await ids({ limit: 9, grade: 'packets' })).toEqual(['a'])
})
