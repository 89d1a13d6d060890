/** Answers given, for requests that come again because the first answer was lost (RFC 8489 §6.3.1: for 40 seconds). */
import { type Monotonic, seconds } from '../core/clock.ts'

const keptMilliseconds = seconds(40)
const keptAtMost = 2_048

export class Answers {
  /** In order of their time. */
  readonly #kept = new Map<string, { readonly bytes: Uint8Array; readonly at: Monotonic }>()

  get size(): number {
    return this.#kept.size
  }

  find(flow: string, transaction: Uint8Array, now: Monotonic): Uint8Array | undefined {
    const kept = this.#kept.get(nameOf(flow, transaction))
    return kept !== undefined && now - kept.at <= keptMilliseconds ? kept.bytes : undefined
  }

  keep(flow: string, transaction: Uint8Array, bytes: Uint8Array, now: Monotonic): void {
    this.#kept.set(nameOf(flow, transaction), { bytes, at: now })
    for (const [name, { at }] of this.#kept) {
      if (this.#kept.size <= keptAtMost && now - at <= keptMilliseconds) return
      this.#kept.delete(name)
    }
  }
}

const nameOf = (flow: string, transaction: Uint8Array): string =>
  `${flow} ${Buffer.from(transaction).toString('hex')}`
