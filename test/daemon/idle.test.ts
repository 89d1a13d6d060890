/** What an appliance does that has nothing to do. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Inspected, startInspected } from './inspected.ts'

const settlingMilliseconds = 3_000
const watchedSeconds = 5
const wakesPerSecond = 20

let data: string
let daemon: Inspected

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'lanline-idle-'))
  daemon = await startInspected(data, 60_000)
})

afterEach(async () => {
  await daemon.stop()
  rmSync(data, { recursive: true, force: true })
})

/** How often all threads together have gone to sleep. */
function sleeps(): number {
  const tasks = `/proc/${daemon.child.pid}/task`
  return readdirSync(tasks)
    .map(task => readFileSync(join(tasks, task, 'status'), 'utf8'))
    .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)![1]), 0)
}

it('its processor is left asleep: a few things are looked at each second, none all the time', async () => {
  await wait(settlingMilliseconds)
  const before = sleeps()
  await wait(watchedSeconds * 1_000)
  expect(sleeps() - before).toBeLessThan(watchedSeconds * wakesPerSecond)
})
