import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { days, type Epoch, plausibleFrom } from '../../src/core/clock.ts'
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
  expect([await traces.lastNumber('new'), await traces.lastNumber('none')]).toEqual([3, 0])
  await traces.prune(now)
  const left = async (call: string) => [
    (await traces.events(call)).length,
    (await traces.summary(call))?.events,
  ]
  expect(await left('new')).toEqual([3, 3])
  expect(await left('old')).toEqual([0, 3])
  expect(await left('never')).toEqual([0, undefined])
})

it('signs with the same key after a restart', async () => {
  store = await openStore(directory)
  const key = store.settings.traceKey()
  expect(key).toHaveLength(32)
  await store.close()
  store = await openStore(directory)
  expect(store.settings.traceKey()).toEqual(key)
})
