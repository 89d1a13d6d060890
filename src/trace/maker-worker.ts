/** The thread that makes files and conclusions of long calls: a hundred milliseconds of work hold nobody up here. */
import { parentPort } from 'node:worker_threads'
import type { FromMaker, ToMaker } from './maker-message.ts'
import { made, type Wish } from './making.ts'
import type { TraceSummary } from './message.ts'
import type { StoredSegment } from './ports.ts'
import { eventsOf } from './segments.ts'

interface Job {
  readonly call: string
  readonly wish: Wish
  readonly kept: TraceSummary | undefined
  readonly segments: StoredSegment[]
}

const port = parentPort!
let job: Job | undefined

port.on('message', (message: ToMaker) => {
  if (message.kind === 'begin') job = { ...message, segments: [] }
  else if (message.kind === 'segments') job?.segments.push(...message.segments)
  else if (message.kind === 'forget') job = undefined
  else if (job !== undefined) {
    const { call, wish, kept, segments } = job
    job = undefined
    answer(call, wish, kept, segments)
  }
})

function answer(
  call: string,
  wish: Wish,
  kept: TraceSummary | undefined,
  segments: readonly StoredSegment[],
): void {
  try {
    const result = made(wish, eventsOf(call, segments), kept)
    if (!(result instanceof Uint8Array)) return tell({ kind: 'made', made: result })
    // A buffer that is part of a larger one cannot be given away.
    const whole = result.byteLength === result.buffer.byteLength ? result : Uint8Array.from(result)
    port.postMessage({ kind: 'made', made: whole } satisfies FromMaker, [whole.buffer as ArrayBuffer])
  } catch (error) {
    tell({ kind: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

const tell = (message: FromMaker): void => port.postMessage(message)
