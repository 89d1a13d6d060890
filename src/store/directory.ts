/**
 * People and what they may connect with: read from memory at once (SIP and signalling ask here on every packet),
 * changed one at a time, each change on disk before memory shows it and before its promise resolves. Failures that
 * are the caller's are `DirectoryError`, the disk's are `StoreError`. What is asked is answered here; each change is in
 * the file in `directory/` that is named after what it changes.
 */
import type { Epoch, Monotonic } from '../core/clock.ts'
import { noQuiet, type Quiet } from '../core/quiet-hours.ts'
import type { JoinAsk } from '../signalling/message.ts'
import type { DeviceIdentity, Devices, PersonIdentity } from '../signalling/ports.ts'
import type { Credential } from '../sip/message.ts'
import type { Account, Accounts } from '../sip/ports.ts'
import type { Rows } from './client.ts'
import { sha256 } from './credentials.ts'
import { EnrolledDevices } from './directory/devices.ts'
import { Drafts } from './directory/drafts.ts'
import { Expiry } from './directory/expiry.ts'
import { Held } from './directory/held.ts'
import { type Invited, Invites } from './directory/invites.ts'
import type { DirectoryEvent } from './directory/message.ts'
import { People } from './directory/people.ts'
import { Requests } from './directory/requests.ts'
import type { DeviceRow, InviteRow, RequestRow, UserRow } from './message.ts'
import { isQuiet, quietOf, untilTurn } from './quiet.ts'
import type { Settings } from './settings.ts'
import { leftOf } from './stay.ts'

export class Directory implements Omit<Accounts, 'user'>, Devices {
  readonly #held: Held
  readonly #people: People
  readonly #devices: EnrolledDevices
  readonly #invites: Invites
  readonly #requests: Requests
  readonly #expiry: Expiry

  static async load(
    rows: Rows,
    settings: Settings,
    now: () => Epoch,
    running: () => Monotonic,
  ): Promise<Directory> {
    const loadedAt = running()
    const held = new Held(rows, settings, now, running)
    await held.load(loadedAt)
    return new Directory(held, loadedAt)
  }

  private constructor(held: Held, loadedAt: Monotonic) {
    const drafts = new Drafts(held)
    this.#held = held
    this.#people = new People(held, drafts)
    this.#devices = new EnrolledDevices(held, drafts)
    this.#invites = new Invites(held, this.#devices)
    this.#requests = new Requests(held, drafts)
    this.#expiry = new Expiry(held, this.#invites, loadedAt)
  }

  /** Returns how to stop listening. */
  onChange(listener: (event: DirectoryEvent) => void): () => void {
    return this.#held.onChange(listener)
  }

  // What SIP asks

  byDigestUser(name: string): Credential | undefined {
    const device = this.#held.alive(this.#held.deviceByDigestUser.get(name))
    if (device?.ha1Md5 === undefined || device.ha1Sha256 === undefined) return undefined
    return { device: device.id, user: device.user, ha1Md5: device.ha1Md5, ha1Sha256: device.ha1Sha256 }
  }

  personOf(addressUser: string): string | undefined {
    if (this.#held.users.has(addressUser)) return addressUser
    const ofDevice = this.#held.alive(this.#held.deviceByDigestUser.get(addressUser))?.user
    return ofDevice ?? this.#held.userByNumber.get(addressUser)
  }

  account(name: string): Account | undefined {
    const row = this.#held.users.get(name)
    if (row === undefined) return undefined
    const { displayName, alsoRings } = row
    return { name, displayName, doNotDisturb: this.#isQuiet(row), alsoRings }
  }

  /** Who is meant by a name as a person types it: the short one, or the full one where nobody else has it. */
  userCalled(typed: string): string | undefined {
    const wanted = typed.trim().toLowerCase()
    if (this.#held.users.has(wanted)) return wanted
    const all = this.users().filter(({ displayName }) => displayName.toLowerCase() === wanted)
    return all.length === 1 ? all[0]!.name : undefined
  }

  userOfDevice(device: string): string | undefined {
    return this.#held.alive(device)?.user
  }

  mayCall(caller: string, callee: string): boolean {
    if (caller === callee || this.#held.users.get(caller)?.role !== 'guest') return true
    return this.#held.users.get(callee)?.seenByGuests ?? false
  }

  isGuest(user: string): boolean {
    return this.#held.users.get(user)?.role === 'guest'
  }

  // What signalling asks

  byTokenHash(hash: string): DeviceIdentity | undefined {
    const known = this.#held.devices.get(this.#held.deviceByTokenHash.get(hash) ?? '')
    const disabled = known !== undefined && this.#held.users.get(known.user)?.disabled === true
    const device = disabled ? known : this.#held.alive(known?.id)
    if (device === undefined) return undefined
    return {
      disabled,
      device: device.id,
      user: device.user,
      displayName: this.#held.users.get(device.user)?.displayName ?? device.user,
    }
  }

  /** The same, for who has the token itself. */
  byToken(token: string): DeviceIdentity | undefined {
    const known = this.byTokenHash(sha256(token))
    return known?.disabled ? undefined : known
  }

  person(user: string): PersonIdentity | undefined {
    const row = this.#held.users.get(user)
    return row && this.#personOf(row)
  }

  /** By their names. */
  people(): readonly PersonIdentity[] {
    return this.#held.inOrder().map(row => this.#personOf(row))
  }

  quiet(user: string): Quiet {
    const row = this.#held.users.get(user)
    return row === undefined ? noQuiet : quietOf(row, this.#held.phases, this.#held.now())
  }

  untilHoursTurn(): number | undefined {
    const now = this.#held.now()
    let first: number | undefined
    for (const row of this.#held.users.values()) {
      const turn = untilTurn(row, this.#held.phases, now)
      if (turn !== undefined && turn < (first ?? Number.POSITIVE_INFINITY)) first = turn
    }
    return first
  }

  place(): string {
    return this.#held.settings.place()
  }

  staySeconds(user: string): number | null {
    const stay = this.#held.users.get(user)?.stay
    if (stay === undefined) return null
    return Math.round(leftOf(stay, this.#held.moment()) / 1_000)
  }

  /** When a guest's time is over, as far as this machine's clock can say. */
  stayUntil(user: string): Epoch | undefined {
    const stay = this.#held.users.get(user)?.stay
    return stay && (Math.round(this.#held.now() + leftOf(stay, this.#held.moment())) as Epoch)
  }

  joinAsks(): readonly JoinAsk[] {
    return this.#requests.asks()
  }

  // What the console asks

  user(name: string): UserRow | undefined {
    return this.#held.users.get(name)
  }

  /** By their names. */
  users(): readonly UserRow[] {
    return this.#held.inOrder()
  }

  device(id: string): DeviceRow | undefined {
    return this.#held.devices.get(id)
  }

  owner(): UserRow | undefined {
    return this.#held.owner()
  }

  devices(user?: string): readonly DeviceRow[] {
    return user === undefined ? [...this.#held.devices.values()] : this.#held.devicesOf(user)
  }

  /** Unused and not expired. */
  invites(): readonly InviteRow[] {
    return this.#invites.open()
  }

  /** For whom an invite is and for how long, by its token. Throws (`badInvite`). */
  invited(token: string): Invited {
    return this.#invites.look(token)
  }

  requests(): readonly RequestRow[] {
    return [...this.#held.requests.values()]
  }

  request(id: string): RequestRow | undefined {
    return this.#held.requests.get(id)
  }

  // Changes, each described where it is made; a property, so that its signature is written once

  readonly claim: People['claim'] = (...given) => this.#people.claim(...given)
  readonly releaseOwners: People['releaseOwners'] = (...given) => this.#people.releaseOwners(...given)
  readonly addUser: People['add'] = (...given) => this.#people.add(...given)
  readonly changeUser: People['change'] = (...given) => this.#people.change(...given)
  readonly removeUser: People['remove'] = (...given) => this.#people.remove(...given)

  readonly enrol: EnrolledDevices['enrol'] = (...given) => this.#devices.enrol(...given)
  readonly setSipPassword: EnrolledDevices['setSipPassword'] = (...given) =>
    this.#devices.setSipPassword(...given)
  readonly addSoftphone: EnrolledDevices['addSoftphone'] = (...given) => this.#devices.addSoftphone(...given)
  readonly renameDevice: EnrolledDevices['rename'] = (...given) => this.#devices.rename(...given)
  readonly revokeDevice: EnrolledDevices['revoke'] = (...given) => this.#devices.revoke(...given)
  readonly seen: EnrolledDevices['seen'] = (...given) => this.#devices.seen(...given)

  readonly enrolByInvite: Invites['enrol'] = (...given) => this.#invites.enrol(...given)
  readonly addInvite: Invites['add'] = (...given) => this.#invites.add(...given)
  readonly removeInvite: Invites['remove'] = (...given) => this.#invites.remove(...given)

  readonly addRequest: Requests['add'] = (...given) => this.#requests.add(...given)
  readonly allowRequest: Requests['allow'] = (...given) => this.#requests.allow(...given)
  readonly denyRequest: Requests['deny'] = (...given) => this.#requests.deny(...given)
  readonly fetchRequest: Requests['fetch'] = (...given) => this.#requests.fetch(...given)

  readonly sweep: Expiry['sweep'] = (...given) => this.#expiry.sweep(...given)
  readonly forgetNames: Expiry['forgetNames'] = (...given) => this.#expiry.forgetNames(...given)
  readonly keepStays: Expiry['keepStays'] = (...given) => this.#expiry.keepStays(...given)

  #personOf(row: UserRow): PersonIdentity {
    const { name, displayName, number, role, seenByGuests, alsoRings, doorKeys } = row
    const doNotDisturb = this.#isQuiet(row)
    return { user: name, displayName, number, doNotDisturb, role, seenByGuests, alsoRings, doorKeys }
  }

  #isQuiet(row: UserRow): boolean {
    return isQuiet(row, this.#held.phases, this.#held.now())
  }
}
