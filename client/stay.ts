/** How long "until tonight" and "for the weekend" are, in the time zone of whoever says so. Pure. */

/** Nights end here: whoever celebrates is not cut off at midnight. */
const nightEndsAt = 4
const monday = 1

/** Seconds until the coming night is over. */
export function secondsUntilTonight(now: Date): number {
  // After midnight the coming night is the one that is.
  return secondsUntil(now, now.getHours() < nightEndsAt ? 0 : 1)
}

/** Seconds until the coming weekend is over: the night to Monday. */
export function secondsUntilMonday(now: Date): number {
  const days = (monday - now.getDay() + 7) % 7
  return secondsUntil(now, days === 0 && now.getHours() >= nightEndsAt ? 7 : days)
}

function secondsUntil(now: Date, days: number): number {
  const end = new Date(now)
  end.setDate(end.getDate() + days)
  end.setHours(nightEndsAt, 0, 0, 0)
  return Math.max(60, Math.round((end.getTime() - now.getTime()) / 1_000))
}
