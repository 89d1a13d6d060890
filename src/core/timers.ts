import type { Monotonic } from './clock.ts'

/**
 * The one table of a machine's timers. A timer has a name; setting it again moves it; nobody holds a handle. Ordered
 * by a binary heap whose superseded entries are skipped when they surface, and swept when they outnumber the live ones.
 */
export class TimerTable<Name extends string | number = string> {
  readonly #live = new Map<Name, Entry<Name>>()
  #heap: Entry<Name>[] = []
  #serial = 0

  get size(): number {
    return this.#live.size
  }

  set(name: Name, at: Monotonic): void {
    const entry = { name, at, serial: this.#serial++ }
    this.#live.set(name, entry)
    this.#push(entry)
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live.size) this.#sweep()
  }

  clear(name: Name): void {
    this.#live.delete(name)
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
    this.#dropStale()
    return this.#heap[0]?.at
  }

  /** Removes and returns the earliest timer that is due at `now`; of two due at one moment, the one set first. */
  take(now: Monotonic): Name | undefined {
    this.#dropStale()
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    this.#pop()
    this.#live.delete(first.name)
    return first.name
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#live.get(first.name) === first) return
      this.#pop()
    }
  }

  #sweep(): void {
    const live = [...this.#live.values()]
    this.#heap = []
    for (const entry of live) this.#push(entry)
  }

  #push(entry: Entry<Name>): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

interface Entry<Name> {
  readonly name: Name
  readonly at: Monotonic
  readonly serial: number
}

function before(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial)
}
