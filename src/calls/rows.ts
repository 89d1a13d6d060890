/** What a row says at first, and what it says of a fact that does not speak for itself. */
import type { Epoch } from '../core/clock.ts'
import { minutes } from '../core/clock.ts'
import type { CallEnder, CallEvent, Party } from '../sip/message.ts'
import type { CallRow } from './message.ts'

/** How long after a refusal an INVITE of the same name is another try. */
export const retryMilliseconds = minutes(1)

/** `startedAt`: of the first try, where it is not the first. */
export const newRow = (
  { call, caller, isHidden, callee, others, video }: CallEvent & { kind: 'started' },
  at: Epoch,
  startedAt: Epoch,
): CallRow => ({
  id: call,
  callerUser: caller.user,
  callerName: caller.displayName,
  callerDevice: caller.device,
  ...(isHidden && { callerHidden: true }),
  calleeUser: callee.user,
  calleeName: callee.displayName,
  calleeDevice: undefined,
  ...(others && { others: others.map(user => ({ user })) }),
  video,
  startedAt,
  ringingAt: undefined,
  answeredAt: undefined,
  endedAt: undefined,
  endedBy: undefined,
  reason: undefined,
  code: undefined,
  missed: false,
  missedSeen: false,
  aliveAt: at,
  callerPair: undefined,
  calleePair: undefined,
  relayReason: undefined,
  ledger: undefined,
})

/** The row keeps who was called: a call may ring at others as well, or be forwarded to them. */
export function answererFields({ calleeUser }: CallRow, { user, displayName }: Party): Partial<CallRow> {
  if (user !== calleeUser) return { answererUser: user, answererName: displayName }
  return displayName === '' ? {} : { calleeName: displayName }
}

/**
 * RFC 3261 §8.1.3.4, §8.1.3.5: a phone that was told what to do otherwise (422: a longer session, 420: without an
 * extension, 302: somebody else) tries again under the same Call-ID and tag. To a person that is one call.
 */
export function isTriedAgain(row: CallRow, { caller }: CallEvent & { kind: 'started' }, at: Epoch): boolean {
  const { answeredAt, endedAt, endedBy, callerDevice } = row
  if (answeredAt !== undefined || endedBy === 'caller' || callerDevice !== caller.device) return false
  return endedAt !== undefined && at - endedAt <= retryMilliseconds
}

/** What hanging up means while it rings. */
export function beforeAnswer(reason: string, by: CallEnder): string {
  if (reason !== 'hangup') return reason
  return by === 'caller' ? 'cancelled' : 'declined'
}

/** What the clock said of it, after the clock was set. */
export function movedBy(
  milliseconds: number,
  { startedAt, ringingAt, answeredAt, aliveAt }: CallRow,
): Pick<CallRow, 'startedAt' | 'ringingAt' | 'answeredAt' | 'aliveAt'> {
  const moved = (at: Epoch): Epoch => (at + milliseconds) as Epoch
  return {
    startedAt: moved(startedAt),
    ringingAt: ringingAt && moved(ringingAt),
    answeredAt: answeredAt && moved(answeredAt),
    aliveAt: moved(aliveAt),
  }
}
