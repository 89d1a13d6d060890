/** Who is logged in: in memory, on the monotonic clock, bounded. A restart of the daemon logs everybody out. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { days, type Monotonic } from '../core/clock.ts'

export interface LiveSession {
  /** Tells sessions apart in lists; opens nothing. */
  readonly mark: string
  readonly user: string
  readonly address: string
  readonly userAgent: string
  readonly csrfToken: string
  readonly createdAt: Monotonic
  readonly usedAt: Monotonic
}

export const sessionLimits = {
  sessions: 1_000,
  perUser: 20,
  idleMilliseconds: days(7),
  lifetimeMilliseconds: days(30),
} as const

export class Sessions {
  /** By the hash of the cookie's value, in order of last use: what memory shows is no key. */
  readonly #sessions = new Map<string, LiveSession>()

  /** Starts a session and returns the cookie's value, told only here. */
  start(
    user: string,
    now: Monotonic,
    from: { readonly address: string; readonly userAgent: string } = { address: '', userAgent: '' },
  ): { readonly id: string; readonly session: LiveSession } {
    const own = [...this.#sessions].filter(([, session]) => session.user === user)
    if (own.length >= sessionLimits.perUser) this.#sessions.delete(own[0]![0])
    if (this.#sessions.size >= sessionLimits.sessions)
      this.#sessions.delete(this.#sessions.keys().next().value!)
    const id = randomBytes(32).toString('base64url')
    const session = {
      mark: randomBytes(9).toString('hex'),
      user,
      address: from.address,
      userAgent: from.userAgent.slice(0, 256),
      csrfToken: randomBytes(24).toString('base64url'),
      createdAt: now,
      usedAt: now,
    }
    this.#sessions.set(keyOf(id), session)
    return { id, session }
  }

  find(id: string | undefined, now: Monotonic): LiveSession | undefined {
    if (id === undefined) return undefined
    const key = keyOf(id)
    const session = this.#sessions.get(key)
    if (session === undefined) return undefined
    this.#sessions.delete(key)
    const idle = now - session.usedAt > sessionLimits.idleMilliseconds
    if (idle || now - session.createdAt > sessionLimits.lifetimeMilliseconds) return undefined
    const used = { ...session, usedAt: now }
    this.#sessions.set(key, used)
    return used
  }

  /** The same without counting as use: what a page asks by itself must not keep its session alive for ever. */
  isLive(id: string, now: Monotonic): boolean {
    const session = this.#sessions.get(keyOf(id))
    return session !== undefined && now - session.createdAt <= sessionLimits.lifetimeMilliseconds
  }

  /** Latest use first; without a user: everybody's. */
  list(user?: string): readonly LiveSession[] {
    return [...this.#sessions.values()]
      .filter(session => user === undefined || session.user === user)
      .reverse()
  }

  /** False: there is none. */
  endMarked(mark: string): boolean {
    for (const [key, session] of this.#sessions) if (session.mark === mark) return this.#sessions.delete(key)
    return false
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.#sessions.delete(keyOf(id))
  }

  /** Ends the sessions of everybody who is not there any more. */
  keepOnly(isThere: (user: string) => boolean): void {
    for (const [key, session] of this.#sessions) if (!isThere(session.user)) this.#sessions.delete(key)
  }

  /** Ends a person's sessions, all or all but one: after a new password, and when they are removed. */
  endAllOf(user: string, exceptId?: string): void {
    const kept = exceptId === undefined ? undefined : keyOf(exceptId)
    for (const [key, session] of this.#sessions) {
      if (session.user === user && key !== kept) this.#sessions.delete(key)
    }
  }
}

const keyOf = (id: string): string => createHash('sha256').update(id).digest('base64')

export function sameSecret(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
