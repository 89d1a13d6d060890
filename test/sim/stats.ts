/** What a simulated connection counts, as `getStats` of Chromium tells it. */
import type { Generation, MediaPath } from './air.ts'

/** Credentials of both ends that check each other, and what came of it. */
export interface Pair {
  readonly local: Generation
  /** Their `ufrag`. */
  readonly remote: string
  sent: number
  answered: number
}

export function statsOf(
  pairs: readonly Pair[],
  now: {
    readonly chosen: Pair | undefined
    readonly path: MediaPath | undefined
    /** Packets; as many are sent. */
    readonly received: number
    remoteOf(pair: Pair): Generation | undefined
  },
): Map<string, unknown> {
  const stats = new Map<string, unknown>()
  const put = (stat: { readonly id: string } & Record<string, unknown>) => stats.set(stat.id, stat)
  for (const pair of pairs) {
    const remote = now.remoteOf(pair)
    if (remote === undefined || pair.sent === 0) continue
    const isChosen = pair === now.chosen
    const candidateType = isChosen && now.path?.kind === 'relay' ? 'relay' : 'host'
    const ends = { local: pair.local, remote }
    for (const [side, { address, port }] of Object.entries(ends)) {
      const stat = { id: `${side} ${idOf(pair)}`, type: `${side}-candidate`, address, port }
      put({ ...stat, candidateType, protocol: 'udp' })
    }
    put({
      ...{ id: idOf(pair), type: 'candidate-pair', nominated: isChosen, currentRoundTripTime: 0.002 },
      ...{ localCandidateId: `local ${idOf(pair)}`, remoteCandidateId: `remote ${idOf(pair)}` },
      ...{ requestsSent: Math.ceil(pair.sent), responsesReceived: Math.ceil(pair.answered) },
      state: pair.answered > 0 ? 'succeeded' : 'in-progress',
    })
  }
  const selected = now.chosen && { selectedCandidatePairId: idOf(now.chosen) }
  put({ id: 'T', type: 'transport', dtlsState: selected ? 'connected' : 'new', ...selected })
  const packets = Math.floor(now.received)
  if (packets === 0) return stats
  const audio = { kind: 'audio', bytesReceived: packets, bytesSent: packets }
  put({ ...audio, id: 'I', type: 'inbound-rtp', ssrc: 1, packetsReceived: packets })
  put({ ...audio, id: 'O', type: 'outbound-rtp', ssrc: 2, packetsSent: packets })
  return stats
}

const idOf = ({ local, remote }: Pair): string => `${local.ufrag}-${remote}`
