/** The main thread's end of the relay: its worker, started anew when it was lost. */
import { Worker } from 'node:worker_threads'
import { PortError, type PortWish } from '../runtime/ports.ts'
import type { ShownByName, TurnOrder, TurnPorts, TurnWord } from './message.ts'

/** What the worker is started with. */
export interface TurnSetup {
  readonly realm: string
  readonly plain: PortWish
  readonly tls: PortWish
  readonly relayPorts: { readonly min: number; readonly max: number }
  /** Of a call, both parties together; 0: no bound. */
  readonly bytesPerSecond: number
  readonly addresses: readonly string[]
  readonly certificate: {
    readonly cert: string
    readonly key: string
    readonly named?: ShownByName | undefined
  }
}

export interface TurnThreadOptions {
  /** Asked for at each start: addresses and certificate may be others by then. */
  readonly setup: () => TurnSetup
  readonly onWord: (word: TurnWord) => void
  /** The thread ended by itself; it is started again. Its allocations are gone. */
  readonly onLost: (why: string) => void
  /** It is there, at first and after it was lost. */
  readonly onReady: (ports: TurnPorts) => void
}

const heapMegabytes = 128
const againMilliseconds = 1_000
const stopMilliseconds = 500
/** Who asks again before an answer came; one that is stuck is given up after the first. */
const mostWaiting = 8

export class TurnThread {
  readonly #options: TurnThreadOptions
  #worker: Worker | undefined
  #ports: TurnPorts | undefined
  /** It is being ended. */
  #givenUp: Worker | undefined
  #again: NodeJS.Timeout | undefined
  #closed = false
  #waiting: (() => void)[] = []

  constructor(options: TurnThreadOptions) {
    this.#options = options
  }

  /** Undefined while it does not listen. */
  get ports(): TurnPorts | undefined {
    return this.#ports
  }

  /** Rejects with `PortError` when a wished port cannot be had, with another error when the thread does not start. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), {
        name: 'lanline relay',
        workerData: this.#options.setup(),
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      })
      this.#worker = worker
      let ready = false
      worker.on('message', (word: TurnWord) => {
        // What one that is given up still says holds for the next one no more.
        if (this.#worker !== worker) return
        if (word.kind === 'listening') {
          ready = true
          this.#ports = word.ports
          this.#options.onReady(word.ports)
          resolve()
        } else if (word.kind === 'refused') {
          this.#forget(worker)
          void worker.terminate()
          reject(new PortError(word.message))
        } else if (word.kind === 'here') this.#answered()
        else this.#options.onWord(word)
      })
      const ended = (why: string): void => {
        // Before it listened the start has failed; afterwards the thread is lost.
        reject(new Error(why))
        if (ready) this.#lost(worker, why)
        else this.#forget(worker)
      }
      worker.on('error', error => ended(String(error)))
      worker.on('exit', code => ended(`exit ${code}`))
    })
  }

  order(order: TurnOrder): void {
    this.#worker?.postMessage(order)
  }

  /** Resolves when it answers, or ends. Where it does not listen yet it is being started, and nobody is to wait for it. */
  answers(): Promise<void> {
    const isEnding = this.#worker !== undefined && this.#worker === this.#givenUp
    if (this.#ports === undefined && !isEnding) return Promise.resolve()
    return new Promise(resolve => {
      if (this.#waiting.length < mostWaiting) this.#waiting.push(resolve)
      this.order({ kind: 'areYouThere' })
    })
  }

  /** Ends a thread that does not answer; like any that is lost it is started again, once it has let go of its ports. */
  giveUp(): void {
    this.#givenUp = this.#worker
    this.#ports = undefined
    void this.#worker?.terminate()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#again)
    const worker = this.#worker
    if (worker === undefined) return
    this.#forget(worker)
    const gone = new Promise(resolve => worker.once('exit', resolve))
    worker.postMessage({ kind: 'stop' } satisfies TurnOrder)
    const timer = setTimeout(() => void worker.terminate(), stopMilliseconds)
    await gone
    clearTimeout(timer)
  }

  #answered(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #forget(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#ports = undefined
    this.#answered()
  }

  #lost(worker: Worker, why: string): void {
    if (this.#worker !== worker || this.#closed) return
    this.#forget(worker)
    this.#options.onLost(why)
    this.#startAgain()
  }

  /** As often as it takes: who holds the port now may let go of it. */
  #startAgain(): void {
    this.#again = setTimeout(() => {
      this.start().catch(error => {
        if (this.#closed) return
        this.#options.onLost(String(error))
        this.#startAgain()
      })
    }, againMilliseconds)
  }
}
