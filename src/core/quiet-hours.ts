/**
 * The hours of a week in which somebody is not to be rung at, by the clock of a place. Pure: the time comes as an
 * argument, and the rules of zones with the program (IANA time zone database).
 *
 * The rule where a clock is changed: whenever the clock there reads a time within the hours they are on, and nothing in
 * between interrupts them. So a beginning that comes twice is the first one, an end that comes twice the last one, and
 * what the clock leaps over counts when it does.
 */
import type { Epoch } from './clock.ts'

/** As ISO 8601 counts them. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59. */
  readonly from: string
  /** `HH:MM`. Not later than `from`: of the next day. */
  readonly until: string
  /** On which they begin: at least one. */
  readonly days: readonly Weekday[]
  /** A name of the IANA database such as `Europe/Berlin`, or an offset such as `+02:00`. */
  readonly zone: string
}

/** Why somebody is, or will be, not to be disturbed. */
export interface Quiet {
  /** They switched it on, and it stays on until they switch it off. */
  readonly byHand: boolean
  /** Their hours are on, though they may have switched these off. */
  readonly within: boolean
  readonly hours: QuietHours | null
}

export const noQuiet: Quiet = { byHand: false, within: false, hours: null }

/** What holds from `since` until just before `until`. */
export interface Phase {
  readonly since: Epoch
  readonly until: Epoch
  /** When the hours that are on now end: where they follow each other without a gap, the ones begun last. Undefined: none are. */
  readonly quietUntil: Epoch | undefined
}

export const timeOfDayPattern = /^([01][0-9]|2[0-3]):[0-5][0-9]$/

export const zoneCharacters = 64

/** Whether times can be told of it, and by its name alone: Temporal takes a moment for one as well, which browsers do not. */
export function isZone(name: string): boolean {
  if (name.length > zoneCharacters) return false
  try {
    const { timeZoneId } = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return timeZoneId.toLowerCase() === name.toLowerCase()
  } catch {
    return false
  }
}

export function isQuietHours(value: unknown): value is QuietHours {
  if (typeof value !== 'object' || value === null) return false
  const { from, until, days, zone } = value as Record<string, unknown>
  return (
    [from, until].every(time => typeof time === 'string' && timeOfDayPattern.test(time)) &&
    Array.isArray(days) &&
    days.length > 0 &&
    days.every(day => weekdays.includes(day)) &&
    typeof zone === 'string' &&
    isZone(zone)
  )
}

/** Which hours are on at `now`, and until when that holds. Throws where `hours` is not what it is said to be. */
export function phaseOf(hours: QuietHours, now: Epoch): Phase {
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(now))
    .toZonedDateTimeISO(hours.zone)
    .toPlainDate()
  let since = now
  let on: { readonly from: Epoch; readonly until: Epoch } | undefined
  // Those begun yesterday or the day before may be on; each weekday comes again within seven days.
  for (let ahead = -2; ahead <= furthestDays; ahead++) {
    const date = today.add({ days: ahead })
    if (!hours.days.includes(weekdays[date.dayOfWeek - 1]!)) continue
    const next = spanFrom(date, hours)
    if (next.from >= next.until) continue
    if (next.from > now) return phaseBefore(next.from, on, since)
    if (now < next.until) on = next
    else since = next.until
  }
  return phaseBefore((now + furthestDays * 86_400_000) as Epoch, on, since)
}

const furthestDays = 8

function phaseBefore(
  next: Epoch,
  on: { readonly from: Epoch; readonly until: Epoch } | undefined,
  since: Epoch,
): Phase {
  if (on === undefined) return { since, until: next, quietUntil: undefined }
  return { since: on.from, until: Math.min(on.until, next) as Epoch, quietUntil: on.until }
}

function spanFrom(
  date: Temporal.PlainDate,
  { from, until, zone }: QuietHours,
): { from: Epoch; until: Epoch } {
  const begin = date.toPlainDateTime(from)
  const end = date.add({ days: until > from ? 0 : 1 }).toPlainDateTime(until)
  // The last moment that reads less, to the second that follows it: a clock that is set back to the end itself reads no less.
  const last = momentOf(end.subtract({ milliseconds: 1 }), zone, 'later')
  return { from: momentOf(begin, zone, 'earlier'), until: (Math.ceil(last / 1_000) * 1_000) as Epoch }
}

/** When the clock reads `wall`, the first or the last time; where it leaps over it, when it does. */
function momentOf(wall: Temporal.PlainDateTime, zone: string, which: 'earlier' | 'later'): Epoch {
  const found = wall.toZonedDateTime(zone, { disambiguation: which })
  if (found.toPlainDateTime().equals(wall)) return found.epochMilliseconds as Epoch
  const before = wall.toZonedDateTime(zone, { disambiguation: 'earlier' })
  return (before.getTimeZoneTransition('next') ?? found).epochMilliseconds as Epoch
}

/** Phases that were found, by their hours: of many people at one moment most have the same. */
export class Phases {
  readonly #byHours = new Map<string, Phase>()

  of(hours: QuietHours, now: Epoch): Phase {
    const key = `${hours.from} ${hours.until} ${hours.days.join()} ${hours.zone}`
    const known = this.#byHours.get(key)
    if (known !== undefined && known.since <= now && now < known.until) return known
    const phase = phaseOf(hours, now)
    if (known === undefined && this.#byHours.size >= phasesKept) this.#byHours.clear()
    this.#byHours.set(key, phase)
    return phase
  }
}

/** As many as there may be people. */
const phasesKept = 10_000
