/**
 * When a guest's time is over, on a machine whose clock may not be set or may be set back. Pure.
 *
 * A stay is measured twice, and the smaller rest counts: by the wall clock, where it was set when the stay was granted
 * and is set now; and by the time this machine has run since, which is kept in the store and needs no clock. The store
 * always holds what will be left when it is next written, so a machine that is pulled off its plug again and again
 * costs the guest up to `countEveryMilliseconds` each time and never gives them any.
 */
import { type Epoch, type Monotonic, minutes, plausibleFrom } from '../core/clock.ts'

export interface Stay {
  readonly from: Epoch
  readonly until: Epoch
  /** How much was left, counted by running time alone, at `countedAt` of this process. */
  readonly leftMilliseconds: number
  readonly countedAt: Monotonic
}

/** Now, by both clocks. */
export interface StayMoment {
  readonly now: Epoch
  readonly running: Monotonic
}

/** What is left of every stay is written this often while there are guests. */
export const countEveryMilliseconds = minutes(2)

export const newStay = (milliseconds: number, { now, running }: StayMoment): Stay => ({
  from: now,
  until: (now + milliseconds) as Epoch,
  leftMilliseconds: milliseconds,
  countedAt: running,
})

/** What is left of it: 0 when it is over. */
export function leftOf({ from, until, leftMilliseconds, countedAt }: Stay, at: StayMoment): number {
  const counted = leftMilliseconds - (at.running - countedAt)
  const byClock = from >= plausibleFrom && at.now >= plausibleFrom ? until - at.now : counted
  return Math.max(0, Math.min(counted, byClock))
}

/** The same stay, counted now; granted before the clock was set, from now on it goes by the clock too. */
export function countedAnew(stay: Stay, at: StayMoment): Stay {
  const left = leftOf(stay, at)
  const counted = { ...stay, leftMilliseconds: left, countedAt: at.running }
  if (stay.from >= plausibleFrom || at.now < plausibleFrom) return counted
  return { ...counted, from: at.now, until: (at.now + left) as Epoch }
}

/** What the store is to hold from the moment it was counted until it is counted again. */
export const leftAhead = ({ leftMilliseconds }: Stay): number =>
  Math.max(0, leftMilliseconds - countEveryMilliseconds)
