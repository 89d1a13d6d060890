/** Health, the claim, and logging in. */
import { minutes } from '../../core/clock.ts'
import type { NewDevice } from '../../store/directory/message.ts'
import type { Directory } from '../../store/directory.ts'
import { isClaimToken, isRightClaim } from '../claim.ts'
import { clearSession, knownIn, sessionIn, setKnown, setSession } from '../cookies.ts'
import { HttpError, tooManyTries } from '../errors.ts'
import type { Enrolment, Session, SetupResponse, SetupState } from '../message.ts'
import type { Passwords } from '../password.ts'
import type { AppDeps } from '../ports.ts'
import { type Call, type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'
import type { LiveSession, Sessions } from '../sessions.ts'
import type { Tries } from '../tries.ts'

type Deps = Pick<
  AppDeps,
  'clock' | 'directory' | 'claim' | 'claimMinutes' | 'isAttached' | 'authority' | 'settings'
> & {
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly tries: Tries
}

export const enrolmentOf = (enrolled: NewDevice): Enrolment => ({
  device: enrolled.device.id,
  token: enrolled.token,
  user: enrolled.device.user,
  displayName: enrolled.displayName,
})

const sessionOf = (session: LiveSession, directory: Directory): Session => {
  const user = directory.user(session.user)!
  // A guest has no password and so no session.
  const role = user.role === 'owner' ? 'owner' : 'member'
  return { user: user.name, displayName: user.displayName, role, csrfToken: session.csrfToken }
}

export function setupRoutes(deps: Deps): Route[] {
  const { directory, sessions, passwords, tries, clock } = deps
  const startedAt = clock.monotonic()

  /** A new session under a new id, whatever the browser held before (against session fixation). */
  const logIn = (user: string, call: Call<unknown, unknown>) => {
    sessions.end(sessionIn(call.cookies, call.secure))
    const { id, session } = sessions.start(user, clock.monotonic(), {
      address: call.peer,
      userAgent: call.header('user-agent') ?? '',
    })
    const mark = tries.newMark(user)
    return {
      session: sessionOf(session, directory),
      cookies: [setSession(id, call.secure), setKnown(mark, call.secure)],
    }
  }
  /** How long yet the claim is open, without a code, to whoever asks from there. */
  const openSeconds = (peer: string): number => {
    if (directory.owner() !== undefined || !deps.isAttached(peer)) return 0
    const left = minutes(deps.claimMinutes) - (clock.monotonic() - startedAt)
    return Math.max(0, Math.ceil(left / 1_000))
  }
  const spareHashing = (): void => {
    if (passwords.full) throw tooManyTries(1_000)
  }

  return [
    route({
      method: 'GET',
      path: '/setup',
      who: 'anyone',
      summary: 'Whether the appliance has an owner, and which authority to trust.',
      answers: { 200: schemas.setupState },
      handle: call => {
        const body: SetupState = {
          claimed: directory.owner() !== undefined,
          reset: directory.owner() === undefined && deps.settings.ownerReset() !== undefined,
          place: directory.place(),
          caFingerprint: deps.authority.fingerprint(),
          openSeconds: openSeconds(call.peer),
        }
        return { status: 200, body }
      },
    }),
    route({
      method: 'POST',
      path: '/setup',
      who: 'anyone',
      summary: 'Claims the appliance: makes its owner, logs them in and enrols this browser.',
      body: schemas.setupRequest,
      answers: { 201: schemas.setupResponse },
      handle: async call => {
        const { code, place, displayName, password, showNames } = call.body
        const wait = isClaimToken(code ?? '') ? 0 : tries.claim(call.peer, clock.monotonic())
        if (wait > 0) throw tooManyTries(wait)
        if (directory.owner())
          throw new HttpError(409, 'claimed', 'this appliance has an owner already; log in instead')
        if (code === undefined && openSeconds(call.peer) === 0) {
          throw new HttpError(
            403,
            'codeNeeded',
            'the setup code is needed: it stands where lanline was started, in its log, or in lanline-setup.txt on the card; or start the appliance anew',
          )
        }
        if (code !== undefined && !isRightClaim(code, deps.claim)) {
          throw new HttpError(
            403,
            'wrongCode',
            'this code is not right; it stands where lanline was started, in its log, or in lanline-setup.txt on the card',
          )
        }
        spareHashing()
        const passwordHash = await passwords.hash(password)
        const enrolled = await directory.claim({
          displayName,
          place,
          showNames,
          passwordHash,
          device: { name: 'Browser', kind: 'page' },
        })
        const { session, cookies } = logIn(enrolled.device.user, call)
        const body: SetupResponse = { session, enrolment: enrolmentOf(enrolled) }
        return { status: 201, body, cookies }
      },
    }),
    route({
      method: 'POST',
      path: '/session',
      who: 'anyone',
      summary: 'Logs in.',
      body: schemas.sessionRequest,
      answers: { 200: schemas.session },
      handle: async call => {
        const { password } = call.body
        const user = directory.userCalled(call.body.user) ?? call.body.user
        const mark = knownIn(call.cookies, call.secure)
        const wait = tries.login(user, call.peer, mark, clock.monotonic())
        if (wait > 0) throw tooManyTries(wait)
        spareHashing()
        const stored = directory.user(user)?.passwordHash
        // Looked at again: a new password, meanwhile, has ended the sessions of the old one.
        if (!(await passwords.verify(password, stored)) || directory.user(user)?.passwordHash !== stored) {
          throw new HttpError(401, 'wrongPassword', 'name or password is not right')
        }
        if (directory.user(user)!.disabled) {
          throw new HttpError(403, 'disabled', 'the owner has switched you off for now; ask them')
        }
        const { session, cookies } = logIn(user, call)
        return { status: 200, body: session, cookies }
      },
    }),
    route({
      method: 'GET',
      path: '/session',
      who: 'member',
      summary: 'Who is logged in.',
      answers: { 200: schemas.session },
      handle: call => {
        if (call.principal.kind !== 'session') throw noSession()
        return { status: 200, body: sessionOf(call.principal.session, directory) }
      },
    }),
    route({
      method: 'DELETE',
      path: '/session',
      who: 'member',
      summary: 'Logs out.',
      answers: { 204: null },
      handle: call => {
        if (call.principal.kind !== 'session') throw noSession()
        sessions.end(call.principal.id)
        return { status: 204, cookies: [clearSession(call.secure)] }
      },
    }),
  ]
}

const noSession = (): HttpError =>
  new HttpError(404, 'notFound', 'there is no session: this is not a browser login')
