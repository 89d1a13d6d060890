/** What a caller of the directory sees beside rows: what it refuses, what it tells, what it hands out, its bounds. */
import type { DeviceRow } from '../message.ts'

export type DirectoryErrorCode =
  | 'notFound'
  | 'taken'
  | 'badName'
  | 'claimed'
  | 'owner'
  | 'tooMany'
  | 'tooManyWaiting'
  | 'badInvite'
  | 'notGuest'
  | 'guest'

/** A refusal with a stable code and a sentence for people; `detail` tells cases of one code apart. */
export class DirectoryError extends Error {
  readonly code: DirectoryErrorCode
  readonly detail: string | undefined

  constructor(code: DirectoryErrorCode, message: string, detail?: string) {
    super(message)
    this.name = 'DirectoryError'
    this.code = code
    this.detail = detail
  }
}

export type DirectoryEvent =
  /** The device's right is gone, by itself or with its person: end its flows, calls and registrations now. */
  | {
      readonly kind: 'revoked'
      readonly device: string
      readonly user: string
      /** Of a guest whose time is over. */
      readonly isGuestOver?: true
    }
  /** The same for now: the device keeps what it connects with, and may be let in again. */
  | { readonly kind: 'disabled'; readonly device: string; readonly user: string }
  /** Who is there, what they are called or whether they may be disturbed has changed. */
  | { readonly kind: 'people' }
  /** The device goes on by another password. */
  | { readonly kind: 'password'; readonly device: string }
  /** Somebody asks to join, or was answered. */
  | { readonly kind: 'requests' }

/** The only time a device's token is told. */
export interface NewDevice {
  readonly device: DeviceRow
  readonly token: string
  readonly displayName: string
}

export interface DeviceWish {
  readonly name: string
  readonly kind: 'page' | 'app'
}

export const limits = {
  users: 10_000,
  devicesPerUser: 50,
  /** Others whose devices ring for one person. */
  alsoRings: 20,
  invites: 1_000,
  /** Used or expired ones that are remembered. */
  invitesSpent: 1_000,
  requestsWaiting: 50,
  /** Of one IPv4 address or IPv6 /64: nobody takes all places. */
  requestsPerSource: 5,
} as const

export const notFound = (what: string): DirectoryError =>
  new DirectoryError('notFound', `${what} does not exist (any more)`)
