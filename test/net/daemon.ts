/** A real lanline on a host of the LAN, with a configuration and data directory of its own. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CallList, Health } from '../../src/admin/message.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { type ExecResult, type Host, must, run } from './lan.ts'
import { askLocally } from './local-request.ts'
import { type Answer, reach } from './reach.ts'
import { until } from './wait.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const main = join(root, 'src/main.ts')
const node = join(root, 'node_modules/.bin/node')

/** `section.key` to value, over the defaults that the tests use. */
export type Settings = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface How {
  readonly byAddress?: boolean
  /** Another appliance on the same host, after or before: its own data directory and configuration. */
  readonly directory?: string
  /** Over this process's own. */
  readonly environment?: Readonly<Record<string, string>>
}

export class Daemon {
  readonly host: Host
  /** `https://lanline.local`, the name that every host of the LAN knows. */
  readonly origin: string
  readonly dataDirectory: string
  readonly #configFile: string
  readonly #environment: NodeJS.ProcessEnv
  /** What a stranger on the LAN reaches without a certificate. */
  readonly #door: string
  #process: ChildProcess | undefined
  #output = ''

  /** `byAddress`: it is reached by its address, for tests in which its name is in question. */
  constructor(host: Host, settings: Settings = {}, how: How = {}) {
    this.host = host
    this.#environment = { ...process.env, ...how.environment }
    const directory = join(host.lan.directory, how.directory ?? `lanline-${host.name}`)
    mkdirSync(directory, { recursive: true })
    this.dataDirectory = join(directory, 'data')
    this.#configFile = join(directory, 'lanline.toml')
    const all: Settings = {
      'data.dir': this.dataDirectory,
      'http.port': 80,
      'http.tls_port': 443,
      'sip.port': 5060,
      'sip.tls_port': 5061,
      ...settings,
    }
    const inUrl = host.address.includes(':') ? `[${host.address}]` : host.address
    const name = how.byAddress ? inUrl : 'lanline.local'
    this.origin = all['http.tls_port'] === 443 ? `https://${name}` : `https://${name}:${all['http.tls_port']}`
    this.#door = `http://${inUrl}:${all['http.port']}`
    writeFileSync(this.#configFile, toToml(all))
  }

  /** Everything the process wrote, over all of its starts. */
  get output(): string {
    return this.#output
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** PEM of the appliance's authority, as a person would get it from the door page. */
  get authorityFile(): string {
    return join(this.dataDirectory, '..', 'ca.crt')
  }

  /** Starts the process and waits until it says it is ready. */
  async start(): Promise<void> {
    const before = this.#output.length
    const child = this.host.spawn(node, [main, 'serve', '--config', this.#configFile], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment,
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', chunk => {
        this.#output += String(chunk)
        // What a process says while it is being ended may come after the test took the directory away.
        const directory = join(this.dataDirectory, '..')
        if (existsSync(directory)) appendFileSync(join(directory, 'output.log'), String(chunk))
      })
    }
    await until(
      'lanline says it is ready',
      () => {
        if (child.exitCode !== null)
          throw new Error(`lanline ended with ${child.exitCode}:\n${this.#output.slice(before)}`)
        return this.#output.slice(before).includes('lanline ready ')
      },
      { seconds: 30, everyMilliseconds: 50 },
    ).catch(error => {
      throw new Error(`${String(error)}\n${this.#output.slice(before)}`)
    })
    if (!existsSync(this.authorityFile)) await this.#fetchAuthority()
  }

  /** Power cut: the process gets no chance to say good-bye, but the machine's own kernel closes its connections. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Orderly stop. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** `setup code XXXX-XXXX` of the newest start, while unclaimed. */
  get setupCode(): string {
    const code = [...this.#output.matchAll(/setup code ([A-Z0-9]{4}-[A-Z0-9]{4})/g)].at(-1)?.[1]
    if (code === undefined) throw new Error(`no setup code in:\n${this.#output}`)
    return code
  }

  async health(): Promise<Health> {
    return JSON.parse((await this.get('/api/v1/health')).body) as Health
  }

  /** A request from the daemon's own host to its HTTPS port, authority checked. */
  get(path: string): Promise<Answer> {
    return this.request('GET', path)
  }

  request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const authority = readFileSync(this.authorityFile, 'utf8')
    return reach(this.host, `${this.origin}${path}`, {
      method,
      body,
      authority,
      headers: { origin: this.origin, ...headers },
    })
  }

  /** Runs `lanline <args>` against this daemon; throws with its words when it fails. */
  async cli(args: readonly string[], input?: string): Promise<ExecResult> {
    return must(run(node, [main, ...args, '--config', this.#configFile], input))
  }

  /** `lanline doctor --json`, on the appliance's own host. */
  doctor(): Promise<ExecResult> {
    return this.host.exec(node, [main, 'doctor', '--json', '--config', this.#configFile])
  }

  /** As `lanline call list` has them, newest first. */
  async calls(): Promise<readonly CallRow[]> {
    return (await askLocally<CallList>(this.dataDirectory, '/calls')).calls
  }

  /** Waits until it ends by itself; its exit code. */
  async ended(): Promise<number | null> {
    const child = this.#process!
    if (child.exitCode === null) await once(child, 'exit')
    return child.exitCode
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async #fetchAuthority(): Promise<void> {
    const answer = await reach(this.host, `${this.#door}/lanline.crt`)
    if (answer.status !== 200) throw new Error(`no authority: ${answer.status} ${answer.body.slice(0, 200)}`)
    const base64 = answer.bytes.toString('base64').replace(/(.{64})/g, '$1\n')
    writeFileSync(this.authorityFile, `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`)
  }
}

function toToml(settings: Settings): string {
  const sections = new Map<string, string[]>()
  for (const [path, value] of Object.entries(settings)) {
    const [section = '', key = ''] = path.split('.')
    sections.set(section, [...(sections.get(section) ?? []), `${key} = ${JSON.stringify(value)}`])
  }
  return [...sections].map(([section, lines]) => `[${section}]\n${lines.join('\n')}\n`).join('\n')
}
