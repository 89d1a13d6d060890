/**
 * Hosted agents: the SIP user agents that the daemon runs for JSON devices. Each is reached by the proxy over an
 * in-process flow, like any binding, and turns its client's commands into INVITE dialogs (RFC 3261 §12–§15, RFC 3311,
 * RFC 6086, RFC 8840) and back. Descriptions pass unchanged. Left out: PRACK and early media, REFER, MESSAGE, offers
 * in a 2xx, session timers of our own (refreshes of others are answered).
 *
 * This file sends each fact to its part, `agent-caller.ts`, `agent-callee.ts` or `agent-inside.ts`; whose it is, says
 * `agent-table.ts`.
 */

import type { Monotonic } from '../core/clock.ts'
import { after } from '../core/clock.ts'
import { type EndReason, isEndReason } from '../core/end-reason.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Random } from '../core/random.ts'
import { TimerTable } from '../core/timers.ts'
import { agentLimits, type Call, callTimers, type Desk, type Dialog, timerOf } from './agent-call.ts'
import {
  accept,
  decline,
  incomingEvent,
  neverAcknowledged,
  newIncoming,
  objection,
  offerTimedOut,
  receiveAck,
  receiveCancel,
  receiveOffer,
  repeatAnswer,
  ring,
} from './agent-callee.ts'
import {
  acknowledgeAndLeave,
  giveUp,
  newOutgoing,
  receiveInviteResponse,
  sendInvite,
  sendOffer,
  tellAnswered,
} from './agent-caller.ts'
import {
  addCandidates,
  receiveInfo,
  receiveInfoResponse,
  sendBye,
  tellDialog,
  tellTimedOut,
} from './agent-inside.ts'
import { allowed, answer, capabilities, contactOf, known } from './agent-message.ts'
import { AgentTable, type DeviceState, isOver, liveCalls, surplusOf } from './agent-table.ts'
import { parseToken } from './agent-token.ts'
import { isCandidateLine } from './agent-trickle.ts'
import { callKey, first, parseCSeq, tagOf } from './codec.ts'
import type { AgentCommand, AgentEvent, HeaderField, SipMessage, SipRequest, SipResponse } from './message.ts'
import { reasonField, reasonWord, wordOfStatus } from './reason.ts'

/** What the proxy does for the agents, in order. */
export type AgentOutput =
  /** The device has a binding on its hosted flow until `unregister`, which comes when client and calls are gone. */
  | {
      readonly kind: 'register'
      readonly device: string
      readonly user: string
      readonly contact: string
      readonly userAgent: string
      readonly remote: Endpoint
      readonly local: Endpoint
    }
  | { readonly kind: 'unregister'; readonly device: string }
  /** From the agent to the proxy, on the agent's hosted flow. */
  | { readonly kind: 'message'; readonly device: string; readonly message: SipMessage }
  | { readonly kind: 'event'; readonly device: string; readonly event: AgentEvent }

export class HostedAgents {
  readonly #table = new AgentTable()
  readonly #timers = new TimerTable<string>()
  readonly #random: Random
  readonly #desk: Desk
  #at = 0 as Monotonic
  #out: AgentOutput[] = []

  /** `domain` is the host of people's addresses; `tokenKey` is persisted, at least 32 bytes. */
  constructor(options: {
    readonly random: Random
    readonly tokenKey: Uint8Array
    readonly domain: string
    readonly personOf: (addressUser: string) => string | undefined
  }) {
    this.#random = options.random
    const at = (): Monotonic => this.#at
    this.#desk = {
      random: options.random,
      timers: this.#timers,
      domain: options.domain,
      tokenKey: options.tokenKey,
      get at() {
        return at()
      },
      personOf: options.personOf,
      userAgentOf: device => this.#table.device(device)?.userAgent || 'lanline',
      send: (device, message) => this.#out.push({ kind: 'message', device, message }),
      tell: (call, event) => this.#tell(call, event),
      end: (call, by, code, reason) => this.#end(call, by, code, reason),
      forget: call => this.#forget(call),
    }
  }

  /** Calls in any state, and timers: for tests of leaks and for metrics. */
  get sizes(): { readonly devices: number; readonly calls: number; readonly timers: number } {
    return { ...this.#table.sizes, timers: this.#timers.size }
  }

  /** One command of a device's client. */
  command(device: string, command: AgentCommand, now: Monotonic): AgentOutput[] {
    return this.#during(now, () => this.#command(device, command))
  }

  /** One message from the proxy to a device's agent. */
  receive(device: string, message: SipMessage, now: Monotonic): AgentOutput[] {
    return this.#during(now, () => {
      if (message.kind === 'request') this.#request(device, message)
      else this.#response(device, message)
    })
  }

  /** The device's right ended: its calls end and its binding goes. */
  revoke(device: string, now: Monotonic): AgentOutput[] {
    return this.#during(now, () => {
      const state = this.#table.device(device)
      if (state === undefined) return
      for (const call of [...state.calls]) this.#leave(call, 'server', 'revoked')
      this.#detach(device, state)
    })
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): AgentOutput[] {
    return this.#during(now, () => {
      for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now))
        this.#fire(name)
    })
  }

  #during(now: Monotonic, work: () => void): AgentOutput[] {
    this.#at = now
    work()
    const out = this.#out
    this.#out = []
    return out
  }

  // -------------------------------------------------------------------------------------------------- commands

  #command(device: string, command: AgentCommand) {
    switch (command.kind) {
      case 'attach':
        return this.#attach(device, command)
      case 'detach': {
        const state = this.#table.device(device)
        if (state !== undefined) this.#detach(device, state)
        return
      }
      case 'invite':
        return this.#invite(device, command)
      case 'restore':
        return this.#restore(device, command.call, command.token)
      default: {
        const call = this.#table.call(device, command.call)
        if (call !== undefined && !isOver(call)) {
          this.#callCommand(call, command)
          this.#settle(call)
        }
      }
    }
  }

  #callCommand(
    call: Call,
    command: Exclude<AgentCommand, { kind: 'attach' | 'detach' | 'invite' | 'restore' }>,
  ) {
    switch (command.kind) {
      case 'ringing':
        return ring(this.#desk, call)
      case 'answer':
        return accept(this.#desk, call, command.sdp)
      case 'refuse':
        if (call.phase !== 'asked') return decline(this.#desk, call, 488)
        return this.#refuse(call, command.code, wordOfStatus(command.code), 'self')
      case 'candidate': {
        const { candidate } = command
        if (candidate === undefined) call.candidatesEnd = true
        else if (!isCandidateLine(candidate.candidate)) return
        else if (call.candidates.length < agentLimits.candidatesPerSide) call.candidates.push(candidate)
        return addCandidates(this.#desk, call)
      }
      case 'offer':
        if (call.phase === 'established') sendOffer(this.#desk, call, command.sdp)
        return
      case 'bye':
        return this.#leave(call, 'self', isEndReason(command.reason) ? command.reason : 'hangup')
      case 'peerRevoked':
        return this.#leave(call, 'peer', 'revoked')
    }
  }

  #attach(device: string, command: AgentCommand & { kind: 'attach' }): void {
    const { user, displayName, userAgent, remote, local } = command
    const state = this.#table.deviceOf(device, user)
    Object.assign(state, { user, displayName, userAgent, attached: true })
    this.#timers.clear(`lost ${device}`)
    this.#timers.clear(`grace ${device}`)
    this.#out.push({ kind: 'register', device, user, contact: contactOf(device), userAgent, remote, local })
    for (const call of state.calls) {
      const held = call.held.splice(0)
      if (call.phase === 'asked') this.#tell(call, incomingEvent(call))
      for (const event of held) if (event.kind !== 'incoming') this.#tell(call, event)
    }
  }

  /** The client is away: ringing calls wait a moment for it, established ones longer. New ones are refused. */
  #detach(device: string, state: DeviceState): void {
    if (!state.attached) return
    state.attached = false
    this.#tidy(device, state)
    if (state.calls.size === 0) return
    this.#timers.set(`grace ${device}`, after(this.#at, agentLimits.ringGraceMilliseconds))
    this.#timers.set(`lost ${device}`, after(this.#at, agentLimits.lostMilliseconds))
  }

  #invite(device: string, command: AgentCommand & { kind: 'invite' }): void {
    const state = this.#table.device(device)
    if (state === undefined) return
    const call = newOutgoing(this.#desk, device, state, command)
    this.#enter(call)
    this.#tell(call, { kind: 'calling', ref: command.ref, call: call.key })
    if (liveCalls(state) > agentLimits.callsPerDevice || command.sdp.length > agentLimits.sdpBytes) {
      this.#end(call, 'server', 0, 'failed')
      this.#forget(call)
      return
    }
    sendInvite(this.#desk, call, command.to, command.sdp)
  }

  /** A client came back: the call is here, or is rebuilt, or is gone. */
  #restore(device: string, key: string, token: string): void {
    const found = this.#table.call(device, key)
    if (found !== undefined && !isOver(found)) {
      this.#out.push({ kind: 'event', device, event: { kind: 'restored', call: key } })
      this.#tellAgain(found, token)
      return
    }
    const call = found === undefined ? parseToken(token, device, this.#desk.tokenKey) : undefined
    if (
      call === undefined ||
      call.key !== key ||
      liveCalls(this.#table.device(device)) >= agentLimits.callsPerDevice
    ) {
      const reason = found !== undefined ? 'ended' : call === undefined ? 'badToken' : 'tooMany'
      this.#out.push({ kind: 'event', device, event: { kind: 'notRestored', call: key, reason } })
      return
    }
    this.#enter(call)
    this.#out.push({ kind: 'event', device, event: { kind: 'restored', call: key } })
    tellDialog(this.#desk, call)
    const state = this.#table.device(device)!
    if (!state.attached && !this.#timers.has(`lost ${device}`)) {
      this.#timers.set(`lost ${device}`, after(this.#at, agentLimits.lostMilliseconds))
    }
  }

  /** What a client without the newest token may have missed. A ringing call is told on `attach`. */
  #tellAgain(call: Call, token: string): void {
    if (call.phase === 'asked') return
    const has = (kind: AgentEvent['kind']): boolean => call.held.some(event => event.kind === kind)
    if (call.phase === 'inviting') {
      if (call.rang && token === '' && !has('ringing')) this.#tell(call, { kind: 'ringing', call: call.key })
      return
    }
    if (token === '' && call.role === 'caller' && !has('answered')) tellAnswered(this.#desk, call)
    if (!has('dialog')) tellDialog(this.#desk, call)
    if (call.asked !== undefined && !has('offer')) {
      this.#tell(call, { kind: 'offer', call: call.key, sdp: call.asked.sdp })
    }
  }

  // -------------------------------------------------------------------------------------------------- messages

  #request(device: string, request: SipRequest) {
    const toTag = tagOf(request, 'To')
    if (request.method === 'CANCEL') return this.#cancel(device, request)
    if (toTag === undefined) return this.#requestOutside(device, request)
    const call = this.#table.callOf(device, request, 'To')
    const fromTag = tagOf(request, 'From') ?? ''
    const dialog = call?.dialog?.remoteTag === fromTag ? call.dialog : call?.early.get(fromTag)
    if (call === undefined || dialog === undefined) {
      if (request.method !== 'ACK') this.#reply(device, request, 481)
      return
    }
    this.#requestInside(call, dialog, request)
    this.#settle(call)
  }

  #requestOutside(device: string, request: SipRequest) {
    switch (request.method) {
      case 'ACK':
        return
      case 'INVITE':
        return this.#invited(device, request)
      case 'OPTIONS':
        return this.#reply(device, request, 200, [
          ...capabilities(this.#desk, device),
          { name: 'Accept', value: 'application/sdp' },
        ])
      case 'BYE':
      case 'INFO':
      case 'UPDATE':
        return this.#reply(device, request, 481)
      default:
        return this.#refuseMethod(device, request)
    }
  }

  #invited(device: string, request: SipRequest) {
    const state = this.#table.device(device)
    if (state === undefined || !state.attached) return this.#reply(device, request, 480)
    const objected = objection(request)
    if (objected !== undefined) return this.#reply(device, request, objected.status, objected.extra)
    // RFC 3891 §3: it is for another of this person's devices, which has the call that is handed on.
    const replaced = first(request, 'Replaces')
    if (replaced !== undefined && !this.#has(device, replaced)) return this.#reply(device, request, 481)
    const key = callKey(first(request, 'Call-ID') ?? '', tagOf(request, 'From') ?? '')
    // RFC 3261 §8.2.2.2: the same INVITE came by another way, or from ourselves.
    if (this.#table.call(device, key) !== undefined) return this.#reply(device, request, 482)
    if (liveCalls(state) >= agentLimits.callsPerDevice) return this.#reply(device, request, 486)
    const call = newIncoming(this.#desk, device, state.user, request)
    if (call === undefined) return this.#reply(device, request, 400)
    this.#enter(call)
    this.#timers.set(timerOf('ring', call), after(this.#at, agentLimits.ringMilliseconds))
    // RFC 3261 §17.2.1: nobody knows when the client will say that it rings, and before that nothing could be cancelled.
    this.#reply(device, request, 100)
    this.#tell(call, incomingEvent(call))
  }

  /** Whether a Replaces header names a call of the device. */
  #has(device: string, replaces: string): boolean {
    const toTag = /;\s*to-tag\s*=\s*([^;\s]+)/i.exec(replaces)?.[1] ?? ''
    return this.#table.callByTag(device, replaces.split(';', 1)[0]!.trim(), toTag) !== undefined
  }

  #cancel(device: string, request: SipRequest) {
    const key = callKey(first(request, 'Call-ID') ?? '', tagOf(request, 'From') ?? '')
    const call =
      tagOf(request, 'To') === undefined
        ? this.#table.call(device, key)
        : this.#table.callOf(device, request, 'To')
    if (call === undefined) return this.#reply(device, request, 481)
    receiveCancel(this.#desk, call, request)
  }

  #requestInside(call: Call, dialog: Dialog, request: SipRequest) {
    if (request.method === 'ACK') return receiveAck(this.#desk, call, request)
    const seq = parseCSeq(first(request, 'CSeq') ?? '')?.number ?? 0
    // RFC 3261 §12.2.2: out of order.
    if (dialog.remoteSeq !== undefined && seq < dialog.remoteSeq) return this.#replyIn(call, request, 500)
    dialog.remoteSeq = seq
    switch (request.method) {
      case 'BYE':
        return this.#hungUp(call, request)
      case 'INVITE':
      case 'UPDATE':
        if (call.phase === 'over') return this.#replyIn(call, request, 481)
        if (call.phase === 'established' || request.body.length === 0)
          return receiveOffer(this.#desk, call, request)
        return this.#replyIn(call, request, 491)
      case 'INFO':
        if (call.phase === 'over') return this.#replyIn(call, request, 481)
        return receiveInfo(this.#desk, call, dialog, request)
      case 'OPTIONS':
        return this.#replyIn(call, request, 200, capabilities(this.#desk, call.device))
      default:
        return this.#refuseMethod(call.device, request, call.localTag)
    }
  }

  #hungUp(call: Call, request: SipRequest): void {
    this.#replyIn(call, request, 200)
    // RFC 3261 §15.1.2: whatever is still pending is answered 487.
    decline(this.#desk, call, 487)
    const word = reasonWord(request)
    this.#end(call, 'peer', 200, word === undefined || word === 'answeredElsewhere' ? 'hangup' : word)
    this.#timers.clear(timerOf('ring', call))
    // The other side cannot acknowledge any more.
    call.answered = undefined
    this.#timers.set(timerOf('over', call), after(this.#at, agentLimits.transactionMilliseconds))
  }

  #response(device: string, message: SipResponse): void {
    const cseq = parseCSeq(first(message, 'CSeq') ?? '')
    const call = this.#table.callOf(device, message, 'From')
    if (call === undefined) {
      // A branch answered although the call is over: nobody else will end it.
      if (cseq?.method === 'INVITE' && message.status >= 200 && message.status < 300) {
        acknowledgeAndLeave(this.#desk, device, message, 'cancelled')
      }
      return
    }
    if (cseq?.method === 'INVITE') receiveInviteResponse(this.#desk, call, message)
    else if (cseq?.method === 'INFO') receiveInfoResponse(this.#desk, call, message)
    else if (cseq?.method === 'BYE' && message.status >= 200 && cseq.number === call.leaving)
      call.leaving = undefined
    this.#settle(call)
  }

  // ---------------------------------------------------------------------------------------------------- timers

  #fire(name: string) {
    const space = name.indexOf(' ')
    const kind = name.slice(0, space)
    const rest = name.slice(space + 1)
    if (kind === 'grace' || kind === 'lost') return this.#clientStayedAway(rest, kind)
    const call = this.#table.callById(rest)
    if (call === undefined) return
    if (kind === 'ring') this.#rangTooLong(call)
    else if (kind === 'over') this.#forget(call)
    else if (kind === 'repeat') repeatAnswer(this.#desk, call)
    else if (kind === 'unacknowledged') neverAcknowledged(this.#desk, call)
    else if (kind === 'offer') offerTimedOut(this.#desk, call)
    else if (kind === 'tell') tellTimedOut(this.#desk, call)
    this.#settle(call)
  }

  #rangTooLong(call: Call): void {
    if (call.phase === 'inviting') giveUp(this.#desk, call, 'server', 'noAnswer')
    else if (call.phase === 'asked') this.#refuse(call, 480, 'noAnswer', 'server')
  }

  #clientStayedAway(device: string, timer: 'grace' | 'lost'): void {
    const state = this.#table.device(device)
    if (state === undefined || state.attached) return
    for (const call of [...state.calls]) {
      if (call.phase === 'asked') this.#refuse(call, 480, 'unreachable', 'server')
      else if (timer === 'lost') this.#leave(call, 'server', 'lost')
    }
  }

  // ----------------------------------------------------------------------------------------------------- calls

  /** Ends a call from this side, in whatever state it is. */
  #leave(call: Call, by: 'self' | 'peer' | 'server', word: EndReason): void {
    if (call.phase === 'inviting') giveUp(this.#desk, call, by, word === 'hangup' ? 'cancelled' : word)
    else if (call.phase === 'asked')
      this.#refuse(call, word === 'hangup' ? 603 : 480, word === 'hangup' ? 'declined' : word, by)
    else if (call.phase === 'established') {
      decline(this.#desk, call, 487)
      sendBye(this.#desk, call, word)
      this.#end(call, by, 0, word)
    }
  }

  #refuse(call: Call, status: number, word: EndReason, by: 'self' | 'peer' | 'server'): void {
    decline(this.#desk, call, status, [reasonField(status, word)])
    this.#end(call, by, status, word)
    this.#forget(call)
  }

  #tell(call: Call, event: AgentEvent): void {
    if (call.phase === 'over') return
    if (this.#table.device(call.device)?.attached) {
      this.#out.push({ kind: 'event', device: call.device, event })
      return
    }
    if (event.kind === 'dialog') {
      const earlier = call.held.findIndex(held => held.kind === 'dialog')
      if (earlier >= 0) call.held.splice(earlier, 1)
    }
    if (call.held.length < agentLimits.heldEvents) call.held.push(event)
  }

  /** Told even when the client is away: the channel keeps its own list of calls. */
  #end(call: Call, by: 'self' | 'peer' | 'server', code: number, reason: EndReason): void {
    if (isOver(call)) return
    call.phase = 'over'
    call.held.length = 0
    this.#out.push({
      kind: 'event',
      device: call.device,
      event: { kind: 'ended', call: call.key, by, code, reason },
    })
  }

  /** Forgets a call that is over and owes and is owed nothing. */
  #settle(call: Call): void {
    if (call.phase !== 'over' || call.inviting || call.answered || call.leaving !== undefined) return
    this.#forget(call)
  }

  #enter(call: Call): void {
    const surplus = surplusOf(this.#table.device(call.device))
    if (surplus !== undefined) this.#forget(surplus)
    this.#table.enter(call)
  }

  #forget(call: Call): void {
    if (!this.#table.forget(call)) return
    for (const kind of callTimers) this.#timers.clear(timerOf(kind, call))
    const state = this.#table.device(call.device)
    if (state !== undefined) this.#tidy(call.device, state)
  }

  /** A device stays reachable as long as it has calls, so that what belongs to them finds its agent. */
  #tidy(device: string, state: DeviceState) {
    if (state.attached || state.calls.size > 0) return
    this.#timers.clear(`lost ${device}`)
    this.#timers.clear(`grace ${device}`)
    this.#table.forgetDevice(device)
    this.#out.push({ kind: 'unregister', device })
  }

  // --------------------------------------------------------------------------------------------------- replies

  #reply(device: string, request: SipRequest, status: number, extra: readonly HeaderField[] = []): void {
    const tag =
      request.method === 'CANCEL' || tagOf(request, 'To') !== undefined ? undefined : this.#random.hex(8)
    this.#desk.send(device, answer(request, status, extra, tag))
  }

  #replyIn(call: Call, request: SipRequest, status: number, extra: readonly HeaderField[] = []): void {
    this.#desk.send(call.device, answer(request, status, extra, call.localTag))
  }

  #refuseMethod(device: string, request: SipRequest, tag = this.#random.hex(8)): void {
    const status = known.has(request.method) ? 405 : 501
    this.#desk.send(device, answer(request, status, [{ name: 'Allow', value: allowed }], tag))
  }
}
