/** What is in the way of lanline in a container, in words for whoever set it up. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from './command.ts'
import { isAnothers } from './owner.ts'

/**
 * A directory of the machine that is mounted into a container has whatever owner it has there. Throws `CommandError` where it,
 * or something in it, cannot be read and written by this user.
 */
export function checkMounted(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return
  const { R_OK, W_OK, X_OK } = constants
  refuseUnless(directory, R_OK | W_OK | X_OK)
  // Root would leave files there that its owner cannot read.
  if (isAnothers(directory)) throw anothers(directory)
  for (const { name } of readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isFile()))
    refuseUnless(join(directory, name), R_OK | W_OK)
}

function refuseUnless(path: string, mode: number): void {
  try {
    accessSync(path, mode)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EROFS') throw new CommandError(`${path} is mounted read-only; mount it without :ro`)
    throw anothers(path)
  }
}

function anothers(path: string): CommandError {
  const { uid, gid } = statSync(path)
  const own = `${process.geteuid!()}:${process.getegid!()}`
  if (uid === process.geteuid!())
    return new CommandError(
      `${path} may not be read and written by its owner ${own}, as whom lanline runs here: on the machine run chmod -R u+rwX on the folder that is mounted there`,
    )
  return new CommandError(
    `${path} belongs to user ${uid}:${gid}, and lanline runs here as ${own}: on the machine run chown -R ${own} on the folder that is mounted there, or start the container as its owner (user: "${uid}:${gid}" in compose.yml, or --user ${uid}:${gid})`,
  )
}
