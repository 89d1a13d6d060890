/**
 * Coming back: what became of the calls that a client names in `hello`, and of those it does not. The fate comes from
 * the call log; what follows from it is done once `welcome` has told the fates, in the order given here.
 */
import type { CallRow } from '../calls/message.ts'
import type { EndReason } from '../core/end-reason.ts'
import type { ResumeCall, SignallingEffect } from './message.ts'
import type { CallLog } from './ports.ts'
import { endReasonOf, type Session, type SessionCall } from './session.ts'

export interface Fate {
  readonly call: string
  readonly state: 'held' | 'ended'
  readonly reason: EndReason | ''
  readonly effects: readonly SignallingEffect[]
}

/** A call that is held is one of the session's from here on. */
export function fateOf(session: Session, { call, dialog, ended }: ResumeCall, log: CallLog): Fate {
  const { device, calls } = session
  const row = log.find(call)
  const known = calls.get(call)
  const restore: SignallingEffect = {
    ...{ kind: 'agent', device, command: { kind: 'restore', call, token: dialog } },
  }
  const leave = (reason: EndReason): SignallingEffect[] => [
    ...(dialog !== '' && known === undefined ? [restore] : []),
    { kind: 'agent', device, command: { kind: 'bye', call, reason } },
  ]
  if (row !== undefined && known === undefined && isTakenElsewhere(row, session)) {
    return { call, state: 'ended', reason: 'answeredElsewhere', effects: [] }
  }
  // Somebody else's call: nothing is told of it, and nothing said about it counts.
  if (row !== undefined && known === undefined && !isParty(row, session)) {
    const connection = session.connection?.id
    const effects = [{ kind: 'note', reason: 'foreignCall', connection, detail: '' } as const]
    return { call, state: 'ended', reason: 'lost', effects }
  }
  if (ended !== undefined) {
    const { by, reason, agoMilliseconds } = ended
    const input = { kind: 'endReported', call, device, by, reason, agoMilliseconds } as const
    const left = row?.endedAt === undefined ? leave(reason) : []
    return { call, state: 'ended', reason, effects: [{ kind: 'callFact', input }, ...left] }
  }
  if (row?.endedAt !== undefined) {
    return { call, state: 'ended', reason: endReasonOf(row.reason), effects: known ? leave('lost') : [] }
  }
  if (known === undefined && dialog === '') return { call, state: 'ended', reason: 'lost', effects: [] }
  if (known === undefined) calls.set(call, restoredCall(row?.callerDevice === device))
  const held = { kind: 'held', call, device } as const
  const effects = [restore, { kind: 'callFact', input: held }, { kind: 'relayFact', input: held }] as const
  return { call, state: 'held', reason: '', effects }
}

/** Calls the log has open for this device, which its client does not know of: nobody else can say that they ended. */
export function releasedBy(
  { device, calls }: Session,
  fates: readonly Fate[],
  log: CallLog,
): SignallingEffect[] {
  const held = new Set(fates.filter(({ state }) => state === 'held').map(({ call }) => call))
  const isOurs = (row: CallRow): boolean => row.callerDevice === device || row.calleeDevice === device
  return log
    .open()
    .filter(row => isOurs(row) && !held.has(row.id) && !calls.has(row.id))
    .map(row => ({ kind: 'callFact', input: { kind: 'released', call: row.id, device } }))
}

const restoredCall = (caller: boolean): SessionCall => ({
  ...{ role: caller ? 'caller' : 'callee', established: true, offered: false },
})

/** It rang here too, and somebody else took it, while this device was away or answered too late. */
const isTakenElsewhere = (row: CallRow, session: Session): boolean =>
  row.calleeDevice !== undefined && !isParty(row, session) && rangAt(row, session.user)

/** A callee's devices all ring, and those of others: before one of them answered, the row names only the people. */
function isParty(row: CallRow, { device, user }: Session): boolean {
  if (row.callerDevice === device || row.calleeDevice === device) return true
  return row.calleeDevice === undefined && rangAt(row, user)
}

const rangAt = ({ calleeUser, others = [] }: CallRow, user: string): boolean =>
  [calleeUser, ...others.map(one => one.user)].includes(user)
