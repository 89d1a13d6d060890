/** Invitations: made, used up by enrolling, withdrawn; the spent ones are remembered for their holders. */
import { randomBytes } from 'node:crypto'
import { days, type Epoch } from '../../core/clock.ts'
import { sha256 } from '../credentials.ts'
import type { InviteRow } from '../message.ts'
import { leftOf } from '../stay.ts'
import * as tables from '../tables.ts'
import type { EnrolledDevices } from './devices.ts'
import { newId } from './drafts.ts'
import { elapsed, type Held } from './held.ts'
import { type DeviceWish, DirectoryError, limits, type NewDevice, notFound } from './message.ts'

/** For so long whoever holds a used or expired invitation is told so. */
const spentInviteMilliseconds = days(30)

export interface Invited {
  /** Undefined: for somebody new. */
  readonly displayName: string | undefined
  /** Of a guest; undefined: for good. */
  readonly staySeconds: number | undefined
  /** That time begins when it is used; else it runs already. */
  readonly stayFromJoin: boolean | undefined
}

export class Invites {
  readonly #held: Held
  readonly #enrolled: EnrolledDevices

  constructor(held: Held, enrolled: EnrolledDevices) {
    this.#held = held
    this.#enrolled = enrolled
  }

  open(): readonly InviteRow[] {
    return [...this.#held.invites.values()].filter(invite => !this.#isSpent(invite))
  }

  /** What comes of using it now. Throws (`badInvite`). */
  look(token: string): Invited {
    const invite = this.#inviteOf(token)
    const person = invite.user === undefined ? undefined : this.#held.users.get(invite.user)
    // A further device of a guest goes with them.
    const stayLeft = person?.stay && leftOf(person.stay, this.#held.moment()) / 1_000
    const staySeconds = person === undefined ? this.#stayLeft(invite) : stayLeft
    return {
      displayName: person?.displayName,
      staySeconds: staySeconds === undefined ? undefined : Math.round(staySeconds),
      stayFromJoin: staySeconds === undefined ? undefined : person === undefined && !invite.stayFromNow,
    }
  }

  /** Enrols by an invite's token, which is used up by it. Rejects (`badInvite`). */
  enrol(token: string, displayName: string, wish: DeviceWish): Promise<NewDevice> {
    return this.#held.exclusively(async () => {
      const invite = this.#inviteOf(token)
      const staySeconds = this.#stayLeft(invite)
      const whose = invite.user === undefined ? { displayName, staySeconds } : { user: invite.user }
      const used = { ...invite, usedAt: this.#held.now() }
      const enrolled = await this.#enrolled.enrolWith(whose, wish, [tables.putInvite(used)])
      this.#held.invites.set(used.id, used)
      return enrolled
    })
  }

  /** The only time the token is told. */
  add(
    user: string | undefined,
    lifetimeMilliseconds: number,
    staySeconds?: number,
    stayFromNow = false,
  ): Promise<{ readonly invite: InviteRow; readonly token: string }> {
    return this.#held.exclusively(async () => {
      if (user !== undefined && !this.#held.users.has(user)) throw notFound(user)
      if (this.open().length >= limits.invites) {
        throw new DirectoryError(
          'tooMany',
          `there are ${limits.invites} open invitations; withdraw some first`,
        )
      }
      const token = randomBytes(24).toString('base64url')
      const createdAt = this.#held.now()
      const expiresAt = (createdAt + lifetimeMilliseconds) as Epoch
      const invite: InviteRow = {
        id: newId(),
        tokenHash: sha256(token),
        user,
        staySeconds,
        stayFromNow,
        createdAt,
        expiresAt,
        usedAt: undefined,
      }
      await this.#held.write(tables.putInvite(invite))
      this.#held.invites.set(invite.id, invite)
      return { invite, token }
    })
  }

  remove(id: string): Promise<void> {
    return this.#held.exclusively(async () => {
      if (!this.open().some(invite => invite.id === id)) throw notFound('this invitation')
      await this.#held.write(tables.deleteInvite(id))
      this.#held.invites.delete(id)
    })
  }

  /** Spent long ago, or more than are remembered. */
  toForget(now: Epoch): readonly InviteRow[] {
    const spentAt = (invite: InviteRow): Epoch => invite.usedAt ?? invite.expiresAt
    const spent = [...this.#held.invites.values()].filter(invite => this.#isSpent(invite))
    spent.sort((a, b) => spentAt(b) - spentAt(a))
    const old = (invite: InviteRow): boolean => elapsed(spentAt(invite), now) > spentInviteMilliseconds
    return spent.filter((invite, index) => index >= limits.invitesSpent || old(invite))
  }

  #inviteOf(token: string): InviteRow {
    const hash = sha256(token)
    const invite = [...this.#held.invites.values()].find(candidate => candidate.tokenHash === hash)
    if (invite !== undefined && !this.#isSpent(invite)) return invite
    // Whoever holds the token of one that was good may know what became of it.
    const detail = invite === undefined ? 'unknown' : invite.usedAt === undefined ? 'expired' : 'used'
    throw new DirectoryError('badInvite', `${badInvite[detail]}; ask for a new one`, detail)
  }

  /** How long somebody who uses it now is to stay. */
  #stayLeft({ staySeconds, stayFromNow, createdAt }: InviteRow): number | undefined {
    if (staySeconds === undefined || !stayFromNow) return staySeconds
    return Math.max(1, staySeconds - elapsed(createdAt, this.#held.now()) / 1_000)
  }

  #isSpent(invite: InviteRow): boolean {
    return invite.usedAt !== undefined || this.#expired(invite)
  }

  #expired(invite: InviteRow): boolean {
    return elapsed(invite.createdAt, this.#held.now()) >= invite.expiresAt - invite.createdAt
  }
}

const badInvite = {
  used: 'this invitation was used already',
  expired: 'this invitation has expired',
  unknown: 'this invitation is not known here: it was withdrawn, or the link is not whole',
} as const
