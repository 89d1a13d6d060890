/**
 * lanline beside Kamailio under the same SIPp load over UDP on loopback: 1,000 users, half of them callers, half
 * callees; and beside a Kamailio that keeps what lanline keeps (`kamailio.ts`). Rounds alternate between the servers, so
 * that what else the machine does falls on all; each figure is the median over the rounds, CPU is that of all threads of
 * all processes of the server, load generators excluded.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePorts } from '../interop/free-ports.ts'
import { authentication, runSipp, type SippResult, sippInstalled, startCallee } from '../interop/sipp/sipp.ts'
import { startBareNode } from './bare-node.ts'
import { canKamailioKeep, kamailioVersion, startKamailio } from './kamailio.ts'
import { startLanline } from './lanline.ts'
import { cpuBetween, memoryKilobytes, type ThreadCpu, threadCpu, totalNanoseconds } from './process-cpu.ts'
import { printProfile } from './profile.ts'
import type { Server } from './server.ts'

export interface SipBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly registrationsPerSecond: number
  readonly callsPerSecond: number
  readonly only: string | undefined
  /** Beside a proxy that does next to nothing. */
  readonly bare: boolean
  readonly profile: boolean
  readonly json: boolean
}

const pairs = 500
const password = 'secret'
const callers = Array.from({ length: pairs }, (_, index) => `u${index + 1}`)
const callees = Array.from({ length: pairs }, (_, index) => `u${pairs + index + 1}`)

type Load = 'register' | 'call'

interface Sample {
  readonly server: string
  readonly load: Load
  readonly done: number
  readonly failed: number
  readonly retransmissions: number
  readonly microseconds: number
  readonly threads: readonly ThreadCpu[]
  readonly residentKilobytes: number
  readonly proportionalKilobytes: number
}

export async function benchSip(options: SipBenchOptions): Promise<void> {
  if (!sippInstalled()) throw new Error('sipp is not installed: apt-get install sip-tester')
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-bench-'))
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  say(`scratch files in ${directory}`)
  const servers = await startServers(options, directory)
  const samples: Sample[] = []
  try {
    const [callerPort, calleePort] = await freePorts(2)
    const bench = new Bench(directory, callerPort!, calleePort!)
    for (const server of servers) await bench.register(server, 250, 2)
    for (let round = 0; round < options.rounds; round++) {
      // Who goes first changes each round.
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        const registered = await bench.register(server, options.registrationsPerSecond / 2, options.seconds)
        const called = await bench.call(server, options.callsPerSecond, options.seconds)
        for (const sample of [registered, called]) say(describe(sample, round))
        samples.push(registered, called)
      }
    }
  } finally {
    for (const server of servers) await server.stop()
  }
  report(options, samples)
  if (options.profile) printProfile(directory)
}

async function startServers(options: SipBenchOptions, directory: string): Promise<Server[]> {
  const servers: Server[] = []
  const ports = await freePorts(3)
  if (options.only !== 'lanline') {
    if (kamailioVersion() === undefined)
      throw new Error('kamailio is not installed: apt-get install kamailio')
    if (!canKamailioKeep()) throw new Error('Kamailio cannot keep: apt-get install kamailio-sqlite-modules')
    for (const keeps of [false, true]) {
      servers.push(await startKamailio({ directory, port: ports[keeps ? 1 : 0]!, password, keeps }))
    }
  }
  if (options.bare) servers.push(await startBareNode(ports[2]!))
  if (options.only !== 'kamailio') {
    servers.push(await startLanline({ directory, users: people, profile: options.profile }))
  }
  return servers
}

/** Everybody there is, callers first. */
export const people = [...callers, ...callees].map(name => ({ name, password }))

export class Bench {
  readonly #directory: string
  readonly #callerPort: number
  readonly #calleePort: number

  constructor(directory: string, callerPort: number, calleePort: number) {
    this.#directory = directory
    this.#callerPort = callerPort
    this.#calleePort = calleePort
  }

  /** Callers and callees register side by side, each from the port it calls or answers on. */
  async register(server: Server, perSecondEach: number, seconds: number): Promise<Sample> {
    const run = (users: readonly string[], localPort: number): Promise<SippResult> =>
      runSipp({
        scenario: 'register',
        transport: 'udp',
        server: { address: '127.0.0.1', port: server.port },
        localPort,
        fields: users.map(user => `${user};${authentication(user, password)};${localPort}`),
        count: Math.round(perSecondEach * seconds),
        perSecond: perSecondEach,
        directory: this.#directory,
      })
    return this.#measure(server, 'register', () =>
      Promise.all([run(callers, this.#callerPort), run(callees, this.#calleePort)]),
    )
  }

  async call(server: Server, perSecond: number, seconds: number): Promise<Sample> {
    const stop = await startCallee({
      transport: 'udp',
      localPort: this.#calleePort,
      directory: this.#directory,
    })
    try {
      return await this.#measure(server, 'call', async () => [
        await runSipp({
          scenario: 'caller',
          transport: 'udp',
          server: { address: '127.0.0.1', port: server.port },
          localPort: this.#callerPort,
          fields: callers.map((user, at) => `${user};${authentication(user, password)};${callees[at]}`),
          count: perSecond * seconds,
          perSecond,
          directory: this.#directory,
        }),
      ])
    } finally {
      await stop()
    }
  }

  async #measure(server: Server, load: Load, run: () => Promise<SippResult[]>): Promise<Sample> {
    const before = threadCpu(server.pid)
    const results = await run()
    // What a load leaves behind (a batch to disk, timers) belongs to it.
    await new Promise(resolve => setTimeout(resolve, 300))
    const threads = cpuBetween(before, threadCpu(server.pid))
    const memory = memoryKilobytes(server.pid)
    const sum = (pick: (result: SippResult) => number): number =>
      results.reduce((total, result) => total + pick(result), 0)
    const done = sum(result => result.successful)
    return {
      server: server.name,
      load,
      done,
      failed: sum(result => result.failed),
      retransmissions: sum(result => result.retransmissions),
      microseconds: totalNanoseconds(threads) / 1_000 / Math.max(1, done),
      threads,
      residentKilobytes: memory.resident,
      proportionalKilobytes: memory.proportional,
    }
  }
}

function describe(sample: Sample, round: number): string {
  const threads = sample.threads
    .slice(0, 4)
    .map(thread => `${thread.name} ${(thread.nanoseconds / 1_000 / Math.max(1, sample.done)).toFixed(1)}`)
  return [
    `round ${round + 1} ${sample.server} ${sample.load}: ${sample.microseconds.toFixed(1)} µs`,
    `${sample.done} done, ${sample.failed} failed, ${sample.retransmissions} retransmissions`,
    `by thread: ${threads.join(', ')}`,
  ].join(' · ')
}

function report(options: SipBenchOptions, samples: readonly Sample[]): void {
  const rows = (['register', 'call'] as const).map(load => {
    const of = (server: string): Sample[] =>
      samples.filter(sample => sample.load === load && sample.server === server)
    return {
      load,
      lanline: summarise(of('lanline')),
      kamailio: summarise(of('kamailio')),
      keeping: summarise(of('kamailio, keeping')),
      bare: summarise(of('bare node')),
    }
  })
  if (options.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`)
    return
  }
  const cell = (text: string): string => text.padStart(13)
  const lines = [
    `${''.padEnd(46)}${['lanline', 'kamailio', 'ratio', 'kam., keeping', 'ratio', 'bare node'].map(cell).join('')}`,
  ]
  for (const { load, lanline, kamailio, keeping, bare } of rows) {
    const line = (title: string, value: (summary: Summary) => string, ratios = false): string => {
      const of = (summary: Summary | undefined): string => cell(summary === undefined ? '-' : value(summary))
      const ratio = (peer: Summary | undefined): string =>
        cell(ratios && lanline && peer ? (lanline.microseconds / peer.microseconds).toFixed(2) : '')
      return `${title.padEnd(46)}${of(lanline)}${of(kamailio)}${ratio(kamailio)}${of(keeping)}${ratio(keeping)}${of(bare)}`
    }
    const title =
      load === 'register' ? 'authenticated registration (2 requests)' : 'authenticated call (9 messages)'
    lines.push(
      line(`${title}, µs CPU`, ({ microseconds }) => microseconds.toFixed(1), true),
      line('  lowest and highest round', ({ range }) => range),
      line('  done', ({ done }) => String(done)),
      line('  failed', ({ failed }) => String(failed)),
      line('  retransmissions by the load', ({ retransmissions }) => String(retransmissions)),
    )
    if (load === 'register') continue
    lines.push(
      line('memory after the last round, MB (RSS)', ({ residentMegabytes }) => residentMegabytes.toFixed(1)),
      line('  shared pages divided (PSS)', ({ proportionalMegabytes }) => proportionalMegabytes.toFixed(1)),
    )
  }
  lines.push(
    '',
    `${options.rounds} rounds of ${options.seconds} s, ${options.registrationsPerSecond} registrations/s, ${options.callsPerSecond} calls/s, 1,000 users, UDP on loopback; medians; kamailio ${kamailioVersion() ?? 'absent'}, one UDP worker`,
    `again: scripts/bench sip --rounds ${options.rounds} --seconds ${options.seconds} --registrations ${options.registrationsPerSecond} --calls ${options.callsPerSecond}${options.bare ? ' --bare' : ''}`,
  )
  process.stdout.write(`${lines.join('\n')}\n`)
}

type Summary = NonNullable<ReturnType<typeof summarise>>

function summarise(samples: readonly Sample[]) {
  if (samples.length === 0) return undefined
  const costs = samples.map(sample => sample.microseconds).sort((a, b) => a - b)
  const sum = (pick: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + pick(sample), 0)
  return {
    microseconds: median(costs),
    range: `${costs[0]!.toFixed(0)}–${costs.at(-1)!.toFixed(0)}`,
    done: sum(sample => sample.done),
    failed: sum(sample => sample.failed),
    retransmissions: sum(sample => sample.retransmissions),
    residentMegabytes: samples.at(-1)!.residentKilobytes / 1_024,
    proportionalMegabytes: samples.at(-1)!.proportionalKilobytes / 1_024,
  }
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
