/** The pair that each device last said its media goes by, in the most recent calls: reports repeat it, and it is news once. */
import type { SelectedPair } from '../calls/message.ts'

const maxCalls = 500
/** More than two parties only while several devices of one person ring. */
const maxDevicesPerCall = 4

export class SelectedPairs {
  readonly #byCall = new Map<string, Map<string, SelectedPair | null>>()

  get size(): number {
    let size = 0
    for (const ofCall of this.#byCall.values()) size += ofCall.size
    return size
  }

  /** Takes what a device reports; returns it when it is another one than before. */
  keep(call: string, device: string, pair: SelectedPair | null): SelectedPair | undefined {
    const ofCall = this.#byCall.get(call) ?? new Map<string, SelectedPair | null>()
    const earlier = ofCall.get(device)
    keepNewest(ofCall, device, pair, maxDevicesPerCall)
    keepNewest(this.#byCall, call, ofCall, maxCalls)
    return pair === null || samePair(pair, earlier) ? undefined : pair
  }
}

function keepNewest<Kept>(map: Map<string, Kept>, key: string, value: Kept, atMost: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > atMost) map.delete(map.keys().next().value!)
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
