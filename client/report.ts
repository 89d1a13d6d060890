/**
 * `getStats` of Chromium, Firefox and werift to one account of a party's end of the media path. Pure: what the
 * connection said goes in, the report comes out.
 */
import type { SelectedPair } from '../src/calls/message.ts'
import type { MediaReport, StreamCount } from '../src/signalling/message.ts'
import { fingerprintOf } from './sdp.ts'

/** What a page may show beyond what the appliance is told. */
export interface MediaFacts extends MediaReport {
  /** `DTLS 1.2`, `DTLS 1.3`, `''` when the browser does not say. */
  readonly dtlsVersion: string
  readonly dtlsCipher: string
  readonly srtpCipher: string
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
    // The certificate the stack really used, where it says so; the one in the description otherwise.
    localFingerprint:
      certificate(byId.get(text(transport?.localCertificateId))) || fingerprintOf(peer.localSdp),
    remoteFingerprint:
      certificate(byId.get(text(transport?.remoteCertificateId))) || fingerprintOf(peer.remoteSdp),
    pair,
    streams: all.flatMap(stat => streamCount(stat, byId) ?? []),
    dtlsVersion: versionName(text(transport?.tlsVersion)),
    dtlsCipher: text(transport?.dtlsCipher),
    srtpCipher: text(transport?.srtpCipher),
    relayProtocol: pair?.localType === 'relay' ? text(local?.relayProtocol).toLowerCase() : '',
  }
}

/** The part of the facts that is the report: the appliance's schema takes nothing else. */
export function reportOf(facts: MediaFacts): MediaReport {
  const { dtlsVersion, dtlsCipher, srtpCipher, relayProtocol, ...report } = facts
  return report
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
  }
}

function certificate(stat: Stat | undefined): string {
  const print = text(stat?.fingerprint)
  return print ? `${text(stat?.fingerprintAlgorithm).toLowerCase()} ${print.toUpperCase()}` : ''
}

/** RFC 9147 §5.3, RFC 6347 §4.1: DTLS writes its version as the ones' complement of the number. */
function versionName(hex: string): string {
  const names: Record<string, string> = { FEFC: 'DTLS 1.3', FEFD: 'DTLS 1.2', FEFF: 'DTLS 1.0' }
  return names[hex.toUpperCase()] ?? ''
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
/** Lost may be negative when duplicates arrive (RFC 3550 §6.4.1): none are missing then. */
const count = (value: unknown): number => Math.max(0, Math.round(number(value) ?? 0))
/** Older names of the same field are `ip` and `ipAddress`. */
const address = (stat: Stat | undefined): string => text(stat?.address) || text(stat?.ip)
