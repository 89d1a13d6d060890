/** What ends by itself: guests' stays, devices, invitations, requests; and what is left of the stays. */
import { days, type Monotonic } from '../../core/clock.ts'
import { countEveryMilliseconds, countedAnew, leftOf } from '../stay.ts'
import * as tables from '../tables.ts'
import { elapsed, type Held } from './held.ts'
import type { Invites } from './invites.ts'

const requestLifetimeMilliseconds = days(1)

export class Expiry {
  readonly #held: Held
  readonly #invites: Invites
  #countedAt: Monotonic

  /** `countedAt`: when the stays were loaded. */
  constructor(held: Held, invites: Invites, countedAt: Monotonic) {
    this.#held = held
    this.#invites = invites
    this.#countedAt = countedAt
  }

  /** Ends what has expired: guests, devices, invites, requests older than a day. To be called every few seconds. */
  sweep(): Promise<void> {
    return this.#held.exclusively(async () => {
      const now = this.#held.now()
      await this.#sweepGuests()
      const devices = [...this.#held.devices.values()].filter(
        device => device.expiresAt !== undefined && device.expiresAt <= now,
      )
      const invites = this.#invites.toForget(now)
      const requests = [...this.#held.requests.values()].filter(
        request => elapsed(request.createdAt, now) > requestLifetimeMilliseconds,
      )
      if (requests.length + invites.length + devices.length === 0) return
      await this.#held.write(
        ...requests.map(request => tables.deleteRequest(request.id)),
        ...invites.map(invite => tables.deleteInvite(invite.id)),
        ...devices.map(device => tables.deleteDevice(device.id)),
      )
      for (const request of requests) this.#held.requests.delete(request.id)
      for (const invite of invites) this.#held.invites.delete(invite.id)
      for (const device of devices) {
        this.#held.forgetDevice(device)
        this.#held.tell({ kind: 'revoked', device: device.id, user: device.user })
      }
      if (requests.length > 0) this.#held.tell({ kind: 'requests' })
    })
  }

  /** Lets go of names that nobody has and no call has any more. To be called when calls were forgotten. */
  forgetNames(): Promise<void> {
    return this.#held.exclusively(() => this.#held.lookForNames())
  }

  /** Writes exactly what is left of every stay, for a stop that is not by surprise. */
  keepStays(): Promise<void> {
    return this.#held.exclusively(async () => {
      const at = this.#held.moment()
      await this.#held.write(
        ...this.#held.guests().map(user => tables.putStayLeft(user.name, leftOf(user.stay!, at))),
      )
    })
  }

  async #sweepGuests(): Promise<void> {
    const at = this.#held.moment()
    const over = this.#held.guests().filter(user => leftOf(user.stay!, at) === 0)
    const isDue = at.running - this.#countedAt >= countEveryMilliseconds
    // A clock that was set meanwhile counts at once.
    const anew = this.#held
      .guests()
      .filter(user => !over.includes(user))
      .map(user => ({ ...user, stay: countedAnew(user.stay!, at) }))
      .filter(user => isDue || user.stay.from !== this.#held.users.get(user.name)!.stay!.from)
    if (isDue) this.#countedAt = at.running
    if (over.length + anew.length === 0) return
    const gone = over.map(({ name }) => name)
    const kept = new Map(this.#held.ringingWithout(gone).map(user => [user.name, user]))
    for (const user of anew) {
      kept.set(user.name, { ...user, alsoRings: (kept.get(user.name) ?? user).alsoRings })
    }
    const changed = [...kept.values()]
    await this.#held.write(...gone.map(tables.deleteUser), ...changed.map(tables.putUser))
    for (const user of changed) this.#held.keepUser(user)
    for (const name of gone) this.#held.forgetUser(name, true)
    if (over.length > 0) this.#held.tell({ kind: 'people' })
  }
}
