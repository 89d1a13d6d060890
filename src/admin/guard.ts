/**
 * Who may talk to this web server at all, judged from where a request came, what it calls us and which page sent it.
 * Stops DNS rebinding (a foreign name pointing at us), foreign pages (their origin), and loopback names from the LAN.
 * Used for every request, and for WebSocket upgrades by `refuseUpgrade`.
 */
import type { IncomingMessage } from 'node:http'
import { canonicalAddress, isLoopback } from '../core/endpoint.ts'

/** `http` in the clear on a TCP port, `https`, or the unix socket, whose file's mode is its authorisation. */
export type Listener = 'http' | 'https' | 'unix'

export interface Approach {
  readonly listener: Listener
  readonly peer: string
  readonly host: string | undefined
  readonly origin: string | undefined
}

export interface Allowed {
  /** Own names and addresses, without port. */
  isOwnHost(host: string): boolean
  /** Foreign pages that may use this appliance, as origins (`https://app.example`). */
  readonly origins: readonly string[]
}

export type Verdict =
  /** The pages and the interface. */
  | { readonly kind: 'serve' }
  /** In the clear from the LAN: the door page and nothing else. */
  | { readonly kind: 'door'; readonly host: string }
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string; readonly message: string }

export function judge(approach: Approach, allowed: Allowed): Verdict {
  if (approach.listener === 'unix') return { kind: 'serve' }
  const host = hostOf(approach.host)
  if (host === undefined) return refuse(400, 'badHost', 'the request names no host, or not a valid one')
  const loopback = isLoopbackName(host)
  if (loopback && !isLoopback(approach.peer)) {
    return refuse(
      421,
      'badHost',
      `${host} is for this computer itself; use the appliance's own name or address`,
    )
  }
  if (!loopback && !allowed.isOwnHost(host)) {
    return refuse(421, 'badHost', 'this appliance does not go by that name; use its own name or address')
  }
  if (approach.origin !== undefined && !isAllowedOrigin(approach.origin, approach, allowed)) {
    return refuse(403, 'badOrigin', 'pages of other sites may not use this appliance')
  }
  return approach.listener === 'https' || loopback ? { kind: 'serve' } : { kind: 'door', host }
}

/** For a WebSocket upgrade: undefined lets it in, otherwise the HTTP status to refuse with. */
export function refuseUpgrade(
  request: IncomingMessage,
  listener: Listener,
  allowed: Allowed,
): number | undefined {
  const verdict = judge(
    {
      listener,
      peer: peerOf(request),
      host: request.headers.host,
      origin: request.headers.origin,
    },
    allowed,
  )
  if (verdict.kind === 'serve') return undefined
  return verdict.kind === 'door' ? 403 : verdict.status
}

export const peerOf = (request: IncomingMessage): string =>
  canonicalAddress(request.socket.remoteAddress ?? '') ?? ''

/**
 * Whether a browser sent this for a page of another site without its user going there (Fetch Metadata). Browsers that
 * say nothing are held by Origin and SameSite cookies.
 */
export const isForeignFetch = (site: string | undefined, mode: string | undefined): boolean =>
  (site === 'cross-site' || site === 'same-site') && mode !== 'navigate'

/** RFC 6761 §6.3: `localhost` and every name under it. */
const isLoopbackName = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || isLoopback(host)

/** RFC 9110 §7.2: `host[:port]`, lower case, IPv6 without brackets, a final dot dropped. */
function hostOf(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]{1,253}))(?::[0-9]{1,5})?$/i.exec(header ?? '')
  if (match === null) return undefined
  const host = (match[1] ?? match[2])!.toLowerCase().replace(/\.$/, '')
  return match[1] === undefined ? host || undefined : canonicalAddress(host)
}

function isAllowedOrigin(origin: string, approach: Approach, allowed: Allowed): boolean {
  const scheme = approach.listener === 'https' ? 'https' : 'http'
  return (
    origin.toLowerCase() === `${scheme}://${approach.host}`.toLowerCase() || allowed.origins.includes(origin)
  )
}

const refuse = (status: number, code: string, message: string): Verdict => ({
  kind: 'refuse',
  status,
  code,
  message,
})
