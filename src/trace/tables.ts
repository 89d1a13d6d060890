/**
 * The events of a call as tables, for whoever shows them: candidate pairs and what became of each, DTLS and SRTP,
 * the relay's ledger, addresses over time. Quality over time is in `series.ts`. Pure and without Node, so that a page
 * can make them of a `trace.json`. Nothing is concluded here that is not in `verdict.ts`.
 */
import type { SelectedPair } from '../calls/message.ts'
import { formatEndpoint } from '../core/endpoint.ts'
import type { RelayReason } from '../relay/message.ts'
import type { CallLedger, PartyRole } from '../turn/message.ts'
import { bytesOf, type Evidence, evidenceOf, otherRole } from './evidence.ts'
import type { PairChecks, TraceEvent } from './message.ts'
import { isNamedSince } from './same-pair.ts'
import { wasAnswered, whyFailed } from './verdict.ts'
import { wasCarried } from './verdict-keys.ts'

export interface TraceTables {
  readonly pairs: readonly PairRow[]
  readonly security: Readonly<Record<PartyRole, SecurityFacts>>
  readonly streams: readonly StreamRow[]
  readonly relay: RelayTable
  readonly addresses: readonly AddressRow[]
}

/** `selected`: in use at the end. `usedBefore`: in use once. */
export type PairFate = 'selected' | 'usedBefore' | 'answered' | 'failed' | 'underWay'

/** One candidate pair as one party tells of it. Ends as `host 192.0.2.1:5000`. */
export interface PairRow {
  readonly party: PartyRole
  readonly local: string
  readonly remote: string
  readonly fate: PairFate
  /** As its stack calls it; `''` where it was never told. */
  readonly state: string
  /** When it was selected, each time. */
  readonly selectedAt: readonly number[]
  /** When anything was told of it, first and last. */
  readonly firstAt: number
  readonly lastAt: number
  /** What the party's stack counted; undefined where it does not. */
  readonly requestsSent: number | undefined
  readonly responsesReceived: number | undefined
  readonly requestsReceived: number | undefined
  readonly rttMilliseconds: number | undefined
  /** Why it failed, in words; `''` of one that did not. */
  readonly why: string
}

/** One end's DTLS and SRTP. Texts are `''` where its stack does not say. */
export interface SecurityFacts {
  readonly reports: boolean
  readonly state: string
  readonly version: string
  readonly cipher: string
  readonly srtpProfile: string
  /** Its own certificate, and the other party's as it applied it. */
  readonly ownFingerprint: string
  readonly appliedFingerprint: string
  /** What the exchange carried to it from the other party. */
  readonly carriedFingerprints: readonly string[]
  /** Whether what it applied was carried; undefined where one of the two is not known. */
  readonly appliedWasCarried: boolean | undefined
  readonly states: readonly { readonly atMilliseconds: number; readonly state: string }[]
}

/** One RTP stream, by the words of both ends. */
export interface StreamRow {
  readonly from: PartyRole
  readonly media: 'audio' | 'video'
  readonly ssrc: number
  readonly firstSentAt: number | undefined
  readonly firstReceivedAt: number | undefined
  /** Last totals of each end; undefined where it does not name the stream. */
  readonly sent: StreamTotals | undefined
  readonly received: (StreamTotals & { readonly lost: number }) | undefined
}

export interface StreamTotals {
  readonly packets: number
  readonly bytes: number
  /** Of the packets: sent again, as far as that is counted. */
  readonly repeats: number
}

export interface RelayTable {
  readonly grants: readonly {
    readonly atMilliseconds: number
    readonly what: 'opened' | 'closed'
    readonly reason: RelayReason | undefined
  }[]
  /** Totals as they grew; a page draws them, the last says all. */
  readonly ledgers: readonly {
    readonly atMilliseconds: number
    readonly ledger: CallLedger
    readonly bytes: number
  }[]
}

export interface AddressRow {
  readonly atMilliseconds: number
  readonly who: PartyRole | 'lanline'
  /** Over what: `signalling over udp`, `channel`, `media`, `network`. */
  readonly over: string
  readonly address: string
}

/** Bounds of each table, since events may come from a file. */
const limits = {
  pairs: 128,
  streams: 64,
  addresses: 200,
  states: 64,
  ledgers: 4_000,
  selections: 200,
} as const

const roles = ['caller', 'callee'] as const

export function tablesOf(
  events: readonly TraceEvent[],
  evidence: Evidence = evidenceOf(events),
): TraceTables {
  const inOrder = [...events].sort((a, b) => a.atMilliseconds - b.atMilliseconds || a.number - b.number)
  return {
    pairs: roles.flatMap(role => pairsOf(inOrder, role)),
    security: {
      caller: securityOf(inOrder, evidence, 'caller'),
      callee: securityOf(inOrder, evidence, 'callee'),
    },
    streams: streamsOf(inOrder, evidence),
    relay: relayOf(inOrder),
    addresses: addressesOf(inOrder),
  }
}

// -------------------------------------------------------------------------------------------------------- pairs

type GrowingPair = { -readonly [K in keyof Omit<PairRow, 'fate'>]: PairRow[K] } & { selectedAt: number[] }

function pairsOf(events: readonly TraceEvent[], party: PartyRole): PairRow[] {
  const rows = new Map<string, GrowingPair>()
  let selected: GrowingPair | undefined
  const rowOf = (local: string, remote: string, at: number): GrowingPair | undefined => {
    const key = `${bare(local)} ${bare(remote)}`
    const known = rows.get(key) ?? named(rows, key, local, remote)
    if (known === undefined && rows.size >= limits.pairs) return undefined
    const row = known ?? {
      ...{ party, local, remote, state: '', selectedAt: [], firstAt: at, lastAt: at, why: '' },
      ...{ requestsSent: undefined, responsesReceived: undefined, requestsReceived: undefined },
      rttMilliseconds: undefined,
    }
    rows.set(key, row)
    row.lastAt = at
    return row
  }
  for (const event of events) {
    if (event.source !== party) continue
    if (event.kind === 'checks') {
      for (const pair of event.pairs) told(rowOf(pair.local, pair.remote, event.atMilliseconds), pair)
    } else if (event.kind === 'pair') {
      const { local, remote } = endsOf(event.pair)
      const row = rowOf(local, remote, event.atMilliseconds)
      if (row === undefined) continue
      if (row !== selected && row.selectedAt.length < limits.selections)
        row.selectedAt.push(event.atMilliseconds)
      row.rttMilliseconds = event.pair.rttMilliseconds ?? row.rttMilliseconds
      selected = row
    }
  }
  return [...rows.values()].map(row => ({ ...row, fate: fateOf(row, row === selected) }))
}

/** A pair that goes by another name from now on. */
function named(
  rows: Map<string, GrowingPair>,
  key: string,
  local: string,
  remote: string,
): GrowingPair | undefined {
  for (const [before, row] of rows) {
    if (bare(row.local) !== bare(local) || !isNamedSince(row.remote, remote)) continue
    rows.delete(before)
    rows.set(key, row)
    row.remote = remote
    return row
  }
  return undefined
}

function told(row: GrowingPair | undefined, pair: PairChecks): void {
  if (row === undefined) return
  row.state = pair.state
  row.requestsSent = pair.requestsSent ?? row.requestsSent
  row.responsesReceived = pair.responsesReceived ?? row.responsesReceived
  row.requestsReceived = pair.requestsReceived ?? row.requestsReceived
  row.rttMilliseconds = pair.rttMilliseconds ?? row.rttMilliseconds
  row.why = pair.why === undefined ? '' : whyFailed[pair.why]
}

function fateOf(row: GrowingPair, isSelected: boolean): PairFate {
  if (isSelected) return 'selected'
  if (row.selectedAt.length > 0) return 'usedBefore'
  if (row.state === 'failed') return 'failed'
  return wasAnswered(row) ? 'answered' : 'underWay'
}

/** The transport is told of a candidate that is not UDP, and of a relayed one by its client's way to the relay. */
const bare = (end: string): string => end.replace(/ (tcp|tls)$/, '')

function endsOf(pair: SelectedPair): { readonly local: string; readonly remote: string } {
  const end = (type: string, address: string, port: number): string =>
    `${type} ${address === '' ? `hidden:${port}` : formatEndpoint({ address, port })}`
  return {
    local: end(pair.localType, pair.localAddress, pair.localPort),
    remote: end(pair.remoteType, pair.remoteAddress, pair.remotePort),
  }
}

// ------------------------------------------------------------------------------------------------- DTLS and SRTP

function securityOf(events: readonly TraceEvent[], evidence: Evidence, role: PartyRole): SecurityFacts {
  const states: { atMilliseconds: number; state: string }[] = []
  for (const event of events) {
    if (event.kind !== 'dtls' || event.source !== role || event.state === '') continue
    if (states.at(-1)?.state === event.state || states.length >= limits.states) continue
    states.push({ atMilliseconds: event.atMilliseconds, state: event.state })
  }
  const { dtls, localFingerprint, remoteFingerprint, reports } = evidence[role]
  const carried = evidence[otherRole(role)].sentFingerprints
  return {
    reports,
    state: dtls?.state ?? '',
    version: dtls?.version ?? '',
    cipher: dtls?.cipher ?? '',
    srtpProfile: dtls?.srtpProfile ?? '',
    ownFingerprint: localFingerprint,
    appliedFingerprint: remoteFingerprint,
    carriedFingerprints: carried,
    appliedWasCarried: wasCarried(remoteFingerprint, carried),
    states,
  }
}

function streamsOf(events: readonly TraceEvent[], evidence: Evidence): StreamRow[] {
  const rows = new Map<string, { -readonly [K in keyof StreamRow]: StreamRow[K] }>()
  const rowOf = (from: PartyRole, ssrc: number, media: 'audio' | 'video') => {
    const key = `${from} ${ssrc}`
    const row = rows.get(key) ?? {
      ...{ from, ssrc, media, firstSentAt: undefined, firstReceivedAt: undefined },
      ...{ sent: undefined, received: undefined },
    }
    if (rows.size < limits.streams) rows.set(key, row)
    return row
  }
  for (const event of events) {
    if (event.kind !== 'firstMedia') continue
    const said = event.source === 'caller' ? 'caller' : 'callee'
    const isSent = event.direction === 'sent'
    const row = rowOf(isSent ? said : otherRole(said), event.ssrc, event.media)
    if (isSent) row.firstSentAt ??= event.atMilliseconds
    else row.firstReceivedAt ??= event.atMilliseconds
  }
  for (const role of roles) {
    for (const { ssrc, media, direction, samples } of evidence[role].streams) {
      const last = samples.at(-1)
      if (last === undefined) continue
      const row = rowOf(direction === 'sent' ? role : otherRole(role), ssrc, media)
      const { packets, bytes, lost, repeats = 0 } = last
      if (direction === 'sent') row.sent = { packets, bytes, repeats }
      else row.received = { packets, bytes, repeats, lost }
    }
  }
  // A stack may tell of what it sent only after the other end had it.
  for (const row of rows.values()) {
    if (row.firstSentAt !== undefined && row.firstReceivedAt !== undefined)
      row.firstSentAt = Math.min(row.firstSentAt, row.firstReceivedAt)
  }
  return [...rows.values()].sort((a, b) => (a.from < b.from ? 1 : a.from > b.from ? -1 : 0))
}

// ---------------------------------------------------------------------------------------------- relay, addresses

function relayOf(events: readonly TraceEvent[]): RelayTable {
  const grants: RelayTable['grants'][number][] = []
  const ledgers: RelayTable['ledgers'][number][] = []
  for (const event of events) {
    const { atMilliseconds } = event
    if (event.kind === 'grant') grants.push({ atMilliseconds, what: event.what, reason: event.reason })
    else if (event.kind === 'ledger' && ledgers.length < limits.ledgers)
      ledgers.push({ atMilliseconds, ledger: event.ledger, bytes: bytesOf(event.ledger) })
  }
  return { grants: grants.slice(0, limits.addresses), ledgers }
}

/** Where each was reached, as it changed. */
function addressesOf(events: readonly TraceEvent[]): AddressRow[] {
  const rows: AddressRow[] = []
  const now = new Map<string, string>()
  const at = (atMilliseconds: number, who: AddressRow['who'], over: string, address: string): void => {
    const key = `${who} ${over}`
    if (address === '' || now.get(key) === address || rows.length >= limits.addresses) return
    now.set(key, address)
    rows.push({ atMilliseconds, who, over, address })
  }
  for (const event of events) {
    const { atMilliseconds: moment } = event
    switch (event.kind) {
      case 'sip':
        at(moment, event.party, `SIP over ${event.transport}`, formatEndpoint(event.remote))
        break
      case 'channel':
      case 'flow':
        at(moment, event.party, 'lanline.v1', formatEndpoint(event.remote))
        break
      case 'network':
        at(moment, event.who, 'network', event.addresses.join(', '))
        break
      case 'pair':
        if (event.source === 'caller' || event.source === 'callee')
          at(moment, event.source, 'media', endsOf(event.pair).local)
        break
      default:
    }
  }
  return rows
}
