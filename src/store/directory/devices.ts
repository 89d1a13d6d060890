/** The devices: enrolled by token, or SIP phones with a password; renamed, heard of, revoked. */
import { randomInt } from 'node:crypto'
import { digestHashes } from '../credentials.ts'
import type { Statement } from '../database.ts'
import type { DeviceRow } from '../message.ts'
import * as tables from '../tables.ts'
import type { Drafts } from './drafts.ts'
import type { Held } from './held.ts'
import { type DeviceWish, DirectoryError, type NewDevice, notFound } from './message.ts'

/** `lastSeenAt` is for people's eyes; writing it more often would only wear the card. */
const seenStepMilliseconds = 600_000

export class EnrolledDevices {
  readonly #held: Held
  readonly #drafts: Drafts

  constructor(held: Held, drafts: Drafts) {
    this.#held = held
    this.#drafts = drafts
  }

  /** Enrols a device for a person that exists, or for a new one named after `displayName`. */
  enrol(
    whose: { readonly user: string } | { readonly displayName: string },
    wish: DeviceWish,
  ): Promise<NewDevice> {
    return this.#held.exclusively(() => this.enrolWith(whose, wish))
  }

  /** Gives the person's SIP device (the one whose digest user is their name) a new password, making it if needed. */
  setSipPassword(name: string, password: string): Promise<DeviceRow> {
    return this.#held.exclusively(async () => {
      if (!this.#held.users.has(name)) throw notFound(name)
      const fresh = this.#drafts.newSipDevice(name, password)
      const old = this.#held.devices.get(this.#held.deviceByDigestUser.get(name) ?? '')
      if (old !== undefined && old.user !== name)
        throw new DirectoryError('taken', `${name} is a SIP phone of ${old.user}`)
      const device = old ? { ...old, ha1Md5: fresh.ha1Md5, ha1Sha256: fresh.ha1Sha256 } : fresh
      await this.#held.write(tables.putDevice(device))
      this.#held.keepDevice(device)
      this.#held.tell({ kind: 'password', device: device.id })
      return device
    })
  }

  /** A further SIP device with a digest user and a password of its own; the only time the password is told. */
  addSoftphone(
    user: string,
    name: string,
  ): Promise<{ readonly device: DeviceRow; readonly password: string }> {
    return this.#held.exclusively(async () => {
      const person = this.#held.users.get(user)
      if (person === undefined) throw notFound(user)
      if (person.role === 'guest') {
        throw new DirectoryError('guest', 'guests call with a browser; a SIP phone is for those who stay')
      }
      this.#drafts.refuseTooManyDevices(user)
      const password = typedPassword()
      const digestUser = this.#drafts.freeName(`${user.slice(0, 28)}-2`)
      const hashes = digestHashes(digestUser, this.#held.settings.identity().realm, password)
      const device = { ...this.#drafts.blankDevice(user, name, 'sip'), digestUser, ...hashes }
      await this.#held.write(tables.putDevice(device))
      this.#held.keepDevice(device)
      return { device, password }
    })
  }

  rename(id: string, name: string): Promise<DeviceRow> {
    return this.#held.exclusively(async () => {
      const device = this.#held.devices.get(id)
      if (device === undefined) throw notFound('this device')
      const changed = { ...device, name }
      await this.#held.write(tables.putDevice(changed))
      this.#held.keepDevice(changed)
      return changed
    })
  }

  revoke(id: string): Promise<void> {
    return this.#held.exclusively(async () => {
      const device = this.#held.devices.get(id)
      if (device === undefined) throw notFound('this device')
      await this.#held.write(tables.deleteDevice(id))
      this.#held.forgetDevice(device)
      this.#held.tell({ kind: 'revoked', device: id, user: device.user })
    })
  }

  /** The device was heard of: remembered at once, written now and then. */
  seen(id: string): void {
    const device = this.#held.devices.get(id)
    if (device === undefined) return
    const now = this.#held.now()
    const stale = Math.abs(now - (device.lastSeenAt ?? 0)) >= seenStepMilliseconds
    if (!stale) return
    const changed = { ...device, lastSeenAt: now }
    this.#held.keepDevice(changed)
    this.#held
      .exclusively(async () => {
        const current = this.#held.devices.get(id)
        if (current) await this.#held.write(tables.putDevice(current))
      })
      .catch(() => {
        // Only the note of when it was last seen is lost; the next one tries again.
      })
  }

  /** Within a change: what is written `alongside` is written with it or not at all. */
  async enrolWith(
    whose:
      | { readonly user: string }
      | { readonly displayName: string; readonly staySeconds?: number | undefined },
    wish: DeviceWish,
    alongside: readonly Statement[] = [],
  ): Promise<NewDevice> {
    const known = 'user' in whose ? this.#held.users.get(whose.user) : undefined
    if ('user' in whose && known === undefined) throw notFound(whose.user)
    const person = 'user' in whose ? known! : this.#drafts.newUser(whose.displayName, whose)
    const enrolled = this.#drafts.newDevice(person, wish)
    await this.#held.write(
      ...(known ? [] : [tables.putUser(person)]),
      tables.putDevice(enrolled.device),
      ...alongside,
    )
    if (!known) this.#held.keepUser(person)
    this.#held.keepDevice(enrolled.device)
    if (!known) this.#held.tell({ kind: 'people' })
    return enrolled
  }
}

/** 75 bits in letters and digits that nobody mistakes, in groups, to be typed on a telephone. */
function typedPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  const letters = Array.from({ length: 15 }, () => alphabet[randomInt(alphabet.length)]!).join('')
  return letters.match(/.{5}/g)!.join('-')
}
