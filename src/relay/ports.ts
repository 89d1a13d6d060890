/** What the grants need to know of calls, devices and networks: from memory, at once. */
import type { Random } from '../core/random.ts'
import type { CallLedger, TurnPorts } from '../turn/message.ts'

export interface PartyFlow {
  /** The device's own address as its authenticated flow shows it, canonical, without port. */
  readonly remote: string
  /** Our address that the flow came to, canonical. */
  readonly local: string
  /** It has a client of ours, which can be told things. */
  readonly client: boolean
}

export interface RelayCall {
  readonly callerDevice: string | undefined
  readonly calleeDevice: string | undefined
  readonly answered: boolean
  readonly ended: boolean
  /** As its row has it: what was carried before a restart counts on. */
  readonly ledger: CallLedger | undefined
}

export interface RelayPorts {
  readonly random: Random
  /** Undefined when the id was never a call. */
  callOf(call: string): RelayCall | undefined
  /** Undefined while the device cannot be reached. */
  flowOf(device: string): PartyFlow | undefined
  ownAddresses(): readonly {
    readonly interface: string
    readonly address: string
    readonly prefixLength: number
    readonly loopback: boolean
  }[]
  turnPorts(): TurnPorts | undefined
}
