/** Rows as the interface tells them, by more than one route. */
import type { DeviceRow, RequestRow, UserRow } from '../store/message.ts'
import type { Device, User, WaitingRequest } from './message.ts'
import type { AppDeps } from './ports.ts'

export function deviceBody({ live }: Pick<AppDeps, 'live'>, row: DeviceRow): Device {
  const now = live.device(row.id)
  return {
    id: row.id,
    user: row.user,
    name: row.name,
    kind: row.kind,
    digestUser: row.digestUser,
    createdAt: row.createdAt,
    lastSeenAt: row.lastSeenAt,
    reachable: now !== undefined,
    transport: now?.transport ?? '',
    address: now?.address ?? '',
    userAgent: now?.userAgent ?? '',
  }
}

export function userBody(deps: Pick<AppDeps, 'live' | 'directory'>, row: UserRow): User {
  const { live, directory } = deps
  return {
    name: row.name,
    displayName: row.displayName,
    number: row.number,
    role: row.role,
    expiresAt: directory.stayUntil(row.name),
    seenByGuests: row.seenByGuests,
    alsoRings: row.alsoRings,
    doorKeys: row.doorKeys,
    quietHours: row.quietHours,
    disabled: row.disabled,
    mayLogIn: row.passwordHash !== undefined,
    presence: live.presence(row.name),
    devices: directory.devices(row.name).map(device => deviceBody(deps, device)),
  }
}

export const waitingBody = ({
  id,
  displayName,
  deviceName,
  address,
  createdAt,
}: RequestRow): WaitingRequest => ({ id, displayName, deviceName, address, createdAt })
