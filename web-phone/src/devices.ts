/** The person's choice of microphone, camera and speaker, and what there is to choose from. */
import { readJson, storageKeys, writeJson } from './storage.ts'

export interface ChosenDevices {
  readonly microphone: string
  readonly camera: string
  readonly speaker: string
}

const none: ChosenDevices = { microphone: '', camera: '', speaker: '' }

export function chosenDevices(): ChosenDevices {
  return { ...none, ...readJson<Partial<ChosenDevices>>(storageKeys.devices) }
}

export function chooseDevice(what: keyof ChosenDevices, id: string): void {
  writeJson(storageKeys.devices, { ...chosenDevices(), [what]: id })
}

export interface DeviceList {
  readonly microphone: readonly MediaDeviceInfo[]
  readonly camera: readonly MediaDeviceInfo[]
  readonly speaker: readonly MediaDeviceInfo[]
}

/** Empty where the browser hides them. `default` and `communications` are names of devices listed anyway. */
export async function listDevices(): Promise<DeviceList> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? []
  const of = (kind: MediaDeviceKind) =>
    all.filter(device => device.kind === kind && !['', 'default', 'communications'].includes(device.deviceId))
  return { microphone: of('audioinput'), camera: of('videoinput'), speaker: of('audiooutput') }
}
