/**
 * What both clients reported as an RTCStats dump, file format 3, as its tools read it: a line `RTCStatsDump`, a line of
 * metadata, then a line an event: method, connection, value, milliseconds since the event before (since 1970 for the
 * first). Each party is a connection by its name. Stats have the names of webrtc-stats, not shortened, which readers
 * take as well. What no client told is left out rather than made up.
 */
import type { TraceDocument } from './document.ts'
import type { PairChecks, StreamSample, TraceEvent } from './message.ts'

type Line = readonly [method: string, connection: string, value: unknown, delta: number]
type Stats = Record<string, Readonly<Record<string, unknown>> | null>

const methods = {
  iceConnection: 'oniceconnectionstatechange',
  iceGathering: 'onicegatheringstatechange',
  connection: 'onconnectionstatechange',
} as const

const parties = ['caller', 'callee'] as const

export function rtcstatsDump({ call, events, madeBy, verdict }: TraceDocument): string {
  const inOrder = [...events].sort((a, b) => a.atMilliseconds - b.atMilliseconds || a.number - b.number)
  const saying = new Map(parties.map(role => [role, new PartyStats(call.startedAt)]))
  const out: { readonly at: number; readonly line: readonly [string, string, unknown] }[] = []
  for (const event of inOrder) {
    const role = event.source === 'caller' || event.source === 'callee' ? event.source : partyOf(event)
    const party = role && saying.get(role)
    if (role === undefined || party === undefined) continue
    const at = call.startedAt + event.atMilliseconds
    const told = [...party.tell(event, at)]
    if (told.length > 0 && !party.begun) {
      party.begun = true
      out.push({ at, line: ['create', role, {}] })
    }
    for (const [method, value] of told) out.push({ at, line: [method, role, value] })
  }
  for (const [role, party] of saying)
    if (party.begun) out.push({ at: call.endedAt ?? party.lastAt, line: ['close', role, null] })
  const metadata = {
    ...{ fileFormat: 3, userAgent: `lanline ${madeBy.version}`, startTime: Math.round(call.startedAt) },
    ...{ lanline: { call: call.id, appliance: madeBy.appliance, path: verdict.path, grade: verdict.grade } },
  }
  return `RTCStatsDump\n${JSON.stringify(metadata)}\n${linesOf(out).join('')}`
}

function linesOf(
  events: readonly { readonly at: number; readonly line: readonly [string, string, unknown] }[],
): string[] {
  let last = 0
  return [...events]
    .sort((a, b) => a.at - b.at)
    .map(({ at, line }) => {
      const moment = Math.round(at * 10) / 10
      const told: Line = [...line, Math.round((moment - last) * 10) / 10]
      last = moment
      return `${JSON.stringify(told)}\n`
    })
}

/** What the exchange carried to or from a party is its client's doing as well. */
const partyOf = (event: TraceEvent): 'caller' | 'callee' | undefined =>
  event.kind === 'channel' ? event.party : undefined

class PartyStats {
  begun = false
  lastAt: number
  readonly #pairs = new Map<string, Readonly<Record<string, unknown>>>()
  readonly #candidates = new Map<string, Readonly<Record<string, unknown>>>()
  #transport: Readonly<Record<string, unknown>> = { type: 'transport' }
  /** As the reader has them by now. */
  #reported = new Map<string, Readonly<Record<string, unknown>>>()

  constructor(startedAt: number) {
    this.lastAt = startedAt
  }

  *tell(event: TraceEvent, at: number): Iterable<readonly [string, unknown]> {
    this.lastAt = at
    switch (event.kind) {
      case 'state':
        yield [methods[event.what], event.to]
        break
      case 'channel':
        yield* described(event.direction, event.type, event.message)
        break
      case 'checks':
        for (const pair of event.pairs) this.#checked(pair)
        break
      case 'pair': {
        const { localType, localAddress, localPort, remoteType, remoteAddress, remotePort } = event.pair
        const ends = [
          `${localType} ${end(localAddress, localPort)}`,
          `${remoteType} ${end(remoteAddress, remotePort)}`,
        ]
        const { rttMilliseconds } = event.pair
        const id = this.#checked({ local: ends[0]!, remote: ends[1]!, state: 'succeeded', rttMilliseconds })
        this.#transport = { ...this.#transport, selectedCandidatePairId: id }
        break
      }
      case 'dtls': {
        const { state, version, cipher, srtpProfile } = event
        const said = { dtlsState: state, tlsVersion: version, dtlsCipher: cipher, srtpCipher: srtpProfile }
        const known = Object.entries(said).filter(([, value]) => value !== '')
        this.#transport = { ...this.#transport, ...Object.fromEntries(known) }
        break
      }
      case 'quality':
        yield ['getStats', this.#stats(event.streams, event.rttMilliseconds, at)]
        break
      default:
    }
  }

  #checked(pair: PairChecks): string {
    const id = `CP_${pair.local}_${pair.remote}`
    const [local, remote] = [this.#candidate('local', pair.local), this.#candidate('remote', pair.remote)]
    const before = this.#pairs.get(id) ?? {}
    const { state, requestsSent, responsesReceived, requestsReceived, responsesSent, rttMilliseconds } = pair
    const said = {
      ...{ type: 'candidate-pair', localCandidateId: local, remoteCandidateId: remote, state },
      ...{ requestsSent, responsesReceived, requestsReceived, responsesSent },
      currentRoundTripTime: secondsOf(rttMilliseconds),
    }
    if (this.#pairs.size < maxPairs || this.#pairs.has(id)) this.#pairs.set(id, { ...before, ...known(said) })
    return id
  }

  #candidate(side: 'local' | 'remote', told: string): string {
    const id = `${side === 'local' ? 'L' : 'R'}_${told}`
    const [candidateType = '', ends = '', protocol = 'udp'] = told.split(' ')
    const at = ends.lastIndexOf(':')
    const address = ends.slice(0, at).replace(/^\[(.*)\]$/, '$1')
    if (this.#candidates.size < 2 * maxPairs)
      this.#candidates.set(id, {
        ...{ type: `${side}-candidate`, candidateType, protocol, port: Number(ends.slice(at + 1)) },
        ...(address === 'hidden' ? {} : { address }),
      })
    return id
  }

  /** Only what is new, as readers expect it; what was there before and is no more is `null`. */
  #stats(streams: readonly StreamSample[], rttMilliseconds: number | undefined, timestamp: number): Stats {
    const now = new Map([['T', this.#transport], ...this.#pairs, ...this.#candidates])
    const selected = this.#transport.selectedCandidatePairId
    const pair = typeof selected === 'string' ? this.#pairs.get(selected) : undefined
    if (pair !== undefined && rttMilliseconds !== undefined)
      now.set(String(selected), { ...pair, currentRoundTripTime: secondsOf(rttMilliseconds) })
    for (const sample of streams) {
      const id = `${sample.direction === 'sent' ? 'O' : 'I'}_${sample.ssrc}`
      now.set(id, streamStats(sample))
      if (sample.direction === 'sent') now.set(`RI_${sample.ssrc}`, remoteStats(sample, id))
    }
    const stats: Stats = {}
    for (const [id, report] of now) {
      const before = this.#reported.get(id) ?? {}
      const news = Object.entries(report).filter(([name, value]) => before[name] !== value)
      if (news.length > 0) stats[id] = { ...Object.fromEntries(news), timestamp }
    }
    for (const id of this.#reported.keys()) if (!now.has(id)) stats[id] = null
    this.#reported = now
    return stats
  }
}

const maxPairs = 128
const end = (address: string, port: number): string =>
  address === '' ? `hidden:${port}` : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
const secondsOf = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : milliseconds / 1_000

function streamStats(sample: StreamSample): Record<string, unknown> {
  const { ssrc, media: kind, packets, bytes, lost, frames, freezes } = sample
  if (sample.direction === 'sent')
    return known({
      type: 'outbound-rtp',
      kind,
      ssrc,
      packetsSent: packets,
      bytesSent: bytes,
      framesSent: frames,
    })
  return known({
    ...{ type: 'inbound-rtp', kind, ssrc, packetsReceived: packets, bytesReceived: bytes, packetsLost: lost },
    ...{ jitter: secondsOf(sample.jitterMilliseconds), framesDecoded: frames, freezeCount: freezes },
    ...{ totalSamplesReceived: sample.samples, concealedSamples: sample.concealedSamples },
  })
}

/** What the other end's receiver reports say of what is sent. */
const remoteStats = (sample: StreamSample, localId: string): Record<string, unknown> =>
  known({
    ...{ type: 'remote-inbound-rtp', kind: sample.media, ssrc: sample.ssrc, localId },
    ...{ packetsLost: sample.lost, jitter: secondsOf(sample.jitterMilliseconds) },
  })

const known = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

/** Descriptions and candidates as the calls and events of an `RTCPeerConnection` that they come from or lead to. */
function* described(
  direction: 'in' | 'out',
  type: string,
  message: Readonly<Record<string, unknown>>,
): Iterable<readonly [string, unknown]> {
  if (typeof message.sdp === 'string') {
    const isOffer = type === 'call' || type === 'incoming' || type === 'offer'
    const value = { type: isOffer ? 'offer' : 'answer', sdp: message.sdp }
    yield [direction === 'in' ? 'setLocalDescription' : 'setRemoteDescription', value]
  } else if (type === 'candidate')
    yield [direction === 'in' ? 'onicecandidate' : 'addIceCandidate', message.candidate]
  else if (type === 'restart' && direction === 'out') yield ['restartIce', null]
}
