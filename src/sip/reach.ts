/**
 * How a branch gets to its target (RFC 3261 §16.6 step 7, RFC 5626 §7): by the flow that its binding has now, by the
 * connection that the party called from, by a new one to where it was last seen, or, in a dialog, as soon as it has
 * registered again. Over TCP and TLS many branches may wait for one connection.
 */
import { after, type Monotonic } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Bindings, LiveBinding } from './bindings.ts'
import { parseUri } from './codec.ts'
import { type Flow, udpFlow } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Branch } from './response-context.ts'
import type { AddressToken } from './route-token.ts'
import type { SipTimers } from './transaction-timers.ts'

export const reachLimits = {
  /** How long a request in a dialog waits for a party that has to register again. */
  waitMilliseconds: 30_000,
  /** Requests that wait for one device, or for one connection: they all go on at one moment. */
  waiting: 200,
} as const

export interface ReachParts {
  readonly bindings: Bindings
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly onOpen: (branch: Branch, flow: Flow, now: Monotonic) => void
  /** `reason` is the phrase of a 480. */
  readonly onUnreachable: (branch: Branch, reason: string, now: Monotonic) => void
}

export class Reach {
  readonly #parts: ReachParts
  /** By the device that is to register again. */
  readonly #waiting = new Map<string, Set<Branch>>()
  readonly #connecting = new Map<number, { readonly where: string; readonly branches: Branch[] }>()
  readonly #connectingTo = new Map<string, number>()
  /** Connections of callers that have no binding. */
  readonly #streams = new Map<string, Flow>()
  #ticket = 0

  constructor(parts: ReachParts) {
    this.#parts = parts
  }

  /** A caller without a binding: requests in its dialog come back by this connection. */
  remember(flow: Flow): void {
    if (flow.transport !== 'udp') this.#streams.set(streamKey(flow), flow)
  }

  flowClosed(flow: Flow): void {
    const where = streamKey(flow)
    if (this.#streams.get(where)?.id === flow.id) this.#streams.delete(where)
  }

  /** To a party without a binding; undefined where its connection is gone. */
  flowOfAddress(token: AddressToken): Flow | undefined {
    if (token.transport === 'udp') return udpFlow(token.local, token.remote)
    return this.#streams.get(streamKey(token))
  }

  /** Tells `onOpen` or `onUnreachable`, now or later, unless the branch is done before. */
  seek(branch: Branch, now: Monotonic): void {
    const { target } = branch
    const live = target.key === undefined ? undefined : this.#parts.bindings.get(target.key)
    const flow = target.address === undefined ? live?.flow : this.flowOfAddress(target.address)
    if (flow !== undefined) return this.#parts.onOpen(branch, flow, now)
    const seen = live?.binding.remote ?? target.seen
    if (seen !== undefined && (target.transport === 'tcp' || target.transport === 'tls')) {
      const remote = connectTo(live?.binding.contact ?? target.uri, target.transport, seen)
      if (remote !== undefined) return this.#connect(branch, target.transport, remote, now)
    }
    if (mayWait(branch)) return this.#wait(branch, now)
    this.#parts.onUnreachable(branch, 'Temporarily Unavailable', now)
  }

  /** The branch is done: nothing waits for it any longer. */
  forget(branch: Branch): void {
    const { device } = branch.target
    const waiting = this.#waiting.get(device)
    if (waiting?.delete(branch) && waiting.size === 0) this.#waiting.delete(device)
  }

  /** A binding has a flow: whoever waited for it goes on. */
  reachable({ binding, flow }: LiveBinding, now: Monotonic): void {
    for (const branch of [...(this.#waiting.get(binding.device) ?? [])]) {
      if (this.#parts.bindings.ofPhone(branch.target.key!)?.binding.key !== binding.key) continue
      this.forget(branch)
      this.#parts.timers.clear('W', branch.id)
      if (branch.state !== 'done' && flow !== undefined) this.#parts.onOpen(branch, flow, now)
    }
  }

  /** What became of a `connect` effect. */
  connected(ticket: number, flow: Flow | undefined, now: Monotonic): void {
    const connecting = this.#connecting.get(ticket)
    if (connecting === undefined) return
    this.#connecting.delete(ticket)
    this.#connectingTo.delete(connecting.where)
    for (const branch of connecting.branches) {
      if (branch.state !== 'connecting') continue
      const { key } = branch.target
      if (flow !== undefined) {
        const live = key === undefined ? undefined : this.#parts.bindings.get(key)
        if (live !== undefined && live.flow === undefined) this.#parts.bindings.gainFlow(live, flow)
        this.#parts.onOpen(branch, flow, now)
      } else if (mayWait(branch)) {
        this.#wait(branch, now)
      } else {
        this.#parts.onUnreachable(branch, 'Connection Failed', now)
      }
    }
  }

  #connect(branch: Branch, transport: 'tcp' | 'tls', remote: Endpoint, now: Monotonic): void {
    const where = streamKey({ transport, remote })
    const under = this.#connectingTo.get(where)
    if (under !== undefined) {
      const { branches } = this.#connecting.get(under)!
      if (branches.length >= reachLimits.waiting)
        return this.#parts.onUnreachable(branch, 'Too Many Waiting', now)
      branches.push(branch)
      return
    }
    const ticket = ++this.#ticket
    this.#connecting.set(ticket, { where, branches: [branch] })
    this.#connectingTo.set(where, ticket)
    this.#parts.outbox.push({ kind: 'connect', ticket, transport, remote })
  }

  /** Until timer W. */
  #wait(branch: Branch, now: Monotonic): void {
    const { device } = branch.target
    const waiting = this.#waiting.get(device)
    if (waiting !== undefined && waiting.size >= reachLimits.waiting)
      return this.#parts.onUnreachable(branch, 'Too Many Waiting', now)
    branch.state = 'waiting'
    if (waiting === undefined) this.#waiting.set(device, new Set([branch]))
    else waiting.add(branch)
    this.#parts.timers.set('W', branch.id, after(now, reachLimits.waitMilliseconds))
  }
}

/** Another flow of the same instance is tried first. */
const mayWait = ({ context, target, others }: Branch): boolean =>
  context.mayWait && target.key !== undefined && others.length === 0

const streamKey = (flow: { readonly transport: string; readonly remote: Endpoint }): string =>
  `${flow.transport}/${flow.remote.address}/${flow.remote.port}`

/**
 * Where a TCP or TLS contact listens: the port that it says, at the address it was seen at. The address it says is not
 * looked at: whoever may register must not be able to send this appliance to anybody else.
 */
function connectTo(contact: string, transport: 'tcp' | 'tls', seen: Endpoint): Endpoint | undefined {
  const uri = parseUri(contact)
  return uri && { address: seen.address, port: uri.port ?? (transport === 'tls' ? 5061 : 5060) }
}
