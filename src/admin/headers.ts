/** What every answer tells the browser about what it may do with it. */
import type { Listener } from './guard.ts'
import type { AppDeps } from './ports.ts'

/** No Strict-Transport-Security, ever: it would lock out whoever later reaches the name without our certificate. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-permitted-cross-domain-policies': 'none',
  'permissions-policy':
    'camera=(self), microphone=(self), screen-wake-lock=(self), speaker-selection=(self), geolocation=(), usb=(), serial=(), midi=(), payment=(), display-capture=()',
}

/**
 * For files that hold what others wrote (SIP, SDP, names): opened as a page of its own, one is in an origin of its own
 * and runs nothing. Its own style and picture data are its own.
 */
export const filePolicy =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `host` was judged, so it holds nothing but a name or address and a port. */
export function pagePolicy(listener: Listener, host: string, deps: AppDeps): string {
  const own = listener === 'https' ? [`wss://${host}`, ...otherOrigins(deps)] : [`ws://${host}`]
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self' ${own.join(' ')}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/**
 * Where a page may ask for this same appliance by its other names, to tell people which of them work. CSP has no form
 * for IPv6 addresses (CSP3 §2.3.1).
 */
function otherOrigins({ network, httpsPort }: AppDeps): string[] {
  const { hostname, addresses } = network()
  const port = httpsPort() === 443 ? '' : `:${httpsPort()}`
  const names = [`${hostname}.local`, ...addresses.map(({ address }) => address)]
  return [...new Set(names)].filter(name => !name.includes(':')).map(name => `https://${name}${port}`)
}
