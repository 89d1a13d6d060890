/** Whether the running exchange is well, in one line and an exit code: what a container's health check asks. */
import type { Health } from '../admin/message.ts'
import { api } from './api.ts'
import { type Command, CommandError } from './command.ts'

/** What a new start mends nothing of: the name may be another's, or mDNS not to be had on this network. */
const others = 'discovery'

export const health: Command = {
  name: 'health',
  usage: '',
  about: 'says whether the running exchange is well: exit code 0 or 1',
  run: async call => {
    const told = await api<Health>(call.config, 'GET', '/health')
    const failed = Object.entries(told.parts).filter(
      ([name, { state }]) => state === 'failed' && name !== others,
    )
    if (failed.length > 0)
      throw new CommandError(failed.map(([name, { detail }]) => `${name}: ${detail}`).join('; '))
    call.print(told, () => `version ${told.version} is well`)
  },
}
