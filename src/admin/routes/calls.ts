/** The call log, read only. */
import type { CallRow } from '../../calls/message.ts'
import type { PartyLedger } from '../../turn/message.ts'
import { HttpError } from '../errors.ts'
import type { CallList, ToldCall } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'

export function callRoutes({ calls, relay }: Pick<AppDeps, 'calls' | 'relay'>): Route[] {
  const told = (row: CallRow): ToldCall => ({
    ...row,
    ledger: relay.ledgerOf(row.id) ?? row.ledger ?? { caller: nothing, callee: nothing },
  })
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
        const list = await calls.list({ ...call.query, user })
        const body: CallList = { ...list, calls: list.calls.map(told) }
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
        return { status: 200, body: told(row) }
      },
    }),
  ]
}

/** Of a call that never had a grant. */
const nothing: PartyLedger = {
  ...{ allocations: 0, openAllocations: 0, permissions: 0, sentPackets: 0, sentBytes: 0, receivedPackets: 0 },
  ...{ receivedBytes: 0, droppedPackets: 0, firstAt: undefined, lastAt: undefined, refusals: 0 },
  refusedPeers: [],
}
