/** A file whose time says when this process was last alive, so that the next one knows how long nobody was. */
import { closeSync, openSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { Epoch } from '../core/clock.ts'

const fileIn = (directory: string): string => join(directory, 'lanline.alive')

/** By wall time; undefined on the first start. */
export function lastAlive(directory: string): Epoch | undefined {
  try {
    return Math.floor(statSync(fileIn(directory)).mtimeMs) as Epoch
  } catch {
    return undefined
  }
}

/** A full or read-only disk is no reason to stop. */
export function stayAlive(directory: string, now: Epoch): void {
  try {
    closeSync(openSync(fileIn(directory), 'a', 0o600))
    utimesSync(fileIn(directory), now / 1_000, now / 1_000)
  } catch {}
}
