/**
 * Captures that people bring for a call, while it goes on or long afterwards: read in a thread, matched by what the call's
 * own events say, kept as one more event, and the verdict concluded anew.
 */
import type { CallRow } from '../calls/message.ts'
import { realClock } from '../runtime/clock.ts'
import { type CaptureReading, readCapture } from './capture-io.ts'
import type { KnownCaptures, Made, Wish } from './making.ts'
import type {
  CaptureFacts,
  CaptureRefusal,
  CaptureUpload,
  ImportOutcome,
  ImportVerdict,
  TraceEvent,
  TraceSummary,
} from './message.ts'
import { explainStop } from './packets/stop.ts'

export const importLimits = {
  /** Each costs a thread of some megabytes. One person has one at a time. */
  atOnce: 2,
  /** Of one call. */
  captures: 16,
} as const

export interface ImportPorts {
  /** Of all that is kept of a call, what waits to be kept included. */
  readonly make: <W extends Wish>(call: string, wish: W) => Promise<Made<W>>
  readonly rowOf: (call: string) => Promise<CallRow | undefined>
  /** Gives it to the tracer if that still has the call. */
  readonly addLive: (call: string, facts: CaptureFacts) => Promise<boolean>
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
      const refusal = refusalOf(await this.#ports.make(row.id, { kind: 'captures' }))
      if (refusal !== undefined) return refusal
      const identity = await this.#ports.make(row.id, { kind: 'identity' })
      const setup = { call: identity, startedAt: row.startedAt, provenance }
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
    const [row, before] = await Promise.all([
      this.#ports.rowOf(call),
      this.#ports.make(call, { kind: 'captures' }),
    ])
    if (row === undefined) return forgotten
    const known = numberOf(facts, before)
    if (known !== undefined || facts.flows.length === 0) {
      const unchanged = await this.#ports.make(call, { kind: 'summary', row })
      if (unchanged === undefined) return forgotten
      return imported(known === undefined ? 'nothing' : 'known', reading, unchanged.verdict, known)
    }
    const refusal = refusalOf(before)
    if (refusal !== undefined) return refusal
    if (!(await this.#ports.addLive(call, facts))) await this.#ports.save(call, lateEvent(row, facts, before))
    const added = numberOf(facts, await this.#ports.make(call, { kind: 'captures' }))
    const summary = await this.#ports.make(call, { kind: 'summary', row })
    if (added === undefined || summary === undefined)
      return refused(
        'noRoom',
        'it could not be kept: the disk is short of room; make some and bring it again',
      )
    if (row.endedAt != null) await this.#ports.conclude(summary)
    return imported('added', reading, summary.verdict, added)
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

function refusalOf({ isWhole, captures }: KnownCaptures): ImportOutcome | undefined {
  if (!isWhole) return forgotten
  if (captures.length < importLimits.captures) return undefined
  return refused('tooMany', `this call has ${captures.length} captures already, which is all that are kept`)
}

const numberOf = ({ sha256 }: CaptureFacts, { captures }: KnownCaptures): number | undefined =>
  captures.find(one => one.sha256 === sha256)?.number

/** Of a call that the tracer has no more. Its time is by the wall clock: nobody's monotonic clock lasts as long. */
const lateEvent = (row: CallRow, facts: CaptureFacts, known: KnownCaptures): TraceEvent => ({
  number: known.lastNumber + 1,
  atMilliseconds: Math.max(known.lastAtMilliseconds, realClock.epoch() - row.startedAt),
  ...{ source: 'capture', kind: 'capture', facts },
})

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
