/** Whether the running exchange is well, in one line and an exit code: what a container's health check asks. */
import type { Health } from '../admin/message.ts'
import { api } from './api.ts'
import { type Command, CommandError } from './command.ts'

/** A part that fails for what others do: the name may be another's, or mDNS not to be had here. No new start mends it. */
const failsForOthers = 'discovery'

export const health: Command = {
  name: 'health',
  usage: '',
  about: 'says whether the running exchange is well: exit code 0 or 1',
  run: async call => {
    const told = await api<Health>(call.config, 'GET', '/health')
    const failed = Object.entries(told.parts).filter(
      ([name, { state }]) => state === 'failed' && name !== failsForOthers,
    )
    if (failed.length > 0)
      throw new CommandError(failed.map(([name, { detail }]) => `${name}: ${detail}`).join('; '))
    call.print(told, () => `version ${told.version} is well`)
  },
}
