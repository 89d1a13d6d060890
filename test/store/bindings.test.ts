import { expect, test } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { elapsedSeconds, type Moment } from '../../src/store/boot.ts'

const at = (iso: string, boot: string, uptimeSeconds: number): Moment => ({
  epoch: Date.parse(iso) as Epoch,
  boot,
  uptimeSeconds,
})

test('within one boot the uptime tells, although the clock was set in between', () => {
  expect(elapsedSeconds(at('1970-01-01T00:01:00Z', 'a', 60), at('2026-11-21T10:00:00Z', 'a', 90))).toBe(30)
})

test('within one boot the uptime tells, although the clock went backwards', () => {
  expect(elapsedSeconds(at('2027-01-01T00:00:00Z', 'a', 60), at('2026-11-21T10:00:00Z', 'a', 61))).toBe(1)
})

test('over a reboot with a good clock wall time tells', () => {
  expect(elapsedSeconds(at('2026-11-21T10:00:00Z', 'a', 900), at('2026-11-21T10:02:00Z', 'b', 20))).toBe(120)
})

test('over a reboot into 1970 nobody can tell', () => {
  expect(
    elapsedSeconds(at('2026-11-21T10:00:00Z', 'a', 900), at('1970-01-01T00:00:20Z', 'b', 20)),
  ).toBeUndefined()
})

test('what was written under an unset clock before a reboot has no age', () => {
  expect(
    elapsedSeconds(at('1970-01-01T00:10:00Z', 'a', 600), at('2026-11-21T10:00:00Z', 'b', 20)),
  ).toBeUndefined()
})

test('where the system names no boot, wall time tells', () => {
  expect(elapsedSeconds(at('2026-11-21T10:00:00Z', '', 0), at('2026-11-21T10:00:05Z', '', 0))).toBe(5)
})
