import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import { openStore } from '../../src/store/store.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-calls-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const row = (id: string, change: Partial<CallRow> = {}): CallRow =>
  ({
    id,
    callerUser: 'alice',
    calleeUser: 'bob',
    startedAt: 1_800_000_000_000 as Epoch,
    missed: false,
    ...change,
  }) as CallRow

test('a call whose row changes several times at once is listed once, in its last state', async () => {
  const store = await openStore(directory)
  const saves = [store.calls.save(row('a')), store.calls.save(row('b'))]
  saves.push(store.calls.save(row('a', { endedAt: 1_800_000_001_000 as Epoch })))
  const { calls, total } = await store.calls.list({ limit: 10 })
  expect(total).toBe(2)
  expect(calls.map(call => [call.id, call.endedAt])).toEqual([
    ['b', undefined],
    ['a', 1_800_000_001_000],
  ])
  await Promise.all(saves)
  await store.close()
})

test('what was saved just before the store closes is there when it opens again', async () => {
  const store = await openStore(directory)
  const saved = store.calls.save(row('a'))
  await store.close()
  await saved
  const again = await openStore(directory)
  expect((await again.calls.get('a'))?.id).toBe('a')
  await again.close()
})
