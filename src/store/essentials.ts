/**
 * What a household cannot be without, once more in a small file of its own: people, devices, invitations, names, keys and
 * certificates. A card that loses a page of the database then costs calls and traces, and nobody has to be let in anew.
 */
import { createHash } from 'node:crypto'
import { closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { damagedFile } from '../core/damaged.ts'
import { sync } from './copies.ts'
import { migrations } from './migrations.ts'

export const essentialsFile = 'lanline-essentials.db'
const making = 'lanline-essentials.part'

/** Each after those it refers to; what changes by itself and costs nobody anything is `passing`. */
const tables: readonly { readonly name: string; readonly passing: readonly string[] }[] = [
  { name: 'settings', passing: [] },
  { name: 'users', passing: ['stay_left'] },
  { name: 'devices', passing: ['last_seen_at'] },
  { name: 'invites', passing: [] },
]

/** Whether a statement may change what is kept here. */
export const touchesEssentials = (sql: string): boolean =>
  /\b(?:into|update|from)\s+(?:settings|users|devices|invites)\b/i.test(sql)

/** Writes the file where it says something else; while nobody has joined there is nothing to keep. Throws what the disk says. */
export function keepEssentials(db: Sqlite.Database, directory: string): void {
  if (db.prepare('select 1 from users').get() === undefined) return
  const file = join(directory, essentialsFile)
  if (existsSync(file) && digestOf(file) === digestIn(db)) return
  const part = join(directory, making)
  rmSync(part, { force: true })
  // Readable by us alone from its first byte on.
  closeSync(openSync(part, 'wx', 0o600))
  try {
    const kept = new Sqlite(part)
    try {
      // It counts from when it has its name.
      kept.pragma('synchronous = off')
      kept.transaction(() => {
        for (const step of migrations) kept.exec(step)
        for (const { name } of tables) copyTable(db, kept, name)
      })()
      kept.pragma(`user_version = ${migrations.length}`)
    } finally {
      kept.close()
    }
    sync(part)
    renameSync(part, file)
    sync(directory)
  } finally {
    rmSync(part, { force: true })
  }
}

/**
 * Puts a damaged database aside, where only the latest such stays, and a copy of the essentials in its place. False where
 * there are none, or none that can be read: then nothing was touched.
 */
export function startFromEssentials(path: string, directory: string): boolean {
  const file = join(directory, essentialsFile)
  if (!existsSync(file) || digestOf(file) === undefined) return false
  const aside = join(directory, damagedFile)
  const part = join(directory, making)
  rmSync(part, { force: true })
  copyFileSync(file, part)
  sync(part)
  for (const end of ['', '-wal']) {
    rmSync(aside + end, { force: true })
    if (existsSync(path + end)) renameSync(path + end, aside + end)
  }
  rmSync(`${path}-shm`, { force: true })
  renameSync(part, path)
  sync(directory)
  return true
}

/** A power cut may leave the name of a file without what was in it. */
export const isEmptied = (path: string, directory: string): boolean =>
  existsSync(path) && statSync(path).size === 0 && existsSync(join(directory, essentialsFile))

function copyTable(from: Sqlite.Database, to: Sqlite.Database, table: string): void {
  const rows = from.prepare(`select * from ${table}`).all() as Record<string, unknown>[]
  const columns = Object.keys(rows[0] ?? {})
  if (columns.length === 0) return
  const insert = to.prepare(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map(name => `@${name}`).join(', ')})`,
  )
  for (const row of rows) insert.run(row)
}

/** Undefined: it is damaged, or of a newer lanline, whose update was gone back from. */
function digestOf(file: string): string | undefined {
  try {
    const db = new Sqlite(file, { readonly: true })
    try {
      if ((db.pragma('user_version', { simple: true }) as number) > migrations.length) return undefined
      return db.pragma('quick_check(1)', { simple: true }) === 'ok' ? digestIn(db) : undefined
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

function digestIn(db: Sqlite.Database): string {
  const hash = createHash('sha256')
  for (const { name, passing } of tables) {
    const rows = db.prepare(`select * from ${name} order by 1`).all() as Record<string, unknown>[]
    for (const row of rows) {
      hash.update(JSON.stringify(Object.entries(row).filter(([column]) => !passing.includes(column))))
    }
    hash.update(name)
  }
  return hash.digest('hex')
}
