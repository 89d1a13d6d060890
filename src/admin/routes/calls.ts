/** The call log, read only. */
import type { ListedCall } from '../../store/calls.ts'
import type { CallList, ToldCall } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'
import { listedCall, theirCall } from '../their-call.ts'

export function callRoutes({ calls, relay, trace }: Pick<AppDeps, 'calls' | 'relay' | 'trace'>): Route[] {
  const told = (row: ListedCall): ToldCall => ({ ...row, ledger: relay.ledgerOf(row) })
  const capture = (format: 'pcapng' | 'pcap', contentType: string, summary: string): Route =>
    route({
      method: 'GET',
      path: `/calls/:id/trace.${format}`,
      who: 'member',
      summary,
      answers: { 200: null },
      handle: async call => {
        const content = await trace.capture(await theirCall(calls, call), format)
        return { status: 200, file: { contentType, content } }
      },
    })
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
        return { status: 200, body: told(await listedCall(calls, call)) }
      },
    }),
    route({
      method: 'GET',
      path: '/calls/:id/trace.json',
      who: 'member',
      summary:
        'All events of a call, its verdict and what that rests on, signed. docs/trace.md has the schema.',
      answers: { 200: null },
      handle: async call => {
        const content = await trace.file(await theirCall(calls, call))
        return { status: 200, file: { contentType: 'application/json', content } }
      },
    }),
    capture(
      'pcapng',
      'application/x-pcapng',
      'Its messages as packets for Wireshark, each with a comment naming its event. What was encrypted is in the clear, redacted.',
    ),
    capture('pcap', 'application/vnd.tcpdump.pcap', 'The same for sngrep, without comments.'),
    route({
      method: 'GET',
      path: '/calls/:id/ladder.svg',
      who: 'member',
      summary: 'The same as a ladder.',
      answers: { 200: null },
      handle: async call => {
        const content = await trace.ladder(await theirCall(calls, call))
        return { status: 200, file: { contentType: 'image/svg+xml', content } }
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
