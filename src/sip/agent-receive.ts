/**
 * What comes to a device's agent: which call and dialog a message belongs to (RFC 3261 §12.2.2), and what is answered
 * where there is none. What it then does in its call is in `agent-caller.ts`, `agent-callee.ts` and `agent-inside.ts`.
 */
import { after } from '../core/clock.ts'
import { agentLimits, type Call, type Desk, type Dialog, timerOf } from './agent-call.ts'
import {
  decline,
  incomingEvent,
  newIncoming,
  objection,
  receiveAck,
  receiveCancel,
  receiveOffer,
} from './agent-callee.ts'
import { acknowledgeAndLeave, receiveInviteResponse } from './agent-caller.ts'
import { receiveInfo, receiveInfoResponse, settle } from './agent-inside.ts'
import { allowed, answer, capabilities, known } from './agent-message.ts'
import { receiveNotify, receiveRefer, receiveReferResponse } from './agent-refer.ts'
import { type AgentTable, isOver, liveCalls } from './agent-table.ts'
import { callKey, first, parseCSeq, tagOf } from './codec.ts'
import type { HeaderField, SipMessage, SipRequest, SipResponse } from './message.ts'
import { reasonWord } from './reason.ts'

export function receive(desk: Desk, table: AgentTable, device: string, message: SipMessage): void {
  if (message.kind === 'request') receiveRequest(desk, table, device, message)
  else receiveResponse(desk, table, device, message)
}

function receiveRequest(desk: Desk, table: AgentTable, device: string, request: SipRequest): void {
  const toTag = tagOf(request, 'To')
  if (request.method === 'CANCEL') return cancelled(desk, table, device, request)
  if (toTag === undefined) return receiveOutside(desk, table, device, request)
  const call = table.callOf(device, request, 'To')
  const fromTag = tagOf(request, 'From') ?? ''
  const dialog = call?.dialog?.remoteTag === fromTag ? call.dialog : call?.early.get(fromTag)
  if (call === undefined || dialog === undefined) {
    if (request.method !== 'ACK') reply(desk, device, request, 481)
    return
  }
  receiveInside(desk, table, call, dialog, request)
  settle(desk, call)
}

function receiveOutside(desk: Desk, table: AgentTable, device: string, request: SipRequest): void {
  switch (request.method) {
    case 'ACK':
      return
    case 'INVITE':
      return invited(desk, table, device, request)
    case 'OPTIONS':
      return reply(desk, device, request, 200, [
        ...capabilities(desk, device),
        { name: 'Accept', value: 'application/sdp' },
      ])
    case 'BYE':
    case 'INFO':
    case 'NOTIFY':
    case 'UPDATE':
      return reply(desk, device, request, 481)
    // Nobody who talks with this device asks.
    case 'REFER':
      return reply(desk, device, request, 603)
    default:
      return refuseMethod(desk, device, request, desk.random.hex(8))
  }
}

function invited(desk: Desk, table: AgentTable, device: string, request: SipRequest): void {
  const state = table.device(device)
  if (state === undefined || !state.attached) return reply(desk, device, request, 480)
  const objected = objection(request)
  if (objected !== undefined) return reply(desk, device, request, objected.status, objected.extra)
  const replaces = first(request, 'Replaces')
  const replaced = replaces === undefined ? undefined : replacedBy(table, device, replaces)
  if (typeof replaced === 'number') return reply(desk, device, request, replaced)
  const key = callKey(first(request, 'Call-ID') ?? '', tagOf(request, 'From') ?? '')
  // RFC 3261 §8.2.2.2: the same INVITE came by another way, or from ourselves.
  if (table.call(device, key) !== undefined) return reply(desk, device, request, 482)
  if (liveCalls(state) >= agentLimits.callsPerDevice) return reply(desk, device, request, 486)
  const call = newIncoming(desk, device, state.user, request, replaced?.key)
  if (call === undefined) return reply(desk, device, request, 400)
  desk.enter(call)
  desk.timers.set(timerOf('ring', call), after(desk.at, agentLimits.ringMilliseconds))
  // RFC 3261 §17.2.1: nobody knows when the client will say that it rings, and before that nothing could be cancelled.
  reply(desk, device, request, 100)
  desk.tell(call, incomingEvent(call))
}

/**
 * RFC 3891 §3: the call that another one takes the place of, or why there is none. 481 is also what the rest of a
 * person's devices say, which do not have it. Leaves out: calls that still ring.
 */
function replacedBy(table: AgentTable, device: string, replaces: string): Call | 481 | 486 | 603 {
  const parameter = (name: string): string =>
    new RegExp(`;\\s*${name}\\s*=\\s*([^;\\s]+)`, 'i').exec(replaces)?.[1] ?? ''
  const call = table.callByTag(device, replaces.split(';', 1)[0]!.trim(), parameter('to-tag'))
  if (call?.dialog === undefined || call.dialog.remoteTag !== parameter('from-tag')) return 481
  if (isOver(call)) return 603
  if (call.phase !== 'established') return 481
  return /;\s*early-only\s*(;|$)/i.test(replaces) ? 486 : call
}

function cancelled(desk: Desk, table: AgentTable, device: string, request: SipRequest): void {
  const key = callKey(first(request, 'Call-ID') ?? '', tagOf(request, 'From') ?? '')
  const call =
    tagOf(request, 'To') === undefined ? table.call(device, key) : table.callOf(device, request, 'To')
  if (call === undefined) return reply(desk, device, request, 481)
  receiveCancel(desk, call, request)
}

function receiveInside(desk: Desk, table: AgentTable, call: Call, dialog: Dialog, request: SipRequest): void {
  if (request.method === 'ACK') return receiveAck(desk, call, request)
  const seq = parseCSeq(first(request, 'CSeq') ?? '')?.number ?? 0
  // RFC 3261 §12.2.2: out of order.
  if (dialog.remoteSeq !== undefined && seq < dialog.remoteSeq) return replyIn(desk, call, request, 500)
  dialog.remoteSeq = seq
  switch (request.method) {
    case 'BYE':
      return hungUp(desk, call, request)
    case 'INVITE':
    case 'UPDATE':
      if (call.phase === 'over') return replyIn(desk, call, request, 481)
      if (call.phase === 'established' || request.body.length === 0) return receiveOffer(desk, call, request)
      return replyIn(desk, call, request, 491)
    case 'INFO':
      if (call.phase === 'over') return replyIn(desk, call, request, 481)
      return receiveInfo(desk, call, dialog, request)
    case 'REFER':
      return receiveRefer(desk, table, call, request)
    case 'NOTIFY':
      return receiveNotify(desk, call, request)
    case 'OPTIONS':
      return replyIn(desk, call, request, 200, capabilities(desk, call.device))
    default:
      return refuseMethod(desk, call.device, request, call.localTag)
  }
}

function hungUp(desk: Desk, call: Call, request: SipRequest): void {
  replyIn(desk, call, request, 200)
  // RFC 3261 §15.1.2: whatever is still pending is answered 487.
  decline(desk, call, 487)
  const word = reasonWord(request)
  desk.end(call, 'peer', 200, word === undefined || word === 'answeredElsewhere' ? 'hangup' : word)
  desk.timers.clear(timerOf('ring', call))
  // The other side cannot acknowledge any more.
  call.answered = undefined
  desk.timers.set(timerOf('over', call), after(desk.at, agentLimits.transactionMilliseconds))
}

function receiveResponse(desk: Desk, table: AgentTable, device: string, message: SipResponse): void {
  const cseq = parseCSeq(first(message, 'CSeq') ?? '')
  const call = table.callOf(device, message, 'From')
  if (call === undefined) {
    // A branch answered although the call is over: nobody else will end it.
    if (cseq?.method === 'INVITE' && message.status >= 200 && message.status < 300) {
      acknowledgeAndLeave(desk, device, message, 'cancelled')
    }
    return
  }
  if (cseq?.method === 'INVITE') receiveInviteResponse(desk, call, message)
  else if (cseq?.method === 'INFO') receiveInfoResponse(desk, call, message)
  else if (cseq?.method === 'REFER') receiveReferResponse(desk, call, message)
  else if (cseq?.method === 'BYE' && message.status >= 200 && cseq.number === call.leaving)
    call.leaving = undefined
  settle(desk, call)
}

function reply(
  desk: Desk,
  device: string,
  request: SipRequest,
  status: number,
  extra: readonly HeaderField[] = [],
): void {
  const hasTag = request.method === 'CANCEL' || tagOf(request, 'To') !== undefined
  desk.send(device, answer(request, status, extra, hasTag ? undefined : desk.random.hex(8)))
}

function replyIn(
  desk: Desk,
  call: Call,
  request: SipRequest,
  status: number,
  extra: readonly HeaderField[] = [],
): void {
  desk.send(call.device, answer(request, status, extra, call.localTag))
}

function refuseMethod(desk: Desk, device: string, request: SipRequest, tag: string): void {
  const status = known.has(request.method) ? 405 : 501
  desk.send(device, answer(request, status, [{ name: 'Allow', value: allowed }], tag))
}
