/** A tracer on a store of its own, to which captures are brought. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallRow } from '../../../src/calls/message.ts'
import type { ListedCall } from '../../../src/store/calls.ts'
import { openStore, type Store } from '../../../src/store/store.ts'
import type { SignedTrace } from '../../../src/trace/document.ts'
import { TraceIo } from '../../../src/trace/io.ts'
import type { KnownCall } from '../../../src/trace/machine-message.ts'
import type { CaptureUpload, ImportOutcome, ImportVerdict, TraceEvent } from '../../../src/trace/message.ts'
import { eventsOfKept, type KeptCall, rowOf } from './calls.ts'

type Who = Partial<Omit<CaptureUpload, 'body'>>

export class TraceHouse {
  readonly store: Store
  readonly #remove: () => Promise<void>
  readonly #ids = new Map<KeptCall, string>()
  #serial = 0
  io: TraceIo

  private constructor(store: Store, remove: () => Promise<void>) {
    this.#remove = remove
    this.store = store
    this.io = this.#tracer([])
  }

  static async open(): Promise<TraceHouse> {
    const directory = mkdtempSync(join(tmpdir(), 'lanline-trace-'))
    const store = await openStore(join(directory, 'data'))
    return new TraceHouse(store, async () => {
      await store.close()
      rmSync(directory, { recursive: true })
    })
  }

  /** On a store that is somebody else's. */
  static on(store: Store): TraceHouse {
    return new TraceHouse(store, async () => {})
  }

  /** A new tracer, as at the start of the daemon, which knows these calls to go on. */
  async restart(open: readonly KnownCall[]): Promise<void> {
    await this.io.close()
    this.io = this.#tracer(open)
  }

  #tracer(open: readonly KnownCall[]): TraceIo {
    const fail = (...what: unknown[]): void => {
      throw new Error(what.map(String).join(' '))
    }
    return new TraceIo({
      ...{ store: this.store.traces, rowOf: call => this.store.calls.get(call), addresses: [], open },
      ...{
        version: '0.0.0',
        appliance: 'test',
        key: new Uint8Array(32).fill(7),
        onNote: fail,
        onFault: fail,
      },
      relayPorts: () => ({ turn: 3_478, first: 49_152, last: 50_151 }),
    })
  }

  /** A call of the vectors with its events, from now on meant by its name. */
  async keep(
    call: KeptCall,
    events: readonly TraceEvent[] = eventsOfKept(call),
    change: Partial<CallRow> = {},
  ): Promise<readonly TraceEvent[]> {
    const id = `${call}-${this.#serial++}`
    this.#ids.set(call, id)
    await this.store.calls.save(rowOf(call, { id, ...change }))
    if (events.length > 0) await this.store.traces.save(id, events)
    return events
  }

  async row(call: KeptCall): Promise<ListedCall> {
    return (await this.store.calls.get(this.#ids.get(call)!))!
  }

  async outcome(
    call: KeptCall,
    file: Uint8Array | AsyncIterable<Uint8Array>,
    who: Who = {},
  ): Promise<ImportOutcome> {
    const body = file instanceof Uint8Array ? inPieces(file) : file
    return await this.io.importCapture(await this.row(call), {
      ...{ body, by: 'mia', name: 'bridge.pcapng', takenAt: 'elsewhere', importedBy: 'caller' },
      ...who,
    })
  }

  /** As `outcome`, where it is taken. */
  async bring(...given: Parameters<TraceHouse['outcome']>): Promise<ImportVerdict> {
    const outcome = await this.outcome(...given)
    if (outcome.kind === 'refused') throw new Error(outcome.sentence)
    return outcome
  }

  async trace(call: KeptCall): Promise<SignedTrace> {
    const { outcome: _, ...row } = await this.row(call)
    return JSON.parse(Buffer.from(await this.io.file(row, 'json')).toString()) as SignedTrace
  }

  async close(): Promise<void> {
    await this.io.close()
    await this.#remove()
  }
}

async function* inPieces(file: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += 10_000) yield file.subarray(at, at + 10_000)
}
