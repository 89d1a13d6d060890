import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import { Calls } from '../../src/store/calls.ts'
import { StoreError } from '../../src/store/errors.ts'
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

test('very many calls at once are written to the database’s own files alone', async () => {
  const store = await openStore(directory)
  const others = Array.from({ length: 20 }, (_, index) => ({ user: `p${index}`, became: 'missed' as const }))
  const saved = Promise.all(
    Array.from({ length: 200 }, (_, index) => store.calls.save(row(`c${index}`, { others }))),
  )
  let isSaved = false
  void saved.then(() => {
    isSaved = true
  })
  // What SQLite writes for a moment has no name, and lies where such files do: on a card, or a disk that is slow.
  const seen = new Set<string>()
  while (!isSaved) {
    for (const file of openFiles()) if (file.endsWith(' (deleted)')) seen.add(file)
    await setTimeout(1)
  }
  expect([...seen]).toEqual([])
  expect(await store.calls.list({ limit: 1, user: 'p19' })).toMatchObject({ total: 200 })
  await store.close()
})

test('very many calls at once are given to the database some at a time', async () => {
  const sizes: number[] = []
  let isFull = false
  const calls = new Calls({
    write: async (...job) => {
      sizes.push(job.length)
      if (isFull) throw new StoreError('diskFull', 'the disk is full')
    },
    read: async () => [],
  })
  const saveMany = (): Promise<unknown> =>
    Promise.allSettled(Array.from({ length: 1_000 }, (_, index) => calls.save(row(`c${index}`))))
  await saveMany()
  expect(Math.max(...sizes)).toBeLessThanOrEqual(200)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000)
  // Not each row that comes meanwhile tries all that wait.
  isFull = true
  await Promise.allSettled([calls.save(row('a'))])
  sizes.length = 0
  const saved = saveMany()
  await setTimeout(20)
  expect(sizes).toEqual([])
  isFull = false
  calls.flush()
  expect(await saved).toHaveLength(1_000)
  expect(sizes).toEqual([1_001])
})

const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(join('/proc/self/fd', fd))]
    } catch {
      return []
    }
  })
