/** argv to a subcommand and its exit code: 0 done, 1 refused or failed, 2 wrong usage. */
import { join } from 'node:path'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { ConfigError, loadConfig } from '../config.ts'
import { backup, backupCopies, backupRestoreCopy, restore } from './backup.ts'
import { callList, callShow } from './call.ts'
import { traceImport } from './capture.ts'
import { type Command, CommandError, harmless, harmlessJson, type Invocation, UsageError } from './command.ts'
import { deviceList, deviceRevoke } from './device.ts'
import { doctor } from './doctor.ts'
import { health } from './health.ts'
import { invite } from './invite.ts'
import { relayClose, relayGrant, relayStatus } from './relay.ts'
import { serve } from './serve.ts'
import { traceExport, traceKey, traceVerify } from './trace.ts'
import { traceShow } from './trace-show.ts'
import { tryOut } from './try.ts'
import {
  updateConfirm,
  updateInstall,
  updateMake,
  updateShow,
  updateStatus,
  updateStick,
  updateVerify,
} from './update.ts'
import { userAdd, userDoor, userList, userPassword, userQuiet, userRemove, userRings } from './user.ts'
import { version } from './version.ts'

/** A longer name stands before a shorter one that it begins with. */
const groups: readonly (readonly [title: string, commands: readonly Command[]])[] = [
  ['the exchange', [serve, tryOut, doctor, health, version]],
  [
    'people and devices',
    [
      invite,
      userAdd,
      userList,
      userPassword,
      userRings,
      userDoor,
      userQuiet,
      userRemove,
      deviceList,
      deviceRevoke,
    ],
  ],
  [
    'calls and their traces',
    [callList, callShow, traceExport, traceShow, traceVerify, traceKey, traceImport],
  ],
  ['the relay', [relayStatus, relayGrant, relayClose]],
  ['backup', [backupCopies, backupRestoreCopy, backup, restore]],
  [
    'updates of an image',
    [updateStatus, updateShow, updateVerify, updateInstall, updateStick, updateConfirm, updateMake],
  ],
]
const commands = groups.flatMap(([, each]) => each)

const common: ParseArgsOptionsConfig = {
  config: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
}

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly root: boolean
}

/** Resolves with the exit code, once the command is done; `serve` is done when it was told to stop. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const command = commandOf(argv)
    if (command === undefined) {
      const begun = commands.filter(({ name }) => name.startsWith(`${argv[0]} `))
      if (begun.length > 0 && ['--help', '-h'].includes(argv[1] ?? '')) {
        process.stdout.write(begun.map(helpOf).join('\n'))
        return 0
      }
      const asked = argv.length === 0 || ['help', '--help', '-h'].includes(argv[0]!)
      if (!asked) throw noSuchCommand(argv)
      process.stdout.write(overview())
      return argv.length === 0 ? 2 : 0
    }
    const call = invocation(command, argv, surroundings)
    if (call) await command.run(call)
    return 0
  } catch (error) {
    if (error instanceof UsageError) return complain(error.message, 2)
    if (error instanceof CommandError || error instanceof ConfigError) return complain(error.message, 1)
    const refusal = refusalOfSystem(error)
    if (refusal !== undefined) return complain(refusal, 1)
    return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), 1)
  }
}

function commandOf(argv: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word))
}

/** `lanline user`: what it may be followed by. */
function noSuchCommand([first = '', second]: readonly string[]): UsageError {
  const next = commands.flatMap(({ name }) =>
    name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : [],
  )
  const named =
    second === undefined || second.startsWith('-') || next.length === 0 ? first : `${first} ${second}`
  const see = next.length > 0 ? `lanline ${first} is followed by: ${next.join(', ')}` : 'see lanline --help'
  return new UsageError(`there is no command ${JSON.stringify(named)}; ${see}`)
}

function invocation(command: Command, argv: readonly string[], around: Surroundings): Invocation | undefined {
  const { values, positionals } = parse(command, argv.slice(command.name.split(' ').length))
  if (values.help) {
    process.stdout.write(helpOf(command))
    return undefined
  }
  const [least, most] = command.words ?? [0, 0]
  if (positionals.length < least || positionals.length > most) throw wrongUsage(command)
  const configFile = values.config as string | undefined
  const checkout = join(import.meta.dirname, '../..')
  return {
    words: positionals,
    options: values as Invocation['options'],
    config: loadConfig({ file: configFile, checkout, ...around }),
    configFile,
    environment: around.environment,
    print: (value, text) => {
      process.stdout.write(`${values.json ? harmlessJson(value) : harmless(text())}\n`)
    },
  }
}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({
      args,
      options: { ...common, ...command.options },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    throw wrongUsage(command, error instanceof Error ? error.message.split('. ', 1)[0] : undefined)
  }
}

function wrongUsage(command: Command, why?: string): UsageError {
  return new UsageError(`${why ? `${why}; ` : ''}usage: lanline ${command.name} ${command.usage}`.trimEnd())
}

function helpOf({ name, usage, about, help = [] }: Command): string {
  const width = Math.max(...help.map(([word]) => word.length))
  const lines = help.map(([word, what]) => `  ${word.padEnd(width)}  ${what}\n`)
  return `${`lanline ${name} ${usage}`.trimEnd()}\n${about}\n${lines.join('')}`
}

/** What is longer than its column has what it does on the next line. */
function overview(): string {
  const blocks = groups.map(([title, each]) => {
    const lines = each.map(({ name, usage, about }) => {
      const call = `${name} ${usage}`.trimEnd()
      return call.length <= 44 ? `  ${call.padEnd(44)} ${about}` : `  ${call}\n${''.padEnd(47)}${about}`
    })
    return `${title}\n${lines.join('\n')}\n`
  })
  return [
    'usage: lanline <command> [--config FILE] [--json]\n',
    ...blocks,
    'lanline <command> --help says more of one. --config names a file of settings, --json prints for programs.\n',
  ].join('\n')
}

/** A file or directory that is not there or may not be used is no fault of the program. */
function refusalOfSystem(error: unknown): string | undefined {
  const { path, message, code } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || path === undefined) return undefined
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code ?? '')) return message
  return `${message}; see that this user may read and write there, or choose another place (data.dir)`
}

function complain(message: string, code: number): number {
  process.stderr.write(`lanline: ${harmless(message)}\n`)
  return code
}
