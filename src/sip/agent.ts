/**
 * Hosted agents: the SIP user agents that the daemon runs for JSON devices. Each is reached by the proxy over an
 * in-process flow, like any binding, and turns its client's commands into INVITE dialogs (RFC 3261 §12–§15, RFC 3311,
 * RFC 3515, RFC 6086, RFC 8840) and back. Descriptions pass unchanged. Left out: PRACK and early media, MESSAGE, session
 * timers of our own (refreshes of others are answered).
 *
 * This file obeys the clients, keeps the timers and ends calls. Messages come in by `agent-receive.ts`; what is done in
 * a call is in `agent-caller.ts`, `agent-callee.ts`, `agent-inside.ts` and `agent-refer.ts`.
 */

import type { Monotonic } from '../core/clock.ts'
import { after } from '../core/clock.ts'
import { type EndReason, isEndReason } from '../core/end-reason.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Random } from '../core/random.ts'
import { TimerTable } from '../core/timers.ts'
import { agentLimits, type Call, callTimers, type Desk, timerOf } from './agent-call.ts'
import {
  accept,
  decline,
  incomingEvent,
  neverAcknowledged,
  offerTimedOut,
  repeatAnswer,
  ring,
  tellAsked,
} from './agent-callee.ts'
import { giveUp, newOutgoing, sendInvite, sendOffer } from './agent-caller.ts'
import { addCandidates, sendBye, settle, tellAnswered, tellDialog, tellTimedOut } from './agent-inside.ts'
import { contactOf } from './agent-message.ts'
import { receive } from './agent-receive.ts'
import {
  passToReferrer,
  referralTimedOut,
  referTimedOut,
  sendRefer,
  takeReferral,
  tellReferred,
} from './agent-refer.ts'
import { AgentTable, type DeviceState, isOver, liveCalls, surplusOf } from './agent-table.ts'
import { parseToken } from './agent-token.ts'
import { isCandidateLine } from './agent-trickle.ts'
import type { AgentCommand, AgentEvent, SipMessage, SipUri } from './message.ts'
import { reasonField, wordOfStatus } from './reason.ts'

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
  readonly #desk: Desk
  #at = 0 as Monotonic
  #out: AgentOutput[] = []

  /** `domain` is the host of people's addresses; `tokenKey` is persisted, at least 32 bytes. */
  constructor(options: {
    readonly random: Random
    readonly tokenKey: Uint8Array
    readonly domain: string
    readonly personOf: (addressUser: string) => string | undefined
    readonly personAt: (uri: SipUri) => string | undefined
  }) {
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
      personAt: options.personAt,
      userAgentOf: device => this.#table.device(device)?.userAgent || 'lanline',
      send: (device, message) => this.#out.push({ kind: 'message', device, message }),
      tell: (call, event) => this.#tell(call, event),
      end: (call, by, code, reason) => this.#end(call, by, code, reason),
      enter: call => this.#enter(call),
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
    return this.#during(now, () => receive(this.#desk, this.#table, device, message))
  }

  /** The device's right ended: its calls end and its binding goes. */
  revoke(device: string, now: Monotonic, reason: 'revoked' | 'guestOver' = 'revoked'): AgentOutput[] {
    return this.#during(now, () => {
      const state = this.#table.device(device)
      if (state === undefined) return
      for (const call of [...state.calls]) this.#leave(call, 'server', reason)
      this.#detach(device, state, false)
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
        if (state !== undefined) this.#detach(device, state, command.left)
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
          settle(this.#desk, call)
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
      case 'answer': {
        const isTaken = call.phase === 'asked'
        accept(this.#desk, call, command.sdp)
        if (isTaken && call.replaces !== undefined) this.#giveWay(call.device, call.replaces)
        return
      }
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
        if (call.phase !== 'established') return
        // One that is asked for goes with the answer to who asked.
        if (call.asked !== undefined && call.asked.sdp === undefined) accept(this.#desk, call, command.sdp)
        else sendOffer(this.#desk, call, command.sdp)
        return
      case 'refer':
        return sendRefer(this.#desk, this.#table, call, command)
      case 'bye':
        return this.#leave(call, 'self', isEndReason(command.reason) ? command.reason : 'hangup')
      case 'peerRevoked':
        return this.#leave(call, 'peer', 'revoked')
    }
  }

  /** RFC 3891 §3: the call that another one took the place of is hung up. */
  #giveWay(device: string, replaced: string): void {
    const call = this.#table.call(device, replaced)
    if (call?.phase === 'established') this.#leave(call, 'peer', 'hangup')
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
  #detach(device: string, state: DeviceState, left: boolean): void {
    if (!state.attached) return
    state.attached = false
    this.#tidy(device, state)
    if (state.calls.size === 0) return
    const { ringLeftMilliseconds, ringGraceMilliseconds } = agentLimits
    this.#timers.set(`grace ${device}`, after(this.#at, left ? ringLeftMilliseconds : ringGraceMilliseconds))
    this.#timers.set(`lost ${device}`, after(this.#at, agentLimits.lostMilliseconds))
  }

  #invite(device: string, command: AgentCommand & { kind: 'invite' }): void {
    const state = this.#table.device(device)
    if (state === undefined) return
    const { referred } = command
    const referral = referred === undefined ? undefined : takeReferral(this.#table, device, referred)
    const isGone = referral === 'gone'
    const call = newOutgoing(this.#desk, device, state, command, isGone ? undefined : referral)
    this.#enter(call)
    this.#tell(call, { kind: 'calling', ref: command.ref, call: call.key })
    const isTooMuch =
      liveCalls(state) > agentLimits.callsPerDevice || command.sdp.length > agentLimits.sdpBytes
    if (isGone || isTooMuch) {
      this.#end(call, 'server', isGone ? 481 : 0, 'failed')
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
    if (token === '' && call.isAnswered && !has('answered')) {
      // All that is held came after it.
      const later = call.held.splice(0)
      tellAnswered(this.#desk, call)
      call.held.push(...later)
    }
    if (!has('dialog')) tellDialog(this.#desk, call)
    if (call.asked !== undefined && !has('offer') && !has('offerWanted')) {
      tellAsked(this.#desk, call, call.asked)
    }
    const referral = this.#table.device(call.device)?.referrals.get(call.key)
    if (referral?.isPlaced === false && !has('referred')) tellReferred(this.#desk, call, referral)
  }

  // ---------------------------------------------------------------------------------------------------- timers

  #fire(name: string) {
    const space = name.indexOf(' ')
    const kind = name.slice(0, space)
    const rest = name.slice(space + 1)
    if (kind === 'grace' || kind === 'lost') return this.#clientStayedAway(rest, kind)
    if (kind === 'referral') return referralTimedOut(this.#desk, this.#table, rest)
    const call = this.#table.callById(rest)
    if (call === undefined) return
    if (kind === 'ring') this.#rangTooLong(call)
    else if (kind === 'over') this.#forget(call)
    else if (kind === 'repeat') repeatAnswer(this.#desk, call)
    else if (kind === 'unacknowledged') neverAcknowledged(this.#desk, call)
    else if (kind === 'offer') offerTimedOut(this.#desk, call)
    else if (kind === 'tell') tellTimedOut(this.#desk, call)
    else if (kind === 'refer') referTimedOut(this.#desk, call)
    settle(this.#desk, call)
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
    passToReferrer(this.#desk, this.#table, call, event)
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
    call.referring = undefined
    const event = { kind: 'ended', call: call.key, by, code, reason } as const
    this.#out.push({ kind: 'event', device: call.device, event })
    passToReferrer(this.#desk, this.#table, call, event)
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
}
