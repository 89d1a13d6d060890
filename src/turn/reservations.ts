/**
 * Relayed addresses put by for an allocation that is still to come (RFC 8656 §7.2: EVEN-PORT, RESERVATION-TOKEN): each
 * for whoever reserved it, and for half a minute.
 */
import { after, type Monotonic, seconds } from '../core/clock.ts'
import type { OpenedRelay } from './message.ts'
import type { Holder } from './state.ts'

export const reservationLimits = { reservations: 64, keptMilliseconds: seconds(30) } as const

interface Reservation {
  readonly holder: Holder
  readonly relay: OpenedRelay
  readonly until: Monotonic
}

export class Reservations {
  /** By the token, in order of their ends. */
  readonly #kept = new Map<string, Reservation>()

  get size(): number {
    return this.#kept.size
  }

  ofHolder(holder: Holder): number {
    let count = 0
    for (const each of this.#kept.values()) if (each.holder === holder) count++
    return count
  }

  keep(token: Uint8Array, holder: Holder, relay: OpenedRelay, now: Monotonic): void {
    this.#kept.set(nameOf(token), { holder, relay, until: after(now, reservationLimits.keptMilliseconds) })
  }

  /** Undefined where there is none, and for whoever has not reserved it. */
  claim(token: Uint8Array, holder: Holder): OpenedRelay | undefined {
    const kept = this.#kept.get(nameOf(token))
    if (kept?.holder !== holder) return undefined
    this.#kept.delete(nameOf(token))
    return kept.relay
  }

  /** When the first of them ends. */
  next(): Monotonic | undefined {
    return this.#kept.values().next().value?.until
  }

  /** Takes those that are over, and what is to be closed of them. */
  over(now: Monotonic): OpenedRelay[] {
    return this.#take(({ until }) => until <= now)
  }

  /** The same of one whose right is gone. */
  gone(holder: Holder): OpenedRelay[] {
    return this.#take(each => each.holder === holder)
  }

  /** The same of a socket that failed. */
  lost(relay: number): OpenedRelay[] {
    return this.#take(each => each.relay.relay === relay)
  }

  #take(isMeant: (reservation: Reservation) => boolean): OpenedRelay[] {
    const taken: OpenedRelay[] = []
    for (const [name, reservation] of this.#kept) {
      if (!isMeant(reservation)) continue
      this.#kept.delete(name)
      taken.push(reservation.relay)
    }
    return taken
  }
}

const nameOf = (token: Uint8Array): string => Buffer.from(token).toString('hex')
