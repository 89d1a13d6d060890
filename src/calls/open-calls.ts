/** Calls that have not ended, found by their id, by a device that is in them, and by who calls, is called or answered. */
import type { Epoch } from '../core/clock.ts'
import type { CallDialog } from '../sip/message.ts'
import type { CallRow } from './message.ts'

export interface OpenCall {
  row: CallRow
  /** False for a call from before a restart: its clients must say that they hold it. */
  readonly ours: boolean
  readonly heldBy: Set<string>
  /** Of the branch that answered. */
  dialog: CallDialog | undefined
  /** The callee themself declined it, which leaves it to the others. */
  declined: boolean
  /** By their tags: branches that ended before they answered, as far as was seen; one's answer may still be on its way. */
  readonly ended: Map<string, Ending>
}

export type Ending = Pick<CallRow, 'endedBy' | 'reason' | 'code'> & { readonly endedAt: Epoch }

export class OpenCalls {
  readonly #byId = new Map<string, OpenCall>()
  readonly #byDevice = new Map<string, Set<OpenCall>>()
  readonly #byUser = new Map<string, Set<OpenCall>>()

  get size(): number {
    return this.#byId.size
  }

  get(id: string): OpenCall | undefined {
    return this.#byId.get(id)
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  /** Oldest first. */
  all(): Iterable<OpenCall> {
    return this.#byId.values()
  }

  oldest(): OpenCall | undefined {
    return this.#byId.values().next().value
  }

  /** A copy: calls may end while it is gone through. */
  ofDevice(device: string): readonly OpenCall[] {
    return [...(this.#byDevice.get(device) ?? [])]
  }

  ofUser(user: string): readonly OpenCall[] {
    return [...(this.#byUser.get(user) ?? [])]
  }

  /** Also when the row of one that is here has learnt of a device or a person. */
  put(call: OpenCall): void {
    this.#byId.set(call.row.id, call)
    for (const device of devicesOf(call.row)) add(this.#byDevice, device, call)
    for (const user of peopleOf(call.row)) add(this.#byUser, user, call)
  }

  delete(call: OpenCall): void {
    this.#byId.delete(call.row.id)
    for (const device of devicesOf(call.row)) remove(this.#byDevice, device, call)
    for (const user of peopleOf(call.row)) remove(this.#byUser, user, call)
  }
}

const devicesOf = ({ callerDevice, calleeDevice }: CallRow): readonly string[] =>
  [callerDevice, calleeDevice].filter(device => device !== undefined)

const peopleOf = ({ callerUser, calleeUser, answererUser = calleeUser }: CallRow): readonly string[] => [
  callerUser,
  calleeUser,
  answererUser,
]

function add(calls: Map<string, Set<OpenCall>>, key: string, call: OpenCall): void {
  const known = calls.get(key)
  if (known === undefined) calls.set(key, new Set([call]))
  else known.add(call)
}

function remove(calls: Map<string, Set<OpenCall>>, key: string, call: OpenCall): void {
  const known = calls.get(key)
  if (known?.delete(call) && known.size === 0) calls.delete(key)
}
