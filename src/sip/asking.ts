/**
 * Asks a phone whether it is still in a call: by an INFO without a body in the call's dialog, to which RFC 2976 §2.2 wants
 * 481 where there is no such dialog. Whatever else is said, or nothing, leaves the call as it is. OPTIONS would not do: baresip
 * and Linphone answer 200 to it either way. Its sequence number is 0, below all that the other party ever says, so that
 * nothing of theirs comes out of order (RFC 3261 §12.2.2).
 */
import type { Monotonic } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { Bindings, LiveBinding } from './bindings.ts'
import { ClientTransactions } from './client-transactions.ts'
import { viaFor } from './forward.ts'
import type { AskedPhone, Flow, SipRequest, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Accounts } from './ports.ts'
import type { SipTimers } from './transaction-timers.ts'
import { nobodysUri } from './veil.ts'
import { requestUri } from './ways.ts'

export interface AskingParts {
  readonly accounts: Accounts
  readonly bindings: Bindings
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly random: Random
  /** The host of people's addresses. */
  readonly domain: string
}

/** Of one device, which may be set up in several telephones. */
interface Question {
  readonly asked: AskedPhone
  /** Telephones that have not said that they are in no such call. */
  unsaid: number
}

export class Asking {
  readonly #parts: AskingParts
  readonly #clients: ClientTransactions<Question>

  constructor(parts: AskingParts) {
    this.#parts = parts
    this.#clients = new ClientTransactions(parts)
  }

  /** Questions under way, and those answered half a minute ago at most. */
  get size(): number {
    return this.#clients.size
  }

  /** Each of the device's telephones where it registered last, unless one is not connected and cannot say. */
  ask(asked: AskedPhone, now: Monotonic): void {
    const { accounts, bindings, random } = this.#parts
    const user = accounts.userOfDevice(asked.device)
    const known = user === undefined ? [] : bindings.ofDevice(user, asked.device)
    const phones = known.filter(live => bindings.ofPhone(live.binding.key) === live)
    if (!phones.every(hasFlow)) return
    const question = { asked, unsaid: phones.length }
    for (const live of phones) {
      const branch = `z9hG4bK${random.hex(8)}`
      this.#clients.open(live.flow, this.#request(asked, live, branch), branch, question, now)
    }
  }

  /** False where it answers no question. */
  receive(flow: Flow, branch: string, method: string, response: SipResponse, now: Monotonic): boolean {
    return this.#clients.receive(flow, branch, method, response, this, now)
  }

  fired(letter: 'E' | 'F' | 'K', id: number, now: Monotonic): void {
    this.#clients.fired(letter, id, this, now)
  }

  flowClosed(flow: Flow): void {
    for (const transaction of this.#clients.flowClosed(flow)) this.#clients.fail(transaction)
  }

  responded(question: Question, { status }: SipResponse): void {
    const { call, device } = question.asked
    if (status === 481 && --question.unsaid === 0) this.#parts.outbox.push({ kind: 'gone', call, device })
  }

  timedOut(): void {}

  #request({ side, caller, callee, dialog }: AskedPhone, live: Reached, branch: string): SipRequest {
    const address = (user: string | undefined, tag: string): string =>
      `<${user === undefined ? nobodysUri : `sip:${user}@${this.#parts.domain}`}>;tag=${tag}`
    const ends = [address(caller, dialog.callerTag), address(callee, dialog.calleeTag)]
    const [to = '', from = ''] = side === 'caller' ? ends : ends.toReversed()
    return {
      kind: 'request',
      method: 'INFO',
      uri: requestUri(live.binding.contact),
      headers: [
        { name: 'Via', value: viaFor(live.flow, branch) },
        { name: 'Max-Forwards', value: '70' },
        ...live.binding.path.map(value => ({ name: 'Route', value })),
        { name: 'From', value: from },
        { name: 'To', value: to },
        { name: 'Call-ID', value: dialog.callId },
        { name: 'CSeq', value: '0 INFO' },
      ],
      body: new Uint8Array(0),
    }
  }
}

type Reached = LiveBinding & { readonly flow: Flow }

const hasFlow = (live: LiveBinding): live is Reached => live.flow !== undefined
