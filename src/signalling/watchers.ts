/**
 * What clients hear of people, themselves included (RFC 2778: watchers): roster, presence, standing, do not disturb,
 * missed calls, and who asks to join. `welcome` tells all of it, everything else what became of it since. Returns what
 * is to be sent, in order.
 */
import type { CallRow } from '../calls/message.ts'
import type { Monotonic } from '../core/clock.ts'
import { nobody } from '../core/nobody.ts'
import { encodeFrame } from './codec.ts'
import type { MissedCall, Person, ServerMessage, SignallingEffect } from './message.ts'
import type { CallLog, Devices } from './ports.ts'
import type { Roster } from './roster.ts'
import { type Session, type Standing, sameQuiet, sameStanding, type ToldQuiet } from './session.ts'

type Frames = Extract<SignallingEffect, { readonly kind: 'sendFrame' }>[]
type Welcome = Extract<ServerMessage, { readonly type: 'welcome' }>

/** Of presence, so that packets need not wait for them. */
const framesAtOnce = 1_000
/** People looked at for a change of presence. */
const peopleAtOnce = 1_000
/** Of rosters: each is as long as there are people, and guests have one of their own. */
const rosterCharactersAtOnce = 500_000

export class Watchers {
  readonly #sessions: ReadonlyMap<string, Session>
  readonly #roster: Roster
  readonly #devices: Devices
  readonly #log: CallLog
  /** Whose hours began or ended, and who is yet to be told of. */
  readonly #turned: string[] = []
  /** Whose presence may have changed with that of others. */
  readonly #touched = new Set<string>()
  /** Who has not heard of the roster as it is now. */
  readonly #unaware = new Set<Session>()

  constructor(sessions: ReadonlyMap<string, Session>, roster: Roster, devices: Devices, log: CallLog) {
    this.#sessions = sessions
    this.#roster = roster
    this.#devices = devices
    this.#log = log
  }

  welcome(
    session: Session,
    { version, resumed, pingSeconds }: Pick<Welcome, 'version' | 'resumed' | 'pingSeconds'>,
  ): Frames {
    const { user, device, standing } = session
    const welcome: Welcome = {
      type: 'welcome',
      ...{ user, name: standing.name, device, place: this.#devices.place(), version },
      ...{ role: standing.role, staySeconds: standing.staySeconds },
      ...{ doNotDisturb: session.quiet.on, quiet: session.quiet.quiet },
      roster: this.#knownTo(user, this.#roster.people()),
      missed: this.#missedOf(user),
      ...{ resumed, pingSeconds },
    }
    const asks = this.#devices.joinAsks()
    const isTold = asks.length > 0 && this.isOwner(session)
    return [
      ...frame(session, welcome),
      ...(isTold ? frame(session, { type: 'requests', waiting: asks }) : []),
    ]
  }

  /** People were added, renamed, removed, or set do not disturb. While `isBehind`, more are to be told soon. */
  peopleChanged(now: Monotonic): Frames {
    return [
      ...this.#quietAnew(),
      ...this.#rosterAnew(),
      ...[...this.#sessions.values()].flatMap(session => this.#standingAnew(session, now)),
    ]
  }

  /**
   * Time has passed, or the clock was set: quiet hours may be on that were not, or be over. All of a firm's begin at one
   * moment, and everybody hears of each: while `isBehind`, more are to be told soon.
   */
  hoursTurned(): { readonly users: readonly string[]; readonly frames: Frames } {
    this.#turned.push(...this.#roster.takeDoNotDisturbChanges())
    const users = this.#turned.splice(0, this.#usersAtOnce)
    return { users, frames: [...this.#quietAnew(), ...this.presenceChanged(users)] }
  }

  /** While it is true, `more` is to be told soon. */
  get hasMore(): boolean {
    return this.#unaware.size > 0 || this.#touched.size > 0
  }

  /** Of what concerns very many at once: some of it, so that packets need not wait. */
  more(): Frames {
    return [...this.#someRosters(), ...this.#someTouched()]
  }

  get #usersAtOnce(): number {
    return Math.ceil(framesAtOnce / (this.#sessions.size + 1))
  }

  get isBehind(): boolean {
    return this.#turned.length > 0
  }

  #rosterAnew(): Frames {
    // Everybody sets do not disturb themselves, as often as they like: it must not cost a roster for each of them.
    if (this.#roster.isAnother) return this.#all()
    const changes = this.#roster.takeDoNotDisturbChanges()
    if (changes.length <= this.#usersAtOnce) return this.presenceChanged(changes)
    this.#turned.push(...changes)
    return []
  }

  #all(): Frames {
    this.#roster.tellAll()
    for (const session of this.#sessions.values()) this.#unaware.add(session)
    return this.#someRosters()
  }

  #someRosters(): Frames {
    if (this.#unaware.size === 0) return []
    const roster = this.#roster.told()
    const frames: Frames = []
    let text: string | undefined
    let left: number = rosterCharactersAtOnce
    for (const session of this.#unaware) {
      if (left <= 0) break
      this.#unaware.delete(session)
      const { connection, user } = session
      if (connection === undefined) continue
      const isGuest = this.#roster.isGuest(user)
      if (!isGuest) text ??= encodeFrame({ type: 'roster', roster })
      const told = isGuest ? encodeFrame({ type: 'roster', roster: this.#knownTo(user, roster) }) : text!
      left -= told.length
      frames.push({ kind: 'sendFrame', connection: connection.id, text: told })
    }
    return frames
  }

  /**
   * These people may be reached, or in a call, otherwise than was told, and with them those whose calls ring at them: where
   * a firm's calls all ring at one desk, that is everybody, and while `hasMore` they are told of a few at a time.
   */
  presenceChanged(users: readonly string[]): Frames {
    const frames = users.flatMap(user => this.#presenceOf(user) ?? [])
    const touched = users.flatMap(user => this.#roster.ringingAt(user))
    if (touched.length === 0) return frames
    for (const user of touched) this.#touched.add(user)
    return [...frames, ...this.#someTouched()]
  }

  #someTouched(): Frames {
    const frames: Frames = []
    let [looks, changes] = [peopleAtOnce, this.#usersAtOnce]
    for (const user of this.#touched) {
      if (looks-- === 0 || changes === 0) break
      this.#touched.delete(user)
      const told = this.#presenceOf(user)
      if (told === undefined) continue
      changes--
      frames.push(...told)
    }
    return frames
  }

  #presenceOf(user: string): Frames | undefined {
    const person = this.#roster.changeOf(user)
    if (person === undefined) return undefined
    return this.#toAll({ type: 'presence', person }, guest => {
      const known = this.#roster.seenBy(guest, person)
      return known && { type: 'presence', person: known }
    })
  }

  callChanged(
    { callerUser, calleeUser, answererUser = calleeUser }: CallRow,
    missedBy: readonly string[],
  ): Frames {
    return [
      ...this.presenceChanged([...new Set([callerUser, calleeUser, answererUser])]),
      ...missedBy.flatMap(user => this.toUser(user, { type: 'missed', missed: this.#missedOf(user) })),
    ]
  }

  requestsChanged(): Frames {
    const requests: ServerMessage = { type: 'requests', waiting: this.#devices.joinAsks() }
    return this.#to(session => this.isOwner(session), requests)
  }

  toUser(user: string, message: ServerMessage): Frames {
    return this.#to(session => session.user === user, message)
  }

  isOwner({ user }: Session): boolean {
    return this.#devices.person(user)?.role === 'owner'
  }

  standingOf(user: string, name: string, now: Monotonic): Standing {
    const person = this.#devices.person(user)
    return {
      name: person?.displayName ?? name,
      role: person?.role ?? 'member',
      staySeconds: this.#devices.staySeconds(user),
      toldAt: now,
    }
  }

  quietOf(user: string): ToldQuiet {
    return { on: this.#roster.doNotDisturbOf(user), quiet: this.#devices.quiet(user) }
  }

  #quietAnew(): Frames {
    return [...this.#sessions.values()].flatMap(session => {
      const quiet = this.quietOf(session.user)
      if (session.connection === undefined || sameQuiet(session.quiet, quiet)) return []
      session.quiet = quiet
      return frame(session, { type: 'doNotDisturb', ...quiet })
    })
  }

  #standingAnew(session: Session, now: Monotonic): Frames {
    const standing = this.standingOf(session.user, session.standing.name, now)
    if (session.connection === undefined || sameStanding(session.standing, standing)) return []
    session.standing = standing
    const { name, role, staySeconds } = standing
    return frame(session, { type: 'standing', name, role, staySeconds })
  }

  /** Written once for all but guests. */
  #toAll(message: ServerMessage, forGuest: (guest: string) => ServerMessage | undefined): Frames {
    const frames: Frames = []
    let text: string | undefined
    for (const session of this.#sessions.values()) {
      const { connection, user } = session
      if (connection === undefined) continue
      if (this.#roster.isGuest(user)) {
        const told = forGuest(user)
        if (told !== undefined) frames.push(...frame(session, told))
        continue
      }
      text ??= encodeFrame(message)
      frames.push({ kind: 'sendFrame', connection: connection.id, text })
    }
    return frames
  }

  #to(isMeant: (session: Session) => boolean, message: ServerMessage): Frames {
    const frames: Frames = []
    for (const session of this.#sessions.values())
      if (isMeant(session)) frames.push(...frame(session, message))
    return frames
  }

  #knownTo(viewer: string, people: readonly Person[]): Person[] {
    return people.flatMap(person => this.#roster.seenBy(viewer, person) ?? [])
  }

  #missedOf(user: string): MissedCall[] {
    const isGuest = this.#devices.person(user)?.role === 'guest'
    return this.#log.missed(user).map(row => ({
      call: row.id,
      // Who hides does so from guests.
      ...(row.callerHidden && isGuest
        ? { user: nobody.user, name: nobody.displayName }
        : { user: row.callerUser, name: this.#roster.nameOf(row.callerUser) ?? row.callerName }),
      video: row.video,
      at: row.startedAt,
      ...(row.calleeUser !== user &&
        this.#roster.mayKnow(user, row.calleeUser) && {
          for: { user: row.calleeUser, name: this.#roster.nameOf(row.calleeUser) ?? row.calleeName },
        }),
    }))
  }
}

/** Nothing while the client is away: it is welcomed when it is back. */
function frame({ connection }: Session, message: ServerMessage): Frames {
  return connection === undefined
    ? []
    : [{ kind: 'sendFrame', connection: connection.id, text: encodeFrame(message) }]
}
