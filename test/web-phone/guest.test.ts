/** A guest's time as their page tells of it: warned of once, in time, and known to be over by a page that was closed. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  GuestTime,
  guestWarning,
  keepRightEnd,
  keptRightEnd,
  wasGuestOver,
} from '../../web-phone/src/guest.ts'

const kept = new Map<string, string>()
const minute = 60_000

beforeEach(() => {
  kept.clear()
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => kept.set(key, text),
    removeItem: (key: string) => kept.delete(key),
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function guest() {
  let turns = 0
  const time = new GuestTime(globalThis as never, () => turns++)
  return { time, turns: () => turns }
}

it('is warned of five minutes before its end, and not before', () => {
  expect(guestWarning(undefined, 0)).toBeUndefined()
  expect([guestWarning(5 * minute + 1, 0), guestWarning(5 * minute, 0)]).toEqual([undefined, 5 * minute])
  const { time, turns } = guest()
  const until = Date.now() + 8 * 3_600_000
  time.told(until)
  vi.advanceTimersByTime(8 * 3_600_000 - 5 * minute - 1)
  expect([time.warning, turns()]).toEqual([undefined, 0])
  vi.advanceTimersByTime(1)
  expect([time.warning, turns()]).toEqual([until, 1])
  vi.advanceTimersByTime(10 * minute)
  expect(turns(), 'told once').toBe(1)
})

it('is told by seconds that are left, which changes nothing of the warning; more time takes it back', () => {
  const { time, turns } = guest()
  const until = Date.now() + minute
  time.told(until)
  time.told(until + 900)
  expect([time.warning, turns()]).toEqual([until, 1])
  time.told(until + 3_600_000)
  expect([time.warning, turns()]).toEqual([undefined, 2])
  time.told(undefined)
  vi.advanceTimersByTime(2 * 3_600_000)
  expect([time.warning, turns()]).toEqual([undefined, 2])
})

it('is known to be over by a page that was closed meanwhile, unless they stay for good by now', () => {
  guest().time.told(Date.now() + minute)
  expect(wasGuestOver(Date.now())).toBe(false)
  expect(wasGuestOver(Date.now() + minute)).toBe(true)
  guest().time.told(undefined)
  expect(wasGuestOver(Date.now() + minute)).toBe(false)
})

it('leaves why the right ended until another one is asked for, whatever stands in the store', () => {
  expect(keptRightEnd()).toBeUndefined()
  keepRightEnd({ isGuestOver: true, cutOff: 'Bob' })
  expect(keptRightEnd()).toEqual({ isGuestOver: true, cutOff: 'Bob' })
  keepRightEnd(undefined)
  expect(keptRightEnd()).toBeUndefined()
  for (const text of ['null', '7', '[]', '{"cutOff":{}}', 'x']) {
    kept.set('lanline.rightEnd', text)
    expect([undefined, false], text).toContain(keptRightEnd()?.isGuestOver)
  }
})
