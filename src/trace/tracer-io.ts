/**
 * The main thread's end of the tracer: batches to its thread, what it gives out back. The thread is started by the
 * first fact that may be of a call, and anew when it was lost.
 */
import { Worker } from 'node:worker_threads'
import { realClock } from '../runtime/clock.ts'
import { endOnceStuck } from '../runtime/threads.ts'
import type { Flow } from '../sip/message.ts'
import type { KnownCall, TraceInput } from './machine-message.ts'
import type { Direction } from './message.ts'
import type { PackedSegment } from './ports.ts'
import { hasUfrag, isRegistration, Tap } from './tap.ts'
import type { FromTracer, ToTracer, TracerSetup, TracerSizes } from './tracer-message.ts'

export const tracerLimits = {
  /** How long a fact waits for others. */
  waitMilliseconds: 250,
  /** Batches given and not looked at yet: beyond, only full ones are given. */
  eagerBatches: 2,
  /** Of what comes beyond these nothing is kept. */
  batches: 32,
  heapMegabytes: 128,
  /** A stop waits so long for what it has not given out. */
  stopMilliseconds: 700,
  /** Devices whose last address is known before the thread is there. */
  devices: 4_096,
} as const

export interface TracerOptions {
  readonly addresses: readonly string[]
  readonly open: readonly KnownCall[]
  readonly watched: boolean
  /** Resolves when they are on disk. */
  readonly keep: (segments: readonly PackedSegment[]) => Promise<void>
  readonly onEffect: (effect: Exclude<FromTracer['effects'][number], { kind: 'fault' }>) => void
  readonly onUntold: (calls: readonly string[]) => void
  readonly onNote: (reason: string, detail: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

const nothing: TracerSizes = { calls: 0, early: 0, connections: 0, bytes: 0 }

export class TracerThread {
  readonly #options: TracerOptions
  readonly #tap = new Tap()
  readonly #reached = new Map<string, TraceInput>()
  readonly #flushes = new Map<number, (isTraced: boolean) => void>()
  #addresses: readonly string[]
  #open: readonly KnownCall[]
  #worker: Worker | undefined
  #timer: NodeJS.Timeout | undefined
  #lastFlush = 0
  #waiting = 0
  #dropped = 0
  #closed = false
  sizes: TracerSizes = nothing

  constructor(options: TracerOptions) {
    this.#options = options
    this.#addresses = options.addresses
    this.#open = options.open
    if (options.open.length > 0) this.#start()
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  sip(direction: Direction, flow: Flow, bytes: Uint8Array): void {
    if (this.#closed || isRegistration(direction, bytes)) return
    const at = realClock.monotonic()
    if (!this.#tap.sip(direction, flow, bytes, at)) {
      this.#makeRoom()
      this.#tap.sip(direction, flow, bytes, at)
    }
    if (this.#options.watched && direction === 'in' && hasUfrag(bytes)) this.#give()
    else this.#soon()
  }

  input(input: TraceInput): void {
    if (this.#closed) return
    if (input.kind === 'addresses') this.#addresses = input.addresses
    if (this.#worker === undefined && (input.kind === 'addresses' || input.kind === 'reached')) {
      return this.#before(input)
    }
    // Until somebody answers or it is over, a row says no more than the events do.
    if (input.kind === 'row' && input.row.calleeDevice == null && input.row.endedAt == null) return
    const at = realClock.monotonic()
    const fact = input.kind === 'row' ? lean(input) : input
    if (!this.#tap.fact(fact, at)) {
      this.#makeRoom()
      this.#tap.fact(fact, at)
    }
    const told = input.kind === 'frame' && input.direction === 'in' && input.text.includes('a=ice-ufrag:')
    if (this.#options.watched && told) this.#give()
    else this.#soon()
  }

  /** Resolves when all that was told before has been looked at and given out; true where this call is still traced. */
  flush(call?: string): Promise<boolean> {
    return this.#ask(id => ({ kind: 'flush', id, call }))
  }

  /** The same, and calls that are over are finished: nothing that may still come late is waited for. */
  async close(): Promise<void> {
    const patience = setTimeout(() => void this.#worker?.terminate(), tracerLimits.stopMilliseconds)
    await this.#ask(id => ({ kind: 'end', id }))
    clearTimeout(patience)
    this.#closed = true
    clearTimeout(this.#timer)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #ask(question: (id: number) => ToTracer): Promise<boolean> {
    this.#giveAnyhow()
    if (this.#worker === undefined) return Promise.resolve(false)
    const id = ++this.#lastFlush
    return new Promise(resolve => {
      this.#flushes.set(id, resolve)
      this.#say(question(id))
    })
  }

  /** Nobody calls yet; what is known of addresses is kept for the thread. */
  #before(input: TraceInput): void {
    if (input.kind !== 'reached') return
    this.#reached.delete(input.device)
    this.#reached.set(input.device, input)
    if (this.#reached.size > tracerLimits.devices) {
      this.#reached.delete(this.#reached.keys().next().value!)
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(this.#give, tracerLimits.waitMilliseconds)
  }

  readonly #give = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // The thread may just be starting: it takes what there is then in one piece.
    if (this.#waiting >= tracerLimits.eagerBatches) this.#soon()
    else this.#giveAnyhow()
  }

  /** The batch is full. */
  #makeRoom(): void {
    if (this.#waiting < tracerLimits.batches) return this.#giveAnyhow()
    this.#tap.take()
    if (this.#dropped++ === 0) this.#options.onNote('behind', 'what is told is not looked at in time')
  }

  #giveAnyhow(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#tap.take()
    if (batch === undefined) return
    if (this.#worker === undefined) this.#start()
    this.#waiting++
    this.#say({ kind: 'told', batch }, [batch.bytes.buffer, batch.index.buffer])
  }

  #start(): void {
    const { watched } = this.#options
    const setup: TracerSetup = {
      ...{ addresses: this.#addresses, open: this.#open, watched },
      clockOffsetMilliseconds: Number(process.hrtime.bigint()) / 1e6 - realClock.monotonic(),
    }
    this.#open = []
    const worker = new Worker(new URL('./tracer-worker.ts', import.meta.url), {
      name: 'lanline trace',
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: tracerLimits.heapMegabytes },
    })
    this.#worker = worker
    worker.on('message', (word: FromTracer) => this.#take(worker, word))
    worker.on('error', error => this.#options.onFault(error, 'the thread of traces'))
    worker.on('exit', () => this.#gone(worker))
    endOnceStuck(worker, why => this.#options.onFault(why, 'the thread of traces'))
    this.#tellReached()
  }

  #tellReached(): void {
    const before = new Tap()
    const say = (): void => {
      const batch = before.take()
      if (batch === undefined) return
      this.#waiting++
      this.#say({ kind: 'told', batch })
    }
    const at = realClock.monotonic()
    for (const input of this.#reached.values()) {
      if (before.fact(input, at)) continue
      say()
      before.fact(input, at)
    }
    say()
    this.#reached.clear()
  }

  #take(worker: Worker, { kept, effects, untold, flushed, looked, spent, sizes }: FromTracer): void {
    if (this.#worker !== worker) return
    this.#tap.reuse(spent)
    this.sizes = sizes
    this.#waiting -= looked
    if (this.#waiting === 0 && this.#dropped > 0) {
      this.#options.onNote('behind', `${this.#dropped} batches were dropped`)
      this.#dropped = 0
    }
    if (kept !== undefined) void this.#keep(worker, kept)
    for (const effect of effects) {
      if (effect.kind === 'fault') this.#options.onFault(new Error(effect.error), effect.during)
      else this.#options.onEffect(effect)
    }
    if (untold.length > 0) this.#options.onUntold(untold)
    if (flushed === undefined) return
    this.#flushes.get(flushed.id)?.(flushed.isTraced)
    this.#flushes.delete(flushed.id)
  }

  async #keep(worker: Worker, { id, segments }: NonNullable<FromTracer['kept']>): Promise<void> {
    const lost = await this.#options.keep(segments).then(
      () => false,
      () => true,
    )
    if (this.#worker === worker) this.#say({ kind: 'written', id, lost })
  }

  /** What it knew of calls that go on is lost; what it is told from now on is another thread's. */
  #gone(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#waiting = 0
    this.sizes = nothing
    for (const resolve of this.#flushes.values()) resolve(false)
    this.#flushes.clear()
    if (!this.#closed) this.#options.onNote('lost', 'the thread of traces ended')
  }

  #say(message: ToTracer, given: ArrayBuffer[] = []): void {
    try {
      this.#worker?.postMessage(message, given)
    } catch (error) {
      this.#options.onFault(error, `tell ${message.kind}`)
      if (message.kind === 'told') this.#waiting--
    }
  }
}

/** Every member of a row would be copied. */
const lean = ({ row }: TraceInput & { kind: 'row' }): TraceInput => {
  const { id, callerDevice, calleeDevice, answeredAt, endedAt } = row
  return { kind: 'row', row: { id, callerDevice, calleeDevice, answeredAt, endedAt } }
}
