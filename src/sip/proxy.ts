/**
 * The stateful proxy (RFC 3261 §16): forks a request to the bindings of its target, or sends it along a dialog, and
 * brings back the one answer. Requests arrive here routed and with a known sender. Leaves out: serial forking by q (all
 * contacts ring at once).
 */
import { hash } from 'node:crypto'
import { Backlog } from '../core/backlog.ts'
import type { Monotonic } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Random } from '../core/random.ts'
import { assertedOf, wishesPrivacy, withoutAssertions } from './assertions.ts'
import type { Bindings } from './bindings.ts'
import { Branches, branchLimits } from './branches.ts'
import {
  callAnswered,
  callDeclined,
  calleeOf,
  callForwarded,
  callHungUp,
  callRefused,
  callRings,
  callStarted,
  callTookPicture,
  callWithin,
} from './call-events.ts'
import type { ClientTransaction, ClientTransactions, ClientTransactionUser } from './client-transactions.ts'
import { callKey, first, removeFirstValue, response } from './codec.ts'
import { forwardedTo } from './diversion.ts'
import { forward, viaFor } from './forward.ts'
import type { Identity, Sender } from './identity.ts'
import type { Incoming } from './incoming.ts'
import { LateAnswers } from './late-answers.ts'
import { Loops } from './loops.ts'
import type { CallEvent, HeaderField, SipRequest, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Accounts, CallLog, OwnAddresses } from './ports.ts'
import { reasonField } from './reason.ts'
import { RecordRoutes } from './record-route.ts'
import { type Branch, isBetter, letGo, type ResponseContext } from './response-context.ts'
import type { RouteTokens } from './route-token.ts'
import type { Routed } from './routing.ts'
import type { ServerTransaction, ServerTransactions } from './server-transactions.ts'
import { type Refusal, ringingFor, targetsOf } from './targets.ts'
import type { SipTimers } from './transaction-timers.ts'
import type { Veil } from './veil.ts'

export const proxyLimits = {
  /** §16.6 step 11: how long an INVITE may ring between provisional responses. */
  timerCMilliseconds: 180_000,
  /** Calls that one person begins: more than people do in a day, and than whoever tries this with a load may want at once. */
  calls: { burst: 2_000, perSecond: 1 / 3, maxKeys: 2_000 },
  /** §16.7 step 7: of the telephones beside the one whose answer goes on. */
  challengeCharacters: 4_000,
  /** Kept of one request. */
  challenges: 20,
  /** Branches that fail or end in one turn, as when the connection closes that all of them went over. */
  endedAtOnce: 200,
} as const

export interface ProxyParts {
  readonly accounts: Accounts
  readonly own: OwnAddresses
  readonly bindings: Bindings
  readonly identity: Identity
  readonly tokens: RouteTokens
  readonly veil: Veil
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly servers: ServerTransactions<ResponseContext>
  readonly clients: ClientTransactions<Branch>
  readonly random: Random
  /** The host of people's addresses. */
  readonly domain: string
  readonly timerCMilliseconds: number
  readonly callLog: CallLog
}

/** What is over, and not dealt with yet: by a connection that closed, or with a device whose right ended. */
type Over =
  | { readonly kind: 'went'; readonly client: ClientTransaction<Branch> }
  | { readonly kind: 'came'; readonly server: ServerTransaction<ResponseContext> }
  | { readonly kind: 'caller'; readonly context: ResponseContext }
  | { readonly kind: 'callee'; readonly branch: Branch }

export class StatefulProxy implements ClientTransactionUser<Branch> {
  readonly branches: Branches
  readonly loops: Loops
  readonly lateAnswers: LateAnswers
  readonly #parts: ProxyParts
  readonly #recordRoutes: RecordRoutes
  /** A short hash that nobody else can make. */
  readonly #digest: (text: string) => string
  readonly #callers = new Limiter(proxyLimits.calls)
  readonly #over = new Backlog<Over>({
    atOnce: proxyLimits.endedAtOnce,
    perform: (over, now) => this.#end(over, now),
    costOf: over =>
      over.kind === 'caller'
        ? over.context.branches.length
        : over.kind === 'came'
          ? (over.server.context?.branches.length ?? 1)
          : 1,
  })

  constructor(parts: ProxyParts) {
    const secret = parts.random.hex(16)
    this.#parts = parts
    this.#digest = text => hash('sha256', secret + text).slice(0, 16)
    this.loops = new Loops(this.#digest)
    this.#recordRoutes = new RecordRoutes({ ...parts, onUnbound: flow => this.branches.remember(flow) })
    this.branches = new Branches({
      ...parts,
      recordRoutes: this.#recordRoutes,
      onFailed: (branch, status, reason, now) => this.#failed(branch, status, reason, now),
      onLeft: ({ context }, now) => this.#finishIfComplete(context, now),
    })
    this.lateAnswers = new LateAnswers({
      ...parts,
      recordRoutes: this.#recordRoutes,
      flowOfAddress: token => this.branches.flowOfAddress(token),
    })
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
    const { call, mayWait } = context
    const isTooMuch = !mayWait && this.branches.ofCaller(sender.user) >= branchLimits.perCaller
    if (isTooMuch || (call !== undefined && !this.#callers.allow(sender.user, now))) {
      return this.#turnAway(context, now)
    }
    if (call !== undefined) this.#tell(callStarted(call, context.asked!, sender, this.#parts.accounts))
    const { maxBreadth } = context.asked!
    this.loops.begin(incoming, server)
    // Also where the other party is nobody any more: its right may have ended.
    if (incoming.request.method === 'BYE') for (const event of callHungUp(incoming, routed)) this.#tell(event)
    const targets = targetsOf(routed, { ...this.#parts, caller: sender, isCall: call !== undefined })
    if (!Array.isArray(targets)) return this.#refuse(context, targets, now)
    if (maxBreadth !== undefined && maxBreadth < targets.length) {
      return this.#refuse(context, { status: 440, reason: 'Max-Breadth Exceeded' }, now)
    }
    this.branches.begin(context, targets, now)
  }

  /** §16.10: the CANCEL itself was answered; its INVITE goes no further. */
  cancel(server: ServerTransaction<ResponseContext>, cancel: SipRequest, now: Monotonic): void {
    const context = server.context
    if (context === undefined || context.finalSent) return
    context.cancelled = 'byCaller'
    const reason = cancel.headers.find(field => field.name.toLowerCase() === 'reason')
    this.branches.cancelAll(context, reason, now)
    this.#finishIfComplete(context, now)
  }

  /** An ACK to a 2xx: passed on, not remembered (§16.11). It is dropped where its party is not to be reached. */
  acknowledge(incoming: Incoming, routed: Routed): void {
    const { destination } = routed
    const live =
      destination.kind === 'contact'
        ? destination.live
        : destination.kind === 'party' && destination.token.kind === 'binding'
          ? this.#parts.bindings.ofPhone(destination.token.key)
          : undefined
    const token = destination.kind === 'party' ? destination.token : undefined
    const flow = live?.flow ?? (token?.kind === 'address' ? this.branches.flowOfAddress(token) : undefined)
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
      diversion: undefined,
      referredBy: undefined,
    }
    const ack = forward({ ...routed.request, headers }, how)
    const isHidden = token?.role === 'callee' && token.isHidden
    this.#parts.outbox.send(flow, isHidden ? this.#parts.veil.cover(ack) : ack)
  }

  // ------------------------------------------------------------------------------------------- what branches bring

  responded(branch: Branch, received: SipResponse, now: Monotonic): void {
    const { context } = branch
    // §16.7 step 3. Nothing below our Via: the response was for us alone.
    const headers = withoutAssertions(removeFirstValue(received.headers, 'Via'))
    if (!headers.some(field => field.name === 'Via')) return
    const heard: SipResponse = { ...received, headers }
    const answer = this.#asKnownTo(context, heard)
    if (answer.status < 200) return this.#provisional(branch, answer, now)
    this.branches.done(branch)
    if (answer.status < 300) {
      if (isForNobody(context)) return this.#leave(branch, heard, now)
      return this.#success(branch, this.#withAnswerer(branch, answer), now)
    }
    if (context.finalSent) return
    if (context.call !== undefined) this.#tell(callDeclined(context.call, branch, answer))
    const counted =
      branch.expired && answer.status === 487 ? this.#local(context, 408, 'Request Timeout') : answer
    const elsewhere = this.#elsewhere(context, answer)
    if (answer.status === 401 || answer.status === 407) {
      const theirs = answer.headers.filter(isChallenge)
      context.challenges = [...context.challenges, ...theirs].slice(0, proxyLimits.challenges)
    }
    // RFC 5626 §7: with anything else the instance has given its answer.
    if (answer.status === 408 || answer.status === 430) this.branches.goOver(branch, now)
    if (elsewhere === undefined) this.#collect(context, counted, counted === answer)
    else this.#divert(context, elsewhere, now)
    // §16.7 step 5: a 6xx is for all of the user's devices, and nobody else's who ring as well.
    if (answer.status >= 600) this.branches.cancelAll(context, undefined, now, branch.target.user)
    this.#finishIfComplete(context, now)
  }

  timedOut(branch: Branch, now: Monotonic): void {
    const { context } = branch
    if (branch.state === 'done') return
    this.branches.goOver(branch, now)
    this.branches.done(branch)
    if (context.finalSent) return
    // RFC 4320 §4.2: for anything but INVITE a 408 would come too late to be of use.
    if (context.server.invite) this.#collect(context, this.#local(context, 408, 'Request Timeout'), false)
    this.#finishIfComplete(context, now)
  }

  /** A connection is gone over which these went, and these came. */
  flowClosed(
    clients: readonly ClientTransaction<Branch>[],
    servers: readonly ServerTransaction<ResponseContext>[],
    now: Monotonic,
  ): void {
    const went = clients.map(client => ({ kind: 'went', client }) as const)
    const came = servers.map(server => ({ kind: 'came', server }) as const)
    this.#over.add([...went, ...came], now)
  }

  /** A device's right ended: it rings no more, and what it asked for goes no further. */
  revoke(device: string, now: Monotonic): void {
    const lost = new Set<ResponseContext>()
    const branches: Branch[] = []
    for (const branch of this.branches.all()) {
      if (branch.context.sender.device === device) lost.add(branch.context)
      else if (branch.target.device === device) branches.push(branch)
    }
    this.#over.add(
      [
        ...[...lost].map(context => ({ kind: 'caller', context }) as const),
        ...branches.map(branch => ({ kind: 'callee', branch }) as const),
      ],
      now,
    )
  }

  /** More has to be done than was in one turn: `goOn` is to be called soon. */
  get isBehind(): boolean {
    return this.#over.size > 0
  }

  goOn(now: Monotonic): void {
    this.#over.turn(now)
  }

  // ------------------------------------------------------------------------------------------------------- inside

  #end(over: Over, now: Monotonic): void {
    switch (over.kind) {
      case 'went': {
        // As if 503 had come (§16.9); what it says to the caller is "not there".
        const branch = this.#parts.clients.fail(over.client)
        if (branch !== undefined && branch.state !== 'done')
          this.branches.flowFailed(branch, 'Connection Lost', now)
        return
      }
      case 'came': {
        const context = this.#parts.servers.lose(over.server)
        if (context !== undefined) this.#callerLost(context, now)
        return
      }
      case 'caller':
        return this.#callerLost(over.context, now)
      case 'callee':
        return this.#calleeLost(over.branch, now)
    }
  }

  #calleeLost(branch: Branch, now: Monotonic): void {
    if (branch.state === 'done') return
    if (branch.state !== 'open') return this.branches.fail(branch, 480, 'Temporarily Unavailable', now)
    this.branches.cancel(branch, undefined, now)
    this.#finishIfComplete(branch.context, now)
  }

  /** Who asked is gone and cannot be told: nobody needs to ring any longer. */
  #callerLost(context: ResponseContext, now: Monotonic): void {
    if (context.finalSent) return
    context.cancelled = 'callerLost'
    this.branches.cancelAll(context, undefined, now)
    this.#finishIfComplete(context, now)
  }

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
    const party = routed.destination.kind === 'party' ? routed.destination.token : undefined
    const isHidden = (party?.role === 'callee' && party.isHidden) || this.#parts.identity.isHidden(incoming)
    return {
      asked: {
        incoming,
        request: { ...routed.request, headers },
        loopMark: this.loops.markOf(incoming),
        maxBreadth:
          breadth === undefined ? undefined : Math.min(Number(breadth) || 0, branchLimits.maxBreadth),
        ...this.#recordRoutes.ofSender(incoming, routed, sender, { initial, isHidden }),
        asserted: initial ? assertedOf(sender.user, this.#parts) : undefined,
        isHidden,
        within: method === 'INVITE' || method === 'UPDATE' ? callWithin(incoming, routed)?.call : undefined,
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
              people: ringingFor(callee.user, {
                accounts: this.#parts.accounts,
                caller: sender,
                isCall: true,
              }),
            }
          : undefined,
      mayWait: !initial,
      hiddenFrom: isHidden ? first(incoming.request, 'From') : undefined,
      // Also whom somebody asks for by what they were told of them: their phone's contact, which says nothing.
      isToHidden:
        (party?.role === 'caller' && party.isHidden) || this.#parts.veil.covers(incoming.request.uri),
      best: undefined,
      bestFromPeer: false,
      challenges: [],
      cancelled: 'no',
      finalSent: false,
      isRefused: false,
    }
  }

  #elsewhere({ call, cancelled }: ResponseContext, answer: SipResponse): string[] | undefined {
    if (call === undefined || cancelled !== 'no') return undefined
    return forwardedTo(answer, call.people, this.#parts)
  }

  /** Sends the call to `people` as well; with nobody among them, who was called is not there (§16.7 step 4). */
  #divert(context: ResponseContext, people: readonly string[], now: Monotonic): void {
    const { sender: caller, asked, call } = context
    const { incoming, request } = asked!
    call!.people = [...call!.people, ...people]
    this.#tell(callForwarded(call!, people, caller.user, this.#parts.accounts))
    const found = people.map(name => {
      const routed = { request, uri: incoming.uri, destination: { kind: 'user', name } } as const
      return targetsOf(routed, { ...this.#parts, caller, isCall: true })
    })
    if (people.length === 0) found.push({ status: 480, reason: 'Temporarily Unavailable' })
    for (const none of found) {
      if (!('status' in none)) continue
      this.#collect(context, this.#local(context, none.status, none.reason, none.extra), false)
    }
    this.branches.begin(
      context,
      found.flatMap(each => ('status' in each ? [] : each)),
      now,
    )
  }

  #provisional(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { context } = branch
    if (branch.state === 'done') return
    this.branches.progressed(branch, answer.status === 100, now)
    if (answer.status === 100 || context.finalSent) return
    if (context.call !== undefined) this.#tell(callRings(context.call, branch, answer))
    this.#parts.servers.respond(context.server, answer, now)
  }

  #success(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { context } = branch
    const { call } = context
    this.#parts.servers.respond(context.server, answer, now)
    if (context.finalSent) return
    const { within } = context.asked!
    this.#final(context)
    if (within !== undefined) this.#tell(callTookPicture(within, answer))
    if (call !== undefined) this.#tell(callAnswered(call, branch, answer, this.#parts.accounts))
    // §16.7 step 10.
    if (context.server.invite) this.branches.cancelAll(context, reasonField(200, 'answeredElsewhere'), now)
  }

  /** RFC 3261 §8.2.6.2: an answer has From as it was asked; and nothing of who hides that who asks was not told. */
  #asKnownTo({ hiddenFrom, isToHidden }: ResponseContext, answer: SipResponse): SipResponse {
    const told = isToHidden ? this.#parts.veil.cover(answer) : answer
    if (hiddenFrom === undefined) return told
    const headers = told.headers.map(field =>
      field.name === 'From' ? { ...field, value: hiddenFrom } : field,
    )
    return { ...told, headers }
  }

  /** RFC 3325 §9.1: who took the call, who may be another than was called; said each time that a 2xx is repeated. */
  #withAnswerer({ context, target }: Branch, answer: SipResponse): SipResponse {
    const { accounts } = this.#parts
    const user = accounts.userOfDevice(target.device)
    const isTaken = context.server.invite && !context.mayWait
    if (
      !isTaken ||
      user === undefined ||
      wishesPrivacy(answer) ||
      context.isToHidden ||
      !accounts.mayCall(context.sender.user, user)
    )
      return answer
    const value = assertedOf(user, this.#parts)
    if (value === undefined) return answer
    return { ...answer, headers: [...answer.headers, { name: 'P-Asserted-Identity', value }] }
  }

  #failed(branch: Branch, status: number, reason: string, now: Monotonic): void {
    const { context } = branch
    if (context.finalSent) return
    this.#collect(context, this.#local(context, status, reason), false)
    this.#finishIfComplete(context, now)
  }

  #collect(context: ResponseContext, answer: SipResponse, fromPeer: boolean): void {
    if (!isBetter(answer, context.best)) return
    context.best = answer
    context.bestFromPeer = fromPeer
  }

  /**
   * §16.7 step 6 waits for every branch. One that is to end and says nothing would keep the caller for half a minute, so the
   * first answer to an INVITE does not wait for those: what they may still say, their branches deal with. Within a dialog it
   * does, since a 2xx that comes late could not be ended without ending the call.
   */
  #finishIfComplete(context: ResponseContext, now: Monotonic): void {
    if (context.finalSent) return
    const open = context.branches.filter(({ state }) => state !== 'done')
    if (context.mayWait ? open.length > 0 : open.some(({ isLeft }) => !isLeft)) return
    for (const branch of open) {
      this.#collect(context, this.#unheard(context, branch.expired), false)
      this.branches.cancel(branch, undefined, now)
    }
    const { best } = context
    if (best === undefined) {
      this.#final(context)
      return this.#parts.servers.abandon(context.server)
    }
    this.#finish(context, this.#finalOf(context, best), context.bestFromPeer, now)
  }

  #finalOf(context: ResponseContext, best: SipResponse): SipResponse {
    // §16.7 step 6: 503 speaks of the next hop, not of us. RFC 5626 §11.5: and 430 of a flow.
    if (best.status === 503) return this.#local(context, 500, 'Server Internal Error')
    if (best.status === 430) return this.#local(context, 480, 'Temporarily Unavailable')
    // §16.7 step 7: each telephone that challenges wants its own answer.
    return best.status === 401 || best.status === 407 ? withChallenges(best, context.challenges) : best
  }

  /** What a branch comes to that is not waited for. */
  #unheard(context: ResponseContext, expired: boolean): SipResponse {
    if (context.cancelled !== 'no') return this.#local(context, 487, 'Request Terminated')
    if (expired) return this.#local(context, 408, 'Request Timeout')
    return this.#local(context, 480, 'Temporarily Unavailable')
  }

  /** Of somebody who answered when the caller was gone already. */
  #leave(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { context } = branch
    this.branches.leave(branch, answer, now)
    if (context.finalSent) return
    this.#collect(context, this.#unheard(context, false), false)
    this.#finishIfComplete(context, now)
  }

  /**
   * Too many calls of one person: they ring nowhere and nothing is kept of them, since what is kept is bounded, and would
   * push out the calls and traces of everybody else. Not 503, on which a phone leaves the server (RFC 3261 §21.5.4).
   */
  #turnAway(context: ResponseContext, now: Monotonic): void {
    const extra = [{ name: 'Retry-After', value: '5' }]
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
    context.isRefused = true
    this.#final(context)
    if (call === undefined || call.answered) return
    this.#tell(callRefused(call, context.cancelled, final, fromPeer))
  }

  #final(context: ResponseContext): void {
    context.finalSent = true
    this.loops.end(context.asked!.incoming, context.server)
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
}

/** Nobody is there to take a 2xx: the caller was told otherwise, or cannot be told. A call that goes on is left alone. */
const isForNobody = ({ server, mayWait, isRefused, cancelled }: ResponseContext): boolean =>
  server.invite && !mayWait && (isRefused || cancelled === 'callerLost')

const isChallenge = ({ name, value }: HeaderField): boolean =>
  (name === 'WWW-Authenticate' || name === 'Proxy-Authenticate') &&
  value.length <= proxyLimits.challengeCharacters

function withChallenges(best: SipResponse, challenges: readonly HeaderField[]): SipResponse {
  let left = proxyLimits.challengeCharacters
  const others = challenges.filter(field => {
    if (best.headers.includes(field) || field.value.length > left) return false
    left -= field.value.length
    return true
  })
  return others.length === 0 ? best : { ...best, headers: [...best.headers, ...others] }
}
