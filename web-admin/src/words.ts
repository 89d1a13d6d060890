/** Times and states as people say them. */
import type { CallRow } from '../../src/calls/message.ts'

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** An appliance without a set clock says 1970; no date is better than that one. */
export const when = (milliseconds: number): string =>
  milliseconds < Date.UTC(2026, 0, 1) ? 'before the clock was set' : dateTime.format(milliseconds)

export function ago(milliseconds: number): string {
  const minutes = Math.round((Date.now() - milliseconds) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  return when(milliseconds)
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000))
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

export const presenceWords = {
  available: 'available',
  inCall: 'in a call',
  doNotDisturb: 'do not disturb',
  away: 'away',
} as const

const reasons: Readonly<Record<string, string>> = {
  declined: 'declined',
  busy: 'busy',
  cancelled: 'given up',
  noAnswer: 'no answer',
  unreachable: 'not reachable',
  doNotDisturb: 'do not disturb',
  notFound: 'no such person',
  mediaLost: 'connection lost',
  mediaFailed: 'no media path',
  lost: 'connection lost',
  failed: 'failed',
}

/** How a call went, in a few words. */
export function outcome(call: CallRow): string {
  if (call.endedAt === undefined) return call.answeredAt === undefined ? 'ringing' : 'in progress'
  const reason = reasons[call.reason ?? '']
  if (call.answeredAt === undefined) return reason ?? 'not answered'
  const length = duration(call.endedAt - call.answeredAt)
  return reason === undefined ? length : `${length}, ${reason}`
}

/** `host – host`, when a party told its selected pair. */
export function path(call: CallRow): string {
  const pair = call.callerPair ?? call.calleePair
  return pair === undefined ? '' : `${pair.localType} – ${pair.remoteType}`
}
