/**
 * How long a description waits for the candidates that are to go with it, because the other side takes none afterwards.
 * `complete` is never waited for, it may take 40 s; and after a restart the gathering state still says it from the time before. The
 * end-of-candidates event of this round is the honest sign. Firefox tells it for each section by itself, which counts where
 * the other side puts sections on transports of their own, as Linphone does with sound and picture.
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
  #sections = new Set<string>()
  #isRelayMissing = false
  #isLate = false

  constructor(env: Pick<Env, 'setTimeout' | 'clearTimeout'>) {
    this.#timers = new Timers(env)
  }

  /** A description waits: what is found goes with it. */
  get isOn(): boolean {
    return this.#done !== undefined
  }

  /** Resolves when enough is found for `sections`, or it took too long; `stop` follows. */
  begin(sections: readonly string[], wantsRelay: boolean): Promise<void> {
    return new Promise(done => {
      this.#done = done
      this.#sections = new Set(sections)
      this.#isRelayMissing = wantsRelay
      this.#isLate = false
      this.#timers.set('wait', gatheringLimits.waitMilliseconds, () => {
        this.#isLate = true
        if (!this.#isRelayMissing) done()
      })
      this.#timers.set('relay', gatheringLimits.relayMilliseconds, done)
    })
  }

  /** A candidate line was found; `''` ends those of that section, or all of them where none is named. */
  found(line: string, section?: string | null): void {
    if (/ typ relay( |$)/.test(line)) this.#isRelayMissing = false
    if (line === '' && typeof section === 'string') this.#sections.delete(section)
    const isAll = line === '' && (typeof section !== 'string' || this.#sections.size === 0)
    if (isAll || (this.#isLate && !this.#isRelayMissing)) this.#done?.()
  }

  stop(): void {
    this.#done = undefined
    this.#timers.clearAll()
  }
}

/**
 * The sections (by their `mid`) of `next` that bring candidates and are not all known by `before`, gathered to its end: they, or
 * their credentials, are new. Under `max-bundle` those that share the transport of another one bring none (RFC 9429 §4.1.1).
 */
export function newTransports(next: string, before: string, bundlePolicy: RTCBundlePolicy): string[] {
  const known = new Set(linesOf(before))
  const groups = bundlePolicy === 'max-bundle' ? [...next.matchAll(/^a=group:BUNDLE \S+ (.+)$/gm)] : []
  const shared = new Set(groups.flatMap(found => found[1]!.trim().split(' ')))
  return next.split(/^(?=m=)/m).flatMap(section => {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1]
    const isOwn = mid !== undefined && !shared.has(mid) && !/^m=\w+ 0 /.test(section)
    return isOwn && linesOf(section).some(line => !known.has(line)) ? [mid] : []
  })
}

const linesOf = (sdp: string): string[] => sdp.match(/^a=(?:mid|ice-ufrag):\S+/gm) ?? []
