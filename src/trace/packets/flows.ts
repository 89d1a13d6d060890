/** A call's figures as the room's contract has them: one line for each path and direction, bounded. */
import { formatEndpoint } from '../../core/endpoint.ts'
import type { CaptureFlow } from '../message.ts'
import type { CallFigures, FlowFigures } from './figures.ts'
import { handshakeType } from './hello.ts'

export const flowLimits = {
  /** Those with most packets are told. */
  flows: 64,
  streams: 16,
  handshakeMessages: 32,
  certificates: 4,
} as const

/** `ClientHello`; for types that no call's handshake has, `type 99`. */
export function handshakeName(type: number): string {
  const found = Object.entries(handshakeType).find(([, value]) => value === type)
  return found === undefined ? `type ${type}` : found[0][0]!.toUpperCase() + found[0].slice(1)
}

/** What went inside TURN between two ends is a line of its own. */
export function captureFlows({ flows }: CallFigures): CaptureFlow[] {
  const lines = flows.map(lineOf)
  if (lines.length <= flowLimits.flows) return lines
  const told = new Set(lines.toSorted((a, b) => b.packets - a.packets).slice(0, flowLimits.flows))
  return lines.filter(line => told.has(line))
}

/** Packets of the call that `captureFlows` does not tell. */
export function untoldPackets(figures: CallFigures, told: readonly CaptureFlow[]): number {
  const all = figures.flows.reduce((sum, flow) => sum + packetsOf(flow), figures.leftOut)
  return all - told.reduce((sum, { packets }) => sum + packets, 0)
}

function lineOf(flow: FlowFigures): CaptureFlow {
  const { source, target, way, peer, sender, matchedBy, checks, answers, handshake, streams } = flow
  const certificates = handshake
    .flatMap(({ certificateSha256 }) => certificateSha256 ?? [])
    .map(fingerprintOf)
  return {
    ...{ source: formatEndpoint(source), target: formatEndpoint(target), way },
    ...(peer && { peer: formatEndpoint(peer) }),
    ...{ sender, matchedBy, checks, checkAnswers: answers },
    dtls: handshake.slice(0, flowLimits.handshakeMessages).map(({ type }) => handshakeName(type)),
    certificates: [...new Set(certificates)].slice(0, flowLimits.certificates),
    rtp: streams
      .toSorted((a, b) => b.packets - a.packets)
      .slice(0, flowLimits.streams)
      .map(({ ssrc, packets }) => ({ ssrc, packets })),
    packets: packetsOf(flow),
  }
}

/** RFC 8122 §5. */
const fingerprintOf = (sha256: string): string =>
  `sha-256 ${sha256.toUpperCase().replace(/(..)(?=.)/g, '$1:')}`

function packetsOf({ checks, answers, dtlsPackets, rtcpPackets, streams }: FlowFigures): number {
  const media = streams.reduce((sum, { packets }) => sum + packets, 0)
  return checks + answers + dtlsPackets + rtcpPackets + media
}
