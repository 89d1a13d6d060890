/** The main thread's end of the store's worker: promises for jobs. Private to this room; `store.ts` gives the ports. */
import { Worker } from 'node:worker_threads'
import type { Row, Statement, Value } from './database.ts'
import { diskTroubles, StoreError } from './errors.ts'
import type { StoreAnswer, StoreRequest } from './worker.ts'

/** What a port needs of the database. */
export interface Rows {
  /** Resolves once the statements, all or none, are on disk; rejects with `StoreError`. */
  write(...job: readonly Statement[]): Promise<void>
  /** Sees every write that was acknowledged before. Rejects with `StoreError`. */
  read(sql: string, ...values: readonly Value[]): Promise<readonly Row[]>
}

export const statement = (sql: string, ...values: readonly Value[]): Statement => ({ sql, values })

/**
 * What a row holds, or nothing where it cannot be read: the database's own check finds pages that do not fit together, not
 * what became of the bytes in them on a worn card. One row is no reason not to start, nor to list no other.
 */
export function readable<T>(read: () => T): T[] {
  try {
    return [read()]
  } catch {
    return []
  }
}

export class StoreClient implements Rows {
  readonly #worker: Worker
  readonly #waiting = new Map<
    number,
    { writes: boolean; resolve: (rows: readonly Row[]) => void; reject: (error: StoreError) => void }
  >()
  readonly lost: Promise<string>
  #lastId = 0
  #closing = false
  #gone: StoreError | undefined
  #trouble: string | undefined
  /** To be called when a write finds the disk full. */
  onFull: () => void = () => {}

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: StoreAnswer) => this.#settle(message))
    this.lost = new Promise(resolve => {
      const lose = (why: string): void => {
        this.#lose(why)
        if (!this.#closing) resolve(why)
      }
      worker.on('error', error => lose(`the store's thread ended: ${String(error)}`))
      worker.on('exit', () => lose('the store is closed'))
    })
  }

  /** Rejects with `StoreError` (locked, newer, corrupt, readOnly, diskFull). */
  static async open(directory: string, onTrial: boolean): Promise<StoreClient> {
    const workerData = { directory, onTrial }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
    const first = await new Promise<StoreAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    if (first.kind === 'refused') throw new StoreError(first.code, first.message)
    return new StoreClient(worker)
  }

  /** Why the last write could not be kept; undefined when it was. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  async write(...job: readonly Statement[]): Promise<void> {
    if (job.length > 0) await this.#ask(id => ({ kind: 'write', id, job }))
  }

  read(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    return this.#ask(id => ({ kind: 'read', id, statement: { sql, values } }))
  }

  /** Commits what is pending, then ends the thread. */
  async close(): Promise<void> {
    if (this.#gone || this.#closing) return
    this.#closing = true
    const left = new Promise(resolve => this.#worker.once('exit', resolve))
    await this.#ask(id => ({ kind: 'close', id }))
    await left
  }

  #ask(request: (id: number) => StoreRequest): Promise<readonly Row[]> {
    if (this.#gone) return Promise.reject(this.#gone)
    if (this.#closing && request(0).kind !== 'close') {
      return Promise.reject(new StoreError('closed', 'the store is closed'))
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      const asked = request(id)
      this.#waiting.set(id, { writes: asked.kind === 'write', resolve, reject })
      this.#worker.postMessage(asked)
    })
  }

  #settle(answer: StoreAnswer): void {
    if (answer.kind !== 'done' && answer.kind !== 'failed') return
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (answer.kind === 'done') {
      if (waiting?.writes === true) this.#trouble = undefined
      waiting?.resolve(answer.rows)
      return
    }
    if (diskTroubles.has(answer.code)) this.#trouble = answer.message
    if (answer.code === 'diskFull') this.onFull()
    waiting?.reject(new StoreError(answer.code, answer.message))
  }

  #lose(why: string): void {
    this.#gone ??= new StoreError('closed', why)
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone)
    this.#waiting.clear()
  }
}
