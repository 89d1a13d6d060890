/** The hosted agents' devices and calls, found by what a command or a message names them by. */
import { agentLimits, type Call, callIdOf, type Referral } from './agent-call.ts'
import { first, tagOf } from './codec.ts'
import type { SipMessage } from './message.ts'

export interface DeviceState {
  user: string
  displayName: string
  userAgent: string
  attached: boolean
  readonly calls: Set<Call>
  /** What the client was asked for a short while ago, by the key of the call; that may have ended meanwhile. */
  readonly referrals: Map<string, Referral>
}

export class AgentTable {
  readonly #devices = new Map<string, DeviceState>()
  /** By device and call key, and by device, Call-ID and our tag. */
  readonly #calls = new Map<string, Call>()
  readonly #callsByTag = new Map<string, Call>()

  get sizes(): { readonly devices: number; readonly calls: number } {
    return { devices: this.#devices.size, calls: this.#calls.size }
  }

  device(device: string): DeviceState | undefined {
    return this.#devices.get(device)
  }

  /** Made where there is none: a call may outlive its client's line. */
  deviceOf(device: string, user: string): DeviceState {
    const known = this.#devices.get(device)
    if (known !== undefined) return known
    const names = { user, displayName: user, userAgent: '' }
    const fresh = {
      ...names,
      attached: false,
      calls: new Set<Call>(),
      referrals: new Map<string, Referral>(),
    }
    this.#devices.set(device, fresh)
    return fresh
  }

  forgetDevice(device: string): void {
    this.#devices.delete(device)
  }

  /** By the name of its timers. */
  callById(id: string): Call | undefined {
    return this.#calls.get(id)
  }

  call(device: string, key: string): Call | undefined {
    return this.#calls.get(callIdOf(device, key))
  }

  /** RFC 3261 §12: by the Call-ID and our tag. */
  callByTag(device: string, callId: string, tag: string): Call | undefined {
    return this.#callsByTag.get(tagIdOf(device, callId, tag))
  }

  /** Whose dialog a message belongs to; `ours` is the field that has our tag. */
  callOf(device: string, message: SipMessage, ours: 'From' | 'To'): Call | undefined {
    return this.callByTag(device, first(message, 'Call-ID') ?? '', tagOf(message, ours) ?? '')
  }

  enter(call: Call): void {
    this.deviceOf(call.device, call.user).calls.add(call)
    this.#calls.set(callIdOf(call.device, call.key), call)
    this.#callsByTag.set(tagIdOf(call.device, call.callId, call.localTag), call)
  }

  /** False when it was forgotten before. */
  forget(call: Call): boolean {
    const id = callIdOf(call.device, call.key)
    if (this.#calls.get(id) !== call) return false
    this.#calls.delete(id)
    this.#callsByTag.delete(tagIdOf(call.device, call.callId, call.localTag))
    this.#devices.get(call.device)?.calls.delete(call)
    return true
  }
}

export const isOver = ({ phase }: Call): boolean => phase === 'over' || phase === 'cancelling'

/** Calls that go on, of one device. */
export function liveCalls(state: DeviceState | undefined): number {
  let count = 0
  for (const call of state?.calls ?? []) if (!isOver(call)) count++
  return count
}

/** The oldest call that is over, where a device has as many as are kept. */
export function surplusOf(state: DeviceState | undefined): Call | undefined {
  const finished = [...(state?.calls ?? [])].filter(isOver)
  return finished.length >= agentLimits.finishedPerDevice ? finished[0] : undefined
}

const tagIdOf = (device: string, callId: string, tag: string): string => `${device} ${tag} ${callId}`
