/** The two relays, each on a port of its own on the same host, bound to the same core. */
import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Epoch } from '../../../src/core/clock.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { createAuthority, issueLeaf } from '../../../src/tls/authority.ts'
import { pemOf } from '../../../src/tls/reading.ts'
import type { Grant } from '../../../src/turn/message.ts'
import type { Host } from '../../net/lan.ts'
import type { ThreadSettings } from './thread.ts'
import type { Credential } from './turn-control.ts'

export interface RelayServer {
  readonly name: 'lanline' | 'coturn'
  readonly pid: number
  readonly endpoint: Endpoint
  readonly credentials: { readonly caller: Credential; readonly callee: Credential }
  stop(): Promise<void>
}

const realm = 'bench'
const credentials = {
  caller: { username: 'caller', password: 'secret-of-the-caller' },
  callee: { username: 'callee', password: 'secret-of-the-callee' },
}

export function coturnVersion(): string | undefined {
  const run = spawnSync('turnserver', ['--version'], { encoding: 'utf8' })
  return run.error === undefined ? /(\d+\.\d+\.\d+)/.exec(run.stdout)?.[1] : undefined
}

/** On `core` of the machine; `ends` are the two parties' addresses. Bytes a second are not bounded. */
export async function startLanline(options: {
  readonly host: Host
  readonly core: number
  readonly ends: { readonly caller: string; readonly callee: string }
  /** Where V8 is to write its CPU profiles at the end. */
  readonly profiles: string | undefined
}): Promise<RelayServer> {
  const { host, core, ends, profiles } = options
  const authority = await createAuthority('bench')
  const leaf = await issueLeaf(authority, { names: [], addresses: [host.address] }, Date.now() as Epoch)
  const party = (role: 'caller' | 'callee') => ({
    ...{ role, device: role, credential: credentials[role] },
    ...{ proven: [ends[role]], relayOn: [host.address] },
  })
  const grant: Grant = {
    ...{ call: 'bench', lifetimeMilliseconds: undefined, parties: [party('caller'), party('callee')] },
  }
  const settings: ThreadSettings = {
    setup: {
      ...{ realm, bytesPerSecond: 0, addresses: [host.address] },
      plain: { key: 'plain', explicit: 3478, fallback: 3478 },
      tls: { key: 'tls', explicit: 5349, fallback: 5349 },
      relayPorts: { min: 40_000, max: 49_999 },
      certificate: {
        cert: pemOf(leaf.certificate, 'CERTIFICATE'),
        key: pemOf(leaf.key, 'PRIVATE KEY'),
      },
    },
    grant,
  }
  const program = path.join(import.meta.dirname, 'thread.ts')
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const child = host.spawn(
    'taskset',
    ['-c', String(core), process.execPath, ...profiling, program, JSON.stringify(settings)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  await Promise.race([once(child.stdout!, 'data'), failure(child, 'lanline')])
  return {
    ...{ name: 'lanline', pid: child.pid!, credentials },
    endpoint: { address: host.address, port: 3478 },
    async stop() {
      child.stdin!.end()
      await gone(child)
    },
  }
}

/** One relay thread, long-term credentials, nothing else switched on. */
export async function startCoturn(options: {
  readonly host: Host
  readonly core: number
  readonly directory: string
}): Promise<RelayServer> {
  const { host, core, directory } = options
  const { caller, callee } = credentials
  const child = host.spawn('taskset', [
    ...['-c', String(core), 'turnserver', '-n', '--relay-threads=1'],
    ...['--listening-port=3479', `--listening-ip=${host.address}`, `--relay-ip=${host.address}`],
    ...[
      '--min-port=50000',
      '--max-port=59999',
      '--no-tls',
      '--no-dtls',
      '--no-cli',
      '--no-software-attribute',
    ],
    ...['--lt-cred-mech', `--realm=${realm}`, '--log-file=stdout', '--simple-log'],
    ...[`--user=${caller.username}:${caller.password}`, `--user=${callee.username}:${callee.password}`],
    ...[`--userdb=${path.join(directory, 'turndb')}`, `--pidfile=${path.join(directory, 'turnserver.pid')}`],
  ])
  // It says nothing that means ready; what it says at all must be read.
  child.stdout!.resume()
  child.stderr!.resume()
  await Promise.race([new Promise(resolve => setTimeout(resolve, 2_000)), failure(child, 'coturn')])
  return {
    ...{ name: 'coturn', pid: child.pid!, credentials },
    endpoint: { address: host.address, port: 3479 },
    async stop() {
      child.kill('SIGTERM')
      await gone(child)
    },
  }
}

async function failure(child: ChildProcess, name: string): Promise<never> {
  await gone(child)
  throw new Error(`${name} did not start: exit ${child.exitCode ?? child.signalCode}`)
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
