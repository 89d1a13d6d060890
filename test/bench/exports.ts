/**
 * How long the files of a call take to be made, and for how long at once that holds the event loop: of a call of some
 * 40 messages, and of one hour at a trace's bounds, out of a real store.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { openStore, type Store } from '../../src/store/store.ts'
import { TraceMaker } from '../../src/trace/maker-io.ts'
import type { TraceFormat, Wish } from '../../src/trace/making.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { fortyMessages, hourOfEvents, longRow } from '../trace/long-story.ts'

export interface ExportBenchOptions {
  readonly rounds: number
  readonly json: boolean
}

interface Figure {
  readonly call: string
  readonly what: string
  readonly bytes: number
  readonly firstMilliseconds: number
  readonly milliseconds: number
  /** Of all threads: what it takes on a machine that has other work. */
  readonly cpuMilliseconds: number
  /** The longest turn of the event loop. */
  readonly heldMilliseconds: number
}

const formats: readonly TraceFormat[] = ['json', 'html', 'pcapng', 'pcap', 'rtcstats', 'ladder']

export async function benchExports({ rounds, json }: ExportBenchOptions): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-bench-'))
  const store = await openStore(directory)
  const maker = { version: '0', appliance: 'bench', key: new Uint8Array(32).fill(7) }
  const figures: Figure[] = []
  try {
    for (const [call, events, lasted] of [
      ['40 messages', fortyMessages(), 39_762],
      ['one hour', hourOfEvents(), 3_600_000],
    ] as const) {
      const row = { ...longRow(lasted), id: call.replaceAll(' ', '') }
      await save(store, row.id, events)
      const wishes: Wish[] = [
        ...formats.map(format => ({ kind: 'file', format, row, maker }) as const),
        { kind: 'summary', row },
      ]
      for (const wish of wishes) figures.push(await measured(store, call, row.id, wish, rounds))
    }
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
  if (json) return void process.stdout.write(`${JSON.stringify(figures)}\n`)
  for (const one of figures) {
    const cells = [one.call.padEnd(12), one.what.padEnd(9), `${Math.round(one.bytes / 1_000)} kB`.padStart(8)]
    const times = [one.firstMilliseconds, one.milliseconds, one.cpuMilliseconds].map(ms =>
      `${Math.round(ms)} ms`.padStart(8),
    )
    process.stdout.write(
      `${[...cells, ...times].join(' ')}  loop held ${one.heldMilliseconds.toFixed(1)} ms\n`,
    )
  }
  process.stdout.write('columns: with a thread just started, the median, and its CPU of all threads\n')
}

/** A batch a second, as the tracer makes them. */
async function save(store: Store, call: string, events: readonly TraceEvent[]): Promise<void> {
  const batches = Object.groupBy(events, event => String(Math.floor(event.atMilliseconds / 1_000)))
  for (const batch of Object.values(batches)) await store.traces.save(call, batch!)
}

async function measured(
  store: Store,
  name: string,
  call: string,
  wish: Wish,
  rounds: number,
): Promise<Figure> {
  const making = new TraceMaker(store.traces, error => {
    throw error
  })
  const times: number[] = []
  const costs: number[] = []
  let [held, bytes] = [0, 0]
  for (let round = 0; round <= rounds; round++) {
    const watch = watchLoop()
    const begin = performance.now()
    const before = process.cpuUsage()
    const made = await making.make(call, wish)
    times.push(performance.now() - begin)
    const { user, system } = process.cpuUsage(before)
    costs.push((user + system) / 1_000)
    const late = await watch()
    // The first round compiles what is run, which a daemon does once in its life.
    if (round > 0) held = Math.max(held, late)
    bytes = made instanceof Uint8Array ? made.length : 0
  }
  await making.close()
  const median = (all: readonly number[]): number =>
    all.slice(1).sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)]!
  return {
    ...{ call: name, what: wish.kind === 'file' ? wish.format : wish.kind, bytes },
    ...{ firstMilliseconds: times[0]!, milliseconds: median(times) },
    ...{ cpuMilliseconds: median(costs), heldMilliseconds: held },
  }
}

/** By this thread's own CPU time: on a busy machine a timer is late for reasons that are not ours. */
function watchLoop(): () => Promise<number> {
  let [last, most] = [process.threadCpuUsage(), 0]
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last)
    most = Math.max(most, (user + system) / 1_000)
    last = process.threadCpuUsage()
  }, 1)
  return async () => {
    await new Promise(resolve => setTimeout(resolve, 5))
    clearInterval(timer)
    return most
  }
}
