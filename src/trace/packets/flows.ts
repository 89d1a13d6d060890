/** A call's figures as the room's contract has them: one line for each two ends and direction. */
import { formatEndpoint } from '../../core/endpoint.ts'
import type { CaptureFlow } from '../message.ts'
import type { CallFigures, FlowFigures } from './figures.ts'
import { handshakeType } from './hello.ts'

/** `ClientHello`; for types that no call's handshake has, `type 99`. */
export function handshakeName(type: number): string {
  const found = Object.entries(handshakeType).find(([, value]) => value === type)
  return found === undefined ? `type ${type}` : found[0][0]!.toUpperCase() + found[0].slice(1)
}

/** What went inside TURN between two ends is joined into the line of these two ends, as a number of packets. */
export function captureFlows({ flows }: CallFigures): CaptureFlow[] {
  const lines = new Map<string, { -readonly [Field in keyof CaptureFlow]: CaptureFlow[Field] }>()
  for (const flow of flows) {
    const [source, target] = [formatEndpoint(flow.source), formatEndpoint(flow.target)]
    const key = `${source} ${target}`
    const empty = { source, target, checks: 0, checkAnswers: 0, dtls: [], rtp: [], relayedPackets: 0 }
    const line = lines.get(key) ?? empty
    lines.set(key, line)
    if (flow.way === 'turn') {
      line.relayedPackets += packetsOf(flow)
      continue
    }
    line.checks += flow.checks
    line.checkAnswers += flow.answers
    line.dtls = [...line.dtls, ...flow.handshake.map(({ type }) => handshakeName(type))]
    line.rtp = [...line.rtp, ...flow.streams.map(({ ssrc, packets }) => ({ ssrc, packets }))]
  }
  return [...lines.values()]
}

function packetsOf({ checks, answers, dtlsPackets, rtcpPackets, streams }: FlowFigures): number {
  const media = streams.reduce((sum, { packets }) => sum + packets, 0)
  return checks + answers + dtlsPackets + rtcpPackets + media
}
