import { whyUnreadable } from '../core/unreadable.ts'
import { CommandError } from './command.ts'

export const unreadable = (file: string, error: unknown): CommandError =>
  new CommandError(whyUnreadable(file, error))
