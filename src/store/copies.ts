/**
 * Copies of the database that are made before a new lanline changes it, beside it in the data directory. While that
 * lanline is on trial its copy has a name of its own: it comes back by itself should the trial fail.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type Sqlite from 'better-sqlite3'
import { freeBytesIn } from '../runtime/disk.ts'

export const copyLimits = {
  kept: 2,
  /** Beside the copy itself. */
  spareBytes: 32_000_000,
} as const

export interface Copy {
  readonly name: string
  /** Of the database in it. */
  readonly schema: number
  /** `2026-11-21T141355`, by this machine's clock; undefined: of a trial. */
  readonly madeAt: string | undefined
}

const trialMark = 'on-trial'
const pattern = /^lanline-schema(\d{1,6})-(on-trial|\d{4}-\d\d-\d\dT\d{6})\.db$/
const making = 'lanline-schema-copy.part'

/** The best to go back to first. */
export function copiesIn(directory: string): Copy[] {
  if (!existsSync(directory)) return []
  const copies = readdirSync(directory).flatMap((name): Copy[] => {
    const match = pattern.exec(name)
    if (match === null) return []
    return [{ name, schema: Number(match[1]), madeAt: match[2] === trialMark ? undefined : match[2] }]
  })
  const key = ({ schema, madeAt }: Copy): string => `${String(schema).padStart(6, '0')} ${madeAt ?? ''}`
  return copies.sort((a, b) => (key(a) < key(b) ? 1 : -1))
}

/** The copy that comes back should the trial fail. */
export const trialCopyIn = (directory: string): Copy | undefined =>
  copiesIn(directory).find(({ madeAt }) => madeAt === undefined)

/**
 * Before a database of `schema` is changed. `made`: it is on disk; `noRoom`: there was none, the oldest copies given up
 * already. On trial the copy of the first try stays: the database may be half changed by now.
 */
export function copyBefore(
  db: Sqlite.Database,
  directory: string,
  options: { readonly schema: number; readonly onTrial: boolean; readonly at: Date },
): 'made' | 'noRoom' {
  const { schema, onTrial, at } = options
  if (onTrial && trialCopyIn(directory) !== undefined) return 'made'
  const part = join(directory, making)
  // What a start that was cut off has left takes the room of this one.
  rmSync(part, { force: true })
  keepOnly(directory, copyLimits.kept - 1)
  const bytes =
    Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }))
  if (!hasRoom(directory, bytes)) keepOnly(directory, 0)
  if (!hasRoom(directory, bytes)) return 'noRoom'
  // Readable by us alone from its first byte on; VACUUM INTO takes an empty file.
  closeSync(openSync(part, 'wx', 0o600))
  try {
    db.prepare('vacuum into ?').run(part)
    sync(part)
    renameSync(part, join(directory, nameOf(schema, onTrial ? undefined : at)))
    sync(directory)
    return 'made'
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}

/** The trial is over and was good: its copy is one like others. */
export function keepTrialCopy(directory: string, at: Date): void {
  const copy = trialCopyIn(directory)
  if (copy === undefined) return
  renameSync(join(directory, copy.name), join(directory, nameOf(copy.schema, at)))
  keepOnly(directory, copyLimits.kept)
}

function keepOnly(directory: string, count: number): void {
  const kept = copiesIn(directory).filter(({ madeAt }) => madeAt !== undefined)
  for (const { name } of kept.slice(count)) rmSync(join(directory, name), { force: true })
}

const hasRoom = (directory: string, bytes: number): boolean =>
  freeBytesIn(directory) > bytes + copyLimits.spareBytes

const nameOf = (schema: number, at: Date | undefined): string => {
  const when = at === undefined ? trialMark : at.toISOString().slice(0, 19).replaceAll(':', '')
  return `lanline-schema${schema}-${when}.db`
}

/** To the disk, a file or a directory. */
export function sync(path: string): void {
  const file = openSync(path, statSync(path).isDirectory() ? 'r' : 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
