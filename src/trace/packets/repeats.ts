/**
 * What a capture has twice and more: taken on several interfaces at once (`-i any` on a bridge), or put together of two
 * captures, it shows one packet each time it was seen. Only what comes soon after the first is known again.
 */

/** A power of two: as many sequence numbers of a stream, and so many transactions of a path. */
const window = 32

/** RFC 3550 §5.1: a stream says no sequence number again before it has said all others. */
export class SequenceWindow {
  readonly #seen = new Int32Array(window).fill(-1)

  isRepeated(sequence: number): boolean {
    const at = sequence & (window - 1)
    if (this.#seen[at] === sequence) return true
    this.#seen[at] = sequence
    return false
  }
}

/** RFC 8489 §5: a request and its answer have a transaction of their own. One sent again counts once as well. */
export class TransactionWindow {
  readonly #seen = new Set<string>()

  isRepeated(transaction: string): boolean {
    if (this.#seen.has(transaction)) return true
    this.#seen.add(transaction)
    if (this.#seen.size > window) this.#seen.delete(this.#seen.values().next().value!)
    return false
  }
}
