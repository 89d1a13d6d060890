/** Runs SIPp (Debian `sip-tester`) on this directory's scenarios and says how many of its calls went through. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export type Scenario = 'register' | 'caller' | 'callee'

export interface SippLoad {
  readonly scenario: Scenario
  readonly transport: 'udp' | 'tcp'
  /** Where the server is; a `callee` only answers and needs none. */
  readonly server?: { readonly address: string; readonly port: number }
  readonly localPort: number
  /** Lines of the injection file; see each scenario for its fields. */
  readonly fields?: readonly string[]
  readonly count?: number
  readonly perSecond?: number
  /** Scratch directory: injection file, statistics, errors and screen go there. */
  readonly directory: string
}

export interface SippResult {
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
  /** Unexpected messages as SIPp tells them, at most the first 2,000 characters. */
  readonly errors: string
}

export const sippInstalled = (): boolean => spawnSync('sipp', ['-v']).error === undefined

/** `[authentication]` cannot hold another field, so it stands whole in the injection file. */
export const authentication = (user: string, password: string): string =>
  `[authentication username=${user} password=${password}]`

/** Runs a load of `count` calls to its end. */
export async function runSipp(load: SippLoad): Promise<SippResult> {
  const name = `${load.scenario}-${load.transport}-${load.localPort}`
  const statistics = path.join(load.directory, `${name}.csv`)
  const errors = path.join(load.directory, `${name}.errors`)
  writeFileSync(errors, '')
  const child = start(load, name, [
    ...['-m', `${load.count}`, '-r', `${load.perSecond}`, '-l', '4000'],
    ...['-trace_stat', '-stf', statistics, '-fd', '1'],
    ...['-trace_err', '-error_file', errors, '-error_overwrite', 'true'],
    ...['-timeout', `${Math.ceil(load.count! / load.perSecond!) + 40}s`],
  ])
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => resolve())
  })
  return { ...readStatistics(statistics, load.count!), errors: readFileSync(errors, 'utf8').slice(0, 2_000) }
}

/** Starts a `callee` and returns how to stop it; it listens when the promise resolves. */
export async function startCallee(load: Omit<SippLoad, 'scenario'>): Promise<() => Promise<void>> {
  const child = start({ ...load, scenario: 'callee' }, `callee-${load.transport}-${load.localPort}`, [])
  await listening(load.transport, load.localPort, child)
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
}

function start(load: SippLoad, name: string, more: readonly string[]): ChildProcess {
  const fields = path.join(load.directory, `${name}.fields`)
  if (load.fields !== undefined) writeFileSync(fields, ['SEQUENTIAL', ...load.fields, ''].join('\n'))
  return spawn(
    'sipp',
    [
      ...(load.server === undefined ? [] : [`${load.server.address}:${load.server.port}`]),
      ...['-sf', path.join(import.meta.dirname, `${load.scenario}.xml`)],
      ...['-t', load.transport === 'udp' ? 'u1' : 't1'],
      ...['-i', '127.0.0.1', '-p', `${load.localPort}`],
      ...(load.fields === undefined ? [] : ['-inf', fields]),
      '-nostdin',
      ...more,
    ],
    { stdio: ['ignore', 'ignore', 'ignore'], cwd: load.directory },
  )
}

/** The last line of SIPp's statistics; a call that never ended counts as failed. */
function readStatistics(file: string, count: number): Omit<SippResult, 'errors'> {
  const lines = readFileSync(file, 'latin1').trim().split('\n')
  const names = lines[0]!.split(';')
  const last = lines.at(-1)!.split(';')
  const column = (name: string): number => Number(last[names.indexOf(name)] ?? 0)
  const successful = column('SuccessfulCall(C)')
  return { successful, failed: count - successful, retransmissions: column('Retransmissions(C)') }
}

async function listening(transport: 'udp' | 'tcp', port: number, child: ChildProcess): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null)
      throw new Error(`sipp ended with ${child.exitCode} before it listened on ${port}`)
    const table = readFileSync(`/proc/net/${transport}`, 'latin1')
    const local = table.split('\n').some(line => line.trim().split(/\s+/)[1]?.concat(' ').endsWith(wanted))
    if (local) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error(`sipp does not listen on ${transport} port ${port}`)
}
