/** What the machine holds of calls and grants, and what can be read from that alone. */
import type { Monotonic } from '../core/clock.ts'
import type { CallLedger, Grant } from '../turn/message.ts'
import { addLedgers, emptyLedger } from './ledger.ts'
import type { RelayReason, RelayRefusal, RelayServer } from './message.ts'
import { newParty, type Party } from './party.ts'

/** A grant from the moment it is wanted until the relay has closed it. */
export interface Open {
  readonly call: string
  reason: RelayReason | 'manual'
  /** Whose it is; undefined: the owner's, outside any call. */
  readonly of: Call | undefined
  readonly manual: Manual | undefined
  state: 'waiting' | 'opening' | 'telling' | 'open'
  /** From before the restart: opened without being asked for, and without a word when it may not be any more. */
  readonly remembered: boolean
  /** As the relay last had it, without what is secret; undefined while it had none. */
  given: string | undefined
  /** Words of the relay that are still to come: only the last one counts. */
  unanswered: number
  /** Devices to be told `relay` once the relay has the grant. */
  readonly toTell: Set<string>
  /** Devices whose `relayReady` is waited for. */
  readonly unready: Set<string>
  restartedAt: Monotonic | undefined
  /** What the grants before this one carried, and what this one did. */
  earlier: CallLedger
  counted: CallLedger
  keptAt: Monotonic | undefined
}

/** Outside any call. */
export interface Manual {
  readonly parties: Grant['parties']
  readonly until: Monotonic
  /** Whom to answer once it is open, with what; undefined once that was done. */
  ticket: number | undefined
  readonly servers: readonly RelayServer[]
}

/** An answered call that goes on. */
export interface Call {
  readonly id: string
  readonly parties: readonly [Party, Party]
  /** Somebody has to start anew, as soon as both clients are there. */
  owed: boolean
  /** Somebody was told to, and has not shown yet that it heard: its line may have been down. */
  unproven: boolean
  /** A party's right ended: nothing is opened any more. */
  revoked: boolean
  refused: { readonly reason: RelayRefusal; readonly at: Monotonic } | undefined
  ledger: CallLedger
}

export const newCall = (
  id: string,
  caller: string,
  callee: string,
  ledger: CallLedger | undefined,
): Call => ({
  id,
  parties: [newParty('caller', caller), newParty('callee', callee)],
  owed: false,
  unproven: false,
  revoked: false,
  refused: undefined,
  ledger: ledger ?? emptyLedger,
})

/** Whoever starts anew in this call: the caller where it has a client of ours. Only what is known of both can tell. */
export const starterOf = (call: Call): Party | undefined => call.parties.find(party => party.flow?.client)
export const bothOf = (call: Call): string[] => call.parties.map(party => party.device)
export const withoutSecrets = (parties: Grant['parties']): string =>
  JSON.stringify(parties.map(({ proven, relayOn }) => ({ proven, relayOn })))
export const totalOf = ({ earlier, counted }: Open): CallLedger => addLedgers(earlier, counted)
export const reasonOf = ({ reason }: Open): RelayReason => (reason === 'manual' ? 'otherNetwork' : reason)

export const newOpen = (
  given: Pick<Open, 'call' | 'reason' | 'of' | 'manual' | 'remembered' | 'earlier'>,
): Open => ({
  ...given,
  state: 'waiting',
  given: undefined,
  unanswered: 0,
  toTell: new Set(given.of === undefined ? [] : bothOf(given.of)),
  unready: new Set(),
  restartedAt: undefined,
  counted: emptyLedger,
  keptAt: undefined,
})
