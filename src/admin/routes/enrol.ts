/** How a device gets in: by invite, by asking, or by itself where the policy says so. */

import { z } from 'zod'
import { hours, seconds } from '../../core/clock.ts'
import type { InviteRow } from '../../store/message.ts'
import { waitingBody } from '../bodies.ts'
import { HttpError, tooManyTries } from '../errors.ts'
import type { Invite, InviteLook, JoinRequest, JoinState } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Principal, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'
import type { Tries } from '../tries.ts'
import { enrolmentOf } from './setup.ts'

type Deps = Pick<AppDeps, 'directory' | 'clock' | 'policies' | 'inviteOrigin'> & { readonly tries: Tries }

const defaultInviteHours = 72
/** To a further device of one's own, which is at hand. */
const ownInvite = { hours: 1, open: 5 } as const

type InviteWish = z.infer<typeof schemas.newInvite>

export function enrolRoutes({ directory, clock, policies, inviteOrigin, tries }: Deps): Route[] {
  const invitesOf = (principal: Principal): readonly InviteRow[] =>
    isOwner(principal)
      ? directory.invites()
      : directory.invites().filter(({ user }) => user !== undefined && user === userOf(principal))

  /** What somebody who is not the owner may ask for: one further device of their own, soon. */
  const ownWish = (principal: Principal, wish: InviteWish): InviteWish => {
    const user = userOf(principal)
    if (user === undefined || (wish.user ?? user) !== user || wish.staySeconds !== undefined) {
      throw new HttpError(403, 'forbidden', 'only the owner may invite others')
    }
    if (directory.user(user)?.role === 'guest') {
      throw new HttpError(409, 'guest', 'a guest has one device; ask the owner to let another one in')
    }
    if ((wish.hours ?? 0) > ownInvite.hours) {
      throw new HttpError(
        400,
        'badBody',
        `hours: an invitation to oneself is good for ${ownInvite.hours} at most`,
      )
    }
    if (invitesOf(principal).length >= ownInvite.open) {
      throw new HttpError(
        429,
        'tooMany',
        'there are enough open invitations to you; use or withdraw one first',
      )
    }
    return { user, hours: wish.hours ?? ownInvite.hours }
  }

  return [
    route({
      method: 'POST',
      path: '/devices',
      who: 'anyone',
      summary: 'Asks to be enrolled: at once by invite or policy, otherwise by the owner.',
      body: schemas.enrolRequest,
      answers: { 201: schemas.enrolment, 202: schemas.joinRequest },
      handle: async call => {
        const { displayName, deviceName, kind, invite, user, page } = call.body
        const wish = { name: deviceName, kind }
        if (isOwner(call.principal)) {
          const whose = user ?? userOf(call.principal)
          const enrolled = await directory.enrol(
            whose === undefined ? { displayName } : { user: whose },
            wish,
          )
          return { status: 201, body: enrolmentOf(enrolled) }
        }
        if (user !== undefined)
          throw new HttpError(403, 'forbidden', 'only the owner may enrol a device for others')
        const wait = tries.join(call.peer, clock.monotonic())
        if (wait > 0) throw tooManyTries(wait)
        if (directory.owner() === undefined) {
          throw new HttpError(409, 'unclaimed', 'this appliance has no owner yet; claim it first, at /admin/')
        }
        if (invite !== undefined) {
          return { status: 201, body: enrolmentOf(await directory.enrolByInvite(invite, displayName, wish)) }
        }
        if (policies.enrol === 'invite') {
          throw new HttpError(403, 'inviteNeeded', 'ask the owner for an invitation and open its link')
        }
        if (policies.enrol === 'open') {
          return { status: 201, body: enrolmentOf(await directory.enrol({ displayName }, wish)) }
        }
        const { request, secret } = await directory.addRequest({
          displayName,
          device: wish,
          address: call.peer,
          page,
        })
        const body: JoinRequest = { id: request.id, secret }
        return { status: 202, body }
      },
    }),
    route({
      method: 'GET',
      path: '/requests/:id',
      who: 'anyone',
      summary: 'How a request to join stands; needs its secret in the header x-request-secret.',
      headers: { 'x-request-secret': 'The secret that POST /devices answered with.' },
      answers: { 200: schemas.joinState },
      handle: async call => {
        const secret = call.header('x-request-secret') ?? ''
        const { state, enrolled } = await directory.fetchRequest(call.params.id!, secret)
        const body: JoinState = { state, enrolment: enrolled && enrolmentOf(enrolled) }
        return { status: 200, body }
      },
    }),
    route({
      method: 'GET',
      path: '/requests',
      who: 'owner',
      summary: 'Who is waiting to be let in.',
      answers: { 200: z.array(schemas.waitingRequest) },
      handle: () => {
        const waiting = directory.requests().filter(request => request.state === 'waiting')
        return { status: 200, body: waiting.map(waitingBody) }
      },
    }),
    route({
      method: 'POST',
      path: '/requests/:id/allow',
      who: 'owner',
      summary: 'Lets somebody in, as a new person or as a device of one that exists.',
      body: schemas.allowRequest,
      answers: { 204: null },
      handle: async call => {
        if (call.body.user !== undefined && call.body.staySeconds !== undefined) {
          throw new HttpError(
            400,
            'badBody',
            'a device of somebody who is known stays as long as they do: leave staySeconds out',
          )
        }
        await directory.allowRequest(call.params.id!, call.body)
        return { status: 204 }
      },
    }),
    route({
      method: 'POST',
      path: '/requests/:id/deny',
      who: 'owner',
      summary: 'Turns somebody away.',
      answers: { 204: null },
      handle: async call => {
        await directory.denyRequest(call.params.id!)
        return { status: 204 }
      },
    }),
    route({
      method: 'GET',
      path: '/invites',
      who: 'member',
      summary: 'Open invitations, without their tokens: everybody sees those to themselves, the owner all.',
      answers: { 200: z.array(schemas.invite) },
      handle: call => ({ status: 200, body: invitesOf(call.principal).map(row => inviteBody(row)) }),
    }),
    route({
      method: 'POST',
      path: '/invites',
      who: 'member',
      summary:
        'Makes an invitation for one device: everybody for a device of their own, the owner for anybody.',
      body: schemas.newInvite,
      answers: { 201: schemas.invite },
      handle: async call => {
        const wish = isOwner(call.principal) ? call.body : ownWish(call.principal, call.body)
        const { user, staySeconds, stayFromNow } = wish
        if (user !== undefined && staySeconds !== undefined && directory.user(user)) {
          throw new HttpError(
            400,
            'badBody',
            'a device of somebody who is known stays as long as they do: leave staySeconds out',
          )
        }
        const wanted = hours(wish.hours ?? defaultInviteHours)
        const lifetime =
          stayFromNow && staySeconds !== undefined ? Math.min(wanted, seconds(staySeconds)) : wanted
        const { invite, token } = await directory.addInvite(user, lifetime, staySeconds, stayFromNow)
        return { status: 201, body: inviteBody(invite, token, `${inviteOrigin(call.peer)}/j#${token}`) }
      },
    }),
    route({
      method: 'POST',
      path: '/invites/look',
      who: 'anyone',
      summary: 'For whom an invitation is and for how long, by its token; uses nothing up.',
      body: schemas.inviteLookRequest,
      answers: { 200: schemas.inviteLook },
      handle: call => {
        // No limit on tries: a token has 192 bits.
        return { status: 200, body: directory.invited(call.body.invite) satisfies InviteLook }
      },
    }),
    route({
      method: 'DELETE',
      path: '/invites/:id',
      who: 'member',
      summary: 'Withdraws an invitation: everybody those to themselves, the owner any.',
      answers: { 204: null },
      handle: async call => {
        if (!invitesOf(call.principal).some(({ id }) => id === call.params.id)) {
          throw new HttpError(404, 'notFound', 'there is no such invitation')
        }
        await directory.removeInvite(call.params.id!)
        return { status: 204 }
      },
    }),
  ]
}

const inviteBody = (
  { id, user, staySeconds, expiresAt }: InviteRow,
  token?: string,
  url?: string,
): Invite => ({
  id,
  user,
  staySeconds,
  expiresAt,
  token,
  url,
})
