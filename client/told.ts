/** Who is there, and how this person stands, as the appliance told it last. Pure; `now`: milliseconds since 1970. */
import type { Quiet } from '../src/core/quiet-hours.ts'
import type { JoinAsk, MissedCall, Person, ServerMessage } from '../src/signalling/message.ts'
import type { Welcome } from './connection.ts'

export interface Told {
  /** Who we are and where, since the first welcome; name and standing as they were told last. */
  readonly me: Welcome | undefined
  /** Everybody but ourselves, as the appliance sorts them. */
  readonly roster: readonly Person[]
  readonly missed: readonly MissedCall[]
  /** On the owner's devices: who asks to join. */
  readonly requests: readonly JoinAsk[]
  readonly doNotDisturb: boolean
  /** Why it is on, and when it will be. */
  readonly quiet: Quiet
  /** When a guest's time is over, by this machine's clock; undefined for everybody else. */
  readonly guestUntil: number | undefined
}

export const nothingTold: Told = {
  ...{ me: undefined, roster: [], missed: [], requests: [], guestUntil: undefined },
  ...quietOf(false, undefined),
}

export const toldAtFirst = (welcome: Welcome, now: number): Told => ({
  me: welcome,
  roster: welcome.roster.filter(person => person.user !== welcome.user),
  missed: welcome.missed,
  // Told right after, if there is anybody.
  requests: [],
  ...quietOf(welcome.doNotDisturb, welcome.quiet),
  guestUntil: endOf(welcome.staySeconds, now),
})

/** What is known after this message; undefined where it is about something else. */
export function toldSince(before: Told, message: ServerMessage, now: number): Told | undefined {
  const { me, roster } = before
  switch (message.type) {
    case 'roster':
      return { ...before, roster: message.roster.filter(person => person.user !== me?.user) }
    case 'presence':
      return message.person.user === me?.user
        ? before
        : { ...before, roster: withPerson(roster, message.person) }
    case 'doNotDisturb':
      return { ...before, ...quietOf(message.on, message.quiet) }
    case 'missed':
      return { ...before, missed: message.missed }
    case 'requests':
      return { ...before, requests: message.waiting }
    case 'standing': {
      const { name, role, staySeconds } = message
      return { ...before, me: me && { ...me, name, role, staySeconds }, guestUntil: endOf(staySeconds, now) }
    }
    default:
      return undefined
  }
}

const withPerson = (roster: readonly Person[], person: Person): readonly Person[] =>
  roster.some(one => one.user === person.user)
    ? roster.map(one => (one.user === person.user ? person : one))
    : [...roster, person]

const endOf = (staySeconds: number | null, now: number): number | undefined =>
  staySeconds === null ? undefined : now + staySeconds * 1_000

/** An older appliance knows of no hours. */
function quietOf(on: boolean, quiet: Quiet | undefined): Pick<Told, 'doNotDisturb' | 'quiet'> {
  return { doNotDisturb: on, quiet: quiet ?? { byHand: on, within: false, hours: null } }
}
