/**
 * `reset-owner`: an empty file that whoever holds the card puts on it when nobody can open the console any more. One new
 * claim becomes possible; people, devices and calls stay.
 */
import { statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { bootDirectory } from './setup-file.ts'

const resetFileName = 'reset-owner'

export interface ResetFile {
  /** Differs from that of any other such file: where the card cannot be written, it is found again at each start. */
  readonly mark: string
  /** After what it asks for is on disk. */
  remove(): void
}

export function findResetFile(dataDirectory: string): ResetFile | undefined {
  const paths = [bootDirectory, dataDirectory].map(directory => join(directory, resetFileName))
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.isFile())
      return { mark: `${found.ino}:${found.mtimeMs}`, remove: () => removeIfPossible(path) }
  }
  return undefined
}

function removeIfPossible(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Read-only, or not ours: its mark says that it was heeded.
  }
}
