/** From a call's events to what a capture is matched against, and from a reading to what the trace keeps of it. */
import type { Epoch } from '../../core/clock.ts'
import { canonicalAddress } from '../../core/endpoint.ts'
import type { PartyRole } from '../../turn/message.ts'
import { evidenceOf, otherRole, type PartyEvidence } from '../evidence.ts'
import { shown } from '../finding.ts'
import type { CaptureFacts, TraceEvent } from '../message.ts'
import type { CallIdentity, PartyIdentity } from './figures.ts'
import { captureFlows, untoldPackets } from './flows.ts'
import { capturedPackets } from './kept.ts'
import type { Ending } from './message.ts'
import { explainStop } from './stop.ts'
import type { CallMatch } from './summary.ts'

const limits = { addresses: 128, ssrcs: 128 } as const

/** By which packets of this call are known, as far as its events say. */
export function identityOf(events: readonly TraceEvent[]): CallIdentity {
  const evidence = evidenceOf(events)
  const reached = { caller: new Set<string>(), callee: new Set<string>() }
  const own = new Set(evidence.applianceAddresses.flatMap(canonical))
  for (const event of events) {
    // Signalling goes between a party and the appliance, so its two ends say where each of them is.
    if (event.kind === 'sip' || event.kind === 'channel') {
      for (const address of canonical(event.local.address)) own.add(address)
      for (const address of canonical(event.remote.address)) reached[event.party].add(address)
    } else if (event.kind === 'network' && event.who !== 'lanline') {
      for (const address of event.addresses.flatMap(canonical)) reached[event.who].add(address)
    }
  }
  const partyOf = (role: PartyRole): PartyIdentity => {
    const [party, other] = [evidence[role], evidence[otherRole(role)]]
    const ssrcs = [...ssrcsOf(party, 'sent'), ...ssrcsOf(other, 'received')]
    const addresses = [...reached[role], ...addressesOf(party, other).flatMap(canonical)]
    return {
      ufrags: party.sentUfrags,
      addresses: [...new Set(addresses)].slice(0, limits.addresses),
      ssrcs: [...new Set(ssrcs)].slice(0, limits.ssrcs),
    }
  }
  return { parties: { caller: partyOf('caller'), callee: partyOf('callee') }, applianceAddresses: [...own] }
}

function canonical(address: string): string[] {
  const found = shown(address) ? canonicalAddress(address) : undefined
  return found === undefined ? [] : [found]
}

const ssrcsOf = ({ streams }: PartyEvidence, direction: 'sent' | 'received'): number[] =>
  streams.filter(one => one.direction === direction).map(({ ssrc }) => ssrc)

/** Relayed addresses are the relay's. */
function addressesOf(party: PartyEvidence, other: PartyEvidence): string[] {
  return [
    ...party.candidates.filter(({ type }) => type !== 'relay').map(({ address }) => address),
    ...party.pairs.filter(({ pair }) => pair.localType !== 'relay').map(({ pair }) => pair.localAddress),
    ...other.pairs.filter(({ pair }) => pair.remoteType !== 'relay').map(({ pair }) => pair.remoteAddress),
  ]
}

/** Who brought the capture, and from where. */
export type Provenance = Pick<CaptureFacts, 'name' | 'takenAt' | 'importedBy' | 'sha256'>

/** `startedAt`: of the call, by wall time. */
export function factsOf(
  match: CallMatch,
  ending: Ending,
  provenance: Provenance,
  startedAt: Epoch,
): CaptureFacts {
  const figures = match.figures()
  const flows = captureFlows(figures)
  const since = (at: Epoch): number => Math.round((at - startedAt) * 10) / 10
  const leftOutPackets = untoldPackets(figures, flows)
  const stoppedBecause = explainStop(ending)
  return {
    ...provenance,
    firstAtMilliseconds: ending.firstAt === undefined ? undefined : since(ending.firstAt),
    lastAtMilliseconds: ending.lastAt === undefined ? undefined : since(ending.lastAt),
    ...{ frames: ending.frames, flows },
    ...(leftOutPackets > 0 && { leftOutPackets }),
    ...(stoppedBecause !== undefined && { stoppedBecause }),
    packets: capturedPackets(match.kept(), since),
  }
}
