/** The rim of the echo: its worker, started at the first call and ended when nobody has called for a while. */
import { Worker } from 'node:worker_threads'
import { minutes } from '../core/clock.ts'
import { endOnceStuck } from '../runtime/threads.ts'
import type { EchoInput, FromWorker, Order, ToWorker } from './message.ts'

export interface EchoIoOptions {
  readonly input: (input: EchoInput) => void
  /** The addresses that media may use, asked for at each call. */
  readonly addresses: () => readonly string[]
  readonly onFault: (error: unknown, during: string) => void
}

/** A WebRTC stack takes memory that a small machine wants back. */
const idleMilliseconds = minutes(1)
const heapMegabytes = 192

export class EchoIo {
  readonly #options: EchoIoOptions
  readonly #open = new Set<string>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(options: EchoIoOptions) {
    this.#options = options
  }

  carryOut(message: ToWorker): void {
    if (message.kind === 'open') this.#open.add(message.call)
    if (message.kind === 'close') this.#open.delete(message.call)
    clearTimeout(this.#idle)
    if (this.#open.size === 0) this.#idle = setTimeout(() => this.close(), idleMilliseconds).unref()
    if (message.kind === 'open') this.#worker ??= this.#start()
    const order: Order = { ...message, addresses: this.#options.addresses() }
    this.#worker?.postMessage(order)
  }

  close(): void {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    worker?.removeAllListeners()
    // A worker that is being ended may still fail.
    worker?.on('error', () => {})
    void worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'lanline echo',
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    })
    worker.unref()
    worker.on('message', (message: FromWorker) => this.#options.input({ kind: 'worker', message }))
    const { onFault } = this.#options
    worker.on('error', error => {
      onFault(error, 'the thread of the echo')
      this.#lost(worker)
    })
    worker.on('exit', () => this.#lost(worker))
    endOnceStuck(worker, why => onFault(why, 'the thread of the echo'))
    return worker
  }

  #lost(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#open.clear()
    this.#options.input({ kind: 'workerLost' })
  }
}
