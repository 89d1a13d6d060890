/** Times in the zone of whoever looks, with the full one on demand. */
import { common } from '../texts/common.ts'

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const dayTime = new Intl.DateTimeFormat(undefined, {
  ...{ month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' },
})
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const plausibleFrom = Date.UTC(2026, 0, 1)

/** An appliance without a set clock says 1970; no date is better than that one. */
export function when(milliseconds: number, now = Date.now()): string {
  if (milliseconds < plausibleFrom) return common.clockUnset
  const [then, today] = [new Date(milliseconds), new Date(now)]
  const isToday = then.toDateString() === today.toDateString()
  const isThisYear = then.getFullYear() === today.getFullYear()
  return (isToday ? clockTime : isThisYear ? dayTime : dateTime).format(then)
}

/** With its day also today: of a file that is kept, the hour alone says too little. */
export function dated(milliseconds: number): string {
  return milliseconds < plausibleFrom ? common.clockUnset : dateTime.format(milliseconds)
}

/** A day, or `YYYY-MM-DD` of this zone. */
export const dayOf = (day: number | string): string =>
  dayOnly.format(typeof day === 'number' ? day : new Date(`${day}T12:00`))

export function ago(milliseconds: number, now = Date.now()): string {
  const minutes = Math.round((now - milliseconds) / 60_000)
  if (minutes < 1) return common.justNow
  if (minutes < 60) return common.minutesAgo(minutes)
  return when(milliseconds, now)
}

/** `m:ss`, or `h:mm:ss`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000))
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

export function Time({ at, relative }: { readonly at: number; readonly relative?: boolean }) {
  if (at < plausibleFrom) return <span>{common.clockUnset}</span>
  return (
    <time dateTime={new Date(at).toISOString()} title={exact.format(at)}>
      {relative ? ago(at) : when(at)}
    </time>
  )
}
