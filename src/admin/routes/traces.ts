/** What is known of a call's media, as files: each for the two of the call and the owner. */
import { HttpError } from '../errors.ts'
import type { AppDeps, TraceFormat } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { theirCall } from '../their-call.ts'

interface TraceFile {
  readonly format: TraceFormat
  readonly path: string
  readonly contentType: string
  readonly summary: string
  /** Not to be shown by a browser but saved. */
  readonly extension?: string
}

const files: readonly TraceFile[] = [
  {
    ...{ format: 'json', path: 'trace.json', contentType: 'application/json' },
    summary:
      'All events of a call, its verdict and what that rests on, signed. docs/trace.md has the schema.',
  },
  {
    ...{ format: 'html', path: 'trace.html', contentType: 'text/html; charset=utf-8' },
    summary: 'The same as one page to read, print and keep, signed; it needs nothing else.',
  },
  {
    ...{ format: 'pcapng', path: 'trace.pcapng', contentType: 'application/x-pcapng', extension: 'pcapng' },
    summary:
      'Its messages as packets for Wireshark, each with a comment naming its event. What was encrypted is in the clear, redacted.',
  },
  {
    ...{ format: 'pcap', path: 'trace.pcap', contentType: 'application/vnd.tcpdump.pcap', extension: 'pcap' },
    summary: 'The same for sngrep, without comments.',
  },
  {
    ...{ format: 'rtcstats', path: 'trace.rtcstats', contentType: 'text/plain; charset=utf-8' },
    summary: 'What both clients reported, as an RTCStats dump (file format 3).',
    extension: 'rtcstats',
  },
  {
    ...{ format: 'ladder', path: 'ladder.svg', contentType: 'image/svg+xml' },
    summary: 'Its messages and what happened at each end, as a ladder.',
  },
]

/** Written at once: a page of some hundred kilobytes would hold the event loop while it is encrypted. */
const pieceBytes = 65_536
const retryAfterSeconds = 5

export function traceRoutes(parts: Pick<AppDeps, 'calls' | 'directory' | 'trace'>): Route[] {
  const { trace } = parts
  return files.map(({ format, path, contentType, summary, extension }) =>
    route({
      method: 'GET',
      path: `/calls/:id/${path}`,
      who: 'member',
      summary,
      answers: { 200: contentType },
      handle: async call => {
        const row = await theirCall(parts, call)
        const content = inPieces(await trace.file(row, format).catch(toBusy))
        // The id is hexadecimal; a name chosen by people is in no header.
        const name = extension === undefined ? undefined : `call-${row.id}.${extension}`
        const policy = format === 'html' ? `sandbox; ${trace.pagePolicy}; frame-ancestors 'none'` : undefined
        return { status: 200, file: { contentType, content, name, policy } }
      },
    }),
  )
}

function toBusy(error: Error): never {
  if (error.name !== 'MakerBusy') throw error
  throw new HttpError(503, 'busy', 'other traces are being made; try again soon', {
    'retry-after': String(retryAfterSeconds),
  })
}

function inPieces(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> {
  if (bytes.length <= pieceBytes) return bytes
  let at = 0
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(at, at + pieceBytes))
      at += pieceBytes
      if (at >= bytes.length) controller.close()
    },
  })
}
