/**
 * What tracing costs a call: two daemons side by side, one with its taps off, under the same SIPp load at the same time,
 * so that what else the machine does falls on both. CPU is that of the thread that handles calls, by whom a call is kept
 * waiting, and that of all threads of a daemon; a round ends when the next one begins, so that what comes late (batches to disk, the conclusion of each call) is in it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePorts } from '../interop/free-ports.ts'
import { startLanline } from './lanline.ts'
import { cpuBetween, type ThreadCpu, threadCpu, totalNanoseconds } from './process-cpu.ts'
import { printProfile } from './profile.ts'
import type { Server } from './server.ts'
import { Bench, people } from './sip.ts'

export interface TraceBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly callsPerSecond: number
  readonly profile: boolean
  readonly json: boolean
}

/** Calls are concluded some time after their end at the latest (`traceLimits.lateMilliseconds`), and batches written. */
const tailMilliseconds = 22_000
const warmUpRounds = 2

interface Side {
  /** The same by thread, at the first round that counts. */
  threads: readonly ThreadCpu[]
  readonly server: Server
  readonly bench: Bench
  /** CPU so far of all threads, at the start of each round and at the end. */
  readonly at: number[]
  /** The same of the main thread. */
  readonly mainAt: number[]
  readonly done: number[]
}

export async function benchTrace(options: TraceBenchOptions): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-bench-'))
  const start = async (name: string, preload: readonly string[]): Promise<Side> => {
    const own = path.join(directory, name)
    mkdirSync(own)
    const [callerPort, calleePort] = await freePorts(2)
    const server = await startLanline({ directory: own, users: people, profile: options.profile, preload })
    return {
      server,
      bench: new Bench(own, callerPort!, calleePort!),
      at: [],
      mainAt: [],
      done: [],
      threads: [],
    }
  }
  const on = await start('on', [])
  const off = await start('off', [path.join(import.meta.dirname, 'no-trace.ts')])
  const sides = [on, off]
  let failed = 0
  const read = (): void => {
    for (const { server, at, mainAt } of sides) {
      const threads = threadCpu(server.pid)
      at.push(totalNanoseconds(threads) / 1_000)
      mainAt.push(totalNanoseconds(threads.filter(({ tid }) => tid === server.pid)) / 1_000)
    }
  }
  try {
    await Promise.all(sides.map(({ server, bench }) => bench.register(server, 250, 2)))
    for (let round = 0; round < options.rounds + warmUpRounds; round++) {
      read()
      if (round === warmUpRounds) for (const side of sides) side.threads = threadCpu(side.server.pid)
      await Promise.all(
        sides.map(async ({ server, bench, done }) => {
          const sample = await bench.call(server, options.callsPerSecond, options.seconds)
          done.push(sample.done)
          failed += sample.failed
        }),
      )
    }
    await new Promise(resolve => setTimeout(resolve, tailMilliseconds))
    read()
    for (const side of sides) side.threads = cpuBetween(side.threads, threadCpu(side.server.pid))
  } finally {
    for (const { server } of sides) await server.stop()
  }
  report(options, on, off, failed)
  if (options.profile) for (const name of ['on', 'off']) printProfile(path.join(directory, name))
  rmSync(directory, { recursive: true, force: true })
}

function report(options: TraceBenchOptions, on: Side, off: Side, failed: number): void {
  const result = {
    handling: compared(on, off, side => side.mainAt),
    all: compared(on, off, side => side.at),
    failed,
  }
  if (options.json) return void process.stdout.write(`${JSON.stringify(result)}\n`)
  const lines = (what: string, { on, off, ratio, pairs }: Comparison): string[] => [
    `${what}: ${on.toFixed(1)} µs traced, ${off.toFixed(1)} µs not, ratio ${ratio.toFixed(3)}`,
    `  of ${pairs.count} rounds: median ${pairs.median.toFixed(3)}, quartiles ${pairs.quarter.toFixed(3)} and ${pairs.threeQuarters.toFixed(3)}`,
  ]
  process.stdout.write(
    [
      ...[on, off].map(side => `${side === on ? 'traced' : 'not traced'}: ${byThread(side)}`),
      ...lines('CPU of a call in the thread that handles calls', result.handling),
      ...lines('CPU of a call in all threads', result.all),
      ...(failed > 0 ? [`${failed} calls failed`] : []),
      `again: scripts/bench trace --rounds ${options.rounds} --seconds ${options.seconds} --calls ${options.callsPerSecond}`,
      '',
    ].join('\n'),
  )
}

type Comparison = ReturnType<typeof compared>

/** Over all rounds with the tail; and each round by itself, the last left out because the tail is in it. */
function compared(on: Side, off: Side, at: (side: Side) => readonly number[]) {
  const whole = (side: Side): number =>
    (at(side).at(-1)! - at(side)[warmUpRounds]!) /
    side.done.slice(warmUpRounds).reduce((sum, one) => sum + one, 0)
  const each = (side: Side): number[] =>
    side.done.slice(0, -1).map((count, round) => (at(side)[round + 1]! - at(side)[round]!) / count)
  const plain = each(off)
  const ratios = each(on).map((cost, round) => cost / plain[round]!)
  const sorted = ratios.slice(warmUpRounds).sort((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)]!
  return {
    on: whole(on),
    off: whole(off),
    ratio: whole(on) / whole(off),
    pairs: {
      count: sorted.length,
      ...{ quarter: quantile(0.25), median: quantile(0.5), threeQuarters: quantile(0.75) },
    },
  }
}

function byThread({ threads, done }: Side): string {
  const calls = done.slice(warmUpRounds).reduce((sum, one) => sum + one, 0)
  const sums = new Map<string, number>()
  for (const { name, nanoseconds } of threads) sums.set(name, (sums.get(name) ?? 0) + nanoseconds)
  return [...sums].map(([name, sum]) => `${name} ${(sum / 1_000 / calls).toFixed(0)}`).join(', ')
}
