/**
 * Where a request is to go (RFC 3261 §16.4, §16.5): Route headers of ours are taken off and read, then either a route
 * token names the party, or the Request-URI names a person, a contact or the appliance itself.
 */
import { canonicalAddress } from '../core/endpoint.ts'
import type { Bindings, LiveBinding } from './bindings.ts'
import { parseNameAddr, parseUri, removeFirstValue, uriEquals, values } from './codec.ts'
import type { Incoming } from './incoming.ts'
import type { SipRequest, SipUri } from './message.ts'
import type { Accounts, OwnAddresses } from './ports.ts'
import type { RouteToken, RouteTokens } from './route-token.ts'
import type { Veil } from './veil.ts'

/** Ours are two at most, a phone's own way to us one or two more. */
const maxRoutes = 20

export type Destination =
  | { readonly kind: 'party'; readonly token: RouteToken }
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'contact'; readonly live: LiveBinding }
  | { readonly kind: 'self' }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly note: string }

export interface Routed {
  /** Without our own Route values. */
  readonly request: SipRequest
  readonly uri: SipUri | undefined
  /** The sender's own token, where both of ours were there. */
  readonly senderToken: RouteToken | undefined
  /** Both of ours as they stood in the dialog's route, the sender's first; none where they are not of it. */
  readonly ownRoutes?: readonly [string, string]
  readonly destination: Destination
}

export interface RoutingParts {
  readonly tokens: RouteTokens
  readonly veil: Veil
  readonly own: OwnAddresses
  readonly accounts: Accounts
  readonly bindings: Bindings
}

/** Who is asked for, by name or by one of their contacts; a party of a dialog is in its call already. */
export function personOf(destination: Destination): string | undefined {
  if (destination.kind === 'user') return destination.name
  return destination.kind === 'contact' ? destination.live.binding.user : undefined
}

/** Who is meant by a URI outside of a dialog; undefined where that is nobody of this house. */
export function personAt(uri: SipUri, parts: Omit<RoutingParts, 'tokens'>): string | undefined {
  const destination = destinationOf(uri, parts)
  return destination && personOf(destination)
}

export function route(incoming: Incoming, parts: RoutingParts): Routed {
  const { request: received, uri: receivedUri, toTag } = incoming
  const routes = values(received, 'Route')
  if (routes.length > maxRoutes) {
    const refused = {
      kind: 'refused',
      status: 400,
      reason: 'Too Many Routes',
      note: 'tooManyRoutes',
    } as const
    return { request: received, uri: receivedUri, senderToken: undefined, destination: refused }
  }
  const { request: unrouted, found } = takeOffOwnRoutes(received, receivedUri, routes, parts)
  const opened = parts.veil.uncover(unrouted.uri)
  const request = opened === unrouted.uri ? unrouted : { ...unrouted, uri: opened }
  const uri = request.uri === received.uri ? receivedUri : parseUri(request.uri)
  // §12.2: a route set belongs to a dialog. Outside of one, who is asked for counts, and whether they may be.
  const target = toTag === undefined ? undefined : found.at(-1)
  const senderToken = found.length > 1 ? found[0]!.token : undefined
  if (!isOfItsDialog(incoming, found, parts)) {
    return { request, uri, senderToken: undefined, destination: noSuchDialog }
  }
  if (target !== undefined) {
    const ownRoutes = found.length > 1 ? ([found[0]!.text, target.text] as const) : undefined
    const destination = { kind: 'party', token: target.token } as const
    return { request, uri, senderToken, destination, ...(ownRoutes && { ownRoutes }) }
  }
  const destination = destinationByUri(request, uri, parts)
  // §12.2.1.1: what is asked in a dialog comes by its route, which we recorded. Without one nobody can tell it from a call
  // that is not to ring.
  if (destination.kind === 'contact' && toTag !== undefined && request.method === 'INVITE') {
    return { request, uri, senderToken, destination: noSuchDialog }
  }
  return { request, uri, senderToken, destination }
}

/** §12.2.2. */
const noSuchDialog: Destination = {
  ...{ kind: 'refused', status: 481, reason: 'Call/Transaction Does Not Exist', note: 'strayDialog' },
}

/**
 * Whether the routes are those of the dialog that the request names: from another one, though that was between the same
 * two, they prove nothing, and a telephone that has no such dialog may take the request for a call. An ACK and a BYE ask
 * for nothing; a hosted agent knows its dialogs.
 */
function isOfItsDialog(
  { request, callId, fromTag, toTag, flow }: Incoming,
  found: readonly Found[],
  { tokens }: RoutingParts,
): boolean {
  if (toTag === undefined || flow.transport === 'hosted') return true
  if (request.method === 'ACK' || request.method === 'BYE') return true
  return found.every(({ text, token }, index) => {
    const isSender = found.length > 1 && index === 0
    const byCaller = (token.role === 'caller') === isSender
    return tokens.isOf(text, { callId, callerTag: byCaller ? fromTag : toTag })
  })
}

/** A token as it stood in a Route. */
interface Found {
  readonly text: string
  readonly token: RouteToken
}

function takeOffOwnRoutes(
  received: SipRequest,
  receivedUri: SipUri | undefined,
  routes: string[],
  parts: RoutingParts,
): { request: SipRequest; found: Found[] } {
  let request = received
  const found: Found[] = []
  if (routes.length === 0) return { request, found }
  // §16.4: a strict router before us put our Record-Route into the Request-URI and the real one last.
  const strict = parts.tokens.read(receivedUri?.user)
  if (strict !== undefined) {
    found.push({ text: receivedUri!.user!, token: strict })
    const last = parseNameAddr(routes.pop()!)
    request = {
      ...request,
      uri: last?.uri ?? request.uri,
      headers: request.headers
        .filter(field => field.name !== 'Route')
        .concat(routes.map(value => ({ name: 'Route', value }))),
    }
  }
  for (const text of routes) {
    const uri = parseUri(parseNameAddr(text)?.uri ?? '')
    const token = parts.tokens.read(uri?.user)
    if (token === undefined && (uri === undefined || !parts.own.isOwnHost(uri.host))) break
    if (token !== undefined) found.push({ text: uri!.user!, token })
    request = { ...request, headers: removeFirstValue(request.headers, 'Route') }
  }
  return { request, found }
}

function destinationByUri(request: SipRequest, uri: SipUri | undefined, parts: RoutingParts): Destination {
  if (uri === undefined) {
    // §16.3 step 2.
    return /^sips?:/i.test(request.uri)
      ? { kind: 'refused', status: 400, reason: 'Bad Request-URI', note: 'badUri' }
      : { kind: 'refused', status: 416, reason: 'Unsupported URI Scheme', note: 'uriScheme' }
  }
  if (values(request, 'Route').length > 0) {
    return { kind: 'refused', status: 403, reason: 'Foreign Route', note: 'foreignRoute' }
  }
  return (
    destinationOf(uri, parts) ?? {
      kind: 'refused',
      status: 404,
      reason: 'Not Found',
      note: 'foreignDomain',
    }
  )
}

function destinationOf(uri: SipUri, parts: Omit<RoutingParts, 'tokens'>): Destination | undefined {
  if (parts.own.isOwnHost(uri.host)) {
    if (uri.user === undefined) return { kind: 'self' }
    const name = uri.user.toLowerCase()
    return { kind: 'user', name: parts.accounts.personOf(name) ?? name }
  }
  const live = contactOf(uri, parts)
  return live && { kind: 'contact', live }
}

/**
 * Somebody who ignores Record-Route sends to the other's contact, and so does who was told it in a Refer-To. It must be
 * one that is registered: no open relay. In a dialog phones write it with other parameters than they registered. Anybody
 * may register what is another's contact: whoever registered from the address in it comes first.
 */
function contactOf(asked: SipUri, { bindings, veil }: Omit<RoutingParts, 'tokens'>): LiveBinding | undefined {
  const uri = veil.uncovered(asked)
  let best: { readonly live: LiveBinding; readonly rank: number } | undefined
  for (const live of bindings.withHost(uri.host)) {
    const contact = parseUri(live.binding.contact)
    if (contact === undefined) continue
    const isSame = uriEquals(contact, uri)
    if (!isSame && (contact.user !== uri.user || contact.port !== uri.port)) continue
    const rank = (canonicalAddress(uri.host) === live.binding.remote.address ? 2 : 0) + (isSame ? 1 : 0)
    if (best === undefined || rank > best.rank) best = { live, rank }
  }
  return best?.live
}
