/** Allocates whose relayed address is still being opened: one a flow, forgotten with its flow and with its party's right. */
import type { Request } from './authentication.ts'
import type { ClientFlow } from './message.ts'
import type { Holder } from './state.ts'

export interface Opening extends Request {
  /** RFC 8656 §7.2: the next port too, put by. */
  readonly reserve: boolean
  readonly lifetimeSeconds: number
}

export class Openings {
  readonly #open = new Map<number, Opening>()
  #ticket = 0

  get size(): number {
    return this.#open.size
  }

  /** Returns the ticket that its relay comes with. */
  add(opening: Opening): number {
    this.#open.set(++this.#ticket, opening)
    return this.#ticket
  }

  take(ticket: number): Opening | undefined {
    const opening = this.#open.get(ticket)
    this.#open.delete(ticket)
    return opening
  }

  has({ key }: ClientFlow): boolean {
    for (const { flow } of this.#open.values()) if (flow.key === key) return true
    return false
  }

  /** Relayed addresses that this holder is about to have. */
  ofHolder(holder: Holder): number {
    let count = 0
    for (const { asker, reserve } of this.#open.values())
      if (asker.holder === holder) count += reserve ? 2 : 1
    return count
  }

  get reserving(): number {
    let count = 0
    for (const { reserve } of this.#open.values()) if (reserve) count++
    return count
  }

  forgetFlow({ key }: ClientFlow): void {
    this.#forget(({ flow }) => flow.key === key)
  }

  forgetHolder(holder: Holder): void {
    this.#forget(({ asker }) => asker.holder === holder)
  }

  #forget(isMeant: (opening: Opening) => boolean): void {
    for (const [ticket, opening] of this.#open) if (isMeant(opening)) this.#open.delete(ticket)
  }
}
