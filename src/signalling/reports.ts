/** The newest report of each device about each of the most recent calls. */
import type { SelectedPair } from '../calls/message.ts'
import type { MediaReport } from './message.ts'

const maxCalls = 500
const maxDevicesPerCall = 4

export class Reports {
  readonly #byCall = new Map<string, Map<string, MediaReport>>()

  /** Keeps a report; returns its selected pair when that is another one than before. */
  keep(call: string, device: string, report: MediaReport): SelectedPair | undefined {
    const ofCall = this.#byCall.get(call) ?? new Map<string, MediaReport>()
    const earlier = ofCall.get(device)
    if (earlier === undefined && ofCall.size >= maxDevicesPerCall) return undefined
    ofCall.set(device, report)
    this.#byCall.delete(call)
    this.#byCall.set(call, ofCall)
    if (this.#byCall.size > maxCalls) this.#byCall.delete(this.#byCall.keys().next().value!)
    if (report.pair === null || samePair(report.pair, earlier?.pair)) return undefined
    return report.pair
  }

  of(call: string): ReadonlyMap<string, MediaReport> {
    return this.#byCall.get(call) ?? new Map()
  }
}

/** The round trip changes with every report and makes no other pair of it. */
function samePair(a: SelectedPair, b: SelectedPair | null | undefined): boolean {
  return (
    b !== null &&
    b !== undefined &&
    a.localType === b.localType &&
    a.localAddress === b.localAddress &&
    a.localPort === b.localPort &&
    a.remoteType === b.remoteType &&
    a.remoteAddress === b.remoteAddress &&
    a.remotePort === b.remotePort &&
    a.protocol === b.protocol
  )
}
