/** The devices of this person, by this device's own right (RFC 6750 §2.1). */
import type { Device, Enrolment, ErrorBody, Invite, Softphone } from '../../src/admin/message.ts'
import { readJson, storageKeys } from './storage.ts'

export const thisDevice = (): string => readJson<Enrolment>(storageKeys.enrolment)?.device ?? ''

export const listDevices = (): Promise<readonly Device[]> => ask('GET', '/devices')
export const renameDevice = (id: string, name: string): Promise<Device> =>
  ask('PATCH', `/devices/${id}`, { name })
export const addSoftphone = (deviceName: string): Promise<Softphone> =>
  ask('POST', '/softphones', { deviceName })
/** For one further device, once, within the hour. */
export const inviteOwnDevice = (): Promise<Invite> => ask('POST', '/invites', {})
export const removeDevice = (id: string): Promise<void> => ask('DELETE', `/devices/${id}`)

/** Rejects with a sentence for the person. */
async function ask<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const token = readJson<Enrolment>(storageKeys.enrolment)?.token ?? ''
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    cache: 'no-store',
    credentials: 'omit',
    body: body === undefined ? null : JSON.stringify(body),
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new Error((answer as ErrorBody | undefined)?.error.message ?? '')
  return answer as Body
}
