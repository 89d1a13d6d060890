/**
 * The calling side of a hosted agent: an INVITE, its branches and its end (RFC 3261 §13.2, §9.1), and re-INVITEs
 * (§14.1), which are INVITEs whose answer changes no dialog.
 *
 * | phase      | 1xx                | 2xx                              | 3xx–6xx        | hang up        |
 * | ---------- | ------------------ | -------------------------------- | -------------- | -------------- |
 * | inviting   | early dialog, ring | ACK, established                 | ACK, over      | CANCEL         |
 * | cancelling | CANCEL if not sent | ACK + BYE, gone                  | ACK, gone      | nothing        |
 * | later      | nothing            | ACK again, or ACK + BYE if other | ACK            | (BYE)          |
 */

import { after } from '../core/clock.ts'
import type { EndReason } from '../core/end-reason.ts'
import {
  agentLimits,
  type Call,
  type Desk,
  type Dialog,
  type Inviting,
  newCall,
  type Referral,
  setLocalSdp,
  timerOf,
} from './agent-call.ts'
import { refuseOffer, sendBye, takeAnswer, tellCandidates } from './agent-inside.ts'
import {
  ackOfRefusal,
  bytesOf,
  cancelOf,
  capabilities,
  dialogOfResponse,
  isSdp,
  referredBy,
  requestInside,
  sdpFields,
  takesTrickle,
  targetOf,
  textOf,
  toldBy,
  viaOf,
} from './agent-message.ts'
import { callKey, first, parseCSeq, tagOf } from './codec.ts'
import { leaving } from './leaving.ts'
import type { AgentCommand, SipRequest, SipResponse } from './message.ts'
import { nameAddr, personUri } from './person.ts'
import { reasonField, wordOfRefusal } from './reason.ts'
import { hasVideo } from './sdp.ts'

/** Starts a call, `referral`: one that was asked for; the caller of this function enters it into its tables before anything is sent. */
export function newOutgoing(
  desk: Desk,
  device: string,
  of: { readonly user: string; readonly displayName: string },
  command: AgentCommand & { kind: 'invite' },
  referral: Referral | undefined,
): Call {
  const callId = desk.random.hex(16)
  const localTag = desk.random.hex(8)
  const peer = referral?.to ?? { user: command.to, displayName: '' }
  return newCall({
    device,
    user: of.user,
    key: callKey(callId, localTag),
    callId,
    localTag,
    role: 'caller',
    local: nameAddr(of.displayName, personUri(of.user, desk.domain)),
    remote: nameAddr('', personUri(peer.user, desk.domain)),
    peer,
    video: command.video || hasVideo(command.sdp),
    phase: 'inviting',
    localSeq: 0,
    referral,
  })
}

export function sendInvite(desk: Desk, call: Call, to: string, sdp: string): void {
  const { uri = personUri(to, desk.domain), replaces, by } = call.referral ?? {}
  setLocalSdp(call, sdp)
  const seq = ++call.localSeq
  const request: SipRequest = {
    kind: 'request',
    method: 'INVITE',
    uri,
    headers: [
      { name: 'Via', value: viaOf(desk.random) },
      { name: 'Max-Forwards', value: '70' },
      { name: 'From', value: `${call.local};tag=${call.localTag}` },
      { name: 'To', value: call.remote },
      { name: 'Call-ID', value: call.callId },
      { name: 'CSeq', value: `${seq} INVITE` },
      ...(replaces === undefined ? [] : [{ name: 'Replaces', value: replaces }]),
      ...(by === undefined ? [] : [referredBy(by.user, desk.domain)]),
      ...capabilities(desk, call.device),
      ...sdpFields,
    ],
    body: bytesOf(sdp),
  }
  call.inviting = newInviting(request, seq, false, sdp)
  desk.timers.set(timerOf('ring', call), after(desk.at, agentLimits.ringMilliseconds))
  desk.send(call.device, request)
}

/** A new offer in the dialog, by a re-INVITE. Refused at once (glare with ourselves or the other side) by `offerRefused`. */
export function sendOffer(desk: Desk, call: Call, sdp: string): void {
  const dialog = call.dialog
  // RFC 3261 §14.1: no new INVITE while another is in progress in either direction.
  if (dialog === undefined || call.inviting || call.asked || call.answered) {
    refuseOffer(desk, call, 491, undefined)
    return
  }
  setLocalSdp(call, sdp)
  const request = requestInside(
    desk,
    call,
    dialog,
    'INVITE',
    [...capabilities(desk, call.device), ...sdpFields],
    bytesOf(sdp),
  )
  call.inviting = newInviting(request, call.localSeq, true, sdp)
  desk.send(call.device, request)
}

/** Gives up an INVITE that was not answered. The client is told at once; the rest is tidying. */
export function giveUp(desk: Desk, call: Call, by: 'self' | 'peer' | 'server', word: EndReason): void {
  const inviting = call.inviting!
  inviting.cancel = word
  sendCancel(desk, call, inviting)
  desk.end(call, by, word === 'noAnswer' ? 408 : 487, word)
  call.phase = 'cancelling'
  desk.timers.set(timerOf('over', call), after(desk.at, agentLimits.transactionMilliseconds))
}

/** A response to an INVITE of a call we know. */
export function receiveInviteResponse(desk: Desk, call: Call, message: SipResponse): void {
  const seq = parseCSeq(first(message, 'CSeq')!)!.number
  const inviting = call.inviting?.seq === seq ? call.inviting : undefined
  if (message.status < 200) {
    if (inviting !== undefined) receiveProvisional(desk, call, inviting, message)
  } else if (message.status < 300) {
    if (inviting === undefined) receiveLateSuccess(desk, call, seq, message)
    else if (inviting.inside) receiveOfferAnswer(desk, call, inviting, message)
    else receiveSuccess(desk, call, inviting, message)
  } else if (inviting !== undefined) {
    desk.send(call.device, ackOfRefusal(inviting.request, message))
    if (inviting.inside) receiveOfferRefusal(desk, call, message)
    else receiveRefusal(desk, call, message)
  }
}

/** Ends a leg that nobody wants, from its 2xx alone: ACK (RFC 3261 §13.2.2.4), then BYE (§15). */
export function acknowledgeAndLeave(desk: Desk, device: string, message: SipResponse, word: EndReason): void {
  const routes = dialogOfResponse(message)?.routes
  if (routes === undefined) return
  const vias = { ack: viaOf(desk.random), bye: viaOf(desk.random) }
  const last = leaving(message, { routes, vias, reason: reasonField(200, word) })
  if (last === undefined) return
  desk.send(device, last.ack)
  desk.send(device, last.bye)
}

function newInviting(request: SipRequest, seq: number, inside: boolean, sdp: string): Inviting {
  return { request, seq, inside, sdp, provisional: false, cancel: undefined, cancelSent: false }
}

/** RFC 3261 §9.1: not before a provisional response. */
function sendCancel(desk: Desk, call: Call, inviting: Inviting): void {
  if (!inviting.provisional || inviting.cancelSent || inviting.cancel === undefined) return
  inviting.cancelSent = true
  desk.send(call.device, cancelOf(inviting.request, reasonField(487, inviting.cancel)))
}

function receiveProvisional(desk: Desk, call: Call, inviting: Inviting, message: SipResponse): void {
  inviting.provisional = true
  sendCancel(desk, call, inviting)
  if (inviting.inside || call.phase !== 'inviting' || message.status === 100) return
  const tag = tagOf(message, 'To')
  if (tag !== undefined && !call.early.has(tag) && call.early.size < agentLimits.earlyDialogs) {
    const dialog = dialogOfResponse(message)
    if (dialog !== undefined) call.early.set(tag, dialog)
  }
  const dialog = tag === undefined ? undefined : call.early.get(tag)
  if (dialog !== undefined) {
    dialog.trickle ||= takesTrickle(message)
    tellCandidates(desk, call, dialog)
  }
  if ((message.status === 180 || message.status === 183) && !call.rang) {
    call.rang = true
    desk.tell(call, { kind: 'ringing', call: call.key })
  }
}

function receiveSuccess(desk: Desk, call: Call, inviting: Inviting, message: SipResponse): void {
  if (call.phase === 'cancelling') {
    acknowledgeAndLeave(desk, call.device, message, inviting.cancel ?? 'cancelled')
    desk.forget(call)
    return
  }
  const fresh = dialogOfResponse(message)
  if (fresh === undefined || !isSdp(message) || message.body.length > agentLimits.sdpBytes) {
    acknowledgeAndLeave(desk, call.device, message, 'failed')
    desk.end(call, 'server', 488, 'failed')
    desk.forget(call)
    return
  }
  const dialog = { ...(call.early.get(fresh.remoteTag) ?? fresh), target: fresh.target, routes: fresh.routes }
  dialog.trickle = fresh.trickle || dialog.trickle
  call.early.clear()
  call.dialog = dialog
  call.inviting = undefined
  call.phase = 'established'
  call.peer = toldBy(message, 'P-Asserted-Identity') ?? call.peer
  desk.timers.clear(timerOf('ring', call))
  acknowledge(desk, call, dialog, inviting.seq)
  takeAnswer(desk, call, dialog, textOf(message.body))
}

/**
 * Another 2xx after the first: ours again, whose ACK was lost, be it to the call or to an offer that others have followed
 * since; or a second branch that answered too.
 */
function receiveLateSuccess(desk: Desk, call: Call, seq: number, message: SipResponse): void {
  const { dialog } = call
  if (dialog === undefined || dialog.remoteTag !== tagOf(message, 'To'))
    acknowledgeAndLeave(desk, call.device, message, 'answeredElsewhere')
  else if (seq <= call.localSeq) acknowledge(desk, call, dialog, seq)
}

function receiveRefusal(desk: Desk, call: Call, message: SipResponse): void {
  if (call.phase === 'inviting') {
    const byPeer = [486, 488, 600, 603, 606].includes(message.status)
    desk.end(call, byPeer ? 'peer' : 'server', message.status, wordOfRefusal(message))
  }
  desk.forget(call)
}

function receiveOfferAnswer(desk: Desk, call: Call, inviting: Inviting, message: SipResponse): void {
  const dialog = call.dialog!
  call.inviting = undefined
  // RFC 3261 §12.2.1.2: a re-INVITE refreshes the remote target.
  dialog.target = targetOf(message) ?? dialog.target
  acknowledge(desk, call, dialog, inviting.seq)
  if (call.phase !== 'established') return
  if (!isSdp(message) || message.body.length > agentLimits.sdpBytes) {
    refuseOffer(desk, call, 488, undefined)
    return
  }
  dialog.heard.clear()
  takeAnswer(desk, call, dialog, textOf(message.body))
}

function receiveOfferRefusal(desk: Desk, call: Call, message: SipResponse): void {
  call.inviting = undefined
  if (call.phase !== 'established') return
  // RFC 3261 §12.2.1.2: the other side knows no such dialog, or is not there any more.
  if (message.status === 481 || message.status === 408) {
    sendBye(desk, call, 'lost')
    desk.end(call, 'server', message.status, 'lost')
    return
  }
  refuseOffer(desk, call, message.status, first(message, 'Retry-After'))
}

/** Never with a body: the offer was ours. */
function acknowledge(desk: Desk, call: Call, dialog: Dialog, seq: number): void {
  desk.send(call.device, requestInside(desk, call, dialog, 'ACK', [], undefined, seq))
}
