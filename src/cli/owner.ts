/**
 * On a machine where lanline is a service, its data belongs to a user of its own, and root works on it with the command
 * line. What root leaves there must be that user's, or the service could not read it.
 */
import { lchownSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Gives what root made in `directory` to whom the directory belongs. Nothing lies deeper that the command line makes. */
export function settleOwner(directory: string): void {
  if (process.getuid?.() !== 0) return
  const owner = ownerOf(directory)
  if (owner === undefined || owner.uid === 0) return
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    // Whoever owns the directory may put anything there; only what is ours and has no other name is given away.
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.uid === 0 && found.isFile() && found.nlink === 1) lchownSync(path, owner.uid, owner.gid)
  }
}

/** True for root where the directory belongs to somebody else, who could not read what `serve` leaves there. */
export function isAnothers(directory: string): boolean {
  const owner = ownerOf(directory)
  return process.getuid?.() === 0 && owner !== undefined && owner.uid !== 0
}

function ownerOf(directory: string): { readonly uid: number; readonly gid: number } | undefined {
  return lstatSync(directory, { throwIfNoEntry: false })
}
