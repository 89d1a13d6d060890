/** Who is there: presence made of reachable devices, open calls and do not disturb, told when it changes. */
import type { CallRow } from '../calls/message.ts'
import type { Person, Presence } from './message.ts'
import type { CallLog, Devices, PersonIdentity } from './ports.ts'

/** Of each person, whose calls ring at them as well. */
function ringsFor(people: readonly PersonIdentity[]): Map<string, readonly string[]> {
  const byPerson = new Map<string, string[]>()
  for (const { user, alsoRings } of people) {
    for (const one of alsoRings) {
      const known = byPerson.get(one)
      if (known === undefined) byPerson.set(one, [user])
      else known.push(user)
    }
  }
  return byPerson
}

export class Roster {
  readonly #devices: Devices
  readonly #log: CallLog
  /** Devices of each person that can be reached now, whatever they speak. */
  readonly #reachable = new Map<string, Set<string>>()
  #told = new Map<string, Person>()
  #toldDoNotDisturb = new Map<string, boolean>()
  #toldPeople: readonly PersonIdentity[] = []
  /** By person: those whose calls ring at that person as well. */
  #ringsFor = new Map<string, readonly string[]>()

  constructor(devices: Devices, log: CallLog) {
    this.#devices = devices
    this.#log = log
    this.tellAll()
  }

  setReachable(user: string, device: string, reachable: boolean): void {
    const devices = this.#reachable.get(user) ?? new Set()
    if (reachable) this.#reachable.set(user, devices.add(device))
    else if (devices.delete(device) && devices.size === 0) this.#reachable.delete(user)
  }

  /** Everybody, as they are now. */
  people(): Person[] {
    return this.#toldOfAll(this.#devices.people())
  }

  presence(user: string): Presence {
    const person = this.#devices.person(user)
    return person === undefined ? 'away' : this.#presenceOf(person, this.#isBusy(user))
  }

  /** Everybody as they were told last: by `tellAll`, and by `changeOf` since. */
  told(): Person[] {
    return [...this.#told.values()]
  }

  /** Whether `viewer` may know of `user`: a guest knows themselves and those who are marked, the others everybody. */
  mayKnow(viewer: string, user: string): boolean {
    if (!this.isGuest(viewer) || viewer === user) return true
    return this.#devices.person(user)?.seenByGuests ?? false
  }

  isGuest(user: string): boolean {
    return this.#devices.person(user)?.role === 'guest'
  }

  /** As `viewer` may know them: guests open no doors. */
  seenBy(viewer: string, person: Person): Person | undefined {
    if (!this.mayKnow(viewer, person.user)) return undefined
    if (person.doorKeys === undefined || !this.isGuest(viewer)) return person
    const { doorKeys, ...told } = person
    return told
  }

  /** Everybody, for telling everybody: later changes are changes to this. */
  tellAll(): void {
    const people = this.#devices.people()
    this.#told = new Map(this.#toldOfAll(people).map(person => [person.user, person]))
    this.#toldPeople = people
    this.#ringsFor = ringsFor(people)
    this.takeDoNotDisturbChanges()
  }

  /** Whether the list itself is another than was told: who is in it, by what name, and who is shown to whom. */
  get isAnother(): boolean {
    const people = this.#devices.people()
    return people.length !== this.#toldPeople.length || !people.every(this.#isToldAt)
  }

  /** Those whose calls ring at `user` as well. */
  ringingAt(user: string): readonly string[] {
    return this.#ringsFor.get(user) ?? []
  }

  /** Of this person, where presence or name is not what was told last: from now on it was. */
  changeOf(user: string): Person | undefined {
    const person = this.#devices.person(user)
    if (person === undefined) return undefined
    const now = this.#toldOf(person, this.#isBusy(user))
    const told = this.#told.get(user)
    if (told?.presence === now.presence && told.name === now.name) return undefined
    this.#told.set(user, now)
    return now
  }

  /** People whose do not disturb is not what it was when last asked. */
  takeDoNotDisturbChanges(): string[] {
    const before = this.#toldDoNotDisturb
    const people = this.#devices.people()
    this.#toldDoNotDisturb = new Map(people.map(person => [person.user, person.doNotDisturb]))
    return people
      .filter(person => (before.get(person.user) ?? false) !== person.doNotDisturb)
      .map(({ user }) => user)
  }

  nameOf(user: string): string | undefined {
    return this.#devices.person(user)?.displayName
  }

  doNotDisturbOf(user: string): boolean {
    return this.#devices.person(user)?.doNotDisturb ?? false
  }

  /** Whether they ring when somebody else is called. */
  #isThere(user: string): boolean {
    return this.#reachable.has(user) && !this.doNotDisturbOf(user)
  }

  readonly #isToldAt = (person: PersonIdentity, at: number): boolean =>
    sameEntry(person, this.#toldPeople[at]!)

  #toldOfAll(people: readonly PersonIdentity[]): Person[] {
    const busy = this.#busy()
    return people.map(person => this.#toldOf(person, busy.has(person.user)))
  }

  #isBusy(user: string): boolean {
    return this.#log.openOf(user).some(row => isIn(user, row))
  }

  #busy(): ReadonlySet<string> {
    const users = new Set<string>()
    for (const row of this.#log.open())
      for (const user of [row.callerUser, row.answererUser ?? row.calleeUser])
        if (isIn(user, row)) users.add(user)
    return users
  }

  #toldOf(person: PersonIdentity, isBusy: boolean): Person {
    const { user, displayName: name, number, doorKeys } = person
    const told = { user, name, number, presence: this.#presenceOf(person, isBusy) }
    return doorKeys === '' ? told : { ...told, doorKeys }
  }

  #presenceOf({ user, doNotDisturb, alsoRings }: PersonIdentity, isBusy: boolean): Presence {
    const rings = this.#reachable.has(user) || alsoRings.some(one => this.#isThere(one))
    if (!isBusy && !rings) return 'away'
    if (doNotDisturb) return 'doNotDisturb'
    return isBusy ? 'inCall' : 'available'
  }
}

/** All but what is told by itself: do not disturb. */
const sameEntry = (one: PersonIdentity, other: PersonIdentity): boolean =>
  one.user === other.user &&
  one.displayName === other.displayName &&
  one.number === other.number &&
  one.role === other.role &&
  one.seenByGuests === other.seenByGuests &&
  one.doorKeys === other.doorKeys &&
  one.alsoRings.length === other.alsoRings.length &&
  one.alsoRings.every((name, at) => name === other.alsoRings[at])

/** A caller is in the call from the first ring, whoever answers it once they do. */
const isIn = (user: string, row: CallRow): boolean =>
  row.endedAt === undefined &&
  (row.callerUser === user || (row.answeredAt !== undefined && (row.answererUser ?? row.calleeUser) === user))
