/**
 * People and what they may connect with: read from memory at once (SIP and signalling ask here on every packet),
 * changed one at a time, each change on disk before memory shows it and before its promise resolves. Failures that
 * are the caller's are `DirectoryError`, the disk's are `StoreError`.
 */
import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { days, type Epoch, type Monotonic, plausibleFrom } from '../core/clock.ts'
import { sourceOf } from '../core/endpoint.ts'
import type { JoinAsk } from '../signalling/message.ts'
import type { DeviceIdentity, Devices, PersonIdentity } from '../signalling/ports.ts'
import type { Credential } from '../sip/message.ts'
import type { Accounts } from '../sip/ports.ts'
import type { Rows } from './client.ts'
import { digestHashes, isUserName, sha256, userNameFrom } from './credentials.ts'
import type { Statement } from './database.ts'
import type { DeviceRow, InviteRow, RequestRow, UserRow } from './message.ts'
import type { Settings } from './settings.ts'
import { countEveryMilliseconds, countedAnew, leftOf, newStay, type StayMoment } from './stay.ts'
import * as tables from './tables.ts'

export type DirectoryErrorCode =
  | 'notFound'
  | 'taken'
  | 'badName'
  | 'claimed'
  | 'owner'
  | 'tooMany'
  | 'tooManyWaiting'
  | 'badInvite'
  | 'notGuest'
  | 'guest'

/** A refusal with a stable code and a sentence for people; `detail` tells cases of one code apart. */
export class DirectoryError extends Error {
  readonly code: DirectoryErrorCode
  readonly detail: string | undefined

  constructor(code: DirectoryErrorCode, message: string, detail?: string) {
    super(message)
    this.name = 'DirectoryError'
    this.code = code
    this.detail = detail
  }
}

export type DirectoryEvent =
  /** The device's right is gone, by itself or with its person: end its flows, calls and registrations now. */
  | { readonly kind: 'revoked'; readonly device: string; readonly user: string }
  /** The same for now: the device keeps what it connects with, and may be let in again. */
  | { readonly kind: 'disabled'; readonly device: string; readonly user: string }
  /** Who is there, what they are called or whether they may be disturbed has changed. */
  | { readonly kind: 'people' }
  /** The device goes on by another password. */
  | { readonly kind: 'password'; readonly device: string }
  /** Somebody asks to join, or was answered. */
  | { readonly kind: 'requests' }

/** The only time a device's token is told. */
export interface NewDevice {
  readonly device: DeviceRow
  readonly token: string
  readonly displayName: string
}

export interface DeviceWish {
  readonly name: string
  readonly kind: 'page' | 'app'
}

export const limits = {
  users: 10_000,
  devicesPerUser: 50,
  invites: 1_000,
  /** Used or expired ones that are remembered. */
  invitesSpent: 1_000,
  requestsWaiting: 50,
  /** Of one IPv4 address or IPv6 /64: nobody takes all places. */
  requestsPerSource: 5,
} as const

/** Names of persons whom the exchange itself plays. */
const reserved: ReadonlySet<string> = new Set(['echo'])
const requestLifetimeMilliseconds = days(1)
/** For so long whoever holds a used or expired invitation is told so. */
const spentInviteMilliseconds = days(30)
/** `lastSeenAt` is for people's eyes; writing it more often would only wear the card. */
const seenStepMilliseconds = 600_000
const notFound = (what: string): DirectoryError =>
  new DirectoryError('notFound', `${what} does not exist (any more)`)

export class Directory implements Accounts, Devices {
  readonly #rows: Rows
  readonly #settings: Settings
  readonly #now: () => Epoch
  readonly #running: () => Monotonic
  readonly #users = new Map<string, UserRow>()
  readonly #devices = new Map<string, DeviceRow>()
  readonly #devicesOfUser = new Map<string, Set<string>>()
  readonly #deviceByTokenHash = new Map<string, string>()
  readonly #deviceByDigestUser = new Map<string, string>()
  readonly #invites = new Map<string, InviteRow>()
  readonly #requests = new Map<string, RequestRow>()
  readonly #listeners = new Set<(event: DirectoryEvent) => void>()
  #lastChange: Promise<unknown> = Promise.resolve()
  #staysCountedAt: Monotonic

  private constructor(rows: Rows, settings: Settings, now: () => Epoch, running: () => Monotonic) {
    this.#rows = rows
    this.#settings = settings
    this.#now = now
    this.#running = running
    this.#staysCountedAt = running()
  }

  static async load(
    rows: Rows,
    settings: Settings,
    now: () => Epoch,
    running: () => Monotonic,
  ): Promise<Directory> {
    const directory = new Directory(rows, settings, now, running)
    const [users, devices, invites, requests] = await Promise.all([
      rows.read('select * from users order by created_at, name'),
      rows.read('select * from devices order by created_at, id'),
      rows.read('select * from invites'),
      rows.read('select * from requests order by created_at'),
    ])
    for (const row of users) directory.#keepUser(tables.userOf(row, directory.#staysCountedAt))
    for (const row of devices) directory.#keepDevice(tables.deviceOf(row))
    for (const row of invites) directory.#invites.set(String(row.id), tables.inviteOf(row))
    for (const row of requests) directory.#requests.set(String(row.id), tables.requestOf(row))
    // Before anything else: a machine that is restarted every minute must not forget any of them.
    await rows.write(...directory.#guests().map(tables.putUser)).catch(() => {
      // A full disk is said by whoever writes next; people shall be able to call all the same.
    })
    return directory
  }

  /** Returns how to stop listening. */
  onChange(listener: (event: DirectoryEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // What SIP asks

  byDigestUser(name: string): Credential | undefined {
    const device = this.#alive(this.#deviceByDigestUser.get(name))
    if (device?.ha1Md5 === undefined || device.ha1Sha256 === undefined) return undefined
    return { device: device.id, user: device.user, ha1Md5: device.ha1Md5, ha1Sha256: device.ha1Sha256 }
  }

  personOf(addressUser: string): string | undefined {
    if (this.#users.has(addressUser)) return addressUser
    return this.#alive(this.#deviceByDigestUser.get(addressUser))?.user
  }

  user(name: string): UserRow | undefined {
    return this.#users.get(name)
  }

  userOfDevice(device: string): string | undefined {
    return this.#alive(device)?.user
  }

  mayCall(caller: string, callee: string): boolean {
    if (caller === callee || this.#users.get(caller)?.role !== 'guest') return true
    return this.#users.get(callee)?.seenByGuests ?? false
  }

  // What signalling asks

  byTokenHash(hash: string): DeviceIdentity | undefined {
    const known = this.#devices.get(this.#deviceByTokenHash.get(hash) ?? '')
    const disabled = known !== undefined && this.#users.get(known.user)?.disabled === true
    const device = disabled ? known : this.#alive(known?.id)
    if (device === undefined) return undefined
    return {
      disabled,
      device: device.id,
      user: device.user,
      displayName: this.#users.get(device.user)?.displayName ?? device.user,
    }
  }

  /** The same, for who has the token itself. */
  byToken(token: string): DeviceIdentity | undefined {
    const known = this.byTokenHash(sha256(token))
    return known?.disabled ? undefined : known
  }

  person(user: string): PersonIdentity | undefined {
    const row = this.#users.get(user)
    return row && personOf(row)
  }

  people(): readonly PersonIdentity[] {
    return [...this.#users.values()].map(personOf)
  }

  place(): string {
    return this.#settings.place()
  }

  staySeconds(user: string): number | null {
    const stay = this.#users.get(user)?.stay
    if (stay === undefined) return null
    return Math.round(leftOf(stay, this.#moment()) / 1_000)
  }

  /** When a guest's time is over, as far as this machine's clock can say. */
  stayUntil(user: string): Epoch | undefined {
    const stay = this.#users.get(user)?.stay
    return stay && (Math.round(this.#now() + leftOf(stay, this.#moment())) as Epoch)
  }

  joinAsks(): readonly JoinAsk[] {
    return this.requests()
      .filter(request => request.state === 'waiting')
      .map(({ id, displayName, deviceName, createdAt }) => ({
        id,
        name: displayName,
        device: deviceName,
        at: createdAt,
      }))
  }

  // What the console asks

  users(): readonly UserRow[] {
    return [...this.#users.values()]
  }

  owner(): UserRow | undefined {
    return this.users().find(user => user.role === 'owner')
  }

  device(id: string): DeviceRow | undefined {
    return this.#devices.get(id)
  }

  devices(user?: string): readonly DeviceRow[] {
    if (user === undefined) return [...this.#devices.values()]
    return [...(this.#devicesOfUser.get(user) ?? [])].map(id => this.#devices.get(id)!)
  }

  /** Unused and not expired. */
  invites(): readonly InviteRow[] {
    return [...this.#invites.values()].filter(invite => !this.#isSpent(invite))
  }

  requests(): readonly RequestRow[] {
    return [...this.#requests.values()]
  }

  request(id: string): RequestRow | undefined {
    return this.#requests.get(id)
  }

  // Changes

  /** Makes the first person, who owns the appliance, and names the place. Rejects (`claimed`) when there is an owner. */
  claim(wish: {
    readonly displayName: string
    readonly place: string
    readonly showNames?: boolean | undefined
    readonly passwordHash: string
    readonly device: DeviceWish
  }): Promise<NewDevice> {
    return this.#exclusively(async () => {
      if (this.owner())
        throw new DirectoryError('claimed', 'this appliance has an owner already; log in instead')
      const user = this.#newUser(wish.displayName, { role: 'owner', passwordHash: wish.passwordHash })
      const enrolled = this.#newDevice(user, wish.device)
      await this.#settings.changeSite({ place: wish.place, showNames: wish.showNames })
      await this.#rows.write(tables.putUser(user), tables.putDevice(enrolled.device))
      this.#keepUser(user)
      this.#keepDevice(enrolled.device)
      this.#tell({ kind: 'people' })
      return enrolled
    })
  }

  /** Makes a person; with `sipPassword` also a SIP device, its digest user the person's name. */
  addUser(wish: {
    readonly name: string
    readonly displayName?: string | undefined
    readonly sipPassword?: string | undefined
  }): Promise<UserRow> {
    return this.#exclusively(async () => {
      if (!isUserName(wish.name)) {
        throw new DirectoryError(
          'badName',
          `${JSON.stringify(wish.name)} is no name: use up to 32 of a-z, 0-9, - and .`,
        )
      }
      // The name of a SIP device is an address of its person: nobody else may come to go by it.
      if (this.#isTaken(wish.name)) throw new DirectoryError('taken', `${wish.name} exists already`)
      const user = this.#newUser(wish.displayName ?? wish.name, { name: wish.name })
      const device =
        wish.sipPassword === undefined ? undefined : this.#newSipDevice(user.name, wish.sipPassword)
      await this.#rows.write(tables.putUser(user), ...(device ? [tables.putDevice(device)] : []))
      this.#keepUser(user)
      if (device) this.#keepDevice(device)
      this.#tell({ kind: 'people' })
      return user
    })
  }

  changeUser(
    name: string,
    change: {
      readonly displayName?: string | undefined
      readonly doNotDisturb?: boolean | undefined
      readonly passwordHash?: string | undefined
      readonly seenByGuests?: boolean | undefined
      /** The last owner stays one, and stays enabled. */
      readonly disabled?: boolean | undefined
      readonly role?: 'owner' | 'member' | undefined
      /** A guest's time from now on; null: they stay for good, as a member. */
      readonly staySeconds?: number | null | undefined
    },
  ): Promise<UserRow> {
    return this.#exclusively(async () => {
      const user = this.#users.get(name)
      if (user === undefined) throw notFound(name)
      const { staySeconds, ...rest } = change
      if (staySeconds !== undefined && user.role !== 'guest') {
        throw new DirectoryError('notGuest', `${name} is no guest: only a guest's time can be changed`)
      }
      this.#keepAnOwner(user, change)
      const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
      const changed: UserRow = {
        ...user,
        ...given,
        ...(staySeconds === null ? { role: 'member', stay: undefined } : {}),
        ...(typeof staySeconds === 'number' ? { stay: newStay(staySeconds * 1_000, this.#moment()) } : {}),
      }
      await this.#rows.write(tables.putUser(changed))
      this.#keepUser(changed)
      if (changed.disabled && !user.disabled) {
        for (const device of this.devices(name))
          this.#tell({ kind: 'disabled', device: device.id, user: name })
      }
      this.#tell({ kind: 'people' })
      return changed
    })
  }

  /** Gives the person's SIP device (the one whose digest user is their name) a new password, making it if needed. */
  setSipPassword(name: string, password: string): Promise<DeviceRow> {
    return this.#exclusively(async () => {
      if (!this.#users.has(name)) throw notFound(name)
      const fresh = this.#newSipDevice(name, password)
      const old = this.#devices.get(this.#deviceByDigestUser.get(name) ?? '')
      if (old !== undefined && old.user !== name)
        throw new DirectoryError('taken', `${name} is a SIP phone of ${old.user}`)
      const device = old ? { ...old, ha1Md5: fresh.ha1Md5, ha1Sha256: fresh.ha1Sha256 } : fresh
      await this.#rows.write(tables.putDevice(device))
      this.#keepDevice(device)
      this.#tell({ kind: 'password', device: device.id })
      return device
    })
  }

  /** A further SIP device with a digest user and a password of its own; the only time the password is told. */
  addSoftphone(
    user: string,
    name: string,
  ): Promise<{ readonly device: DeviceRow; readonly password: string }> {
    return this.#exclusively(async () => {
      const person = this.#users.get(user)
      if (person === undefined) throw notFound(user)
      if (person.role === 'guest') {
        throw new DirectoryError('guest', 'guests call with a browser; a SIP phone is for those who stay')
      }
      this.#refuseTooManyDevices(user)
      const password = typedPassword()
      const digestUser = this.#freeName(`${user.slice(0, 28)}-2`)
      const hashes = digestHashes(digestUser, this.#settings.identity().realm, password)
      const device = { ...this.#blankDevice(user, name, 'sip'), digestUser, ...hashes }
      await this.#rows.write(tables.putDevice(device))
      this.#keepDevice(device)
      return { device, password }
    })
  }

  /** The person, all their devices and invites. The last owner cannot be removed. */
  removeUser(name: string): Promise<void> {
    return this.#exclusively(async () => {
      const user = this.#users.get(name)
      if (user === undefined) throw notFound(name)
      this.#keepAnOwner(user, { disabled: true })
      await this.#rows.write(tables.deleteUser(name))
      this.#forgetUser(name)
      this.#tell({ kind: 'people' })
    })
  }

  /** Enrols a device for a person that exists, or for a new one named after `displayName`. */
  enrol(
    whose: { readonly user: string } | { readonly displayName: string },
    wish: DeviceWish,
  ): Promise<NewDevice> {
    return this.#exclusively(() => this.#enrol(whose, wish))
  }

  /** For whom an invite is, by its token; undefined: for somebody new. Throws (`badInvite`). */
  invited(token: string): UserRow | undefined {
    const { user } = this.#inviteOf(token)
    return user === undefined ? undefined : this.#users.get(user)
  }

  /** Enrols by an invite's token, which is used up by it. Rejects (`badInvite`). */
  enrolByInvite(token: string, displayName: string, wish: DeviceWish): Promise<NewDevice> {
    return this.#exclusively(async () => {
      const invite = this.#inviteOf(token)
      const staySeconds = this.#stayLeft(invite)
      const whose = invite.user === undefined ? { displayName, staySeconds } : { user: invite.user }
      const used = { ...invite, usedAt: this.#now() }
      const enrolled = await this.#enrol(whose, wish, [tables.putInvite(used)])
      this.#invites.set(used.id, used)
      return enrolled
    })
  }

  renameDevice(id: string, name: string): Promise<DeviceRow> {
    return this.#exclusively(async () => {
      const device = this.#devices.get(id)
      if (device === undefined) throw notFound('this device')
      const changed = { ...device, name }
      await this.#rows.write(tables.putDevice(changed))
      this.#keepDevice(changed)
      return changed
    })
  }

  revokeDevice(id: string): Promise<void> {
    return this.#exclusively(async () => {
      const device = this.#devices.get(id)
      if (device === undefined) throw notFound('this device')
      await this.#rows.write(tables.deleteDevice(id))
      this.#forgetDevice(device)
      this.#tell({ kind: 'revoked', device: id, user: device.user })
    })
  }

  /** The device was heard of: remembered at once, written now and then. */
  seen(id: string): void {
    const device = this.#devices.get(id)
    if (device === undefined) return
    const now = this.#now()
    const stale = Math.abs(now - (device.lastSeenAt ?? 0)) >= seenStepMilliseconds
    if (!stale) return
    const changed = { ...device, lastSeenAt: now }
    this.#keepDevice(changed)
    this.#exclusively(async () => {
      const current = this.#devices.get(id)
      if (current) await this.#rows.write(tables.putDevice(current))
    }).catch(() => {
      // Only the note of when it was last seen is lost; the next one tries again.
    })
  }

  /** The only time the token is told. */
  addInvite(
    user: string | undefined,
    lifetimeMilliseconds: number,
    staySeconds?: number,
    stayFromNow = false,
  ): Promise<{ readonly invite: InviteRow; readonly token: string }> {
    return this.#exclusively(async () => {
      if (user !== undefined && !this.#users.has(user)) throw notFound(user)
      if (this.invites().length >= limits.invites) {
        throw new DirectoryError(
          'tooMany',
          `there are ${limits.invites} open invitations; withdraw some first`,
        )
      }
      const token = randomBytes(24).toString('base64url')
      const createdAt = this.#now()
      const expiresAt = (createdAt + lifetimeMilliseconds) as Epoch
      const invite: InviteRow = {
        id: newId(),
        tokenHash: sha256(token),
        user,
        staySeconds,
        stayFromNow,
        createdAt,
        expiresAt,
        usedAt: undefined,
      }
      await this.#rows.write(tables.putInvite(invite))
      this.#invites.set(invite.id, invite)
      return { invite, token }
    })
  }

  removeInvite(id: string): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.invites().some(invite => invite.id === id)) throw notFound('this invitation')
      await this.#rows.write(tables.deleteInvite(id))
      this.#invites.delete(id)
    })
  }

  /**
   * Somebody at `address` asks to join. The secret fetches the answer; it is told only here. A page that gives the id it
   * made for itself has one open request: asking again tells the same secret, under another name it is a new request in
   * place of the old. Rejects (`tooManyWaiting`).
   */
  addRequest(wish: {
    readonly displayName: string
    readonly device: DeviceWish
    readonly address: string
    readonly page?: string | undefined
  }): Promise<{ readonly request: RequestRow; readonly secret: string }> {
    return this.#exclusively(async () => {
      const { displayName, device, address, page } = wish
      const said = { displayName, deviceName: device.name, kind: device.kind, address }
      const pageHash = page === undefined ? undefined : sha256(page)
      const open = this.#openRequestOf(pageHash)
      // What the owner has answered for stays as it was; what waits keeps the name they may be answering for just now.
      if (open !== undefined && (open.state === 'allowed' || open.displayName === displayName))
        return { request: open, secret: this.#pageSecret(page!, open.id) }
      if (open === undefined) this.#refuseTooManyWaiting(address)
      const id = newId()
      const secret = page === undefined ? randomBytes(24).toString('base64url') : this.#pageSecret(page, id)
      const request: RequestRow = {
        ...said,
        id,
        secretHash: sha256(secret),
        pageHash,
        state: 'waiting',
        user: undefined,
        device: undefined,
        createdAt: this.#now(),
      }
      await this.#rows.write(...(open ? [tables.deleteRequest(open.id)] : []), tables.putRequest(request))
      if (open) this.#requests.delete(open.id)
      this.#requests.set(id, request)
      this.#tell({ kind: 'requests' })
      return { request, secret }
    })
  }

  /** Lets the asker in as `user`, or as a new person named as they said, who is a guest if the stay is limited. */
  allowRequest(
    id: string,
    how: { readonly user?: string | undefined; readonly staySeconds?: number | undefined },
  ): Promise<RequestRow> {
    const { user, staySeconds } = how
    return this.#exclusively(async () => {
      const request = this.#requests.get(id)
      if (request === undefined || request.state !== 'waiting') throw notFound('this request')
      if (user !== undefined && !this.#users.has(user)) throw notFound(user)
      const person = user === undefined ? this.#newUser(request.displayName, { staySeconds }) : undefined
      const answered: RequestRow = { ...request, state: 'allowed', user: user ?? person!.name }
      await this.#rows.write(...(person ? [tables.putUser(person)] : []), tables.putRequest(answered))
      if (person) this.#keepUser(person)
      this.#requests.set(id, answered)
      this.#tell({ kind: 'requests' })
      if (person) this.#tell({ kind: 'people' })
      return answered
    })
  }

  denyRequest(id: string): Promise<RequestRow> {
    return this.#exclusively(async () => {
      const request = this.#requests.get(id)
      if (request === undefined || request.state !== 'waiting') throw notFound('this request')
      const answered: RequestRow = { ...request, state: 'denied' }
      await this.#rows.write(tables.putRequest(answered))
      this.#requests.set(id, answered)
      this.#tell({ kind: 'requests' })
      return answered
    })
  }

  /**
   * What the asker may know. An allowed request becomes a device at the first fetch; later fetches with the same
   * secret tell the same token, so that a lost answer costs nothing. Rejects (`notFound`) on a wrong secret.
   */
  fetchRequest(
    id: string,
    secret: string,
  ): Promise<{ readonly state: RequestRow['state']; readonly enrolled: NewDevice | undefined }> {
    return this.#exclusively(async () => {
      const request = this.#requests.get(id)
      if (request === undefined || !sameText(request.secretHash, sha256(secret)))
        throw notFound('this request')
      if (request.state !== 'allowed') return { state: request.state, enrolled: undefined }
      const token = createHmac('sha256', this.#settings.identity().tokenKey)
        .update(`request:${id}:${secret}`)
        .digest('base64url')
      const known = this.#devices.get(request.device ?? '')
      if (known) return { state: 'allowed', enrolled: this.#told(known, token) }
      if (request.device !== undefined) throw notFound('this request')
      const user = this.#users.get(request.user!)
      if (user === undefined) throw notFound('this request')
      const { device } = this.#newDevice(user, { name: request.deviceName, kind: request.kind }, token)
      const done = { ...request, device: device.id }
      await this.#rows.write(tables.putDevice(device), tables.putRequest(done))
      this.#keepDevice(device)
      this.#requests.set(id, done)
      return { state: 'allowed', enrolled: this.#told(device, token) }
    })
  }

  /** Writes exactly what is left of every stay, for a stop that is not by surprise. */
  keepStays(): Promise<void> {
    return this.#exclusively(async () => {
      const at = this.#moment()
      await this.#rows.write(
        ...this.#guests().map(user => tables.putStayLeft(user.name, leftOf(user.stay!, at))),
      )
    })
  }

  /** Ends what has expired: guests, devices, invites, requests older than a day. To be called every few seconds. */
  sweep(): Promise<void> {
    return this.#exclusively(async () => {
      const now = this.#now()
      await this.#sweepGuests()
      const devices = this.devices().filter(
        device => device.expiresAt !== undefined && device.expiresAt <= now,
      )
      const invites = this.#invitesToForget(now)
      const requests = this.requests().filter(
        request => elapsed(request.createdAt, now) > requestLifetimeMilliseconds,
      )
      if (requests.length + invites.length + devices.length === 0) return
      await this.#rows.write(
        ...requests.map(request => tables.deleteRequest(request.id)),
        ...invites.map(invite => tables.deleteInvite(invite.id)),
        ...devices.map(device => tables.deleteDevice(device.id)),
      )
      for (const request of requests) this.#requests.delete(request.id)
      for (const invite of invites) this.#invites.delete(invite.id)
      for (const device of devices) {
        this.#forgetDevice(device)
        this.#tell({ kind: 'revoked', device: device.id, user: device.user })
      }
      if (requests.length > 0) this.#tell({ kind: 'requests' })
    })
  }

  /** Waiting, or allowed and not fetched. */
  #openRequestOf(pageHash: string | undefined): RequestRow | undefined {
    if (pageHash === undefined) return undefined
    return this.requests().find(
      request => request.pageHash === pageHash && request.state !== 'denied' && request.device === undefined,
    )
  }

  #pageSecret(page: string, id: string): string {
    const { tokenKey } = this.#settings.identity()
    return createHmac('sha256', tokenKey).update(`page:${id}:${page}`).digest('base64url')
  }

  #refuseTooManyWaiting(address: string): void {
    const waiting = this.requests().filter(request => request.state === 'waiting')
    const source = sourceOf(address)
    const here = waiting.filter(request => sourceOf(request.address) === source)
    if (waiting.length < limits.requestsWaiting && here.length < limits.requestsPerSource) return
    throw new DirectoryError(
      'tooManyWaiting',
      'enough people are waiting to be let in; ask the owner to answer them, then try again',
    )
  }

  #inviteOf(token: string): InviteRow {
    const hash = sha256(token)
    const invite = [...this.#invites.values()].find(candidate => candidate.tokenHash === hash)
    if (invite !== undefined && !this.#isSpent(invite)) return invite
    // Whoever holds the token of one that was good may know what became of it.
    const detail = invite === undefined ? 'unknown' : invite.usedAt === undefined ? 'expired' : 'used'
    throw new DirectoryError('badInvite', `${badInvite[detail]}; ask for a new one`, detail)
  }

  /** How long somebody who uses it now is to stay. */
  #stayLeft({ staySeconds, stayFromNow, createdAt }: InviteRow): number | undefined {
    if (staySeconds === undefined || !stayFromNow) return staySeconds
    return Math.max(1, staySeconds - elapsed(createdAt, this.#now()) / 1_000)
  }

  #isSpent(invite: InviteRow): boolean {
    return invite.usedAt !== undefined || this.#expired(invite)
  }

  #invitesToForget(now: Epoch): readonly InviteRow[] {
    const spentAt = (invite: InviteRow): Epoch => invite.usedAt ?? invite.expiresAt
    const spent = [...this.#invites.values()].filter(invite => this.#isSpent(invite))
    spent.sort((a, b) => spentAt(b) - spentAt(a))
    const old = (invite: InviteRow): boolean => elapsed(spentAt(invite), now) > spentInviteMilliseconds
    return spent.filter((invite, index) => index >= limits.invitesSpent || old(invite))
  }

  async #sweepGuests(): Promise<void> {
    const at = this.#moment()
    const over = this.#guests().filter(user => leftOf(user.stay!, at) === 0)
    const isDue = at.running - this.#staysCountedAt >= countEveryMilliseconds
    // A clock that was set meanwhile counts at once.
    const anew = this.#guests()
      .filter(user => !over.includes(user))
      .map(user => ({ ...user, stay: countedAnew(user.stay!, at) }))
      .filter(user => isDue || user.stay.from !== this.#users.get(user.name)!.stay!.from)
    if (isDue) this.#staysCountedAt = at.running
    if (over.length + anew.length === 0) return
    await this.#rows.write(...over.map(user => tables.deleteUser(user.name)), ...anew.map(tables.putUser))
    for (const user of anew) this.#keepUser(user)
    for (const user of over) this.#forgetUser(user.name)
    if (over.length > 0) this.#tell({ kind: 'people' })
  }

  #guests(): readonly UserRow[] {
    return this.users().filter(user => user.stay !== undefined)
  }

  #moment(): StayMoment {
    return { now: this.#now(), running: this.#running() }
  }

  async #enrol(
    whose:
      | { readonly user: string }
      | { readonly displayName: string; readonly staySeconds?: number | undefined },
    wish: DeviceWish,
    alongside: readonly Statement[] = [],
  ): Promise<NewDevice> {
    const known = 'user' in whose ? this.#users.get(whose.user) : undefined
    if ('user' in whose && known === undefined) throw notFound(whose.user)
    const person = 'user' in whose ? known! : this.#newUser(whose.displayName, whose)
    const enrolled = this.#newDevice(person, wish)
    await this.#rows.write(
      ...(known ? [] : [tables.putUser(person)]),
      tables.putDevice(enrolled.device),
      ...alongside,
    )
    if (!known) this.#keepUser(person)
    this.#keepDevice(enrolled.device)
    if (!known) this.#tell({ kind: 'people' })
    return enrolled
  }

  #newUser(
    displayName: string,
    set: Partial<Pick<UserRow, 'name' | 'role' | 'passwordHash'>> & {
      readonly staySeconds?: number | undefined
    },
  ): UserRow {
    if (this.#users.size >= limits.users) {
      throw new DirectoryError('tooMany', `there are ${limits.users} people already; remove some first`)
    }
    return {
      name: set.name ?? this.#freeName(userNameFrom(displayName)),
      displayName,
      role: set.staySeconds === undefined ? (set.role ?? 'member') : 'guest',
      passwordHash: set.passwordHash,
      doNotDisturb: false,
      stay: set.staySeconds === undefined ? undefined : newStay(set.staySeconds * 1_000, this.#moment()),
      seenByGuests: set.role === 'owner',
      disabled: false,
      createdAt: this.#now(),
    }
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
    const others = this.users().filter(
      ({ name, role, disabled }) => role === 'owner' && !disabled && name !== user.name,
    )
    if (others.length === 0)
      throw new DirectoryError('owner', `${user.name} is the only owner; make somebody else owner first`)
  }

  #freeName(wanted: string): string {
    let name = wanted
    for (let number = 2; this.#isTaken(name); number++) {
      const suffix = `-${number}`
      name = wanted.slice(0, 32 - suffix.length) + suffix
    }
    return name
  }

  #isTaken(name: string): boolean {
    return reserved.has(name) || this.#users.has(name) || this.#deviceByDigestUser.has(name)
  }

  #newDevice(user: UserRow, wish: DeviceWish, token = randomBytes(32).toString('base64url')): NewDevice {
    this.#refuseTooManyDevices(user.name)
    const device = { ...this.#blankDevice(user.name, wish.name, wish.kind), tokenHash: sha256(token) }
    return { device, token, displayName: user.displayName }
  }

  #refuseTooManyDevices(user: string): void {
    if ((this.#devicesOfUser.get(user)?.size ?? 0) < limits.devicesPerUser) return
    throw new DirectoryError('tooMany', `${user} has ${limits.devicesPerUser} devices; remove one first`)
  }

  #newSipDevice(user: string, password: string): DeviceRow {
    const hashes = digestHashes(user, this.#settings.identity().realm, password)
    return { ...this.#blankDevice(user, 'SIP phone', 'sip'), digestUser: user, ...hashes }
  }

  #blankDevice(user: string, name: string, kind: DeviceRow['kind']): DeviceRow {
    return {
      id: newId(),
      user,
      name,
      kind,
      tokenHash: undefined,
      digestUser: undefined,
      ha1Md5: undefined,
      ha1Sha256: undefined,
      createdAt: this.#now(),
      expiresAt: undefined,
      lastSeenAt: undefined,
    }
  }

  #told(device: DeviceRow, token: string): NewDevice {
    return { device, token, displayName: this.#users.get(device.user)?.displayName ?? device.user }
  }

  #keepUser(user: UserRow): void {
    this.#users.set(user.name, user)
  }

  #forgetUser(name: string): void {
    const devices = this.devices(name)
    this.#users.delete(name)
    for (const device of devices) this.#forgetDevice(device)
    this.#devicesOfUser.delete(name)
    for (const invite of this.#invites.values()) if (invite.user === name) this.#invites.delete(invite.id)
    for (const request of this.#requests.values())
      if (request.user === name) this.#requests.delete(request.id)
    for (const device of devices) this.#tell({ kind: 'revoked', device: device.id, user: name })
  }

  #keepDevice(device: DeviceRow): void {
    this.#devices.set(device.id, device)
    if (device.tokenHash !== undefined) this.#deviceByTokenHash.set(device.tokenHash, device.id)
    if (device.digestUser !== undefined) this.#deviceByDigestUser.set(device.digestUser, device.id)
    const siblings = this.#devicesOfUser.get(device.user)
    if (siblings) siblings.add(device.id)
    else this.#devicesOfUser.set(device.user, new Set([device.id]))
  }

  #forgetDevice(device: DeviceRow): void {
    this.#devices.delete(device.id)
    this.#devicesOfUser.get(device.user)?.delete(device.id)
    if (device.tokenHash !== undefined) this.#deviceByTokenHash.delete(device.tokenHash)
    if (device.digestUser !== undefined) this.#deviceByDigestUser.delete(device.digestUser)
    for (const request of this.#requests.values()) {
      if (request.device === device.id) this.#requests.delete(request.id)
    }
  }

  #alive(id: string | undefined): DeviceRow | undefined {
    const device = id === undefined ? undefined : this.#devices.get(id)
    if (device?.expiresAt !== undefined && device.expiresAt <= this.#now()) return undefined
    const owner = device && this.#users.get(device.user)
    if (owner?.disabled) return undefined
    const stay = owner?.stay
    if (stay !== undefined && leftOf(stay, this.#moment()) === 0) return undefined
    return device
  }

  #expired(invite: InviteRow): boolean {
    return elapsed(invite.createdAt, this.#now()) >= invite.expiresAt - invite.createdAt
  }

  /** One change at a time: what a change checked still holds when it is written. */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change)
    this.#lastChange = result.catch(() => {})
    return result
  }

  #tell(event: DirectoryEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const badInvite = {
  used: 'this invitation was used already',
  expired: 'this invitation has expired',
  unknown: 'this invitation is not known here: it was withdrawn, or the link is not whole',
} as const

/** Made under an unset clock, nobody knows how old it is: counted as new until it is used or withdrawn. */
const elapsed = (from: Epoch, now: Epoch): number =>
  from < plausibleFrom && now >= plausibleFrom ? 0 : Math.max(0, now - from)

const personOf = ({ name, displayName, doNotDisturb, role, seenByGuests }: UserRow): PersonIdentity => ({
  user: name,
  displayName,
  doNotDisturb,
  role,
  seenByGuests,
})

/** 75 bits in letters and digits that nobody mistakes, in groups, to be typed on a telephone. */
function typedPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  const letters = Array.from({ length: 15 }, () => alphabet[randomInt(alphabet.length)]!).join('')
  return letters.match(/.{5}/g)!.join('-')
}

const newId = (): string => randomBytes(9).toString('hex')

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
