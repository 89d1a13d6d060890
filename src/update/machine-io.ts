/** Reads and writes what this machine's slots are in: small files, each replaced whole. */

import { type KeyObject, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { trustedKeys } from './codec.ts'
import type { Booted, Slot, SlotState, UpdateProblem, UpdateStatus } from './message.ts'
import { dataMount, type Places, waiting } from './places.ts'
import { decodeBooted, decodeState, encodeState, mountedAt, slotDevice } from './slots.ts'

export class UpdateError extends Error {
  readonly code: UpdateProblem

  constructor(code: UpdateProblem, message: string) {
    super(message)
    this.name = 'UpdateError'
    this.code = code
  }
}

/** Debian's name of what Node calls it. */
export const architectureOf = (node: string): string => (node === 'x64' ? 'amd64' : node)

export const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

export const bootedOf = (places: Places): Booted | undefined => decodeBooted(textOf(places.booted))
export const stateOf = (places: Places): SlotState => decodeState(textOf(places.state))
export const keysOf = (places: Places): KeyObject[] => trustedKeys(textOf(places.keys) ?? '')
/** A status was written since the machine was started. */
export const hasWorked = (places: Places): boolean => existsSync(places.worked)

/** Our own root wrote it, whole. */
export function statusOf(places: Places): UpdateStatus | undefined {
  try {
    return JSON.parse(textOf(places.status) ?? '') as UpdateStatus
  } catch {
    return undefined
  }
}

export const writeState = (places: Places, state: SlotState): void =>
  replace(places.state, encodeState(state))
export function writeStatus(places: Places, status: UpdateStatus): void {
  replace(places.status, `${JSON.stringify(status)}\n`)
  writeFileSync(places.worked, '')
}

/** Readable by all: the daemon, which may not write there, tells what is in it. */
function replace(path: string, text: string): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', 0o644)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
  syncDirectory(dirname(path))
}

/** What was renamed or removed in it is so after a power cut, too. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/**
 * It is no longer waited for, whatever it was. Root deletes nothing below a place that others can change: a directory is put
 * aside, and the daemon deletes it.
 */
export function takeAway(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    renameSync(path, join(dirname(path), `${waiting.incoming}-${randomUUID()}`))
  }
}

export interface SlotDevice {
  readonly path: string
  readonly bytes: number
}

/** Undefined: it cannot be found, or its size cannot be told. */
export function deviceOf(places: Places, slot: Slot): SlotDevice | undefined {
  const device = slotDevice(mountedAt(dataMount, textOf(places.mounts) ?? '') ?? '', slot)
  if (device === undefined) return undefined
  const path = places.under(device)
  try {
    if (statSync(path).isFile()) return { path, bytes: statSync(path).size }
    const sectors = Number(textOf(places.under(`/sys/class/block/${basename(device)}/size`)))
    return sectors > 0 ? { path, bytes: sectors * 512 } : undefined
  } catch {
    return undefined
  }
}
