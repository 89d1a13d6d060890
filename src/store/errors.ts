/** What can go wrong with the disk and the database, in words for the person who has to mend it. */

export type StoreErrorCode =
  /** Another process holds this data directory. */
  | 'locked'
  /** Written by a newer lanline. */
  | 'newer'
  /** Not a database of ours, or damaged. */
  | 'corrupt'
  | 'diskFull'
  | 'readOnly'
  /** It does not read or write what it is asked to. */
  | 'diskFails'
  | 'busy'
  /** A row that may not be: duplicate key, or a reference to nothing. */
  | 'constraint'
  | 'closed'
  | 'failed'

/** Nothing is kept as long as this goes on, and it may end. */
export const diskTroubles: ReadonlySet<StoreErrorCode> = new Set([
  'diskFull',
  'readOnly',
  'diskFails',
  'corrupt',
])

/** `message` is one sentence that says what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string) {
    super(message)
    this.name = 'StoreError'
    this.code = code
  }
}

/** Makes a `StoreError` of whatever SQLite or the file system threw about `path`. */
export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error
  const code = String((error as { code?: unknown }).code ?? '')
  const said = error instanceof Error ? error.message : String(error)
  // The index of the write-ahead log is made at each start, and its pages are asked for with it.
  if (code.startsWith('SQLITE_FULL') || code === 'SQLITE_IOERR_SHMSIZE' || code === 'ENOSPC') {
    return new StoreError(
      'diskFull',
      `the disk that holds ${path} is full; free some space, nothing is saved until then`,
    )
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return new StoreError(
      'corrupt',
      `${path} is damaged (${said}); restore a backup, or move the file away to start afresh`,
    )
  }
  if (code.startsWith('SQLITE_IOERR') || code === 'EIO') {
    return new StoreError(
      'diskFails',
      `the disk that holds ${path} fails (${said}); restart the machine, and replace the card if it happens again`,
    )
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new StoreError(
      'readOnly',
      `${path} cannot be written (${said}); check the owner and mode of the data directory; a card that fails becomes read-only: restart the machine, and replace the card if it happens again`,
    )
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreError('busy', `${path} is being written by another program; close it and try again`)
  }
  if (code.startsWith('SQLITE_CONSTRAINT')) return new StoreError('constraint', said)
  if (code.startsWith('SQLITE_CANTOPEN')) {
    return new StoreError(
      'readOnly',
      `${path} cannot be opened (${said}); check that the data directory exists and may be written`,
    )
  }
  return new StoreError('failed', `${path}: ${said}`)
}
