import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import type { TraceEvent } from '../../src/trace/message.ts'

/** A disk of 32 MB of its own: root alone may mount one. */
const mayMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0

let directory = ''
let store: Store
const filler = () => join(directory, 'somebody-elses')

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-space-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', directory])
  store = await openStore(directory)
})
afterEach(async () => {
  await store.close()
  execFileSync('umount', [directory])
  rmSync(directory, { recursive: true, force: true })
})

const free = (): number => {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/** Leaves so much of the disk. */
function fillBut(bytes: number): void {
  const most = Math.max(0, free() - bytes)
  try {
    writeFileSync(filler(), Buffer.alloc(most))
  } catch {
    // To the last page.
  }
}

const row = (id: string): CallRow =>
  ({
    ...{ id, callerUser: 'a', calleeUser: 'b', startedAt: 1, endedAt: 2, missed: false },
  }) as unknown as CallRow

/** Noise, so that it takes on disk what it takes here. */
const events = (): TraceEvent[] => {
  const noise = Array.from({ length: 500 }, () => Math.random().toString(36).slice(2)).join('')
  return [{ number: 1, atMilliseconds: 0, source: 'server', kind: 'leftOut', what: noise, count: 1 }]
}

async function keepTraces(count: number): Promise<void> {
  for (let call = 0; call < count; call++) {
    await store.calls.save(row(`call${call}`))
    await Promise.all(Array.from({ length: 40 }, () => store.traces.save(`call${call}`, events())))
  }
}

describe.skipIf(!mayMount)('a disk that gets full (needs root, to mount one)', () => {
  it('costs the oldest traces and no call, and says so until there is room', async () => {
    await keepTraces(20)
    await store.space.look()
    expect([store.space.note, store.space.trouble]).toEqual([undefined, undefined])
    const before = await store.traces.bytes()
    expect((await store.traces.events('call0')).length).toBe(40)

    fillBut(1_000_000)
    await store.space.look()
    expect(store.space.note).toMatch(/nearly full .* oldest traces were removed/)
    expect(await store.traces.bytes()).toBeLessThan(before)
    expect((await store.traces.events('call0')).length).toBe(0)
    expect((await store.calls.list({ limit: 100 })).total).toBe(20)

    rmSync(filler())
    await store.space.look()
    expect(store.space.note).toBe(undefined)
    await keepTraces(1)
    expect((await store.traces.events('call0')).length).toBeGreaterThan(0)
  })

  it('that is full in mid-call costs no row: it is written when there is room', async () => {
    await keepTraces(10)
    await store.space.look()
    expect(existsSync(join(directory, 'lanline.reserve'))).toBe(true)
    fillBut(0)
    const outcomes: string[] = []
    for (let call = 0; call < 400; call++) {
      const big = { ...row(`late${call}`), callerName: 'x'.repeat(5_000) }
      outcomes.push(...(await Promise.allSettled([store.calls.save(big)])).map(({ status }) => status))
      if (store.space.trouble !== undefined) break
    }
    expect(outcomes.at(-1)).toBe('rejected')
    expect(store.space.trouble).toMatch(/full; free some space/)
    // A write that found the disk full has the oldest traces removed, and the row is tried again.
    const total = async () => (await store.calls.list({ limit: 1 })).total
    await expect.poll(total, { timeout: 20_000 }).toBe(10 + outcomes.length)
    expect(store.space.trouble).toBe(undefined)
    expect(store.space.note).toMatch(/nearly full/)
  })

  it('that is full at the start is started on, again and again: room was kept aside for it', async () => {
    await store.directory.addUser({ name: 'anna' })
    await store.space.look()
    for (let start = 0; start < 3; start++) {
      await store.close()
      fillBut(0)
      expect(free()).toBe(0)
      store = await openStore(directory)
      expect(store.directory.users().map(({ name }) => name)).toEqual(['anna'])
      rmSync(filler())
    }
  })
})
