/**
 * The relay's control: TURN requests (RFC 8656 §6–§12) from those whom a grant or a registration names, and grants as
 * the main thread opens and closes them. Data does not come here: see `route.ts`.
 *
 * A request's path: known source? → retransmission? the answer given before → `authentication.ts` → method → allocation
 * and peer policy → answer. Nothing is kept for anybody before their integrity was right.
 */
import { after, type Epoch, earliest, type Monotonic, seconds } from '../core/clock.ts'
import { sourceOf } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { TimerTable } from '../core/timers.ts'
import { answerBinding, decode, encode } from '../stun/codec.ts'
import { signingWith } from '../stun/integrity.ts'
import { type StunMessage, stunType } from '../stun/message.ts'
import {
  Allocations,
  allocationLimits,
  boundedLifetime,
  familyNumber,
  refusalOf,
  relayAddressFor,
} from './allocations.ts'
import { Answers } from './answers.ts'
import { Authentication, type Request } from './authentication.ts'
import { Grants, ledgerOf } from './grants.ts'
import type { ClientFlow, Grant, OpenedRelay, TurnEffect, TurnInput } from './message.ts'
import { type Opening, Openings } from './openings.ts'
import { bindChannel, permit, withdraw } from './permissions.ts'
import { Reservations, reservationLimits } from './reservations.ts'
import { errorOf, errorTo, successTo } from './responses.ts'
import { Router } from './route.ts'
import type { Allocation, Holder, OpenGrant } from './state.ts'

export const turnLimits = {
  /** Binding requests a source may ask, a second. */
  bindings: { perSecond: 10, burst: 40, maxKeys: 1_000 },
  ledgerMilliseconds: seconds(1),
} as const

export interface TurnOptions {
  readonly realm: string
  readonly random: Random
  /** Signs nonces; new with every start. */
  readonly nonceKey: Uint8Array
  /** Of a call, both parties together; 0: no bound. */
  readonly bytesPerSecond: number
  /** Wall time at a moment of the process. */
  readonly epoch: (moment: Monotonic) => Epoch
}

export class TurnMachine implements Machine<TurnInput, TurnEffect> {
  readonly #options: TurnOptions
  readonly #grants: Grants
  readonly #authentication: Authentication
  readonly #answers = new Answers()
  readonly #allocations = new Allocations()
  readonly #openings = new Openings()
  readonly #reservations = new Reservations()
  /** `a <flow>` an allocation's end, `g <call>` a grant's, `ledgers`. */
  readonly #timers = new TimerTable<string>()
  readonly #bindings = new Limiter(turnLimits.bindings)
  #out: TurnEffect[] = []
  /** The hot path: data from clients and peers. */
  readonly router: Router

  constructor(options: TurnOptions) {
    this.#options = options
    this.#grants = new Grants(options.realm)
    this.#authentication = new Authentication(options.realm, options.nonceKey, this.#grants)
    this.router = new Router({
      ...{ grants: this.#grants, allocations: this.#allocations, bytesPerSecond: options.bytesPerSecond },
    })
  }

  get sizes(): Readonly<
    Record<'grants' | 'holders' | 'allocations' | 'openings' | 'reservations' | 'timers' | 'answers', number>
  > {
    return {
      grants: this.#grants.size,
      holders: this.#grants.holders,
      allocations: this.#allocations.size,
      openings: this.#openings.size,
      reservations: this.#reservations.size,
      timers: this.#timers.size,
      answers: this.#answers.size,
    }
  }

  handle(input: TurnInput, now: Monotonic): TurnEffect[] {
    switch (input.kind) {
      case 'received':
        this.#received(input.flow, input.bytes, now)
        break
      case 'flowClosed':
        this.#flowClosed(input.flow)
        break
      case 'relayOpened':
        this.#relayOpened(input.ticket, input.relays, now)
        break
      case 'relayFailed':
        this.#relayFailed(input.ticket, now)
        break
      case 'relayLost': {
        const allocation = this.#allocations.ofRelay(input.relay)
        if (allocation) this.#end(allocation, false)
        this.#closeRelays(this.#reservations.lost(input.relay))
        break
      }
      case 'openGrant':
        this.#openGrant(input.grant, now)
        break
      case 'closeGrant':
        this.#closeGrant(input.call)
        break
      case 'known':
        for (const holder of this.#grants.known(input.known)) this.#endAll(holder)
        this.#withdrawAll()
        break
      case 'addresses':
        this.#grants.ownAddresses(input.addresses)
        this.#withdrawAll()
        break
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return earliest(this.#timers.next(), this.#reservations.next())
  }

  wake(now: Monotonic): TurnEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const rest = name.slice(2)
      if (name === 'ledgers') this.#tellLedgers(now)
      else if (name.startsWith('a ')) this.#end(this.#allocations.ofFlow(rest)!, true)
      else this.#closeGrant(rest)
    }
    this.#closeRelays(this.#reservations.over(now))
    return this.#taken()
  }

  // ---------------------------------------------------------------------------------------------------- grants

  #openGrant(grant: Grant, now: Monotonic): void {
    const { call, lifetimeMilliseconds } = grant
    if (!this.#grants.open(grant, now)) {
      this.#out.push({ kind: 'word', word: { kind: 'notGranted', call } })
      return
    }
    this.#withdrawAll()
    if (lifetimeMilliseconds === undefined) this.#timers.clear(`g ${call}`)
    else this.#timers.set(`g ${call}`, after(now, lifetimeMilliseconds))
    if (!this.#timers.has('ledgers')) this.#timers.set('ledgers', after(now, turnLimits.ledgerMilliseconds))
    this.#out.push({ kind: 'word', word: { kind: 'granted', call } })
  }

  #closeGrant(call: string): void {
    const grant = this.#grants.find(call)
    if (grant !== undefined) {
      this.#timers.clear(`g ${call}`)
      for (const holder of this.#grants.close(call)) this.#endAll(holder)
      this.#withdrawAll()
      this.#tell([grant])
    }
    this.#out.push({ kind: 'word', word: { kind: 'closed', call } })
  }

  /** After whatever changed who may reach whom. */
  #withdrawAll(): void {
    for (const allocation of this.#allocations.all()) {
      withdraw(allocation, peer => this.#grants.mayReach(allocation.holder, peer))
    }
  }

  #tellLedgers(now: Monotonic): void {
    const changed = [...this.#grants.all()].filter(
      ({ parties }) => parties.caller.ledger.changed || parties.callee.ledger.changed,
    )
    this.#tell(changed)
    if (this.#grants.size > 0) this.#timers.set('ledgers', after(now, turnLimits.ledgerMilliseconds))
  }

  #tell(grants: readonly OpenGrant[]): void {
    if (grants.length === 0) return
    const ledgers = grants.map(grant => {
      grant.parties.caller.ledger.changed = false
      grant.parties.callee.ledger.changed = false
      return { call: grant.call, ledger: ledgerOf(grant, this.#options.epoch) }
    })
    this.#out.push({ kind: 'word', word: { kind: 'ledgers', ledgers } })
  }

  // -------------------------------------------------------------------------------------------------- requests

  #received(flow: ClientFlow, bytes: Uint8Array, now: Monotonic): void {
    const source = flow.remote.address
    if (bytes[0] === 0 && bytes[1] === stunType.bindingRequest) {
      if (!this.#bindings.allow(sourceOf(source), now)) return this.#note('bindingLimit')
      const answer = answerBinding(bytes, flow.remote)
      if (answer) this.#send(flow, answer)
      return
    }
    // Whom nobody named gets no answer: not even that there is a relay.
    if (!this.#grants.isKnown(source)) return this.#note('unknownSource')
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') return this.#note(decoded.kind === 'drop' ? decoded.reason : 'rejected')
    const { message } = decoded
    if (!(message.type in methods)) return this.#note('notARequest')
    const answered = this.#answers.find(flow.key, message.transaction, now)
    if (answered !== undefined) return this.#send(flow, answered)
    const before = this.#allocations.ofFlow(flow.key)?.holder
    const proof = this.#authentication.check(flow, message, bytes, before, now)
    if (proof.kind === 'limited') return this.#note('unauthenticatedLimit')
    if (proof.kind === 'refused') {
      this.#note(`refused${proof.code}`)
      return this.#send(flow, encode(proof.answer))
    }
    this.#out.push({ kind: 'prove', flow })
    const request: Request = { flow, message, asker: proof.asker }
    if (message.unknown !== undefined) return this.#refuse(request, 420, now, { unknown: message.unknown })
    this[methods[message.type as keyof typeof methods]](request, now)
  }

  // --------------------------------------------------------------------------------------------------- methods

  /** RFC 8656 §7.2. */
  allocate(request: Request, now: Monotonic): void {
    const { flow, message, asker } = request
    const { family, additionalFamily, evenPort, reservation } = message
    const { holder } = asker
    if (this.#allocations.ofFlow(flow.key) !== undefined) return this.#refuse(request, 437, now)
    if (this.#openings.has(flow)) return
    const refusal = refusalOf(message)
    if (refusal) return this.#refuse(request, refusal.code, now, { unknown: refusal.unknown })
    const wanted = evenPort?.reserveNext === true ? 2 : reservation === undefined ? 1 : 0
    if (!this.#hasRoom(holder, wanted, flow.remote.address, now)) return this.#refuse(request, 486, now)
    if (this.#allocations.size + this.#openings.size >= allocationLimits.allocations)
      return this.#refuse(request, 508, now)
    if (!this.#grants.pin(holder, flow.remote.address)) return this.#refuse(request, 486, now)
    const lifetimeSeconds = boundedLifetime(message.lifetimeSeconds)
    if (reservation !== undefined) {
      const reserved = this.#reservations.claim(reservation, holder)
      if (reserved === undefined) return this.#refuse(request, 508, now)
      return this.#enter({ ...request, reserve: false, lifetimeSeconds }, reserved, undefined, now)
    }
    // What asks for a second family takes the first for IPv4.
    const asked = family === 2 ? 6 : family === 1 || additionalFamily !== undefined ? 4 : undefined
    const address = relayAddressFor(holder, flow, asked)
    if (address === undefined) return this.#refuse(request, 440, now)
    const reserve = evenPort?.reserveNext === true
    const reserved = this.#reservations.size + this.#openings.reserving
    if (reserve && reserved >= reservationLimits.reservations) return this.#refuse(request, 508, now)
    const ticket = this.#openings.add({ ...request, reserve, lifetimeSeconds })
    const port = reserve ? 'pair' : evenPort ? 'even' : 'any'
    this.#out.push({ kind: 'openRelay', ticket, address, port })
  }

  /**
   * A client that moved cannot end what it left behind, nor can one whose relay did, nor one whose network was away just
   * then. So that gives way to what it asks for now, what was not heard of for longest first.
   */
  #hasRoom(holder: Holder, wanted: number, address: string, now: Monotonic): boolean {
    const isNow = this.#grants.isNow(holder, address)
    const left = [...holder.allocations]
      .filter(
        ({ flow, relayed, heardAt }) =>
          (isNow && flow.remote.address !== address) ||
          !this.#grants.isOwn(flow.local.address) ||
          !this.#grants.isOwn(relayed.address) ||
          now - heardAt >= allocationLimits.idleMilliseconds,
      )
      .sort((one, other) => one.heardAt - other.heardAt)
    const held =
      holder.allocations.size + this.#openings.ofHolder(holder) + this.#reservations.ofHolder(holder)
    const over = held + wanted - holder.quota
    if (over > left.length) return false
    for (const each of left.slice(0, Math.max(0, over))) this.#cut(each)
    return true
  }

  /** RFC 8656 §8.2. */
  refresh(request: Request, now: Monotonic): void {
    const { message } = request
    const allocation = this.#allocationOf(request, now)
    if (allocation === undefined) return
    if (message.family !== undefined && message.family !== familyNumber(allocation.relayed)) {
      return this.#refuse(request, 443, now)
    }
    const lifetimeSeconds = message.lifetimeSeconds === 0 ? 0 : boundedLifetime(message.lifetimeSeconds)
    if (lifetimeSeconds === 0) this.#end(allocation, false)
    else this.#timers.set(`a ${allocation.flow.key}`, after(now, seconds(lifetimeSeconds)))
    this.#succeed(request, { lifetimeSeconds }, now)
  }

  /** RFC 8656 §10.2. */
  createPermission(request: Request, now: Monotonic): void {
    const allocation = this.#allocationOf(request, now)
    if (allocation === undefined) return
    const { peers = [] } = request.message
    if (peers.length === 0) return this.#refuse(request, 400, now)
    for (const { address } of peers) {
      const refusal = this.#grants.refusalOf(allocation, address)
      if (refusal !== undefined) return this.#refuse(request, refusal, now)
    }
    for (const { address } of peers) {
      if (!permit(allocation, address, now)) return this.#refuse(request, 508, now)
    }
    this.#succeed(request, {}, now)
  }

  /** RFC 8656 §12.2. */
  channelBind(request: Request, now: Monotonic): void {
    const allocation = this.#allocationOf(request, now)
    if (allocation === undefined) return
    const { channel, peers = [] } = request.message
    const peer = peers[0]
    if (channel === undefined || peer === undefined || channel < firstChannel || channel > lastChannel) {
      return this.#refuse(request, 400, now)
    }
    const refusal = this.#grants.refusalOf(allocation, peer)
    if (refusal !== undefined) return this.#refuse(request, refusal, now)
    const bound = bindChannel(allocation, channel, peer, now)
    if (bound === 'otherBinding') return this.#refuse(request, 400, now)
    if (bound === 'full' || !permit(allocation, peer.address, now)) return this.#refuse(request, 508, now)
    this.#succeed(request, {}, now)
  }

  /** RFC 8656 §5: requests about an allocation come on its 5-tuple and from who made it. */
  #allocationOf(request: Request, now: Monotonic): Allocation | undefined {
    const allocation = this.#allocations.ofFlow(request.flow.key)
    if (allocation === undefined) this.#refuse(request, 437, now)
    else if (allocation.holder !== request.asker.holder) this.#refuse(request, 441, now)
    else {
      allocation.heardAt = now
      return allocation
    }
    return undefined
  }

  // ----------------------------------------------------------------------------------------------- allocations

  #relayOpened(ticket: number, relays: readonly OpenedRelay[], now: Monotonic): void {
    const opening = this.#openings.take(ticket)
    const [relay, next] = relays
    const holder = opening?.asker.holder
    // The grant or the flow may have gone meanwhile.
    const wanted = holder !== undefined && this.#grants.holder(holder.username) === holder
    if (opening === undefined || relay === undefined || !wanted) {
      return this.#closeRelays(relays)
    }
    let token: Uint8Array | undefined
    if (next !== undefined) {
      token = this.#options.random.bytes(8)
      this.#reservations.keep(token, opening.asker.holder, next, now)
    }
    this.#enter(opening, relay, token, now)
  }

  #enter(opening: Opening, opened: OpenedRelay, token: Uint8Array | undefined, now: Monotonic): void {
    const { flow, asker, message, lifetimeSeconds } = opening
    this.#allocations.enter(flow, asker.holder, opened, now)
    this.#timers.set(`a ${flow.key}`, after(now, seconds(lifetimeSeconds)))
    this.#succeed(
      opening,
      {
        relayed: opened.address,
        mapped: flow.remote,
        lifetimeSeconds,
        ...(token && { reservation: token }),
        // RFC 8656 §7.2: an additional family that is not served is said so, and the rest goes on.
        ...(message.additionalFamily && {
          addressError: { family: message.additionalFamily, ...errorOf(440) },
        }),
      },
      now,
    )
  }

  #relayFailed(ticket: number, now: Monotonic): void {
    const opening = this.#openings.take(ticket)
    if (opening) this.#refuse(opening, 508, now)
  }

  #end(allocation: Allocation, expired: boolean): void {
    this.#allocations.leave(allocation)
    this.#timers.clear(`a ${allocation.flow.key}`)
    if (expired) this.#note('allocationExpired')
    this.#closeRelays([allocation])
  }

  /** Everything of a holder whose right is gone: a party's with its grant, a phone's when it is no longer registered. */
  #endAll(holder: Holder): void {
    for (const allocation of [...holder.allocations]) this.#cut(allocation)
    this.#openings.forgetHolder(holder)
    this.#closeRelays(this.#reservations.gone(holder))
  }

  /** Whether its client likes it or not. */
  #cut(allocation: Allocation): void {
    const { flow } = allocation
    this.#end(allocation, false)
    if (flow.transport !== 'udp') this.#out.push({ kind: 'closeFlow', flow })
  }

  #closeRelays(relays: readonly { readonly relay: number }[]): void {
    for (const { relay } of relays) this.#out.push({ kind: 'closeRelay', relay })
  }

  #flowClosed(flow: ClientFlow): void {
    const allocation = this.#allocations.ofFlow(flow.key)
    if (allocation) this.#end(allocation, false)
    this.#openings.forgetFlow(flow)
  }

  // --------------------------------------------------------------------------------------------------- answers

  #succeed(request: Request, fields: Partial<StunMessage>, now: Monotonic): void {
    this.#answer(request, successTo(request.message, fields), now)
  }

  #refuse(request: Request, code: number, now: Monotonic, fields: Partial<StunMessage> = {}): void {
    this.#note(`refused${code}`)
    this.#answer(request, errorTo(request.message, code, fields), now)
  }

  /** RFC 8489 §9.2.4: signed as the request was. A retransmission of it gets the same bytes. */
  #answer({ flow, message, asker }: Request, answer: StunMessage, now: Monotonic): void {
    const bytes = encode(answer, { signing: signingWith(asker.kind, asker.key) })
    if (flow.transport === 'udp') this.#answers.keep(flow.key, message.transaction, bytes, now)
    this.#send(flow, bytes)
  }

  #send(flow: ClientFlow, bytes: Uint8Array): void {
    this.#out.push({ kind: 'send', flow, bytes })
  }

  #note(reason: string): undefined {
    this.#out.push({ kind: 'note', reason })
  }

  #taken(): TurnEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

const methods = {
  [stunType.allocateRequest]: 'allocate',
  [stunType.refreshRequest]: 'refresh',
  [stunType.createPermissionRequest]: 'createPermission',
  [stunType.channelBindRequest]: 'channelBind',
} as const

/**
 * RFC 8656 §12 ends at 0x4fff, so that TURN can share a port with DTLS; RFC 5766 §11 went on to here, and clients that
 * know only that one are served too: this port is shared with nothing.
 */
const [firstChannel, lastChannel] = [0x4000, 0x7fff]
