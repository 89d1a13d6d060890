/**
 * When a guest's time is over, on a machine whose clock may not be set. Pure.
 *
 * | granted under | now      | over when                                                                    |
 * | ------------- | -------- | ---------------------------------------------------------------------------- |
 * | a set clock   | set      | the end has passed                                                           |
 * | a set clock   | not set  | this process has run as long as the whole stay: how much was left is unknown |
 * | an unset one  | not set  | the end has passed, by that same clock                                       |
 * | an unset one  | set      | not yet: the stay begins anew, once, by the set clock                        |
 */
import { type Epoch, plausibleFrom } from '../core/clock.ts'

export interface Stay {
  readonly from: Epoch
  readonly until: Epoch
}

/** `runningSince`: what the clock said when this process began. */
export function isOver({ from, until }: Stay, now: Epoch, runningSince: Epoch): boolean {
  const isSet = now >= plausibleFrom
  if (from < plausibleFrom) return !isSet && now >= until
  return isSet ? now >= until : now - runningSince >= until - from
}

/** The stay as it counts from now on, if the clock was set since it was granted. */
export function reckonedAnew({ from, until }: Stay, now: Epoch): Stay | undefined {
  if (from >= plausibleFrom || now < plausibleFrom) return undefined
  return { from: now, until: (now + (until - from)) as Epoch }
}
