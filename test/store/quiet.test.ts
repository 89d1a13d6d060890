/** Do not disturb, by hand and by the clock: what is kept, and what holds when. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import type { QuietHours } from '../../src/core/quiet-hours.ts'
import { databaseFile } from '../../src/store/database.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const nights: QuietHours = {
  ...{ from: '22:00', until: '07:00', zone: 'Europe/Berlin' },
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
}

let directory: string
let store: Store
let now: Epoch
/** The clock in Berlin, in winter: an hour ahead of UTC. */
const at = (berlin: string): void => {
  now = Date.parse(`${berlin}:00+01:00`) as Epoch
}
const reopen = async (): Promise<void> => {
  await store.close()
  store = await openStore(directory, () => now)
}
const set = (change: Parameters<Store['directory']['changeUser']>[1]) =>
  store.directory.changeUser('bob', change)
const isQuiet = (): boolean | undefined => store.directory.account('bob')?.doNotDisturb

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-quiet-'))
  at('2026-12-01T12:00')
  store = await openStore(directory, () => now)
  await store.directory.addUser({ name: 'bob' })
})
afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

/** What holds at each of these times of the clock in Berlin. */
const through = (...times: string[]): (boolean | undefined)[] =>
  times.map(time => {
    at(time)
    return isQuiet()
  })

describe('quiet hours', () => {
  it('are on from the one time to the other, over midnight and over a restart', async () => {
    await set({ quietHours: nights })
    const times = ['2026-12-01T21:59', '2026-12-01T22:00', '2026-12-02T06:59', '2026-12-02T07:00']
    expect(through(...times)).toEqual([false, true, true, false])
    await reopen()
    expect(through(...times)).toEqual([false, true, true, false])
    expect(store.directory.person('bob')).toMatchObject({ doNotDisturb: false })
    expect(store.directory.user('bob')?.quietHours).toEqual(nights)
  })

  it('begin on the days that are named only', async () => {
    // The first of December 2026 is a Tuesday.
    await set({ quietHours: { ...nights, days: ['wed', 'tue', 'tue'] } })
    expect(store.directory.user('bob')?.quietHours?.days).toEqual(['tue', 'wed'])
    const times = ['2026-11-30T23:00', '2026-12-01T23:00', '2026-12-02T23:00', '2026-12-03T06:00']
    expect(through(...times, '2026-12-03T23:00')).toEqual([false, true, true, true, false])
  })

  it('are on at once where they are set within themselves, and gone once they are taken back', async () => {
    at('2026-12-01T23:00')
    await set({ quietHours: nights })
    expect(isQuiet()).toBe(true)
    await set({ quietHours: null })
    expect(isQuiet()).toBe(false)
    expect(store.directory.quiet('bob')).toEqual({ byHand: false, within: false, hours: null })
  })

  it('that are switched off let calls through until they end, and come again', async () => {
    await set({ quietHours: nights })
    at('2026-12-01T23:00')
    await set({ doNotDisturb: false })
    expect(store.directory.quiet('bob')).toEqual({ byHand: false, within: true, hours: nights })
    await reopen()
    const times = ['2026-12-01T23:00', '2026-12-02T06:59', '2026-12-02T07:00', '2026-12-02T22:00']
    expect(through(...times)).toEqual([false, false, false, true])
  })

  it('that were switched off are on again once they are switched on, until they end', async () => {
    await set({ quietHours: nights })
    at('2026-12-01T23:00')
    await set({ doNotDisturb: false })
    await set({ doNotDisturb: true })
    expect(through('2026-12-01T23:00', '2026-12-02T07:00')).toEqual([true, false])
  })

  it('leave alone what was switched on by hand before', async () => {
    await set({ quietHours: nights, doNotDisturb: true })
    expect(through('2026-12-01T21:00', '2026-12-01T23:00', '2026-12-02T08:00')).toEqual([true, true, true])
    at('2026-12-01T23:00')
    await set({ doNotDisturb: false })
    expect(through('2026-12-01T23:00', '2026-12-02T08:00', '2026-12-02T23:00')).toEqual([false, false, true])
  })

  it('that are set anew count, whatever was switched off of the ones before', async () => {
    await set({ quietHours: nights })
    at('2026-12-01T23:00')
    await set({ doNotDisturb: false })
    await set({ quietHours: { ...nights, from: '21:00' } })
    expect(isQuiet()).toBe(true)
  })

  it('are not on while nobody knows what time it is, and are right as soon as the clock is set', async () => {
    await set({ quietHours: nights })
    now = Date.parse('1970-01-01T23:00:00+01:00') as Epoch
    expect([isQuiet(), store.directory.untilHoursTurn()]).toEqual([false, undefined])
    await set({ doNotDisturb: true })
    expect([isQuiet(), through('2026-12-02T12:00')]).toEqual([true, [true]])
    await set({ doNotDisturb: false })
    expect(through('2026-12-01T23:00', '2026-12-02T12:00')).toEqual([true, false])
  })

  it('are not lost to a clock that was ahead when they were switched off', async () => {
    await set({ quietHours: nights })
    at('2030-06-01T23:30')
    await set({ doNotDisturb: false })
    expect(through('2026-12-01T23:00', '2026-12-02T23:00')).toEqual([true, true])
  })

  it('say how long it is until somebody’s begin or end', async () => {
    expect(store.directory.untilHoursTurn()).toBe(undefined)
    await set({ quietHours: nights })
    await store.directory.addUser({ name: 'carol' })
    const afternoons = { ...nights, from: '13:00', until: '15:00', zone: 'Europe/London' }
    await store.directory.changeUser('carol', { quietHours: afternoons })
    const minutesAt = (time: string): number => {
      at(time)
      return store.directory.untilHoursTurn()! / 60_000
    }
    expect(['2026-12-01T12:00', '2026-12-01T14:00', '2026-12-01T16:30'].map(minutesAt)).toEqual([
      120, 120, 330,
    ])
  })
})

it('hours that cannot be read are none, and cost nobody their person', async () => {
  await set({ quietHours: nights })
  for (const written of [
    '{"from":"22:00","until":"07:00","days":["mon"],"zone":"Mars/Base"}',
    'nonsense',
    '{}',
  ]) {
    await store.close()
    const db = new Sqlite(join(directory, databaseFile))
    db.prepare('update users set quiet_hours = ?').run(written)
    db.close()
    store = await openStore(directory, () => now)
    expect(store.directory.user('bob')).toMatchObject({ name: 'bob', quietHours: undefined })
  }
})
