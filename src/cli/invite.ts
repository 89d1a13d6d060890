import { secondsUntilMonday, secondsUntilTonight } from '../../client/stay.ts'
import type { Invite, SetupState, User } from '../admin/message.ts'
import { api, orSay } from './api.ts'
import { type Command, type Invocation, moment, UsageError } from './command.ts'

export const invite: Command = {
  name: 'invite',
  usage: '[<user>] [--until tonight|weekend|<hours>h]',
  about: 'makes a link that enrols one device: of this person, or of somebody new; with --until of a guest',
  words: [0, 1],
  options: { until: { type: 'string' } },
  help: [
    ['<user>', 'somebody who is here already, by name: the link adds a device of theirs'],
    ['--until', 'for a guest: tonight (four in the morning), weekend (Monday at four), or hours such as 12h'],
  ],
  run: async call => {
    const user = call.words[0]
    const staySeconds = stayOf(call)
    const guest = user !== undefined && staySeconds !== undefined
    // A guest who is here already stays until then.
    const kept = guest ? await orSay(keep(call, user, staySeconds), newHint) : undefined
    const wish = user === undefined ? { staySeconds, stayFromNow: staySeconds !== undefined } : { user }
    const made = await orSay(api<Invite>(call.config, 'POST', '/invites', wish), newHint)
    const { claimed } = await api<SetupState>(call.config, 'GET', '/setup')
    if (!claimed) process.stderr.write('nobody owns this lanline yet: the link is good once it is claimed\n')
    const end = kept?.expiresAt ?? (staySeconds === undefined ? undefined : Date.now() + staySeconds * 1_000)
    call.print({ ...made, guestUntil: end }, () =>
      [
        made.url,
        `valid once, until ${moment(made.expiresAt)}`,
        ...(end === undefined ? [] : [`a guest until ${moment(end)}`]),
      ].join('\n'),
    )
  },
}

const newHint = 'for somebody new leave the name out, or add them first: lanline user add'

/** Hours of a month, the longest stay. */
const longestHours = 31 * 24

/** In this machine's time zone. */
function stayOf(call: Invocation): number | undefined {
  const until = call.options.until as string | undefined
  if (until === undefined) return undefined
  if (until === 'tonight') return secondsUntilTonight(new Date())
  if (until === 'weekend') return secondsUntilMonday(new Date())
  const hours = Number(/^(\d{1,3})h$/.exec(until)?.[1] ?? 0)
  if (hours >= 1 && hours <= longestHours) return hours * 3_600
  throw new UsageError(
    `--until ${JSON.stringify(until)}: allowed are tonight, weekend, and 1h to ${longestHours}h`,
  )
}

const keep = (call: Invocation, user: string, staySeconds: number): Promise<User> =>
  api<User>(call.config, 'PATCH', `/users/${encodeURIComponent(user)}`, { staySeconds })
