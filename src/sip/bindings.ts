/**
 * Who is reachable where: the location service (RFC 3261 §10), in memory, by key, user and flow. It keeps and finds;
 * what may be registered is `registrar.ts`.
 */
import { hash } from 'node:crypto'
import type { Monotonic } from '../core/clock.ts'
import { parseUri } from './codec.ts'
import type { Binding, Flow, Transport } from './message.ts'
import { Recent } from './recent.ts'

/** A binding with what changes without the device saying anything. */
export interface LiveBinding {
  readonly binding: Binding
  /** How it is reached now. TCP and TLS bindings live on without one: a connection is opened to their contact. */
  flow: Flow | undefined
  readonly expiresAt: Monotonic
  /** When it was last written; undefined when it never was. */
  readonly savedAt: Monotonic | undefined
  /** When the device last said it; undefined before a restart. */
  readonly saidAt: Monotonic | undefined
}

/** Bindings of these last as long as the connection they came over, and are never stored. */
export const isFleeting = (transport: Transport): boolean =>
  transport === 'ws' || transport === 'wss' || transport === 'hosted'

/** RFC 5626 §6: (device, instance, reg-id) where the device sent both, else (device, contact). Short, and no secret. */
export function bindingKey(
  device: string,
  contact: string,
  instance: string | undefined,
  regId: number | undefined,
): string {
  const name =
    instance !== undefined && regId !== undefined
      ? `${device}\0i\0${instance}\0${regId}`
      : `${device}\0c\0${contact}`
  return hash('sha256', name, 'base64url').slice(0, 16)
}

/** Of bindings that are no more: which phones they were. */
const leftAtMost = 1_000

type Phone = Pick<Binding, 'user' | 'device' | 'instance' | 'regId' | 'callId'>

export class Bindings {
  readonly #byKey = new Map<string, LiveBinding>()
  readonly #byUser = new Map<string, LiveBinding[]>()
  readonly #byFlow = new Map<string, Set<string>>()
  /** By the host in the contact. */
  readonly #byHost = new Map<string, Set<string>>()
  readonly #left = new Recent<Phone>(leftAtMost)

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): LiveBinding | undefined {
    return this.#byKey.get(key)
  }

  /**
   * Where the phone of this binding is now, which may have moved since and registered another contact: of all that are the
   * same phone's, what it said last (as RFC 5627 §5.1 has it for an instance). One that keeps several flows says so
   * (RFC 5626), and has moved nowhere; where one of them is gone it is another that leads to it.
   */
  ofPhone(key: string): LiveBinding | undefined {
    const live = this.#byKey.get(key)
    const phone = live?.binding ?? this.#left.get(key)
    if (phone === undefined) return live
    if (phone.regId !== undefined) {
      return live?.flow ? live : (this.ofInstance(phone).find(one => one.flow !== undefined) ?? live)
    }
    const newest = this.ofSamePhone(phone).at(-1)
    return newest !== undefined && (live === undefined || saidAt(newest) > saidAt(live)) ? newest : live
  }

  /** All that lead to an instance (RFC 5626 §7), the likeliest first. */
  ofInstance({ user, device, instance }: Phone): LiveBinding[] {
    if (instance === undefined) return []
    return this.ofDevice(user, device)
      .filter(({ binding }) => binding.instance === instance)
      .sort(likeliestFirst)
  }

  /** What was said last comes last. */
  ofSamePhone(phone: Phone): LiveBinding[] {
    const theirs = this.ofDevice(phone.user, phone.device).filter(({ binding }) =>
      isSamePhone(binding, phone),
    )
    return theirs.sort((one, other) => saidAt(one) - saidAt(other))
  }

  all(): Iterable<LiveBinding> {
    return this.#byKey.values()
  }

  ofUser(user: string): readonly LiveBinding[] {
    return this.#byUser.get(user) ?? []
  }

  ofDevice(user: string, device: string): LiveBinding[] {
    return this.ofUser(user).filter(live => live.binding.device === device)
  }

  /** Those whose contact names this host. */
  *withHost(host: string): Generator<LiveBinding> {
    for (const key of this.#byHost.get(host) ?? []) yield this.#byKey.get(key)!
  }

  onFlow(flow: Flow): LiveBinding[] {
    return [...(this.#byFlow.get(flow.id) ?? [])].map(key => this.#byKey.get(key)!)
  }

  /** Adds a binding, or puts it in the place of the one with its key. */
  put(live: LiveBinding): void {
    const { key, user } = live.binding
    const before = this.#byKey.get(key)
    if (before !== undefined) {
      this.#leaveFlow(before)
      if (before.binding.contact !== live.binding.contact) this.#leaveHost(before)
      if (before.binding.user !== user) this.#leaveUser(before)
    }
    this.#byKey.set(key, live)
    if (before?.binding.contact !== live.binding.contact) this.#joinHost(live)
    const list = this.#byUser.get(user)
    if (list === undefined) this.#byUser.set(user, [live])
    else {
      const at = before === undefined ? -1 : list.indexOf(before)
      if (at >= 0) list[at] = live
      else list.push(live)
    }
    this.#joinFlow(live)
  }

  remove(key: string): LiveBinding | undefined {
    const live = this.#byKey.get(key)
    if (live === undefined) return undefined
    this.#byKey.delete(key)
    const { user, device, instance, regId, callId } = live.binding
    this.#left.set(key, { user, device, instance, regId, callId })
    this.#leaveFlow(live)
    this.#leaveHost(live)
    this.#leaveUser(live)
    return live
  }

  /** The binding stays, its connection is gone. */
  loseFlow(live: LiveBinding): void {
    this.#leaveFlow(live)
    live.flow = undefined
  }

  /** A connection that was opened to the binding. */
  gainFlow(live: LiveBinding, flow: Flow): void {
    this.#leaveFlow(live)
    live.flow = flow
    this.#joinFlow(live)
  }

  #joinFlow(live: LiveBinding): void {
    if (live.flow === undefined) return
    const keys = this.#byFlow.get(live.flow.id)
    if (keys === undefined) this.#byFlow.set(live.flow.id, new Set([live.binding.key]))
    else keys.add(live.binding.key)
  }

  #leaveFlow(live: LiveBinding): void {
    if (live.flow === undefined) return
    const keys = this.#byFlow.get(live.flow.id)
    if (keys === undefined) return
    keys.delete(live.binding.key)
    if (keys.size === 0) this.#byFlow.delete(live.flow.id)
  }

  #joinHost(live: LiveBinding): void {
    const host = parseUri(live.binding.contact)?.host
    if (host === undefined) return
    const keys = this.#byHost.get(host)
    if (keys === undefined) this.#byHost.set(host, new Set([live.binding.key]))
    else keys.add(live.binding.key)
  }

  #leaveHost(live: LiveBinding): void {
    const host = parseUri(live.binding.contact)?.host
    const keys = host === undefined ? undefined : this.#byHost.get(host)
    if (keys === undefined) return
    keys.delete(live.binding.key)
    if (keys.size === 0) this.#byHost.delete(host!)
  }

  #leaveUser(live: LiveBinding): void {
    const list = this.#byUser.get(live.binding.user)
    if (list === undefined) return
    const at = list.indexOf(live)
    if (at >= 0) list.splice(at, 1)
    if (list.length === 0) this.#byUser.delete(live.binding.user)
  }
}

/** RFC 3261 §10.2: a phone that says no instance should at least keep the Call-ID of its registrations. */
function isSamePhone(one: Phone, other: Phone): boolean {
  if (one.device !== other.device || one.regId !== undefined) return false
  return one.instance === other.instance && (one.instance !== undefined || one.callId === other.callId)
}

const saidAt = (live: LiveBinding): number => live.saidAt ?? 0

/** Of several ways to one instance those come first that have a flow now, and of them what was said last. */
export const likeliestFirst = (one: LiveBinding, other: LiveBinding): number =>
  Number(other.flow !== undefined) - Number(one.flow !== undefined) || saidAt(other) - saidAt(one)
