/**
 * Stock SIP phones on hosts of the LAN. baresip speaks WebRTC's media (DTLS-SRTP, ICE, RTCP multiplexed), is steered
 * by HTTP on its own loopback, sends a tone and records what it hears.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './lan.ts'
import { readTone, toneShare } from './media.ts'
import { pathOf } from './peers.ts'
import { reach } from './reach.ts'
import { until } from './wait.ts'

const modules = ['httpd', 'opus', 'g711', 'ausine', 'aubridge', 'sndfile', 'srtp', 'dtls_srtp', 'stun', 'ice']

export interface BaresipOptions {
  readonly user: string
  readonly password: string
  /** The registrar's address. */
  readonly server: string
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** The tone it sends. */
  readonly hertz: number
  /** The one codec it speaks. */
  readonly codec?: 'opus/48000/2' | 'PCMU/8000/1'
  /** `none`: it neither encrypts nor speaks ICE, as phones did. */
  readonly keying?: 'dtls' | 'none'
  /** It keeps two flows (RFC 5626), one over UDP and one over TCP. */
  readonly hasTwoFlows?: boolean
  /** It hides who calls (RFC 3323), and so cannot register: it only calls. */
  readonly hidden?: boolean
  /** PEM of the authority that the TLS connection must be signed by. */
  readonly authorityFile?: string
}

export class Baresip {
  readonly host: Host
  readonly #directory: string
  readonly #options: BaresipOptions
  #process: ChildProcess | undefined
  #output = ''

  constructor(host: Host, options: BaresipOptions) {
    this.host = host
    this.#options = options
    this.#directory = join(host.lan.directory, `baresip-${host.name}-${options.user}-${options.transport}`)
    mkdirSync(this.#directory, { recursive: true })
    writeFileSync(join(this.#directory, 'config'), this.#config())
    writeFileSync(join(this.#directory, 'accounts'), this.#account())
    writeFileSync(join(this.#directory, 'contacts'), '')
  }

  get output(): string {
    return this.#output
  }

  /** Starts the phone and waits until it is registered. */
  async start(): Promise<void> {
    this.begin()
    await this.says(/\b200 OK\b.*\[\d+ binding/)
  }

  /** Starts the phone, whatever becomes of its registration. */
  begin(): void {
    const child = this.host.spawn(
      pathOf('baresip')!,
      [this.host.address.includes(':') ? '-6' : '-4', '-f', this.#directory, '-v'],
      {
        cwd: this.#directory,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', chunk => {
        this.#output += String(chunk)
      })
    }
  }

  /** Waits until the phone has printed something; what it printed before `from` does not count. */
  async says(pattern: RegExp, from = 0, seconds = 15): Promise<RegExpExecArray> {
    return until(`baresip says ${pattern}`, () => pattern.exec(this.#output.slice(from)) ?? undefined, {
      seconds,
    }).catch(error => {
      throw new Error(`${String(error)}\n${this.#output.slice(-4_000)}`)
    })
  }

  async dial(uri: string): Promise<void> {
    await this.command(`/dial ${uri}`)
  }

  async accept(): Promise<void> {
    await this.command('/accept')
  }

  async hangUp(): Promise<void> {
    await this.command('/hangup')
  }

  /** A command of baresip's menu. */
  async command(command: string): Promise<string> {
    return (await reach(this.host, `http://127.0.0.1:8000/raw/?${encodeURIComponent(command)}`)).body
  }

  /** The share of `hertz` in the last second this phone heard of its newest call, 0 to 1; undefined while it recorded nothing. */
  heardShare(hertz: number): number | undefined {
    const file = readdirSync(this.#directory)
      .filter(name => name.endsWith('-dec.wav'))
      .sort()
      .at(-1)
    if (file === undefined) return undefined
    const { rate, samples } = readTone(readFileSync(join(this.#directory, file)))
    if (samples.length < rate) return undefined
    return toneShare(samples.subarray(samples.length - rate), rate, hertz)
  }

  /** It answers nothing any more, as if it were switched off; what comes waits for it (`thaw`). */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Its plug is pulled: nobody is told. */
  async cutOff(): Promise<void> {
    const child = this.#process!
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await ended
    clearTimeout(late)
  }

  #config(): string {
    const lines = [
      'module_path /usr/lib/baresip/modules',
      ...modules.map(name => `module ${name}.so`),
      // Its instance; it is written into a file of its own.
      ...(this.#options.hasTwoFlows ? ['module_tmp uuid.so'] : []),
      'module_app account.so',
      'module_app menu.so',
      'http_listen 127.0.0.1:8000',
      `sip_listen ${this.host.address.includes(':') ? '[::]' : '0.0.0.0'}:5070`,
      ...(this.#options.authorityFile === undefined ? [] : [`sip_cafile ${this.#options.authorityFile}`]),
      'call_max_calls 4',
      `audio_source ausine,${this.#options.hertz}`,
      // The tone comes at this rate only; baresip resamples it for its codec.
      'ausrc_srate 48000',
      'ausrc_channels 2',
      'audio_player aubridge,nowhere',
      'audio_alert aubridge,nowhere',
      `snd_path ${this.#directory}`,
      'rtcp_mux yes',
      'net_interface eth0',
      'statmode_default off',
    ]
    return `${lines.join('\n')}\n`
  }

  #account(): string {
    const { user, password, server, transport, codec = 'opus/48000/2', keying } = this.#options
    const { hidden, hasTwoFlows } = this.#options
    const parameters = [
      `auth_user=${user}`,
      `auth_pass=${password}`,
      ...(keying === 'none' ? [] : ['mediaenc=dtls_srtp', 'medianat=ice']),
      `audio_codecs=${codec}`,
      ...(hidden ? ['regint=0', `outbound="sip:${server};transport=${transport}"`] : ['regint=600']),
      ...(hasTwoFlows
        ? [
            `outbound="sip:${server};transport=udp"`,
            `outbound2="sip:${server};transport=tcp"`,
            'sipnat=outbound',
          ]
        : []),
      'answermode=manual',
      'call_transfer=yes',
    ]
    if (hidden)
      return `"Anonymous" <sip:anonymous@anonymous.invalid;transport=${transport}>;${parameters.join(';')}\n`
    return `<sip:${user}@${server};transport=${transport}>;${parameters.join(';')}\n`
  }
}
