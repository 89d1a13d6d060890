/**
 * Whose call it is, and what they see of it: the owner everything, its people all but the names that are not theirs to
 * know. Whose it is as well nobody else is told, and a guest nothing of people whom the owner did not mark for guests.
 */
import type { CallRow } from '../calls/message.ts'
import { nobody } from '../core/nobody.ts'
import type { ListedCall } from '../store/calls.ts'
import { HttpError } from './errors.ts'
import type { AppDeps } from './ports.ts'
import { type Call, isOwner, userOf } from './route.ts'

type Parts = Pick<AppDeps, 'calls' | 'directory'>
type Asking = Pick<Call<unknown, unknown>, 'params' | 'principal'>

/** The call that the path names, for its people and the owner; to everybody else there is none. */
export async function listedCall(parts: Parts, { params, principal }: Asking): Promise<ListedCall> {
  const row = await parts.calls.get(params.id!)
  const may = row && (isOwner(principal) || isTheirs(row, userOf(principal)))
  if (!may) throw notFound()
  return asSeenBy(principal, row, parts.directory)
}

/**
 * As it was, for files: they name everybody at whom it rang, and hold the verdict at length, so that what was concluded is
 * left out. To a guest who may not know one of these it is as if there were none.
 */
export async function theirCall(parts: Parts, { params, principal }: Asking): Promise<CallRow> {
  const listed = await parts.calls.get(params.id!)
  const user = userOf(principal)
  const may =
    listed && (isOwner(principal) || (isTheirs(listed, user) && knowsAll(user!, listed, parts.directory)))
  if (!may) throw notFound()
  const { outcome: _, ...row } = listed
  return row
}

/** The same call as `principal`, one of its people or the owner, may know it. */
export function asSeenBy(
  principal: Asking['principal'],
  row: ListedCall,
  directory: Pick<AppDeps['directory'], 'isGuest' | 'mayCall' | 'user'>,
): ListedCall {
  const user = userOf(principal)
  if (isOwner(principal) || user === undefined) return row
  const { callerUser, calleeUser, answererUser, others } = row
  const own = others?.find(one => one.user === user)?.became
  const isHidden = (one: string): boolean => !directory.mayCall(user, one)
  return {
    ...row,
    others: undefined,
    ...(own && { missed: own !== 'declined', missedSeen: own === 'missedSeen' }),
    ...(answererUser !== undefined &&
      isHidden(answererUser) && {
        answererUser: undefined,
        answererName: undefined,
        calleeDevice: undefined,
      }),
    ...(isToldNoCaller(user, row, directory) && {
      callerUser: nobody.user,
      callerName: nobody.displayName,
      callerDevice: undefined,
    }),
    // It rang at a guest in the place of somebody they do not know: to them it is a call of theirs.
    ...(callerUser !== user &&
      isHidden(calleeUser) && { calleeUser: user, calleeName: directory.user(user)?.displayName ?? user }),
  }
}

const notFound = (): HttpError =>
  new HttpError(404, 'notFound', 'there is no such call, or it is no longer kept')

function isTheirs(
  { callerUser, calleeUser, answererUser, others = [] }: CallRow,
  user: string | undefined,
): boolean {
  if (user === undefined) return false
  const isMissed = others.some(one => one.user === user && one.became?.startsWith('missed'))
  return isMissed || [callerUser, calleeUser, answererUser].includes(user)
}

/** Who hides does so from guests. */
const isToldNoCaller = (
  user: string,
  { callerUser, callerHidden }: CallRow,
  directory: Pick<AppDeps['directory'], 'isGuest'>,
): boolean => callerHidden === true && callerUser !== user && directory.isGuest(user)

function knowsAll(
  user: string,
  row: CallRow,
  directory: Pick<AppDeps['directory'], 'isGuest' | 'mayCall'>,
): boolean {
  if (isToldNoCaller(user, row, directory)) return false
  const { callerUser, calleeUser, answererUser, others = [] } = row
  const named = others.map(one => one.user)
  if (callerUser !== user) named.push(calleeUser)
  // Of a call from before schema 17 nobody else is known.
  if (answererUser !== undefined) named.push(answererUser)
  return named.every(one => directory.mayCall(user, one))
}
