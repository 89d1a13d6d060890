/** The devices of this person. */
import type { Device, Enrolment, Invite, Softphone } from '../../src/admin/message.ts'
import { ask } from './ask.ts'
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
