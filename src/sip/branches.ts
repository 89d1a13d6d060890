/**
 * The ways that one request goes (RFC 3261 §16.6): each to a target, by the flow that `reach.ts` finds, until it is
 * answered, cancelled (§9.1) or given up (timer C, §16.8). What their answers mean together, `proxy.ts` says.
 */
import { after, type Monotonic } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { Bindings, LiveBinding } from './bindings.ts'
import type { ClientTransactions } from './client-transactions.ts'
import { tagOf } from './codec.ts'
import { divertedFrom, referredByFor } from './diversion.ts'
import { forward, viaFor } from './forward.ts'
import { leaving } from './leaving.ts'
import type { Flow, HeaderField, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Accounts } from './ports.ts'
import { Reach } from './reach.ts'
import { reasonField } from './reason.ts'
import type { RecordRoutes } from './record-route.ts'
import { type Branch, letGo, type ResponseContext, type Target } from './response-context.ts'
import type { AddressToken } from './route-token.ts'
import { type SipTimers, T1 } from './transaction-timers.ts'
import type { Veil } from './veil.ts'
import { targetOf } from './ways.ts'

export const branchLimits = {
  /** RFC 5393 §5.3.3. */
  maxBreadth: 60,
  /**
   * Under way for one person; then what they ask for outside a dialog is refused. All may have to be sent again at once, or
   * be cancelled at once when who asks is gone, and one request may ring at fifty contacts that are their own.
   */
  perCaller: 2_000,
  /** How long the caller waits for a branch that does not say that it is cancelled: it rang, and is no more. */
  cancelMilliseconds: 4 * T1,
  /** How long a flow may say nothing at all where there is another to the same telephone: four copies over UDP. */
  silentMilliseconds: 8 * T1,
  /** Answers of a branch that forked further on, where nobody takes them. */
  legs: 8,
} as const

export interface BranchesParts {
  readonly accounts: Accounts
  /** The host of people's addresses. */
  readonly domain: string
  readonly bindings: Bindings
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly clients: ClientTransactions<Branch>
  readonly random: Random
  readonly recordRoutes: RecordRoutes
  readonly veil: Veil
  readonly timerCMilliseconds: number
  /** A branch is done without an answer of its target: to the caller it is as if it had given this one. */
  readonly onFailed: (branch: Branch, status: number, reason: string, now: Monotonic) => void
  /** A branch is waited for no longer. */
  readonly onLeft: (branch: Branch, now: Monotonic) => void
}

export class Branches {
  readonly #parts: BranchesParts
  readonly #reach: Reach
  readonly #branches = new Map<number, Branch>()
  readonly #countByCaller = new Map<string, number>()

  constructor(parts: BranchesParts) {
    this.#parts = parts
    this.#reach = new Reach({
      ...parts,
      onOpen: (branch, flow, now) => this.#open(branch, flow, now),
      onUnreachable: (branch, reason, now) => this.flowFailed(branch, reason, now),
    })
  }

  /** Those under way. */
  get size(): number {
    return this.#branches.size
  }

  /** Those under way for this person. */
  ofCaller(user: string): number {
    return this.#countByCaller.get(user) ?? 0
  }

  all(): Branch[] {
    return [...this.#branches.values()]
  }

  begin(context: ResponseContext, targets: readonly Target[], now: Monotonic): void {
    const branches = targets.map(target => this.#enter(context, target))
    context.branches = [...context.branches, ...branches]
    for (const branch of branches) if (branch.state !== 'done') this.#reach.seek(branch, now)
  }

  /** A provisional response came: it may be cancelled from now on, or rings on (§16.7 step 2). */
  progressed(branch: Branch, isTrying: boolean, now: Monotonic): void {
    const { server, finalSent } = branch.context
    this.#parts.timers.clear('S', branch.id)
    if (branch.cancelWanted) this.cancel(branch, undefined, now)
    else if (!branch.cancelSent) branch.isLeft = false
    if (!isTrying && !finalSent && server.invite && !branch.cancelSent) this.#setTimerC(branch, now)
  }

  cancel(branch: Branch, reason: HeaderField | undefined, now: Monotonic): void {
    const { client } = branch
    if (client === undefined || !client.invite || branch.cancelSent) return
    if (client.state === 'calling') {
      // §9.1: not before a provisional response has come. Who says nothing may be switched off.
      branch.cancelWanted = true
      branch.isLeft = true
      branch.cancelReason ??= reason
      return
    }
    branch.cancelSent = true
    this.#parts.clients.cancel(client, reason ?? branch.cancelReason, now)
    this.#parts.timers.set(
      'C',
      branch.id,
      after(now, branch.isLeft ? 64 * T1 : branchLimits.cancelMilliseconds),
    )
  }

  /** With `user` only the branches to that person's devices. */
  cancelAll(
    { branches }: ResponseContext,
    reason: HeaderField | undefined,
    now: Monotonic,
    user?: string | undefined,
  ): void {
    for (const branch of [...branches]) {
      if (user !== undefined && branch.target.user !== user) continue
      if (branch.state === 'open') this.cancel(branch, reason, now)
      else if (branch.state !== 'done') this.fail(branch, 487, 'Request Terminated', now)
    }
  }

  fail(branch: Branch, status: number, reason: string, now: Monotonic): void {
    if (branch.state === 'done') return
    this.done(branch)
    this.#parts.onFailed(branch, status, reason, now)
  }

  flowFailed(branch: Branch, reason: string, now: Monotonic): void {
    this.goOver(branch, now)
    this.fail(branch, 480, reason, now)
  }

  /** RFC 5626 §7: a flow failed, so the next one of the same instance is tried, unless nobody wants it any longer. */
  goOver(branch: Branch, now: Monotonic): boolean {
    const { context, target, others, cancelWanted, cancelSent } = branch
    branch.others = []
    if (context.finalSent || context.cancelled !== 'no' || cancelWanted || cancelSent) return false
    const ways = others.flatMap(key => this.#parts.bindings.get(key) ?? [])
    const [next, ...rest] = ways.filter(({ binding }) => binding.device === target.device)
    if (next === undefined) return false
    const way = targetOf(next, rest)
    this.begin(context, [context.mayWait ? { ...way, uri: target.uri } : way], now)
    return true
  }

  /** Timer S. Whoever asks waits for this flow no longer; it may yet be heard of, and then counts as before. */
  silent(id: number, now: Monotonic): void {
    const branch = this.#branches.get(id)
    if (branch !== undefined && this.goOver(branch, now)) branch.isLeft = true
  }

  done(branch: Branch): void {
    branch.state = 'done'
    if (this.#branches.delete(branch.id)) this.#count(branch.context, -1)
    this.#parts.timers.clear('CSW', branch.id)
    this.#reach.forget(branch)
    letGo(branch.context)
  }

  timerC(id: number, now: Monotonic): void {
    const branch = this.#branches.get(id)
    if (branch === undefined || branch.client === undefined) return
    if (branch.cancelSent && !branch.isLeft) {
      branch.isLeft = true
      // §9.1: a peer that never answers a cancelled INVITE is not listened for longer than this.
      this.#parts.timers.set('C', id, after(now, 64 * T1 - branchLimits.cancelMilliseconds))
      return this.#parts.onLeft(branch, now)
    }
    if (branch.cancelSent || branch.client.state === 'calling') {
      this.#parts.clients.abandon(branch.client)
      const status = branch.context.cancelled === 'no' ? 408 : 487
      return this.fail(branch, status, status === 408 ? 'Request Timeout' : 'Request Terminated', now)
    }
    branch.expired = true
    this.cancel(branch, undefined, now)
  }

  /**
   * A 2xx that nobody is there to take: its leg is ended here, since whoever answered would sit in a call alone. The ACK is
   * sent again for each time that the 2xx is (§13.2.2.4).
   */
  leave(branch: Branch, answer: SipResponse, now: Monotonic): void {
    const { client, target, cancelReason, leftTags } = branch
    const tag = tagOf(answer, 'To') ?? ''
    const isLeft = leftTags.includes(tag)
    if (client === undefined || (!isLeft && leftTags.length >= branchLimits.legs)) return
    const { flow } = client
    const routes = [...target.path, ...this.#parts.recordRoutes.beyond(answer)]
    const newBranch = (): string => `z9hG4bK${this.#parts.random.hex(8)}`
    const [ofAck, ofBye] = [newBranch(), newBranch()]
    const vias = { ack: viaFor(flow, ofAck), bye: viaFor(flow, ofBye) }
    const reason = cancelReason ?? reasonField(487, 'cancelled')
    const last = leaving(answer, { routes, vias, reason })
    if (last === undefined) return
    this.#parts.outbox.send(flow, last.ack)
    if (isLeft) return
    branch.leftTags = [...branch.leftTags, tag]
    this.#parts.clients.open(flow, last.bye, ofBye, undefined, now)
  }

  // ----------------------------------------------------------------------------------------- flows that come and go

  waitedEnough(id: number, now: Monotonic): void {
    const branch = this.#branches.get(id)
    if (branch?.state === 'waiting') this.fail(branch, 480, 'Temporarily Unavailable', now)
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

  /** Where requests in the dialogs of a caller without a binding go. */
  remember(flow: Flow): void {
    this.#reach.remember(flow)
  }

  flowOfAddress(token: AddressToken): Flow | undefined {
    return this.#reach.flowOfAddress(token)
  }

  // --------------------------------------------------------------------------------------------------------- inside

  #enter(context: ResponseContext, target: Target): Branch {
    const id = this.#parts.timers.newId()
    const branch: Branch = {
      id,
      context,
      target,
      state: 'connecting',
      client: undefined,
      others: target.others,
      cancelWanted: false,
      cancelSent: false,
      isLeft: false,
      cancelReason: undefined,
      expired: false,
      leftTags: [],
    }
    this.#branches.set(id, branch)
    this.#count(context, 1)
    return branch
  }

  #count({ sender: { user } }: ResponseContext, change: 1 | -1): void {
    const count = this.ofCaller(user) + change
    if (count > 0) this.#countByCaller.set(user, count)
    else this.#countByCaller.delete(user)
  }

  #open(branch: Branch, flow: Flow, now: Monotonic): void {
    const { context, target } = branch
    const { loopMark, asserted, isHidden, request: asked } = context.asked!
    branch.state = 'open'
    const unique = `z9hG4bK${this.#parts.random.hex(8)}.${loopMark}`
    const request = forward(asked, {
      uri: target.uri,
      via: viaFor(flow, unique),
      recordRoutes: this.#parts.recordRoutes.both(context.asked!, target, flow),
      path: target.path,
      maxBreadth: breadthEach(context),
      // RFC 3325 §9.3.
      asserted: isHidden && !this.#isOfHouse(target) ? undefined : asserted,
      diversion: divertedFrom(context.call, target.user, this.#parts),
      referredBy: referredByFor(asked, target.device, this.#parts.accounts),
    })
    const sent = isHidden ? this.#parts.veil.cover(request) : request
    branch.client = this.#parts.clients.open(flow, sent, unique, branch, now)
    if (branch.others.length > 0) {
      this.#parts.timers.set('S', branch.id, after(now, branchLimits.silentMilliseconds))
    }
    // §16.6 step 11.
    if (context.server.invite) this.#setTimerC(branch, now)
  }

  /** Of RFC 3325's trust domain: a hosted agent, unless it is a guest's. */
  #isOfHouse({ transport, device }: Target): boolean {
    const { accounts } = this.#parts
    return transport === 'hosted' && !accounts.isGuest(accounts.userOfDevice(device) ?? '')
  }

  #setTimerC(branch: Branch, now: Monotonic): void {
    this.#parts.timers.set('C', branch.id, after(now, this.#parts.timerCMilliseconds))
  }
}

// RFC 5393 §5.3.3.2: what one request may fork into is shared out among its branches.
function breadthEach({ branches, asked }: ResponseContext): number | undefined {
  const { maxBreadth } = asked!
  if (maxBreadth === undefined && branches.length === 1) return undefined
  return Math.max(1, Math.floor((maxBreadth ?? branchLimits.maxBreadth) / branches.length))
}
