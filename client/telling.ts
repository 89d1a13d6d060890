/**
 * What of a party's facts goes into its next report: counters each time, everything else only when it is new. Pure.
 */
import type { CheckedPair, MediaReport } from '../src/signalling/message.ts'
import type { MediaFacts } from './report.ts'

export const tellingLimits = {
  /** As many as the appliance takes in one report; the rest follows with the next. */
  states: 16,
  checks: 24,
  streams: 32,
  /** On a new line: what was said into the old one since then may be lost. */
  againMilliseconds: 15_000,
} as const

export class Telling {
  readonly #pairs = new Map<string, string>()
  #states = 0
  #cipher = ''

  /** `isLast`: the call is over, so that every count is told as it ended. */
  reportOf(facts: MediaFacts, isLast = false): MediaReport {
    const { pairs, changes, dtlsVersion, dtlsCipher, srtpProfile, relayProtocol, ...bare } = facts
    const states = changes.slice(this.#states, this.#states + tellingLimits.states)
    this.#states += states.length
    const checks = this.#checks(pairs, isLast)
    const cipher = this.#ciphers({ dtlsVersion, dtlsCipher, srtpProfile })
    return {
      ...bare,
      streams: bare.streams.slice(0, tellingLimits.streams),
      ...(states.length > 0 && { states }),
      ...(checks.length > 0 && { checks }),
      ...cipher,
    }
  }

  /** The line is new: the appliance may have been started again, and what was said last may never have arrived. */
  again(facts: MediaFacts | undefined): void {
    this.#pairs.clear()
    this.#cipher = ''
    if (facts === undefined) return
    const since = facts.atMilliseconds - tellingLimits.againMilliseconds
    const known = facts.changes.findIndex(change => change.atMilliseconds >= since)
    if (known >= 0) this.#states = Math.min(this.#states, known)
  }

  #checks(pairs: readonly CheckedPair[], isLast: boolean): CheckedPair[] {
    const news: CheckedPair[] = []
    for (const [key, pair] of byKey(pairs)) {
      const fate = isLast ? JSON.stringify({ ...pair, rttMilliseconds: 0 }) : fateOf(pair)
      if (this.#pairs.get(key) === fate || news.length >= tellingLimits.checks) continue
      this.#pairs.set(key, fate)
      news.push(pair)
    }
    return news
  }

  #ciphers(said: Pick<MediaFacts, 'dtlsVersion' | 'dtlsCipher' | 'srtpProfile'>): Partial<MediaReport> {
    const told = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ''))
    const text = JSON.stringify(told)
    if (text === this.#cipher) return {}
    this.#cipher = text
    return told
  }
}

/** What must change for a pair to be told anew: its state, or a count to twice as many. */
function fateOf(pair: CheckedPair): string {
  const { state, requestsSent, responsesReceived, requestsReceived, responsesSent } = pair
  const counts = [requestsSent, responsesReceived, requestsReceived, responsesSent]
  return [state, ...counts.map(count => (count === undefined ? '' : 32 - Math.clz32(count)))].join(' ')
}

const worth = ['waiting', 'frozen', 'failed', 'in-progress', 'succeeded']

/**
 * Pairs that were checked, the most telling first. After a restart Chromium keeps those of earlier generations, which
 * may have the same addresses: the better one stands for both.
 */
function byKey(pairs: readonly CheckedPair[]): Map<string, CheckedPair> {
  const found = new Map<string, CheckedPair>()
  const inOrder = [...pairs].sort((a, b) => worth.indexOf(b.state) - worth.indexOf(a.state))
  for (const pair of inOrder) {
    const { localAddress, localPort, remoteAddress, remotePort, localType, remoteType, protocol } = pair
    const key = [localType, localAddress, localPort, remoteType, remoteAddress, remotePort, protocol].join(
      ' ',
    )
    if (!found.has(key)) found.set(key, pair)
  }
  return found
}
