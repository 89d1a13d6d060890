/**
 * The relay's control: TURN requests (RFC 8656 §6–§12) from those whom a grant or a registration names, and grants as
 * the main thread opens and closes them. Data does not come here: see `route.ts`.
 *
 * A request's path: known source? → retransmission? the answer given before → integrity (`#authenticate`) → method →
 * allocation and peer policy → answer. Nothing is kept for anybody before their integrity was right.
 */
import { after, type Epoch, type Monotonic, seconds } from '../core/clock.ts'
import { type Endpoint, familyOf, sourceOf } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { TimerTable } from '../core/timers.ts'
import { answerBinding, decode, encode } from '../stun/codec.ts'
import { isIntact, signingWith } from '../stun/integrity.ts'
import {
  type IntegrityKind,
  passwordAlgorithm,
  type StunMessage,
  stunAttribute,
  stunType,
} from '../stun/message.ts'
import { allocationLimits, bindChannel, permit, withdraw } from './allocation.ts'
import { Answers } from './answers.ts'
import { Grants, ledgerOf } from './grants.ts'
import type { ClientFlow, Grant, OpenedRelay, TurnEffect, TurnInput } from './message.ts'
import { Nonces } from './nonce.ts'
import { Router } from './route.ts'
import type { Allocation, Holder, OpenGrant } from './state.ts'

export const turnLimits = {
  /** Binding requests a source may ask, a second. */
  bindings: { perSecond: 10, burst: 40, maxKeys: 1_000 },
  /** Requests of a source before one of them was authenticated. */
  unauthenticated: { perSecond: 20, burst: 100, maxKeys: 1_000 },
  allocations: 2_000,
  reservationSeconds: 30,
  reservations: 64,
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

/** Who asked, proven, and how answers to them are signed. */
interface Asker {
  readonly holder: Holder
  readonly key: Uint8Array
  readonly kind: IntegrityKind
}

interface Request {
  readonly flow: ClientFlow
  readonly message: StunMessage
  readonly asker: Asker
}

/** An Allocate whose relay is being opened. */
interface Opening extends Request {
  readonly reserve: boolean
  readonly lifetimeSeconds: number
}

interface Reservation {
  readonly holder: Holder
  readonly relay: OpenedRelay
}

export class TurnMachine implements Machine<TurnInput, TurnEffect> {
  readonly #options: TurnOptions
  readonly #grants: Grants
  readonly #nonces: Nonces
  readonly #answers = new Answers()
  readonly #allocations = new Map<string, Allocation>()
  readonly #byRelay = new Map<number, Allocation>()
  readonly #openings = new Map<number, Opening>()
  readonly #reservations = new Map<string, Reservation>()
  /** `a <flow>` an allocation's end, `r <token>` a reservation's, `g <call>` a grant's, `ledgers`. */
  readonly #timers = new TimerTable<string>()
  readonly #bindings = new Limiter(turnLimits.bindings)
  readonly #unauthenticated = new Limiter(turnLimits.unauthenticated)
  #ticket = 0
  #out: TurnEffect[] = []
  /** The hot path: data from clients and peers. */
  readonly router: Router

  constructor(options: TurnOptions) {
    this.#options = options
    this.#grants = new Grants(options.realm)
    this.#nonces = new Nonces(options.nonceKey)
    this.router = new Router({
      grants: this.#grants,
      allocations: this.#allocations,
      byRelay: this.#byRelay,
      bytesPerSecond: options.bytesPerSecond,
    })
  }

  get sizes(): Readonly<
    Record<'grants' | 'allocations' | 'openings' | 'reservations' | 'timers' | 'answers', number>
  > {
    return {
      grants: this.#grants.size,
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
        const allocation = this.#byRelay.get(input.relay)
        if (allocation) this.#end(allocation, false)
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
    return this.#timers.next()
  }

  wake(now: Monotonic): TurnEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const rest = name.slice(2)
      if (name === 'ledgers') this.#tellLedgers(now)
      else if (name.startsWith('a ')) this.#end(this.#allocations.get(rest)!, true)
      else if (name.startsWith('g ')) this.#closeGrant(rest)
      else this.#endReservation(rest)
    }
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
    for (const allocation of this.#allocations.values()) {
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
    const before = this.#answers.find(flow.key, message.transaction, now)
    if (before !== undefined) return this.#send(flow, before)
    const asker = this.#authenticate(flow, message, bytes, now)
    if (asker === undefined) return
    this.#out.push({ kind: 'prove', flow })
    const request: Request = { flow, message, asker }
    if (message.unknown !== undefined) return this.#refuse(request, 420, now, { unknown: message.unknown })
    this[methods[message.type as keyof typeof methods]](request, now)
  }

  /** RFC 8489 §9.2.4, in its order. Undefined: it was answered, or dropped. */
  #authenticate(
    flow: ClientFlow,
    message: StunMessage,
    bytes: Uint8Array,
    now: Monotonic,
  ): Asker | undefined {
    const source = sourceOf(flow.remote.address)
    const { integrity, username, realm, nonce, algorithm, algorithms } = message
    const refuse = (code: number): undefined => {
      // An address may be forged: what is sent there for nothing is bounded.
      if (!this.#unauthenticated.allow(source, now)) return this.#note('unauthenticatedLimit')
      this.#challenge(flow, message, code, now)
      return undefined
    }
    if (integrity === undefined) return refuse(401)
    if (username === undefined || realm === undefined || nonce === undefined) return refuse(400)
    const both = algorithm !== undefined && algorithms !== undefined
    const neither = algorithm === undefined && algorithms === undefined
    const chosen = algorithm ?? passwordAlgorithm.md5
    if (!neither && !(both && algorithms.join() === offered.join() && offered.includes(chosen)))
      return refuse(400)
    const holder = this.#grants.holder(username)
    const key = chosen === passwordAlgorithm.md5 ? holder?.md5 : holder?.sha256
    if (holder === undefined || key === undefined || realm !== this.#options.realm) return refuse(401)
    // Who guesses a person's password gets so many tries; who forges a party's address must not lock that party out.
    const guess = holder.guessable && this.#allocations.get(flow.key)?.holder !== holder
    if (guess && this.#unauthenticated.waitMilliseconds(source, now) > 0)
      return this.#note('unauthenticatedLimit')
    if (!isIntact(bytes, integrity, key)) return refuse(401)
    if (this.#nonces.check(nonce, flow, now) !== 'ok') {
      this.#challenge(flow, message, 438, now)
      return undefined
    }
    return { holder, key, kind: integrity.kind }
  }

  #challenge(flow: ClientFlow, { type, transaction }: StunMessage, code: number, now: Monotonic): void {
    this.#note(`refused${code}`)
    const answer: StunMessage = {
      type: (type | errorBits) as StunMessage['type'],
      transaction,
      error: { code, reason: phrases[code]! },
      ...(code !== 400 && {
        realm: this.#options.realm,
        nonce: this.#nonces.make(flow, now),
        algorithms: offered,
      }),
    }
    this.#send(flow, encode(answer))
  }

  // --------------------------------------------------------------------------------------------------- methods

  /** RFC 8656 §7.2. */
  allocate(request: Request, now: Monotonic): void {
    const { flow, message, asker } = request
    const { transport, family, additionalFamily, evenPort, reservation } = message
    const { holder } = asker
    if (this.#allocations.has(flow.key)) return this.#refuse(request, 437, now)
    if (isOpening(this.#openings, flow)) return
    if (transport === undefined) return this.#refuse(request, 400, now)
    if (transport !== udp) return this.#refuse(request, 442, now)
    // RFC 8656 §7.2: sockets here cannot set the bit, so the attribute is as good as unknown.
    if (message.dontFragment)
      return this.#refuse(request, 420, now, { unknown: [stunAttribute.dontFragment] })
    if (
      reservation !== undefined &&
      (evenPort !== undefined || family !== undefined || additionalFamily !== undefined)
    ) {
      return this.#refuse(request, 400, now)
    }
    if (
      additionalFamily !== undefined &&
      (family !== undefined || evenPort?.reserveNext === true || additionalFamily !== 2)
    ) {
      return this.#refuse(request, 400, now)
    }
    if (family !== undefined && family !== 1 && family !== 2) return this.#refuse(request, 440, now)
    const wanted = evenPort?.reserveNext === true ? 2 : reservation === undefined ? 1 : 0
    if (!this.#hasRoom(holder, wanted, flow.remote.address)) return this.#refuse(request, 486, now)
    if (this.#allocations.size + this.#openings.size >= turnLimits.allocations)
      return this.#refuse(request, 508, now)
    if (!this.#grants.pin(holder, flow.remote.address)) return this.#refuse(request, 486, now)
    const lifetimeSeconds = boundedLifetime(message.lifetimeSeconds)
    if (reservation !== undefined) {
      const token = hex(reservation)
      const reserved = this.#reservations.get(token)
      if (reserved?.holder !== holder) return this.#refuse(request, 508, now)
      this.#reservations.delete(token)
      this.#timers.clear(`r ${token}`)
      return this.#enter({ ...request, reserve: false, lifetimeSeconds }, reserved.relay, undefined, now)
    }
    const address = this.#relayAddress(holder, flow, family === 2 ? 6 : 4)
    if (address === undefined) return this.#refuse(request, 440, now)
    const reserve = evenPort?.reserveNext === true && this.#reservations.size < turnLimits.reservations
    if (evenPort?.reserveNext === true && !reserve) return this.#refuse(request, 508, now)
    const ticket = ++this.#ticket
    this.#openings.set(ticket, { ...request, reserve, lifetimeSeconds })
    const port = reserve ? 'pair' : evenPort ? 'even' : 'any'
    this.#out.push({ kind: 'openRelay', ticket, address, port })
  }

  /**
   * A client that moved cannot end what it left behind, so that gives way, oldest first, to what it asks for from where
   * it is now.
   */
  #hasRoom(holder: Holder, wanted: number, address: string): boolean {
    const left = this.#grants.isNow(holder, address)
      ? [...holder.allocations].filter(each => each.flow.remote.address !== address)
      : []
    const over = this.#held(holder) + wanted - holder.quota
    if (over > left.length) return false
    for (const each of left.slice(0, Math.max(0, over))) this.#cut(each)
    return true
  }

  /** Relayed addresses it has, is about to have and may still claim. */
  #held(holder: Holder): number {
    let held = holder.allocations.size
    for (const { asker, reserve } of this.#openings.values()) {
      if (asker.holder === holder) held += reserve ? 2 : 1
    }
    for (const reserved of this.#reservations.values()) if (reserved.holder === holder) held++
    return held
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
      const refusal = this.#peerRefusal(allocation, address)
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
    const refusal = this.#peerRefusal(allocation, peer)
    if (refusal !== undefined) return this.#refuse(request, refusal, now)
    const bound = bindChannel(allocation, channel, peer, now)
    if (bound === 'otherBinding') return this.#refuse(request, 400, now)
    if (bound === 'full' || !permit(allocation, peer.address, now)) return this.#refuse(request, 508, now)
    this.#succeed(request, {}, now)
  }

  /** RFC 8656 §5: requests about an allocation come on its 5-tuple and from who made it. */
  #allocationOf(request: Request, now: Monotonic): Allocation | undefined {
    const allocation = this.#allocations.get(request.flow.key)
    if (allocation === undefined) this.#refuse(request, 437, now)
    else if (allocation.holder !== request.asker.holder) this.#refuse(request, 441, now)
    else return allocation
    return undefined
  }

  /** The code a peer is refused with. 403 is the one on which browsers give up this pair and nothing else. */
  #peerRefusal(allocation: Allocation, peer: Endpoint | string): 403 | 443 | undefined {
    const address = typeof peer === 'string' ? peer : peer.address
    const { holder, relayed } = allocation
    const reachable = this.#grants.mayReach(holder, peer)
    if (reachable && familyOf(address) === familyOf(relayed.address)) return undefined
    holder.party?.ledger.refused(typeof peer === 'string' ? peer : `${peer.address} ${peer.port}`)
    return reachable ? 443 : 403
  }

  /** A party is relayed for where the other one can reach it; a phone without a call where it reached us. */
  #relayAddress({ party }: Holder, { local }: ClientFlow, family: 4 | 6): string | undefined {
    const candidates = party === undefined ? [local.address] : party.relayOn
    return candidates.find(address => familyOf(address) === family)
  }

  // ----------------------------------------------------------------------------------------------- allocations

  #relayOpened(ticket: number, relays: readonly OpenedRelay[], now: Monotonic): void {
    const opening = this.#openings.get(ticket)
    this.#openings.delete(ticket)
    const [relay, next] = relays
    const holder = opening?.asker.holder
    // The grant or the flow may have gone meanwhile.
    const wanted = holder !== undefined && this.#grants.holder(holder.username) === holder
    if (opening === undefined || relay === undefined || !wanted) {
      for (const each of relays) this.#out.push({ kind: 'closeRelay', relay: each.relay })
      return
    }
    let token: Uint8Array | undefined
    if (next !== undefined) {
      token = this.#options.random.bytes(8)
      this.#reservations.set(hex(token), { holder: opening.asker.holder, relay: next })
      this.#timers.set(`r ${hex(token)}`, after(now, seconds(turnLimits.reservationSeconds)))
    }
    this.#enter(opening, relay, token, now)
  }

  #enter(
    opening: Opening,
    { relay, address }: OpenedRelay,
    token: Uint8Array | undefined,
    now: Monotonic,
  ): void {
    const { flow, asker, message, lifetimeSeconds } = opening
    const { holder } = asker
    const allocation: Allocation = {
      ...{ flow, holder, relay, relayed: address },
      permissions: new Map(),
      channels: new Map(),
      channelsByPeer: new Map(),
    }
    this.#allocations.set(flow.key, allocation)
    this.#byRelay.set(relay, allocation)
    this.router.entered(allocation)
    holder.allocations.add(allocation)
    this.#timers.set(`a ${flow.key}`, after(now, seconds(lifetimeSeconds)))
    const ledger = holder.party?.ledger
    if (ledger) {
      ledger.allocations++
      ledger.openAllocations++
      ledger.changed = true
    }
    this.#succeed(
      opening,
      {
        relayed: address,
        mapped: flow.remote,
        lifetimeSeconds,
        ...(token && { reservation: token }),
        // RFC 8656 §7.2: an additional family that is not served is said so, and the rest goes on.
        ...(message.additionalFamily && {
          addressError: { family: message.additionalFamily, code: 440, reason: phrases[440]! },
        }),
      },
      now,
    )
  }

  #relayFailed(ticket: number, now: Monotonic): void {
    const opening = this.#openings.get(ticket)
    this.#openings.delete(ticket)
    if (opening) this.#refuse(opening, 508, now)
  }

  #end(allocation: Allocation, expired: boolean): void {
    const { flow, holder, relay } = allocation
    this.#allocations.delete(flow.key)
    this.#byRelay.delete(relay)
    this.router.left(allocation)
    holder.allocations.delete(allocation)
    this.#timers.clear(`a ${flow.key}`)
    const ledger = holder.party?.ledger
    if (ledger) {
      ledger.openAllocations--
      ledger.changed = true
    }
    if (expired) this.#note('allocationExpired')
    this.#out.push({ kind: 'closeRelay', relay })
  }

  /** Everything of a holder whose right is gone: a party's with its grant, a phone's when it is no longer registered. */
  #endAll(holder: Holder): void {
    for (const allocation of [...holder.allocations]) this.#cut(allocation)
    for (const [ticket, opening] of this.#openings) {
      if (opening.asker.holder === holder) this.#openings.delete(ticket)
    }
    for (const [token, reserved] of [...this.#reservations]) {
      if (reserved.holder === holder) this.#endReservation(token)
    }
  }

  /** Whether its client likes it or not. */
  #cut(allocation: Allocation): void {
    const { flow } = allocation
    this.#end(allocation, false)
    if (flow.transport !== 'udp') this.#out.push({ kind: 'closeFlow', flow })
  }

  #endReservation(token: string): void {
    const reserved = this.#reservations.get(token)
    this.#reservations.delete(token)
    this.#timers.clear(`r ${token}`)
    if (reserved) this.#out.push({ kind: 'closeRelay', relay: reserved.relay.relay })
  }

  #flowClosed(flow: ClientFlow): void {
    const allocation = this.#allocations.get(flow.key)
    if (allocation) this.#end(allocation, false)
    for (const [ticket, opening] of this.#openings) {
      if (opening.flow.key === flow.key) this.#openings.delete(ticket)
    }
  }

  // --------------------------------------------------------------------------------------------------- answers

  #succeed(request: Request, fields: Partial<StunMessage>, now: Monotonic): void {
    const { type, transaction } = request.message
    this.#answer(request, { ...fields, type: (type | successBits) as StunMessage['type'], transaction }, now)
  }

  #refuse(request: Request, code: number, now: Monotonic, fields: Partial<StunMessage> = {}): void {
    const { type, transaction } = request.message
    this.#note(`refused${code}`)
    const error = { code, reason: phrases[code]! }
    this.#answer(
      request,
      { ...fields, type: (type | errorBits) as StunMessage['type'], transaction, error },
      now,
    )
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
/** An IP protocol number (RFC 8656 §14.7). */
const udp = 17
/** RFC 8489 §5: the class bits of a success and of an error. */
const successBits = 0x0100
const errorBits = 0x0110
/** Offered in this order (RFC 8489 §9.2): the stronger one first. */
const offered: readonly number[] = [passwordAlgorithm.sha256, passwordAlgorithm.md5]

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  486: 'Allocation Quota Reached',
  508: 'Insufficient Capacity',
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const familyNumber = ({ address }: Endpoint): number => (familyOf(address) === 4 ? 1 : 2)

function boundedLifetime(wanted: number | undefined): number {
  const { defaultLifetimeSeconds, maxLifetimeSeconds } = allocationLimits
  return Math.min(Math.max(wanted ?? 0, defaultLifetimeSeconds), maxLifetimeSeconds)
}

function isOpening(openings: ReadonlyMap<number, Opening>, flow: ClientFlow): boolean {
  for (const opening of openings.values()) if (opening.flow.key === flow.key) return true
  return false
}
