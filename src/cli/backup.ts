/** One encrypted file with everything, and the way back; both with lanline running or stopped. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import {
  acceptBackup,
  acceptCopy,
  checkBackup,
  databaseFile,
  makeBackup,
  minPassphraseCharacters,
} from '../backup/backup.ts'
import { freeBytesIn } from '../runtime/disk.ts'
import { copiesIn } from '../store/copies.ts'
import { migrations } from '../store/migrations.ts'
import { type Command, CommandError, type Invocation, table, UsageError } from './command.ts'
import { asOwnerOf } from './owner.ts'
import { unreadable } from './unreadable.ts'
import { ownVersion } from './version.ts'

const options = { 'passphrase-stdin': { type: 'boolean' } } as const

export const backup: Command = {
  name: 'backup',
  usage: '<file> --passphrase-stdin',
  about: 'writes people, devices, calls, settings, certificates and keys into one encrypted file',
  words: [1, 1],
  options,
  help: [
    [
      '--passphrase-stdin',
      `the passphrase is a line on stdin, of ${minPassphraseCharacters} or more characters; nobody opens the file without it`,
    ],
  ],
  run: async call => {
    const file = call.words[0]!
    const passphrase = await passphraseOf(call)
    if ([...passphrase].length < minPassphraseCharacters) {
      throw new CommandError(`the passphrase needs at least ${minPassphraseCharacters} characters`)
    }
    if (existsSync(file)) throw new CommandError(`${file} is there already; choose another name`)
    const { dir } = call.config.data
    if (!existsSync(join(dir, databaseFile))) {
      throw new CommandError(
        `there is nothing to back up in ${dir}; is the data elsewhere (data.dir, --config)?`,
      )
    }
    if (!call.options.json) process.stderr.write('backing up …\n')
    const part = `${file}.part`
    rmSync(part, { force: true })
    // Made by us, or it is no backup: whoever may write beside it could have laid a file or a link there.
    const made = await open(part, 'wx', 0o600)
    try {
      await asOwnerOf(call.config.data.dir, () =>
        pipeline(makeBackup(placeOf(call), passphrase), made.createWriteStream()),
      )
      renameSync(part, file)
    } catch (error) {
      rmSync(part, { force: true })
      throw new CommandError(`no backup was made: ${sentenceOf(error)}`)
    }
    call.print({ file }, () => `backed up to ${file}; keep file and passphrase apart`)
  },
}

export const restore: Command = {
  name: 'restore',
  usage: '<file> --passphrase-stdin',
  about: 'looks through a backup; it replaces everything when lanline starts next',
  words: [1, 1],
  options,
  help: [['--passphrase-stdin', 'a line on stdin: the passphrase that the backup was made with']],
  run: async call => {
    const passphrase = await passphraseOf(call)
    const place = placeOf(call)
    if (!call.options.json) process.stderr.write('looking through the backup …\n')
    const named = call.words[0]!
    const file = await open(named).catch(error => {
      throw unreadable(named, error)
    })
    const manifest = await asOwnerOf(place.dataDirectory, async () => {
      const checked = await checkBackup(place, file.createReadStream(), passphrase).catch(failed)
      await acceptBackup(place.dataDirectory)
      return checked
    })
    const { users, devices, calls } = manifest
    call.print(
      manifest,
      () =>
        `${users} people, ${devices} devices and ${calls} calls take the place of what is here when lanline starts next; restart it now if it runs. What is here is kept as before-restore.db.`,
    )
  },
}

export const backupCopies: Command = {
  name: 'backup copies',
  usage: '',
  about: 'lists the copies of the database that updates made before they changed it',
  run: async call => {
    const copies = copiesIn(call.config.data.dir)
    const rows = copies.map(({ name, schema, madeAt }) => [name, String(schema), madeAt ?? 'on trial'])
    call.print(copies, () => table(['copy', 'schema', 'made'], rows, 'there are no copies'))
  },
}

export const backupRestoreCopy: Command = {
  name: 'backup restore-copy',
  usage: '<copy>',
  about: 'goes back to such a copy, which replaces everything when lanline starts next',
  words: [1, 1],
  run: async call => {
    const name = call.words[0]!
    const place = placeOf(call)
    if (!copiesIn(place.dataDirectory).some(copy => copy.name === name)) {
      throw new CommandError(`there is no copy ${name}; lanline backup copies lists them`)
    }
    const { users, devices, calls } = await asOwnerOf(place.dataDirectory, () =>
      acceptCopy(place, name).catch(failed),
    )
    call.print(
      { users, devices, calls },
      () =>
        `${users} people, ${devices} devices and ${calls} calls take the place of what is here when lanline starts next; restart it now if it runs. What came since is kept as before-restore.db.`,
    )
  },
}

const placeOf = ({ config }: Invocation) => ({
  dataDirectory: config.data.dir,
  version: ownVersion(),
  schema: migrations.length,
  freeBytes: () => freeBytesIn(config.data.dir),
})

async function passphraseOf(call: Invocation): Promise<string> {
  if (!call.options['passphrase-stdin'])
    throw new UsageError('give the passphrase on stdin, with --passphrase-stdin')
  return (await text(process.stdin)).replace(/\r?\n$/, '')
}

const failed = (error: unknown): never => {
  throw new CommandError(`nothing was restored: ${sentenceOf(error)}`)
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
