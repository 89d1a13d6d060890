/**
 * Who missed a call: who was called, and those who are called in their place, because it rings at them as well or was
 * forwarded to them.
 */
import type { CallRow, OtherCallee } from './message.ts'

/**
 * Missed is what somebody would want to know of: not what anybody answered, what they declined on a device themselves, or
 * could never have had. Busy and do not disturb count. Who was called has declined as well once all others have.
 */
export function settled(row: CallRow, isDeclined = false): CallRow {
  const { answeredAt, others = [], reason = '' } = row
  const isMissed = answeredAt === undefined && !['answeredElsewhere', 'notFound'].includes(reason)
  const isUndecided = others.some(({ became }) => became !== 'declined')
  return {
    ...row,
    missed: isMissed && !isDeclined && (reason !== 'declined' || isUndecided),
    ...(others.length > 0 && {
      others: others.map(({ user, became }): OtherCallee => {
        if (became === 'declined') return { user, became }
        return isMissed ? { user, became: became ?? 'missed' } : { user }
      }),
    }),
  }
}

/** Whether `user` missed it, in whoever's place, and has not looked. */
export const isUnseen = ({ calleeUser, missed, missedSeen, others = [] }: CallRow, user: string): boolean =>
  (calleeUser === user && missed && !missedSeen) ||
  others.some(one => one.user === user && one.became === 'missed')

/** Who has missed it as it is in `row`, and had not `before`; or had, and has not: an end told later may say who took it. */
export const newlyMissedBy = (before: CallRow, row: CallRow): string[] =>
  [row.calleeUser, ...(row.others ?? []).map(({ user }) => user)].filter(user =>
    isUnseen(before, user) ? !isMissed(row, user) : isUnseen(row, user),
  )

const isMissed = ({ calleeUser, missed, others = [] }: CallRow, user: string): boolean =>
  calleeUser === user
    ? missed
    : others.some(one => one.user === user && (one.became === 'missed' || one.became === 'missedSeen'))

export const seenBy = (row: CallRow, user: string): CallRow =>
  row.calleeUser === user ? { ...row, missedSeen: true } : { ...row, others: become(row, user, 'missedSeen') }

export const become = (
  { others = [] }: CallRow,
  user: string,
  became: OtherCallee['became'],
): OtherCallee[] => others.map(one => (one.user === user ? { user, became } : one))

export function withOthers({ calleeUser, others = [] }: CallRow, added: readonly string[]): OtherCallee[] {
  const known = [calleeUser, ...others.map(({ user }) => user)]
  return [...others, ...added.filter(user => !known.includes(user)).map(user => ({ user }))]
}
