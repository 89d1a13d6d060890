/** How a call went, in the few figures that Help judges by; and where its parties were. */
import type { CallRow } from '../calls/message.ts'
import type { CallFacts, PartyFacts } from '../help/message.ts'
import type { RelayRefusal } from '../relay/message.ts'
import type { PartyRole } from '../turn/message.ts'
import { type Evidence, evidenceOf, type PartyEvidence } from './evidence.ts'
import type { TraceEvent, TraceSummary } from './message.ts'
import { verdictOf, wasAnswered } from './verdict.ts'

/** `kept`: what was concluded before the events were forgotten. */
export function callFactsOf(
  row: CallRow,
  events: readonly TraceEvent[],
  kept: TraceSummary | undefined,
): CallFacts {
  const evidence = evidenceOf(events, row)
  const party = (role: PartyRole): PartyFacts => partyFacts(role, evidence, events, kept)
  const known = kept === undefined ? [] : [kept.mos.caller, kept.mos.callee].flatMap(one => one ?? [])
  return {
    row,
    verdict: events.length > 0 ? verdictOf(evidence) : kept?.verdict,
    mos: known.length > 0 ? Math.min(...known) : undefined,
    relayRefusal: relayRefusalOf(events) ?? kept?.relayRefusal,
    caller: party('caller'),
    callee: party('callee'),
  }
}

/** What a party's client was told last of why nothing is relayed. */
export function relayRefusalOf(events: readonly TraceEvent[]): RelayRefusal | undefined {
  const told = events.findLast(one => one.kind === 'channel' && one.type === 'relayRefused')
  const reason = told?.kind === 'channel' ? told.message.reason : undefined
  return refusals.find(one => one === reason)
}

const refusals: readonly RelayRefusal[] = ['off', 'sameNetwork', 'unknownAddress', 'full', 'failed']

/** Where the appliance saw a party last; `''`: nowhere. */
export function addressOf(role: PartyRole, events: readonly TraceEvent[]): string {
  const heard = events.findLast(
    one => (one.kind === 'sip' || one.kind === 'channel') && one.party === role && one.direction === 'in',
  )
  return heard?.kind === 'sip' || heard?.kind === 'channel' ? heard.remote.address : ''
}

function partyFacts(
  role: PartyRole,
  evidence: Evidence,
  events: readonly TraceEvent[],
  kept: TraceSummary | undefined,
): PartyFacts {
  const { checks, streams, reports, dtls } = evidence[role]
  const sum = (read: (pair: PartyEvidence['checks'][number]) => number | undefined): number =>
    checks.reduce((total, pair) => total + (read(pair) ?? 0), 0)
  const last = (direction: 'sent' | 'received', read: 'packets' | 'lost'): number =>
    streams
      .filter(stream => stream.direction === direction)
      .reduce((total, stream) => total + Math.max(0, stream.samples.at(-1)?.[read] ?? 0), 0)
  return {
    reports,
    keying: keyingOf(role, events),
    dtlsState: dtls?.state,
    checksSent: sum(pair => pair.requestsSent),
    checksAnswered: checks.filter(wasAnswered).length,
    checksReceived: sum(pair => pair.requestsReceived),
    packetsSent: last('sent', 'packets'),
    packetsReceived: last('received', 'packets'),
    packetsLost: last('received', 'lost'),
    address: addressOf(role, events) || (kept?.addresses?.[role] ?? ''),
  }
}

/** RFC 5763 §5: a fingerprint. RFC 4568 §4: a crypto attribute. RFC 3551: neither. */
function keyingOf(role: PartyRole, events: readonly TraceEvent[]): PartyFacts['keying'] {
  for (const event of events) {
    if ((event.kind !== 'sip' && event.kind !== 'channel') || event.party !== role) continue
    if (event.direction !== 'in') continue
    const text = event.kind === 'sip' ? event.text : event.message.sdp
    if (typeof text !== 'string' || !/^m=/m.test(text)) continue
    if (/^a=fingerprint:/m.test(text)) return 'dtls'
    return /^a=crypto\b/m.test(text) ? 'sdes' : 'none'
  }
  return undefined
}
