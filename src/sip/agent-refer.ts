/**
 * Handing a call on: REFER within it (RFC 3515), as in RFC 5589 §6. The transferor's client wishes it, the transferee's is
 * asked to place the call, and NOTIFY with a fragment (RFC 3420) tells how that goes, as long as the first call lasts. That
 * one is hung up by the transferor once the other is answered; where it is not, both talk on. Who is called reads in
 * Referred-By (RFC 3892) who handed the caller on. Left out: REFER outside a call.
 *
 * | here       | begins                   | then                                  | at the end            |
 * | ---------- | ------------------------ | ------------------------------------- | --------------------- |
 * | transferor | `refer`: REFER           | NOTIFY 18x: `ringing`                 | 2xx: `answered`, BYE; |
 * |            |                          |                                       | 3xx–6xx: `failed`     |
 * | transferee | REFER: 202, `referred`   | `invite` takes it up: its 18x, NOTIFY | its final, NOTIFY;    |
 * |            |                          |                                       | nobody places it:     |
 * |            |                          |                                       | 480, and not later    |
 */
import { after } from '../core/clock.ts'
import { type EndReason, isEndReason } from '../core/end-reason.ts'
import { formatEndpoint } from '../core/endpoint.ts'
import { agentLimits, type Call, type Desk, type Referral, timerOf } from './agent-call.ts'
import { decline, notSupported } from './agent-callee.ts'
import { sendBye } from './agent-inside.ts'
import { answer, bytesOf, contactOf, referredBy, requestInside, textOf } from './agent-message.ts'
import type { AgentTable } from './agent-table.ts'
import { first, parseCSeq, parseNameAddr, parseUri, values } from './codec.ts'
import type { AgentCommand, AgentEvent, HeaderField, SipRequest, SipResponse } from './message.ts'
import { escapeUser, personUri } from './person.ts'
import { reasonField, reasonWord, wordOfStatus } from './reason.ts'
import { isNobody } from './veil.ts'

const fragmentType = 'message/sipfrag'
/** Of what a Refer-To may carry as headers. */
const limitReplaces = 512

/** Not among a call's timers: what was asked for may outlive it. */
const referralTimer = (device: string, key: string): string => `referral ${device} ${key}`

/** As the client says it. */
type Wish = Extract<AgentCommand, { kind: 'refer' }>

// ------------------------------------------------------------------------------------------------- the transferor

/** The client wants the other party to call `to` instead. What becomes of it is told by `referral`. */
export function sendRefer(desk: Desk, table: AgentTable, call: Call, wish: Wish): void {
  if (call.referring !== undefined) return
  const { to, replaces } = wish
  const asked = replaces === undefined ? undefined : table.call(call.device, replaces)
  // Who was asked first has hung up: whoever is handed on is not to ring there.
  const isGone = replaces !== undefined && (asked?.phase !== 'established' || asked === call)
  if (call.phase !== 'established' || isGone) return tellReferral(desk, call, 'failed', 'failed')
  const query = asked === undefined ? '' : `?Replaces=${encodeURIComponent(replacesOf(asked))}`
  const request = requestInside(desk, call, call.dialog!, 'REFER', [
    { name: 'Contact', value: `<${contactOf(call.device)}>` },
    { name: 'Refer-To', value: `<${addressFor(desk, call, to)}${query}>` },
    referredBy(call.user, desk.domain),
  ])
  call.referring = { seq: call.localSeq, isNotified: false, rang: false }
  // RFC 4320 §4.1: of a request that nobody answers nothing comes back.
  waitFor(desk, call, agentLimits.transactionMilliseconds)
  desk.send(call.device, request)
}

export function receiveReferResponse(desk: Desk, call: Call, message: SipResponse): void {
  const seq = parseCSeq(first(message, 'CSeq')!)?.number
  const { referring } = call
  if (message.status < 200 || referring === undefined || referring.seq !== seq) return
  // Whatever it says: their phone does not call anybody. Why somebody else did not answer comes by NOTIFY.
  if (message.status >= 300) referFailed(desk, call, message.status === 404 ? 'notFound' : 'failed')
  else if (!referring.isNotified) waitFor(desk, call, agentLimits.firstNotifyMilliseconds)
}

/**
 * RFC 3515 §2.4.5: how the call that was asked for goes. Subscription-State is not looked at: SIP.js says `terminated` from
 * the first on, and tells all the same how it ends.
 */
export function receiveNotify(desk: Desk, call: Call, request: SipRequest): void {
  const { referring } = call
  const reply = (status: number, extra: readonly HeaderField[] = []) =>
    desk.send(call.device, answer(request, status, extra, call.localTag))
  const [event, id] = eventOf(request)
  if (event !== 'refer') return reply(489, [{ name: 'Allow-Events', value: 'refer' }])
  if (referring === undefined || (id !== undefined && id !== String(referring.seq))) return reply(481)
  const type = first(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== fragmentType && request.body.length > 0)
    return reply(415, [{ name: 'Accept', value: fragmentType }])
  reply(200)
  referring.isNotified = true
  waitFor(desk, call, agentLimits.referMilliseconds)
  const told = parseFragment(textOf(request.body))
  if (told === undefined || told.status < 200) {
    if (told !== undefined && told.status >= 180 && !referring.rang) {
      referring.rang = true
      tellReferral(desk, call, 'ringing')
    }
  } else if (told.status < 300) handedOn(desk, call)
  else referFailed(desk, call, told.word)
}

/**
 * `to` at the place where the other side reaches us: many phones know an address only and cannot look up our name. The last
 * of our routes is the one on their side.
 */
function addressFor(desk: Desk, call: Call, to: string): string {
  const { uri = '' } = parseNameAddr(call.dialog?.routes.at(-1) ?? '') ?? {}
  const { host = '', port, params } = parseUri(uri) ?? {}
  // Another page, or none of ours.
  if (port === undefined || host.endsWith('.invalid')) return personUri(to, desk.domain)
  const transport = params?.get('transport')
  const place = formatEndpoint({ address: host, port })
  return `sip:${escapeUser(to)}@${place}${transport === undefined ? '' : `;transport=${transport}`}`
}

/** The Replaces by which somebody else takes our place in an established call; the tags are as its other side sees them. */
const replacesOf = ({ callId, localTag, dialog }: Call): string =>
  `${callId};to-tag=${dialog!.remoteTag};from-tag=${localTag}`

/** Nothing final was told in time: whether anybody took the call is not known; who told nothing at all placed none. */
export function referTimedOut(desk: Desk, call: Call): void {
  referFailed(desk, call, call.referring?.isNotified ? 'lost' : 'failed')
}

/** RFC 5589 §6.1: the transferor ends its call. */
function handedOn(desk: Desk, call: Call): void {
  forgetRefer(desk, call)
  tellReferral(desk, call, 'answered')
  decline(desk, call, 487)
  sendBye(desk, call, 'hangup')
  desk.end(call, 'self', 0, 'hangup')
}

function waitFor(desk: Desk, call: Call, milliseconds: number): void {
  desk.timers.set(timerOf('refer', call), after(desk.at, milliseconds))
}

function referFailed(desk: Desk, call: Call, reason: EndReason): void {
  if (call.referring === undefined) return
  forgetRefer(desk, call)
  tellReferral(desk, call, 'failed', reason)
}

function forgetRefer(desk: Desk, call: Call): void {
  call.referring = undefined
  desk.timers.clear(timerOf('refer', call))
}

function tellReferral(
  desk: Desk,
  call: Call,
  state: (AgentEvent & { kind: 'referral' })['state'],
  reason?: EndReason,
): void {
  desk.tell(call, { kind: 'referral', call: call.key, state, reason })
}

// ------------------------------------------------------------------------------------------------- the transferee

/** REFER within a call: the client is asked to call somebody else. */
export function receiveRefer(desk: Desk, table: AgentTable, call: Call, request: SipRequest): void {
  const reply = (status: number, extra: readonly HeaderField[] = []) =>
    desk.send(call.device, answer(request, status, extra, call.localTag))
  const { referrals } = table.deviceOf(call.device, call.user)
  if (call.phase !== 'established') return reply(481)
  const required = notSupported(request)
  if (required !== undefined) return reply(420, required)
  if (call.isReferred) return reply(491)
  if (call.timesReferred >= agentLimits.referralsPerCall) return reply(603)
  const wanted = parseReferTo(desk, request)
  if (typeof wanted === 'number') return reply(wanted)
  if (referrals.size >= agentLimits.callsPerDevice) return reply(486)
  const seq = parseCSeq(first(request, 'CSeq') ?? '')?.number
  const event = `refer;id=${seq}`
  const referral: Referral = {
    call: call.key,
    event,
    by: isNobody(call.remote) ? undefined : call.peer,
    isPlaced: false,
    ...wanted,
  }
  call.isReferred = true
  call.hasLapsed = false
  call.timesReferred++
  referrals.set(call.key, referral)
  desk.timers.set(referralTimer(call.device, call.key), after(desk.at, agentLimits.referralMilliseconds))
  reply(202, [{ name: 'Contact', value: `<${contactOf(call.device)}>` }])
  notify(desk, call, referral.event, 100)
  tellReferred(desk, call, referral)
}

/** Tells the client what it is asked for, at once or when it is back. */
export function tellReferred(desk: Desk, call: Call, { to }: Referral): void {
  desk.tell(call, { kind: 'referred', call: call.key, to })
}

/**
 * The client places the call it was asked for: what that is. `gone`: who asked was told that nobody does, or has hung up
 * long ago, so that it would ring where nobody expects it. Undefined: after a restart, it is a call as any other.
 */
export function takeReferral(table: AgentTable, device: string, key: string): Referral | 'gone' | undefined {
  const referral = table.device(device)?.referrals.get(key)
  if (referral !== undefined) {
    referral.isPlaced = true
    return referral
  }
  const within = table.call(device, key)
  return within?.phase !== 'established' || within.hasLapsed ? 'gone' : undefined
}

/** The client did not place it in time. `id` names device and call. */
export function referralTimedOut(desk: Desk, table: AgentTable, id: string): void {
  const [device = '', key = ''] = id.split(' ')
  const referrals = table.device(device)?.referrals
  const referral = referrals?.get(key)
  referrals?.delete(key)
  if (referral === undefined || referral.isPlaced) return
  const within = table.call(device, key)
  if (within !== undefined) within.hasLapsed = true
  notifyReferrer(desk, table, device, referral, 480, 'unreachable')
}

/** What the transferor is told of the call that it asked for, by what our client is told of it. */
export function passToReferrer(desk: Desk, table: AgentTable, call: Call, event: AgentEvent): void {
  const { referral } = call
  if (referral === undefined) return
  if (event.kind === 'ringing') notifyReferrer(desk, table, call.device, referral, 180)
  else if (event.kind === 'answered' || event.kind === 'ended') {
    call.referral = undefined
    if (event.kind === 'answered') notifyReferrer(desk, table, call.device, referral, 200)
    else {
      const reason = isEndReason(event.reason) ? event.reason : 'failed'
      const status = event.code >= 300 ? event.code : reason === 'cancelled' ? 487 : 480
      notifyReferrer(desk, table, call.device, referral, status, reason)
    }
  }
}

/** RFC 5057 §5.1 would let it be told after a BYE as well; who has hung up does not wait for it. */
function notifyReferrer(
  desk: Desk,
  table: AgentTable,
  device: string,
  { call: key, event }: Referral,
  status: number,
  reason?: EndReason,
): void {
  const call = table.call(device, key)
  if (call?.phase !== 'established') return
  if (status >= 200) call.isReferred = false
  notify(desk, call, event, status, reason)
}

function notify(desk: Desk, call: Call, event: string, status: number, reason?: EndReason): void {
  const state =
    status < 200
      ? `active;expires=${Math.ceil(agentLimits.referMilliseconds / 1_000)}`
      : 'terminated;reason=noresource'
  const request = requestInside(
    desk,
    call,
    call.dialog!,
    'NOTIFY',
    [
      { name: 'Contact', value: `<${contactOf(call.device)}>` },
      { name: 'Event', value: event },
      { name: 'Subscription-State', value: state },
      { name: 'Content-Type', value: `${fragmentType};version=2.0` },
    ],
    bytesOf(formatFragment(status, reason)),
  )
  desk.send(call.device, request)
}

// ------------------------------------------------------------------------------------------------------ fields

const phrases: Readonly<Record<number, string>> = { 100: 'Trying', 180: 'Ringing', 200: 'OK' }

/** RFC 3420: a status line, and with a refusal the Reason that says it better than its number. */
function formatFragment(status: number, reason: EndReason | undefined): string {
  const line = `SIP/2.0 ${status} ${phrases[status] ?? 'Refused'}\r\n`
  if (reason === undefined) return line
  const { name, value } = reasonField(status, reason)
  return `${line}${name}: ${value}\r\n`
}

function parseFragment(text: string): { readonly status: number; readonly word: EndReason } | undefined {
  const status = Number(/^SIP\/2\.0 ([1-6][0-9]{2})(?= |\r|\n|$)/.exec(text)?.[1])
  if (Number.isNaN(status)) return undefined
  const value = /\nReason:([^\r\n]{0,200})/i.exec(text)?.[1]
  const told = value === undefined ? undefined : reasonWord({ headers: [{ name: 'Reason', value }] })
  return { status, word: told === undefined || told === 'hangup' ? wordOfStatus(status) : told }
}

/** Name and `id` of the Event header, whose name has no case. */
function eventOf(request: SipRequest): readonly [string, string | undefined] {
  const [name = '', ...parameters] = (first(request, 'Event') ?? '').split(';').map(part => part.trim())
  const id = parameters.find(parameter => /^id\s*=/i.test(parameter))
  return [name.toLowerCase(), id?.slice(id.indexOf('=') + 1).trim()]
}

/** Whom a REFER asks to be called (RFC 3515 §2.1), or the status that says why that cannot be. */
function parseReferTo(
  desk: Desk,
  request: SipRequest,
): Pick<Referral, 'uri' | 'to' | 'replaces'> | 400 | 404 | 416 | 603 {
  const [value, second] = values(request, 'Refer-To')
  const address = value === undefined || second !== undefined ? undefined : parseNameAddr(value)
  if (address === undefined) return 400
  const parsed = parseUri(address.uri)
  if (parsed === undefined) return /^sips?:/i.test(address.uri) ? 400 : 416
  if ((parsed.params.get('method') ?? 'INVITE').toUpperCase() !== 'INVITE') return 603
  const replaces = replacesIn(parsed.headers)
  if (replaces === null) return 400
  const user = desk.personAt(parsed)
  if (user === undefined) return 404
  const question = address.uri.indexOf('?')
  const uri = question < 0 ? address.uri : address.uri.slice(0, question)
  return { uri, to: { user, displayName: address.displayName ?? '' }, replaces }
}

/** The Replaces among the headers of a URI (RFC 3891 §3.1); null where it is none that may be written into a message. */
function replacesIn(headers: string | undefined): string | undefined | null {
  const written = headers?.split('&').find(header => /^replaces=/i.test(header))
  if (written === undefined) return undefined
  try {
    const value = decodeURIComponent(written.slice(written.indexOf('=') + 1))
    return value !== '' && value.length <= limitReplaces && /^[\x21-\x7e]+$/.test(value) ? value : null
  } catch {
    return null
  }
}
