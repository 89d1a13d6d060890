/**
 * Whether a call has a way for its media: judged by the connectivity checks that were sent and answered, long before a
 * browser says `failed` (Chromium: after 15 to 19 s). `pairsOf` and `Search` are pure; `PathWatch` looks every so often
 * and says it.
 */
import { type Env, Timers } from './env.ts'

export const noPathLimits = {
  lookMilliseconds: 200,
  /** So long after the first check without any answer, or without anything to check, there is no path. */
  unansweredMilliseconds: 1_500,
  /** The same once media had flowed in this call: both ends are awake then, and people wait. */
  unansweredAgainMilliseconds: 800,
  /** How often it is said until media flows, and how long after the first time; then twice as long each time. */
  sayings: 4,
  sayAgainMilliseconds: 2_000,
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
  readonly #startedAt: number
  /** No check was sent until then, as far as was seen. */
  #uncheckedUntil: number
  #checked = false

  /** `startedAt`: when the remote description was set. */
  constructor(startedAt: number, before: readonly PairChecks[]) {
    this.#startedAt = startedAt
    this.#uncheckedUntil = startedAt
    this.#before = new Map(before.map(pair => [pair.id, pair]))
  }

  /** True when there is no path, by what is seen at `now`. */
  isVain(now: number, pairs: readonly PairChecks[], unansweredMilliseconds: number): boolean {
    const grown = (pair: PairChecks, what: 'sent' | 'answered') =>
      pair[what] > (this.#before.get(pair.id)?.[what] ?? 0)
    if (pairs.some(pair => grown(pair, 'answered'))) return false
    this.#checked ||= pairs.some(pair => grown(pair, 'sent'))
    if (!this.#checked) this.#uncheckedUntil = now
    return now - (this.#checked ? this.#uncheckedUntil : this.#startedAt) >= unansweredMilliseconds
  }
}

export interface PathWatchPorts {
  readonly env: Env
  pairs(): Promise<readonly PairChecks[]>
  /** `RTCPeerConnection.connectionState`. */
  connectionState(): string
  hasFlowed(): boolean
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

  /** Media flows no more. A restart may have begun before that was noticed. */
  lost(): void {
    if (this.#search) this.#lookLater()
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
    if (state === 'connected' || state === 'closed') return
    const patience = this.#ports.hasFlowed()
      ? noPathLimits.unansweredAgainMilliseconds
      : noPathLimits.unansweredMilliseconds
    const failed = state === 'failed' && !this.#failedBefore
    const vain = search.isVain(env.now(), pairs, patience) || failed
    if (vain && this.#sayings >= noPathLimits.sayings) return
    if (vain && env.now() >= this.#mayAt() && this.#ports.say()) {
      this.#sayings++
      this.#saidAt = env.now()
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
