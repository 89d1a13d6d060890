/**
 * Captures that people bring for a call, while it goes on or long afterwards: read in a thread, matched by what the call's
 * own events say, kept as one more event, and the verdict concluded anew.
 */
import type { CallRow } from '../calls/message.ts'
import { realClock } from '../runtime/clock.ts'
import { type CaptureReading, readCapture } from './capture-io.ts'
import { isWhole, summaryOf } from './document.ts'
import type {
  CaptureFacts,
  CaptureRefusal,
  CaptureUpload,
  ImportOutcome,
  ImportVerdict,
  TraceEvent,
  TraceSummary,
} from './message.ts'
import { identityOf } from './packets/facts.ts'
import { explainStop } from './packets/stop.ts'

export const importLimits = {
  /** Each costs a thread of some megabytes. One person has one at a time. */
  atOnce: 2,
  /** Of one call. */
  captures: 16,
} as const

export interface ImportPorts {
  /** All that is kept of a call, what waits to be kept included. */
  readonly events: (call: string) => Promise<readonly TraceEvent[]>
  readonly rowOf: (call: string) => Promise<CallRow | undefined>
  /** Gives it to the tracer if that still has the call. */
  readonly addLive: (call: string, facts: CaptureFacts) => boolean
  readonly save: (call: string, event: TraceEvent) => Promise<void>
  readonly conclude: (summary: TraceSummary) => Promise<void>
  /** One after the other for each call. */
  readonly inTurn: <Result>(call: string, work: () => Promise<Result>) => Promise<Result>
}

export class CaptureImports {
  readonly #ports: ImportPorts
  readonly #underWay = new Set<string>()
  readonly #stop = new AbortController()

  constructor(ports: ImportPorts) {
    this.#ports = ports
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Rejects with what the upload rejects with: then nothing is left of it. Reads none of it if it is refused at once. */
  readonly take = async (row: CallRow, upload: CaptureUpload): Promise<ImportOutcome> => {
    const { by, body, ...provenance } = upload
    if (this.#underWay.has(by)) return refused('busy', 'your last capture is still being read; wait for it')
    if (this.#underWay.size >= importLimits.atOnce) {
      return refused('busy', `${importLimits.atOnce} captures are being read already; try again soon`)
    }
    this.#underWay.add(by)
    try {
      const events = await this.#ports.events(row.id)
      const refusal = refusalOf(events)
      if (refusal !== undefined) return refusal
      const setup = { call: identityOf(events), startedAt: row.startedAt, provenance }
      const reading = await readCapture(body, setup, this.#stop.signal)
      const { file } = reading
      if (file.frames === 0 && file.stop !== undefined) {
        return refused('notACapture', explainStop(file)!, file.stop.reason)
      }
      return await this.#ports.inTurn(row.id, () => this.#keep(row.id, reading))
    } finally {
      this.#underWay.delete(by)
    }
  }

  close(): void {
    this.#stop.abort(new Error('lanline stops'))
  }

  async #keep(call: string, reading: CaptureReading): Promise<ImportOutcome> {
    const { facts } = reading
    const [row, before] = await Promise.all([this.#ports.rowOf(call), this.#ports.events(call)])
    const refusal = row === undefined ? forgotten : refusalOf(before)
    if (row === undefined || refusal !== undefined) return refusal ?? forgotten
    const known = eventOf(facts, before)
    if (known !== undefined) return imported('known', reading, summaryOf(row, before).verdict, known.number)
    if (facts.flows.length === 0) return imported('nothing', reading, summaryOf(row, before).verdict)
    if (!this.#ports.addLive(call, facts)) await this.#ports.save(call, lateEvent(row, facts, before))
    const events = await this.#ports.events(call)
    const added = eventOf(facts, events)
    if (added === undefined) throw new Error('the capture could not be kept')
    const summary = summaryOf(row, events)
    if (row.endedAt != null) await this.#ports.conclude(summary)
    return imported('added', reading, summary.verdict, added.number)
  }
}

const refused = (reason: CaptureRefusal, sentence: string, detail?: string): ImportOutcome => ({
  ...{ kind: 'refused', reason, sentence },
  ...(detail !== undefined && { detail }),
})

const forgotten = refused(
  'forgotten',
  'the events of this call are no longer kept, so that nothing says which packets were its own',
)

function refusalOf(events: readonly TraceEvent[]): ImportOutcome | undefined {
  if (!isWhole(events)) return forgotten
  const captures = events.filter(({ kind }) => kind === 'capture').length
  if (captures < importLimits.captures) return undefined
  return refused('tooMany', `this call has ${captures} captures already, which is all that are kept`)
}

const eventOf = ({ sha256 }: CaptureFacts, events: readonly TraceEvent[]): TraceEvent | undefined =>
  events.find(event => event.kind === 'capture' && event.facts.sha256 === sha256)

/** Of a call that the tracer has no more. Its time is by the wall clock: nobody's monotonic clock lasts as long. */
function lateEvent(row: CallRow, facts: CaptureFacts, events: readonly TraceEvent[]): TraceEvent {
  const last = events.reduce((most, { atMilliseconds }) => Math.max(most, atMilliseconds), 0)
  return {
    number: events.reduce((most, { number }) => Math.max(most, number), 0) + 1,
    atMilliseconds: Math.max(last, realClock.epoch() - row.startedAt),
    ...{ source: 'capture', kind: 'capture', facts },
  }
}

function imported(
  kind: 'added' | 'known' | 'nothing',
  { facts, file, encrypted }: CaptureReading,
  verdict: ImportVerdict['verdict'],
  event?: number,
): ImportOutcome {
  const { packets: _, ...told } = facts
  const from = encrypted.map(({ party, segmentsToAppliance, segmentsFromAppliance, bytes }) => ({
    ...{ party, bytes, segments: segmentsToAppliance + segmentsFromAppliance },
  }))
  return { kind, ...(event !== undefined && { event }), facts: told, file, encrypted: from, verdict }
}
