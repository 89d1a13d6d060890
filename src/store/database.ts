/**
 * The one connection that writes. Runs in the store's worker only (`worker.ts`): here an fsync may take as long as an
 * SD card likes. Opens, locks, checks, migrates; then runs batches of jobs, each job whole or not at all.
 */
import { closeSync, existsSync, mkdirSync, openSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { copiesIn, copyBefore, keepTrialCopy } from './copies.ts'
import { StoreError, toStoreError } from './errors.ts'
import { isEmptied, keepEssentials, startFromEssentials } from './essentials.ts'
import { migrations } from './migrations.ts'
import { giveUpReserve } from './reserve.ts'

export type Value = string | number | null | Uint8Array
export interface Statement {
  readonly sql: string
  readonly values: readonly Value[]
}
export type Row = Readonly<Record<string, Value>>

export const databaseFile = 'lanline.db'
const lockFile = 'lanline.lock'
/** How long another program (a backup tool, `sqlite3`) may hold the file before a write gives up. */
const busyMilliseconds = 5_000

export class Database {
  readonly #directory: string
  readonly #path: string
  readonly #db: Sqlite.Database
  readonly #lock: Sqlite.Database
  readonly #prepared = new Map<string, Sqlite.Statement>()

  /**
   * Throws `StoreError` when the directory is held by another process, damaged, newer than us or not writable; `onTrial`
   * also when there is no room for the copy that comes back should this version fail.
   */
  constructor(directory: string, onTrial = false) {
    this.#directory = directory
    this.#path = join(directory, databaseFile)
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw toStoreError(error, directory)
    }
    this.#lock = takeLock(join(directory, lockFile), directory)
    try {
      this.#db = openWithRoom(this.#path, directory, onTrial)
    } catch (error) {
      this.#lock.close()
      throw toStoreError(error, this.#path)
    }
  }

  read(statement: Statement): Row[] {
    try {
      return this.#prepare(statement.sql).all(...statement.values) as Row[]
    } catch (error) {
      throw toStoreError(error, this.#path)
    }
  }

  /**
   * Runs all jobs in one transaction and commits it: one fsync for the batch. A job that fails is undone alone and
   * its place in the answer holds its error; a commit that fails throws, and then nothing of the batch is there.
   */
  commit(jobs: readonly (readonly Statement[])[]): (StoreError | undefined)[] {
    try {
      this.#db.exec('begin immediate')
      const outcome = jobs.map(job => this.#runAlone(job))
      this.#db.exec('commit')
      return outcome
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('rollback')
      throw toStoreError(error, this.#path)
    }
  }

  /** People, devices and keys once more, for a start after damage. Nobody waits for it: what fails now may not later. */
  keepEssentials(): void {
    try {
      keepEssentials(this.#db, this.#directory)
    } catch {
      // The file of before is still there.
    }
  }

  close(): void {
    this.#db.close()
    this.#lock.close()
  }

  #runAlone(job: readonly Statement[]): StoreError | undefined {
    this.#db.exec('savepoint job')
    try {
      for (const { sql, values } of job) this.#prepare(sql).run(...values)
      this.#db.exec('release job')
      return undefined
    } catch (error) {
      // A full disk may have rolled back the whole transaction already: then the batch is lost, not this job.
      if (!this.#db.inTransaction) throw error
      this.#db.exec('rollback to job')
      this.#db.exec('release job')
      return toStoreError(error, this.#path)
    }
  }

  #prepare(sql: string): Sqlite.Statement {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}

/** Does what nobody may do to the files of a directory that another process works in. Throws `StoreError` (`locked`). */
export function holding<T>(directory: string, work: () => T): T {
  const lock = takeLock(join(directory, lockFile), directory)
  try {
    return work()
  } finally {
    lock.close()
  }
}

/**
 * Holds a write lock on a file of its own for as long as the process lives: the system drops it even after SIGKILL,
 * so no stale lock ever has to be removed by hand. Readers are let in, which is how the loser learns the holder's id.
 */
function takeLock(path: string, directory: string): Sqlite.Database {
  let lock: Sqlite.Database
  try {
    ours(path)
    lock = new Sqlite(path, { timeout: 0 })
  } catch (error) {
    throw toStoreError(error, path)
  }
  try {
    sayWhoHolds(lock, path)
    lock.exec('begin immediate')
    return lock
  } catch (error) {
    const failure = toStoreError(error, path)
    const pid = failure.code === 'busy' ? holderOf(lock) : undefined
    lock.close()
    if (failure.code !== 'busy') throw failure
    const who = pid === undefined ? 'another process' : `process ${pid}`
    throw new StoreError(
      'locked',
      `${directory} is in use by ${who}; stop it first, or choose another data.dir`,
    )
  }
}

/** On a full disk nobody can be told who holds it; to hold it needs no room. */
function sayWhoHolds(lock: Sqlite.Database, path: string): void {
  const say = (): void => {
    lock.exec('create table if not exists holder (one integer primary key check (one = 1), pid integer)')
    lock.prepare('insert or replace into holder values (1, ?)').run(process.pid)
  }
  try {
    say()
  } catch (error) {
    const { code } = toStoreError(error, path)
    if (code === 'diskFull') return
    if (code !== 'corrupt') throw error
    // There is nothing in it that anybody misses. It stays the same file: who holds that goes on holding it.
    truncateSync(path)
    say()
  }
}

/**
 * Readable by us alone from the first moment, whatever the directory's mode; WAL files take over the database's. Who opened
 * it before would read all that comes; who may read the lock may hold it.
 */
function ours(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
}

function holderOf(lock: Sqlite.Database): number | undefined {
  try {
    return (lock.prepare('select pid from holder').get() as { pid: number } | undefined)?.pid
  } catch {
    return undefined
  }
}

/**
 * On a disk that is full already what is kept aside for this is given up; a database that is damaged gives way to the
 * essentials, where there are any.
 */
function openWithRoom(path: string, directory: string, onTrial: boolean): Sqlite.Database {
  try {
    if (isEmptied(path, directory)) startFromEssentials(path, directory)
    return openChecked(path, directory, onTrial)
  } catch (error) {
    const { code } = toStoreError(error, path)
    const isMended =
      (code === 'diskFull' && giveUpReserve(directory)) ||
      (code === 'corrupt' && startFromEssentials(path, directory))
    if (!isMended) throw error
    return openChecked(path, directory, onTrial)
  }
}

function openChecked(path: string, directory: string, onTrial: boolean): Sqlite.Database {
  ours(path)
  const db = new Sqlite(path, { timeout: busyMilliseconds })
  try {
    db.pragma('journal_mode = wal')
    db.pragma('synchronous = full')
    db.pragma('foreign_keys = on')
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') {
      throw new StoreError(
        'corrupt',
        `${path} is damaged (${String(verdict)}); restore a backup, or move the file away to start afresh`,
      )
    }
    migrate(db, path, directory, onTrial)
    // A migration may need more of it than there is memory. What a job needs is small, and in files it takes a hundred times longer.
    db.pragma('temp_store = memory')
    if (!onTrial) keepTrialCopy(directory, new Date())
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function migrate(db: Sqlite.Database, path: string, directory: string, onTrial: boolean): void {
  const version = db.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) {
    throw new StoreError(
      'newer',
      `${path} was written by a newer lanline (schema ${version}, this one knows ${migrations.length}); update lanline, or ${wayBack(directory)}`,
    )
  }
  if (version > 0 && version < migrations.length) {
    const copied = copyBefore(db, directory, { schema: version, onTrial, at: new Date() })
    if (copied === 'noRoom' && onTrial) {
      throw new StoreError(
        'diskFull',
        `there is no room for a copy of ${path} before it is changed; free some space`,
      )
    }
  }
  for (let step = version; step < migrations.length; step++) {
    db.transaction(() => {
      db.exec(migrations[step]!)
      db.pragma(`user_version = ${step + 1}`)
    })()
  }
}

function wayBack(directory: string): string {
  const copy = copiesIn(directory).find(({ schema }) => schema <= migrations.length)
  if (copy === undefined) return 'restore a backup made before the update: lanline restore <file>'
  const when = copy.madeAt === undefined ? '' : ` of ${copy.madeAt.slice(0, 10)}`
  return `go back to the copy${when}, made before the update: lanline backup restore-copy ${copy.name}`
}
