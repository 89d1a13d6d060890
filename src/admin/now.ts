/** Who and what is there now, kept for the web interface: fed by the daemon, asked and listened to by routes. */
import type { CallRow } from '../calls/message.ts'
import type { Presence } from '../signalling/message.ts'
import type { Live, LiveChange, LiveDevice } from './ports.ts'

export class Now implements Live {
  readonly #presence: (user: string) => Presence
  readonly #openCalls: () => readonly CallRow[]
  readonly #devices = new Map<string, LiveDevice>()
  readonly #listeners = new Set<(change: LiveChange) => void>()

  constructor(source: { presence(user: string): Presence; openCalls(): readonly CallRow[] }) {
    this.#presence = source.presence
    this.#openCalls = source.openCalls
  }

  /** Undefined: it is not reachable any more. */
  reached(device: string, by: LiveDevice | undefined): void {
    if (by === undefined) this.#devices.delete(device)
    else this.#devices.set(device, by)
    this.#tell({ kind: 'device', device })
  }

  /** By the clock they are not to be disturbed any more, or may be again. */
  turned(users: readonly string[]): void {
    this.#tell({ kind: 'people', users })
  }

  called(row: CallRow): void {
    this.#tell({ kind: 'call', row })
  }

  presence(user: string): Presence {
    return this.#presence(user)
  }

  device(id: string): LiveDevice | undefined {
    return this.#devices.get(id)
  }

  openCalls(): readonly CallRow[] {
    return this.#openCalls()
  }

  onChange(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(change: LiveChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}
