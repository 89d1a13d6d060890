import type { NewUser, User } from '../admin/message.ts'
import { type QuietHours, type Weekday, weekdays } from '../core/quiet-hours.ts'
import { DirectoryError } from '../store/directory/message.ts'
import { StoreError } from '../store/errors.ts'
import { openStore } from '../store/store.ts'
import { api, NotRunning, orSay } from './api.ts'
import { type Command, CommandError, type Invocation, moment, table, UsageError } from './command.ts'
import { asOwnerOf } from './owner.ts'

/** Works without a daemon too: then the store is opened here. */
export const userAdd: Command = {
  name: 'user add',
  usage: '<name> [--display-name TEXT] [--password-stdin]',
  about: 'adds a person; with a password also a SIP phone of that name',
  words: [1, 1],
  options: { 'display-name': { type: 'string' }, 'password-stdin': { type: 'boolean' } },
  help: [
    ['<name>', 'what the person is dialled by: up to 32 of a-z, 0-9, - and .'],
    ['--display-name', 'how others see them; <name> if not given'],
    [
      '--password-stdin',
      'also makes a SIP phone: its user is <name>, its password a line of 6 or more on stdin',
    ],
  ],
  run: async call => {
    const wish: NewUser = {
      name: call.words[0]!,
      displayName: call.options['display-name'] as string | undefined,
      sipPassword: call.options['password-stdin'] ? await passwordFromStdin() : undefined,
    }
    await api(call.config, 'POST', '/users', wish).catch(error => {
      if (error instanceof NotRunning) return asOwnerOf(call.config.data.dir, () => addToStore(call, wish))
      throw error
    })
    const told = { name: wish.name, sip: wish.sipPassword !== undefined }
    call.print(told, () => `added ${told.name}${told.sip ? `, SIP phone with digest user ${told.name}` : ''}`)
  },
}

export const userList: Command = {
  name: 'user list',
  usage: '',
  about: 'lists people, until when guests stay, and how many devices each has',
  run: async call => {
    const users = await api<readonly User[]>(call.config, 'GET', '/users')
    const rows = users.map(user => [
      user.name,
      user.displayName,
      user.number,
      user.role,
      moment(user.expiresAt),
      user.presence,
      String(user.devices.length),
    ])
    call.print(users, () =>
      table(['NAME', 'CALLED', 'NUMBER', 'ROLE', 'GUEST UNTIL', 'PRESENCE', 'DEVICES'], rows, 'nobody yet'),
    )
  },
}

export const userRemove: Command = {
  name: 'user remove',
  usage: '<name>',
  about: 'removes a person and all their devices',
  words: [1, 1],
  run: async call => {
    await orSay(api(call.config, 'DELETE', `/users/${encodeURIComponent(call.words[0]!)}`), listHint)
    call.print({ removed: call.words[0] }, () => `removed ${call.words[0]}`)
  },
}

export const userPassword: Command = {
  name: 'user passwd',
  usage: '<name> --password-stdin [--sip]',
  about: "sets a person's console password, or with --sip that of their SIP phone",
  words: [1, 1],
  options: { sip: { type: 'boolean' }, 'password-stdin': { type: 'boolean' } },
  help: [
    [
      '--password-stdin',
      'the password is a line on stdin, of 10 or more characters; with --sip of 6 or more',
    ],
  ],
  run: async call => {
    if (!call.options['password-stdin'])
      throw new UsageError('give the password on stdin, with --password-stdin')
    const password = await passwordFromStdin()
    const change = call.options.sip ? { sipPassword: password } : { password }
    await orSay(api(call.config, 'PATCH', `/users/${encodeURIComponent(call.words[0]!)}`, change), listHint)
    const what = call.options.sip ? 'SIP password' : 'console password'
    call.print({ changed: call.words[0], what }, () => `changed the ${what} of ${call.words[0]}`)
  },
}

export const userRings: Command = {
  name: 'user rings',
  usage: '<name> [<other> ...]',
  about: 'whose devices ring as well when a person is called; without others, nobody else’s',
  words: [1, 21],
  help: [
    ['<name>', 'who is called: it may be a house or a door, added as a person without devices'],
    ['<other>', 'up to 20; the first to answer takes the call'],
  ],
  run: async call => {
    const [name, ...alsoRings] = call.words as [string, ...string[]]
    const path = `/users/${encodeURIComponent(name)}`
    await orSay(api(call.config, 'PATCH', path, { alsoRings }), listHint)
    call.print({ name, alsoRings }, () =>
      alsoRings.length === 0
        ? `calls to ${name} ring at nobody else`
        : `calls to ${name} ring at ${alsoRings.join(', ')} as well`,
    )
  },
}

export const userDoor: Command = {
  name: 'user door',
  usage: '<name> [<keys>]',
  about: 'the keys that open a door station; without keys, it is none',
  words: [1, 2],
  help: [['<keys>', 'as in 9#; pages show a button in a call with it, which presses them']],
  run: async call => {
    const [name, doorKeys = ''] = call.words as [string, string?]
    await orSay(api(call.config, 'PATCH', `/users/${encodeURIComponent(name)}`, { doorKeys }), listHint)
    call.print({ name, doorKeys }, () =>
      doorKeys === '' ? `${name} is no door` : `${name} is opened by ${doorKeys}`,
    )
  },
}

export const userQuiet: Command = {
  name: 'user quiet',
  usage: '<name> [<from>-<until> | off] [--days DAYS] [--zone ZONE]',
  about: 'when a person is not to be disturbed by the clock; without hours, tells it',
  words: [1, 2],
  options: { days: { type: 'string' }, zone: { type: 'string' } },
  help: [
    ['<from>-<until>', '22:00-07:00; nothing of theirs rings then, on any device'],
    ['off', 'no such hours'],
    [
      '--days',
      `on which they begin, as in ${weekdays.slice(0, 5).join()}; as before, or every day, if not given`,
    ],
    ['--zone', 'whose clock it goes by, as in Europe/Berlin; as before, or this computer’s, if not given'],
  ],
  run: async call => {
    const [name, wanted] = call.words as [string, string?]
    const found = (await api<readonly User[]>(call.config, 'GET', '/users')).find(user => user.name === name)
    if (found === undefined) throw new CommandError(`there is no ${name}; ${listHint}`)
    const before = found.quietHours
    if (wanted === undefined)
      return call.print({ name, quietHours: before ?? null }, () => quietOf(name, before))
    const quietHours = wanted === 'off' ? null : hoursFrom(wanted, call.options, before)
    await orSay(api(call.config, 'PATCH', `/users/${encodeURIComponent(name)}`, { quietHours }), listHint)
    call.print({ name, quietHours }, () => quietOf(name, quietHours))
  },
}

function hoursFrom(
  text: string,
  { days, zone }: Invocation['options'],
  before: QuietHours | undefined,
): QuietHours {
  const [, from, until] = /^([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})$/.exec(text) ?? []
  if (from === undefined || until === undefined) {
    throw new UsageError(`${text} is neither off nor hours such as 22:00-07:00`)
  }
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const place = (zone as string | undefined) ?? before?.zone ?? here
  // What nobody has told where it stands shows UTC, as a card does.
  if (zone === undefined && before === undefined && ['UTC', 'Etc/UTC'].includes(here)) {
    throw new UsageError(
      'this computer’s clock shows UTC: say whose it is to go by, as in --zone Europe/Berlin',
    )
  }
  const named = typeof days === 'string' ? (days.split(',') as Weekday[]) : (before?.days ?? weekdays)
  return { from, until, days: named, zone: place }
}

const quietOf = (name: string, hours: QuietHours | null | undefined): string =>
  hours
    ? `quiet hours of ${name}: ${hours.from}-${hours.until}, beginning on ${hours.days.join()}, by the clock of ${hours.zone}`
    : `${name} has no quiet hours`

const listHint = 'those who are here: lanline user list'

async function addToStore(call: Invocation, wish: NewUser): Promise<void> {
  try {
    const store = await openStore(call.config.data.dir)
    try {
      await store.directory.addUser(wish)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof StoreError || error instanceof DirectoryError) throw new CommandError(error.message)
    throw error
  }
}

const longestPasswordBytes = 1_024

async function passwordFromStdin(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('type the password, then Enter and Ctrl-D (it is shown)\n')
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (password === '' || Buffer.byteLength(password) > longestPasswordBytes || /[\r\n]/.test(password)) {
    throw new CommandError(`stdin must hold one line, the password, at most ${longestPasswordBytes} bytes`)
  }
  return password
}
