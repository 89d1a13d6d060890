/** A trial on a machine that is a folder, with a clock that is turned by hand. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { confirmTrial } from '../../src/update/confirm-io.ts'
import { stateOf, statusOf, writeState } from '../../src/update/machine-io.ts'
import { placesUnder } from '../../src/update/places.ts'
import type { HealthLook } from '../../src/update/trial.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanline-confirm-'))
  for (const path of ['run', 'data/slots']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, 'run/lanline-slot'), 'slot=b\ntrial=yes\n')
  writeState(placesUnder(folder), { good: 'a', trial: { next: 'b', tries: 1 } })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ok = { state: 'ok', detail: '' }
const well: HealthLook = { version: '0.2.0', parts: { sip: ok, signalling: ok, web: ok, store: ok } }

/** What `looks` says by the second; `kept`: how often the copy of the database was put with the others. */
async function trial(looks: (second: number) => HealthLook | undefined) {
  let now = 0
  let kept = 0
  const outcome = await confirmTrial({
    ...{ places: placesUnder(folder), version: '0.2.0', monotonic: () => now as Monotonic, epoch: () => 7 },
    health: async () => looks(now / 1_000),
    pause: async milliseconds => {
      now += milliseconds
    },
    keepCopy: () => void kept++,
    onTell: () => {},
  })
  return { outcome, kept, seconds: now / 1_000, state: stateOf(placesUnder(folder)) }
}

it('a version that is well for a minute is what starts from now on', async () => {
  const { outcome, kept, seconds, state } = await trial(second => (second < 30 ? undefined : well))
  expect([outcome, kept, seconds]).toEqual(['confirmed', 1, 90])
  expect(state).toEqual({ good: 'b', trial: undefined })
  expect(statusOf(placesUnder(folder))).toMatchObject({ phase: 'confirmed', to: '0.2.0' })
})

it('one that never is gives way to the one before, and says why', async () => {
  const sick = { ...well, parts: { ...well.parts, sip: { state: 'failed', detail: 'port 5060 is taken' } } }
  const { outcome, kept, seconds, state } = await trial(() => sick)
  expect([outcome, kept, seconds]).toEqual(['givenUp', 0, 300])
  expect(state).toEqual({ good: 'a', trial: undefined })
  expect(statusOf(placesUnder(folder))).toMatchObject({ phase: 'wentBack', why: 'sip: port 5060 is taken' })
})

it('where nothing is on trial, nothing is changed', async () => {
  writeFileSync(join(folder, 'run/lanline-slot'), 'slot=a\ntrial=no\n')
  const before = readFileSync(join(folder, 'data/slots/state'), 'utf8')
  expect((await trial(() => well)).outcome).toBe('notOnTrial')
  expect(readFileSync(join(folder, 'data/slots/state'), 'utf8')).toBe(before)
})
