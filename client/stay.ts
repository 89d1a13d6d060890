/** How long "until tonight" and "for the weekend" are, in the time zone of whoever says so. Pure. */

/** Nights end here: whoever celebrates is not cut off at midnight. */
const nightEndsAt = 4
const monday = 1
/** Whoever lets a guest in shortly before a night's end means the next one. */
const atLeastSeconds = 3 * 3_600

/** Seconds until the coming night is over: at least three hours, so that nobody is let in for a minute. */
export function secondsUntilTonight(now: Date): number {
  // After midnight the coming night is the one that is.
  const days = now.getHours() < nightEndsAt ? 0 : 1
  const seconds = secondsUntil(now, days)
  return seconds < atLeastSeconds ? secondsUntil(now, days + 1) : seconds
}

/** Seconds until the coming weekend is over: the night to Monday. */
export function secondsUntilMonday(now: Date): number {
  const days = (monday - now.getDay() + 7) % 7
  if (days === 0 && now.getHours() >= nightEndsAt) return secondsUntil(now, 7)
  const seconds = secondsUntil(now, days)
  return seconds < atLeastSeconds ? secondsUntil(now, days + 1) : seconds
}

function secondsUntil(now: Date, days: number): number {
  const end = new Date(now)
  end.setDate(end.getDate() + days)
  end.setHours(nightEndsAt, 0, 0, 0)
  return Math.round((end.getTime() - now.getTime()) / 1_000)
}
