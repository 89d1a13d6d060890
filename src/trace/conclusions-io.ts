/**
 * What is concluded of calls that are over, and kept: the verdict that the list of calls tells. As a rule a moment after
 * a call's end and once more when no more will come; at a stop of all that ended shortly before, and at a start of those
 * whose end was followed by a power cut.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { CallRow } from '../calls/message.ts'
import type { TraceMaker } from './maker-io.ts'
import type { TraceStore } from './ports.ts'

/** A stop waits so long for them. What is not done by then is done at the next start. */
const stopMilliseconds = 800
/** At a stop; each is written with others. */
const atOnce = 8
/** At a start, between two calls: nobody waits for these, but for what else is done then. */
const pauseMilliseconds = 20

export interface ConclusionPorts {
  readonly store: TraceStore
  readonly maker: TraceMaker
  /** The call's row as it is now; undefined when it is forgotten. */
  readonly rowOf: (call: string) => Promise<CallRow | undefined>
  /** Resolves when what was given before is on disk. */
  readonly written: () => Promise<unknown>
  readonly onFailed: (error: unknown) => void
}

export class Conclusions {
  readonly #ports: ConclusionPorts
  /** Of each call one after the other: whoever concludes last has seen all events. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Once it is to stop: whose turn has not come yet. */
  #last: string[] | undefined
  /** Nobody waits any longer: what ends without its conclusion now is concluded at the next start. */
  #isOver = false

  constructor(ports: ConclusionPorts) {
    this.#ports = ports
  }

  /** A call is over; nobody waits for it. */
  over(call: string): void {
    if (this.#last === undefined) void this.#conclude(call)
    else this.#last.push(call)
  }

  /** From here on calls that are over wait for `finish`, and nothing else is begun. */
  stopping(): void {
    this.#last ??= []
  }

  /** Resolves when those are concluded, or when that takes too long. */
  async finish(): Promise<void> {
    const calls = this.#last ?? []
    const oneByOne = async (): Promise<void> => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) await this.#conclude(call)
    }
    const enough = new AbortController()
    await Promise.race([
      Promise.all(Array.from({ length: atOnce }, oneByOne)),
      wait(stopMilliseconds, undefined, { signal: enough.signal }).catch(() => {}),
    ])
    enough.abort()
    this.#isOver = true
    calls.length = 0
  }

  /** Those of which something is kept and nothing was concluded: they ended just before power was cut. */
  async makeUp(): Promise<void> {
    for await (const calls of this.#ports.store.unconcluded()) {
      for (const call of calls) {
        if (this.#last !== undefined) return
        await this.#conclude(call, true)
        await wait(pauseMilliseconds)
      }
    }
  }

  inTurn<Result>(call: string, work: () => Promise<Result>): Promise<Result> {
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

  #conclude(call: string, apart = false): Promise<void> {
    return this.inTurn(call, () => this.#keep(call, apart)).catch(error => {
      if (!this.#isOver) this.#ports.onFailed(error)
    })
  }

  async #keep(call: string, apart: boolean): Promise<void> {
    const { store, maker, rowOf, written, onFailed } = this.#ports
    await written()
    const row = await rowOf(call)
    if (row === undefined) return
    const summary = await maker.make(call, { kind: 'conclusion', row, apart })
    if (summary !== undefined) await store.conclude(summary)
    else store.concludeUntold([call]).catch(onFailed)
  }
}
