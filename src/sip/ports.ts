/** What the SIP room needs from others. */
import type { Credential } from './message.ts'

/** A person as calls see them. */
export interface Account {
  readonly name: string
  readonly displayName: string
  /** Now: by hand, or by their hours. */
  readonly doNotDisturb: boolean
  /** Others whose devices ring as well when this person is called. */
  readonly alsoRings: readonly string[]
}

/** Accounts as the registrar and proxy read them: from memory, at once. */
export interface Accounts {
  /** The credential whose digest user name this is. */
  byDigestUser(name: string): Credential | undefined
  /** The person with this address's user part, if there is one. */
  user(name: string): Account | undefined
  /**
   * Whose address this user part is: a person's own name, their short number, or the digest user of one of their devices,
   * since phones with one field for both put that into their address.
   */
  personOf(addressUser: string): string | undefined
  /** The user of a device that is enrolled and neither revoked nor expired. */
  userOfDevice(device: string): string | undefined
  /** False where a guest asks for somebody guests are not to know of. */
  mayCall(caller: string, callee: string): boolean
  /** Whoever is not of the house: from them people may hide who calls. */
  isGuest(user: string): boolean
}

/** What the log knows of a call of which no transaction is left. */
export interface CallLog {
  /** Undefined: the call is over, or was never heard of. */
  ongoing(call: string): OngoingCall | undefined
}

export interface OngoingCall {
  /** It began before this process did. */
  readonly isOfBefore: boolean
  /** The device that answered, if one did. */
  readonly takenBy: string | undefined
}

/** Which addresses and names are this appliance, and how peers on a flow's network reach it. */
export interface OwnAddresses {
  /** True for every own name (with or without `.local`), every own address, and `localhost`. */
  isOwnHost(host: string): boolean
}

/** Keys and names that outlive restarts; chosen at first start, kept in the backup. */
export interface SipIdentity {
  /** Never changed once chosen: stored HA1s contain it. */
  readonly realm: string
  /** At least 32 bytes, persisted: authenticates Record-Route and dialog tokens across restarts. */
  readonly tokenKey: Uint8Array
  /** Fresh at each start: signs nonces, which live on the monotonic clock. */
  readonly nonceKey: Uint8Array
}
