/**
 * lanline's relay beside coturn, each on the same core of the machine, under the same load from two other namespaces:
 * eight allocations, half the packets each way. Slices of the two, and of the two ends without any relay, alternate, so
 * that what else the machine does falls on all; each figure is the median over the rounds.
 */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { Lan } from '../net/lan.ts'
import { cpuBetween, memoryKilobytes, type ThreadCpu, threadCpu, totalNanoseconds } from './process-cpu.ts'
import { printProfile } from './profile.ts'
import { End } from './relay/end-process.ts'
import { HighestRate } from './relay/highest-rate.ts'
import { Histogram } from './relay/histogram.ts'
import { dataBytes, flowsPerWay, monotonicMilliseconds } from './relay/message.ts'
import { coturnVersion, type RelayServer, startCoturn, startLanline } from './relay/servers.ts'

export interface RelayBenchOptions {
  readonly rounds: number
  readonly seconds: number
  /** Through the relay, both directions together. */
  readonly rates: readonly number[]
  /** How often the highest rate is looked for. */
  readonly searches: number
  /** Packets of one flow in a row, if so many are due. */
  readonly burst: number
  /** `peers`: one end has allocations, the other none. `relays`: both have, and data goes from relay to relay. */
  readonly between: 'peers' | 'relays'
  readonly only: string | undefined
  readonly profile: boolean
  readonly json: boolean
}

type WayName = RelayServer['name'] | 'direct'

interface Way {
  readonly name: WayName
  readonly server: RelayServer | undefined
  /** Makes channels and permissions last through the next slice. */
  readonly refresh: () => Promise<unknown>
}

interface Sample {
  readonly way: WayName
  readonly askedPerSecond: number
  readonly offeredPerSecond: number
  readonly arrivedPerSecond: number
  readonly lostShare: number
  readonly wrong: number
  /** Of the relay's process, for each packet that arrived; undefined without a relay. */
  readonly microseconds: number | undefined
  readonly threads: readonly ThreadCpu[]
  readonly arrived: number
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** The highest rate of a relay is as high as what the ends can do: it may do more. */
  readonly atCeiling?: boolean
}

const lossAllowed = 0.001
/** A slice in which the ends sent less than this share of what was asked says nothing of a relay: it is repeated. */
const offeredShare = 0.98
const triesPerSlice = 3
const ceilingShare = 0.95
const probeSeconds = 0.5
const warmUp = { packetsPerSecond: 20_000, seconds: 3 }
const lowestRate = 5_000
const highestRate = 1_000_000
const leadMilliseconds = 60

export async function benchRelay(options: RelayBenchOptions): Promise<void> {
  if (options.only !== 'lanline' && coturnVersion() === undefined)
    throw new Error('coturn is not installed: apt-get install coturn')
  if (availableParallelism() < 2) throw new Error('this needs two cores: one for the relay, one for the load')
  const lan = await Lan.create({ hosts: ['relay', 'caller', 'callee'] })
  const profiles = options.profile
    ? mkdtempSync(path.join(tmpdir(), 'lanline-bench-relay-profile-'))
    : undefined
  const bench = new Bench(lan, options)
  try {
    await bench.start(profiles)
    await bench.warmUp()
    const samples = await bench.rounds()
    const highest = await bench.search()
    report(options, samples, highest, bench.memory())
  } finally {
    await bench.stop()
    lan.remove()
  }
  if (profiles) {
    say(`profiles in ${profiles}`)
    printProfile(profiles)
  }
}

class Bench {
  readonly #lan: Lan
  readonly #options: RelayBenchOptions
  readonly #caller: End
  readonly #callee: End
  readonly #servers: RelayServer[] = []
  readonly #ways: Way[] = []
  #run = 0

  constructor(lan: Lan, options: RelayBenchOptions) {
    this.#lan = lan
    this.#options = options
    this.#caller = new End(lan.host('caller'), 1)
    this.#callee = new End(lan.host('callee'), availableParallelism() > 2 ? 2 : 1)
  }

  async start(profiles: string | undefined): Promise<void> {
    const { only } = this.#options
    const host = this.#lan.host('relay')
    const ends = { caller: this.#caller.host.address, callee: this.#callee.host.address }
    if (only !== 'coturn') this.#servers.push(await startLanline({ host, core: 0, ends, profiles }))
    if (only !== 'lanline')
      this.#servers.push(await startCoturn({ host, core: 0, directory: this.#lan.directory }))
    for (const server of this.#servers) this.#ways.push(await this.#through(server))
    this.#ways.push(await this.#direct())
  }

  /** What the compilers have not seen yet is slow. */
  async warmUp(): Promise<void> {
    for (const way of this.#ways) {
      const { arrived, wrong } = await this.#slice(way, warmUp.packetsPerSecond, warmUp.seconds)
      if (arrived === 0 || wrong > 0) throw new Error(`${way.name}: ${arrived} arrived, ${wrong} wrong`)
    }
  }

  async rounds(): Promise<Sample[]> {
    const { rounds, rates, seconds } = this.#options
    const samples: Sample[] = []
    for (let round = 0; round < rounds; round++) {
      for (const rate of rates) {
        // Who goes first changes each round.
        for (const way of round % 2 === 0 ? this.#ways : this.#ways.toReversed()) {
          let sample: Sample
          let tried = 0
          do {
            sample = await this.#slice(way, rate, seconds)
            say(`round ${round + 1} ${describe(sample)}`)
          } while (!isOffered(sample) && ++tried < triesPerSlice)
          samples.push(sample)
        }
      }
    }
    return samples
  }

  /** The best slice of each search: of the ends alone first, since nothing beyond that can be offered to a relay. */
  async search(): Promise<Sample[]> {
    const found: Sample[] = []
    for (let search = 0; search < this.#options.searches; search++) {
      const direct = await this.#searchAlternating(this.#ways.slice(-1), highestRate)
      found.push(...direct)
      const ceiling = direct[0]?.offeredPerSecond ?? lowestRate
      const relays = await this.#searchAlternating(this.#ways.slice(0, -1), ceiling)
      for (const best of relays) {
        found.push({ ...best, atCeiling: best.arrivedPerSecond > ceilingShare * ceiling })
      }
    }
    return found
  }

  memory(): Map<WayName, ReturnType<typeof memoryKilobytes>> {
    return new Map(this.#servers.map(({ name, pid }) => [name, memoryKilobytes(pid)]))
  }

  async stop(): Promise<void> {
    this.#caller.stop()
    this.#callee.stop()
    for (const server of this.#servers) await server.stop()
  }

  async #searchAlternating(ways: readonly Way[], ceiling: number): Promise<Sample[]> {
    const searches = ways.map(way => ({
      ...{ way, rate: new HighestRate(lowestRate, ceiling) },
      best: undefined as Sample | undefined,
    }))
    for (let open = searches; open.length > 0; open = open.filter(({ rate }) => rate.next() !== undefined)) {
      for (const each of open) {
        const sample = await this.#slice(each.way, each.rate.next()!, probeSeconds)
        const held = sample.lostShare < lossAllowed && isOffered(sample)
        say(`search ${describe(sample)}${held ? '' : ' · does not hold'}`)
        each.rate.tell(held)
        if (held && sample.arrivedPerSecond > (each.best?.arrivedPerSecond ?? 0)) each.best = sample
      }
    }
    return searches.flatMap(({ best }) => best ?? [])
  }

  async #direct(): Promise<Way> {
    const way = 'direct'
    const [a, b] = [this.#caller, this.#callee]
    const ofA = await a.endpoints({ do: 'open', way, address: a.host.address })
    const ofB = await b.endpoints({ do: 'open', way, address: b.host.address })
    await a.endpoints({ do: 'aim', way, peers: ofB })
    await b.endpoints({ do: 'aim', way, peers: ofA })
    return { name: way, server: undefined, refresh: async () => {} }
  }

  async #through(server: RelayServer): Promise<Way> {
    const way = server.name
    const { endpoint, credentials } = server
    const [a, b] = [this.#caller, this.#callee]
    await a.endpoints({ do: 'open', way, address: a.host.address })
    const ofB = await b.endpoints({ do: 'open', way, address: b.host.address })
    const relayOfA = await a.endpoints({
      ...{ do: 'allocate', way, server: endpoint, credential: credentials.caller },
    })
    if (this.#options.between === 'peers') {
      await b.endpoints({ do: 'aim', way, peers: relayOfA })
      return { name: way, server, refresh: () => a.endpoints({ do: 'bind', way, peers: ofB }) }
    }
    const relayOfB = await b.endpoints({
      ...{ do: 'allocate', way, server: endpoint, credential: credentials.callee },
    })
    const refresh = async () => {
      await a.endpoints({ do: 'bind', way, peers: relayOfB })
      await b.endpoints({ do: 'bind', way, peers: relayOfA })
    }
    return { name: way, server, refresh }
  }

  async #slice({ name, server, refresh }: Way, rate: number, seconds: number): Promise<Sample> {
    await refresh()
    const order = {
      ...{ do: 'run' as const, way: name, run: ++this.#run, packetsPerSecond: rate / 2, seconds },
      burst: this.#options.burst,
      startMilliseconds: monotonicMilliseconds() + leadMilliseconds,
    }
    const before = server ? threadCpu(server.pid) : []
    const results = await Promise.all([this.#caller.run(order), this.#callee.run(order)])
    const threads = server ? cpuBetween(before, threadCpu(server.pid)) : []
    const sum = (pick: (result: (typeof results)[number]) => number): number =>
      results.reduce((total, result) => total + pick(result), 0)
    const [sent, arrived] = [sum(result => result.sent), sum(result => result.received)]
    const latency = new Histogram()
    for (const result of results) latency.merge(result.latency)
    return {
      way: name,
      ...{ askedPerSecond: rate, offeredPerSecond: sent / seconds, arrivedPerSecond: arrived / seconds },
      lostShare: sent === 0 ? 1 : 1 - arrived / sent,
      wrong: sum(result => result.wrong),
      microseconds: server && totalNanoseconds(threads) / 1_000 / Math.max(1, arrived),
      ...{ threads, arrived },
      ...{ p50: latency.microseconds(0.5), p99: latency.microseconds(0.99) },
    }
  }
}

const isOffered = ({ offeredPerSecond, askedPerSecond }: Sample): boolean =>
  offeredPerSecond >= offeredShare * askedPerSecond

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function describe(sample: Sample): string {
  const { way, askedPerSecond, offeredPerSecond, lostShare, microseconds, threads, arrived } = sample
  const each = threads
    .slice(0, 3)
    .map(({ name, nanoseconds }) => `${name} ${(nanoseconds / 1_000 / Math.max(1, arrived)).toFixed(2)}`)
  return [
    `${way} ${askedPerSecond}/s`,
    `offered ${offeredPerSecond.toFixed(0)}, lost ${(100 * lostShare).toFixed(3)} %`,
    ...(microseconds === undefined ? [] : [`${microseconds.toFixed(2)} µs a packet: ${each.join(', ')}`]),
    `one way ${sample.p50?.toFixed(0)} µs, p99 ${sample.p99?.toFixed(0)} µs`,
  ].join(' · ')
}

function report(
  options: RelayBenchOptions,
  samples: readonly Sample[],
  highest: readonly Sample[],
  memory: ReturnType<Bench['memory']>,
): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ samples, highest, memory: [...memory] })}\n`)
    return
  }
  const lines: string[] = [row('', ['lanline', 'coturn', 'ratio', 'no relay'])]
  const figures = (
    title: string,
    from: readonly Sample[],
    pick: (sample: Sample, direct: number) => number | undefined,
    digits: number,
    { ratio = false, range = false, direct = true } = {},
  ): void => {
    const base = median(from.flatMap(sample => (sample.way === 'direct' ? (sample.p50 ?? []) : []))) ?? 0
    const of = (way: WayName): readonly number[] =>
      from.flatMap(sample => (sample.way === way ? (pick(sample, base) ?? []) : [])).sort((a, b) => a - b)
    const [lanline, coturn, none] = [of('lanline'), of('coturn'), direct ? of('direct') : []]
    const number = (values: readonly number[]): string => median(values)?.toFixed(digits) ?? '-'
    const [one, other] = [median(lanline), median(coturn)]
    const share = ratio && one !== undefined && other ? (one / other).toFixed(2) : ''
    lines.push(row(title, [number(lanline), number(coturn), share, direct ? number(none) : '']))
    const ends = (values: readonly number[]): string =>
      values.length === 0 ? '-' : `${values[0]!.toFixed(digits)}–${values.at(-1)!.toFixed(digits)}`
    if (range)
      lines.push(row('  lowest and highest', [ends(lanline), ends(coturn), '', direct ? ends(none) : '']))
  }
  for (const rate of options.rates) {
    const at = samples.filter(sample => sample.askedPerSecond === rate)
    lines.push(`${rate.toLocaleString('en')} packets/s`)
    figures('  offered, packets/s', at, sample => sample.offeredPerSecond, 0)
    figures('  lost, %', at, sample => 100 * sample.lostShare, 3, { range: true })
    figures('  CPU a packet, µs', at, sample => sample.microseconds, 2, {
      ...{ ratio: true, range: true, direct: false },
    })
    figures('    busiest thread alone', at, busiest, 2, { direct: false })
    figures('  one way, µs, p50', at, sample => sample.p50, 0)
    figures('  added to the way without a relay, µs, p50', at, (sample, base) => added(sample.p50, base), 0, {
      ...{ ratio: true, range: true, direct: false },
    })
    figures('    p99', at, (sample, base) => added(sample.p99, base), 0, {
      ...{ ratio: true, range: true, direct: false },
    })
  }
  const perSecond = (sample: Sample): number => sample.arrivedPerSecond
  lines.push(`highest rate with less than ${100 * lossAllowed} % lost`)
  figures('  packets/s', highest, perSecond, 0, { ratio: true, range: true })
  figures('  CPU a packet there, µs', highest, sample => sample.microseconds, 2, {
    ratio: true,
    direct: false,
  })
  for (const way of ['lanline', 'coturn'] as const) {
    const searches = highest.filter(sample => sample.way === way)
    const count = searches.filter(({ atCeiling }) => atCeiling).length
    if (count === 0) continue
    lines.push(
      `  ${way} came to what the load can do in ${count} of ${searches.length} searches: it may do more`,
    )
  }
  const megabytes = (name: WayName, kind: 'resident' | 'proportional'): string => {
    const of = memory.get(name)
    return of ? (of[kind] / 1_024).toFixed(1) : '-'
  }
  for (const [title, kind] of [
    ['memory at the end, MB (RSS)', 'resident'],
    ['  shared pages divided (PSS)', 'proportional'],
  ] as const) {
    lines.push(row(title, [megabytes('lanline', kind), megabytes('coturn', kind), '', '']))
  }
  lines.push(
    '',
    `${options.rounds} rounds of ${options.seconds} s, ${options.searches} searches; ${flowsPerWay} allocations, ${dataBytes} bytes, half each way, ${
      options.between === 'peers' ? 'client to peer by channels' : 'client to client by a relay for each'
    }; medians; coturn ${coturnVersion() ?? 'absent'}, one relay thread; each relay on the same one core`,
    '"no relay": what the load alone does, the ceiling of everything else here',
    `again: scripts/bench relay --rounds ${options.rounds} --seconds ${options.seconds} --searches ${options.searches} --rates ${options.rates.join(',')} --between ${options.between} --burst ${options.burst}`,
  )
  process.stdout.write(`${lines.join('\n')}\n`)
}

const row = (title: string, cells: readonly string[]): string =>
  `${title.padEnd(44)}${cells.map(cell => cell.padStart(14)).join('')}`.trimEnd()

const added = (microseconds: number | undefined, base: number): number | undefined =>
  microseconds === undefined ? undefined : microseconds - base

const busiest = ({ threads, arrived }: Sample): number | undefined =>
  threads[0] && threads[0].nanoseconds / 1_000 / Math.max(1, arrived)

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? sorted[middle]
    : sorted.length === 0
      ? undefined
      : (sorted[middle - 1]! + sorted[middle]!) / 2
}
