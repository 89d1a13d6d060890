/** What this browser keeps between visits. The console writes the first entry too, for the owner's own browser. */
export const storageKeys = {
  /** `Enrolment`: who this device is. */
  enrolment: 'lanline.enrolment',
  /** A request to join that the owner has not answered. */
  request: 'lanline.request',
  /** This browser's own id for asking to join: it has one open request. */
  page: 'lanline.page',
  /** Chosen microphone, camera, speaker. */
  devices: 'lanline.devices',
  /** How loud it rings, 0 to 1. */
  ring: 'lanline.ring',
  /** `false`: who calls is not shown outside the page. */
  notify: 'lanline.notify',
  /** For which script the page was last loaded anew by itself, and when. */
  renewed: 'lanline.renewed',
  /** `true`: this phone hangs on a wall. */
  wall: 'lanline.wall',
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

/** Random and kept; made at the first use. */
export function pageId(): string {
  const known = readJson<string>(storageKeys.page)
  if (known !== undefined) return known
  const id = [...crypto.getRandomValues(new Uint8Array(16))]
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('')
  writeJson(storageKeys.page, id)
  return id
}
