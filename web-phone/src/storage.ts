/** What this browser keeps between visits. The console writes the first entry too, for the owner's own browser. */
export const storageKeys = {
  /** `Enrolment`: who this device is. */
  enrolment: 'lanline.enrolment',
  /** A request to join that the owner has not answered. */
  request: 'lanline.request',
  /** Chosen microphone, camera, speaker. */
  devices: 'lanline.devices',
} as const

export function readJson<Value>(key: string): Value | undefined {
  try {
    const text = localStorage.getItem(key)
    return text === null ? undefined : (JSON.parse(text) as Value)
  } catch {
    return undefined
  }
}

export function writeJson<Value>(key: string, value: Value | undefined): void {
  if (value === undefined) localStorage.removeItem(key)
  else localStorage.setItem(key, JSON.stringify(value))
}
