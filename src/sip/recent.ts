/**
 * A bounded memory of what was lately put in, in two generations: when the younger one is full or told to age, the older
 * one is forgotten whole. Every step costs the same however much is remembered; what is in is kept for at least one
 * whole generation.
 */
export class Recent<Value> {
  readonly #generationSize: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  /** At most `limit` entries. */
  constructor(limit: number) {
    this.#generationSize = Math.max(1, Math.floor(limit / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  /** Puts in; what had to be forgotten for it, when anything had to. */
  set(key: string, value: Value): ReadonlyMap<string, Value> | undefined {
    const forgotten = this.#young.size >= this.#generationSize ? this.age() : undefined
    this.#young.set(key, value)
    return forgotten
  }

  /** The older generation goes and the younger one becomes it. */
  age(): ReadonlyMap<string, Value> {
    const forgotten = this.#old
    this.#old = this.#young
    this.#young = new Map()
    return forgotten
  }
}
