/** The call log, read only. */
import type { ListedCall } from '../../store/calls.ts'
import { csvStream } from '../call-csv.ts'
import type { CallList, ToldCall } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'
import { asSeenBy, listedCall } from '../their-call.ts'

/** As many as are ever kept. */
const mostCsvCalls = 200_000

export function callRoutes(parts: Pick<AppDeps, 'calls' | 'directory' | 'relay' | 'trace'>): Route[] {
  const { calls, directory, relay, trace } = parts
  const told = (row: ListedCall): ToldCall => ({ ...row, ledger: relay.ledgerOf(row) })
  return [
    route({
      method: 'GET',
      path: '/calls',
      who: 'member',
      summary:
        'Calls, newest first: everybody sees their own, the owner all. `before` is the id of a call; what a filter lets through is counted in `total`.',
      query: schemas.callsQuery,
      answers: { 200: schemas.callList },
      handle: async call => {
        const user = isOwner(call.principal) ? call.query.user : userOf(call.principal)
        const list = await calls.list({ ...call.query, user })
        const seen = list.calls.map(row => asSeenBy(call.principal, row, directory))
        const body: CallList = { ...list, calls: seen.map(told) }
        return { status: 200, body }
      },
    }),
    route({
      method: 'GET',
      path: '/calls.csv',
      who: 'member',
      summary:
        'The same calls as CSV, in the column order of Asterisk’s Master.csv and ours behind it, newest first; docs/trace.md names the columns.',
      query: schemas.callsCsvQuery,
      answers: { 200: 'text/csv; charset=utf-8' },
      handle: ({ principal, query }) => {
        const user = isOwner(principal) ? query.user : userOf(principal)
        const limit = query.limit ?? mostCsvCalls
        const list = (page: number, before: string | undefined) =>
          calls.list({ ...query, user, limit: page, before })
        const content = csvStream(list, row => told(asSeenBy(principal, row, directory)), limit)
        return { status: 200, file: { contentType: 'text/csv; charset=utf-8', name: 'calls.csv', content } }
      },
    }),
    route({
      method: 'GET',
      path: '/calls/:id',
      who: 'member',
      summary: 'One call.',
      answers: { 200: schemas.callRow },
      handle: async call => {
        return { status: 200, body: told(await listedCall(parts, call)) }
      },
    }),
    route({
      method: 'GET',
      path: '/trace-key',
      who: 'member',
      summary: 'The public key that traces are signed with.',
      answers: { 200: schemas.traceKey },
      handle: () => ({ status: 200, body: trace.key() }),
    }),
  ]
}
