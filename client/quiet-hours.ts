/** Quiet hours as people read and choose them. */
import type { QuietHours, Weekday } from '../src/core/quiet-hours.ts'

/** From Monday on, as most calendars here begin. */
export const daysOfWeek: readonly (readonly [Weekday, short: string, long: string])[] = [
  ['mon', 'Mon', 'Monday'],
  ['tue', 'Tue', 'Tuesday'],
  ['wed', 'Wed', 'Wednesday'],
  ['thu', 'Thu', 'Thursday'],
  ['fri', 'Fri', 'Friday'],
  ['sat', 'Sat', 'Saturday'],
  ['sun', 'Sun', 'Sunday'],
]

/** What somebody who has none begins with; by the clock of this device. */
export const usualHours = (): QuietHours => ({
  from: '22:00',
  until: '07:00',
  days: daysOfWeek.map(([day]) => day),
  zone: zoneHere(),
})

/** Where this device stands, as far as its browser tells. */
export const zoneHere = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

/** `22:00–07:00, every day`, the times in the reader's own way of writing them; and whose clock it is, if not the one here. */
export const hoursText = ({ from, until, days, zone }: QuietHours): string =>
  `${timeText(from)}–${timeText(until)}, ${daysText(days)}${zone === zoneHere() ? '' : ` (${zone})`}`

/** A time of day, `HH:MM`, in the reader's own way of writing it. */
export const timeText = (time: string): string =>
  new Date(`2000-01-01T${time}`).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })

/** `every day`, `Mon–Fri`, `Sun–Thu`, `Mon, Wed`. */
export function daysText(days: readonly Weekday[]): string {
  const isIn = daysOfWeek.map(([day]) => days.includes(day))
  const name = (index: number): string => daysOfWeek[index % 7]![1]
  if (isIn.every(Boolean)) return 'every day'
  const first = isIn.findIndex((is, index) => is && !isIn[(index + 6) % 7])
  const count = isIn.filter(Boolean).length
  const isRun = isIn.every((is, index) => is === (index - first + 7) % 7 < count)
  if (isRun && count > 2) return `${name(first)}–${name(first + count - 1)}`
  return isIn.flatMap((is, index) => (is ? [name(index)] : [])).join(', ')
}
