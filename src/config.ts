/**
 * File and environment to one frozen `Config`. Every key, default and limit is in the table below; nobody else reads
 * the configuration file or the process's environment. `lanline.example.toml` is written from this table.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { canonicalAddress, parseSubnet } from './core/endpoint.ts'
import type { Level } from './core/log.ts'
import { whyUnreadable } from './core/unreadable.ts'
import type { PortWish } from './runtime/ports.ts'

export type MdnsMode = 'auto' | 'builtin' | 'avahi' | 'off'
export type EnrolPolicy = 'approve' | 'invite' | 'open'
/** As in `relay/message.ts`. */
export type RelayPolicy = 'cross-vlan' | 'on-failure' | 'off'

export interface Config {
  readonly data: { readonly dir: string }
  readonly http: { readonly port: PortWish; readonly tlsPort: PortWish; readonly origins: readonly string[] }
  readonly sip: { readonly port: PortWish; readonly tlsPort: PortWish }
  readonly turn: {
    readonly port: PortWish
    readonly tlsPort: PortWish
    readonly relayMin: number
    readonly relayMax: number
  }
  readonly relay: {
    readonly policy: RelayPolicy
    /** CIDR, as written. */
    readonly networks: readonly string[]
    /** 0: no bound. */
    readonly maxKilobits: number
  }
  readonly net: { readonly hostname: string; readonly bind: readonly string[] }
  readonly mdns: { readonly mode: MdnsMode }
  readonly enrol: { readonly policy: EnrolPolicy; readonly claimMinutes: number }
  readonly calls: { readonly retainDays: number }
  readonly trace: { readonly capture: 'auto' | 'off' }
  readonly log: { readonly level: Level }
  /** Whether this runs in lanline's container image. */
  readonly container: boolean
  /** Keys that were given, each with where: what the console may not change. */
  readonly given: Readonly<Record<string, string>>
}

/** The start must stop here. The message names where, which key, what was found and what is allowed. */
export class ConfigError extends Error {}

export interface ConfigSource {
  /** `--config`: must exist. Undefined: `systemFile`, where it exists. */
  readonly file: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly root: boolean
  /** Where the sources lie; `data/` is made there unless systemd or the configuration says otherwise. */
  readonly checkout: string
  readonly systemFile?: string
}

export function loadConfig(source: ConfigSource): Config {
  const values = new Map<string, unknown>()
  const given: Record<string, string> = {}
  const file =
    source.file ??
    (existsSync(source.systemFile ?? systemFile) ? (source.systemFile ?? systemFile) : undefined)
  if (file !== undefined) readFile(file, values, given)
  readEnvironment(source.environment, values, given)
  return freeze(values, defaultsFor(source), given)
}

/** `lanline.example.toml`: every key with its default, commented out. */
export function exampleToml(): string {
  const lines = [
    '# lanline: every key with its default. lanline reads /etc/lanline/lanline.toml, or the file given by --config.',
    '# Each key can also be given in the environment: [http] tls_port is LANLINE_HTTP_TLS_PORT; lists with commas.',
  ]
  let section = ''
  for (const [name, key] of Object.entries(keys)) {
    const [ownSection, ownKey] = name.split('.') as [string, string]
    if (ownSection !== section) lines.push('', `[${ownSection}]`)
    section = ownSection
    lines.push(...key.about.map(line => `# ${line}`), `# Allowed: ${key.allowed}.`)
    lines.push(`#${ownKey} = ${key.example ?? JSON.stringify(key.fallback)}`)
  }
  return `${lines.join('\n')}\n`
}

const systemFile = '/etc/lanline/lanline.toml'
/** Where a package and the image have put this file's folder. */
const installed = '/usr/lib/lanline'
/** Of lanline as a service of the machine. */
export const serviceDataDirectory = '/var/lib/lanline'

interface Key {
  readonly about: readonly string[]
  readonly allowed: string
  /** Undefined: not this key's value. */
  readonly read: (value: unknown) => unknown
  readonly list?: boolean
  readonly number?: boolean
  readonly fallback?: unknown
  readonly example?: string
}

const text = (value: unknown, pattern: RegExp): string | undefined =>
  typeof value === 'string' && pattern.test(value) ? value : undefined
const whole = (value: unknown, from: number, to: number): number | undefined =>
  Number.isInteger(value) && (value as number) >= from && (value as number) <= to
    ? (value as number)
    : undefined
const oneOf = (value: unknown, allowed: readonly string[]): unknown => allowed.find(word => word === value)
const listOf = (value: unknown, read: (item: unknown) => unknown): unknown => {
  if (!Array.isArray(value) || value.length > 64) return undefined
  const items = value.map(read)
  return items.includes(undefined) ? undefined : items
}

const port = (about: readonly string[], example: number): Key => ({
  about: [
    ...about,
    'Given here, it must be free; not given, lanline moves on to the next free port and says so.',
  ],
  allowed: '1 to 65535, or 0 for any free port',
  read: value => whole(value, 0, 65_535),
  number: true,
  example: String(example),
})

const relayPort = (about: string, fallback: number): Key => ({
  about: [about],
  allowed: '1024 to 65535, turn.relay_min at least 3 below turn.relay_max',
  read: value => whole(value, 1_024, 65_535),
  number: true,
  fallback,
})

const policies = ['approve', 'invite', 'open'] as const
const relayPolicies: readonly RelayPolicy[] = ['cross-vlan', 'on-failure', 'off']
const mdnsModes: readonly MdnsMode[] = ['auto', 'builtin', 'avahi', 'off']
const levels: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error']

const keys: Readonly<Record<string, Key>> = {
  'data.dir': {
    about: [
      'Where everything that is kept lies: database, certificates, keys.',
      'Under systemd /var/lib/lanline, in a checkout its own directory data/.',
    ],
    allowed: 'a path',
    read: value => text(value, /^.{1,4096}$/s),
    example: '"/var/lib/lanline"',
  },
  'http.port': port(
    [
      'Pages without certificate: localhost only; to others only how to get on. 8080 without rights, 2080 in a container.',
    ],
    80,
  ),
  'http.tls_port': port(['Pages, REST and WebSockets. 8443 without rights, 2443 in a container.'], 443),
  'http.origins': {
    about: ['Pages of other web servers that may use lanline as if they were its own.'],
    allowed: 'origins such as "https://intranet.lan", at most 64',
    read: value => listOf(value, item => text(item, /^https?:\/\/[a-z0-9.:[\]-]+$/)),
    list: true,
    fallback: [],
  },
  'sip.port': port(['SIP over UDP and TCP.'], 5060),
  'sip.tls_port': port(['SIP over TLS.'], 5061),
  'turn.port': port(['STUN and the relay (TURN), over UDP and TCP.'], 3478),
  'turn.tls_port': port(['The relay over TLS, for devices that reach nothing else.'], 5349),
  'turn.relay_min': relayPort(
    'The first of the UDP ports that relayed media leaves from and comes to.',
    49_152,
  ),
  'turn.relay_max': relayPort('The last of them. A call takes two to four.', 50_151),
  'relay.policy': {
    about: [
      'Which answered call may use the relay, after its direct connection failed: cross-vlan = one between',
      'different networks; on-failure = any; off = none.',
    ],
    allowed: relayPolicies.join(', '),
    read: value => oneOf(value, relayPolicies),
    fallback: 'cross-vlan',
  },
  'relay.networks': {
    about: [
      'Networks behind a router that count as one VLAN each, for cross-vlan. Those that this machine has an address',
      'in need not be named; of others every /24 (IPv6: /64) is one.',
    ],
    allowed: 'networks such as "10.20.0.0/16", at most 64',
    read: value => listOf(value, item => (typeof item === 'string' && parseSubnet(item) ? item : undefined)),
    list: true,
    fallback: [],
  },
  'relay.max_kilobits': {
    about: ['How much one call may relay, in kilobits a second, both directions together; 0 = no bound.'],
    allowed: '0, or 64 to 10000000',
    read: value => (value === 0 ? 0 : whole(value, 64, 10_000_000)),
    number: true,
    fallback: 20_000,
  },
  'net.hostname': {
    about: ['The name of this exchange: https://<hostname>.local/.'],
    allowed: 'one name of letters, digits and -, at most 63',
    read: value => text(value, /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/)?.toLowerCase(),
    fallback: 'lanline',
  },
  'net.bind': {
    about: [
      'Interfaces or own addresses to be reachable on. Empty: all but container bridges. Loopback is always in.',
      'It is found (mDNS) on these as well, but on VPNs and other tunnels only where they are named here.',
    ],
    allowed: 'a list of interface names and addresses, at most 64',
    read: value => listOf(value, item => text(item, /^[a-zA-Z0-9_.:%-]{1,64}$/)),
    list: true,
    fallback: [],
  },
  'mdns.mode': {
    about: [
      'How this exchange is found on the network: builtin = it answers mDNS itself; avahi = through the avahi-daemon',
      'of this machine; auto = builtin where UDP port 5353 can be shared, else avahi; off = not at all.',
    ],
    allowed: mdnsModes.join(', '),
    read: value => oneOf(value, mdnsModes),
    fallback: 'auto',
  },
  'enrol.policy': {
    about: [
      'How somebody new joins: approve = the owner allows each, or by invite; invite = by invite only;',
      'open = whoever reaches the page.',
    ],
    allowed: policies.join(', '),
    read: value => oneOf(value, policies),
    fallback: 'approve',
  },
  'enrol.claim_minutes': {
    about: [
      'While nobody owns this exchange, for so long after its start, a browser on the same network may become its',
      'owner without the setup code. 0: the code is always needed.',
    ],
    allowed: '0 to 60',
    read: value => whole(value, 0, 60),
    number: true,
    fallback: 15,
  },
  'calls.retain_days': {
    about: ['How long the call log is kept.'],
    allowed: '1 to 36500',
    read: value => whole(value, 1, 36_500),
    number: true,
    fallback: 365,
  },
  'trace.capture': {
    about: [
      'auto = during calls, headers of the call’s packets are captured by dumpcap or tcpdump, where one is installed and',
      'this process may (CAP_NET_RAW); on a bridge, access point or mirror port they prove which way media takes. off = never.',
    ],
    allowed: 'auto, off',
    read: value => oneOf(value, ['auto', 'off']),
    fallback: 'auto',
  },
  'log.level': {
    about: ['How much is written to stdout, as JSON lines.'],
    allowed: levels.join(', '),
    read: value => oneOf(value, levels),
    fallback: 'info',
  },
}

function readFile(file: string, values: Map<string, unknown>, given: Record<string, string>): void {
  let tables: Record<string, unknown>
  try {
    tables = parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof TomlError)
      throw new ConfigError(`${file}:${error.line}: not TOML: ${firstLine(error)}`)
    throw new ConfigError(whyUnreadable(file, error))
  }
  for (const [section, table] of Object.entries(tables)) {
    if (typeof table !== 'object' || table === null || Array.isArray(table)) {
      throw new ConfigError(`${file}: ${section}: found outside a section; allowed: ${sectionNames()}`)
    }
    for (const [key, value] of Object.entries(table)) take(`${section}.${key}`, value, file, values, given)
  }
}

/** `LANLINE_<SECTION>_<KEY>` of the sections above; other variables of that beginning are somebody else's. */
function readEnvironment(
  environment: ConfigSource['environment'],
  values: Map<string, unknown>,
  given: Record<string, string>,
): void {
  const sections = new Set(Object.keys(keys).map(name => name.split('.')[0]!))
  for (const [variable, value] of Object.entries(environment)) {
    const match = /^LANLINE_([A-Z]+)_([A-Z_]+)$/.exec(variable)
    if (!match || value === undefined) continue
    const section = match[1]!.toLowerCase()
    if (!sections.has(section)) continue
    const name = `${section}.${match[2]!.toLowerCase()}`
    take(name, fromText(keys[name], value), `environment ${variable}`, values, given)
  }
}

function fromText(key: Key | undefined, value: string): unknown {
  if (key?.list) return value === '' ? [] : value.split(',').map(item => item.trim())
  if (key?.number && /^[0-9]+$/.test(value)) return Number(value)
  return value
}

function take(
  name: string,
  value: unknown,
  where: string,
  values: Map<string, unknown>,
  given: Record<string, string>,
): void {
  const key = keys[name]
  if (key === undefined)
    throw new ConfigError(`${where}: ${name}: no such key; allowed: ${keysLike(name).join(', ')}`)
  const read = key.read(value)
  if (read === undefined) {
    throw new ConfigError(`${where}: ${name}: found ${JSON.stringify(value)}; allowed: ${key.allowed}`)
  }
  values.set(name, read)
  given[name] = where
}

interface Defaults {
  readonly dataDir: string
  readonly httpPort: number
  readonly httpTlsPort: number
  readonly container: boolean
}

/**
 * In a container on the network of a NAS, without rights: 80, 443, 5000, 5001, 8080 and 8443 are what its own pages and the
 * usual neighbours take.
 */
const containerPorts = { httpPort: 2080, httpTlsPort: 2443 }

function defaultsFor({ environment, root, checkout }: ConfigSource): Defaults {
  // The image says it of itself (image-build/container.ts).
  const container = environment.LANLINE_CONTAINER !== undefined
  const systemd = environment.NOTIFY_SOCKET !== undefined || environment.STATE_DIRECTORY !== undefined
  // The command line of an installed lanline looks for the service's data; its own rights do not matter.
  const service = systemd || checkout === installed
  return {
    dataDir: service ? (environment.STATE_DIRECTORY ?? serviceDataDirectory) : join(checkout, 'data'),
    ...(root || service ? { httpPort: 80, httpTlsPort: 443 } : { httpPort: 8080, httpTlsPort: 8443 }),
    ...(container && containerPorts),
    container,
  }
}

function freeze(values: ReadonlyMap<string, unknown>, defaults: Defaults, given: Config['given']): Config {
  const get = (name: string): unknown => (values.has(name) ? values.get(name) : keys[name]!.fallback)
  const wish = (key: string, fallback: number): PortWish => ({
    key,
    explicit: get(key) as number | undefined,
    fallback,
  })
  const bind = (get('net.bind') as string[]).map(item => canonicalAddress(item) ?? item)
  return Object.freeze({
    data: { dir: resolve((get('data.dir') as string | undefined) ?? defaults.dataDir) },
    http: {
      port: wish('http.port', defaults.httpPort),
      tlsPort: wish('http.tls_port', defaults.httpTlsPort),
      origins: get('http.origins') as string[],
    },
    sip: { port: wish('sip.port', 5060), tlsPort: wish('sip.tls_port', 5061) },
    turn: {
      port: wish('turn.port', 3478),
      tlsPort: wish('turn.tls_port', 5349),
      ...relayRange(get('turn.relay_min') as number, get('turn.relay_max') as number),
    },
    relay: {
      policy: get('relay.policy') as RelayPolicy,
      networks: get('relay.networks') as string[],
      maxKilobits: get('relay.max_kilobits') as number,
    },
    net: { hostname: get('net.hostname') as string, bind },
    mdns: { mode: get('mdns.mode') as MdnsMode },
    enrol: {
      policy: get('enrol.policy') as EnrolPolicy,
      claimMinutes: get('enrol.claim_minutes') as number,
    },
    calls: { retainDays: get('calls.retain_days') as number },
    trace: { capture: get('trace.capture') as 'auto' | 'off' },
    log: { level: get('log.level') as Level },
    container: defaults.container,
    given,
  })
}

/** Where each of the two was given may differ, so the message names neither file nor variable. */
function relayRange(relayMin: number, relayMax: number): Pick<Config['turn'], 'relayMin' | 'relayMax'> {
  if (relayMin + 3 <= relayMax) return { relayMin, relayMax }
  throw new ConfigError(
    `turn.relay_min, turn.relay_max: found ${relayMin} and ${relayMax}; allowed: ${keys['turn.relay_min']!.allowed}`,
  )
}

/** Those of its section, if there is one. */
function keysLike(name: string): string[] {
  const all = Object.keys(keys)
  const near = all.filter(key => key.startsWith(`${name.split('.')[0]}.`))
  return near.length > 0 ? near : all
}

function sectionNames(): string {
  return [...new Set(Object.keys(keys).map(name => `[${name.split('.')[0]}]`))].join(', ')
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split('\n', 1)[0]! : String(error)
}
