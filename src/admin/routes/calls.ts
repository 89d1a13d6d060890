/** The call log, read only. */
import { HttpError } from '../errors.ts'
import type { CallList } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'

export function callRoutes({ calls }: Pick<AppDeps, 'calls'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/calls',
      who: 'member',
      summary: 'Calls, newest first: everybody sees their own, the owner all. `before` is the id of a call.',
      query: schemas.callsQuery,
      answers: { 200: schemas.callList },
      handle: async call => {
        const user = isOwner(call.principal) ? call.query.user : userOf(call.principal)
        const body: CallList = await calls.list({ ...call.query, user })
        return { status: 200, body }
      },
    }),
    route({
      method: 'GET',
      path: '/calls/:id',
      who: 'member',
      summary: 'One call.',
      answers: { 200: schemas.callRow },
      handle: async call => {
        const row = await calls.get(call.params.id!)
        const user = userOf(call.principal)
        const theirs = row && (isOwner(call.principal) || row.callerUser === user || row.calleeUser === user)
        if (!theirs) throw new HttpError(404, 'notFound', 'there is no such call')
        return { status: 200, body: row }
      },
    }),
  ]
}
