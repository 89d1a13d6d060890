import { type Epoch, plausibleFrom } from '../core/clock.ts'

/**
 * A client's clock on the call's axis. A message that left at `client` and arrived at `received` says: the offset is
 * at most their difference. The fastest message took no longer than the shortest round trip, so the offset lies within
 * that much below; the middle is taken, half of it being the error (as NTP does, RFC 5905 §8). Left out: drift, which
 * is below some milliseconds a minute.
 */
export class ClientClock {
  /** The least of all differences. */
  #most = Number.POSITIVE_INFINITY
  #roundTrip = Number.POSITIVE_INFINITY

  /** Both in milliseconds, `client` by the client's own clock, `received` since the call's start. */
  heard(client: number, received: number, roundTrip: number | undefined): void {
    this.#most = Math.min(this.#most, received - client)
    if (roundTrip !== undefined) this.#roundTrip = Math.min(this.#roundTrip, roundTrip)
  }

  /** Where a client's moment lies; `null`: the error is not known. */
  place(client: number): { readonly atMilliseconds: number; readonly clockErrorMilliseconds: number | null } {
    const most = Number.isFinite(this.#most) ? this.#most : 0
    if (!Number.isFinite(this.#roundTrip))
      return { atMilliseconds: client + most, clockErrorMilliseconds: null }
    const error = this.#roundTrip / 2
    return { atMilliseconds: client + most - error, clockErrorMilliseconds: Math.round(error * 10) / 10 }
  }
}

/**
 * How long ago a call began that goes on over a restart, by its row and the last of its events. A wall clock that was set back
 * since, or was set for the first time, says nothing; what is known of the call was before now.
 */
export function begunAgo(startedAt: Epoch, lastAtMilliseconds: number, now: Epoch): number {
  const wasSet = startedAt < plausibleFrom && now >= plausibleFrom
  return Math.max(0, lastAtMilliseconds, wasSet ? 0 : now - startedAt)
}
