/**
 * A request's target set (RFC 3261 §16.5): all contacts of a person, one contact, or the party that a route token names;
 * or why there is none. Pure: looks at accounts and bindings as they are now.
 */
import type { LiveBinding } from './bindings.ts'
import { branchLimits } from './branches.ts'
import { first, parseNameAddr, parseUri } from './codec.ts'
import type { HeaderField, SipRequest } from './message.ts'
import type { Accounts } from './ports.ts'
import { reasonField } from './reason.ts'
import type { Target } from './response-context.ts'
import type { AddressToken, RouteToken } from './route-token.ts'
import { type Destination, personAt, personOf, type Routed, type RoutingParts } from './routing.ts'
import { byInstance, targetOf } from './ways.ts'

/** A final answer in the name of the target. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly extra?: readonly HeaderField[]
}

export interface Targeting extends Omit<RoutingParts, 'tokens'> {
  readonly caller: { readonly user: string; readonly device: string }
  /** Whether it rings: an INVITE outside a dialog, to a person. */
  readonly isCall: boolean
}

const notFound: Refusal = { status: 404, reason: 'Not Found' }
const notThere: Refusal = { status: 480, reason: 'Temporarily Unavailable' }
const doNotDisturb: Refusal = {
  status: 480,
  reason: 'Do Not Disturb',
  extra: [reasonField(480, 'doNotDisturb')],
}

export function targetsOf(
  { destination, request, uri }: Pick<Routed, 'destination' | 'request' | 'uri'>,
  targeting: Targeting,
): Target[] | Refusal {
  if (request.method === 'REFER' && isHidden(destination, request, targeting)) return notFound
  switch (destination.kind) {
    case 'contact': {
      const { live } = destination
      const reached = reachedBy(request, [live], objection(live.binding.user, targeting))
      return 'status' in reached ? reached : [{ ...targetOf(live), uri: request.uri }]
    }
    case 'party':
      return ofParty(destination.token, request, targeting)
    case 'user':
      return ofUser(destination.name, request, uri?.scheme === 'sips', targeting)
    default:
      return notFound
  }
}

/** Why a person is not to be reached, whichever way they are asked for. */
function objection(name: string, { accounts, caller, isCall }: Targeting): Refusal | undefined {
  const user = accounts.user(name)
  // Whom a guest may not know is to them like somebody who does not exist.
  if (user === undefined || !accounts.mayCall(caller.user, name)) return notFound
  return user.doNotDisturb && isCall ? doNotDisturb : undefined
}

/**
 * What takes the place of a call (RFC 3891) disturbs nobody: it goes to pages, which refuse it where they have no such call;
 * telephones that know no Replaces would ring.
 */
function reachedBy(
  request: SipRequest,
  live: readonly LiveBinding[],
  objected: Refusal | undefined,
): readonly LiveBinding[] | Refusal {
  if (objected === undefined) return live
  const takesPlace = objected === doNotDisturb && first(request, 'Replaces') !== undefined
  const pages = live.filter(one => takesPlace && one.binding.transport === 'hosted')
  return pages.length > 0 ? pages : objected
}

/** A Refer-To with a Replaces in it is a few hundred. It is kept, and told to a client. */
const limitReferTo = 2_048

/** Whether one of the two may not know of whom a REFER names (RFC 3515 §2.1): nobody is named to a guest, or called for one. */
function isHidden(destination: Destination, request: SipRequest, targeting: Targeting): boolean {
  const { accounts, caller } = targeting
  const value = first(request, 'Refer-To') ?? ''
  if (value.length > limitReferTo) return true
  const text = parseNameAddr(value)?.uri ?? ''
  const uri = parseUri(text)
  const named = uri && personAt(uri, targeting)
  const isCovered = targeting.veil.covers(text)
  const asked =
    destination.kind === 'party' ? accounts.userOfDevice(destination.token.device) : personOf(destination)
  return (
    named !== undefined &&
    [caller.user, asked ?? ''].some(
      one => !accounts.mayCall(one, named) || (isCovered && accounts.isGuest(one)),
    )
  )
}

function ofUser(
  name: string,
  request: SipRequest,
  secure: boolean,
  targeting: Targeting,
): Target[] | Refusal {
  const { bindings, caller } = targeting
  const live = ringingFor(name, targeting)
    .flatMap(one => bindings.ofUser(one))
    .filter(one => one.binding.device !== caller.device)
    // RFC 5630 §3: what asks for sips goes over nothing less.
    .filter(one => !secure || ['tls', 'wss', 'hosted'].includes(one.binding.transport))
  const reached = reachedBy(request, live, objection(name, targeting))
  if ('status' in reached) return reached
  return reached.length === 0 ? notThere : byInstance(reached).slice(0, branchLimits.maxBreadth)
}

/**
 * The people whose devices ring when `name` is called: first they themselves, then others, by the owner's choice. Of those
 * nobody rings for their own call, nor who is not to be disturbed.
 */
export function ringingFor(
  name: string,
  { accounts, caller, isCall }: Pick<Targeting, 'accounts' | 'caller' | 'isCall'>,
): string[] {
  const others = isCall ? othersOf(name, caller.user, accounts) : []
  return [name, ...others.filter(one => accounts.user(one)?.doNotDisturb === false)]
}

/** Whose calls the calls to `name` are as well, but for those they make themselves. */
export function othersOf(name: string, caller: string, accounts: Accounts): string[] {
  if (!accounts.mayCall(caller, name)) return []
  const others = accounts.user(name)?.alsoRings ?? []
  return others.filter(one => one !== caller && one !== name && accounts.user(one) !== undefined)
}

function ofParty(
  token: RouteToken,
  { method, uri }: SipRequest,
  { accounts, bindings }: Targeting,
): Target[] | Refusal {
  const live = token.kind === 'binding' ? bindings.ofPhone(token.key) : undefined
  const revoked = accounts.userOfDevice(token.device) === undefined
  // Whose right has just ended still hears that the call is over.
  const mayHear = method === 'BYE' && (token.kind === 'address' || live !== undefined)
  if (revoked && !mayHear) return notThere
  if (live !== undefined) {
    const ways = live.binding.regId === undefined ? [] : bindings.ofInstance(live.binding)
    const others = ways.filter(one => one !== live)
    return [{ ...targetOf(live, others), uri }]
  }
  return [token.kind === 'address' ? ofAddress(token, uri) : ofLostBinding(token.key, token.device, uri)]
}

function ofAddress(address: AddressToken, uri: string): Target {
  const { device, transport, remote: seen } = address
  return { uri, key: undefined, user: undefined, device, transport, path: [], seen, address, others: [] }
}

/** Its party may register again; nobody knows where. */
function ofLostBinding(key: string, device: string, uri: string): Target {
  return {
    uri,
    key,
    user: undefined,
    device,
    transport: 'wss',
    path: [],
    seen: undefined,
    address: undefined,
    others: [],
  }
}
