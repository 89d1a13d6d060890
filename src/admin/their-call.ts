/** Whose call it is: who may see a call may see all that is known of it. */
import type { CallRow } from '../calls/message.ts'
import type { ListedCall } from '../store/calls.ts'
import { HttpError } from './errors.ts'
import type { AppDeps } from './ports.ts'
import { type Call, isOwner, userOf } from './route.ts'

/** The call that the path names, for its people and the owner; to everybody else there is none. */
export async function listedCall(
  calls: AppDeps['calls'],
  { params, principal }: Pick<Call<unknown, unknown>, 'params' | 'principal'>,
): Promise<ListedCall> {
  const row = await calls.get(params.id!)
  const user = userOf(principal)
  const its = row && [row.callerUser, row.calleeUser, row.answererUser]
  const may = its && (isOwner(principal) || (user !== undefined && its.includes(user)))
  if (!may) throw new HttpError(404, 'notFound', 'there is no such call, or it is no longer kept')
  return row
}

/** Without what was concluded, for files, which hold the verdict at length. */
export async function theirCall(
  calls: AppDeps['calls'],
  call: Pick<Call<unknown, unknown>, 'params' | 'principal'>,
): Promise<CallRow> {
  const { outcome: _, ...row } = await listedCall(calls, call)
  return row
}
