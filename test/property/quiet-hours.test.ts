/**
 * Quiet hours in every zone around each change of its clock, against what a clock there reads minute by minute. The
 * readings come from ICU's formatting, which knows nothing of how the hours are reckoned.
 */
import { expect, it } from 'vitest'
import { type Epoch, plausibleFrom } from '../../src/core/clock.ts'
import { phaseOf, type QuietHours, type Weekday, weekdays } from '../../src/core/quiet-hours.ts'
import { seededRandom } from '../../src/core/random.ts'
import { isSoak } from './counts.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const random = seededRandom(1)

/** What a clock there reads, as text that sorts like time: `2026-03-29 02:30`. */
function clockOf(zone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  })
  return at => format.format(at)
}

/** Moments between which its clock is changed, to the minute. */
function changesOf(zone: string, from: number, until: number): number[] {
  const name = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
  const offset = (at: number) => name.formatToParts(at).find(part => part.type === 'timeZoneName')!.value
  const found: number[] = []
  for (let at = from; at < until; at += 7 * day) {
    if (offset(at) === offset(at + 7 * day)) continue
    let [low, high] = [at, at + 7 * day]
    while (high - low > minute) {
      const middle = low + Math.floor((high - low) / 2 / minute) * minute
      if (offset(middle) === offset(low)) low = middle
      else high = middle
    }
    found.push(high)
  }
  return found
}

/** Whether they are on at each of `moments`, by what the clock reads: begun at its first, ended after its last. */
function byReading(hours: QuietHours, moments: readonly number[], clock: (at: number) => string): boolean[] {
  const readings = moments.map(clock)
  const on = moments.map(() => false)
  const dates = [...new Set(readings.map(reading => reading.slice(0, 10)))]
  // The day before the first one may reach into it.
  for (const date of [nextDate(dates[0]!, -1), ...dates]) {
    if (!hours.days.includes(weekdays[(new Date(date).getUTCDay() + 6) % 7]!)) continue
    const begin = `${date} ${hours.from}`
    const end = `${hours.until > hours.from ? date : nextDate(date, 1)} ${hours.until}`
    const first = readings.findIndex(reading => reading >= begin)
    const last = readings.findLastIndex(reading => reading < end)
    for (let index = Math.max(first, 0); first >= 0 && index <= last; index++) on[index] = true
  }
  return on
}

const nextDate = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * day).toISOString().slice(0, 10)

const timeAt = (minutes: number): string =>
  new Date((((minutes % 1_440) + 1_440) % 1_440) * minute).toISOString().slice(11, 16)

function someHours(zone: string, near: string): QuietHours {
  const [hours, minutes] = near.slice(11).split(':').map(Number)
  const around = () => timeAt(hours! * 60 + minutes! - 150 + 15 * random.below(21))
  const anywhere = () => timeAt(random.below(1_440))
  const days = weekdays.filter(() => random.below(3) > 0) as Weekday[]
  return {
    from: random.below(2) ? around() : anywhere(),
    until: random.below(2) ? around() : anywhere(),
    days: days.length > 0 ? days : ['sun'],
    zone,
  }
}

/** Compares them at each minute of some days, and the moments of change that `phaseOf` tells with each other. */
function compare(hours: QuietHours, middle: number): void {
  const clock = clockOf(hours.zone)
  const [from, until] = [middle - 2.5 * day, middle + 1.5 * day]
  const moments = Array.from({ length: (until - from) / minute }, (_, index) => from + index * minute)
  const expected = byReading(hours, moments, clock)
  // What began before the first minute is not known of.
  let phase = phaseOf(hours, (from + day) as Epoch)
  for (let index = 1_440; index < moments.length; index++) {
    const now = moments[index] as Epoch
    if (now >= phase.until) {
      const before: Epoch = phase.until
      phase = phaseOf(hours, now)
      expect(phase.since, `${JSON.stringify(hours)} follows`).toBe(before)
    }
    if ((phase.quietUntil !== undefined) !== expected[index])
      expect.fail(`${JSON.stringify(hours)} at ${clock(now)} (${new Date(now).toISOString()})`)
  }
}

const zones = Intl.supportedValuesOf('timeZone')
const from = plausibleFrom
const until = from + 3 * 365 * day

it('are on whenever a clock there reads so, in every zone on the days its clock is changed', () => {
  let changes = 0
  for (const zone of isSoak ? zones : zones.filter((_, index) => index % 12 === 0)) {
    for (const change of changesOf(zone, from, until)) {
      changes += 1
      const near = clockOf(zone)(change)
      for (let time = 0; time < 3; time++) compare(someHours(zone, near), change)
    }
  }
  expect(changes).toBeGreaterThan(40)
}, 120_000)

it.each([
  ['forth and back by an hour', 'Europe/Berlin'],
  ['by half an hour', 'Australia/Lord_Howe'],
  ['by two hours', 'Antarctica/Troll'],
  ['at midnight, so that a day begins at one', 'Africa/Cairo'],
  ['at midnight, back into the day before', 'America/Havana'],
  ['for a month', 'Africa/Casablanca'],
])(
  'are right where a clock is set %s',
  (_how, zone) => {
    const changes = changesOf(zone, from, until)
    expect(changes.length).toBeGreaterThan(2)
    for (const change of changes) {
      for (let time = 0; time < 6; time++) compare(someHours(zone, clockOf(zone)(change)), change)
    }
  },
  120_000,
)

it('are right at any time of the year, in any zone', () => {
  for (let time = 0; time < 40; time++) {
    const zone = zones[random.below(zones.length)]!
    const middle = from + random.below(1_095) * day + random.below(1_440) * minute
    compare(someHours(zone, clockOf(zone)(middle)), middle)
  }
}, 120_000)
