/**
 * A client's clock on the call's axis. A message that left at `client` and arrived at `received` says: the offset is
 * at most their difference. With the channel's round trip known it lies within one round trip below that, and the
 * middle is taken, half of it being the error (as NTP does, RFC 5905 §8). Of all messages the one with the shortest
 * round trip is believed. Left out: drift, which is below a millisecond a minute.
 */
export class ClientClock {
  #offset = Number.POSITIVE_INFINITY
  #error: number | null = null

  /** Both in milliseconds, `client` by the client's own clock, `received` since the call's start. */
  heard(client: number, received: number, roundTrip: number | undefined): void {
    const most = received - client
    if (roundTrip === undefined) {
      if (this.#error === null) this.#offset = Math.min(this.#offset, most)
      // A message can only be later than the clocks say, so an earlier one corrects an estimate.
      else if (most < this.#offset) this.#offset = most
    } else if (this.#error === null || roundTrip / 2 < this.#error) {
      this.#error = roundTrip / 2
      this.#offset = most - this.#error
    }
  }

  /** Where a client's moment lies; `null`: the error is not known. */
  place(client: number): { readonly atMilliseconds: number; readonly clockErrorMilliseconds: number | null } {
    const offset = Number.isFinite(this.#offset) ? this.#offset : 0
    return {
      atMilliseconds: client + offset,
      clockErrorMilliseconds: this.#error === null ? null : Math.round(this.#error * 10) / 10,
    }
  }
}
