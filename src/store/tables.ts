/** Rows of people, devices, invites and requests: their statements, and how they are read back. */
import type { Epoch, Monotonic } from '../core/clock.ts'
import { isQuietHours, type QuietHours } from '../core/quiet-hours.ts'
import { statement } from './client.ts'
import type { Row, Statement } from './database.ts'
import type { DeviceRow, InviteRow, RequestRow, UserRow } from './message.ts'
import { leftAhead, type Stay } from './stay.ts'

export const putUser = (user: UserRow): Statement =>
  statement(
    `insert into users values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (name) do update set
      display_name = excluded.display_name, role = excluded.role, password_hash = excluded.password_hash,
      do_not_disturb = excluded.do_not_disturb, stay_from = excluded.stay_from,
      stay_until = excluded.stay_until, seen_by_guests = excluded.seen_by_guests,
      stay_left = excluded.stay_left, disabled = excluded.disabled, number = excluded.number,
      also_rings = excluded.also_rings, quiet_hours = excluded.quiet_hours,
      quiet_skipped = excluded.quiet_skipped, door_keys = excluded.door_keys`,
    user.name,
    user.displayName,
    // Whoever stays for a time is a guest: the column knows only the two others.
    user.role === 'owner' ? 'owner' : 'member',
    user.passwordHash ?? null,
    user.doNotDisturbByHand ? 1 : 0,
    user.createdAt,
    user.stay?.from ?? null,
    user.stay?.until ?? null,
    user.seenByGuests ? 1 : 0,
    user.stay === undefined ? null : leftAhead(user.stay),
    user.disabled ? 1 : 0,
    user.number,
    user.alsoRings.join(' '),
    user.quietHours === undefined ? null : JSON.stringify(user.quietHours),
    user.quietSkipped ?? null,
    user.doorKeys,
  )

/** As it is, for a stop that is not by surprise. */
export const putStayLeft = (name: string, milliseconds: number): Statement =>
  statement('update users set stay_left = ? where name = ?', milliseconds, name)

export const putDevice = (device: DeviceRow): Statement =>
  statement(
    `insert into devices values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set
      name = excluded.name, token_hash = excluded.token_hash, digest_user = excluded.digest_user,
      ha1_md5 = excluded.ha1_md5, ha1_sha256 = excluded.ha1_sha256, expires_at = excluded.expires_at,
      last_seen_at = excluded.last_seen_at`,
    device.id,
    device.user,
    device.name,
    device.kind,
    device.tokenHash ?? null,
    device.digestUser ?? null,
    device.ha1Md5 ?? null,
    device.ha1Sha256 ?? null,
    device.createdAt,
    device.expiresAt ?? null,
    device.lastSeenAt ?? null,
  )

export const putInvite = (invite: InviteRow): Statement =>
  statement(
    `insert into invites values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set
      used_at = excluded.used_at`,
    invite.id,
    invite.tokenHash,
    invite.user ?? null,
    invite.createdAt,
    invite.expiresAt,
    invite.staySeconds ?? null,
    invite.usedAt ?? null,
    invite.stayFromNow ? 1 : 0,
  )

export const putRequest = (request: RequestRow): Statement =>
  statement(
    `insert into requests values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set
      state = excluded.state, user = excluded.user, device = excluded.device`,
    request.id,
    request.displayName,
    request.deviceName,
    request.kind,
    request.secretHash,
    request.address,
    request.state,
    request.user ?? null,
    request.device ?? null,
    request.createdAt,
    request.pageHash ?? null,
  )

export const deleteUser = (name: string): Statement => statement('delete from users where name = ?', name)
export const deleteDevice = (id: string): Statement => statement('delete from devices where id = ?', id)
export const deleteInvite = (id: string): Statement => statement('delete from invites where id = ?', id)
export const deleteRequest = (id: string): Statement => statement('delete from requests where id = ?', id)

export const userOf = (row: Row, countedAt: Monotonic): UserRow => ({
  name: String(row.name),
  displayName: String(row.display_name),
  number: String(row.number),
  role: row.stay_until === null ? (row.role as UserRow['role']) : 'guest',
  stay: stayOf(row, countedAt),
  seenByGuests: row.seen_by_guests === 1,
  alsoRings: String(row.also_rings).split(' ').filter(Boolean),
  doorKeys: String(row.door_keys),
  passwordHash: text(row.password_hash),
  doNotDisturbByHand: row.do_not_disturb === 1,
  quietHours: quietHoursOf(row.quiet_hours),
  quietSkipped: time(row.quiet_skipped),
  disabled: row.disabled === 1,
  createdAt: row.created_at as Epoch,
})

export const deviceOf = (row: Row): DeviceRow => ({
  id: String(row.id),
  user: String(row.user),
  name: String(row.name),
  kind: row.kind as DeviceRow['kind'],
  tokenHash: text(row.token_hash),
  digestUser: text(row.digest_user),
  ha1Md5: text(row.ha1_md5),
  ha1Sha256: text(row.ha1_sha256),
  createdAt: row.created_at as Epoch,
  expiresAt: time(row.expires_at),
  lastSeenAt: time(row.last_seen_at),
})

export const inviteOf = (row: Row): InviteRow => ({
  id: String(row.id),
  tokenHash: String(row.token_hash),
  user: text(row.user),
  createdAt: row.created_at as Epoch,
  expiresAt: row.expires_at as Epoch,
  staySeconds: row.stay_seconds === null ? undefined : Number(row.stay_seconds),
  usedAt: time(row.used_at),
  stayFromNow: row.stay_from_now === 1,
})

export const requestOf = (row: Row): RequestRow => ({
  id: String(row.id),
  displayName: String(row.display_name),
  deviceName: String(row.device_name),
  kind: row.kind as RequestRow['kind'],
  secretHash: String(row.secret_hash),
  pageHash: text(row.page_hash),
  address: String(row.address),
  state: row.state as RequestRow['state'],
  user: text(row.user),
  device: text(row.device),
  createdAt: row.created_at as Epoch,
})

function stayOf(row: Row, countedAt: Monotonic): Stay | undefined {
  const from = time(row.stay_from)
  const until = time(row.stay_until)
  if (from === undefined || until === undefined) return undefined
  return { from, until, leftMilliseconds: Number(row.stay_left ?? until - from), countedAt }
}

/** Undefined also for a zone that this program does not know: it may have been written by a newer one. */
function quietHoursOf(value: Row[string] | undefined): QuietHours | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const hours: unknown = JSON.parse(value)
    return isQuietHours(hours) ? hours : undefined
  } catch {
    return undefined
  }
}

const text = (value: Row[string] | undefined): string | undefined =>
  value === null || value === undefined ? undefined : String(value)
const time = (value: Row[string] | undefined): Epoch | undefined =>
  value === null || value === undefined ? undefined : (value as Epoch)
