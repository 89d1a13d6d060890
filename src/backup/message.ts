/** What is in a backup, and how it goes wrong. Types only. */

export interface Manifest {
  readonly place: string
  readonly madeAt: number
  /** Of the lanline that made it. */
  readonly version: string
  /** Of the database: an older lanline refuses a newer one. */
  readonly schema: number
  readonly users: number
  readonly devices: number
  readonly calls: number
}

export type BackupProblem =
  /** No backup of ours at all. */
  | 'notABackup'
  /** Or the file was changed: both show in the same way. */
  | 'wrongPassphrase'
  /** It ends too early, or its database is damaged. */
  | 'damaged'
  /** Made by a newer lanline. */
  | 'newer'
  | 'tooLarge'
  /** The disk would be full. */
  | 'noRoom'
