/** What becomes of the daemon when one of its threads hangs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Health } from '../../src/admin/message.ts'
import { type Inspected, startInspected } from './inspected.ts'

let data: string
let daemon: Inspected

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'lanline-stuck-'))
})

afterEach(async () => {
  await daemon.stop()
  rmSync(data, { recursive: true, force: true })
})

it('a relay that hangs is replaced once, before the service manager loses its patience', async () => {
  // A round, which is a third, is longer than a relay's start.
  daemon = await startInspected(data, 6_000)
  await daemon.hang('turn/worker')
  await daemon.event('relayBack')
  await wait(3 * 2_000)
  expect(daemon.told.filter(({ event }) => event === 'relayLost')).toHaveLength(1)
  expect(
    daemon.told.filter(({ event, parts }) => event === 'silent' && /\brelay\b/.test(`${parts}`)),
  ).toHaveLength(1)
})

it('a store that hangs is told in health, and the end, in plain words and with a code that it is started anew by', async () => {
  daemon = await startInspected(data, 1_500)
  await daemon.hang('store/worker')
  expect((await daemon.event('silent')).parts).toBe('store')
  const { parts } = (await daemon.get('/health')) as Health
  expect(parts.store).toEqual({ state: 'failed', detail: 'it does not answer' })
  await daemon.exited
  expect(daemon.child.exitCode).toBe(1)
  expect(daemon.printed.join('\n')).toContain('the store does not answer')
})
