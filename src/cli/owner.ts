/**
 * On a machine where lanline is a service, its data belongs to a user of its own, and root works on it with the command
 * line. Who owns a directory may put links in it that lead anywhere, and root would follow them; so there root has that
 * user's rights and no others, and what it leaves is that user's.
 */
import { closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from './command.ts'

/**
 * What only root may open must be open before. Rejects with `CommandError` where the program itself lies so that this user
 * cannot read it: its threads could not be started.
 */
export async function asOwnerOf<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  const owner = ownerOf(directory)
  if (owner === undefined || !isAnothers(directory)) return work()
  const { gid, groups } = { gid: process.getegid!(), groups: process.getgroups!() }
  // Of every thread of this process; the user's last, since it takes away the right to change the others.
  process.setgroups!([])
  process.setegid!(owner.gid)
  process.seteuid!(owner.uid)
  try {
    checkReadable(directory)
    return await work()
  } finally {
    process.seteuid!(0)
    process.setegid!(gid)
    process.setgroups!(groups)
  }
}

function checkReadable(directory: string): void {
  try {
    closeSync(openSync(import.meta.filename, 'r'))
  } catch {
    const program = join(import.meta.dirname, '../..')
    throw new CommandError(
      `${directory} belongs to another user, with whose rights lanline works there, and who cannot read ${program}; use the lanline that is installed, or move this one to where everybody can read it, such as /opt`,
    )
  }
}

/** True for root where the directory belongs to somebody else. */
export function isAnothers(directory: string): boolean {
  const owner = ownerOf(directory)
  return process.geteuid?.() === 0 && owner !== undefined && owner.uid !== 0
}

function ownerOf(directory: string): { readonly uid: number; readonly gid: number } | undefined {
  return statSync(directory, { throwIfNoEntry: false })
}
