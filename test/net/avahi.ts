/** An avahi-daemon on a host of the LAN, with a system bus of its own, and what its tools see from there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
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
const script = `
  set -e
  mount -t tmpfs tmpfs /run
  mkdir -p /run/dbus /run/avahi-daemon
  dbus-daemon --config-file=/usr/share/dbus-1/system.conf --address=unix:path=/run/dbus/system_bus_socket --nofork --nopidfile &
  for i in $(seq 50); do [ -S /run/dbus/system_bus_socket ] && break; sleep 0.05; done
  exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "$1"
`

export class Avahi {
  readonly host: Host
  readonly #process: ChildProcess
  #output = ''
  readonly #found = new Map<string, Found>()

  private constructor(host: Host, process: ChildProcess) {
    this.host = host
    this.#process = process
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', chunk => {
        this.#output += String(chunk)
      })
    }
  }

  /** Resolves once it answers; `hostname` as it asks for it, which the network may refuse. */
  static async start(host: Host, hostname: string, ipv6 = false): Promise<Avahi> {
    const directory = join(host.lan.directory, `avahi-${host.name}`)
    mkdirSync(directory, { recursive: true })
    const file = join(directory, 'avahi-daemon.conf')
    const yes = (on: boolean): string => (on ? 'yes' : 'no')
    writeFileSync(
      file,
      `[server]\nhost-name=${hostname}\nuse-ipv4=yes\nuse-ipv6=${yes(ipv6)}\nallow-interfaces=eth0\nratelimit-interval-usec=1000000\nratelimit-burst=1000\n[publish]\npublish-hinfo=no\npublish-workstation=no\n`,
    )
    const child = host.spawn('unshare', ['-m', 'bash', '-c', script, 'avahi', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const avahi = new Avahi(host, child)
    await until('avahi answers', async () => (await avahi.#inside('avahi-browse', ['-at'])).code === 0, {
      ...{ seconds: 10, everyMilliseconds: 50 },
    }).catch(error => {
      throw new Error(`${String(error)}\n${avahi.#output}`)
    })
    avahi.#watch()
    return avahi
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

  /** The address of a name, undefined when nobody answers. */
  async resolve(name: string): Promise<string | undefined> {
    const { code, stdout } = await this.#inside('avahi-resolve', ['-4', '-n', name])
    return code === 0 ? stdout.trim().split(/\s+/)[1] : undefined
  }

  /** Tells of everything that comes and goes, without end. */
  #watch(): void {
    const args = [
      '-t',
      String(this.#process.pid),
      '-m',
      '-n',
      'setpriv',
      '--pdeathsig',
      'KILL',
      'avahi-browse',
    ]
    const child = spawn('nsenter', [...args, '-arpk'], { stdio: ['ignore', 'pipe', 'ignore'] })
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
    if (fields[0] === '-') this.#found.delete(key)
    const found = foundIn(fields)
    if (found !== undefined) this.#found.set(key, found)
  }

  #inside(command: string, args: readonly string[]): Promise<ExecResult> {
    return run('nsenter', ['-t', String(this.#process.pid), '-m', '-n', 'timeout', '8', command, ...args])
  }
}

function foundIn(fields: readonly string[]): Found | undefined {
  if (fields[0] !== '=' || fields.length < 10) return undefined
  const [, name, protocol, instance, type, , host, address, port, txt = ''] = fields
  return {
    interface: name!,
    protocol: protocol as Found['protocol'],
    // avahi writes bytes it does not print as \DDD, and signs after a backslash.
    instance: instance!.replace(/\\([0-9]{3}|.)/g, (_all, what: string) =>
      /^[0-9]{3}$/.test(what) ? String.fromCharCode(Number(what)) : what,
    ),
    type: type!,
    host: host!,
    address: address!,
    port: Number(port),
    txt: [...txt.matchAll(/"([^"]*)"/g)].map(match => match[1]!).sort(),
  }
}
