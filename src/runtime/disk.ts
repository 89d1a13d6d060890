/** How much room there is. */
import { statfsSync } from 'node:fs'

/** What anybody but root can still write where a directory is. */
export function freeBytesIn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
