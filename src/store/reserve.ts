/** A file of some pages that is kept aside: to delete, and to be opened at all, SQLite has to write. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Enough for the write-ahead log of one step of pruning. */
export const reserveBytes = 1_048_576

const pathIn = (directory: string): string => join(directory, 'lanline.reserve')

/** Where there is room for it. */
export function keepReserve(directory: string): void {
  const path = pathIn(directory)
  if (existsSync(path)) return
  try {
    writeFileSync(path, Buffer.alloc(reserveBytes), { mode: 0o600 })
  } catch {
    giveUpReserve(directory)
  }
}

/** False: there was none to give up. */
export function giveUpReserve(directory: string): boolean {
  const path = pathIn(directory)
  if (!existsSync(path)) return false
  try {
    rmSync(path, { force: true })
    return true
  } catch {
    return false
  }
}
