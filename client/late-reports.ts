/** Reports that found no line: kept in order, bounded, and sent with their age when it is back. Pure. */
import type { ClientMessage, MediaReport } from '../src/signalling/message.ts'

export const lateLimits = {
  reports: 60,
  /** Counters alone are kept this far apart: they are totals. */
  countersMilliseconds: 10_000,
  /** As old as the appliance takes them. */
  ageMilliseconds: 15 * 60_000,
} as const

interface Late {
  readonly call: string
  readonly report: MediaReport
  readonly at: number
}

export class LateReports {
  #late: Late[] = []

  get size(): number {
    return this.#late.length
  }

  /** `isLast`: of a call that is over, so it is the only word of how it ended. */
  keep(call: string, report: MediaReport, now: number, isLast: boolean): void {
    const before = this.#late.findLast(one => one.call === call)
    const isSoon = before !== undefined && now - before.at < lateLimits.countersMilliseconds
    if (isSoon && !isLast && !hasNews(report, before.report)) return
    this.#late.push({ call, report, at: now })
    if (this.#late.length > lateLimits.reports) this.#late.shift()
  }

  /** All of them, to be sent now. */
  take(now: number): Extract<ClientMessage, { type: 'report' }>[] {
    const late = this.#late.filter(one => now - one.at <= lateLimits.ageMilliseconds)
    this.#late = []
    return late.map(({ call, report, at }) => {
      return { type: 'report', call, report: { ...report, heldMilliseconds: Math.round(now - at) } }
    })
  }
}

function hasNews(report: MediaReport, before: MediaReport): boolean {
  const { states, checks, dtlsVersion, dtlsCipher, srtpProfile } = report
  if ([states, checks, dtlsVersion, dtlsCipher, srtpProfile].some(one => one !== undefined)) return true
  return stateOf(report) !== stateOf(before)
}

const stateOf = ({ iceConnection, iceGathering, connection, dtls, pair }: MediaReport): string =>
  JSON.stringify([iceConnection, iceGathering, connection, dtls, pair && { ...pair, rttMilliseconds: 0 }])
