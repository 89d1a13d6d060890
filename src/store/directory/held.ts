/**
 * What the directory holds in memory, and the discipline of every change: one at a time, on disk before memory shows it,
 * told after that. People, devices, invitations and requests change it by no other way.
 */
import { days, type Epoch, type Monotonic, plausibleFrom } from '../../core/clock.ts'
import { byName } from '../../core/name-order.ts'
import { Phases } from '../../core/quiet-hours.ts'
import type { Rows } from '../client.ts'
import type { Statement } from '../database.ts'
import type { DeviceRow, InviteRow, RequestRow, UserRow } from '../message.ts'
import type { Settings } from '../settings.ts'
import { leftOf, type StayMoment } from '../stay.ts'
import * as tables from '../tables.ts'
import type { DirectoryEvent } from './message.ts'
import { numbersFor } from './numbers.ts'

/** From name to name in each index, so that years of calls cost no more than their people. */
const namesOfCalls = (() => {
  const places = [
    ['calls', 'caller_user'],
    ['calls', 'callee_user'],
    ['calls', 'answerer_user'],
    ['calls_missed_by', 'user'],
  ]
  const walks = places.map(
    (
      [table, column],
      at,
    ) => `walk${at} (name) as (select min(${column}) from ${table} where ${column} is not null
      union all select (select min(${column}) from ${table} where ${column} > name) from walk${at} where name is not null)`,
  )
  const names = places.map((_place, at) => `select name from walk${at} where name is not null`)
  return `with recursive ${walks.join(', ')} ${names.join(' union ')}`
})()

export class Held {
  readonly settings: Settings
  readonly now: () => Epoch
  readonly running: () => Monotonic
  readonly users = new Map<string, UserRow>()
  readonly devices = new Map<string, DeviceRow>()
  readonly deviceByTokenHash = new Map<string, string>()
  readonly deviceByDigestUser = new Map<string, string>()
  readonly userByNumber = new Map<string, string>()
  readonly phases = new Phases()
  readonly invites = new Map<string, InviteRow>()
  readonly requests = new Map<string, RequestRow>()
  /**
   * Names that calls were kept of when it was looked last, and of whoever went since: whoever is given one sees those calls.
   * Present people's are among them.
   */
  knownNames = new Set<string>()
  readonly #rows: Rows
  readonly #devicesOfUser = new Map<string, Set<string>>()
  #inOrder: readonly UserRow[] | undefined
  readonly #listeners = new Set<(event: DirectoryEvent) => void>()
  #lastChange: Promise<unknown> = Promise.resolve()

  constructor(rows: Rows, settings: Settings, now: () => Epoch, running: () => Monotonic) {
    this.#rows = rows
    this.settings = settings
    this.now = now
    this.running = running
  }

  async load(loadedAt: Monotonic): Promise<void> {
    const [users, devices, invites, requests] = await Promise.all([
      this.#rows.read('select * from users order by created_at, name'),
      this.#rows.read('select * from devices order by created_at, id'),
      this.#rows.read('select * from invites'),
      this.#rows.read('select * from requests order by created_at'),
      this.lookForNames(),
    ])
    for (const row of devices) this.keepDevice(tables.deviceOf(row))
    const names = new Set([...users.map(row => String(row.name)), ...this.deviceByDigestUser.keys()])
    const numbers = numbersFor(users, name => names.has(name))
    for (const [at, row] of users.entries()) {
      this.keepUser(tables.userOf({ ...row, number: numbers[at]! }, loadedAt))
    }
    const unnumbered = users.filter(row => row.number === null).map(row => this.users.get(String(row.name))!)
    for (const row of invites) this.invites.set(String(row.id), tables.inviteOf(row))
    for (const row of requests) this.requests.set(String(row.id), tables.requestOf(row))
    // Before anything else: a machine that is restarted every minute must not forget any of them.
    await this.write(...[...this.guests(), ...unnumbered].map(tables.putUser)).catch(() => {
      // A full disk is said by whoever writes next; people shall be able to call all the same.
    })
  }

  /** Those of calls that are forgotten are free again. */
  async lookForNames(): Promise<void> {
    const called = await this.#rows.read(namesOfCalls)
    this.knownNames = new Set(called.map(({ name }) => String(name)))
  }

  // The discipline of a change

  /** One change at a time: what a change checked still holds when it is written. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change)
    this.#lastChange = result.catch(() => {})
    return result
  }

  /** Resolves when all of it is on disk. */
  write(...statements: readonly Statement[]): Promise<unknown> {
    return this.#rows.write(...statements)
  }

  tell(event: DirectoryEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Returns how to stop listening. */
  onChange(listener: (event: DirectoryEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // Reading

  /** The device, unless it or its person may not connect now. */
  alive(id: string | undefined): DeviceRow | undefined {
    const device = id === undefined ? undefined : this.devices.get(id)
    if (device?.expiresAt !== undefined && device.expiresAt <= this.now()) return undefined
    const owner = device && this.users.get(device.user)
    if (owner?.disabled) return undefined
    const stay = owner?.stay
    if (stay !== undefined && leftOf(stay, this.moment()) === 0) return undefined
    return device
  }

  owner(): UserRow | undefined {
    return [...this.users.values()].find(user => user.role === 'owner')
  }

  /** Everybody, in the order that people look for names in. */
  inOrder(): readonly UserRow[] {
    this.#inOrder ??= [...this.users.values()].sort(byName)
    return this.#inOrder
  }

  devicesOf(user: string): readonly DeviceRow[] {
    return [...(this.#devicesOfUser.get(user) ?? [])].map(id => this.devices.get(id)!)
  }

  guests(): readonly UserRow[] {
    return [...this.users.values()].filter(user => user.stay !== undefined)
  }

  /** Everybody whose calls ring at one of `names` as well, as they are once those are gone. */
  ringingWithout(names: readonly string[]): readonly UserRow[] {
    return [...this.users.values()]
      .filter(({ name, alsoRings }) => !names.includes(name) && alsoRings.some(one => names.includes(one)))
      .map(user => ({ ...user, alsoRings: user.alsoRings.filter(one => !names.includes(one)) }))
  }

  moment(): StayMoment {
    return { now: this.now(), running: this.running() }
  }

  // Memory, after the disk

  keepUser(user: UserRow): void {
    const before = this.users.get(user.name)
    this.userByNumber.delete(before?.number ?? '')
    this.userByNumber.set(user.number, user.name)
    this.users.set(user.name, user)
    // Anybody may change what is said of them, and often: that must not sort everybody anew.
    this.#inOrder = this.#inOrder && placed(this.#inOrder, before, user)
  }

  /** `isGuestOver`: nobody removed them, their time is over. */
  forgetUser(name: string, isGuestOver = false): void {
    const devices = this.devicesOf(name)
    const before = this.users.get(name)
    this.userByNumber.delete(before?.number ?? '')
    this.users.delete(name)
    this.#inOrder = this.#inOrder?.filter(user => user !== before)
    this.knownNames.add(name)
    for (const device of devices) this.forgetDevice(device)
    this.#devicesOfUser.delete(name)
    for (const invite of this.invites.values()) if (invite.user === name) this.invites.delete(invite.id)
    for (const request of this.requests.values()) if (request.user === name) this.requests.delete(request.id)
    for (const device of devices) {
      this.tell({ kind: 'revoked', device: device.id, user: name, ...(isGuestOver && { isGuestOver }) })
    }
  }

  keepDevice(device: DeviceRow): void {
    this.devices.set(device.id, device)
    if (device.tokenHash !== undefined) this.deviceByTokenHash.set(device.tokenHash, device.id)
    if (device.digestUser !== undefined) this.deviceByDigestUser.set(device.digestUser, device.id)
    const siblings = this.#devicesOfUser.get(device.user)
    if (siblings) siblings.add(device.id)
    else this.#devicesOfUser.set(device.user, new Set([device.id]))
  }

  forgetDevice(device: DeviceRow): void {
    this.devices.delete(device.id)
    this.#devicesOfUser.get(device.user)?.delete(device.id)
    if (device.tokenHash !== undefined) this.deviceByTokenHash.delete(device.tokenHash)
    if (device.digestUser !== undefined) this.deviceByDigestUser.delete(device.digestUser)
    for (const request of this.requests.values()) {
      if (request.device === device.id) this.requests.delete(request.id)
    }
  }
}

/** `users`, which are in order, with `user` in the place of `before`, or where it belongs. */
function placed(users: readonly UserRow[], before: UserRow | undefined, user: UserRow): readonly UserRow[] {
  if (before?.displayName === user.displayName) return users.with(users.indexOf(before), user)
  const others = users.filter(one => one !== before)
  let [from, to] = [0, others.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (byName(others[middle]!, user) > 0) to = middle
    else from = middle + 1
  }
  return others.toSpliced(from, 0, user)
}

/** A clock is set back by less on its own. */
const setBackMilliseconds = days(1)

/**
 * Made under an unset clock, nobody knows how old it is: counted as new until it is used or withdrawn. Made under one that
 * was ahead, it would last until that time comes: counted as over.
 */
export function elapsed(from: Epoch, now: Epoch): number {
  if (now < plausibleFrom) return Math.max(0, now - from)
  if (from < plausibleFrom) return 0
  return from - now > setBackMilliseconds ? Number.POSITIVE_INFINITY : Math.max(0, now - from)
}
