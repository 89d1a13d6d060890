/** Rows of people and devices that are about to be: names, tokens and bounds are seen to here, nothing is written. */
import { randomBytes } from 'node:crypto'
import { digestHashes, sha256, userNameFrom } from '../credentials.ts'
import type { DeviceRow, UserRow } from '../message.ts'
import { newStay } from '../stay.ts'
import type { Held } from './held.ts'
import { type DeviceWish, DirectoryError, limits, type NewDevice } from './message.ts'
import { freeNumber } from './numbers.ts'

/** The name and the number of the person whom the exchange itself plays. */
const reserved: ReadonlySet<string> = new Set(['anonymous', 'echo', '90'])

export class Drafts {
  readonly #held: Held

  constructor(held: Held) {
    this.#held = held
  }

  newUser(
    displayName: string,
    set: Partial<Pick<UserRow, 'name' | 'role' | 'passwordHash'>> & {
      readonly staySeconds?: number | undefined
    },
  ): UserRow {
    if (this.#held.users.size >= limits.users) {
      throw new DirectoryError('tooMany', `there are ${limits.users} people already; remove some first`)
    }
    return {
      name: set.name ?? this.freeName(userNameFrom(displayName)),
      displayName,
      number: freeNumber(number => this.isTaken(number)),
      role: set.staySeconds === undefined ? (set.role ?? 'member') : 'guest',
      passwordHash: set.passwordHash,
      ...{ doNotDisturbByHand: false, quietHours: undefined, quietSkipped: undefined },
      stay: set.staySeconds === undefined ? undefined : newStay(set.staySeconds * 1_000, this.#held.moment()),
      seenByGuests: set.role === 'owner',
      alsoRings: [],
      doorKeys: '',
      disabled: false,
      createdAt: this.#held.now(),
    }
  }

  /** Nobody's, and nobody's before either, unless the owner asks for it by name. */
  freeName(wanted: string): string {
    let name = wanted
    for (let number = 2; this.isTaken(name) || this.#held.knownNames.has(name); number++) {
      const suffix = `-${number}`
      name = wanted.slice(0, 32 - suffix.length) + suffix
    }
    return name
  }

  /** As a name or a number: both are dialled. */
  isTaken(name: string): boolean {
    const { users, deviceByDigestUser, userByNumber } = this.#held
    return reserved.has(name) || users.has(name) || deviceByDigestUser.has(name) || userByNumber.has(name)
  }

  newDevice(user: UserRow, wish: DeviceWish, token = randomBytes(32).toString('base64url')): NewDevice {
    this.refuseTooManyDevices(user.name)
    const device = { ...this.blankDevice(user.name, wish.name, wish.kind), tokenHash: sha256(token) }
    return { device, token, displayName: user.displayName }
  }

  newSipDevice(user: string, password: string): DeviceRow {
    const hashes = digestHashes(user, this.#held.settings.identity().realm, password)
    return { ...this.blankDevice(user, 'SIP phone', 'sip'), digestUser: user, ...hashes }
  }

  blankDevice(user: string, name: string, kind: DeviceRow['kind']): DeviceRow {
    return {
      id: newId(),
      user,
      name,
      kind,
      tokenHash: undefined,
      digestUser: undefined,
      ha1Md5: undefined,
      ha1Sha256: undefined,
      createdAt: this.#held.now(),
      expiresAt: undefined,
      lastSeenAt: undefined,
    }
  }

  refuseTooManyDevices(user: string): void {
    if (this.#held.devicesOf(user).length < limits.devicesPerUser) return
    throw new DirectoryError('tooMany', `${user} has ${limits.devicesPerUser} devices; remove one first`)
  }

  told(device: DeviceRow, token: string): NewDevice {
    return { device, token, displayName: this.#held.users.get(device.user)?.displayName ?? device.user }
  }
}

export const newId = (): string => randomBytes(9).toString('hex')
