/**
 * How long a description waits for the candidates that are to go with it, because the other side takes none afterwards.
 * `complete` is never waited for, it may take 40 s; and after a restart the gathering state still says it from the time before. The
 * end-of-candidates event of this round is the honest sign.
 */
import { type Env, Timers } from './env.ts'

export const gatheringLimits = {
  waitMilliseconds: 500,
  /** The same where one of the relay is wanted. */
  relayMilliseconds: 1_500,
} as const

export class Gathering {
  readonly #timers: Timers<'wait' | 'relay'>
  #done: (() => void) | undefined
  #isRelayMissing = false
  #isLate = false

  constructor(env: Pick<Env, 'setTimeout' | 'clearTimeout'>) {
    this.#timers = new Timers(env)
  }

  /** A description waits: what is found goes with it. */
  get isOn(): boolean {
    return this.#done !== undefined
  }

  /** Resolves when enough is found, or it took too long; `stop` follows. */
  begin(wantsRelay: boolean): Promise<void> {
    return new Promise(done => {
      this.#done = done
      this.#isRelayMissing = wantsRelay
      this.#isLate = false
      this.#timers.set('wait', gatheringLimits.waitMilliseconds, () => {
        this.#isLate = true
        if (!this.#isRelayMissing) done()
      })
      this.#timers.set('relay', gatheringLimits.relayMilliseconds, done)
    })
  }

  /** A candidate line was found; `''` ends them. */
  found(line: string): void {
    if (/ typ relay( |$)/.test(line)) this.#isRelayMissing = false
    if (line === '' || (this.#isLate && !this.#isRelayMissing)) this.#done?.()
  }

  stop(): void {
    this.#done = undefined
    this.#timers.clearAll()
  }
}

/** Every candidate of `next` is known by `before`, gathered to its end: it has no section and no credentials that are new. */
export function isGathered(next: string, before: string): boolean {
  const known = new Set(linesOf(before))
  return linesOf(next).every(line => known.has(line))
}

const linesOf = (sdp: string): string[] => sdp.match(/^a=(?:mid|ice-ufrag):\S+/gm) ?? []
