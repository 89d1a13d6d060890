/**
 * The called side of a hosted agent: INVITEs outside a dialog (RFC 3261 §13.3) and offers inside one (re-INVITE §14.2,
 * UPDATE RFC 3311), which wait for the client's answer alike. Who asks without an offer, as desk phones do that take a
 * call off hold, and exchanges that connect two calls, wants one in the 2xx and answers it in the ACK (RFC 6337 §2.2).
 *
 * | state     | ringing | answer              | refuse          | CANCEL        | BYE            |
 * | --------- | ------- | ------------------- | --------------- | ------------- | -------------- |
 * | asked     | 180     | 2xx until ACK       | that code, over | 200, 487, over| 481            |
 * | answered  |         |                     |                 | 200           | 200, over      |
 * | (offer)   |         | 2xx                 | 488             | 200, 487      | 200, 487, over |
 * | (no offer)|         | the client's, 2xx   |                 | 200, 487      | 200, 487, over |
 */
import { after } from '../core/clock.ts'
import { nobody } from '../core/nobody.ts'
import {
  type Answered,
  type Asked,
  agentLimits,
  type Call,
  type Desk,
  type Named,
  newCall,
  setLocalSdp,
  T1,
  T2,
  timerOf,
} from './agent-call.ts'
import { refuseOffer, sendBye, takeAnswer, tellCandidates, tellDialog } from './agent-inside.ts'
import {
  answer,
  capabilities,
  dialogOfRequest,
  isSdp,
  type Party,
  partyOf,
  recordRoutes,
  sameSdp,
  targetOf,
  textOf,
  toldBy,
} from './agent-message.ts'
import { callKey, first, parseCSeq, tagOf, values } from './codec.ts'
import { unsupported } from './extensions.ts'
import type { AgentEvent, HeaderField, SipRequest } from './message.ts'
import { reasonWord } from './reason.ts'
import { hasVideo } from './sdp.ts'
import { isNobody } from './veil.ts'

/** Why an INVITE cannot even ring; undefined when it can. */
export function objection(
  request: SipRequest,
): { readonly status: number; readonly extra: readonly HeaderField[] } | undefined {
  const required = notSupported(request)
  if (required !== undefined) return { status: 420, extra: required }
  if (request.body.length === 0) return undefined
  if (!isSdp(request)) return { status: 415, extra: [{ name: 'Accept', value: 'application/sdp' }] }
  if (request.body.length > agentLimits.sdpBytes) return { status: 488, extra: [] }
  return undefined
}

/** RFC 3261 §8.2.2.3: what a request requires and an agent does not do, as a 420 says it; undefined where there is nothing. */
export function notSupported(request: SipRequest): readonly HeaderField[] | undefined {
  const required = values(request, 'Require').filter(tag => tag.trim().toLowerCase() !== 'trickle-ice')
  return required.length > 0 ? unsupported(required) : undefined
}

/** A call from outside, not yet told to anybody; undefined when no dialog could be made of it. */
export function newIncoming(
  desk: Desk,
  device: string,
  user: string,
  request: SipRequest,
  replaces: string | undefined,
): Call | undefined {
  const callId = first(request, 'Call-ID')
  const fromTag = tagOf(request, 'From')
  const from = partyOf(request, 'From')
  const to = partyOf(request, 'To')
  const dialog = dialogOfRequest(request)
  if (!callId || !fromTag || !from || !to || !dialog) return undefined
  const sdp = sdpOf(request)
  const call = newCall({
    device,
    user,
    key: callKey(callId, fromTag),
    callId,
    localTag: desk.random.hex(8),
    role: 'callee',
    local: to.address,
    remote: from.address,
    peer: callerOf(desk, request, from),
    video: hasVideo(sdp ?? ''),
    calledFor: toldBy(request, 'Diversion'),
    referredBy: referrerOf(desk, request),
    ...{ replaces, phase: 'asked', localSeq: 0 },
  })
  call.dialog = dialog
  call.remoteSdp = sdp ?? ''
  call.asked = { request, sdp }
  return call
}

/** However their phone writes it, clients know them by the name they have here; where it hides who calls, as the proxy tells. */
function callerOf(desk: Desk, request: SipRequest, { user, displayName, address }: Party): Named {
  if (isNobody(address)) {
    return toldBy(request, 'P-Asserted-Identity') ?? nobody
  }
  const known = desk.personOf(user.toLowerCase())
  if (known !== undefined) return { user: known, displayName }
  return toldBy(request, 'P-Asserted-Identity') ?? { user, displayName }
}

/** Undefined where it is nobody of this house: anybody may write it. */
function referrerOf(desk: Desk, request: SipRequest): Named | undefined {
  const told = toldBy(request, 'Referred-By')
  const user = told && desk.personOf(told.user.toLowerCase())
  return user === undefined ? undefined : { user, displayName: '' }
}

export function incomingEvent(call: Call): AgentEvent {
  return {
    kind: 'incoming',
    call: call.key,
    from: call.peer,
    calledFor: call.calledFor,
    referredBy: call.referredBy,
    sdp: call.remoteSdp,
    trickle: call.dialog?.trickle ?? false,
    video: call.video,
    replaces: call.replaces,
  }
}

/** The client rings: 180, once. */
export function ring(desk: Desk, call: Call): void {
  if (call.phase !== 'asked' || call.asked === undefined || call.rang) return
  call.rang = true
  const { request } = call.asked
  desk.send(
    call.device,
    answer(request, 180, [...recordRoutes(request), ...capabilities(desk, call.device)], call.localTag),
  )
}

/** The client answers whatever was asked: the call itself, or an offer within it; or it makes the offer that is wanted. */
export function accept(desk: Desk, call: Call, sdp: string): void {
  const asked = call.asked
  if (asked === undefined) return
  const { request } = asked
  const isOffer = asked.sdp === undefined
  call.asked = undefined
  if (isOffer) call.dialog!.heard.clear()
  else call.remoteSdp = asked.sdp
  call.isAnswered = false
  setLocalSdp(call, sdp)
  desk.timers.clear(timerOf('ring', call))
  desk.timers.clear(timerOf('offer', call))
  succeed(desk, call, request, sdp, isOffer)
  if (call.phase === 'asked') call.phase = 'established'
  if (!isOffer) tellDialog(desk, call)
}

/** The client, or nobody, wants it: the call is refused, or the offer is and the call goes on. */
export function decline(desk: Desk, call: Call, status: number, extra: readonly HeaderField[] = []): void {
  const asked = call.asked
  if (asked === undefined) return
  call.asked = undefined
  desk.timers.clear(timerOf('offer', call))
  desk.send(call.device, answer(asked.request, status, extra, call.localTag))
}

/** CANCEL (RFC 3261 §9.2): the request it names is answered 487, unless it has its answer already. */
export function receiveCancel(desk: Desk, call: Call, cancel: SipRequest): void {
  desk.send(call.device, answer(cancel, 200, [], call.localTag))
  const seq = parseCSeq(first(cancel, 'CSeq')!)?.number
  const asked = call.asked
  if (asked === undefined || asked.request.method !== 'INVITE') return
  if (parseCSeq(first(asked.request, 'CSeq')!)?.number !== seq) return
  decline(desk, call, 487)
  if (call.phase !== 'asked') return
  const word = reasonWord(cancel)
  desk.end(call, 'peer', 487, word === undefined || word === 'hangup' ? 'cancelled' : word)
  desk.forget(call)
}

/** A re-INVITE or UPDATE within an established call. */
export function receiveOffer(desk: Desk, call: Call, request: SipRequest) {
  const refuse = (status: number, extra: readonly HeaderField[] = []) =>
    desk.send(call.device, answer(request, status, extra, call.localTag))
  const dialog = call.dialog!
  // RFC 3311 §5.2: an UPDATE without a body changes the target only; RFC 4028 refreshes look like this.
  if (request.method === 'UPDATE' && request.body.length === 0) {
    dialog.target = targetOf(request) ?? dialog.target
    desk.send(call.device, answer(request, 200, capabilities(desk, call.device), call.localTag))
    return
  }
  const objected = objection(request)
  if (objected !== undefined) return refuse(objected.status, objected.extra)
  // RFC 3261 §14.2, RFC 3311 §5.2: glare, and a second offer before the first had its answer.
  if (call.inviting !== undefined || call.answered?.offer !== undefined) return refuse(491)
  if (call.asked !== undefined || (request.method === 'INVITE' && call.answered !== undefined)) {
    return refuse(500, [{ name: 'Retry-After', value: String(desk.random.below(11)) }])
  }
  dialog.target = targetOf(request) ?? dialog.target
  const sdp = sdpOf(request)
  if (sdp !== undefined && call.localSdp !== '' && sameSdp(sdp, call.remoteSdp)) {
    succeed(desk, call, request, call.localSdp, false)
    return
  }
  call.asked = { request, sdp }
  desk.timers.set(timerOf('offer', call), after(desk.at, agentLimits.offerMilliseconds))
  if (sdp !== undefined) dialog.heard.clear()
  tellAsked(desk, call, call.asked)
}

/** Tells the client of what is asked within the call. */
export function tellAsked(desk: Desk, call: Call, { sdp }: Asked): void {
  desk.tell(
    call,
    sdp === undefined ? { kind: 'offerWanted', call: call.key } : { kind: 'offer', call: call.key, sdp },
  )
}

/** Nobody answered an offer in time. RFC 3311 §5.2: an UPDATE that would need a person is 504. */
export function offerTimedOut(desk: Desk, call: Call): void {
  decline(desk, call, call.asked?.request.method === 'UPDATE' ? 504 : 488)
}

export function receiveAck(desk: Desk, call: Call, ack: SipRequest): void {
  const seq = parseCSeq(first(ack, 'CSeq')!)?.number
  if (call.answered === undefined || call.answered.seq !== seq) return
  const { offer } = call.answered
  call.answered = undefined
  desk.timers.clear(timerOf('repeat', call))
  desk.timers.clear(timerOf('unacknowledged', call))
  if (call.byeAfterAck !== undefined) sendBye(desk, call, call.byeAfterAck)
  else if (offer !== undefined) receiveAnswer(desk, call, ack, offer)
  else if (call.dialog !== undefined) tellCandidates(desk, call, call.dialog)
}

/** RFC 3261 §13.2.2.4: where the 2xx has an offer its ACK has the answer. Without one a call never began. */
function receiveAnswer(desk: Desk, call: Call, ack: SipRequest, offer: 'first' | 'later'): void {
  if (isSdp(ack) && ack.body.length > 0 && ack.body.length <= agentLimits.sdpBytes) {
    takeAnswer(desk, call, call.dialog!, textOf(ack.body))
  } else if (offer === 'later') refuseOffer(desk, call, 488, undefined)
  else {
    sendBye(desk, call, 'failed')
    desk.end(call, 'server', 488, 'failed')
  }
}

/** RFC 3261 §13.3.1.4: the 2xx is repeated end to end until its ACK comes, whatever the transport. */
export function repeatAnswer(desk: Desk, call: Call): void {
  const answered = call.answered
  if (answered === undefined) return
  desk.send(call.device, answered.response)
  answered.intervalMilliseconds = Math.min(2 * answered.intervalMilliseconds, T2)
  desk.timers.set(timerOf('repeat', call), after(desk.at, answered.intervalMilliseconds))
}

/** RFC 3261 §13.3.1.4: after 64*T1 without ACK the dialog is confirmed but the session ends with a BYE. */
export function neverAcknowledged(desk: Desk, call: Call): void {
  call.answered = undefined
  desk.timers.clear(timerOf('repeat', call))
  sendBye(desk, call, call.byeAfterAck ?? 'lost')
  desk.end(call, 'server', 408, 'lost')
}

/** Undefined where the offer is left to us. */
const sdpOf = ({ body }: SipRequest): string | undefined => (body.length === 0 ? undefined : textOf(body))

function succeed(desk: Desk, call: Call, request: SipRequest, sdp: string, isOffer: boolean): void {
  const response = answer(
    request,
    200,
    [...recordRoutes(request), ...capabilities(desk, call.device)],
    call.localTag,
    sdp,
  )
  desk.send(call.device, response)
  if (request.method !== 'INVITE') return
  const answered: Answered = {
    seq: parseCSeq(first(request, 'CSeq')!)?.number ?? 0,
    response,
    offer: isOffer ? (tagOf(request, 'To') === undefined ? 'first' : 'later') : undefined,
    intervalMilliseconds: T1,
  }
  call.answered = answered
  desk.timers.set(timerOf('repeat', call), after(desk.at, T1))
  desk.timers.set(timerOf('unacknowledged', call), after(desk.at, agentLimits.transactionMilliseconds))
}
