/**
 * Client transactions: INVITE (RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2) and all others (§17.1.2).
 * What happens to one is told to the proxy's branch that owns it; a CANCEL of ours has no owner.
 */
import { after, type Monotonic } from '../core/clock.ts'
import { first, parseCSeq, values } from './codec.ts'
import { type Flow, type HeaderField, isReliable, type SipRequest, type SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import { type SipTimers, T1, T2 } from './transaction-timers.ts'

export interface ClientTransaction<Owner> {
  readonly id: number
  /** Branch parameter, with the method where it is not the request's own (CANCEL has its INVITE's branch). */
  readonly key: string
  readonly flow: Flow
  readonly invite: boolean
  /** Undefined once the final response is there: what is kept for half a minute is to be small. */
  request: SipRequest | undefined
  /** As long as it may have to be sent again; none for a hosted agent. */
  bytes: Uint8Array | undefined
  state: 'calling' | 'proceeding' | 'completed' | 'accepted'
  retransmitMilliseconds: number
  /** The ACK to a non-2xx, sent again for each retransmission of the response. */
  ack: Uint8Array | undefined
  /** Undefined for a CANCEL, and when there is nothing more to tell. */
  owner: Owner | undefined
}

export const clientKey = (branch: string, method: string): string =>
  method === 'CANCEL' ? `${branch}/CANCEL` : branch

/** A stream's peer may have opened another one for its answer (RFC 3261 §18.2.2), a UDP peer may have one to send by. */
const comesFrom = (flow: Flow, from: Flow): boolean => flow.remote.address === from.remote.address

/** What the owner of a transaction is told. */
export interface ClientTransactionUser<Owner> {
  responded(owner: Owner, response: SipResponse, now: Monotonic): void
  timedOut(owner: Owner, now: Monotonic): void
}

export class ClientTransactions<Owner> {
  readonly #timers: SipTimers
  readonly #outbox: Outbox
  readonly #live = new Map<string, ClientTransaction<Owner>>()
  readonly #byId = new Map<number, ClientTransaction<Owner>>()
  #bytes = 0
  /** Over connections only: who has to be told when one closes. */
  readonly #byFlow = new Map<string, Set<ClientTransaction<Owner>>>()

  constructor(o: { timers: SipTimers; outbox: Outbox }) {
    this.#timers = o.timers
    this.#outbox = o.outbox
  }

  get size(): number {
    return this.#live.size
  }

  /** Of the requests that may have to be sent again. */
  get bytes(): number {
    return this.#bytes
  }

  /** Sends the request, whose topmost Via carries `branch`. */
  open(
    flow: Flow,
    request: SipRequest,
    branch: string,
    owner: Owner | undefined,
    now: Monotonic,
  ): ClientTransaction<Owner> {
    const invite = request.method === 'INVITE'
    const reliable = isReliable(flow.transport)
    const transaction: ClientTransaction<Owner> = {
      id: this.#timers.newId(),
      key: clientKey(branch, request.method),
      flow,
      invite,
      request,
      bytes: this.#outbox.send(flow, request),
      state: 'calling',
      retransmitMilliseconds: T1,
      ack: undefined,
      owner,
    }
    this.#bytes += transaction.bytes?.length ?? 0
    this.#live.set(transaction.key, transaction)
    this.#byId.set(transaction.id, transaction)
    if (reliable) this.#onFlow(flow.id).add(transaction)
    this.#timers.start(invite ? 'A' : 'E', transaction.id, reliable, now)
    this.#timers.start(invite ? 'B' : 'F', transaction.id, reliable, now)
    return transaction
  }

  /** §9.1: a CANCEL is a request of its own over the same way, with the INVITE's branch. */
  cancel(invite: ClientTransaction<Owner>, reason: HeaderField | undefined, now: Monotonic): void {
    if (invite.request === undefined) return
    const headers = [
      ...hopHeaders(invite.request, first(invite.request, 'To') ?? '', 'CANCEL'),
      ...(reason === undefined ? [] : [reason]),
    ]
    const request: SipRequest = { ...invite.request, method: 'CANCEL', headers, body: new Uint8Array(0) }
    this.open(invite.flow, request, invite.key, undefined, now)
  }

  /**
   * Tells the owner of the transaction that the response belongs to; false when there is none, or when it does not come
   * from the address the request went to: who overheard the branch must not answer.
   */
  receive(
    flow: Flow,
    branch: string,
    method: string,
    response: SipResponse,
    user: ClientTransactionUser<Owner>,
    now: Monotonic,
  ): boolean {
    const transaction = this.#live.get(clientKey(branch, method))
    if (transaction === undefined || !comesFrom(transaction.flow, flow)) return false
    const { owner } = transaction
    const pass = transaction.invite
      ? this.#receiveInvite(transaction, response, now)
      : this.#receiveOther(transaction, response, now)
    if (pass && owner !== undefined) user.responded(owner, response, now)
    return true
  }

  fired(
    letter: 'A' | 'B' | 'D' | 'E' | 'F' | 'K' | 'M',
    id: number,
    user: ClientTransactionUser<Owner>,
    now: Monotonic,
  ): void {
    const transaction = this.#byId.get(id)
    if (transaction === undefined) return
    switch (letter) {
      case 'A':
        return this.#retransmit(transaction, 'A', 2 * transaction.retransmitMilliseconds, now)
      case 'E': {
        // §17.1.2.2: in Proceeding every T2, before that doubling up to T2.
        const next =
          transaction.state === 'proceeding' ? T2 : Math.min(2 * transaction.retransmitMilliseconds, T2)
        return this.#retransmit(transaction, 'E', next, now)
      }
      case 'B':
      case 'F':
        this.#end(transaction)
        if (transaction.owner !== undefined) user.timedOut(transaction.owner, now)
        return
      default:
        return this.#end(transaction)
    }
  }

  /** Everything on a connection that closed: each is to be given to `fail`. */
  flowClosed(flow: Flow): ClientTransaction<Owner>[] {
    const onFlow = [...(this.#byFlow.get(flow.id) ?? [])]
    this.#byFlow.delete(flow.id)
    return onFlow
  }

  /** Its connection closed: what was under way has failed (§17.1.4), and its owner is returned to be told. */
  fail(transaction: ClientTransaction<Owner>): Owner | undefined {
    if (!this.#byId.has(transaction.id)) return undefined
    const { owner, state } = transaction
    this.#end(transaction)
    return state === 'calling' || state === 'proceeding' ? owner : undefined
  }

  /** Ends an INVITE that was cancelled and got no final response in time (§9.1). */
  abandon(transaction: ClientTransaction<Owner>): void {
    this.#end(transaction)
  }

  #receiveInvite(transaction: ClientTransaction<Owner>, response: SipResponse, now: Monotonic): boolean {
    const { state, id } = transaction
    const reliable = isReliable(transaction.flow.transport)
    if (state === 'completed') {
      if (response.status >= 300 && transaction.ack) this.#outbox.resend(transaction.flow, transaction.ack)
      return false
    }
    // RFC 6026 §7.2: in Accepted every 2xx goes to the user, everything else is dropped.
    if (state === 'accepted') return response.status >= 200 && response.status < 300
    this.#timers.clear('AB', id)
    this.#sent(transaction)
    if (response.status < 200) {
      transaction.state = 'proceeding'
    } else if (response.status < 300) {
      transaction.state = 'accepted'
      transaction.request = undefined
      this.#timers.start('M', id, reliable, now)
    } else {
      transaction.state = 'completed'
      transaction.ack = this.#outbox.send(transaction.flow, acknowledgement(transaction.request!, response))
      letGo(transaction)
      if (reliable) this.#end(transaction)
      else this.#timers.start('D', id, false, now)
    }
    return true
  }

  #receiveOther(transaction: ClientTransaction<Owner>, response: SipResponse, now: Monotonic): boolean {
    if (transaction.state === 'completed') return false
    if (response.status < 200) {
      transaction.state = 'proceeding'
      return true
    }
    transaction.state = 'completed'
    this.#sent(transaction)
    letGo(transaction)
    this.#timers.clear('EF', transaction.id)
    if (isReliable(transaction.flow.transport)) this.#end(transaction)
    else this.#timers.start('K', transaction.id, false, now)
    return true
  }

  #retransmit(transaction: ClientTransaction<Owner>, letter: 'A' | 'E', next: number, now: Monotonic): void {
    if (transaction.bytes === undefined) return
    this.#outbox.resend(transaction.flow, transaction.bytes)
    transaction.retransmitMilliseconds = next
    this.#timers.set(letter, transaction.id, after(now, next))
  }

  /** It need not be sent again. */
  #sent(transaction: ClientTransaction<Owner>): void {
    this.#bytes -= transaction.bytes?.length ?? 0
    transaction.bytes = undefined
  }

  #onFlow(id: string): Set<ClientTransaction<Owner>> {
    const found = this.#byFlow.get(id)
    if (found !== undefined) return found
    const made = new Set<ClientTransaction<Owner>>()
    this.#byFlow.set(id, made)
    return made
  }

  #end(transaction: ClientTransaction<Owner>): void {
    this.#timers.clear(transaction.invite ? 'ABDM' : 'EFK', transaction.id)
    this.#sent(transaction)
    this.#live.delete(transaction.key)
    this.#byId.delete(transaction.id)
    const onFlow = this.#byFlow.get(transaction.flow.id)
    if (onFlow === undefined) return
    onFlow.delete(transaction)
    if (onFlow.size === 0) this.#byFlow.delete(transaction.flow.id)
  }
}

/** In Completed nothing is sent again but the ACK, and nobody is told. */
function letGo(transaction: ClientTransaction<unknown>): void {
  transaction.request = undefined
  transaction.owner = undefined
}

// §17.1.1.3: the ACK has the To of the response, and the Via, Route, From, Call-ID and CSeq number of the INVITE.
function acknowledgement(invite: SipRequest, response: SipResponse): SipRequest {
  const headers = hopHeaders(invite, first(response, 'To') ?? '', 'ACK')
  return { ...invite, method: 'ACK', headers, body: new Uint8Array(0) }
}

function hopHeaders(invite: SipRequest, to: string, method: 'ACK' | 'CANCEL'): HeaderField[] {
  const number = parseCSeq(first(invite, 'CSeq') ?? '')?.number ?? 0
  return [
    { name: 'Via', value: values(invite, 'Via')[0] ?? '' },
    ...invite.headers.filter(field => field.name === 'Route'),
    { name: 'Max-Forwards', value: '70' },
    { name: 'From', value: first(invite, 'From') ?? '' },
    { name: 'To', value: to },
    { name: 'Call-ID', value: first(invite, 'Call-ID') ?? '' },
    { name: 'CSeq', value: `${number} ${method}` },
  ]
}
