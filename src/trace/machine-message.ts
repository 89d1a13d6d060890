/** What taps tell the machine, and what it gives out. */
import type { CallRow } from '../calls/message.ts'
import type { Monotonic } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { RelayReason } from '../relay/message.ts'
import type { MediaReport } from '../signalling/message.ts'
import type { CallEvent, Transport } from '../sip/message.ts'
import type { CallLedger, PartyRole } from '../turn/message.ts'
import type { CaptureFacts, Direction } from './message.ts'

/** What taps tell. Bytes and text as they were on the wire: nothing of them is kept unredacted. */
export type TraceInput =
  | {
      readonly kind: 'sip'
      readonly direction: Direction
      readonly transport: Transport
      readonly local: Endpoint
      readonly remote: Endpoint
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'opened'
      readonly connection: string
      readonly local: Endpoint
      readonly remote: Endpoint
    }
  | { readonly kind: 'closed'; readonly connection: string }
  | {
      readonly kind: 'frame'
      readonly direction: Direction
      readonly connection: string
      readonly text: string
    }
  | { readonly kind: 'call'; readonly event: CallEvent }
  /** The call's row: who its parties are, and whether it is over. */
  | { readonly kind: 'row'; readonly row: TracedRow }
  | { readonly kind: 'report'; readonly call: string; readonly device: string; readonly report: MediaReport }
  | { readonly kind: 'grant'; readonly call: string; readonly reason: RelayReason | undefined }
  | { readonly kind: 'ledger'; readonly call: string; readonly ledger: CallLedger }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** A device is reached at this address from now on. */
  | { readonly kind: 'reached'; readonly device: string; readonly address: string }
  /** What was given to be kept is out of our hands; `lost`: it could not be. */
  | { readonly kind: 'written'; readonly saves: readonly Saved[]; readonly lost: boolean }
  | { readonly kind: 'capture'; readonly call: string; readonly facts: CaptureFacts }

/** Of a call's row what the tracer looks at. */
export type TracedRow = Pick<CallRow, 'id' | 'callerDevice' | 'calleeDevice' | 'answeredAt' | 'endedAt'>

/** Keep these, after those kept before. */
export interface TraceSave {
  readonly kind: 'save'
  readonly call: string
  /** Each as `event-json.ts` writes it. */
  readonly events: readonly string[]
  /** Roughly. */
  readonly bytes: number
  /** Nothing but counters, which come each second. */
  readonly onlyCounters: boolean
}

/** Of a `TraceSave` what is told back. */
export interface Saved extends Pick<TraceSave, 'call' | 'bytes'> {
  readonly events: number
}

export type TraceEffect =
  /** For whoever captures, if asked for: this party's checks are known by this, from now on; a call told of so is over. */
  | { readonly kind: 'ufrag'; readonly call: string; readonly party: PartyRole; readonly ufrag: string }
  | { readonly kind: 'over'; readonly call: string; readonly answered: boolean }
  | TraceSave
  /** The call is over, and what its ends say last has come, as a rule: a first verdict. Never of one that is `untold`. */
  | { readonly kind: 'ended'; readonly call: string }
  /** No more will come by itself: conclude. */
  | { readonly kind: 'finished'; readonly call: string }
  /** The same, but nobody said anything of its media, so there is nothing to conclude. */
  | { readonly kind: 'untold'; readonly call: string }
  | { readonly kind: 'note'; readonly reason: string; readonly detail: string }

/** A call of which something may still be heard, at the start of the daemon. */
export interface KnownCall {
  readonly row: CallRow
  /** Of the last event kept; 0 where there is none. */
  readonly lastNumber: number
  readonly lastAtMilliseconds: number
  /** When the call began, on the monotonic clock of this process. */
  readonly startedAt: Monotonic
}
