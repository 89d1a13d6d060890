/**
 * Whether a person may be rung at now: what they switched by hand, and their quiet hours. Pure.
 *
 * | switched | while no hours are on | within their hours                                        |
 * | -------- | --------------------- | --------------------------------------------------------- |
 * | on       | by hand, until off    | the hours count again, if they were switched off          |
 * | off      | by hand no more       | by hand no more; these hours do not count, the next ones do |
 *
 * While the wall clock is not set nobody knows what hours it is: none are on, and a call rings rather than not.
 */
import { type Epoch, plausibleFrom } from '../core/clock.ts'
import type { Phase, Phases, Quiet } from '../core/quiet-hours.ts'
import type { UserRow } from './message.ts'

export type QuietRow = Pick<UserRow, 'doNotDisturbByHand' | 'quietHours' | 'quietSkipped'>

export function isQuiet(row: QuietRow, phases: Phases, now: Epoch): boolean {
  if (row.doNotDisturbByHand) return true
  const ends = phaseOf(row, phases, now)?.quietUntil
  // By their end, not by "until then": a clock that was ahead when they were switched off must not cost the next ones.
  return ends !== undefined && ends !== row.quietSkipped
}

export const quietOf = (row: QuietRow, phases: Phases, now: Epoch): Quiet => ({
  byHand: row.doNotDisturbByHand,
  within: phaseOf(row, phases, now)?.quietUntil !== undefined,
  hours: row.quietHours ?? null,
})

/** As it is once somebody switched do not disturb on or off. */
export function switched(row: QuietRow, on: boolean, phases: Phases, now: Epoch): QuietRow {
  const ends = phaseOf(row, phases, now)?.quietUntil
  const { quietHours } = row
  if (!on) return { quietHours, doNotDisturbByHand: false, quietSkipped: ends }
  const doNotDisturbByHand = row.doNotDisturbByHand || ends === undefined
  return { quietHours, doNotDisturbByHand, quietSkipped: undefined }
}

/** Milliseconds until their hours begin or end; undefined: they have none, or the time is not known. */
export function untilTurn(row: QuietRow, phases: Phases, now: Epoch): number | undefined {
  const phase = phaseOf(row, phases, now)
  return phase && phase.until - now
}

const phaseOf = ({ quietHours }: QuietRow, phases: Phases, now: Epoch): Phase | undefined =>
  quietHours === undefined || now < plausibleFrom ? undefined : phases.of(quietHours, now)
