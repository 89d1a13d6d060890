import type { CallList, ToldCall } from '../admin/message.ts'
import type { CallRow, SelectedPair } from '../calls/message.ts'
import { api, apiDownload, orSay } from './api.ts'
import { type Command, CommandError, moment, table } from './command.ts'
import { ledgerLines } from './relay.ts'
import { fetchTrace, listHint, toStdout, traceLines } from './trace.ts'

const mostCalls = 200_000
/** What the daemon gives at once. */
const pageCalls = 500

export const callList: Command = {
  name: 'call list',
  usage: '[--limit N] [--user NAME] [--csv]',
  about: 'lists calls, newest first',
  options: { limit: { type: 'string' }, user: { type: 'string' }, csv: { type: 'boolean' } },
  help: [
    ['--limit', 'how many; 50 if not given, with --csv or --json all'],
    ['--user', 'only calls of this person, by name'],
    ['--csv', 'in the column order of Asterisk’s Master.csv'],
  ],
  run: async call => {
    const limit = Number(call.options.limit ?? (call.options.json || call.options.csv ? mostCalls : 50))
    if (!Number.isInteger(limit) || limit < 1) throw new CommandError('--limit wants a number of at least 1')
    if (call.options.csv) {
      const query = new URLSearchParams({ limit: String(Math.min(limit, mostCalls)) })
      if (call.options.user) query.set('user', String(call.options.user))
      return await toStdout(await apiDownload(call.config, `/calls.csv?${query}`))
    }
    const list: ToldCall[] = []
    let total = 0
    while (list.length < limit) {
      const query = new URLSearchParams({ limit: String(Math.min(pageCalls, limit - list.length)) })
      const last = list.at(-1)
      if (last) query.set('before', last.id)
      if (call.options.user) query.set('user', String(call.options.user))
      const page = await api<CallList>(call.config, 'GET', `/calls?${query}`)
      total = page.total
      list.push(...page.calls)
      if (page.calls.length === 0) break
    }
    call.print({ calls: list, total }, () => table(headings, list.map(row), 'no call yet'))
  },
}

export const callShow: Command = {
  name: 'call show',
  usage: '<call>',
  about: 'shows one call: ladder, verdict and what it rests on',
  words: [1, 1],
  help: [['<call>', 'its id, as `lanline call list` shows it']],
  run: async call => {
    const path = `/calls/${encodeURIComponent(call.words[0]!)}`
    const row = await orSay(api<ToldCall>(call.config, 'GET', path), listHint)
    const trace = await fetchTrace(call.config, row.id)
    call.print({ ...row, verdict: trace.verdict, summary: trace.summary }, () =>
      [describe(row), '', ...traceLines(trace)].join('\n'),
    )
  },
}

const headings = ['CALL', 'STARTED', 'FROM', 'TO', 'LASTED', 'ENDED BY', 'REASON']

function row(call: CallRow): string[] {
  return [
    call.id,
    moment(call.startedAt),
    call.callerUser,
    call.calleeUser,
    lasted(call),
    call.endedBy ?? '–',
    call.reason ?? '–',
  ]
}

function describe(call: ToldCall): string {
  const lines = [
    `call      ${call.id}${call.video ? ' (video)' : ''}${call.missed ? ' (missed)' : ''}`,
    `from      ${call.callerName} <${call.callerUser}> ${call.callerDevice ?? ''}`,
    `to        ${call.calleeName} <${call.calleeUser}> ${call.answererUser === undefined ? (call.calleeDevice ?? '') : ''}`,
    ...(call.answererUser === undefined
      ? []
      : [`taken by  ${call.answererName} <${call.answererUser}> ${call.calleeDevice ?? ''}`]),
    `started   ${moment(call.startedAt)}`,
    `ringing   ${moment(call.ringingAt)}`,
    `answered  ${moment(call.answeredAt)}`,
    `ended     ${moment(call.endedAt)} by ${call.endedBy ?? '–'}: ${call.reason ?? '–'}`,
    `lasted    ${lasted(call)}`,
    `caller    ${pair(call.callerPair)}`,
    `callee    ${pair(call.calleePair)}`,
    `path      ${path(call)}`,
    ...ledgerLines(call.ledger),
  ]
  return lines.map(line => line.trimEnd()).join('\n')
}

/** What the parties say of their ends, and what the relay itself counted. */
function path(call: ToldCall): string {
  const { caller, callee } = call.ledger
  const carried = caller.sentPackets + callee.sentPackets > 0
  const ends = [call.callerPair, call.calleePair].flatMap(each => each ?? [])
  const relayed = ends.filter(({ localType, remoteType }) => localType === 'relay' || remoteType === 'relay')
  const why = call.relayReason ? `, ${whys[call.relayReason]}` : ''
  if (ends.length === 0) return carried ? `relayed via lanline${why}` : 'not reported'
  if (relayed.length === 0) return carried ? `direct, relayed via lanline before${why}` : 'direct'
  return relayed.length === ends.length ? `relayed via lanline${why}` : 'the two ends disagree'
}

const whys = {
  otherNetwork: 'since the two are on networks that do not reach each other',
  checksFailed: 'since the two do not reach each other although they are on one network',
} as const

function lasted(call: CallRow): string {
  if (call.answeredAt === undefined || call.answeredAt === null) return '–'
  if (call.endedAt === undefined || call.endedAt === null) return 'goes on'
  return `${((call.endedAt - call.answeredAt) / 1_000).toFixed(1)} s`
}

export function pair(selected: SelectedPair | undefined | null): string {
  if (!selected) return 'not reported'
  const local = `${selected.localType} ${selected.localAddress}:${selected.localPort}`
  return `${local} ↔ ${selected.remoteType} ${selected.remoteAddress}:${selected.remotePort} (${selected.protocol})`
}
