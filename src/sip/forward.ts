/** How a request looks when it leaves (RFC 3261 §16.6), and how our URIs and Vias are written for a flow. */
import { formatEndpoint } from '../core/endpoint.ts'
import { withoutAssertions } from './assertions.ts'
import type { Flow, HeaderField, SipRequest, Transport } from './message.ts'

const viaTransport: Readonly<Record<Transport, string>> = {
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WS',
  wss: 'WSS',
  hosted: 'TCP',
}

const uriTransport: Readonly<Record<Transport, string>> = {
  udp: '',
  tcp: ';transport=tcp',
  tls: ';transport=tls',
  ws: ';transport=ws',
  // RFC 7118 §4: `ws` stands for both.
  wss: ';transport=ws',
  hosted: '',
}

export const viaFor = (flow: Flow, branch: string): string =>
  `SIP/2.0/${viaTransport[flow.transport]} ${formatEndpoint(flow.local)};branch=${branch}${flow.transport === 'udp' ? ';rport' : ''}`

/** A Record-Route of ours as the party on `flow` has to write it to reach us. */
export const recordRouteFor = (flow: Flow, token: string): string =>
  `<sip:${token}@${formatEndpoint(flow.local)}${uriTransport[flow.transport]};lr>`

export interface Forwarding {
  readonly uri: string
  readonly via: string
  /** Topmost first. */
  readonly recordRoutes: readonly string[]
  /** Put before the routes that are there (RFC 3327 §5.3). */
  readonly path: readonly string[]
  readonly maxBreadth: number | undefined
  /** P-Asserted-Identity (RFC 3325 §9.1): who lanline knows the sender to be. */
  readonly asserted: string | undefined
  /** Diversion (RFC 5806): whom the call was for, where it rings at somebody else. */
  readonly diversion: string | undefined
  /** Referred-By (RFC 3892): who handed the caller on, where the target may know them. */
  readonly referredBy: string | undefined
}

/** §16.6 steps 1 to 8. `request` has our Routes and credentials taken out already. */
export function forward(request: SipRequest, how: Forwarding): SipRequest {
  const headers: HeaderField[] = [{ name: 'Via', value: how.via }]
  for (const value of how.recordRoutes) headers.push({ name: 'Record-Route', value })
  for (const value of how.path) headers.push({ name: 'Route', value })
  let hops: string | undefined
  for (const field of withoutAssertions(request.headers)) {
    if (field.name === 'Max-Forwards') hops = field.value
    else if (!ours.has(field.name)) headers.push(field)
  }
  headers.push({ name: 'Max-Forwards', value: hops === undefined ? '70' : String(Number(hops) - 1) })
  if (how.asserted !== undefined) headers.push({ name: 'P-Asserted-Identity', value: how.asserted })
  if (how.diversion !== undefined) headers.push({ name: 'Diversion', value: how.diversion })
  if (how.referredBy !== undefined) headers.push({ name: 'Referred-By', value: how.referredBy })
  if (how.maxBreadth !== undefined) headers.push({ name: 'Max-Breadth', value: String(how.maxBreadth) })
  return { ...request, uri: how.uri, headers }
}

/** What no device says for us, or only to us: it is counted, told, let through or done here. */
const ours: ReadonlySet<string> = new Set(['Diversion', 'Max-Breadth', 'Proxy-Require', 'Referred-By'])
