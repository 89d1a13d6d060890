import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { SignsOfLife } from '../../src/runtime/alive.ts'

let card: string
let memory: string
beforeEach(() => {
  card = mkdtempSync(join(tmpdir(), 'lanline-card-'))
  memory = mkdtempSync(join(tmpdir(), 'lanline-memory-'))
})
afterEach(() => {
  for (const directory of [card, memory]) rmSync(directory, { recursive: true })
})

const noon = Date.UTC(2027, 0, 1, 12)
const at = (milliseconds: number) => () => milliseconds as Epoch

test('the first start knows of none before', () => {
  expect(new SignsOfLife(card, memory).last).toBeUndefined()
})

test('what was given in memory is known to the minute, on the card alone to the half hour', () => {
  new SignsOfLife(card, memory).give(at(noon))()
  expect(new SignsOfLife(card, memory).last).toEqual({ at: noon, withinMilliseconds: 60_000 })
  expect(new SignsOfLife(card, undefined).last).toEqual({ at: noon, withinMilliseconds: 1_800_000 })
})

test('a write to the database after it is a later sign', () => {
  new SignsOfLife(card, undefined).give(at(noon))()
  const wal = join(card, 'lanline.db-wal')
  writeFileSync(wal, '')
  utimesSync(wal, noon / 1_000 + 600, noon / 1_000 + 600)
  expect(new SignsOfLife(card, undefined).last?.at).toBe(noon + 600_000)
})

test('a card that cannot be written does not matter', () => {
  expect(() => new SignsOfLife(join(card, 'none'), undefined).give(at(noon))()).not.toThrow()
})
