/** The messages an agent writes: requests outside and inside a dialog, responses, ACK and CANCEL. */
import type { Random } from '../core/random.ts'
import { agentLimits, type Call, type Desk, type Dialog, type Named, newDialog } from './agent-call.ts'
import { infoPackage } from './agent-trickle.ts'
import {
  first,
  formatNameAddr,
  parseCSeq,
  parseNameAddr,
  parseUri,
  response,
  tagOf,
  values,
} from './codec.ts'
import type { HeaderField, NameAddr, SipMessage, SipRequest, SipResponse } from './message.ts'
import { escapeUser, personUri } from './person.ts'

/** Methods an agent takes. PRACK is not offered: nothing of an agent is sent reliably before the answer. */
export const allowed = 'INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS, REFER, NOTIFY'
/** What is refused with 405 instead of 501. */
export const known: ReadonlySet<string> = new Set(['REGISTER', 'MESSAGE', 'SUBSCRIBE', 'PRACK', 'PUBLISH'])

/** Never resolved: an agent is reached through the proxy only (as RFC 7118 §5 does for WebSocket clients). */
const hostedHost = 'hosted.invalid'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const bytesOf = (text: string): Uint8Array => encoder.encode(text)
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Always the same for a device, so that it outlives the daemon. */
export const contactOf = (device: string): string => `sip:${escapeUser(device)}@${hostedHost}`

export const viaOf = (random: Random): string => `SIP/2.0/WSS ${hostedHost};branch=z9hG4bK${random.hex(12)}`

/** What INVITEs, their responses and targets of ours carry besides the dialog's own headers. */
export function capabilities(desk: Desk, device: string): HeaderField[] {
  return [
    { name: 'Contact', value: `<${contactOf(device)}>` },
    { name: 'Allow', value: allowed },
    { name: 'Supported', value: `${infoPackage}, replaces` },
    { name: 'Recv-Info', value: infoPackage },
    { name: 'User-Agent', value: desk.userAgentOf(device) },
  ]
}

/** A request inside a dialog (RFC 3261 §12.2.1.1); takes the next CSeq unless `seq` is given (ACK). */
export function requestInside(
  desk: Desk,
  call: Call,
  dialog: Dialog,
  method: string,
  extra: readonly HeaderField[] = [],
  body: Uint8Array = new Uint8Array(0),
  seq: number = ++call.localSeq,
): SipRequest {
  return {
    kind: 'request',
    method,
    uri: dialog.target,
    headers: [
      { name: 'Via', value: viaOf(desk.random) },
      { name: 'Max-Forwards', value: '70' },
      ...dialog.routes.map(route => ({ name: 'Route', value: route })),
      { name: 'From', value: `${call.local};tag=${call.localTag}` },
      { name: 'To', value: `${call.remote};tag=${dialog.remoteTag}` },
      { name: 'Call-ID', value: call.callId },
      { name: 'CSeq', value: `${seq} ${method}` },
      ...extra,
    ],
    body,
  }
}

/** RFC 3892 §2.2: whoever may not know them is not told, which the proxy sees to. */
export const referredBy = (user: string, domain: string): HeaderField => ({
  name: 'Referred-By',
  value: `<${personUri(user, domain)}>`,
})

export const sdpFields: readonly HeaderField[] = [{ name: 'Content-Type', value: 'application/sdp' }]

/** RFC 3261 §17.1.1.3: the ACK of a refusal is part of the INVITE's transaction. */
export function ackOfRefusal(invite: SipRequest, refusal: SipResponse): SipRequest {
  return sameTransaction(invite, 'ACK', first(refusal, 'To') ?? first(invite, 'To')!)
}

/** RFC 3261 §9.1. */
export function cancelOf(invite: SipRequest, reason: HeaderField): SipRequest {
  const cancel = sameTransaction(invite, 'CANCEL', first(invite, 'To')!)
  return { ...cancel, headers: [...cancel.headers, reason] }
}

function sameTransaction(invite: SipRequest, method: string, to: string): SipRequest {
  const number = parseCSeq(first(invite, 'CSeq')!)?.number ?? 0
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: [
      { name: 'Via', value: values(invite, 'Via')[0]! },
      { name: 'Max-Forwards', value: '70' },
      ...values(invite, 'Route').map(value => ({ name: 'Route', value })),
      { name: 'From', value: first(invite, 'From')! },
      { name: 'To', value: to },
      { name: 'Call-ID', value: first(invite, 'Call-ID')! },
      { name: 'CSeq', value: `${number} ${method}` },
    ],
    body: new Uint8Array(0),
  }
}

const phrases: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  200: 'OK',
  202: 'Accepted',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  469: 'Bad Info Package',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  504: 'Server Time-out',
  603: 'Decline',
}

/** A response by this agent; `toTag` where it makes or belongs to a dialog. */
export function answer(
  request: SipRequest,
  status: number,
  extra: readonly HeaderField[] = [],
  toTag?: string,
  sdp?: string,
): SipResponse {
  const made = response(request, status, phrases[status] ?? 'Refused', [...extra], toTag)
  return sdp === undefined ? made : { ...made, headers: [...made.headers, ...sdpFields], body: bytesOf(sdp) }
}

/** RFC 3261 §12.1.1: the responses that make a dialog carry the request's Record-Route. */
export const recordRoutes = (request: SipRequest): HeaderField[] =>
  request.headers.filter(header => header.name === 'Record-Route')

/** The dialog that a response to our INVITE makes (RFC 3261 §12.1.2); undefined without tag or usable Contact. */
export function dialogOfResponse(message: SipResponse): Dialog | undefined {
  const remoteTag = tagOf(message, 'To')
  const target = targetOf(message)
  if (remoteTag === undefined || target === undefined) return undefined
  const routes = values(message, 'Record-Route').reverse()
  if (routes.length > agentLimits.routes) return undefined
  return newDialog({ remoteTag, target, routes, trickle: takesTrickle(message), remoteSeq: undefined })
}

/** The dialog that an INVITE to us will make (RFC 3261 §12.1.1). */
export function dialogOfRequest(message: SipRequest): Dialog | undefined {
  const remoteTag = tagOf(message, 'From')
  const target = targetOf(message)
  if (remoteTag === undefined || target === undefined) return undefined
  const routes = values(message, 'Record-Route')
  if (routes.length > agentLimits.routes) return undefined
  const remoteSeq = parseCSeq(first(message, 'CSeq') ?? '')?.number
  return newDialog({ remoteTag, target, routes, trickle: takesTrickle(message), remoteSeq })
}

export function targetOf(message: SipMessage): string | undefined {
  const contact = values(message, 'Contact')[0]
  const address = contact === undefined ? undefined : parseNameAddr(contact)
  return address !== undefined && parseUri(address.uri) !== undefined ? address.uri : undefined
}

export function takesTrickle(message: SipMessage): boolean {
  return (
    values(message, 'Recv-Info').some(value => value.split(';')[0]!.trim().toLowerCase() === infoPackage) ||
    values(message, 'Supported').some(value => value.trim().toLowerCase() === infoPackage)
  )
}

export interface Party extends Named {
  readonly address: string
}

/** The name-addr of From or To without its parameters, and who it names. */
export function partyOf(message: SipMessage, name: 'From' | 'To'): Party | undefined {
  const parsed = parseNameAddr(first(message, name) ?? '')
  return parsed && { address: formatNameAddr({ ...parsed, params: new Map() }), ...namedBy(parsed) }
}

/** Whom a header that the proxy writes, or lets through, names; undefined where there is none. */
export function toldBy(
  message: SipMessage,
  name: 'P-Asserted-Identity' | 'Diversion' | 'Referred-By',
): Named | undefined {
  const parsed = parseNameAddr(values(message, name)[0] ?? '')
  return parsed && namedBy(parsed)
}

const namedBy = ({ uri, displayName = '' }: NameAddr): Named => ({
  user: parseUri(uri)?.user ?? '',
  displayName,
})

export const isSdp = (message: SipMessage): boolean =>
  /^application\/sdp\s*(;|$)/i.test(first(message, 'Content-Type') ?? '')

/** Two descriptions are the same whatever their line ends: what a session refresh repeats. */
export const sameSdp = (a: string, b: string): boolean => normalized(a) === normalized(b)
const normalized = (sdp: string): string => sdp.replace(/\r\n?/g, '\n').trimEnd()
