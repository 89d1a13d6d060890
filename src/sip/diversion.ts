/**
 * Whom a telephone forwards a call to (RFC 3261 §16.7 step 4), and what those it rings at in somebody's place are told of
 * that. The proxy goes there itself, since not every caller would: a page does not, nor do many door stations. Nobody is
 * asked twice in a call, so circles end. What leads out of the house goes to the caller. And what is told of who handed a
 * caller on.
 */
import { first, parseNameAddr, parseUri, values } from './codec.ts'
import type { SipRequest, SipResponse } from './message.ts'
import { nameAddr, personUri } from './person.ts'
import type { Accounts } from './ports.ts'
import type { AskedCall } from './response-context.ts'
import { personAt, type RoutingParts } from './routing.ts'

export const diversionLimits = {
  /** People one call is sent to: who was called, whose devices ring as well, and whom it is forwarded to. */
  people: 30,
  /** Read of one answer. */
  contacts: 10,
} as const

/** 305 and 380 name no one else to be called. */
const forwards: readonly number[] = [300, 301, 302, 303]

/** The people that `answer` names and `asked` does not; undefined where it names nobody of this house. */
export function forwardedTo(
  answer: SipResponse,
  asked: readonly string[],
  parts: Omit<RoutingParts, 'tokens'>,
): string[] | undefined {
  if (!forwards.includes(answer.status)) return undefined
  const named = new Set<string>()
  for (const value of values(answer, 'Contact').slice(0, diversionLimits.contacts)) {
    const uri = parseUri(parseNameAddr(value)?.uri ?? '')
    const person = uri && personAt(uri, parts)
    if (person !== undefined) named.add(person)
  }
  if (named.size === 0) return undefined
  return [...named]
    .filter(person => !asked.includes(person))
    .slice(0, Math.max(0, diversionLimits.people - asked.length))
}

/**
 * RFC 5806 §4: a Diversion for a device of `user`, which says who was called where that is somebody else. Historic, and what
 * telephones show: few of them know History-Info (RFC 7044), and P-Called-Party-ID (RFC 7315) none. Always who was
 * called, by however many it was forwarded since. Undefined, too, where `user` may not know them.
 */
export function divertedFrom(
  call: AskedCall | undefined,
  user: string | undefined,
  { accounts, domain }: { readonly accounts: Accounts; readonly domain: string },
): string | undefined {
  if (call === undefined || user === undefined) return undefined
  const { user: called, displayName } = call.callee
  if (user === called || !accounts.mayCall(user, called)) return undefined
  const isChosen = accounts.user(called)?.alsoRings.includes(user)
  const reason = isChosen ? 'unconditional' : 'unknown'
  return `${nameAddr(displayName, personUri(called, domain))};reason=${reason};counter=1`
}

/**
 * RFC 3892 §2.2: who handed the caller on, as that one's device says, for another `device`; undefined where nobody did, or
 * its person may not know them. A guest may not know whom nobody here knows, either: a name may stand before any address. It is
 * not proven: who calls may write it as well.
 */
export function referredByFor(request: SipRequest, device: string, accounts: Accounts): string | undefined {
  const value = first(request, 'Referred-By')
  if (value === undefined) return undefined
  const name = parseUri(parseNameAddr(value)?.uri ?? '')?.user?.toLowerCase() ?? ''
  const mayKnow = accounts.mayCall(accounts.userOfDevice(device) ?? '', accounts.personOf(name) ?? '')
  return mayKnow ? value : undefined
}
