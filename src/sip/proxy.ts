/**
 * The stateful proxy (RFC 3261 §16): forks a request to the bindings of its target, or sends it along a dialog, and
 * brings back the one answer. Requests arrive here routed and with a known sender. Leaves out: serial forking by q (all
 * contacts ring at once).
 */
import { hash } from 'node:crypto'
import { after, type Monotonic } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Random } from '../core/random.ts'
import type { Bindings, LiveBinding } from './bindings.ts'
import { callAnswered, calleeOf, callHungUp, callRefused, callRings, callStarted } from './call-events.ts'
import type { ClientTransactions, ClientTransactionUser } from './client-transactions.ts'
import { callKey, first, removeFirstValue, response, values } from './codec.ts'
import { forwardedTo } from './diversion.ts'
import { forward, recordRouteFor, viaFor, withoutAssertions } from './forward.ts'
import type { Identity, Sender } from './identity.ts'
import type { Incoming } from './incoming.ts'
import type { CallEvent, Flow, HeaderField, SipRequest, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import { nameAddr, personUri } from './person.ts'
import type { Accounts, OwnAddresses } from './ports.ts'
import { Reach } from './reach.ts'
import { reasonField } from './reason.ts'
import { type Branch, isBetter, type ResponseContext, type Target } from './response-context.ts'
import type { RouteToken, RouteTokens } from './route-token.ts'
import type { Routed } from './routing.ts'
import type { ServerTransaction, ServerTransactions } from './server-transactions.ts'
import { type Refusal, targetsOf } from './targets.ts'
import { type SipTimers, T1 } from './transaction-timers.ts'

export const proxyLimits = {
  /** §16.6 step 11: how long an INVITE may ring between provisional responses. */
  timerCMilliseconds: 180_000,
  /** RFC 5393 §5.3.3. */
  maxBreadth: 60,
  /** Calls that one person begins: more than people do in a day, and than whoever tries this with a load may want at once. */
  calls: { burst: 2_000, perSecond: 1 / 3, maxKeys: 2_000 },
} as const

const dialogMakers = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export interface ProxyParts {
  readonly accounts: Accounts
  readonly own: OwnAddresses
  readonly bindings: Bindings
  readonly identity: Identity
  readonly tokens: RouteTokens
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly servers: ServerTransactions<ResponseContext>
  readonly clients: ClientTransactions<Branch>
  readonly random: Random
  /** The host of people's addresses. */
  readonly domain: string
  readonly timerCMilliseconds: number
}

export class StatefulProxy implements ClientTransactionUser<Branch> {
  readonly #parts: ProxyParts
  readonly #loopSecret: string
  readonly #branches = new Map<number, Branch>()
  readonly #reach: Reach
  readonly #callers = new Limiter(proxyLimits.calls)
  /** Requests without a To tag that are still under way, to tell merged ones (§8.2.2.2). */
  readonly #merging = new Map<string, ServerTransaction<ResponseContext>>()

  constructor(parts: ProxyParts) {
    this.#parts = parts
    this.#loopSecret = parts.random.hex(16)
    this.#reach = new Reach({
      ...parts,
      onOpen: (branch, flow, now) => this.#open(branch, flow, now),
      onUnreachable: (branch, reason, now) => this.#fail(branch, 480, reason, now),
    })
  }

  /** Branches under way. */
  get size(): number {
    return this.#branches.size
  }

  /** Forwards a request, or refuses it in the name of its target. */
  request(
    incoming: Incoming,
    routed: Routed,
    sender: Sender,
    server: ServerTransaction<ResponseContext>,
    now: Monotonic,
  ): void {
    const context = this.#context(incoming, routed, sender, server)
    server.context = context
    // §17.2.1. A hosted agent's, too: it cannot cancel before (§9.1).
    if (incoming.request.method === 'INVITE') {
      this.#parts.servers.respond(server, response(incoming.request, 100, 'Trying'), now)
    }
    const { accounts, bindings } = this.#parts
    if (context.call !== undefined && !this.#callers.allow(sender.user, now)) {
      return this.#turnAway(context, now)
    }
    const { call } = context
    if (call !== undefined) this.#tell(callStarted(call, { incoming, sender }, accounts))
    const { maxBreadth, mergeKey } = context.asked!
    if (incoming.toTag === undefined) this.#merging.set(mergeKey, server)
    const targets = targetsOf(routed, { accounts, bindings, caller: sender, isCall: call !== undefined })
    if (!Array.isArray(targets)) return this.#refuse(context, targets, now)
    if (maxBreadth !== undefined && maxBreadth < targets.length) {
      return this.#refuse(context, { status: 440, reason: 'Max-Breadth Exceeded' }, now)
    }
    if (incoming.request.method === 'BYE') this.#tell(callHungUp(incoming, routed))
    this.#begin(context, targets, now)
  }

  /** §16.10: the CANCEL itself was answered; its INVITE goes no further. */
  cancel(server: ServerTransaction<ResponseContext>, cancel: SipRequest, now: Monotonic): void {
    const context = server.context
    if (context === undefined || context.finalSent) return
    context.cancelled = 'byCaller'
    const reason = cancel.headers.find(field => field.name.toLowerCase() === 'reason')
    this.#cancelBranches(context, reason, now)
  }

  /** An ACK to a 2xx: passed on, not remembered (§16.11). It is dropped where its party is not to be reached. */
  acknowledge(incoming: Incoming, routed: Routed): void {
    const { destination } = routed
    const live =
      destination.kind === 'contact'
        ? destination.live
        : destination.kind === 'party' && destination.token.kind === 'binding'
          ? this.#parts.bindings.get(destination.token.key)
          : undefined
    const token = destination.kind === 'party' ? destination.token : undefined
    const flow = live?.flow ?? (token?.kind === 'address' ? this.#reach.flowOfAddress(token) : undefined)
    if (flow === undefined) return this.#parts.outbox.note('strayAck', incoming.flow)
    // §16.11: without state the branch is made from the one that came, so that a retransmission has the same.
    const branch = `z9hG4bK${this.#digest(`${incoming.via.params.get('branch')}${incoming.callId}`)}`
    const headers = this.#parts.identity.withoutOurCredentials(routed.request.headers)
    const path = live === undefined ? [] : live.binding.path
    const how = {
      uri: routed.request.uri,
      via: viaFor(flow, branch),
      recordRoutes: [],
      path,
      maxBreadth: undefined,
      asserted: undefined,
    }
    this.#parts.outbox.send(flow, forward({ ...routed.request, headers }, how))
  }

  /** RFC 5393 §4.2: a Via of ours that was made for the very same request. */
  isLoop(incoming: Incoming): boolean {
    // What comes straight from its sender has one Via, and that is not ours.
    if (values(incoming.request, 'Via').length < 2) return false
    const mark = `.${this.#loopMark(incoming)}`
    return incoming.request.headers.some(field => field.name === 'Via' && field.value.includes(mark))
  }

  /** §8.2.2.2: the same request came another way and is still under way. */
  isMerged(incoming: Incoming): boolean {
    return incoming.toTag === undefined && this.#merging.has(mergeKeyOf(incoming))
  }

  // ------------------------------------------------------------------------------------------- what branches bring

  responded(branch: Branch, received: SipResponse, now: Monotonic): void {
    const { context } = branch
    // §16.7 step 3. Nothing below our Via: the response was for us alone.
    const headers = withoutAssertions(removeFirstValue(received.headers, 'Via'))
    if (!headers.some(field => field.name === 'Via')) return
    const answer: SipResponse = { ...received, headers }
    if (answer.status < 200) return this.#provisional(branch, answer, now)
    this.#done(branch)
    if (answer.status < 300) return this.#success(branch, answer, now)
    if (context.finalSent) return
    const counted =
      branch.expired && answer.status === 487 ? this.#local(context, 408, 'Request Timeout') : answer
    const elsewhere = this.#elsewhere(context, answer)
    if (elsewhere === undefined) this.#collect(context, counted, counted === answer)
    else this.#divert(context, elsewhere, now)
    // §16.7 step 5: a 6xx is for all of the user's devices.
    if (answer.status >= 600) this.#cancelBranches(context, undefined, now)
    this.#finishIfComplete(context, now)
  }

  timedOut(branch: Branch, now: Monotonic): void {
    const { context } = branch
    if (branch.state === 'done') return
    this.#done(branch)
    if (context.finalSent) return
    // RFC 4320 §4.2: for anything but INVITE a 408 would come too late to be of use.
    if (context.server.invite) this.#collect(context, this.#local(context, 408, 'Request Timeout'), false)
    this.#finishIfComplete(context, now)
  }

  /** The branch's connection is gone: as if 503 had come (§16.9); what it says to the caller is "not there". */
  flowFailed(branch: Branch, now: Monotonic): void {
    this.#fail(branch, 480, 'Connection Lost', now)
  }

  timerC(id: number, now: Monotonic): void {
    const branch = this.#branches.get(id)
    if (branch === undefined || branch.client === undefined) return
    if (branch.cancelSent || branch.client.state === 'calling') {
      this.#parts.clients.abandon(branch.client)
      const status = branch.context.cancelled === 'no' ? 408 : 487
      return this.#fail(branch, status, status === 408 ? 'Request Timeout' : 'Request Terminated', now)
    }
    branch.expired = true
    this.#cancel(branch, undefined, now)
  }

  // ----------------------------------------------------------------------------------------- flows that come and go

  waitedEnough(id: number, now: Monotonic): void {
    const branch = this.#branches.get(id)
    if (branch?.state === 'waiting') this.#fail(branch, 480, 'Temporarily Unavailable', now)
  }

  reachable(live: LiveBinding, now: Monotonic): void {
    this.#reach.reachable(live, now)
  }

  connected(ticket: number, flow: Flow | undefined, now: Monotonic): void {
    this.#reach.connected(ticket, flow, now)
  }

  flowClosed(flow: Flow): void {
    this.#reach.flowClosed(flow)
  }

  /** Who asked is gone and cannot be told: nobody needs to ring any longer. */
  callerLost(context: ResponseContext, now: Monotonic): void {
    if (context.finalSent) return
    context.cancelled = 'callerLost'
    this.#cancelBranches(context, undefined, now)
  }

  /** A device's right ended: it rings no more, and what it asked for goes no further. */
  revoke(device: string, now: Monotonic): void {
    for (const branch of [...this.#branches.values()]) {
      const { context, target } = branch
      if (context.sender.device === device) this.callerLost(context, now)
      else if (target.device === device && branch.state === 'open') this.#cancel(branch, undefined, now)
      else if (target.device === device) this.#fail(branch, 480, 'Temporarily Unavailable', now)
    }
  }

  // ------------------------------------------------------------------------------------------------------- inside

  #context(
    incoming: Incoming,
    routed: Routed,
    sender: Sender,
    server: ServerTransaction<ResponseContext>,
  ): ResponseContext {
    const { method } = incoming.request
    // Whoever writes a To tag without a dialog's route calls a person all the same, do-not-disturb or not.
    const named = method === 'INVITE' && routed.destination.kind === 'user'
    const initial = incoming.toTag === undefined || named
    const callee = calleeOf(routed, sender.user, this.#parts.accounts)
    const breadth = first(routed.request, 'Max-Breadth')
    const headers = this.#parts.identity.withoutOurCredentials(routed.request.headers)
    return {
      asked: {
        incoming,
        request: { ...routed.request, headers },
        loopMark: this.#loopMark(incoming),
        maxBreadth:
          breadth === undefined ? undefined : Math.min(Number(breadth) || 0, proxyLimits.maxBreadth),
        mergeKey: mergeKeyOf(incoming),
        recordRoute: initial && dialogMakers.has(method) ? this.#callerRoute(incoming, sender) : undefined,
        asserted: initial ? this.#assertedOf(incoming.request, sender) : undefined,
      },
      server,
      sender,
      branches: [],
      call:
        initial && method === 'INVITE' && callee !== undefined
          ? {
              id: callKey(incoming.callId, incoming.fromTag),
              callee,
              answered: false,
              ringing: [],
              people: [callee.user],
            }
          : undefined,
      mayWait: !initial,
      best: undefined,
      bestFromPeer: false,
      cancelled: 'no',
      finalSent: false,
    }
  }

  // RFC 3325 §9.1: a phone writes what it likes for a name into From; lanline knows whose phone it is. §9.3: unless they
  // wish not to be known.
  #assertedOf(request: SipRequest, sender: Sender): string | undefined {
    const person = this.#parts.accounts.user(sender.user)
    const isPrivate = values(request, 'Privacy').some(value => /(^|;)\s*id\s*(;|$)/i.test(value))
    if (person === undefined || isPrivate) return undefined
    return nameAddr(person.displayName, personUri(person.name, this.#parts.domain))
  }

  // The side of the two Record-Routes (double because the two sides may differ in transport and family) that leads to
  // the caller: the binding the request came from, or an unregistered caller's address.
  #callerRoute({ replyTo: flow }: Incoming, sender: Sender): string {
    const known = this.#parts.bindings.ofDevice(sender.user, sender.device)
    const live = known.find(one => one.flow?.id === flow.id)
    if (live !== undefined) {
      const token = { kind: 'binding', role: 'caller', key: live.binding.key, device: sender.device } as const
      return recordRouteFor(flow, this.#parts.tokens.issue(token))
    }
    this.#reach.remember(flow)
    const { transport, local, remote } = flow
    const token = {
      kind: 'address',
      role: 'caller',
      device: sender.device,
      transport,
      local,
      remote,
    } as const
    return recordRouteFor(flow, this.#parts.tokens.issue(token))
  }

  #begin(context: ResponseContext, targets: readonly Target[], now: Monotonic): void {
    const branches = targets.map(target => this.#branch(context, target))
    context.branches = [...context.branches, ...branches]
    for (const branch of branches) if (branch.state !== 'done') this.#reach.seek(branch, now)
  }

  #elsewhere({ call, cancelled }: ResponseContext, answer: SipResponse): string[] | undefined {
    if (call === undefined || cancelled !== 'no') return undefined
    return forwardedTo(answer, call.people, this.#parts)
  }

  /** Sends the call to `people` as well; with nobody among them, who was called is not there (§16.7 step 4). */
  #divert(context: ResponseContext, people: readonly string[], now: Monotonic): void {
    const { accounts, bindings } = this.#parts
    const { sender: caller, asked, call } = context
    const { incoming, request } = asked!
    call!.people = [...call!.people, ...people]
    const found = people.map(name => {
      const routed = { request, uri: incoming.uri, destination: { kind: 'user', name } } as const
      return targetsOf(routed, { accounts, bindings, caller, isCall: true })
    })
    if (people.length === 0) found.push({ status: 480, reason: 'Temporarily Unavailable' })
    for (const none of found) {
      if (!('status' in none)) continue
      this.#collect(context, this.#local(context, none.status, none.reason, none.extra), false)
    }
    this.#begin(
      context,
      found.flatMap(each => ('status' in each ? [] : each)),
      now,
    )
  }

  #branch(context: ResponseContext, target: Target): Branch {
    const id = this.#parts.timers.newId()
    const branch: Branch = {
      id,
      context,
      target,
      state: 'connecting',
      client: undefined,
      cancelWanted: false,
      cancelSent: false,
      cancelReason: undefined,
      expired: false,
    }
    this.#branches.set(id, branch)
    return branch
  }

  #open(branch: Branch, flow: Flow, now: Monotonic): void {
    const { context, target } = branch
    const { loopMark, recordRoute, asserted, request: asked } = context.asked!
    branch.state = 'open'
    const unique = `z9hG4bK${this.#parts.random.hex(8)}.${loopMark}`
    const recordRoutes = recordRoute === undefined ? [] : [this.#calleeRoute(target, flow), recordRoute]
    const request = forward(asked, {
      uri: target.uri,
      via: viaFor(flow, unique),
      recordRoutes,
      path: target.path,
      maxBreadth: this.#breadthEach(context),
      asserted,
    })
    branch.client = this.#parts.clients.open(flow, request, unique, branch, now)
    // §16.6 step 11.
    if (context.server.invite) {
      this.#parts.timers.set('C', branch.id, after(now, this.#parts.timerCMilliseconds))
    }
  }

  #calleeRoute(target: Target, flow: Flow): string {
    const { key, device } = target
    const { transport, local, remote } = flow
    const token: RouteToken =
      key === undefined
        ? { kind: 'address', role: 'callee', device, transport, local, remote }
        : { kind: 'binding', role: 'callee', key, device }
    return recordRouteFor(flow, this.#parts.tokens.issue(token))
  }

  // RFC 5393 §5.3.3.2: what one request may fork into is shared out among its branches.
  #breadthEach(context: ResponseContext): number | undefined {
    const count = context.branches.length
    const { maxBreadth } = context.asked!
    if (maxBreadth === undefined && count === 1) return undefined
    return Math.max(1, Math.floor((maxBreadth ?? proxyLimits.maxBreadth) / count))
  }

  #provisional(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { context } = branch
    if (branch.state === 'done') return
    if (branch.cancelWanted) this.#cancel(branch, undefined, now)
    if (answer.status === 100 || context.finalSent) return
    // §16.7 step 2.
    if (context.server.invite && !branch.cancelSent) {
      this.#parts.timers.set('C', branch.id, after(now, this.#parts.timerCMilliseconds))
    }
    if (context.call !== undefined) this.#tell(callRings(context.call, branch, answer))
    this.#parts.servers.respond(context.server, answer, now)
  }

  #success(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { context } = branch
    const { call } = context
    this.#parts.servers.respond(context.server, answer, now)
    if (context.finalSent) return
    this.#final(context)
    if (call !== undefined) this.#tell(callAnswered(call, branch, answer, this.#parts.accounts))
    // §16.7 step 10.
    if (context.server.invite) this.#cancelBranches(context, reasonField(200, 'answeredElsewhere'), now)
  }

  #cancelBranches(context: ResponseContext, reason: HeaderField | undefined, now: Monotonic): void {
    for (const branch of [...context.branches]) {
      if (branch.state === 'open') this.#cancel(branch, reason, now)
      else if (branch.state !== 'done') this.#fail(branch, 487, 'Request Terminated', now)
    }
  }

  #cancel(branch: Branch, reason: HeaderField | undefined, now: Monotonic): void {
    const { client } = branch
    if (client === undefined || !client.invite || branch.cancelSent) return
    if (client.state === 'calling') {
      // §9.1: not before a provisional response has come.
      branch.cancelWanted = true
      branch.cancelReason ??= reason
      return
    }
    branch.cancelSent = true
    this.#parts.clients.cancel(client, reason ?? branch.cancelReason, now)
    // §9.1: a peer that never answers a cancelled INVITE is not waited for longer than this.
    this.#parts.timers.set('C', branch.id, after(now, 64 * T1))
  }

  #fail(branch: Branch, status: number, reason: string, now: Monotonic): void {
    const { context } = branch
    if (branch.state === 'done') return
    this.#done(branch)
    if (context.finalSent) return
    this.#collect(context, this.#local(context, status, reason), false)
    this.#finishIfComplete(context, now)
  }

  #done(branch: Branch): void {
    branch.state = 'done'
    this.#branches.delete(branch.id)
    this.#parts.timers.clear('CW', branch.id)
    this.#reach.forget(branch)
    letGo(branch.context)
  }

  #collect(context: ResponseContext, answer: SipResponse, fromPeer: boolean): void {
    if (!isBetter(answer, context.best)) return
    context.best = answer
    context.bestFromPeer = fromPeer
  }

  #finishIfComplete(context: ResponseContext, now: Monotonic): void {
    if (context.finalSent || context.branches.some(branch => branch.state !== 'done')) return
    const { best } = context
    if (best === undefined) {
      this.#final(context)
      return this.#parts.servers.abandon(context.server)
    }
    // §16.7 step 6: 503 speaks of the next hop, not of us.
    const final = best.status === 503 ? this.#local(context, 500, 'Server Internal Error') : best
    this.#finish(context, final, context.bestFromPeer, now)
  }

  /**
   * Too many calls of one person: they ring nowhere and nothing is kept of them, since what is kept is bounded, and would
   * push out the calls and traces of everybody else. Not 503, on which a phone leaves the server (RFC 3261 §21.5.4).
   */
  #turnAway(context: ResponseContext, now: Monotonic): void {
    const wait = this.#callers.waitMilliseconds(context.sender.user, now)
    const extra = [{ name: 'Retry-After', value: String(Math.ceil(wait / 1_000)) }]
    context.call = undefined
    this.#refuse(context, { status: 500, reason: 'Too Many Calls', extra }, now)
  }

  #refuse(context: ResponseContext, refusal: Refusal, now: Monotonic): void {
    const { status, reason, extra } = refusal
    this.#parts.outbox.note(`refused${status}`, context.server.flow, reason)
    this.#finish(context, this.#local(context, status, reason, extra), false, now)
  }

  #finish(context: ResponseContext, final: SipResponse, fromPeer: boolean, now: Monotonic): void {
    const { call } = context
    this.#parts.servers.respond(context.server, final, now)
    this.#final(context)
    if (call === undefined || call.answered) return
    this.#tell(callRefused(call, context.cancelled, final, fromPeer))
  }

  #final(context: ResponseContext): void {
    context.finalSent = true
    const { mergeKey } = context.asked!
    if (this.#merging.get(mergeKey) === context.server) this.#merging.delete(mergeKey)
    letGo(context)
  }

  #tell(event: CallEvent | undefined): void {
    if (event !== undefined) this.#parts.outbox.push({ kind: 'call', event })
  }

  #local(
    context: ResponseContext,
    status: number,
    reason: string,
    extra: readonly HeaderField[] = [],
  ): SipResponse {
    const { incoming } = context.asked!
    const tag = this.#digest(`${context.server.id} ${incoming.callId}`)
    return response(incoming.request, status, reason, extra, tag)
  }

  // RFC 5393 §4.2.1: everything that decides where the request goes.
  #loopMark(incoming: Incoming): string {
    const { request, callId, fromTag, toTag, cseq } = incoming
    let text = `${request.uri}\n${callId}\n${fromTag}\n${toTag}\n${cseq.number}`
    for (const field of request.headers) if (field.name === 'Route') text += `\n${field.value}`
    return this.#digest(text)
  }

  #digest(text: string): string {
    return hash('sha256', this.#loopSecret + text).slice(0, 16)
  }
}

/** An answered call's transactions stay for half a minute; what was asked, by far the most of them, need not. */
function letGo(context: ResponseContext): void {
  if (!context.finalSent || context.branches.some(branch => branch.state !== 'done')) return
  context.asked = undefined
  context.call = undefined
  context.best = undefined
}

const mergeKeyOf = (incoming: Incoming): string =>
  `${incoming.request.method}|${incoming.callId}|${incoming.fromTag}|${incoming.cseq.number}|${incoming.request.uri}`
