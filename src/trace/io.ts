/**
 * The rim of the tracer: taps in, batches to the store, files out. A tap costs its caller no more than a call: whatever
 * goes wrong in here is counted and stays here.
 */
import type { CallRow } from '../calls/message.ts'
import type { CallFacts } from '../help/message.ts'
import type { SignallingInput } from '../signalling/message.ts'
import type { Flow } from '../sip/message.ts'
import type { RelayPorts } from './capture-plan.ts'
import { Conclusions } from './conclusions-io.ts'
import { fingerprintOfKey, publicKeyOf } from './document.ts'
import { CaptureImports } from './import-io.ts'
import type { KnownCall, TraceInput } from './machine-message.ts'
import { TraceMaker } from './maker-io.ts'
import type { Made, TraceFormat, Wish } from './making.ts'
import type { CapturePlan, CaptureUpload, Direction, ImportOutcome } from './message.ts'
import { pagePolicy } from './page.ts'
import type { PackedSegment, TraceStore } from './ports.ts'
import { TracerThread } from './tracer-io.ts'
import type { ToldEffect, TracerSizes } from './tracer-message.ts'
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
  readonly #tracer: TracerThread
  /** Writes under way, so that a reader sees what was given before. */
  readonly #writing = new Set<Promise<unknown>>()
  readonly #maker: TraceMaker
  readonly #imports: CaptureImports
  readonly #watch: WatchIo | undefined
  readonly #conclusions: Conclusions
  #makingUp: Promise<void> | undefined

  constructor(options: TraceIoOptions) {
    this.#options = options
    const { store, rowOf, addresses, open, onFault, watch } = options
    this.#maker = new TraceMaker(store, onFault)
    this.#conclusions = new Conclusions({
      ...{ store, rowOf, maker: this.#maker },
      written: () => Promise.allSettled(this.#writing),
      onFailed: error => options.onNote('conclude', String(error)),
    })
    this.#watch = watch && this.#makeWatch(watch)
    const watched = watch !== undefined
    this.#tracer = new TracerThread({
      ...{ addresses, open, watched, onFault, onNote: options.onNote },
      keep: segments => this.#keep(segments),
      onEffect: effect => this.#carryOut(effect),
      onUntold: calls => this.#inBackground('conclude', store.concludeUntold(calls)),
    })
    this.#imports = new CaptureImports({
      rowOf,
      make: (call, wish) => this.#make(call, wish),
      addLive: async (call, facts) => {
        const isLive = await this.#tracer.flush(call)
        if (isLive) this.input({ kind: 'capture', call, facts })
        return isLive
      },
      save: (call, event) => store.save(call, [event]),
      conclude: summary => store.conclude(summary),
      inTurn: (call, work) => this.#conclusions.inTurn(call, work),
    })
  }

  /** As the tracer last told them. */
  get sizes(): TracerSizes {
    return this.#tracer.sizes
  }

  input(input: TraceInput): void {
    this.#tracer.input(input)
  }

  /** Every SIP message on the wire. */
  sip(direction: Direction, flow: Flow, bytes: Uint8Array): void {
    this.#tracer.sip(direction, flow, bytes)
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

  /** A call's trace, as far as it has gone. Rejects with `MakerBusy`. */
  readonly file = (row: CallRow, format: TraceFormat): Promise<Uint8Array<ArrayBuffer>> => {
    const { version, appliance, key } = this.#options
    return this.#make(row.id, { kind: 'file', format, row, maker: { version, appliance, key } })
  }

  readonly pagePolicy = pagePolicy

  /** How one of the two can capture their call. */
  readonly capturePlan = (row: CallRow): Promise<CapturePlan> =>
    this.#make(row.id, { kind: 'plan', row, ports: this.#options.relayPorts() })

  /** Takes a capture of a call in. */
  readonly importCapture = (row: CallRow, upload: CaptureUpload): Promise<ImportOutcome> =>
    this.#imports.take(row, upload)

  /** How the call went, for Help. */
  readonly facts = (row: CallRow): Promise<CallFacts> => this.#make(row.id, { kind: 'facts', row })

  /** Concludes, in the background, what a power cut kept from it. */
  makeUp(): void {
    this.#makingUp = this.#conclusions
      .makeUp()
      .catch(error => this.#options.onNote('conclude', String(error)))
  }

  async close(): Promise<void> {
    this.#conclusions.stopping()
    this.#imports.close()
    await this.#watch?.close()
    await this.#tracer.close()
    await Promise.allSettled(this.#writing)
    await this.#conclusions.finish()
    await this.#maker.close()
    await this.#makingUp
  }

  #makeWatch(options: NonNullable<TraceIoOptions['watch']>): WatchIo {
    return new WatchIo({
      ...options,
      identityOf: async call => {
        const [row, identity] = await Promise.all([
          this.#options.rowOf(call),
          this.#make(call, { kind: 'identity' }),
        ])
        return row && { identity, startedAt: row.startedAt }
      },
      onFacts: (call, facts) => this.input({ kind: 'capture', call, facts }),
      onFault: this.#options.onFault,
    })
  }

  async #make<W extends Wish>(call: string, wish: W): Promise<Made<W>> {
    await this.#tracer.flush()
    await Promise.allSettled(this.#writing)
    return await this.#maker.make(call, wish)
  }

  #carryOut(effect: ToldEffect): void {
    switch (effect.kind) {
      case 'ufrag':
      case 'over':
        return this.#watch?.input(effect)
      case 'ended':
      case 'finished':
        return this.#conclusions.over(effect.call)
      case 'note':
        return this.#options.onNote(effect.reason, effect.detail)
    }
  }

  #keep(segments: readonly PackedSegment[]): Promise<void> {
    const work = this.#options.store.keep(segments)
    this.#inBackground('save', work)
    return work
  }

  #inBackground(what: string, work: Promise<unknown>): void {
    const settled = work
      .catch(error => this.#options.onNote(what, String(error)))
      .finally(() => this.#writing.delete(settled))
    // A conclusion waits for writes, so it is none of those waited for.
    if (what === 'save') this.#writing.add(settled)
  }
}
