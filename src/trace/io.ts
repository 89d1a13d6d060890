/**
 * The rim of the tracer: taps in, batches to the store, files out. A tap costs its caller no more than a call: whatever
 * goes wrong in here is counted and stays here.
 */
import type { CallRow } from '../calls/message.ts'
import type { CallFacts } from '../help/message.ts'
import { realClock } from '../runtime/clock.ts'
import { Driver } from '../runtime/driver.ts'
import type { SignallingInput } from '../signalling/message.ts'
import type { Flow } from '../sip/message.ts'
import { callFactsOf } from './call-facts.ts'
import { type CaptureFormat, captureFile } from './capture-file.ts'
import { capturePlanOf, type RelayPorts } from './capture-plan.ts'
import {
  documentOf,
  fingerprintOfKey,
  publicKeyOf,
  signTrace,
  summaryOf,
  type TraceDocument,
} from './document.ts'
import { CaptureImports } from './import-io.ts'
import { ladderOf } from './ladder.ts'
import { ladderSvg } from './ladder-svg.ts'
import { TraceMachine } from './machine.ts'
import type {
  CapturePlan,
  CaptureUpload,
  Direction,
  ImportOutcome,
  KnownCall,
  TraceEffect,
  TraceEvent,
  TraceInput,
} from './message.ts'
import { identityOf } from './packets/facts.ts'
import type { TraceStore } from './ports.ts'
import { WatchIo, type WatchIoOptions } from './watch-io.ts'

export interface TraceIoOptions {
  readonly store: TraceStore
  /** The call's row as it is now; undefined when it is forgotten. */
  readonly rowOf: (call: string) => Promise<CallRow | undefined>
  readonly addresses: readonly string[]
  readonly open: readonly KnownCall[]
  readonly version: string
  readonly appliance: string
  /** The seed of the signing key. */
  readonly key: Uint8Array
  /** As they are now. */
  readonly relayPorts: () => RelayPorts
  /** What to capture packets by, during calls. Undefined: not at all. */
  readonly watch?: Omit<WatchIoOptions, 'identityOf' | 'onFacts' | 'onFault'> | undefined
  readonly onNote: (reason: string, detail: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export class TraceIo {
  readonly #options: TraceIoOptions
  readonly #machine: TraceMachine
  readonly #driver: Driver<TraceInput, TraceEffect>
  /** Writes under way, so that a reader sees what was given before. */
  readonly #writing = new Set<Promise<unknown>>()
  readonly #imports: CaptureImports
  readonly #watch: WatchIo | undefined
  /** What is concluded of each call, one after the other: whoever concludes last has seen all events. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(options: TraceIoOptions) {
    this.#options = options
    const { addresses, open, onFault, watch } = options
    this.#watch = watch && this.#makeWatch(watch)
    const watched = watch !== undefined
    this.#machine = new TraceMachine({ addresses, open, watched, now: realClock.monotonic() })
    this.#driver = new Driver({
      machine: this.#machine,
      clock: realClock,
      carryOut: effect => this.#carryOut(effect),
      onFault,
    })
    this.#imports = new CaptureImports({
      rowOf: options.rowOf,
      events: call => this.#events(call),
      addLive: (call, facts) => {
        const isLive = this.#machine.has(call)
        if (isLive) this.input({ kind: 'capture', call, facts })
        return isLive
      },
      save: (call, event) => options.store.save(call, [event]),
      conclude: summary => options.store.conclude(summary),
      inTurn: (call, work) => this.#inTurn(call, work),
    })
  }

  get sizes(): TraceMachine['sizes'] {
    return this.#machine.sizes
  }

  readonly input = (input: TraceInput): void => this.#driver.input(input)

  /** Every SIP message on the wire. */
  sip(direction: Direction, { transport, local, remote }: Flow, bytes: Uint8Array): void {
    this.input({ kind: 'sip', direction, transport, local, remote, bytes })
  }

  /** Every fact of the channel's rim. */
  channel(input: SignallingInput): void {
    if (input.kind === 'frame') {
      this.input({ kind: 'frame', direction: 'in', connection: input.connection, text: input.text })
    } else if (input.kind === 'opened' || input.kind === 'closed') this.input(input)
  }

  readonly key = (): { readonly publicKey: string; readonly fingerprint: string } => {
    const key = publicKeyOf(this.#options.key)
    return { publicKey: Buffer.from(key).toString('base64'), fingerprint: fingerprintOfKey(key) }
  }

  /** `trace.json` of a call, as far as it has gone. */
  readonly file = async (row: CallRow): Promise<string> => {
    return signTrace(await this.#document(row), this.#options.key)
  }

  readonly capture = async (row: CallRow, format: CaptureFormat): Promise<Uint8Array<ArrayBuffer>> => {
    return captureFile(await this.#document(row), format)
  }

  readonly ladder = async (row: CallRow): Promise<string> => {
    const { events } = await this.#document(row)
    return ladderSvg(ladderOf(events), `Call from ${row.callerName} to ${row.calleeName}`)
  }

  /** How one of the two can capture it. */
  readonly capturePlan = async (row: CallRow): Promise<CapturePlan> => {
    return capturePlanOf(row, await this.#events(row.id), this.#options.relayPorts())
  }

  /** Takes a capture of a call in. */
  readonly importCapture = (row: CallRow, upload: CaptureUpload): Promise<ImportOutcome> =>
    this.#imports.take(row, upload)

  /** How the call went, for Help. */
  readonly facts = async (row: CallRow): Promise<CallFacts> => {
    const { store } = this.#options
    const [events, kept] = await Promise.all([this.#events(row.id), store.summary(row.id)])
    return callFactsOf(row, events, kept)
  }

  async close(): Promise<void> {
    this.#imports.close()
    await this.#watch?.close()
    this.#driver.stop()
    this.#flush()
    await Promise.allSettled(this.#writing)
  }

  #makeWatch(options: NonNullable<TraceIoOptions['watch']>): WatchIo {
    return new WatchIo({
      ...options,
      identityOf: async call => {
        const [row, events] = await Promise.all([this.#options.rowOf(call), this.#events(call)])
        return row && { identity: identityOf(events), startedAt: row.startedAt }
      },
      onFacts: (call, facts) => this.input({ kind: 'capture', call, facts }),
      onFault: this.#options.onFault,
    })
  }

  async #document(row: CallRow): Promise<TraceDocument> {
    const { version, appliance, store } = this.#options
    const [events, kept] = await Promise.all([this.#events(row.id), store.summary(row.id)])
    return documentOf({ version, appliance, row, events, kept })
  }

  /** What waits to be kept included. */
  async #events(call: string): Promise<readonly TraceEvent[]> {
    this.#flush()
    await Promise.allSettled(this.#writing)
    return this.#options.store.events(call)
  }

  #flush(): void {
    for (const effect of this.#machine.flush()) this.#carryOut(effect)
  }

  #carryOut(effect: TraceEffect): void {
    switch (effect.kind) {
      case 'ufrag':
      case 'over':
        return this.#watch?.input(effect)
      case 'save':
        return this.#inBackground('save', this.#options.store.save(effect.call, effect.events))
      case 'finished':
        if (!effect.told) {
          return this.#inBackground('conclude', this.#options.store.concludeUntold(effect.call))
        }
        return this.#inBackground(
          'conclude',
          this.#inTurn(effect.call, () => this.#conclude(effect.call)),
        )
      case 'note':
        return this.#options.onNote(effect.reason, effect.detail)
    }
  }

  async #conclude(call: string): Promise<void> {
    const { store, rowOf } = this.#options
    await Promise.allSettled(this.#writing)
    const [row, events] = await Promise.all([rowOf(call), store.events(call)])
    if (row !== undefined && events.length > 0) await store.conclude(summaryOf(row, events))
  }

  #inTurn<Result>(call: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(call) ?? Promise.resolve()
    const result = before.then(work, work)
    const settled = result.then(
      () => {},
      () => {},
    )
    this.#turns.set(call, settled)
    void settled.then(() => {
      if (this.#turns.get(call) === settled) this.#turns.delete(call)
    })
    return result
  }

  #inBackground(what: string, work: Promise<unknown>): void {
    const settled = work
      .catch(error => this.#options.onNote(what, String(error)))
      .finally(() => this.#writing.delete(settled))
    // A conclusion waits for writes, so it is none of those waited for.
    if (what === 'save') this.#writing.add(settled)
  }
}
