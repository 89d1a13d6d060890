/**
 * What an appliance promised to whom, and whether it is there. A promise is an answer that arrived here, noted with the
 * length that the log of the disk's writes had at that moment: what it promises is in the log before that, so it must be
 * on every disk that has taken at least so much of the log.
 */

/** What a thing is to be; undefined: it is not to be there. */
export type Value = string | undefined

interface Wish {
  readonly value: Value
  /** Of the log, when the answer was here; undefined while there is none. */
  promisedAt: number | undefined
}

export interface Broken {
  readonly key: string
  /** What was promised last. */
  readonly promised: Value
  readonly found: Value
}

export class Ledger {
  /** In the order of asking: one thing is asked for once at a time. */
  readonly #wishes = new Map<string, Wish[]>()

  /** Before it is asked for: from now on it may be there. The answer calls what is returned. */
  wish(key: string, value: Value): (promisedAt: number) => void {
    const wish: Wish = { value, promisedAt: undefined }
    const all = this.#wishes.get(key)
    if (all === undefined) this.#wishes.set(key, [wish])
    else all.push(wish)
    return promisedAt => {
      wish.promisedAt = promisedAt
    }
  }

  /** Seen from outside, so promised. */
  seen(key: string, value: Value, at: number): void {
    this.wish(key, value)(at)
  }

  /** The way there and back, so that a run can be looked at again. */
  toJSON(): unknown {
    return [...this.#wishes]
  }

  static from(told: unknown): Ledger {
    const ledger = new Ledger()
    for (const [key, wishes] of told as readonly [string, readonly Wish[]][])
      for (const { value, promisedAt } of wishes) {
        const promised = ledger.wish(key, value)
        if (promisedAt !== undefined) promised(promisedAt)
      }
    return ledger
  }

  /** Promises of each kind (a key's part before the colon) that a disk with so much of the log must hold. */
  promised(logBytes: number): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [key, wishes] of this.#wishes) {
      const kind = key.split(':', 1)[0]!
      const due = wishes.filter(wish => isDue(wish, logBytes)).length
      if (due > 0) counts.set(kind, (counts.get(kind) ?? 0) + due)
    }
    return counts
  }

  /** Of the kinds that were looked for: what is not as it was promised last. Later wishes may have come true unanswered. */
  broken(found: ReadonlyMap<string, string>, kinds: ReadonlySet<string>, logBytes: number): Broken[] {
    const broken: Broken[] = []
    for (const [key, wishes] of this.#wishes) {
      if (!kinds.has(key.split(':', 1)[0]!)) continue
      const last = wishes.findLastIndex(wish => isDue(wish, logBytes))
      if (last < 0) continue
      const may = wishes.slice(last).map(({ value }) => value)
      if (!may.includes(found.get(key)))
        broken.push({ key, promised: wishes[last]!.value, found: found.get(key) })
    }
    return broken
  }
}

const isDue = ({ promisedAt }: Wish, logBytes: number): boolean =>
  promisedAt !== undefined && promisedAt <= logBytes
