/** What is kept: the rows of people, devices, invites and requests to join. Types only. */
import type { Epoch } from '../core/clock.ts'
import type { QuietHours } from '../core/quiet-hours.ts'
import type { Stay } from './stay.ts'

export interface UserRow {
  /** The address's user part: lower-case letters, digits, `-`, `.`, at most 32, unique. */
  readonly name: string
  readonly displayName: string
  /** What phones without letters dial: 2 to 6 digits, unique. */
  readonly number: string
  readonly role: 'owner' | 'member' | 'guest'
  /** A guest's time; when it is over the person and their devices are removed. */
  readonly stay: Stay | undefined
  /** Guests see this person and may call them. */
  readonly seenByGuests: boolean
  /** Names of others whose devices ring as well when this person is called; theirs in turn do not count. */
  readonly alsoRings: readonly string[]
  /** Of a door station: what it wants to hear to open, keys of a telephone. `''`: it is none. */
  readonly doorKeys: string
  /** scrypt, with its parameters and salt; only people who may open the console have one. */
  readonly passwordHash: string | undefined
  readonly doNotDisturbByHand: boolean
  readonly quietHours: QuietHours | undefined
  /** The end of hours in which they let calls through all the same. */
  readonly quietSkipped: Epoch | undefined
  /** None of their devices may connect, and they may not log in, until it is taken back. */
  readonly disabled: boolean
  readonly createdAt: Epoch
}

export interface DeviceRow {
  readonly id: string
  readonly user: string
  readonly name: string
  readonly kind: 'page' | 'app' | 'sip'
  /** SHA-256 of the device token, lower-case hexadecimal; for `page` and `app`. */
  readonly tokenHash: string | undefined
  /** For `sip`: the digest user name and both HA1s. */
  readonly digestUser: string | undefined
  readonly ha1Md5: string | undefined
  readonly ha1Sha256: string | undefined
  readonly createdAt: Epoch
  readonly expiresAt: Epoch | undefined
  readonly lastSeenAt: Epoch | undefined
}

export interface InviteRow {
  readonly id: string
  readonly tokenHash: string
  /** The person the new device will belong to; undefined: the joiner names themselves. */
  readonly user: string | undefined
  /** Whoever uses it is a guest for so long. */
  readonly staySeconds: number | undefined
  /** The stay counts from when this was made, not from when it is used. */
  readonly stayFromNow: boolean
  readonly createdAt: Epoch
  readonly expiresAt: Epoch
  readonly usedAt: Epoch | undefined
}

/** Somebody asks to join; the owner answers. Bounded in number, forgotten after a day. */
export interface RequestRow {
  readonly id: string
  readonly displayName: string
  readonly deviceName: string
  readonly kind: 'page' | 'app'
  readonly secretHash: string
  /** SHA-256 of the id that the asking page made for itself, if it did. */
  readonly pageHash: string | undefined
  readonly address: string
  readonly state: 'waiting' | 'allowed' | 'denied'
  /** The person the device will belong to, once allowed. */
  readonly user: string | undefined
  /** The device made of it, once the asker has fetched its token. */
  readonly device: string | undefined
  readonly createdAt: Epoch
}
