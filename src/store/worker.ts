/**
 * The store's thread: takes jobs from the main thread, groups them, commits, answers. Knows no tables; each port's
 * file on the main side holds its own statements.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Database, type Row, type Statement } from './database.ts'
import { type StoreErrorCode, toStoreError } from './errors.ts'
import { touchesEssentials } from './essentials.ts'

export type StoreRequest =
  | { readonly kind: 'write'; readonly id: number; readonly job: readonly Statement[] }
  | { readonly kind: 'read'; readonly id: number; readonly statement: Statement }
  | { readonly kind: 'close'; readonly id: number }

export type StoreAnswer =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly code: StoreErrorCode; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly rows: readonly Row[] }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: StoreErrorCode
      readonly message: string
    }

/**
 * A batch closes this long after its first job, or at this many statements. Jobs that arrive during an fsync wait in
 * the port and make up the next batch, so under load the disk's own pace sets the group's size.
 */
const groupMilliseconds = 3
const groupStatements = 64

const port = parentPort!
const { directory, onTrial } = workerData as { directory: string; onTrial: boolean }

/** After a change of people, devices or settings: who sets up a house changes many. */
const essentialsMilliseconds = 10_000

let essentialsTimer: NodeJS.Timeout | undefined
let pending: { readonly id: number; readonly job: readonly Statement[] }[] = []
let pendingStatements = 0
let timer: NodeJS.Timeout | undefined

const answer = (message: StoreAnswer): void => port.postMessage(message)

function fail(id: number, error: unknown): void {
  const { code, message } = toStoreError(error, directory)
  answer({ kind: 'failed', id, code, message })
}

function flush(database: Database): void {
  clearTimeout(timer)
  timer = undefined
  const batch = pending
  pending = []
  pendingStatements = 0
  if (batch.length === 0) return
  try {
    const outcome = database.commit(batch.map(entry => entry.job))
    if (batch.some(({ job }) => job.some(({ sql }) => touchesEssentials(sql)))) {
      essentialsTimer ??= setTimeout(() => keepEssentials(database), essentialsMilliseconds)
    }
    batch.forEach((entry, index) => {
      const error = outcome[index]
      if (error) fail(entry.id, error)
      else answer({ kind: 'done', id: entry.id, rows: [] })
    })
  } catch (error) {
    for (const entry of batch) fail(entry.id, error)
  }
}

function keepEssentials(database: Database): void {
  clearTimeout(essentialsTimer)
  essentialsTimer = undefined
  database.keepEssentials()
}

function take(database: Database, request: StoreRequest): void {
  if (request.kind === 'write') {
    pending.push({ id: request.id, job: request.job })
    pendingStatements += request.job.length
    if (pendingStatements >= groupStatements) flush(database)
    else timer ??= setTimeout(() => flush(database), groupMilliseconds)
    return
  }
  if (request.kind === 'read') {
    try {
      answer({ kind: 'done', id: request.id, rows: database.read(request.statement) })
    } catch (error) {
      fail(request.id, error)
    }
    return
  }
  flush(database)
  keepEssentials(database)
  database.close()
  answer({ kind: 'done', id: request.id, rows: [] })
  port.close()
}

try {
  const database = new Database(directory, onTrial)
  port.on('message', (request: StoreRequest) => take(database, request))
  // What an older lanline has left has none, or others.
  essentialsTimer = setTimeout(() => keepEssentials(database), essentialsMilliseconds)
  answer({ kind: 'opened' })
} catch (error) {
  const { code, message } = toStoreError(error, directory)
  answer({ kind: 'refused', code, message })
  port.close()
}
