import type { TextStorage } from '../../client/env.ts'

/** What this browser keeps between visits. The console writes the first entry too, for the owner's own browser. */
export const storageKeys = {
  /** `Enrolment`: who this device is. */
  enrolment: 'lanline.enrolment',
  /** A request to join that the owner has not answered. */
  request: 'lanline.request',
  /** When a guest's time is over, by this machine's clock. */
  guestUntil: 'lanline.guestUntil',
  /** `RightEnd`: what became of a right that this browser had, until it asks for another. */
  rightEnd: 'lanline.rightEnd',
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

/** What it will not keep, without room or with site data not allowed, is known until the page is closed. */
const untilClosed = new Map<string, string>()

export const isKept = (key: string): boolean => !untilClosed.has(key)

/** `localStorage`, which never throws. */
export const pageStorage: TextStorage = {
  getItem: key => {
    const known = untilClosed.get(key)
    if (known !== undefined) return known
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },
  setItem: (key, text) => {
    untilClosed.delete(key)
    try {
      localStorage.setItem(key, text)
    } catch {
      untilClosed.set(key, text)
    }
  },
  removeItem: key => {
    untilClosed.delete(key)
    try {
      localStorage.removeItem(key)
    } catch {
      // Nothing is kept where that is refused.
    }
  },
}

export function readJson<Value>(key: string): Value | undefined {
  try {
    const text = pageStorage.getItem(key)
    return text === null ? undefined : (JSON.parse(text) as Value)
  } catch {
    return undefined
  }
}

export function writeJson<Value>(key: string, value: Value | undefined): void {
  if (value === undefined) pageStorage.removeItem(key)
  else pageStorage.setItem(key, JSON.stringify(value))
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
