/**
 * Linphone on a host of the LAN, as Debian packages its library (linphonec): set up by an address of remote
 * configuration and nothing else, steered by its own commands, sends a tone from a file and records what it hears.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './lan.ts'
import { readTone, toneShare, writeTone } from './media.ts'
import { pathOf } from './peers.ts'
import { until } from './wait.ts'

export interface LinphoneOptions {
  /** What its user scans. */
  readonly provisioningUrl: string
  /** The tone it sends. */
  readonly hertz: number
  /** No picture in its offers. */
  readonly audioOnly?: boolean
  /** What it asks for in each call, by its own bits (RFC 3323 §4.2): 1 user, 8 id. */
  readonly privacy?: number
}

export class Linphone {
  readonly host: Host
  readonly directory: string
  readonly #configuration: string
  #process: ChildProcess | undefined
  #output = ''

  constructor(host: Host, options: LinphoneOptions) {
    this.host = host
    this.directory = join(host.lan.directory, `linphone-${host.name}`)
    // Without these it finds no place for its databases, and does not start.
    for (const folder of ['.local/share/linphone', '.config/linphone'])
      mkdirSync(join(this.directory, folder), { recursive: true })
    this.#configuration = join(this.directory, 'linphonerc')
    // It would write on where another one ended.
    for (const file of ['log', 'heard.wav']) rmSync(join(this.directory, file), { force: true })
    const video = options.audioOnly
      ? '[video]\nenabled=0\nautomatically_initiate=0\nautomatically_accept=0\n'
      : ''
    const privacy = options.privacy === undefined ? '' : `[proxy_0]\nprivacy=${options.privacy}\n`
    writeFileSync(this.#configuration, `[misc]\nconfig-uri=${options.provisioningUrl}\n${video}${privacy}`)
    writeTone(join(this.directory, 'tone.wav'), options.hertz, { rate: 16_000, seconds: 60 })
  }

  get output(): string {
    return this.#output
  }

  /** What it keeps, as it is on disk. */
  get configuration(): string {
    return readFileSync(this.#configuration, 'utf8')
  }

  get log(): string {
    const file = join(this.directory, 'log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /** Starts it; it fetches its configuration first, and registers by it. */
  start(): void {
    const log = join(this.directory, 'log')
    const child = this.host.spawn(pathOf('linphonec')!, ['-c', this.#configuration, '-d', '5', '-l', log], {
      cwd: this.directory,
      env: { ...process.env, HOME: this.directory },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', chunk => {
        this.#output += String(chunk)
      })
    }
    child.stdin?.on('error', () => {})
    this.command('soundcard use files')
    this.command(`record ${join(this.directory, 'heard.wav')}`)
  }

  /** A line for its prompt. */
  command(line: string): void {
    this.#process?.stdin?.write(`${line}\n`)
  }

  /** Waits until its log says something; what it said before `from` does not count. */
  async logs(pattern: RegExp, from = 0, seconds = 15): Promise<RegExpExecArray> {
    return until(`Linphone logs ${pattern}`, () => pattern.exec(this.log.slice(from)) ?? undefined, {
      seconds,
    }).catch(error => {
      throw new Error(`${String(error)}\n${this.#output.slice(-2_000)}\n${this.log.slice(-6_000)}`)
    })
  }

  /** Speaks into its first call, once that is encrypted; into later ones it then does by itself. */
  async speak(): Promise<void> {
    const secured = 'Call 1 is fully encrypted'
    await until(`Linphone says: ${secured}`, () => this.#output.includes(secured))
    this.command(`play ${join(this.directory, 'tone.wav')}`)
  }

  registered(): Promise<unknown> {
    return this.logs(/moving from state \[LinphoneRegistrationProgress\] to \[LinphoneRegistrationOk\]/)
  }

  /** The share of `hertz` in the last second of its last call, 0 to 1; undefined before the call is over. */
  heardShare(hertz: number): number | undefined {
    const file = join(this.directory, 'heard.wav')
    // It writes the head last.
    if (!existsSync(file) || readFileSync(file).readUInt16LE(22) === 0) return undefined
    const { rate, samples } = readTone(readFileSync(file))
    if (samples.length < rate) return undefined
    return toneShare(samples.subarray(samples.length - rate), rate, hertz)
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    this.command('quit')
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await ended
    clearTimeout(late)
  }
}
