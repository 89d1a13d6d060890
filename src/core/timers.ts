import type { Monotonic } from './clock.ts'

/**
 * The one table of a machine's timers. A timer has a name; setting it again moves it; nobody holds a handle. Ordered
 * by a binary heap whose entries know their place, so that one that is cleared is gone: most are cleared soon after they
 * were set, and what stays behind for half a minute the collector carries about.
 */
export class TimerTable<Name extends string | number = string> {
  readonly #live = new Map<Name, Entry<Name>>()
  readonly #heap: Entry<Name>[] = []
  #serial = 0

  get size(): number {
    return this.#live.size
  }

  set(name: Name, at: Monotonic): void {
    const serial = this.#serial++
    const known = this.#live.get(name)
    if (known === undefined) {
      const entry = { name, at, serial, index: this.#heap.length }
      this.#live.set(name, entry)
      this.#heap.push(entry)
      this.#settle(entry)
    } else {
      known.at = at
      known.serial = serial
      this.#settle(known)
    }
  }

  clear(name: Name): void {
    const entry = this.#live.get(name)
    if (entry !== undefined) this.#remove(entry)
  }

  has(name: Name): boolean {
    return this.#live.has(name)
  }

  /** When `name` fires; undefined when it is not set. */
  at(name: Name): Monotonic | undefined {
    return this.#live.get(name)?.at
  }

  /** The earliest moment any timer fires. */
  next(): Monotonic | undefined {
    return this.#heap[0]?.at
  }

  /** Removes and returns the earliest timer that is due at `now`; of two due at one moment, the one set first. */
  take(now: Monotonic): Name | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    this.#remove(first)
    return first.name
  }

  #remove(entry: Entry<Name>): void {
    this.#live.delete(entry.name)
    const last = this.#heap.pop()!
    if (last === entry) return
    last.index = entry.index
    this.#settle(last)
  }

  /** To its place in the heap, up or down from the one it says it has. */
  #settle(entry: Entry<Name>): void {
    const heap = this.#heap
    let index = entry.index
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!
      if (!before(entry, parent)) break
      index = this.#put(parent, index)
    }
    for (let child = 2 * index + 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, entry)) break
      index = this.#put(heap[child]!, index)
    }
    this.#put(entry, index)
  }

  /** The place it leaves. */
  #put(entry: Entry<Name>, index: number): number {
    const left = entry.index
    this.#heap[index] = entry
    entry.index = index
    return left
  }
}

interface Entry<Name> {
  readonly name: Name
  at: Monotonic
  serial: number
  /** Where it stands in the heap. */
  index: number
}

function before(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial)
}
