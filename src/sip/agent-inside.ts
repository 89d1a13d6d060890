/**
 * What both sides of an established call do alike: the fate of an offer of ours, BYE, INFO with trickled candidates, and
 * the dialog token.
 */

import { after } from '../core/clock.ts'
import type { EndReason } from '../core/end-reason.ts'
import { agentLimits, type Call, type Desk, type Dialog, timerOf } from './agent-call.ts'
import { answer, bytesOf, requestInside, textOf } from './agent-message.ts'
import { formatToken, renewEvery } from './agent-token.ts'
import { candidateKey, formatFragment, fragmentType, infoPackage, parseFragment } from './agent-trickle.ts'
import { first, parseCSeq } from './codec.ts'
import type { SipRequest, SipResponse } from './message.ts'
import { reasonField } from './reason.ts'

/** Ends the dialog towards the other side, now or once our 2xx is acknowledged (RFC 3261 §15). */
export function sendBye(desk: Desk, call: Call, word: EndReason): void {
  if (call.answered !== undefined) {
    call.byeAfterAck = word
    return
  }
  call.byeAfterAck = undefined
  desk.send(call.device, requestInside(desk, call, call.dialog!, 'BYE', [reasonField(200, word)]))
  call.leaving = call.localSeq
  desk.timers.set(timerOf('over', call), after(desk.at, agentLimits.transactionMilliseconds))
}

/** The other side's answer to an offer of ours. */
export function takeAnswer(desk: Desk, call: Call, dialog: Dialog, sdp: string): void {
  call.remoteSdp = sdp
  call.isAnswered = true
  tellAnswered(desk, call)
  for (const candidate of dialog.early.splice(0))
    desk.tell(call, { kind: 'candidate', call: call.key, candidate })
  tellDialog(desk, call)
  tellCandidates(desk, call, dialog)
}

export function tellAnswered(desk: Desk, call: Call): void {
  desk.tell(call, {
    kind: 'answered',
    call: call.key,
    sdp: call.remoteSdp,
    trickle: call.dialog?.trickle ?? false,
    by: call.peer,
  })
}

/** RFC 3261 §14.1: after a 491 who made the Call-ID waits 2.1–4 s, the other 0–2 s, in steps of 10 ms. */
export function refuseOffer(desk: Desk, call: Call, code: number, retryAfter: string | undefined): void {
  const told = /^[0-9]{1,4}/.exec(retryAfter ?? '')?.[0]
  const glare = call.role === 'caller' ? 2_100 + 10 * desk.random.below(191) : 10 * desk.random.below(201)
  desk.tell(call, {
    kind: 'offerRefused',
    call: call.key,
    code,
    retryAfterMilliseconds: code === 491 ? glare : told === undefined ? undefined : Number(told) * 1_000,
  })
}

/** Tells the client what to keep for a restart. */
export function tellDialog(desk: Desk, call: Call): void {
  const token = formatToken(call, desk.tokenKey)
  if (token !== undefined) desk.tell(call, { kind: 'dialog', call: call.key, token })
}

/** One more candidate of ours, or their end; told to every branch that takes them. */
export function addCandidates(desk: Desk, call: Call): void {
  for (const dialog of call.early.values()) tellCandidates(desk, call, dialog)
  if (call.dialog !== undefined) tellCandidates(desk, call, call.dialog)
}

/**
 * Sends an INFO with all candidates so far (RFC 8840 §4.4), unless there is nothing new, the other side takes none,
 * the dialog is not yet known to it (a callee waits for the ACK), or an INFO is under way, after which this is tried
 * again: so several candidates share one INFO.
 */
export function tellCandidates(desk: Desk, call: Call, dialog: Dialog): void {
  if (!dialog.trickle || dialog.telling !== undefined) return
  if (call.phase !== 'established' && call.phase !== 'inviting') return
  if (call.answered !== undefined) return
  const nothingNew = dialog.told === call.candidates.length && dialog.toldEnd === call.candidatesEnd
  if (nothingNew) return
  const fragment = formatFragment(call.localSdp, call.candidates, call.candidatesEnd)
  if (fragment === undefined) return
  dialog.told = call.candidates.length
  dialog.toldEnd = call.candidatesEnd
  const request = requestInside(
    desk,
    call,
    dialog,
    'INFO',
    [
      { name: 'Info-Package', value: infoPackage },
      { name: 'Content-Disposition', value: 'Info-Package' },
      { name: 'Content-Type', value: fragmentType },
    ],
    bytesOf(fragment),
  )
  dialog.telling = call.localSeq
  desk.timers.set(timerOf('tell', call), after(desk.at, agentLimits.transactionMilliseconds))
  desk.send(call.device, request)
  if (call.localSeq % renewEvery === 0 && dialog === call.dialog) tellDialog(desk, call)
}

export function receiveInfoResponse(desk: Desk, call: Call, message: SipResponse): void {
  const seq = parseCSeq(first(message, 'CSeq')!)?.number
  if (message.status < 200) return
  for (const dialog of legsOf(call)) {
    if (dialog.telling !== seq) continue
    dialog.telling = undefined
    // 469, 405, 415 …: it said it takes them, and does not.
    if (message.status >= 400 && message.status < 500 && message.status !== 408) dialog.trickle = false
    tellCandidates(desk, call, dialog)
  }
}

/** INFOs that were never answered do not hold up later ones for ever. */
export function tellTimedOut(desk: Desk, call: Call): void {
  for (const dialog of legsOf(call)) {
    dialog.telling = undefined
    tellCandidates(desk, call, dialog)
  }
}

/** An INFO of the other side (RFC 6086 §4.2.2, RFC 8840). */
export function receiveInfo(desk: Desk, call: Call, dialog: Dialog, request: SipRequest) {
  const refuse = (status: number, name: string, value: string) =>
    desk.send(call.device, answer(request, status, [{ name, value }], call.localTag))
  const named = first(request, 'Info-Package')?.split(';')[0]?.trim().toLowerCase()
  if (named === undefined) return refuse(415, 'Accept', fragmentType)
  if (named !== infoPackage) return refuse(469, 'Recv-Info', infoPackage)
  if (first(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase() !== fragmentType) {
    return refuse(415, 'Accept', fragmentType)
  }
  desk.send(call.device, answer(request, 200, [], call.localTag))
  const told = parseFragment(
    textOf(request.body),
    call.asked?.sdp ?? call.remoteSdp,
    agentLimits.candidatesPerSide + 1,
  )
  for (const candidate of told) {
    const key = candidateKey(candidate)
    if (dialog.heard.has(key) || dialog.heard.size > 2 * agentLimits.candidatesPerSide) continue
    dialog.heard.add(key)
    // Candidates of a branch that may yet lose would only confuse: they wait for its answer.
    if (dialog === call.dialog && call.answered?.offer === undefined)
      desk.tell(call, { kind: 'candidate', call: call.key, candidate })
    else dialog.early.push(candidate)
  }
}

/** Forgets a call that is over and owes and is owed nothing. */
export function settle(desk: Desk, call: Call): void {
  if (call.phase !== 'over' || call.inviting || call.answered || call.leaving !== undefined) return
  desk.forget(call)
}

function legsOf(call: Call): Dialog[] {
  return [...call.early.values(), ...(call.dialog === undefined ? [] : [call.dialog])]
}
