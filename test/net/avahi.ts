/** An avahi-daemon on a host of the LAN, with a system bus of its own, and what its tools see from there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExecResult, type Host, run } from './lan.ts'
import { until } from './wait.ts'

/** One line of `avahi-browse -rtp` that was resolved. */
export interface Found {
  readonly interface: string
  readonly protocol: 'IPv4' | 'IPv6'
  readonly instance: string
  readonly type: string
  readonly host: string
  readonly address: string
  readonly port: number
  readonly txt: readonly string[]
}

/** Mounts of its own, so that several hosts of one machine each have their /run. */
const busScript = `
  set -e
  mount -t tmpfs tmpfs /run
  mkdir -p /run/dbus /run/avahi-daemon
  exec dbus-daemon --config-file=/usr/share/dbus-1/system.conf --address="$1" --nofork --nopidfile
`

export interface AvahiOptions {
  readonly ipv6?: boolean
  /** It lets no other program of its host have UDP port 5353. */
  readonly exclusive?: boolean
  /** Only the bus; avahi itself later, by `startDaemon`. */
  readonly busOnly?: boolean
}

export class Avahi {
  readonly host: Host
  /** `DBUS_SYSTEM_BUS_ADDRESS` for whoever is to find it. */
  readonly busAddress: string
  readonly #bus: ChildProcess
  readonly #configFile: string
  #daemon: ChildProcess | undefined
  #output = ''
  readonly #found = new Map<string, Found>()
  readonly #gone: string[] = []

  private constructor(host: Host, bus: ChildProcess, busAddress: string, configFile: string) {
    this.host = host
    this.busAddress = busAddress
    this.#bus = bus
    this.#configFile = configFile
    this.#collect(bus)
  }

  /** Resolves once it answers; `hostname` as it asks for it, which the network may refuse. */
  static async start(host: Host, hostname: string, options: AvahiOptions = {}): Promise<Avahi> {
    const directory = join(host.lan.directory, `avahi-${host.name}`)
    mkdirSync(directory, { recursive: true })
    const file = join(directory, 'avahi-daemon.conf')
    const yes = (on = false): string => (on ? 'yes' : 'no')
    writeFileSync(
      file,
      `[server]\nhost-name=${hostname}\nuse-ipv4=yes\nuse-ipv6=${yes(options.ipv6)}\nallow-interfaces=eth0,eth1\ndisallow-other-stacks=${yes(options.exclusive)}\nratelimit-interval-usec=1000000\nratelimit-burst=1000\n[publish]\npublish-hinfo=no\npublish-workstation=no\n`,
    )
    const socket = join(directory, 'bus')
    const address = `unix:path=${socket}`
    const bus = host.spawn('unshare', ['-m', 'bash', '-c', busScript, 'bus', address], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const avahi = new Avahi(host, bus, address, file)
    await avahi.#must('the bus is there', () => existsSync(socket))
    if (options.busOnly) return avahi
    await avahi.startDaemon()
    avahi.#watch()
    return avahi
  }

  /** Starts avahi-daemon on the bus that is there, and resolves once it answers. */
  async startDaemon(): Promise<void> {
    const args = ['--no-drop-root', '--no-chroot', '--no-rlimits', '-f', this.#configFile]
    this.#daemon = spawn('nsenter', this.#argv('avahi-daemon', args), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#collect(this.#daemon)
    await this.#must('avahi answers', async () => (await this.#inside('avahi-browse', ['-at'])).code === 0)
  }

  /** Ends avahi-daemon; the bus stays. */
  async stopDaemon(): Promise<void> {
    const daemon = this.#daemon
    if (daemon === undefined || daemon.exitCode !== null) return
    const ended = new Promise(resolve => daemon.once('exit', resolve))
    daemon.kill('SIGTERM')
    await ended
  }

  /** What it calls itself now. */
  async hostname(): Promise<string> {
    const told =
      /Server startup complete\. Host name is (\S+)\.local|Host name conflict, retrying with (\S+)/g
    const all = [...this.#output.matchAll(told)]
    const last = all.at(-1)
    return last?.[1] ?? last?.[2] ?? ''
  }

  /** Every service it knows by now, with addresses and TXT, IPv4 only. `type` as `_sip._udp`; none: all. */
  services(type?: string): readonly Found[] {
    const all = [...this.#found.values()].filter(one => one.protocol === 'IPv4')
    return type === undefined ? all : all.filter(one => one.type === type)
  }

  /** Services of a type as they are resolved now. */
  async look(type: string): Promise<readonly Found[]> {
    const { stdout } = await this.#inside('avahi-browse', ['-rpt', type])
    const found = stdout.split('\n').map(line => foundIn(line.split(';')))
    return found.filter(one => one !== undefined)
  }

  /** Instances that went, by their goodbye or for want of news, in order. */
  get gone(): readonly string[] {
    return this.#gone
  }

  /** The address of a name, undefined when nobody answers. */
  async resolve(name: string): Promise<string | undefined> {
    const { code, stdout } = await this.#inside('avahi-resolve', ['-4', '-n', name])
    return code === 0 ? stdout.trim().split(/\s+/)[1] : undefined
  }

  /** The name of an address, undefined when nobody answers. */
  async nameOf(address: string): Promise<string | undefined> {
    const { code, stdout } = await this.#inside('avahi-resolve', ['-a', address])
    return code === 0 ? stdout.trim().split(/\s+/)[1] : undefined
  }

  /** Tells of everything that comes and goes, without end. */
  #watch(): void {
    const child = spawn('nsenter', this.#argv('avahi-browse', ['-arpk']), {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let rest = ''
    child.stdout.on('data', chunk => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#heard(line.split(';'))
    })
    child.unref()
  }

  #heard(fields: readonly string[]): void {
    const key = fields.slice(1, 5).join(';')
    if (fields[0] === '-') {
      this.#found.delete(key)
      this.#gone.push(plain(fields[3] ?? ''))
    }
    const found = foundIn(fields)
    if (found !== undefined) this.#found.set(key, found)
  }

  #inside(command: string, args: readonly string[]): Promise<ExecResult> {
    return run('nsenter', this.#argv('timeout', ['8', command, ...args]))
  }

  /** The arguments for `nsenter` that run a program beside the bus; it dies with this process. */
  #argv(command: string, args: readonly string[]): string[] {
    const environment = `DBUS_SYSTEM_BUS_ADDRESS=${this.busAddress}`
    const within = ['-t', String(this.#bus.pid), '-m', '-n', 'setpriv', '--pdeathsig', 'KILL']
    return [...within, 'env', environment, command, ...args]
  }

  #collect(process: ChildProcess): void {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', chunk => {
        this.#output += String(chunk)
      })
    }
  }

  async #must(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, look, { seconds: 10, everyMilliseconds: 50 }).catch(error => {
      throw new Error(`${String(error)}\n${this.#output}`)
    })
  }
}

/** avahi writes bytes it does not print as \DDD, and signs after a backslash. */
const plain = (written: string): string =>
  written.replace(/\\([0-9]{3}|.)/g, (_all, what: string) =>
    /^[0-9]{3}$/.test(what) ? String.fromCharCode(Number(what)) : what,
  )

function foundIn(fields: readonly string[]): Found | undefined {
  if (fields[0] !== '=' || fields.length < 10) return undefined
  const [, name, protocol, instance, type, , host, address, port, txt = ''] = fields
  return {
    interface: name!,
    protocol: protocol as Found['protocol'],
    instance: plain(instance!),
    type: type!,
    host: host!,
    address: address!,
    port: Number(port),
    txt: [...txt.matchAll(/"([^"]*)"/g)].map(match => match[1]!).sort(),
  }
}
