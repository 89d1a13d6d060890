/** People and their devices. */

import { z } from 'zod'
import type { DeviceRow, UserRow } from '../../store/message.ts'
import { deviceBody, userBody } from '../bodies.ts'
import { HttpError } from '../errors.ts'
import type { Softphone } from '../message.ts'
import type { Passwords } from '../password.ts'
import type { AppDeps } from '../ports.ts'
import type { Provisioning } from '../provisioning.ts'
import { isOwner, type Principal, type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'
import type { Sessions } from '../sessions.ts'

type Deps = Pick<AppDeps, 'directory' | 'live' | 'network'> & {
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly provisioning: Provisioning
}

export function userRoutes(deps: Deps): Route[] {
  const { directory, network, sessions, passwords, provisioning } = deps
  const told = (row: UserRow) => userBody(deps, row)
  const toldDevice = (row: DeviceRow) => deviceBody(deps, row)
  const ownDevice = (principal: Principal, id: string): DeviceRow => {
    const device = directory.device(id)
    // A device of somebody else does not exist for a member.
    if (device === undefined || !mayTouch(principal, device.user)) {
      throw new HttpError(404, 'notFound', 'there is no such device')
    }
    return device
  }

  /** Pages show callers by this name alone. */
  const isAnothers = (displayName: string, name: string): boolean => {
    const wanted = spoken(displayName)
    return directory.users().some(one => one.name !== name && spokenOf(one) === wanted)
  }
  /** Rows are never changed: what was found of one holds. */
  const spokenNames = new WeakMap<UserRow, string>()
  const spokenOf = (row: UserRow): string => {
    const known = spokenNames.get(row) ?? spoken(row.displayName)
    spokenNames.set(row, known)
    return known
  }

  return [
    route({
      method: 'GET',
      path: '/users',
      who: 'owner',
      summary: 'Everybody, with their devices.',
      answers: { 200: z.array(schemas.user) },
      handle: () => ({ status: 200, list: directory.users().values().map(told) }),
    }),
    route({
      method: 'POST',
      path: '/users',
      who: 'owner',
      summary: 'Adds a person; with a SIP password also their first SIP device.',
      body: schemas.newUser,
      answers: { 201: schemas.user },
      handle: async call => ({ status: 201, body: told(await directory.addUser(call.body)) }),
    }),
    route({
      method: 'PATCH',
      path: '/users/:name',
      who: 'member',
      summary: 'Changes a person: everybody themselves, the owner everybody.',
      body: schemas.userChange,
      answers: { 200: schemas.user },
      handle: async call => {
        const name = call.params.name!
        const {
          displayName,
          number,
          doNotDisturb,
          quietHours,
          password,
          sipPassword,
          seenByGuests,
          alsoRings,
          doorKeys,
          staySeconds,
          disabled,
          role,
        } = call.body
        if (!mayTouch(call.principal, name))
          throw new HttpError(403, 'forbidden', 'only the owner may change others')
        if (directory.user(name) === undefined) throw new HttpError(404, 'notFound', `there is no ${name}`)
        // Whoever holds a phone's token shall not be able to turn it into a console login.
        if (call.principal.kind === 'device' && (password ?? sipPassword) !== undefined) {
          throw new HttpError(403, 'forbidden', 'log in to the console to change passwords')
        }
        // Nor whoever finds a member's console open, for good: by the old password it is `POST /password`.
        if (!isOwner(call.principal) && password !== undefined) {
          throw new HttpError(403, 'forbidden', 'change your password by the old one, in the settings')
        }
        if (!isOwner(call.principal) && directory.user(name)!.role === 'guest' && displayName !== undefined) {
          throw new HttpError(403, 'guest', 'the owner let you in by this name; ask them for another')
        }
        if (!isOwner(call.principal) && displayName !== undefined && isAnothers(displayName, name)) {
          throw new HttpError(
            409,
            'taken',
            'somebody here goes by that name; choose one that tells you apart',
          )
        }
        const forOwner = [number, seenByGuests, alsoRings, doorKeys, staySeconds, disabled, role].some(
          value => value !== undefined,
        )
        if (!isOwner(call.principal) && forOwner) {
          throw new HttpError(403, 'forbidden', 'only the owner decides about that')
        }
        if (role === 'owner' && (password ?? directory.user(name)!.passwordHash) === undefined) {
          throw new HttpError(400, 'badBody', 'password: an owner needs one for the console')
        }
        if (directory.user(name)!.role === 'guest' && (password ?? sipPassword) !== undefined) {
          throw new HttpError(409, 'guest', 'a guest has no password; let them stay for good first')
        }
        if (password !== undefined && passwords.full)
          throw new HttpError(503, 'busy', 'try again in a moment')
        const passwordHash = password === undefined ? undefined : await passwords.hash(password)
        if (sipPassword !== undefined) await directory.setSipPassword(name, sipPassword)
        const user = await directory.changeUser(name, {
          displayName,
          number,
          doNotDisturb,
          quietHours,
          passwordHash,
          seenByGuests,
          alsoRings,
          doorKeys,
          staySeconds,
          disabled,
          role,
        })
        if (user.disabled) sessions.endAllOf(name)
        if (passwordHash !== undefined) {
          sessions.endAllOf(name, call.principal.kind === 'session' ? call.principal.id : undefined)
        }
        // A guest is told of nobody whom they may not know.
        const body = told(user)
        const isTold = (one: string): boolean => isOwner(call.principal) || directory.mayCall(name, one)
        return { status: 200, body: { ...body, alsoRings: body.alsoRings.filter(isTold) } }
      },
    }),
    route({
      method: 'DELETE',
      path: '/users/:name',
      who: 'owner',
      summary: 'Removes a person and all their devices; their calls end.',
      answers: { 204: null },
      handle: async call => {
        await directory.removeUser(call.params.name!)
        sessions.endAllOf(call.params.name!)
        return { status: 204 }
      },
    }),
    route({
      method: 'GET',
      path: '/devices',
      who: 'member',
      summary: 'Devices: everybody sees their own, the owner all.',
      query: schemas.devicesQuery,
      answers: { 200: z.array(schemas.device) },
      handle: call => {
        const whose = isOwner(call.principal) ? call.query.user : userOf(call.principal)
        return { status: 200, body: directory.devices(whose).map(toldDevice) }
      },
    }),
    route({
      method: 'POST',
      path: '/softphones',
      who: 'member',
      summary: 'Makes a SIP device for a phone or app that is typed into; tells its password once.',
      body: schemas.softphoneRequest,
      answers: { 201: schemas.softphone },
      handle: async call => {
        const user = call.body.user ?? userOf(call.principal)
        if (user === undefined) throw new HttpError(400, 'badBody', 'user: say for whom the phone is')
        if (!mayTouch(call.principal, user))
          throw new HttpError(403, 'forbidden', 'only the owner may make phones for others')
        const { device, password } = await directory.addSoftphone(user, call.body.deviceName)
        const { hostname, addresses, ports } = network()
        const body: Softphone = {
          device: device.id,
          user,
          displayName: directory.user(user)!.displayName,
          digestUser: device.digestUser!,
          password,
          host: addresses[0]?.address ?? `${hostname}.local`,
          hostName: `${hostname}.local`,
          port: ports.sip,
          tlsPort: ports.sips,
          linphone: provisioning.offer(device.id, call.peer),
        }
        return { status: 201, body }
      },
    }),
    route({
      method: 'PATCH',
      path: '/devices/:id',
      who: 'member',
      summary: 'Renames a device.',
      body: schemas.deviceChange,
      answers: { 200: schemas.device },
      handle: async call => {
        ownDevice(call.principal, call.params.id!)
        return {
          status: 200,
          body: toldDevice(await directory.renameDevice(call.params.id!, call.body.name)),
        }
      },
    }),
    route({
      method: 'DELETE',
      path: '/devices/:id',
      who: 'member',
      summary: 'Revokes a device: its connections, registrations and calls end at once.',
      answers: { 204: null },
      handle: async call => {
        ownDevice(call.principal, call.params.id!)
        await directory.revokeDevice(call.params.id!)
        return { status: 204 }
      },
    }),
  ]
}

/** As it is read, whatever the capitals, spaces and widths, and what cannot be seen. */
const spoken = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()

const mayTouch = (principal: Principal, user: string): boolean =>
  isOwner(principal) || userOf(principal) === user
