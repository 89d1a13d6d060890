/** Answered calls that go on, by themselves and by their two devices. */
import type { PartyFlow, RelayCall } from './ports.ts'
import { type Call, newCall } from './state.ts'

/** As many as the call log keeps open. */
export const callsAtMost = 10_000

export class Calls {
  readonly #byId = new Map<string, Call>()
  readonly #ofDevice = new Map<string, Set<string>>()

  get size(): number {
    return this.#byId.size
  }

  get(id: string): Call | undefined {
    return this.#byId.get(id)
  }

  ofDevice(device: string): string[] {
    return [...(this.#ofDevice.get(device) ?? [])]
  }

  /** Undefined for a call that was not answered by a device we know, and `full` when there is no room. */
  enter(
    id: string,
    { answered, callerDevice, calleeDevice, ledger }: RelayCall,
    flowOf: (device: string) => PartyFlow | undefined,
  ): Call | 'full' | undefined {
    if (!answered || callerDevice === undefined || calleeDevice === undefined) return undefined
    if (this.#byId.size >= callsAtMost) return 'full'
    const call = newCall(id, callerDevice, calleeDevice, ledger)
    this.#byId.set(id, call)
    for (const party of call.parties) {
      const ofDevice = this.#ofDevice.get(party.device) ?? new Set()
      this.#ofDevice.set(party.device, ofDevice.add(id))
      party.flow = flowOf(party.device)
    }
    return call
  }

  leave({ id, parties }: Call): void {
    this.#byId.delete(id)
    for (const { device } of parties) {
      const ofDevice = this.#ofDevice.get(device)
      ofDevice?.delete(id)
      if (ofDevice?.size === 0) this.#ofDevice.delete(device)
    }
  }
}
