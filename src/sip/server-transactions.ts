/**
 * Server transactions: INVITE (RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1) and all others (§17.2.2).
 * Each state is a case, each fact a method; timers and values are in `transaction-timers.ts`. A finished non-INVITE
 * transaction keeps only its answer, and gives way when there are too many of them.
 */
import { after, type Monotonic } from '../core/clock.ts'
import type { Incoming } from './incoming.ts'
import { type Flow, isReliable, type SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import { Recent } from './recent.ts'
import { type SipTimers, T1, T2 } from './transaction-timers.ts'

/** `Context` is what the transaction's user keeps with it. */
export interface ServerTransaction<Context> {
  readonly id: number
  readonly key: string
  readonly invite: boolean
  /** Bytes of the request. */
  readonly size: number
  /** Where the request came from, and where answers go. */
  readonly flow: Flow
  readonly replyTo: Flow
  state: 'trying' | 'proceeding' | 'completed' | 'confirmed' | 'accepted'
  /** The latest response, for retransmission. */
  last: Buffer | undefined
  retransmitMilliseconds: number
  /** What the proxy does for it, while it does. */
  context: Context | undefined
}

/** Of the one timer J: nobody else's. */
const answeredTimer = 0

export class ServerTransactions<Context> {
  readonly #timers: SipTimers
  readonly #outbox: Outbox
  readonly #live = new Map<string, ServerTransaction<Context>>()
  readonly #byId = new Map<number, ServerTransaction<Context>>()
  readonly #byFlow = new Map<string, Set<ServerTransaction<Context>>>()
  /**
   * Answers of finished non-INVITE transactions over UDP. A generation of them lasts as long as timer J. As texts of
   * single bytes: a buffer would keep its neighbours in the pool, which is all that is sent.
   */
  readonly #answered: Recent<{ readonly replyTo: Flow; readonly text: string }>
  /** Of the younger generation. */
  #answeredBytes = 0
  readonly #answeredLimit: { readonly count: number; readonly bytes: number }
  #bytes = 0

  constructor(o: {
    timers: SipTimers
    outbox: Outbox
    /** In two generations. */
    answeredLimit: { readonly count: number; readonly bytes: number }
  }) {
    this.#timers = o.timers
    this.#outbox = o.outbox
    this.#answeredLimit = o.answeredLimit
    this.#answered = new Recent(o.answeredLimit.count)
  }

  get size(): number {
    return this.#live.size
  }

  /** Answers kept for retransmissions. */
  get answers(): number {
    return this.#answered.size
  }

  /** Of the requests under way, as they came. */
  get bytes(): number {
    return this.#bytes
  }

  find(key: string): ServerTransaction<Context> | undefined {
    return this.#live.get(key)
  }

  open(incoming: Incoming): ServerTransaction<Context> {
    const transaction: ServerTransaction<Context> = {
      id: this.#timers.newId(),
      key: incoming.key,
      invite: incoming.request.method === 'INVITE',
      size: incoming.size,
      flow: incoming.flow,
      replyTo: incoming.replyTo,
      state: incoming.request.method === 'INVITE' ? 'proceeding' : 'trying',
      last: undefined,
      retransmitMilliseconds: T1,
      context: undefined,
    }
    this.#bytes += transaction.size
    this.#live.set(transaction.key, transaction)
    this.#byId.set(transaction.id, transaction)
    if (isReliable(transaction.flow.transport)) {
      const onFlow = this.#byFlow.get(transaction.flow.id)
      if (onFlow === undefined) this.#byFlow.set(transaction.flow.id, new Set([transaction]))
      else onFlow.add(transaction)
    }
    return transaction
  }

  /** True when the request was a retransmission, which is hereby dealt with. */
  retransmitted(key: string): boolean {
    const answered = this.#answered.get(key)
    if (answered !== undefined) {
      this.#outbox.resend(answered.replyTo, Buffer.from(answered.text, 'latin1'))
      return true
    }
    const transaction = this.#live.get(key)
    if (transaction === undefined) return false
    // In Trying nothing was said yet; in Confirmed and Accepted (RFC 6026 §7.1) a retransmission is absorbed.
    const repeats = transaction.state === 'proceeding' || transaction.state === 'completed'
    if (repeats && transaction.last !== undefined) this.#outbox.resend(transaction.replyTo, transaction.last)
    return true
  }

  /** Sends a response of the transaction's user, and moves on. */
  respond(transaction: ServerTransaction<Context>, response: SipResponse, now: Monotonic): void {
    const { state } = transaction
    const accepted2xx = state === 'accepted' && response.status >= 200 && response.status < 300
    if (state !== 'trying' && state !== 'proceeding' && !accepted2xx) return
    transaction.last = this.#outbox.send(transaction.replyTo, response)
    if (accepted2xx) return
    if (response.status < 200) transaction.state = 'proceeding'
    else if (!transaction.invite) this.#completeOther(transaction, now)
    else if (response.status < 300) this.#accept(transaction, now)
    else this.#completeInvite(transaction, now)
  }

  /** An ACK that matches; true when it is hereby dealt with, false when it belongs to a 2xx and has to go on. */
  acknowledged(transaction: ServerTransaction<Context>, now: Monotonic): boolean {
    if (transaction.state === 'accepted') return false
    if (transaction.state !== 'completed') return true
    transaction.state = 'confirmed'
    this.#timers.clear('GH', transaction.id)
    if (isReliable(transaction.flow.transport)) this.#end(transaction)
    else this.#timers.start('I', transaction.id, false, now)
    return true
  }

  fired(letter: 'G' | 'H' | 'I' | 'J' | 'L', id: number, now: Monotonic): void {
    if (letter === 'J') return this.#ageAnswered(now)
    const transaction = this.#byId.get(id)
    if (transaction === undefined) return
    if (letter !== 'G') return this.#end(transaction)
    if (transaction.state !== 'completed' || transaction.last === undefined) return
    this.#outbox.resend(transaction.replyTo, transaction.last)
    transaction.retransmitMilliseconds = Math.min(2 * transaction.retransmitMilliseconds, T2)
    this.#timers.set('G', id, after(now, transaction.retransmitMilliseconds))
  }

  /** Everything on a connection that closed: each is to be given to `lose`. */
  flowClosed(flow: Flow): ServerTransaction<Context>[] {
    const onFlow = [...(this.#byFlow.get(flow.id) ?? [])]
    this.#byFlow.delete(flow.id)
    return onFlow
  }

  /** Nobody is there to be answered: what is done for one that is unanswered is returned. */
  lose(transaction: ServerTransaction<Context>): Context | undefined {
    const { state, context } = transaction
    this.abandon(transaction)
    return state === 'trying' || state === 'proceeding' ? context : undefined
  }

  /** Ends a transaction whose answer nobody can take any more. */
  abandon(transaction: ServerTransaction<Context>): void {
    this.#timers.clear('GHIL', transaction.id)
    this.#end(transaction)
  }

  #accept(transaction: ServerTransaction<Context>, now: Monotonic): void {
    transaction.state = 'accepted'
    transaction.last = undefined
    this.#timers.start('L', transaction.id, isReliable(transaction.flow.transport), now)
  }

  #completeInvite(transaction: ServerTransaction<Context>, now: Monotonic): void {
    const reliable = isReliable(transaction.flow.transport)
    transaction.state = 'completed'
    this.#timers.start('G', transaction.id, reliable, now)
    this.#timers.start('H', transaction.id, reliable, now)
  }

  #completeOther(transaction: ServerTransaction<Context>, now: Monotonic): void {
    transaction.state = 'completed'
    this.#end(transaction)
    if (isReliable(transaction.flow.transport) || transaction.last === undefined) return
    const { key, replyTo, last } = transaction
    if (this.#answered.size === 0) this.#timers.start('J', answeredTimer, false, now)
    const text = last.toString('latin1')
    if (2 * (this.#answeredBytes + text.length) > this.#answeredLimit.bytes) {
      this.#answered.age()
      this.#answeredBytes = 0
    }
    if (this.#answered.set(key, { replyTo, text }) !== undefined) this.#answeredBytes = 0
    this.#answeredBytes += text.length
  }

  // One timer for all: each answer is kept for timer J at least, and for twice that at most.
  #ageAnswered(now: Monotonic): void {
    this.#answered.age()
    this.#answeredBytes = 0
    if (this.#answered.size > 0) this.#timers.start('J', answeredTimer, false, now)
  }

  #end(transaction: ServerTransaction<Context>): void {
    if (!this.#byId.delete(transaction.id)) return
    this.#bytes -= transaction.size
    this.#live.delete(transaction.key)
    const onFlow = this.#byFlow.get(transaction.flow.id)
    if (onFlow?.delete(transaction) && onFlow.size === 0) this.#byFlow.delete(transaction.flow.id)
  }
}
