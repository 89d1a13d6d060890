/**
 * Files and conclusions of calls: of short ones at once, of long ones in a thread, one after the other, so that neither
 * their making nor their reading holds the event loop. The thread is started when it is needed and ends when idle.
 */
import { Worker } from 'node:worker_threads'
import { minutes } from '../core/clock.ts'
import { endOnceStuck } from '../runtime/threads.ts'
import type { FromMaker, ToMaker } from './maker-message.ts'
import { type Made, made, type Wish } from './making.ts'
import type { StoredSegment, TraceStore } from './ports.ts'
import { eventsOf } from './segments.ts'

/** Files that wait for their turn; each holds a request open. */
export const maxWaitingFiles = 16
/** Of what is read at first: a call with no more than this is some milliseconds' work. */
const shortSegments = 48
const shortBytes = 32_000
const idleMilliseconds = minutes(5)
const heapMegabytes = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 }

/** Too many wait already. */
export class MakerBusy extends Error {
  override readonly name = 'MakerBusy'
}

export class TraceMaker {
  readonly #store: Pick<TraceStore, 'segments' | 'summary'>
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()
  #waitingFiles = 0
  #closed = false
  readonly #onFault: (error: unknown, during: string) => void

  constructor(
    store: Pick<TraceStore, 'segments' | 'summary'>,
    onFault: (error: unknown, during: string) => void,
  ) {
    this.#store = store
    this.#onFault = onFault
  }

  /** Rejects with `MakerBusy`, or with what the store or the making failed by. */
  async make<W extends Wish>(call: string, wish: W): Promise<Made<W>> {
    const pages = this.#store.segments(call)[Symbol.asyncIterator]()
    const { segments, isAll } = await begun(pages)
    if (isAll && !isHeavy(wish)) {
      const kept = await this.#store.summary(call)
      return made(wish, eventsOf(call, segments), kept) as Made<W>
    }
    return await this.#inTurn(wish, async () => {
      const kept = await this.#store.summary(call)
      return (await this.#inThread({ kind: 'begin', call, wish, kept }, segments, pages)) as Made<W>
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#idle)
    await this.#worker?.terminate()
  }

  async #inTurn<Result>(wish: Wish, work: () => Promise<Result>): Promise<Result> {
    const isFile = wish.kind === 'file'
    if (isFile && this.#waitingFiles >= maxWaitingFiles)
      throw new MakerBusy(`${maxWaitingFiles} traces are being made already`)
    if (isFile) this.#waitingFiles++
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    try {
      return await result
    } finally {
      if (isFile) this.#waitingFiles--
    }
  }

  async #inThread(
    begin: ToMaker,
    first: readonly StoredSegment[],
    rest: AsyncIterator<readonly StoredSegment[]>,
  ): Promise<unknown> {
    if (this.#closed) throw new Error('lanline stops')
    clearTimeout(this.#idle)
    this.#worker ??= this.#start()
    const worker = this.#worker
    const { answer, leave } = answerOf(worker)
    // The thread may fail before its answer is waited for.
    answer.catch(() => {})
    const tell = (message: ToMaker): void => worker.postMessage(message)
    try {
      tell(begin)
      tell({ kind: 'segments', segments: first })
      for (let page = await rest.next(); page.done !== true; page = await rest.next())
        tell({ kind: 'segments', segments: page.value })
      tell({ kind: 'make' })
      return await answer
    } catch (error) {
      tell({ kind: 'forget' })
      throw error
    } finally {
      leave()
      this.#idle = setTimeout(() => this.#end(), idleMilliseconds).unref()
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./maker-worker.ts', import.meta.url), {
      name: 'lanline traces',
      resourceLimits: heapMegabytes,
    })
    worker.unref()
    worker.on('error', () => {})
    endOnceStuck(worker, why => this.#onFault(why, 'the thread that makes traces'))
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    return worker
  }

  #end(): void {
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
  }
}

/** As much as it takes to see whether the call is a short one. */
async function begun(
  pages: AsyncIterator<readonly StoredSegment[]>,
): Promise<{ readonly segments: readonly StoredSegment[]; readonly isAll: boolean }> {
  const segments: StoredSegment[] = []
  for (;;) {
    const page = await pages.next()
    if (page.done === true) return { segments, isAll: true }
    segments.push(...page.value)
    if (!isShort(segments)) return { segments, isAll: false }
  }
}

function isShort(segments: readonly StoredSegment[]): boolean {
  return segments.length <= shortSegments && segments.reduce((sum, one) => sum + one.length, 0) <= shortBytes
}

/** A page is drawn and a capture built: that takes longer than reading. */
const isHeavy = (wish: Wish): boolean =>
  (wish.kind === 'file' && wish.format !== 'json' && wish.format !== 'ladder') ||
  (wish.kind === 'conclusion' && wish.apart)

function answerOf(worker: Worker): { readonly answer: Promise<unknown>; leave(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const settle = (message: FromMaker): void => {
    if (message.kind === 'made') resolve(message.made)
    else reject(new Error(`the trace could not be made: ${message.why}`))
  }
  const lost = (cause: unknown): void =>
    reject(new Error(`the thread that makes traces ended: ${String(cause)}`))
  worker.on('message', settle).on('error', lost).on('exit', lost)
  return {
    answer: promise,
    leave: () => void worker.off('message', settle).off('error', lost).off('exit', lost),
  }
}
