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

/** Pure: the camera to go on to from this one: one that looks the other way where labels tell (phones have several), else the next. */
export function otherCamera(
  cameras: readonly Pick<MediaDeviceInfo, 'deviceId' | 'label'>[],
  current: string,
): string | undefined {
  const at = cameras.findIndex(({ deviceId }) => deviceId === current)
  const inTurn = [...cameras.slice(at + 1), ...cameras.slice(0, Math.max(0, at))]
  const way = facing(cameras[at]?.label)
  const opposite = inTurn.find(({ label }) => way !== undefined && facing(label) === -way)
  return (opposite ?? inTurn[0])?.deviceId
}

/** 1: towards who holds it; -1: away from them; undefined: nothing tells. */
function facing(label = ''): 1 | -1 | undefined {
  if (/front|user/i.test(label)) return 1
  return /back|rear|environment/i.test(label) ? -1 : undefined
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
