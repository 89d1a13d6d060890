/** A typed event source. A listener that throws is reported and does not keep the others from hearing. */
export class Emitter<Events extends { [name in keyof Events]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>()

  /** Calls `listener` on each `name`; the function returned takes it off again. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener as (detail: never) => void)
    return () => listeners.delete(listener as (detail: never) => void)
  }

  /** Resolves with the next `name` whose detail satisfies `wanted`. */
  next<Name extends keyof Events>(
    name: Name,
    wanted: (detail: Events[Name]) => boolean = () => true,
  ): Promise<Events[Name]> {
    return new Promise(resolve => {
      const off = this.on(name, detail => {
        if (!wanted(detail)) return
        off()
        resolve(detail)
      })
    })
  }

  protected emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (detail: Events[Name]) => void)(detail)
      } catch (error) {
        console.error(error)
      }
    }
  }
}
