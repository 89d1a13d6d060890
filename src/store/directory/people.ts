/** The people: the one who claims, those who are added, what is changed of them, and how they go. */
import { type QuietHours, weekdays } from '../../core/quiet-hours.ts'
import { isUserName, userNameFrom } from '../credentials.ts'
import type { UserRow } from '../message.ts'
import { type QuietRow, switched } from '../quiet.ts'
import { newStay } from '../stay.ts'
import * as tables from '../tables.ts'
import type { Drafts } from './drafts.ts'
import type { Held } from './held.ts'
import { type DeviceWish, DirectoryError, limits, type NewDevice, notFound } from './message.ts'

/** What is absent stays. */
export interface UserChange {
  readonly displayName?: string | undefined
  readonly number?: string | undefined
  readonly doNotDisturb?: boolean | undefined
  /** null: none. From now on, also where they are on now. */
  readonly quietHours?: QuietHours | null | undefined
  readonly passwordHash?: string | undefined
  readonly seenByGuests?: boolean | undefined
  /** Replaces all of them. */
  readonly alsoRings?: readonly string[] | undefined
  /** `''`: they are no door. */
  readonly doorKeys?: string | undefined
  /** The last owner stays one, and stays enabled. */
  readonly disabled?: boolean | undefined
  readonly role?: 'owner' | 'member' | undefined
  /** A guest's time from now on; null: they stay for good, as a member. */
  readonly staySeconds?: number | null | undefined
}

export class People {
  readonly #held: Held
  readonly #drafts: Drafts

  constructor(held: Held, drafts: Drafts) {
    this.#held = held
    this.#drafts = drafts
  }

  /**
   * Makes the first person, who owns the appliance, and names the place. After `releaseOwners` somebody who owned it is that
   * person again, with a new password and one device more. Rejects (`claimed`) when there is an owner.
   */
  claim(wish: {
    readonly displayName: string
    readonly place: string
    readonly showNames?: boolean | undefined
    readonly passwordHash: string
    readonly device: DeviceWish
  }): Promise<NewDevice> {
    return this.#held.exclusively(async () => {
      if (this.#held.owner())
        throw new DirectoryError('claimed', 'this appliance has an owner already; log in instead')
      const owned = { role: 'owner', passwordHash: wish.passwordHash } as const
      const reset = this.#held.settings.ownerReset()
      const former = reset?.owners.includes(userNameFrom(wish.displayName))
        ? this.#held.users.get(userNameFrom(wish.displayName))
        : undefined
      const user = former
        ? { ...former, ...owned, disabled: false }
        : this.#drafts.newUser(wish.displayName, owned)
      const enrolled = this.#drafts.newDevice(user, wish.device)
      await this.#held.settings.changeSite({ place: wish.place, showNames: wish.showNames })
      const rows = [tables.putUser(user), tables.putDevice(enrolled.device)]
      if (reset) await this.#held.settings.setOwnerReset({ ...reset, claimedBy: user.name }, ...rows)
      else await this.#held.write(...rows)
      this.#held.keepUser(user)
      this.#held.keepDevice(enrolled.device)
      this.#held.tell({ kind: 'people' })
      return enrolled
    })
  }

  /**
   * Nobody owns the appliance any more, so that it can be claimed anew: who owned it stays as a member, with devices and
   * calls. `mark` names what asked for it, which counts once. False: it did already, or nobody owned the appliance.
   */
  releaseOwners(mark: string): Promise<boolean> {
    return this.#held.exclusively(async () => {
      const owners = [...this.#held.users.values()].filter(({ role }) => role === 'owner')
      if (owners.length === 0 || this.#held.settings.ownerReset()?.mark === mark) return false
      const members = owners.map((owner): UserRow => ({ ...owner, role: 'member' }))
      await this.#held.settings.setOwnerReset(
        { at: this.#held.now(), mark, owners: owners.map(({ name }) => name) },
        ...members.map(tables.putUser),
      )
      for (const member of members) this.#held.keepUser(member)
      this.#held.tell({ kind: 'people' })
      return true
    })
  }

  /** Makes a person; with `sipPassword` also a SIP device, its digest user the person's name. */
  add(wish: {
    readonly name: string
    readonly displayName?: string | undefined
    readonly sipPassword?: string | undefined
  }): Promise<UserRow> {
    return this.#held.exclusively(async () => {
      if (!isUserName(wish.name)) {
        throw new DirectoryError(
          'badName',
          `${JSON.stringify(wish.name)} is no name: use up to 32 of a-z, 0-9, - and .`,
        )
      }
      // The name of a SIP device is an address of its person: nobody else may come to go by it.
      if (this.#drafts.isTaken(wish.name)) throw new DirectoryError('taken', `${wish.name} exists already`)
      const user = this.#drafts.newUser(wish.displayName ?? wish.name, { name: wish.name })
      const device =
        wish.sipPassword === undefined ? undefined : this.#drafts.newSipDevice(user.name, wish.sipPassword)
      await this.#held.write(tables.putUser(user), ...(device ? [tables.putDevice(device)] : []))
      this.#held.keepUser(user)
      if (device) this.#held.keepDevice(device)
      this.#held.tell({ kind: 'people' })
      return user
    })
  }

  change(name: string, change: UserChange): Promise<UserRow> {
    return this.#held.exclusively(async () => {
      const user = this.#held.users.get(name)
      if (user === undefined) throw notFound(name)
      const { staySeconds, doNotDisturb, quietHours, ...rest } = change
      if (staySeconds !== undefined && user.role !== 'guest') {
        throw new DirectoryError('notGuest', `${name} is no guest: only a guest's time can be changed`)
      }
      this.#keepAnOwner(user, change)
      if (change.number !== undefined && change.number !== user.number) this.#refuseNumber(change.number)
      if (change.alsoRings !== undefined) this.#refuseRinging(user, change.alsoRings)
      const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
      const changed: UserRow = {
        ...user,
        ...this.#quieted(user, { doNotDisturb, quietHours }),
        ...given,
        alsoRings: [...new Set(change.alsoRings ?? user.alsoRings)],
        ...(staySeconds === null ? { role: 'member', stay: undefined } : {}),
        ...(typeof staySeconds === 'number'
          ? { stay: newStay(staySeconds * 1_000, this.#held.moment()) }
          : {}),
      }
      await this.#held.write(tables.putUser(changed))
      this.#held.keepUser(changed)
      if (changed.disabled && !user.disabled) {
        for (const device of this.#held.devicesOf(name))
          this.#held.tell({ kind: 'disabled', device: device.id, user: name })
      }
      this.#held.tell({ kind: 'people' })
      return changed
    })
  }

  #quieted(
    user: UserRow,
    { doNotDisturb, quietHours }: Pick<UserChange, 'doNotDisturb' | 'quietHours'>,
  ): QuietRow {
    const row = quietHours === undefined ? user : { ...user, ...newHours(quietHours) }
    if (doNotDisturb === undefined) return row
    return switched(row, doNotDisturb, this.#held.phases, this.#held.now())
  }

  /** The person, all their devices and invites. The last owner cannot be removed. */
  remove(name: string): Promise<void> {
    return this.#held.exclusively(async () => {
      const user = this.#held.users.get(name)
      if (user === undefined) throw notFound(name)
      this.#keepAnOwner(user, { disabled: true })
      const left = this.#held.ringingWithout([name])
      await this.#held.write(tables.deleteUser(name), ...left.map(tables.putUser))
      this.#held.forgetUser(name)
      for (const one of left) this.#held.keepUser(one)
      this.#held.tell({ kind: 'people' })
    })
  }

  #refuseNumber(number: string): void {
    if (!this.#drafts.isTaken(number)) return
    const whose = this.#held.users.get(this.#held.userByNumber.get(number) ?? '')?.displayName
    throw new DirectoryError('taken', `${number} is ${whose ?? 'somebody'}’s already; choose another`)
  }

  #refuseRinging(user: UserRow, names: readonly string[]): void {
    if (new Set(names).size > limits.alsoRings) {
      throw new DirectoryError('badName', `a call rings at ${limits.alsoRings} other people at most`)
    }
    const nobody = names.find(name => name === user.name || !this.#held.users.has(name))
    if (nobody === undefined) return
    if (nobody !== user.name) throw notFound(nobody)
    throw new DirectoryError('badName', `a call to ${user.name} rings at ${user.name} anyway`)
  }

  /** Somebody must be able to open the console. */
  #keepAnOwner(
    user: UserRow,
    change: { readonly disabled?: boolean | undefined; readonly role?: string | undefined },
  ): void {
    if (user.role === 'guest' && change.role !== undefined) {
      throw new DirectoryError('guest', 'a guest cannot own this; let them stay for good first')
    }
    const leaves = change.disabled === true || change.role === 'member'
    if (user.role !== 'owner' || !leaves) return
    const others = [...this.#held.users.values()].filter(
      ({ name, role, disabled }) => role === 'owner' && !disabled && name !== user.name,
    )
    if (others.length === 0)
      throw new DirectoryError('owner', `${user.name} is the only owner; make somebody else owner first`)
  }
}

const newHours = (hours: QuietHours | null): Pick<UserRow, 'quietHours' | 'quietSkipped'> => ({
  quietHours:
    hours === null ? undefined : { ...hours, days: weekdays.filter(day => hours.days.includes(day)) },
  quietSkipped: undefined,
})
