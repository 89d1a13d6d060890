/** The two pieces of work that hold a thread: a copy of the database as it is at one moment, and a look into one. */
import { closeSync, openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'

export type Work =
  /** `VACUUM INTO`: reads one snapshot, and whoever writes meanwhile goes on. */
  | { readonly kind: 'copy'; readonly from: string; readonly to: string }
  | { readonly kind: 'look'; readonly at: string }

export interface Looked {
  /** False: it is damaged, or no database of ours. */
  readonly whole: boolean
  readonly schema: number
  readonly place: string
  readonly users: number
  readonly devices: number
  readonly calls: number
}

const work = workerData as Work
if (work.kind === 'copy') copy(work.from, work.to)
parentPort!.postMessage(look(work.kind === 'copy' ? work.to : work.at))

function copy(from: string, to: string): void {
  const db = new Sqlite(from, { readonly: true, timeout: 5_000 })
  // Readable by us alone from its first byte on; VACUUM INTO takes an empty file.
  closeSync(openSync(to, 'wx', 0o600))
  db.prepare('vacuum into ?').run(to)
  db.close()
}

function look(at: string): Looked {
  const nothing = { whole: false, schema: 0, place: '', users: 0, devices: 0, calls: 0 }
  try {
    const db = new Sqlite(at, { readonly: true })
    const one = (sql: string): unknown => db.prepare(sql).pluck().get()
    const count = (table: string): number => Number(one(`select count(*) from ${table}`))
    const schema = Number(one('pragma user_version'))
    const looked = {
      whole:
        one('pragma integrity_check') === 'ok' &&
        one("select value from settings where key = 'realm'") != null &&
        // Below the first there is nothing to start from, and we make neither triggers nor views: what came in with them
        // would go on working whatever the owner changes.
        schema >= 1 &&
        one("select count(*) from sqlite_schema where type in ('trigger', 'view')") === 0,
      schema,
      place: String(one("select value from settings where key = 'place'") ?? ''),
      ...{ users: count('users'), devices: count('devices'), calls: count('calls') },
    }
    db.close()
    return looked
  } catch {
    return nothing
  }
}
