/**
 * Telephones that rang when the process ended ring on, and somebody takes the call once it is back. No transaction is left for
 * that 2xx, so RFC 6026 §8.9 would have it dropped: who answered would sit in silence, and the caller wait. Here it is known by
 * its Record-Routes, which nobody else can make for this dialog, and goes without state (RFC 3261 §16.11) to where its caller
 * is reached now, as long as the log has the call as ringing. Where it has not, or the caller is nowhere or was a page, whose
 * dialog went with the process, the leg is ended.
 */
import type { Monotonic } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { withoutAssertions } from './assertions.ts'
import type { Bindings } from './bindings.ts'
import type { ClientTransactions } from './client-transactions.ts'
import { callKey, first, removeFirstValue, tagOf } from './codec.ts'
import { viaFor } from './forward.ts'
import { leaving } from './leaving.ts'
import type { CallDialog, Flow, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Accounts, CallLog } from './ports.ts'
import { reasonField } from './reason.ts'
import { Recent } from './recent.ts'
import type { RecordRoutes } from './record-route.ts'
import type { Branch } from './response-context.ts'
import type { AddressToken, RouteToken } from './route-token.ts'

/** Legs that were ended: of more than these, one that answers again is ended again. */
const leftAtMost = 2_000

interface Parts {
  readonly accounts: Accounts
  readonly callLog: CallLog
  readonly bindings: Bindings
  readonly clients: ClientTransactions<Branch>
  readonly outbox: Outbox
  readonly random: Random
  readonly recordRoutes: RecordRoutes
  readonly flowOfAddress: (token: AddressToken) => Flow | undefined
}

export class LateAnswers {
  readonly #parts: Parts
  /** By call and tag: the ACK is sent again for each 2xx (§13.2.2.4), the BYE is not. */
  readonly #left = new Recent<true>(leftAtMost)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** A 2xx to an INVITE that no transaction knows. False: it is nothing of ours. */
  take(flow: Flow, answer: SipResponse, now: Monotonic): boolean {
    const [callId = '', callerTag = ''] = [first(answer, 'Call-ID'), tagOf(answer, 'From')]
    const calleeTag = tagOf(answer, 'To')
    const parties = this.#parts.recordRoutes.partiesOf(answer, { callId, callerTag })
    if (parties === undefined || calleeTag === undefined) return false
    const { device } = parties.callee
    // Only who was asked may answer.
    if (this.#flowOf(parties.callee)?.remote.address !== flow.remote.address) return false
    const call = callKey(callId, callerTag)
    const ongoing = this.#parts.callLog.ongoing(call)
    if (ongoing?.isOfBefore === false) return false
    const isTheirs = ongoing?.takenBy === device
    const to = this.#wayBack(parties.caller)
    const headers = withoutAssertions(removeFirstValue(answer.headers, 'Via'))
    if (ongoing === undefined || !(isTheirs || (ongoing.takenBy === undefined && to !== undefined))) {
      this.#leave(flow, answer, { leg: `${call} ${calleeTag}`, isOver: true }, now)
    } else if (to === undefined || !headers.some(({ name }) => name === 'Via')) {
      this.#leave(flow, answer, { leg: `${call} ${calleeTag}`, isOver: false }, now)
    } else {
      this.#parts.outbox.send(to, { ...answer, headers })
      if (!isTheirs) this.#tell(call, device, { callId, callerTag, calleeTag })
    }
    return true
  }

  /** Undefined where nobody is, or nobody who would know what it answers. */
  #wayBack(caller: RouteToken): Flow | undefined {
    const flow = this.#flowOf(caller)
    // Who hides would have to be given back the From that they wrote, and nobody has it any more.
    return flow === undefined || flow.transport === 'hosted' || caller.isHidden ? undefined : flow
  }

  #tell(call: string, device: string, dialog: CallDialog): void {
    const { accounts, outbox } = this.#parts
    const user = accounts.userOfDevice(device) ?? ''
    const displayName = accounts.user(user)?.displayName ?? user
    const event = { kind: 'answered', call, callee: { user, displayName, device }, dialog } as const
    outbox.push({ kind: 'call', event })
  }

  /** Acknowledges for a caller who will not; and says good-bye where the call is over. */
  #leave(
    flow: Flow,
    answer: SipResponse,
    { leg, isOver }: { readonly leg: string; readonly isOver: boolean },
    now: Monotonic,
  ): void {
    const { clients, outbox, random, recordRoutes } = this.#parts
    const newBranch = (): string => `z9hG4bK${random.hex(8)}`
    const [ofAck, ofBye] = [newBranch(), newBranch()]
    const vias = { ack: viaFor(flow, ofAck), bye: viaFor(flow, ofBye) }
    const routes = recordRoutes.beyond(answer)
    const last = leaving(answer, { routes, vias, reason: reasonField(487, 'lost') })
    if (last === undefined) return
    outbox.send(flow, last.ack)
    if (!isOver || this.#left.get(leg) !== undefined) return
    this.#left.set(leg, true)
    clients.open(flow, last.bye, ofBye, undefined, now)
  }

  #flowOf(token: RouteToken): Flow | undefined {
    return token.kind === 'binding'
      ? this.#parts.bindings.ofPhone(token.key)?.flow
      : this.#parts.flowOfAddress(token)
  }
}
