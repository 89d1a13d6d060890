/**
 * What went wrong, for whoever keeps the house: each refusal, fault and failed write is counted for `/metrics` and told
 * to the log. A part of the composition root.
 */
import type { Log } from './core/log.ts'
import type { Metrics } from './runtime/metrics.ts'

export class Notes {
  readonly #metrics: Metrics
  readonly #log: Log
  readonly #onNotWritten: (error: unknown) => void
  /** Made once a room: notes come with every message. */
  readonly #logs = new Map<string, Log>()

  /** `onNotWritten`: something that was to be kept is not. */
  constructor(metrics: Metrics, log: Log, onNotWritten: (error: unknown) => void) {
    this.#metrics = metrics
    this.#log = log
    this.#onNotWritten = onNotWritten
  }

  /** What a room dropped or refused, and its faults, as its options want them. */
  of(room: string): {
    onNote(reason: string, detail: string, count?: number): void
    onFault(error: unknown, during: string): void
  } {
    return {
      onNote: (reason, detail, count) => this.#tell(room, reason, { detail, count }, count),
      onFault: (error, during) => this.fault(room, error, during),
    }
  }

  /** `reason` is one of the room's stable words, `remote` the address of who was refused. */
  note(room: string, reason: string, detail: string, remote?: string): void {
    this.#tell(room, reason, { detail, remote })
  }

  fault(room: string, error: unknown, during: string): void {
    this.#metrics.note(room, 'fault')
    const text = error instanceof Error ? error.stack : String(error)
    this.#logOf(room).error('fault', { during, error: text })
  }

  /** Nobody waits for `work`; that it failed is told. */
  inBackground(what: string, work: Promise<unknown>): void {
    work.catch(error => {
      this.#metrics.note('store', what)
      this.#log.warn('failed', { what, error: String(error) })
      this.#onNotWritten(error)
    })
  }

  #tell(room: string, reason: string, fields: Parameters<Log['debug']>[1], count?: number): void {
    this.#metrics.note(room, reason, count)
    this.#logOf(room).debug(reason, fields)
  }

  #logOf(room: string): Log {
    const known = this.#logs.get(room)
    if (known !== undefined) return known
    const made = this.#log.room(room)
    this.#logs.set(room, made)
    return made
  }
}
