/** What the client channel needs from others. */
import type { CallRow } from '../calls/message.ts'
import type { Quiet } from '../core/quiet-hours.ts'
import type { JoinAsk } from './message.ts'

export interface DeviceIdentity {
  readonly device: string
  readonly user: string
  readonly displayName: string
  /** It may not connect now, and keeps its token. */
  readonly disabled?: boolean
}

export interface PersonIdentity {
  readonly user: string
  readonly displayName: string
  /** What phones without letters dial. */
  readonly number: string
  /** Now: by hand, or by their hours. */
  readonly doNotDisturb: boolean
  readonly role: 'owner' | 'member' | 'guest'
  /** Guests see this person and may call them. */
  readonly seenByGuests: boolean
  /** Others whose devices ring as well when this person is called. */
  readonly alsoRings: readonly string[]
  /** Of a door station: what it wants to hear to open; else empty. */
  readonly doorKeys: string
}

/** Devices and people as the channel reads them: from memory, at once. */
export interface Devices {
  /** The device whose token has this SHA-256 (lower-case hexadecimal), if enrolled and neither revoked nor expired. */
  byTokenHash(sha256: string): DeviceIdentity | undefined
  people(): readonly PersonIdentity[]
  person(user: string): PersonIdentity | undefined
  quiet(user: string): Quiet
  /** Milliseconds until somebody's hours begin or end; undefined: nobody has any, or the time is not known. */
  untilHoursTurn(): number | undefined
  place(): string
  /** For a guest, how long they stay from now; null for everybody else. */
  staySeconds(user: string): number | null
  /** Who waits to be let in. */
  joinAsks(): readonly JoinAsk[]
}

/** What the channel asks of the call log: from memory, at once (open calls and the most recent closed ones). */
export interface CallLog {
  /** Undefined when the id was never a call or is long forgotten. */
  find(call: string): CallRow | undefined
  /** Every call that has not ended, ringing ones too. */
  open(): readonly CallRow[]
  /** Those of them that `user` makes or is called in. */
  openOf(user: string): readonly CallRow[]
  /** Calls the user missed and has not looked at, newest first, at most 50. */
  missed(user: string): readonly CallRow[]
}
