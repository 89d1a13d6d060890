import type { Command } from './command.ts'
import { CommandError } from './command.ts'

export const tryOut: Command = {
  name: 'try',
  usage: '',
  about: 'two clients in this process call each other through the exchange, as proof without a browser',
  run: () => Promise.reject(new CommandError('not there yet')),
}
