/** Times in the zone of whoever looks, with the full one on demand. */
import { common } from '../texts/common.ts'

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const plausibleFrom = Date.UTC(2026, 0, 1)

/** An appliance without a set clock says 1970; no date is better than that one. */
export function when(milliseconds: number, now = Date.now()): string {
  if (milliseconds < plausibleFrom) return common.clockUnset
  const sameDay = new Date(milliseconds).toDateString() === new Date(now).toDateString()
  return (sameDay ? clockTime : dateTime).format(milliseconds)
}

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
