/**
 * One file with everything that is kept (people, devices, calls, traces, settings, authority, keys), and the way back.
 * A backup is looked through whole before it replaces anything, lies ready then, and takes its place when lanline
 * starts: what was there before is kept beside it.
 */
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { createGunzip, createGzip } from 'node:zlib'
import Sqlite from 'better-sqlite3'
import { BackupError, seal, unseal } from './container.ts'
import type { Manifest } from './message.ts'
import type { Looked, Work } from './worker.ts'

export interface Place {
  readonly dataDirectory: string
  readonly version: string
  /** The newest database that this lanline knows. */
  readonly schema: number
  /** In the data directory. */
  readonly freeBytes: () => number
}

export const minPassphraseCharacters = 12
/** Unpacked: as much as the largest store takes, several times over. */
const limitBytes = 8_000_000_000
/** Left for calls, people and the log while a backup lies here. */
const spareBytes = 64_000_000
export const databaseFile = 'lanline.db'
const files = {
  copy: 'backup-copy.db',
  checking: 'restore-checking.db',
  checked: 'restore-checked.db',
  ready: 'restore-ready.db',
  before: 'before-restore.db',
} as const

/** The console and the command line may be at work at once: neither writes into what the other looks through. */
const ofOnesOwn = (name: string): string => `${randomUUID()}-${name}`

/** All of it, for who holds that data directory. */
export const backupOf = (place: Place) => ({
  make: (passphrase: string) => makeBackup(place, passphrase),
  check: (sealed: AsyncIterable<Uint8Array>, passphrase: string) => checkBackup(place, sealed, passphrase),
  accept: () => acceptBackup(place.dataDirectory),
  forget: () => forgetBackup(place.dataDirectory),
})

/** The file's bytes, as they come. What is being made of it on disk is gone when they end. */
export async function* makeBackup(
  { dataDirectory, version, freeBytes }: Place,
  passphrase: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const from = join(dataDirectory, databaseFile)
  const to = join(dataDirectory, ofOnesOwn(files.copy))
  if (freeBytes() - spareBytes < bytesOf(from) + bytesOf(`${from}-wal`)) throw noRoom()
  try {
    const looked = await doWork({ kind: 'copy', from, to })
    const { whole: _, ...counts } = looked
    const manifest: Manifest = { ...counts, version, madeAt: Date.now() }
    yield* seal(plainOf(manifest, to), passphrase)
  } finally {
    await removed(to)
  }
}

async function* plainOf(manifest: Manifest, database: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(manifest)}\n`)
  const packed = createReadStream(database).pipe(createGzip({ level: 3 }))
  for await (const part of packed) yield part as Uint8Array
}

/** Decrypts, unpacks and looks through a backup; it lies there then, and nothing else has changed. Throws `BackupError`. */
export async function checkBackup(
  place: Place,
  sealed: AsyncIterable<Uint8Array>,
  passphrase: string,
): Promise<Manifest> {
  const checking = join(place.dataDirectory, ofOnesOwn(files.checking))
  // A lanline that never ran here has none yet.
  mkdirSync(place.dataDirectory, { recursive: true, mode: 0o700 })
  try {
    const plain = unseal(sealed, passphrase)
    const { manifest, rest } = await manifestOf(plain)
    await unpack(rest, checking, place.freeBytes() - spareBytes)
    const looked = await doWork({ kind: 'look', at: checking })
    if (!looked.whole) throw new BackupError('damaged', 'the database in this backup is damaged')
    if (looked.schema > place.schema) {
      throw new BackupError(
        'newer',
        `this backup was made by lanline ${manifest.version}: update this one first`,
      )
    }
    const file = await open(checking, 'r+')
    await file.sync()
    await file.close()
    await rename(checking, join(place.dataDirectory, files.checked))
    const { whole: _, ...counts } = looked
    return { ...counts, version: manifest.version, madeAt: manifest.madeAt }
  } finally {
    await removed(checking)
  }
}

/** What was checked is to take its place at the next start. False: nothing was. */
export async function acceptBackup(dataDirectory: string): Promise<boolean> {
  const checked = join(dataDirectory, files.checked)
  if (!existsSync(checked)) return false
  await rename(checked, join(dataDirectory, files.ready))
  return true
}

export const forgetBackup = (dataDirectory: string): Promise<void> =>
  removed(join(dataDirectory, files.checked))

/** By another thread, as `rename` onto another file: what a large file held takes the system longer than a packet may wait. */
const removed = (path: string): Promise<void> => rm(path, { force: true })

/**
 * Before the store is opened, by who holds the data directory: puts a backup that lies ready in its place. Each step may
 * be the last before the power goes; the next start then goes on with it. The old log must leave before its database, or
 * it would be read into the new one.
 */
export function applyBackup(dataDirectory: string): boolean {
  const at = (name: string): string => join(dataDirectory, name)
  // What an end in the middle of the work has left.
  for (const name of existsSync(dataDirectory) ? readdirSync(dataDirectory) : []) {
    if (name.includes(files.copy) || name.includes(files.checking)) rmSync(at(name), { force: true })
  }
  if (!existsSync(at(files.ready))) return false
  // What a restore before this one kept: its log would be read into what is kept now. The database last, since as long as
  // both are there nothing of this one has been moved.
  if (existsSync(at(databaseFile)) && existsSync(at(files.before))) {
    for (const suffix of ['-wal', '-shm', '']) rmSync(at(files.before + suffix), { force: true })
  }
  if (existsSync(at(databaseFile))) keepBindings(at(files.ready), at(databaseFile))
  for (const suffix of ['-wal', '-shm', '']) {
    const from = at(databaseFile + suffix)
    if (existsSync(from)) renameSync(from, at(files.before + suffix))
  }
  renameSync(at(files.ready), at(databaseFile))
  return true
}

/**
 * A phone believes in what it registered last and says it again in up to an hour: where it is stays, whatever a backup knows
 * of it, since another may have its address of then. A phone that is not known here now is looked for where it was.
 */
function keepBindings(restored: string, present: string): void {
  try {
    const db = new Sqlite(restored)
    try {
      db.prepare('attach ? as present').run(present)
      db.exec(`begin;
        delete from bindings where device in (select id from present.devices);
        insert into bindings select * from present.bindings where (device, user) in (select id, user from devices);
        commit`)
    } finally {
      db.close()
    }
  } catch {
    // What gives way is damaged, the backup's tables are of an older lanline, or the disk is full: phones come by themselves, later.
  }
}

/**
 * A copy of the database that was made before an update takes its place at the next start. It is looked through first.
 * Throws `BackupError`. Who calls holds the data directory, or nothing runs on it.
 */
export async function acceptCopy({ dataDirectory, schema, freeBytes }: Place, name: string): Promise<Looked> {
  const copy = join(dataDirectory, basename(name))
  const checking = join(dataDirectory, ofOnesOwn(files.checking))
  if (!existsSync(copy))
    throw new BackupError('notABackup', `there is no ${basename(name)} in ${dataDirectory}`)
  if (freeBytes() - spareBytes < bytesOf(copy)) throw noRoom()
  try {
    copyFileSync(copy, checking)
    chmodSync(checking, 0o600)
    const looked = await doWork({ kind: 'look', at: checking })
    if (!looked.whole)
      throw new BackupError('damaged', `${basename(name)} is damaged, or no database of lanline`)
    if (looked.schema > schema) throw new BackupError('newer', `${basename(name)} is of a newer lanline, too`)
    const file = await open(checking, 'r+')
    await file.sync()
    await file.close()
    renameSync(checking, join(dataDirectory, files.ready))
    return looked
  } finally {
    await removed(checking)
  }
}

/** A version on trial failed: the copy of the database from before it lies ready. Not looked through: there is no other. */
export const putBack = (dataDirectory: string, copy: string): void =>
  renameSync(join(dataDirectory, copy), join(dataDirectory, files.ready))

async function manifestOf(
  plain: AsyncGenerator<Uint8Array>,
): Promise<{ readonly manifest: Manifest; readonly rest: AsyncIterable<Uint8Array> }> {
  let held = Buffer.alloc(0)
  while (!held.includes(10)) {
    const { value, done } = await plain.next()
    if (done || held.length > 65_536) throw new BackupError('damaged', 'this backup holds nothing')
    held = Buffer.concat([held, value])
  }
  const end = held.indexOf(10)
  const { version, madeAt, ...others } = JSON.parse(held.subarray(0, end).toString('utf8'))
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield held.subarray(end + 1)
    yield* plain
  }
  return { manifest: { ...others, version: String(version), madeAt: Number(madeAt) }, rest: rest() }
}

/** How large it becomes shows only as it is unpacked; it may fill so much and no more. */
async function unpack(packed: AsyncIterable<Uint8Array>, to: string, roomBytes: number): Promise<void> {
  let bytes = 0
  async function* counted(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      bytes += part.length
      if (bytes > limitBytes)
        throw new BackupError('tooLarge', 'this backup unpacks to more than any lanline keeps')
      if (bytes > roomBytes) throw noRoom()
      yield part
    }
  }
  try {
    await pipeline(Readable.from(packed), createGunzip(), counted, createWriteStream(to, { mode: 0o600 }))
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new BackupError('damaged', 'this backup cannot be unpacked')
    }
    if ((error as { code?: unknown }).code === 'ENOSPC') throw noRoom()
    throw error
  }
}

const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

const noRoom = (): BackupError =>
  new BackupError(
    'noRoom',
    'there is too little room for this backup; remove old calls, or use a larger disk',
  )

function doWork(work: Work): Promise<Looked> {
  const worker = new Worker(fileURLToPath(new URL('./worker.ts', import.meta.url)), { workerData: work })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the copy of the database was not made')))
  })
}
