import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Policies } from '../../src/admin/policies.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { doChores } from '../../src/chores.ts'
import { days, type Epoch, hours, type Monotonic } from '../../src/core/clock.ts'
import { silent } from '../../src/core/log.ts'
import type { HelpDesk } from '../../src/helpdesk.ts'
import { Notes } from '../../src/notes.ts'
import { Metrics } from '../../src/runtime/metrics.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const today = Date.parse('2027-05-01')
let directory: string
let store: Store
let running = 0
let wall = today
const clock = { monotonic: () => running as Monotonic, epoch: () => wall as Epoch }

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-chores-'))
  store = await openStore(directory)
  running = 0
  wall = today
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

async function keepCall(id: string, startedAt: number): Promise<void> {
  const row = { id, callerUser: 'anna', calleeUser: 'bert', startedAt, endedAt: startedAt, missed: false }
  await store.calls.save(row as unknown as CallRow)
}

async function pass(milliseconds: number): Promise<void> {
  for (const end = running + milliseconds; running < end; ) {
    running += 10_000
    wall += 10_000
    vi.advanceTimersByTime(10_000)
  }
  // One job after another: what was begun before is done.
  await store.answers()
}

const calls = async (): Promise<string[]> => (await store.calls.list({ limit: 10 })).calls.map(({ id }) => id)

function begin() {
  const set: number[] = []
  let looks = 0
  const end = doChores({
    ...{ clock, store, notes: new Notes(new Metrics(), silent, () => {}) },
    help: { flush: async () => {} } as unknown as HelpDesk,
    policies: { retainDays: 90 } as Policies,
    refreshCertificate: () => {
      looks++
    },
    onClockSet: seconds => set.push(seconds),
  })
  return { end, set, looks: () => looks }
}

it('a clock that is years ahead until NTP sets it costs no call', async () => {
  await keepCall('of today', today)
  wall = today + days(5_000)
  const { end, set, looks } = begin()
  await pass(hours(0.9))
  const before = looks()
  wall -= days(5_000)
  await pass(10_000)
  expect(set).toEqual([-days(5_000) / 1_000])
  expect(looks()).toBe(before + 1)
  await pass(hours(3))
  expect(await calls()).toEqual(['of today'])
  end()
})

it('calls that are too old go once the clock was not set for an hour', async () => {
  await keepCall('long ago', today - days(100))
  await keepCall('of today', today)
  const { end } = begin()
  await pass(hours(0.5))
  expect(await calls()).toEqual(['of today', 'long ago'])
  await pass(hours(0.5))
  await expect.poll(calls).toEqual(['of today'])
  end()
})
