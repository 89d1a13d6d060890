/**
 * `getStats` of Chromium, Firefox and werift to one account of a party's end of the media path. Pure: what the
 * connection said goes in, the report comes out.
 */
import type { SelectedPair } from '../src/calls/message.ts'
import type { CheckedPair, MediaReport, StateChange, StreamCount } from '../src/signalling/message.ts'
import { fingerprintOf } from './sdp.ts'

type Bare = Omit<MediaReport, 'roundTripMilliseconds' | 'heldMilliseconds' | 'states' | 'checks' | 'final'>

/** All that is known at one moment: for a page to show, and for `telling.ts` to make a report of. */
export interface MediaFacts extends Bare {
  /** `DTLS 1.2`, `DTLS 1.3`, `''` when the browser does not say. */
  readonly dtlsVersion: string
  readonly dtlsCipher: string
  readonly srtpProfile: string
  /** Every pair that was checked. */
  readonly pairs: readonly CheckedPair[]
  /** Every change of a state so far, bounded by whoever keeps them. */
  readonly changes: readonly StateChange[]
  /** How our end reaches the relay it uses (`udp`, `tcp`, `tls`), `''` when it uses none. */
  readonly relayProtocol: string
}

/** The states of an `RTCPeerConnection` beside its statistics. */
export interface PeerStates {
  readonly iceConnectionState: string
  readonly iceGatheringState: string
  readonly connectionState: string
  /** State of the DTLS transport object, for browsers whose statistics leave it out. */
  readonly dtlsState: string | undefined
  readonly localSdp: string
  readonly remoteSdp: string
  readonly changes: readonly StateChange[]
}

type Stat = { readonly id: string; readonly type: string } & Readonly<Record<string, unknown>>

/** `atMilliseconds` counts from the start of the call. */
export function mediaFacts(stats: Iterable<unknown>, peer: PeerStates, atMilliseconds: number): MediaFacts {
  const byId = new Map<string, Stat>()
  for (const stat of stats as Iterable<Stat>) byId.set(stat.id, stat)
  const all = [...byId.values()]
  const transport = transportOf(all)
  const selected = selectedStat(all, byId, transport)
  const pair = selected === undefined ? null : selectedPair(selected, byId)
  const local = byId.get(text(selected?.localCandidateId))
  return {
    atMilliseconds: Math.max(0, Math.round(atMilliseconds)),
    iceConnection: peer.iceConnectionState,
    iceGathering: peer.iceGatheringState,
    connection: peer.connectionState,
    dtls: text(transport?.dtlsState) || (peer.dtlsState ?? ''),
    localFingerprint: used(byId.get(text(transport?.localCertificateId)), peer.localSdp),
    remoteFingerprint: used(byId.get(text(transport?.remoteCertificateId)), peer.remoteSdp),
    pair,
    streams: all.flatMap(stat => streamCount(stat, byId) ?? []),
    dtlsVersion: versionName(text(transport?.tlsVersion)),
    dtlsCipher: text(transport?.dtlsCipher),
    srtpProfile: text(transport?.srtpCipher),
    pairs: all.flatMap(stat => checkedPair(stat, byId) ?? []),
    changes: peer.changes,
    relayProtocol: pair?.localType === 'relay' ? text(local?.relayProtocol).toLowerCase() : '',
  }
}

function transportOf(all: readonly Stat[]): Stat | undefined {
  const transports = all.filter(stat => stat.type === 'transport')
  return transports.find(stat => stat.selectedCandidatePairId) ?? transports[0]
}

/** Firefox marks the pair itself (`selected`); others name it in the transport. */
function selectedStat(
  all: readonly Stat[],
  byId: ReadonlyMap<string, Stat>,
  transport: Stat | undefined,
): Stat | undefined {
  const pairs = all.filter(stat => stat.type === 'candidate-pair')
  return (
    byId.get(text(transport?.selectedCandidatePairId)) ??
    pairs.find(stat => stat.selected === true) ??
    pairs.find(stat => stat.nominated === true && stat.state === 'succeeded')
  )
}

function selectedPair(pair: Stat, byId: ReadonlyMap<string, Stat>): SelectedPair {
  const local = byId.get(text(pair.localCandidateId))
  const remote = byId.get(text(pair.remoteCandidateId))
  const rtt = number(pair.currentRoundTripTime)
  return {
    localType: text(local?.candidateType),
    localAddress: address(local),
    localPort: number(local?.port) ?? 0,
    remoteType: text(remote?.candidateType),
    remoteAddress: address(remote),
    remotePort: number(remote?.port) ?? 0,
    protocol: (text(local?.protocol) || text(remote?.protocol)).toLowerCase(),
    rttMilliseconds: rtt === undefined ? undefined : Math.round(rtt * 100_000) / 100,
  }
}

/**
 * The counts as far as the stack keeps them: Chromium and werift all four, Firefox 153 answers only. Chromium counts
 * checks of consent (RFC 7675) among them, as RFC 8445 sends them alike.
 */
function checkedPair(stat: Stat, byId: ReadonlyMap<string, Stat>): CheckedPair | undefined {
  if (stat.type !== 'candidate-pair') return undefined
  const counts = given({
    requestsSent: whole(stat.requestsSent),
    responsesReceived: whole(stat.responsesReceived),
    requestsReceived: whole(stat.requestsReceived),
    responsesSent: whole(stat.responsesSent),
  })
  const state = text(stat.state)
  const isUnused = state === 'waiting' || state === 'frozen'
  if (isUnused && Object.values(counts).every(one => one === 0)) return undefined
  const { rttMilliseconds, ...ends } = selectedPair(stat, byId)
  return { ...ends, state, ...counts, ...given({ rttMilliseconds }) }
}

function streamCount(stat: Stat, byId: ReadonlyMap<string, Stat>): StreamCount | undefined {
  const kind = stat.kind === 'audio' || stat.kind === 'video' ? stat.kind : undefined
  const ssrc = number(stat.ssrc)
  if (kind === undefined || ssrc === undefined) return undefined
  if (stat.type === 'outbound-rtp') {
    // What we sent and the other side missed is in its receiver reports.
    const remote = byId.get(text(stat.remoteId))
    return {
      ssrc,
      kind,
      direction: 'sent',
      packets: count(stat.packetsSent),
      bytes: count(stat.bytesSent),
      lost: count(remote?.packetsLost),
      ...given({
        jitterMilliseconds: milliseconds(remote?.jitter),
        repeats: whole(stat.retransmittedPacketsSent),
        frames: whole(stat.framesEncoded),
      }),
    }
  }
  if (stat.type !== 'inbound-rtp') return undefined
  return {
    ssrc,
    kind,
    direction: 'received',
    packets: count(stat.packetsReceived),
    bytes: count(stat.bytesReceived),
    lost: count(stat.packetsLost),
    ...given({
      jitterMilliseconds: milliseconds(stat.jitter),
      repeats: whole(stat.retransmittedPacketsReceived),
      samples: whole(stat.totalSamplesReceived),
      concealedSamples: concealed(stat),
      frames: whole(stat.framesDecoded),
      freezes: whole(stat.freezeCount),
    }),
  }
}

/** Silence that was made up, as while the sender pauses, is nothing that was missed. */
function concealed(stat: Stat): number | undefined {
  const all = whole(stat.concealedSamples)
  return all === undefined ? undefined : Math.max(0, all - count(stat.silentConcealedSamples))
}

/**
 * The certificate the stack really used, where it says so; the one in the description otherwise. Chromium hashes a
 * certificate as its signature does, be that SHA-1, which cannot be compared with what was carried: the stack did that
 * (RFC 8122 §5).
 */
function used(stat: Stat | undefined, sdp: string): string {
  const carried = fingerprintOf(sdp)
  const print = text(stat?.fingerprint)
  if (print === '') return carried
  const algorithm = text(stat?.fingerprintAlgorithm).toLowerCase()
  const isComparable = carried === '' || carried.startsWith(`${algorithm} `)
  return isComparable ? `${algorithm} ${print.toUpperCase()}` : carried
}

/** RFC 9147 §5.3, RFC 6347 §4.1: DTLS writes its version as the ones' complement of the number. werift gives the name. */
function versionName(hex: string): string {
  if (/^DTLS 1\.\d$/.test(hex)) return hex
  const names: Record<string, string> = { FEFC: 'DTLS 1.3', FEFD: 'DTLS 1.2', FEFF: 'DTLS 1.0' }
  return names[hex.toUpperCase()] ?? ''
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
/** Lost may be negative when duplicates arrive (RFC 3550 §6.4.1): none are missing then. */
const count = (value: unknown): number => Math.max(0, Math.round(number(value) ?? 0))
/** A count, where there is one. */
const whole = (value: unknown): number | undefined =>
  number(value) === undefined ? undefined : Math.max(0, Math.round(number(value)!))
const milliseconds = (seconds: unknown): number | undefined =>
  number(seconds) === undefined ? undefined : Math.max(0, Math.round(number(seconds)! * 100_000) / 100)
/** Without what is not known. */
const given = <Fields extends object>(fields: Fields): Partial<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>
/** Older names of the same field are `ip` and `ipAddress`. */
const address = (stat: Stat | undefined): string => text(stat?.address) || text(stat?.ip)
