/**
 * The main thread's end of reading a capture: what comes is copied into a few chunks of fixed memory that go to the
 * reader's thread and come back, so that a sender is never faster than the reader, and nothing grows with the file.
 */
import { Worker } from 'node:worker_threads'
import type { Epoch } from '../core/clock.ts'
import { collectYoung } from '../runtime/collect.ts'
import { endOnceStuck } from '../runtime/threads.ts'
import type { CaptureFacts } from './message.ts'
import type { Provenance } from './packets/facts.ts'
import type { CallIdentity, EncryptedFigures } from './packets/figures.ts'
import type { Ending } from './packets/message.ts'

export interface ReaderSetup {
  readonly call: CallIdentity
  /** Of the call, by wall time. */
  readonly startedAt: Epoch
  readonly provenance: Omit<Provenance, 'sha256'>
}

export type ReaderOrder =
  | { readonly kind: 'chunk'; readonly memory: ArrayBuffer; readonly bytes: number }
  | { readonly kind: 'end' }

export type ReaderAnswer =
  | { readonly kind: 'read'; readonly memory: ArrayBuffer }
  | { readonly kind: 'done'; readonly reading: CaptureReading }

export interface CaptureReading {
  readonly facts: CaptureFacts
  readonly file: Omit<Ending, 'interfaces' | 'firstAt' | 'lastAt'>
  readonly encrypted: readonly EncryptedFigures[]
}

const chunkBytes = 65_536
const chunks = 4
/** What a connection brought is garbage as soon as it is copied. */
const collectEveryBytes = 4_000_000
/** A young generation that is small is collected often: what a reader drops does not add up (`packets/README.md`). */
const limits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32, stackSizeMb: 2 }

/**
 * Rejects with what `body` rejects with, with `signal`'s reason, or when the thread fails; then the thread is gone. Stops
 * asking for more as soon as it is clear that the file is no capture.
 */
export async function readCapture(
  body: AsyncIterable<Uint8Array>,
  setup: ReaderSetup,
  signal: AbortSignal,
): Promise<CaptureReading> {
  const reader = new Reader(setup)
  const abort = (): void => reader.fail(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    signal.throwIfAborted()
    let uncollected = 0
    for await (const bytes of body) {
      await reader.write(bytes)
      uncollected += bytes.length
      if (uncollected >= collectEveryBytes) {
        collectYoung()
        uncollected = 0
      }
      if (reader.isDone) break
    }
    return await reader.end()
  } finally {
    signal.removeEventListener('abort', abort)
    await reader.close()
  }
}

class Reader {
  readonly #worker: Worker
  readonly #free: ArrayBuffer[] = Array.from({ length: chunks }, () => new ArrayBuffer(chunkBytes))
  readonly #done = Promise.withResolvers<CaptureReading>()
  #waiting: PromiseWithResolvers<void> | undefined
  #filling: ArrayBuffer | undefined
  #filled = 0
  #isDone = false

  constructor(setup: ReaderSetup) {
    this.#done.promise.catch(() => {})
    this.#worker = new Worker(new URL('./capture-worker.ts', import.meta.url), {
      name: 'lanline capture',
      workerData: setup,
      resourceLimits: limits,
    })
    this.#worker.on('message', (answer: ReaderAnswer) => {
      if (answer.kind === 'read') this.#free.push(answer.memory)
      else this.#settle(() => this.#done.resolve(answer.reading))
      this.#waiting?.resolve()
    })
    this.#worker.on('error', error => this.fail(error))
    this.#worker.on('exit', () => this.fail(new Error('the thread that reads captures ended')))
    endOnceStuck(this.#worker, why => this.fail(why))
  }

  /** All that it can say is said: no use to write more. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isDone; ) {
      const memory = await this.#memory()
      if (memory === undefined) return
      const part = bytes.subarray(at, at + chunkBytes - this.#filled)
      new Uint8Array(memory).set(part, this.#filled)
      at += part.length
      this.#filled += part.length
      if (this.#filled === chunkBytes) this.#send()
    }
  }

  end(): Promise<CaptureReading> {
    if (!this.#isDone) {
      if (this.#filled > 0) this.#send()
      this.#order({ kind: 'end' })
    }
    return this.#done.promise
  }

  fail(error: unknown): void {
    this.#settle(() => this.#done.reject(error))
    this.#waiting?.resolve()
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  /** The chunk that is being filled; undefined when nothing more is wanted. */
  async #memory(): Promise<ArrayBuffer | undefined> {
    while (this.#filling === undefined && !this.#isDone) {
      this.#filling = this.#free.pop()
      if (this.#filling !== undefined) break
      this.#waiting = Promise.withResolvers()
      await this.#waiting.promise
      this.#waiting = undefined
    }
    return this.#isDone ? undefined : this.#filling
  }

  #send(): void {
    const memory = this.#filling!
    this.#order({ kind: 'chunk', memory, bytes: this.#filled }, [memory])
    this.#filling = undefined
    this.#filled = 0
  }

  #order(order: ReaderOrder, memory: ArrayBuffer[] = []): void {
    this.#worker.postMessage(order, memory)
  }

  #settle(settle: () => void): void {
    if (this.#isDone) return
    this.#isDone = true
    settle()
  }
}
