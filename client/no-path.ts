/**
 * Whether a call has a way for its media: judged by the connectivity checks that were sent and answered, long before a
 * browser says `failed` (Chromium: after 15 to 19 s). `pairsOf` and `Search` are pure; `PathWatch` looks every so often
 * and says it.
 */
import { type Env, Timers } from './env.ts'

export const noPathLimits = {
  lookMilliseconds: 200,
  /** So long after the first check without any answer there is no path: some twenty checks went out by then. */
  unansweredMilliseconds: 1_000,
  /** The same once media had flowed in this call: both ends are awake then, and people wait. */
  unansweredAgainMilliseconds: 800,
  /** So long after the remote description without anything to check: names of hidden candidates take their time. */
  nothingToCheckMilliseconds: 1_500,
  /** How often it is said until media flows, and how long after the first time; then twice as long each time. */
  sayings: 4,
  sayAgainMilliseconds: 2_000,
  /** A restart while media flows: as long as this it is watched whether it goes on. */
  watchMilliseconds: 10_000,
} as const

/** The checks of one candidate pair, as far as the browser tells. */
export interface PairChecks {
  readonly id: string
  readonly sent: number
  readonly answered: number
}

type Stat = Readonly<Record<string, unknown>>

/**
 * The candidate pairs of a `getStats`. Chromium and werift count checks and answers, Firefox 153 answers only. Where a
 * count is missing the pair's state tells whether there was one (RFC 8445 §6.1.2.6): a pair that is in progress or
 * failed was checked, only an answer makes it succeed.
 */
export function pairsOf(stats: Iterable<unknown>): PairChecks[] {
  const pairs: PairChecks[] = []
  for (const stat of stats as Iterable<Stat>) {
    if (stat.type !== 'candidate-pair') continue
    const { id, state } = stat
    const answered = Math.max(count(stat.responsesReceived), Number(state === 'succeeded'))
    const checked = state === 'in-progress' || state === 'failed'
    pairs.push({
      id: String(id),
      sent: Math.max(answered, count(stat.requestsSent), Number(checked)),
      answered,
    })
  }
  return pairs
}

/**
 * The search for a path in one ICE generation. Pairs of earlier generations stay in the statistics: only what was added
 * to `before` counts.
 */
export class Search {
  readonly #before: ReadonlyMap<string, PairChecks>
  readonly startedAt: number
  /** No check was sent until then, as far as was seen. */
  #uncheckedUntil: number
  #checked = false

  /** `startedAt`: when the remote description was set. */
  constructor(startedAt: number, before: readonly PairChecks[]) {
    this.startedAt = startedAt
    this.#uncheckedUntil = startedAt
    this.#before = new Map(before.map(pair => [pair.id, pair]))
  }

  /** What came of it by what is seen at `now`. */
  judge(
    now: number,
    pairs: readonly PairChecks[],
    unansweredMilliseconds: number,
  ): 'answered' | 'vain' | 'open' {
    const grown = (pair: PairChecks, what: 'sent' | 'answered') =>
      pair[what] > (this.#before.get(pair.id)?.[what] ?? 0)
    if (pairs.some(pair => grown(pair, 'answered'))) return 'answered'
    this.#checked ||= pairs.some(pair => grown(pair, 'sent'))
    if (!this.#checked) this.#uncheckedUntil = now
    const isVain = this.#checked
      ? now - this.#uncheckedUntil >= unansweredMilliseconds
      : now - this.startedAt >= noPathLimits.nothingToCheckMilliseconds
    return isVain ? 'vain' : 'open'
  }
}

export interface PathWatchPorts {
  readonly env: Env
  pairs(): Promise<readonly PairChecks[]>
  /** `RTCPeerConnection.connectionState`. */
  connectionState(): string
  hasFlowed(): boolean
  /** Media flows now, as far as is known: `connected` may be said for seconds after the path broke. */
  isFlowing(): boolean
  /** Tells the appliance that there is no path; false when that cannot be told now. */
  say(): boolean
}

/** Watches each ICE generation until media flows, and says once in each that there is no path. */
export class PathWatch {
  readonly #ports: PathWatchPorts
  readonly #timers: Timers<'look'>
  #search: Search | undefined
  /** `failed` is still that of the generation before. */
  #failedBefore = false
  #sayings = 0
  #saidAt = 0

  constructor(ports: PathWatchPorts) {
    this.#ports = ports
    this.#timers = new Timers(ports.env)
  }

  /** A remote description was applied, new checks begin; `before` are the pairs as they were until now. */
  begin(before: readonly PairChecks[]): void {
    this.#search = new Search(this.#ports.env.now(), before)
    this.#failedBefore = this.#ports.connectionState() === 'failed'
    this.#lookLater()
  }

  /** Media flows: the search is over. */
  found(): void {
    this.stop()
    this.#sayings = 0
  }

  /** The line to the appliance is new: what was said on the old one may be lost. */
  lineBack(): void {
    this.#sayings = 0
    if (this.#search) this.#lookLater()
  }

  stop(): void {
    this.#search = undefined
    this.#timers.clearAll()
  }

  #lookLater(): void {
    this.#timers.set('look', noPathLimits.lookMilliseconds, () => void this.#look())
  }

  async #look(): Promise<void> {
    const search = this.#search
    if (search === undefined) return
    const { env } = this.#ports
    const pairs = await this.#ports.pairs().catch(() => [])
    if (this.#search !== search || this.#timers.has('look')) return
    const state = this.#ports.connectionState()
    if (state !== 'failed') this.#failedBefore = false
    if (state === 'closed') return
    const now = env.now()
    const patience = this.#ports.hasFlowed()
      ? noPathLimits.unansweredAgainMilliseconds
      : noPathLimits.unansweredMilliseconds
    const judged = search.judge(now, pairs, patience)
    if (this.#ports.isFlowing()) {
      const enough = now - search.startedAt >= noPathLimits.watchMilliseconds
      if (judged === 'answered' || enough) this.#search = undefined
      else this.#lookLater()
      return
    }
    const failed = state === 'failed' && !this.#failedBefore
    const vain = judged === 'vain' || failed
    if (vain && this.#sayings >= noPathLimits.sayings) return
    if (vain && now >= this.#mayAt() && this.#ports.say()) {
      this.#sayings++
      this.#saidAt = now
      return
    }
    this.#lookLater()
  }

  #mayAt(): number {
    if (this.#sayings === 0) return 0
    return this.#saidAt + noPathLimits.sayAgainMilliseconds * 2 ** (this.#sayings - 1)
  }
}

const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0)
