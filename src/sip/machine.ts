/**
 * The SIP room's machine: facts in, effects out. Here a message meets, in this order, the transaction tables
 * (retransmissions end there), the bounds, routing, identity, and then the registrar, the proxy or ourselves. What each
 * of them does is in its own file; hosted agents are served on the way, without bytes.
 */
import type { Monotonic } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { type AgentOutput, HostedAgents } from './agent.ts'
import { Asking } from './asking.ts'
import { isPrivacyLacking } from './assertions.ts'
import { Bindings, bindingKey, isFleeting } from './bindings.ts'
import { ClientTransactions } from './client-transactions.ts'
import { decode, essentialsOf, first, isFault, response, values } from './codec.ts'
import { Digest } from './digest.ts'
import { proxyRequired, unsupported } from './extensions.ts'
import { Identity } from './identity.ts'
import { cancelledKey, describe, type Incoming, readRequest } from './incoming.ts'
import {
  type BindingRow,
  type Essentials,
  type Flow,
  type SipEffect,
  type SipInput,
  type SipMessage,
  type SipResponse,
  udpFlow,
} from './message.ts'
import { hostedFlow, Outbox } from './outbox.ts'
import { OwnAnswers } from './own-answers.ts'
import type { Accounts, CallLog, OwnAddresses, SipIdentity } from './ports.ts'
import { proxyLimits, StatefulProxy } from './proxy.ts'
import { Registrar } from './registrar.ts'
import type { Branch, ResponseContext } from './response-context.ts'
import { RouteTokens } from './route-token.ts'
import { type Destination, personAt, type Routed, route } from './routing.ts'
import { ServerTransactions } from './server-transactions.ts'
import { type DueTimer, SipTimers } from './transaction-timers.ts'
import { Veil } from './veil.ts'

export interface SipLimits {
  /** Requests under way; more are answered 503. */
  readonly transactions: number
  /** Of them, as they came and as they went on; with more, new ones are answered 503. */
  readonly transactionBytes: number
  /** Answers kept for retransmissions of finished requests over UDP; the oldest give way. */
  readonly answers: number
  readonly answerBytes: number
  /** New requests from one address; more are answered 503. */
  readonly source: { readonly perSecond: number; readonly burst: number; readonly maxKeys: number }
  readonly timerCMilliseconds: number
}

export const defaultSipLimits: SipLimits = {
  transactions: 20_000,
  transactionBytes: 64_000_000,
  answers: 20_000,
  answerBytes: 16_000_000,
  source: { perSecond: 20_000, burst: 20_000, maxKeys: 10_000 },
  timerCMilliseconds: proxyLimits.timerCMilliseconds,
}

/** Each may send something again. */
const timersAtOnce = 200

export interface SipMachineOptions {
  readonly accounts: Accounts
  readonly own: OwnAddresses
  readonly callLog: CallLog
  readonly identity: SipIdentity
  readonly random: Random
  /** What lay in the store, with the life each binding has left. */
  readonly bindings: readonly (BindingRow & { readonly remainingMilliseconds: number })[]
  readonly now: Monotonic
  /** The host of people's addresses. */
  readonly domain: string
  readonly limits?: Partial<SipLimits>
}

export class SipMachine implements Machine<SipInput, SipEffect> {
  readonly #accounts: Accounts
  readonly #own: OwnAddresses
  readonly #outbox = new Outbox()
  readonly #timers = new SipTimers()
  readonly #bindings = new Bindings()
  readonly #servers: ServerTransactions<ResponseContext>
  readonly #clients: ClientTransactions<Branch>
  readonly #tokens: RouteTokens
  readonly #veil: Veil
  readonly #identity: Identity
  readonly #registrar: Registrar
  readonly #proxy: StatefulProxy
  readonly #agents: HostedAgents
  readonly #asking: Asking
  readonly #sources: Limiter
  readonly #limits: SipLimits
  readonly #ownAnswers = new OwnAnswers(this.#outbox)
  /** Effects of the construction itself wait for the first call. */
  #fresh = true

  constructor(o: SipMachineOptions) {
    const limits = { ...defaultSipLimits, ...o.limits }
    const shared = { timers: this.#timers, outbox: this.#outbox, bindings: this.#bindings }
    this.#accounts = o.accounts
    this.#own = o.own
    this.#sources = new Limiter(limits.source)
    this.#limits = limits
    this.#servers = new ServerTransactions({
      ...shared,
      answeredLimit: { count: limits.answers, bytes: limits.answerBytes },
    })
    this.#clients = new ClientTransactions(shared)
    this.#tokens = new RouteTokens(o.identity.tokenKey)
    const veil = new Veil(o.identity.tokenKey)
    this.#veil = veil
    const { realm, nonceKey } = o.identity
    const digest = new Digest({ realm, nonceKey, firstSerial: o.random.below(2 ** 31) })
    this.#identity = new Identity({ accounts: o.accounts, own: o.own, bindings: this.#bindings, digest })
    this.#proxy = new StatefulProxy({
      ...shared,
      accounts: o.accounts,
      own: o.own,
      identity: this.#identity,
      tokens: this.#tokens,
      veil,
      servers: this.#servers,
      clients: this.#clients,
      random: o.random,
      domain: o.domain,
      timerCMilliseconds: limits.timerCMilliseconds,
      callLog: o.callLog,
    })
    this.#registrar = new Registrar({
      accounts: o.accounts,
      ...shared,
      own: o.own,
      servers: this.#servers,
      onReachable: (live, now) => this.#proxy.branches.reachable(live, now),
    })
    this.#agents = new HostedAgents({
      random: o.random,
      tokenKey: o.identity.tokenKey,
      domain: o.domain,
      personOf: name => o.accounts.personOf(name),
      personAt: uri => personAt(uri, { ...shared, own: o.own, accounts: o.accounts, veil }),
    })
    this.#asking = new Asking({ ...shared, accounts: o.accounts, random: o.random, domain: o.domain })
    this.#restore(o)
  }

  /** How full the tables are: for metrics and for tests of leaks. */
  get sizes(): Readonly<
    Record<'bindings' | 'serverTransactions' | 'clientTransactions' | 'branches' | 'hostedCalls', number>
  > {
    return {
      bindings: this.#bindings.size,
      serverTransactions: this.#servers.size,
      clientTransactions: this.#clients.size + this.#asking.size,
      branches: this.#proxy.branches.size,
      hostedCalls: this.#agents.sizes.calls,
    }
  }

  /** Answers kept for retransmissions: they go when they are old or too many. */
  get answers(): number {
    return this.#servers.answers
  }

  handle(input: SipInput, now: Monotonic): SipEffect[] {
    switch (input.kind) {
      case 'received':
        this.#received(input.flow, input.bytes, now)
        break
      case 'flowClosed':
        this.#flowClosed(input.flow, now)
        break
      case 'connected':
        this.#proxy.branches.connected(input.ticket, input.flow, now)
        break
      case 'connectFailed':
        this.#proxy.branches.connected(input.ticket, undefined, now)
        break
      case 'saved':
        this.#registrar.settled(input.ticket, true, now)
        break
      case 'saveFailed':
        this.#registrar.settled(input.ticket, false, now)
        break
      case 'agent':
        this.#fromAgents(this.#agents.command(input.device, input.command, now), now)
        break
      case 'ask':
        this.#asking.ask(input, now)
        break
      case 'revoked':
        this.#revoked(input.device, input.isGuestOver ? 'guestOver' : 'revoked', now)
        break
    }
    return this.#settle(now)
  }

  nextWakeup(): Monotonic | undefined {
    if (this.#fresh || this.#proxy.isBehind) return 0 as Monotonic
    const own = this.#timers.next()
    const agents = this.#agents.nextWakeup()
    return own === undefined || (agents !== undefined && agents < own) ? agents : own
  }

  wake(now: Monotonic): SipEffect[] {
    this.#proxy.goOn(now)
    // Those that are left fire at the next wake-up, which is at once: packets come in between.
    for (let fired = 0; fired < timersAtOnce; fired++) {
      const due = this.#timers.take(now)
      if (due === undefined) break
      this.#fired(due, now)
    }
    this.#fromAgents(this.#agents.wake(now), now)
    return this.#settle(now)
  }

  #fired(due: DueTimer, now: Monotonic): void {
    switch (due.letter) {
      case 'E':
      case 'F':
      case 'K':
        this.#asking.fired(due.letter, due.id, now)
        return this.#clients.fired(due.letter, due.id, this.#proxy, now)
      case 'A':
      case 'B':
      case 'D':
      case 'M':
        return this.#clients.fired(due.letter, due.id, this.#proxy, now)
      case 'G':
      case 'H':
      case 'I':
      case 'J':
      case 'L':
        return this.#servers.fired(due.letter, due.id, now)
      case 'C':
        return this.#proxy.branches.timerC(due.id, now)
      case 'W':
        return this.#proxy.branches.waitedEnough(due.id, now)
      case 'S':
        return this.#proxy.branches.silent(due.id, now)
      case 'X':
        return this.#registrar.expired(due.id)
    }
  }

  #settle(now: Monotonic): SipEffect[] {
    this.#fresh = false
    // Agents answer each other through here; what they say next is said in the same turn.
    for (let next = this.#outbox.nextHosted(); next !== undefined; next = this.#outbox.nextHosted()) {
      this.#fromAgents(this.#agents.receive(next.device, next.message, now), now)
    }
    return this.#outbox.take()
  }

  // --------------------------------------------------------------------------------------------------- messages

  #received(flow: Flow, bytes: Uint8Array, now: Monotonic): void {
    const decoded = decode(bytes)
    if (decoded.kind === 'ok') {
      return this.#message(flow, decoded.message, decoded.essentials, bytes.length, now)
    }
    this.#outbox.note(decoded.reason, flow, describe(flow))
    if (decoded.kind === 'reject' && this.#sources.allow(flow.remote.address, now)) {
      this.#outbox.send(flow, decoded.answer)
    }
  }

  #fromAgent(flow: Flow, message: SipMessage, now: Monotonic): void {
    const essentials = essentialsOf(message)
    if (isFault(essentials)) return this.#outbox.note(essentials.reason, flow, describe(flow))
    this.#message(flow, message, essentials, message.body.length, now)
  }

  #message(flow: Flow, message: SipMessage, essentials: Essentials, size: number, now: Monotonic): void {
    if (message.kind === 'response') return this.#response(flow, message, essentials, now)
    const incoming = readRequest(message, essentials, flow, size)
    if (message.method === 'ACK') return this.#ack(incoming, now)
    if (this.#servers.retransmitted(incoming.key)) return
    if (flow.transport !== 'hosted' && !this.#hasRoom(incoming, now)) return
    if (message.method === 'CANCEL') return this.#cancel(incoming, now)
    this.#request(incoming, now)
  }

  #response(flow: Flow, message: SipResponse, { via, cseq }: Essentials, now: Monotonic): void {
    // §18.1.2: it is ours by the branch of its topmost Via. RFC 6026 §8.9: what matches nothing is not forwarded, unless it
    // answers what rang before a restart.
    const branch = via.params.get('branch')
    const known =
      branch !== undefined &&
      (this.#clients.receive(flow, branch, cseq.method, message, this.#proxy, now) ||
        this.#asking.receive(flow, branch, cseq.method, message, now))
    if (known) return
    const isAnswer = cseq.method === 'INVITE' && message.status >= 200 && message.status < 300
    if (!isAnswer || !this.#proxy.lateAnswers.take(flow, message, now))
      this.#outbox.note('strayResponse', flow, `${message.status}`)
  }

  #ack(incoming: Incoming, now: Monotonic): void {
    const transaction = this.#servers.find(incoming.key)
    if (transaction !== undefined && this.#servers.acknowledged(transaction, now)) return
    // Without a To tag it answers nothing; the ACK to a challenge of ours has nothing left to end.
    if (incoming.toTag === undefined) return
    if (this.#ownAnswers.isAckOfRefusal(incoming)) return
    const routed = this.#route(incoming)
    const { kind } = routed.destination
    if (kind === 'refused' || kind === 'self' || (kind === 'contact' && this.#ownAnswers.hasOurTag(incoming)))
      return
    // §16.3 step 3; an ACK is never answered.
    if (Number(first(incoming.request, 'Max-Forwards') ?? 70) <= 0) return
    this.#proxy.acknowledge(incoming, routed)
  }

  // §9.2 and §16.10: answered here, hop by hop, never challenged (§22.1).
  #cancel(incoming: Incoming, now: Monotonic): void {
    const { request } = incoming
    const invite = this.#servers.find(cancelledKey(incoming))
    if (invite === undefined) {
      this.#outbox.note('strayCancel', incoming.flow)
      return this.#ownAnswers.send(incoming, 481, 'Call/Transaction Does Not Exist')
    }
    const answer = response(request, 200, 'OK', [], String(invite.id))
    this.#servers.respond(this.#servers.open(incoming), answer, now)
    this.#proxy.cancel(invite, request, now)
  }

  #request(incoming: Incoming, now: Monotonic): void {
    const { request, flow } = incoming
    if (this.#refusedAsLoop(incoming)) return
    const routed = this.#route(incoming)
    const { destination } = routed
    if (destination.kind === 'self' && request.method === 'OPTIONS') return this.#ownAnswers.options(incoming)
    if (this.#refusedBeforeIdentity(incoming, routed)) return
    const identified = this.#identity.identify(incoming, routed.senderToken, now)
    if (identified.kind === 'refused') {
      const { status, reason, note, extra, account } = identified
      this.#outbox.note(note, flow, describe(flow), account)
      return this.#ownAnswers.send(incoming, status, reason, extra)
    }
    const { sender } = identified
    if (destination.kind === 'refused') {
      this.#outbox.note(destination.note, flow, withoutPassword(request.uri))
      return this.#ownAnswers.send(incoming, destination.status, destination.reason)
    }
    if (request.method === 'REGISTER')
      return this.#register(incoming, routed, sender, identified.byDigest, now)
    if (destination.kind === 'self') {
      return this.#ownAnswers.send(incoming, 405, 'Method Not Allowed', [
        { name: 'Allow', value: 'OPTIONS, REGISTER' },
      ])
    }
    this.#proxy.request(incoming, routed, sender, this.#servers.open(incoming), now)
  }

  // §16.3 step 4.
  #refusedAsLoop(incoming: Incoming): boolean {
    if (!this.#proxy.loops.isLoop(incoming) && !this.#proxy.loops.isMerged(incoming)) return false
    this.#outbox.note('loop', incoming.flow)
    this.#ownAnswers.send(incoming, 482, 'Loop Detected')
    return true
  }

  // §16.3 steps 2, 3 and 5, which come before step 6: whoever asks what cannot be had is told so without a password.
  #refusedBeforeIdentity(incoming: Incoming, routed: Routed): boolean {
    const { destination, uri } = routed
    const hops = first(incoming.request, 'Max-Forwards')
    const extensions = destination.kind === 'self' ? [] : proxyRequired(incoming.request)
    if (uri === undefined && destination.kind === 'refused') {
      this.#outbox.note(destination.note, incoming.flow, withoutPassword(incoming.request.uri))
      this.#ownAnswers.send(incoming, destination.status, destination.reason)
    } else if (isUnsubscribed(incoming, destination)) {
      this.#outbox.note('strayNotify', incoming.flow)
      this.#ownAnswers.send(incoming, 481, 'Subscription Does Not Exist')
    } else if (hops !== undefined && Number(hops) <= 0 && destination.kind !== 'self') {
      this.#ownAnswers.send(incoming, 483, 'Too Many Hops')
    } else if (extensions.length > 0) {
      this.#ownAnswers.send(incoming, 420, 'Bad Extension', unsupported(extensions))
    } else if (
      incoming.toTag === undefined &&
      destination.kind !== 'self' &&
      isPrivacyLacking(incoming.request)
    ) {
      this.#ownAnswers.send(incoming, 500, 'Privacy Not Available')
    } else return false
    return true
  }

  #register(
    incoming: Incoming,
    routed: Routed,
    sender: { device: string; user: string },
    byDigest: boolean,
    now: Monotonic,
  ): void {
    if (routed.destination.kind !== 'self') return this.#ownAnswers.send(incoming, 404, 'Not Found')
    // Behind another proxy a connection carries many devices: only one that comes straight from its device is it.
    if (byDigest && values(incoming.request, 'Via').length === 1)
      this.#identity.remember(incoming.flow, sender)
    this.#registrar.register(incoming, this.#servers.open(incoming), sender, now)
  }

  #route(incoming: Incoming): Routed {
    return route(incoming, {
      tokens: this.#tokens,
      own: this.#own,
      accounts: this.#accounts,
      bindings: this.#bindings,
      veil: this.#veil,
    })
  }

  get #isFull(): boolean {
    const { transactions, transactionBytes } = this.#limits
    return this.#servers.size >= transactions || this.#servers.bytes + this.#clients.bytes >= transactionBytes
  }

  #hasRoom(incoming: Incoming, now: Monotonic): boolean {
    const { flow, request } = incoming
    // A CANCEL makes room.
    const note = !this.#sources.allow(flow.remote.address, now)
      ? 'sourceFlood'
      : this.#isFull && request.method !== 'CANCEL'
        ? 'transactionsFull'
        : undefined
    if (note === undefined) return true
    this.#outbox.note(note, flow, describe(flow))
    this.#ownAnswers.send(incoming, 503, 'Service Unavailable', [{ name: 'Retry-After', value: '5' }])
    return false
  }

  // -------------------------------------------------------------------------------------------- flows and devices

  #flowClosed(flow: Flow, now: Monotonic): void {
    this.#identity.flowClosed(flow)
    this.#registrar.flowClosed(flow)
    this.#proxy.branches.flowClosed(flow)
    this.#asking.flowClosed(flow)
    this.#proxy.flowClosed(this.#clients.flowClosed(flow), this.#servers.flowClosed(flow), now)
  }

  #revoked(device: string, reason: 'revoked' | 'guestOver', now: Monotonic): void {
    this.#fromAgents(this.#agents.revoke(device, now, reason), now)
    this.#registrar.revoke(device)
    this.#proxy.revoke(device, now)
    for (const flow of this.#identity.revoke(device)) this.#outbox.push({ kind: 'close', flow })
  }

  #fromAgents(outputs: readonly AgentOutput[], now: Monotonic): void {
    for (const output of outputs) {
      const flow = hostedFlow(output.device)
      switch (output.kind) {
        case 'message':
          this.#fromAgent(flow, output.message, now)
          break
        case 'event':
          this.#outbox.push({ kind: 'agentEvent', device: output.device, event: output.event })
          break
        case 'unregister':
          this.#registrar.flowClosed(flow)
          break
        case 'register': {
          const { user, device, contact, userAgent, remote, local } = output
          const binding = {
            key: bindingKey(device, 'hosted', undefined, undefined),
            ...{ user, device, contact, userAgent, remote, local },
            instance: undefined,
            regId: undefined,
            path: [],
            q: 1,
            callId: '',
            cseq: 0,
            transport: 'hosted',
          } as const
          this.#registrar.bindHosted(binding, flow, now)
          break
        }
      }
    }
  }

  // A UDP binding is reached as before; a TCP or TLS one by a new connection.
  #restore(o: SipMachineOptions): void {
    const rows = o.bindings
      .filter(row => row.remainingMilliseconds > 0 && !isFleeting(row.transport))
      .filter(row => o.accounts.userOfDevice(row.device) === row.user)
      .map(({ remainingMilliseconds, expiresSeconds: _, ...binding }) => ({
        binding,
        flow: binding.transport === 'udp' ? udpFlow(binding.local, binding.remote) : undefined,
        remainingMilliseconds,
      }))
    this.#registrar.restore(rows, o.now)
  }
}

/**
 * RFC 6665 §4.1.3: a NOTIFY belongs to a subscription, so it comes by a route token of its dialog. Some phones start anew
 * for one that nobody asked for.
 */
const isUnsubscribed = ({ request }: Incoming, { kind }: Destination): boolean =>
  request.method === 'NOTIFY' && (kind === 'user' || kind === 'contact')

/** For a log line: RFC 3261 §19.1.1 lets a URI hold one, after the user. */
const withoutPassword = (uri: string): string => uri.replace(/^([^:]*:[^:@]*):[^@]*@/, '$1@').slice(0, 100)
