/** Logins to the console: which there are, how to end one, and a password of one's own. */
import { z } from 'zod'
import { HttpError, tooManyTries } from '../errors.ts'
import type { ConsoleSession } from '../message.ts'
import type { Passwords } from '../password.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Principal, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'
import type { LiveSession, Sessions } from '../sessions.ts'
import type { Tries } from '../tries.ts'

type Deps = Pick<AppDeps, 'clock' | 'directory'> & {
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly tries: Tries
}

export function sessionRoutes({ clock, directory, sessions, passwords, tries }: Deps): Route[] {
  /** Whose new password is on its way to the disk: the directory shows it once it is there. */
  const beingWritten = new Set<string>()
  /** A phone's token sees none: it is no login. */
  const mine = (principal: Principal): readonly LiveSession[] => {
    if (isOwner(principal)) return sessions.list()
    return principal.kind === 'session' ? sessions.list(principal.user) : []
  }
  const body = (session: LiveSession, principal: Principal): ConsoleSession => {
    const epochOf = (moment: number): number => Math.round(clock.epoch() - (clock.monotonic() - moment))
    return {
      id: session.mark,
      user: session.user,
      address: session.address,
      userAgent: session.userAgent,
      createdAt: epochOf(session.createdAt),
      usedAt: epochOf(session.usedAt),
      current: principal.kind === 'session' && principal.session.mark === session.mark,
    }
  }
  return [
    route({
      method: 'GET',
      path: '/sessions',
      who: 'member',
      summary: 'Logins to the console: everybody sees their own, the owner all.',
      answers: { 200: z.array(schemas.consoleSession) },
      handle: ({ principal }) => ({
        status: 200,
        body: mine(principal).map(session => body(session, principal)),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/sessions/:id',
      who: 'member',
      summary: 'Ends a login: everybody their own, the owner any.',
      answers: { 204: null },
      handle: ({ principal, params }) => {
        const theirs = mine(principal).some(({ mark }) => mark === params.id)
        if (!theirs || !sessions.endMarked(params.id!)) {
          throw new HttpError(404, 'notFound', 'there is no such session')
        }
        return { status: 204 }
      },
    }),
    route({
      method: 'POST',
      path: '/password',
      who: 'member',
      summary: 'A new password of one’s own, by the old one; ends one’s other sessions.',
      body: schemas.ownPassword,
      answers: { 204: null },
      handle: async call => {
        if (call.principal.kind !== 'session') {
          throw new HttpError(403, 'forbidden', 'log in to the console to change passwords')
        }
        const user = userOf(call.principal)!
        const wait = tries.login(user, call.peer, undefined, clock.monotonic())
        if (wait > 0) throw tooManyTries(wait)
        if (passwords.full) throw new HttpError(503, 'busy', 'try again in a moment')
        const stored = directory.user(user)?.passwordHash
        const isRight = await passwords.verify(call.body.current, stored)
        const passwordHash = isRight ? await passwords.hash(call.body.password) : undefined
        // Looked at again: of two changes at once the first counts, and the old password is no longer right for the second.
        const isOver = directory.user(user)?.passwordHash !== stored || beingWritten.has(user)
        if (passwordHash === undefined || isOver) {
          throw new HttpError(403, 'wrongPassword', 'the old password is not right')
        }
        beingWritten.add(user)
        await directory.changeUser(user, { passwordHash }).finally(() => beingWritten.delete(user))
        sessions.endAllOf(user, call.principal.id)
        return { status: 204 }
      },
    }),
  ]
}
