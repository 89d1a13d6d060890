/**
 * Calls as CSV (RFC 4180), in the column order of Asterisk's Master.csv, so that what reads that file reads this one;
 * what only we know comes behind. Times are UTC. No heading, as there. Streamed: there may be 200,000.
 */
import type { ListedCall } from '../store/calls.ts'
import { lotsOf, streamOf } from './in-turns.ts'
import type { ToldCall } from './message.ts'

/** What Master.csv has, with `uniqueid` and `userfield` switched on there. */
const masterColumns = (call: ToldCall): (string | number)[] => {
  const { answeredAt, endedAt, startedAt } = call
  return [
    ...['', call.callerUser, call.calleeUser, 'lanline'],
    `"${call.callerName.replaceAll('"', '')}" <${call.callerUser}>`,
    ...[call.callerDevice ?? '', call.calleeDevice ?? '', 'Dial', call.calleeUser],
    ...[utc(startedAt), utc(answeredAt), utc(endedAt)],
    ...[seconds(startedAt, endedAt), seconds(answeredAt, endedAt)],
    ...[disposition(call), 'DOCUMENTATION', call.id, ''],
  ]
}

const ourColumns = (call: ToldCall): (string | number)[] => {
  const { caller, callee } = call.ledger
  return [
    ...[call.calleeName, call.video ? 'video' : 'audio', call.endedBy ?? '', call.reason ?? ''],
    ...[call.code ?? '', call.missed ? 'missed' : '', utc(call.ringingAt), call.relayReason ?? ''],
    caller.sentBytes + callee.sentBytes,
  ]
}

export const callCsv = (calls: readonly ToldCall[]): string =>
  calls.map(call => `${[...masterColumns(call), ...ourColumns(call)].map(cell).join(',')}\r\n`).join('')

/** Rows that are read at once; what they become is made some in each turn. */
const pageCalls = 200

/** Reads on only as fast as it is taken. */
export function csvStream(
  list: (limit: number, before: string | undefined) => Promise<{ readonly calls: readonly ListedCall[] }>,
  told: (row: ListedCall) => ToldCall,
  limit: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let [left, before] = [limit, undefined as string | undefined]
    while (left > 0) {
      const { calls } = await list(Math.min(left, pageCalls), before)
      for await (const lot of lotsOf(calls)) yield Buffer.from(callCsv(lot.map(told)))
      if (calls.length < pageCalls) return
      left -= calls.length
      before = calls.at(-1)?.id
    }
  }
  return streamOf(pieces())
}

/**
 * Numbers bare, text quoted, as Asterisk does. People choose their names, and none may be a formula: not at the start of
 * a field, nor where a spreadsheet of another country ends the field by a semicolon or tab and begins a new one.
 */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const line = value.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  const harmless = line.replace(/(^|[;,|"])(\s*)([=+\-@＝＋－＠])/g, "$1$2'$3")
  return `"${harmless.replaceAll('"', '""')}"`
}

function disposition({ answeredAt, code }: ToldCall): string {
  if (answeredAt != null) return 'ANSWERED'
  // RFC 3261 §21.4.24, §21.6.1.
  if (code === 486 || code === 600) return 'BUSY'
  return code != null && code >= 500 ? 'FAILED' : 'NO ANSWER'
}

const utc = (moment: number | null | undefined): string =>
  moment == null ? '' : new Date(moment).toISOString().slice(0, 19).replace('T', ' ')

const seconds = (from: number | null | undefined, to: number | null | undefined): number =>
  from == null || to == null ? 0 : Math.max(0, Math.round((to - from) / 1_000))
