import type { Invite } from '../admin/message.ts'
import { api } from './api.ts'
import { type Command, moment } from './command.ts'

export const invite: Command = {
  name: 'invite',
  usage: '<user>',
  about: 'makes a link that enrols one further device of this person',
  words: [1, 1],
  run: async call => {
    const made = await api<Invite>(call.config, 'POST', '/invites', { user: call.words[0] })
    call.print(made, () => `${made.url}\nvalid once, until ${moment(made.expiresAt)}`)
  },
}
