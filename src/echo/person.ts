/** The echo among the people: what SIP and the channel read of accounts, with one person more. Pure. */
import type { Devices, PersonIdentity } from '../signalling/ports.ts'
import type { Account, Accounts } from '../sip/ports.ts'
import { echoDevice, echoName, echoNumber, echoUser } from './message.ts'

const person: PersonIdentity = {
  user: echoUser,
  displayName: echoName,
  number: echoNumber,
  doNotDisturb: false,
  role: 'member',
  // Guests want to try their microphone too.
  seenByGuests: true,
  alsoRings: [],
  doorKeys: '',
}

/** What is known of people: an account is a person as calls see them, not all that is kept of them. */
interface People extends Omit<Accounts, 'user'>, Devices {
  account(name: string): Account | undefined
}

/** `directory` as it is, and the echo behind everybody else. */
export function withEcho(directory: People): Accounts & Devices {
  return {
    byDigestUser: name => directory.byDigestUser(name),
    user: name =>
      name === echoUser
        ? { name, displayName: echoName, doNotDisturb: false, alsoRings: [] }
        : directory.account(name),
    personOf: name =>
      name === echoUser ? name : (directory.personOf(name) ?? (name === echoNumber ? echoUser : undefined)),
    userOfDevice: device => (device === echoDevice ? echoUser : directory.userOfDevice(device)),
    mayCall: (caller, callee) => callee === echoUser || directory.mayCall(caller, callee),
    isGuest: user => directory.isGuest(user),
    byTokenHash: hash => directory.byTokenHash(hash),
    people: () => [...directory.people(), person],
    person: user => (user === echoUser ? person : directory.person(user)),
    quiet: user => directory.quiet(user),
    untilHoursTurn: () => directory.untilHoursTurn(),
    place: () => directory.place(),
    staySeconds: user => (user === echoUser ? null : directory.staySeconds(user)),
    joinAsks: () => directory.joinAsks(),
  }
}
