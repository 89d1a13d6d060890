/** Why a file that somebody named cannot be read, in words for them. */
import { CommandError } from './command.ts'

export function unreadable(file: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new CommandError(`there is no file ${file}`)
    case 'EISDIR':
      return new CommandError(`${file} is a directory`)
    case 'EACCES':
      return new CommandError(`${file} may not be read by this user`)
    default:
      return new CommandError(`${file} cannot be read: ${message}`)
  }
}
