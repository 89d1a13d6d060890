/** Captures of a call's packets that people bring. */
import type { CallRow } from '../../calls/message.ts'
import type { CapturePlan, CaptureRefusal, CaptureUpload } from '../../trace/message.ts'
import * as schemas from '../capture-schemas.ts'
import { HttpError } from '../errors.ts'
import type { ImportedCapture } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Principal, type Route, route, userOf } from '../route.ts'
import { theirCall } from '../their-call.ts'

export const captureLimitBytes = 200_000_000

const statusOf: Readonly<Record<CaptureRefusal, number>> = {
  busy: 503,
  forgotten: 409,
  tooMany: 409,
  notACapture: 400,
  noRoom: 507,
}
const retryAfterSeconds = 5

export function captureRoutes(parts: Pick<AppDeps, 'calls' | 'directory' | 'trace' | 'log'>): Route[] {
  const { trace, log } = parts
  return [
    route({
      method: 'GET',
      path: '/calls/:id/capture',
      who: 'member',
      summary:
        'How to capture this call at a computer of one of its two: filters for tcpdump or dumpcap that let through the headers of its packets and nothing else. `scripts/capture` goes by it.',
      answers: { 200: schemas.capturePlan },
      handle: async call => {
        const body: CapturePlan = await trace.capturePlan(await theirCall(parts, call))
        return { status: 200, body }
      },
    }),
    route({
      method: 'POST',
      path: '/calls/:id/capture',
      who: 'member',
      summary:
        'Takes in a capture of a call: the bytes of a pcap or pcapng file. Answers what it shows of the call, and the verdict with it. The same file again, or one with nothing of the call, changes nothing.',
      upload: { limitBytes: captureLimitBytes, contentType: 'application/octet-stream' },
      query: schemas.captureQuery,
      answers: { 200: schemas.importedCapture },
      handle: async call => {
        const row = await theirCall(parts, call)
        const by = userOf(call.principal) ?? ''
        const { name, takenAt } = call.query
        const upload: CaptureUpload = {
          ...{ by, name, takenAt, body: call.upload },
          importedBy: roleOf(call.principal, row),
        }
        const outcome = await trace.importCapture(row, upload)
        if (outcome.kind === 'refused') {
          const headers: Record<string, string> =
            outcome.reason === 'busy' ? { 'retry-after': String(retryAfterSeconds) } : {}
          throw new HttpError(
            statusOf[outcome.reason],
            outcome.reason,
            outcome.sentence,
            headers,
            outcome.detail,
          )
        }
        const { kind, file } = outcome
        log.info('capture', { call: row.id, by: by || 'command line', outcome: kind, bytes: file.bytes })
        const body: ImportedCapture = outcome
        return { status: 200, body }
      },
    }),
  ]
}

function roleOf(
  principal: Principal,
  { callerUser, calleeUser, answererUser = calleeUser }: CallRow,
): CaptureUpload['importedBy'] {
  const user = userOf(principal)
  if (user === callerUser) return 'caller'
  return user === answererUser ? 'callee' : 'owner'
}
