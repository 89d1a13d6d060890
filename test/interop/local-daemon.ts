/** A real lanline on 127.0.0.1, with ports, data directory and people of its own, as SIP programs on this machine see it. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { openStore } from '../../src/store/store.ts'
import { freePorts } from './free-ports.ts'

const checkout = path.join(import.meta.dirname, '../..')
const node = path.join(checkout, 'node_modules/.bin/node')
const main = path.join(checkout, 'src/main.ts')

export interface LocalDaemon {
  readonly pid: number
  readonly ports: {
    readonly sip: number
    readonly sipTls: number
    readonly http: number
    readonly https: number
  }
  /** The channel token of each of `apps`. */
  readonly tokens: Readonly<Record<string, string>>
  /** What it wrote to stdout and stderr so far. */
  output(): string
  /** Runs `lanline <args>` against it and gives its stdout; throws when it fails. */
  cli(...args: readonly string[]): string
  /** Orderly stop; resolves when the process has ended. */
  stop(): Promise<void>
}

export interface LocalDaemonOptions {
  /** Exists, is empty, and is removed by the caller. */
  readonly directory: string
  /** People with a SIP device each, put into the store before the start. */
  readonly users: readonly { readonly name: string; readonly password: string }[]
  /** Users who get a device that speaks `lanline.v1` besides. */
  readonly apps?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** More of what it finds in its environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** More of `lanline.toml`. */
  readonly configuration?: string
}

export async function startLocalDaemon(options: LocalDaemonOptions): Promise<LocalDaemon> {
  const data = path.join(options.directory, 'data')
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const tokens = await addUsers(data, options)
  const [sip, sipTls, http, https] = (await freePorts(4)) as [number, number, number, number]
  const configFile = path.join(options.directory, 'lanline.toml')
  writeFileSync(
    configFile,
    [
      `[data]\ndir = ${JSON.stringify(data)}`,
      `[sip]\nport = ${sip}\ntls_port = ${sipTls}`,
      `[http]\nport = ${http}\ntls_port = ${https}`,
      '[net]\nbind = ["127.0.0.1"]\n',
      options.configuration ?? '',
    ].join('\n'),
  )
  const nodeOptions = options.nodeOptions ?? []
  const child = spawn(node, [...nodeOptions, main, 'serve', '--config', configFile], {
    cwd: options.directory,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      // Only what a failure would need is kept: a flood may be logged.
      output = (output + chunk.toString()).slice(-1_000_000)
      if (output.includes('lanline ready ')) resolve()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`lanline ended with ${code}:\n${output}`)))
  })
  return {
    pid: child.pid!,
    ports: { sip, sipTls, http, https },
    tokens,
    output: () => output,
    cli: (...args) =>
      execFileSync(node, [main, ...args, '--config', configFile], {
        encoding: 'utf8',
        maxBuffer: 64 * 1_048_576,
      }),
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function addUsers(
  data: string,
  { users, apps = [] }: Pick<LocalDaemonOptions, 'users' | 'apps'>,
): Promise<Readonly<Record<string, string>>> {
  const { directory, close } = await openStore(data)
  await Promise.all(users.map(({ name, password }) => directory.addUser({ name, sipPassword: password })))
  const tokens: Record<string, string> = {}
  for (const user of apps)
    tokens[user] = (await directory.enrol({ user }, { name: 'test', kind: 'app' })).token
  await close()
  return tokens
}
