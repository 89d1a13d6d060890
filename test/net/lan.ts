/**
 * A LAN of one's own on one Linux machine: a bridge namespace as the switch and a namespace per host, tied to it by a
 * veth. Nothing leaves it: the namespaces have no way to the machine's own network, so every LAN may use the same
 * addresses. Names carry the process that made them; what a dead process left behind is removed by the next one.
 */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const namePattern = /^lanline-(\d+)-(\d+)-/
const etcNetns = '/etc/netns'

export interface LanOptions {
  /** Names of the hosts, in the order of their addresses: 10.77.0.11, .12, … and fd77::11, ::12, … */
  readonly hosts: readonly string[]
  /** IPv6 is switched off in every host unless asked for, so that it is never there by accident. */
  readonly ipv6?: boolean
  /** No host has IPv4: `address` is that of IPv6. */
  readonly ipv6Only?: boolean
  /** More lines for every host's `/etc/hosts`: name to host. */
  readonly names?: Readonly<Record<string, string>>
}

export interface ExecResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** One host: a network namespace with `eth0` on the LAN's bridge, or on another network it was moved to. */
export class Host {
  readonly name: string
  readonly namespace: string
  /** On the network it is plugged into now. */
  address: string
  readonly address6: string
  /** The last octet of its addresses. */
  readonly number: number
  /** The bridge's end of the host's cable, an interface in the LAN's switch namespace. */
  readonly port: string
  readonly lan: Lan

  constructor(lan: Lan, name: string, index: number) {
    this.lan = lan
    this.name = name
    this.namespace = `${lan.prefix}${name}`
    this.number = 11 + index
    this.address = `10.77.0.${this.number}`
    this.address6 = `fd77::${11 + index}`
    this.port = `to-${name}`.slice(0, 15)
  }

  /** Runs a program in the host and waits for it; never throws for its exit code. */
  exec(command: string, args: readonly string[], input?: string): Promise<ExecResult> {
    return run('ip', ['netns', 'exec', this.namespace, command, ...args], input)
  }

  /** Starts a program in the host; it dies with this process (`PR_SET_PDEATHSIG`), its process id is the child's. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', this.argv(command, args), options)
  }

  /** The arguments for `ip` that run a program in the host. */
  argv(command: string, args: readonly string[]): string[] {
    return ['netns', 'exec', this.namespace, 'setpriv', '--pdeathsig', 'KILL', command, ...args]
  }

  /** Pulls the cable: no FIN, no RST, nothing reaches the host or leaves it. */
  async linkDown(): Promise<void> {
    await ip(['-n', this.lan.switchNamespace, 'link', 'set', this.port, 'down'])
  }

  async linkUp(): Promise<void> {
    await ip(['-n', this.lan.switchNamespace, 'link', 'set', this.port, 'up'])
  }

  async setIpv6(on: boolean): Promise<void> {
    await setIpv6(this.namespace, on)
    if (on) await ip(['-n', this.namespace, 'addr', 'replace', `${this.address6}/64`, 'dev', 'eth0', 'nodad'])
  }

  /** Makes this host an IP router; packets it forwards keep their addresses. */
  async forward(): Promise<void> {
    const settings = [
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.send_redirects=0',
      'net.ipv4.conf.eth0.send_redirects=0',
    ]
    await must(this.exec('sysctl', ['-qw', ...settings]))
  }

  /** Sends what is for `to` through `router` instead of over the wire they share. */
  async routeThrough(router: Host, to: Host): Promise<void> {
    await must(
      this.exec('sysctl', [
        '-qw',
        'net.ipv4.conf.all.accept_redirects=0',
        'net.ipv4.conf.eth0.accept_redirects=0',
      ]),
    )
    await ip(['-n', this.namespace, 'route', 'replace', `${to.address}/32`, 'via', router.address])
  }

  async routeDirect(to: Host): Promise<void> {
    await ip(['-n', this.namespace, 'route', 'del', `${to.address}/32`])
  }
}

export class Lan {
  readonly prefix: string
  readonly switchNamespace: string
  /** The bridge's interface in the switch namespace: a capture here sees every frame that crosses the LAN. */
  readonly bridge = 'bridge'
  /** A directory of this LAN's own, removed with it. */
  readonly directory: string
  readonly #hosts = new Map<string, Host>()
  readonly #names: Readonly<Record<string, string>>
  readonly #ipv6Only: boolean
  /** Other switches, with the second octet of their addresses. */
  readonly #networks = new Map<string, number>()
  /** Addresses of hosts on networks they have a further interface in: `<network> <host>`. */
  readonly #further = new Map<string, string>()
  #gone = false

  private constructor(options: LanOptions) {
    this.prefix = `lanline-${process.pid}-${nextSerial()}-`
    this.switchNamespace = `${this.prefix}switch`
    this.directory = mkdtempSync(join(tmpdir(), this.prefix))
    this.#names = options.names ?? {}
    this.#ipv6Only = options.ipv6Only === true
    options.hosts.forEach((name, index) => {
      const host = new Host(this, name, index)
      if (this.#ipv6Only) host.address = host.address6
      this.#hosts.set(name, host)
    })
  }

  /** Builds the LAN and its hosts. Needs the right to make namespaces (`missingPeers` in `peers.ts` tells). */
  static async create(options: LanOptions): Promise<Lan> {
    removeStale()
    const lan = new Lan(options)
    liveLans.add(lan)
    await ip(['netns', 'add', lan.switchNamespace])
    await ipBatch(lan.switchNamespace, [
      `link add ${lan.bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      'link set lo up',
      `link set ${lan.bridge} up`,
    ])
    // The switch itself must not take part: no address of its own, not even a link-local one.
    await setIpv6(lan.switchNamespace, false)
    for (const host of lan.#hosts.values()) await lan.#plugIn(host, options)
    return lan
  }

  /** Gives a host one more interface, on the network of that name, which is a switch of its own made by its first host. */
  async attach(name: string, interfaceName: string, network: string, address: string): Promise<void> {
    const { namespace } = this.host(name)
    await this.#network(network)
    this.#further.set(`${network} ${name}`, address)
    const port = `${network}-${name}`.slice(0, 15)
    await ipBatch(namespace, [
      `link add ${interfaceName} type veth peer name ${port} netns ${this.switchNamespace}`,
      `link set ${interfaceName} up`,
      `addr add ${withPrefix(address)} dev ${interfaceName}`,
    ])
    await ipBatch(this.switchNamespace, [`link set ${port} master ${network}`, `link set ${port} up`])
  }

  /** One more interface on another network, with this host's number there. */
  async join(name: string, interfaceName: string, network: string): Promise<string> {
    const address = this.#addressOn(await this.#network(network), this.host(name))
    await this.attach(name, interfaceName, network, address)
    return address
  }

  /**
   * Pulls a host's cable and plugs it into another network, where it gets another address at once; `bridge` is the first
   * network. Names lead to where their hosts are reached from there. It has no other route than its own network.
   */
  async move(name: string, network: string): Promise<void> {
    const host = this.host(name)
    const octet = network === this.bridge ? 77 : await this.#network(network)
    await this.readdress(name, this.#addressOn(octet, host), network)
  }

  /** A second switch of the first network, tied to the first by a cable: another place, the same addresses. */
  async extend(name: string): Promise<void> {
    await this.#network(name)
    await ipBatch(this.switchNamespace, [
      `link add ${name}-a type veth peer name ${name}-b`,
      `link set ${name}-a master ${this.bridge}`,
      `link set ${name}-b master ${name}`,
      `link set ${name}-a up`,
      `link set ${name}-b up`,
    ])
  }

  /** Gives a host another address, on the network it is plugged into or on another one. */
  async readdress(name: string, address: string, network?: string): Promise<void> {
    const host = this.host(name)
    host.address = address
    if (network !== undefined) {
      await ipBatch(this.switchNamespace, [
        `link set ${host.port} down`,
        `link set ${host.port} master ${network}`,
      ])
    }
    this.#writeNames(host, network ?? this.bridge)
    await ipBatch(host.namespace, ['addr flush dev eth0', `addr add ${withPrefix(address)} dev eth0`])
    if (network !== undefined) await host.linkUp()
  }

  #addressOn(octet: number, { number }: Host): string {
    return this.#ipv6Only ? `fd${octet}::${number}` : `10.${octet}.0.${number}`
  }

  /** The second octet of that network's addresses; makes its switch when it is first named. */
  async #network(name: string): Promise<number> {
    const known = this.#networks.get(name)
    if (known !== undefined) return known
    const octet = 78 + this.#networks.size
    this.#networks.set(name, octet)
    await ipBatch(this.switchNamespace, [
      `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${name} up`,
    ])
    return octet
  }

  host(name: string): Host {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`this LAN has no host ${name}`)
    return host
  }

  /** Ends every process of the hosts and removes the LAN; safe to call twice. Synchronous, so that it works on exit. */
  remove(): void {
    if (this.#gone) return
    this.#gone = true
    liveLans.delete(this)
    for (const namespace of [
      ...[...this.#hosts.values()].map(host => host.namespace),
      this.switchNamespace,
    ]) {
      removeNamespace(namespace)
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }

  async #plugIn(host: Host, options: LanOptions): Promise<void> {
    await ip(['netns', 'add', host.namespace])
    this.#writeNames(host, this.bridge)
    const { ipv6Only = false, ipv6 = ipv6Only } = options
    await setIpv6(host.namespace, ipv6)
    await ipBatch(host.namespace, [
      'link set lo up',
      `link add eth0 type veth peer name ${host.port} netns ${this.switchNamespace}`,
      ...(ipv6Only ? [] : [`addr add ${host.address}/24 dev eth0`]),
      ...(ipv6 ? [`addr add ${host.address6}/64 dev eth0 nodad`] : []),
      'link set eth0 up',
      // Chromium takes its local addresses from the interface of the default route.
      ipv6Only ? 'route add ::/0 dev eth0' : 'route add default dev eth0',
    ])
    await ipBatch(this.switchNamespace, [
      `link set ${host.port} master ${this.bridge}`,
      `link set ${host.port} up`,
    ])
  }

  /** `ip netns exec` lays these over `/etc/hosts` and `/etc/resolv.conf`: names of the LAN, and no other resolver. */
  #writeNames(host: Host, network: string): void {
    const directory = join(etcNetns, host.namespace)
    mkdirSync(directory, { recursive: true })
    const lines = ['127.0.0.1 localhost', '::1 localhost']
    const addressOf = (name: string): string =>
      this.#further.get(`${network} ${name}`) ?? this.host(name).address
    for (const each of this.#hosts.values()) lines.push(`${addressOf(each.name)} ${each.name}`)
    for (const [name, target] of Object.entries(this.#names)) lines.push(`${addressOf(target)} ${name}`)
    writeFileSync(join(directory, 'hosts'), `${lines.join('\n')}\n`)
    writeFileSync(join(directory, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  }
}

/** The address with what `ip` wants to know besides. */
const withPrefix = (address: string): string =>
  address.includes(':') ? `${address}/64 nodad` : `${address}/24`

/** Runs a program to its end; output as text. Rejects only when it cannot be started. */
export function run(command: string, args: readonly string[], input?: string): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number' && error.killed !== true && error.signal == null)
        reject(error)
      else resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input ?? '')
  })
}

/** The result, or an error with what the program said. */
export async function must(result: Promise<ExecResult>): Promise<ExecResult> {
  const done = await result
  if (done.code !== 0) throw new Error(`exit ${done.code}: ${done.stderr.trim() || done.stdout.trim()}`)
  return done
}

async function ip(args: readonly string[]): Promise<void> {
  const result = await run('ip', args)
  if (result.code !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr.trim()}`)
}

async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  const result = await run('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
  if (result.code !== 0) throw new Error(`ip -n ${namespace}, ${lines.join('; ')}: ${result.stderr.trim()}`)
}

async function setIpv6(namespace: string, on: boolean): Promise<void> {
  const value = on ? 0 : 1
  const keys = ['all', 'default'].map(scope => `net.ipv6.conf.${scope}.disable_ipv6=${value}`)
  await must(run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...keys]))
}

const liveLans = new Set<Lan>()
let serial = 0
let exitHooked = false

function nextSerial(): number {
  if (!exitHooked) {
    exitHooked = true
    process.on('exit', () => {
      for (const lan of [...liveLans]) lan.remove()
    })
  }
  return serial++
}

/** Removes the namespaces, name files and directories whose process is no more. */
function removeStale(): void {
  for (const namespace of listOrEmpty('/run/netns')) if (isStale(namespace)) removeNamespace(namespace)
  for (const name of listOrEmpty(etcNetns)) {
    if (isStale(name)) rmSync(join(etcNetns, name), { recursive: true, force: true })
  }
  for (const name of listOrEmpty(tmpdir())) {
    if (isStale(name)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isStale(name: string): boolean {
  const match = namePattern.exec(name)
  if (match === null) return false
  try {
    // A process of that number may be another program by now; then its leavings wait for the next time.
    readFileSync(`/proc/${match[1]}/stat`)
    return false
  } catch {
    return true
  }
}

function removeNamespace(namespace: string): void {
  for (let round = 0; round < 20; round++) {
    const pids = quietly('ip', ['netns', 'pids', namespace]).split(/\s+/).filter(Boolean)
    if (pids.length === 0) break
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It ended by itself.
      }
    }
    if (round > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
  quietly('ip', ['netns', 'del', namespace])
  rmSync(join(etcNetns, namespace), { recursive: true, force: true })
}

function quietly(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

function listOrEmpty(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
