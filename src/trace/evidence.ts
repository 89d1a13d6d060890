/**
 * What the events of a call say about its media path, gathered in one pass. Whoever has the events has the evidence:
 * the daemon, a page, or somebody with an exported file.
 */
import type { SelectedPair } from '../calls/message.ts'
import type { RelayReason } from '../relay/message.ts'
import type { CallLedger, PartyRole } from '../turn/message.ts'
import type {
  CaptureFacts,
  DtlsHappening,
  PairChecks,
  SipHappening,
  StateHappening,
  StreamSample,
  TraceEvent,
} from './message.ts'
import { isNamedSince, isSamePair } from './same-pair.ts'

export interface Evidence {
  readonly answered: boolean
  readonly caller: PartyEvidence
  readonly callee: PartyEvidence
  readonly ledger: CallLedger | undefined
  readonly relayReason: RelayReason | undefined
  /** Both are on one network by their addresses, so lanline did not relay though no check was answered. */
  readonly refusedOnOneNetwork: boolean
  /** An end said that it found no way to the other. */
  readonly noPath: boolean
  readonly captures: readonly CaptureFacts[]
  /** The appliance's own addresses during the call. */
  readonly applianceAddresses: readonly string[]
  /** The daemon was away for a part of the call. */
  readonly restarted: boolean
}

export interface PartyEvidence {
  /** False: a stock phone, or a client that never said anything. */
  readonly reports: boolean
  readonly pairs: readonly { readonly atMilliseconds: number; readonly pair: SelectedPair }[]
  /** When its connection was no longer in order, or took another pair. */
  readonly disturbances: readonly number[]
  /** When anything was last reported, on the call's axis. */
  readonly lastReportMilliseconds: number
  readonly dtls:
    | {
        readonly state: string
        readonly version: string
        readonly cipher: string
        readonly srtpProfile: string
      }
    | undefined
  /** Whether it ever said that DTLS is connected. */
  readonly dtlsConnected: boolean
  /** Its own certificate, and the other side's as it says it applied it; normalised, `''` unknown. */
  readonly localFingerprint: string
  readonly remoteFingerprint: string
  /** What its descriptions carried through the exchange, normalised. */
  readonly sentFingerprints: readonly string[]
  readonly sentUfrags: readonly string[]
  readonly candidates: readonly CandidateEvidence[]
  /** By SSRC and direction, in order of time. */
  readonly streams: readonly StreamEvidence[]
  readonly checks: readonly CheckedEvidence[]
  /** Worst of what was said about this party's clock; 0 where the appliance timed. */
  readonly clockErrorMilliseconds: number
}

/** `isLate`: told of first when the relay was closed again, or one of the two had moved since it was opened. */
export interface CheckedEvidence extends PairChecks {
  readonly isLate?: boolean
}

export interface CandidateEvidence {
  readonly type: string
  readonly address: string
  readonly port: number
  readonly protocol: string
}

export interface StreamEvidence {
  readonly ssrc: number
  readonly media: 'audio' | 'video'
  readonly direction: 'sent' | 'received'
  readonly samples: readonly (StreamSample & {
    readonly atMilliseconds: number
    readonly final?: boolean | undefined
  })[]
}

/** Bounds, since events may come from a file. */
const limits = {
  pairs: 200,
  disturbances: 200,
  fingerprints: 32,
  candidates: 128,
  streams: 64,
  checks: 64,
  captures: 16,
} as const

/** What is taken for a clock that no round trip was measured for: more than a message takes on a LAN. */
const unknownErrorMilliseconds = 100

/** What the call's row knows beside its events. */
export interface RowEvidence {
  readonly answeredAt?: number | null | undefined
  readonly ledger?: CallLedger | null | undefined
  readonly relayReason?: RelayReason | null | undefined
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }

export function evidenceOf(events: readonly TraceEvent[], row: RowEvidence = {}): Evidence {
  const parties = { caller: emptyParty(), callee: emptyParty() }
  const streams = { caller: new Map<string, Growing<StreamEvidence>>(), callee: new Map() }
  const found: Growing<Evidence> = {
    ...{
      answered: row.answeredAt != null,
      ...parties,
      captures: [],
      applianceAddresses: [],
      restarted: false,
      refusedOnOneNetwork: false,
      noPath: false,
    },
    ...{ ledger: row.ledger ?? undefined, relayReason: row.relayReason ?? undefined },
  }
  let [isOpen, isPast] = [false, false]
  for (const event of events) {
    const party = event.source === 'caller' || event.source === 'callee' ? event.source : undefined
    switch (event.kind) {
      case 'call':
        if (event.what === 'answered') found.answered = true
        break
      case 'sip':
      case 'channel':
        described(event, parties[event.party])
        if (event.kind === 'channel' && event.direction === 'in') found.noPath ||= event.type === 'noPath'
        if (event.kind === 'channel' && event.direction === 'out' && event.type === 'relayRefused') {
          found.refusedOnOneNetwork ||= event.message.reason === 'sameNetwork'
        }
        break
      case 'ledger':
        found.ledger = bytesOf(event.ledger) >= bytesOf(found.ledger) ? event.ledger : found.ledger
        break
      case 'grant':
        found.relayReason = event.reason ?? found.relayReason
        isOpen = event.what === 'opened'
        isPast = !isOpen
        break
      case 'network':
        if (event.who !== 'lanline') isPast ||= isOpen
        else {
          found.applianceAddresses = [...new Set([...found.applianceAddresses, ...event.addresses])].slice(
            -64,
          )
        }
        break
      case 'restart':
        found.restarted = true
        break
      case 'capture':
        addCapture(event.facts, found.captures)
        break
      default:
        if (party) reported(event, parties[party], streams[party], isPast)
    }
  }
  for (const role of ['caller', 'callee'] as const) parties[role].streams = [...streams[role].values()]
  return found
}

/** The same file counts once. */
function addCapture(facts: CaptureFacts, captures: CaptureFacts[]): void {
  const known = captures.some(({ sha256 }) => sha256 !== undefined && sha256 === facts.sha256)
  if (!known && captures.length < limits.captures) captures.push(facts)
}

/** What came to the relay from both parties: each byte once. */
export const bytesOf = (ledger: CallLedger | undefined): number =>
  ledger === undefined ? 0 : ledger.caller.sentBytes + ledger.callee.sentBytes

function emptyParty(): Growing<PartyEvidence> {
  return {
    ...{
      reports: false,
      pairs: [],
      disturbances: [],
      lastReportMilliseconds: Number.NEGATIVE_INFINITY,
      dtls: undefined,
      dtlsConnected: false,
    },
    ...{ localFingerprint: '', remoteFingerprint: '', sentFingerprints: [], sentUfrags: [] },
    ...{ candidates: [], streams: [], checks: [], clockErrorMilliseconds: 0 },
  }
}

function reported(
  event: TraceEvent,
  party: Growing<PartyEvidence>,
  streams: Map<string, Growing<StreamEvidence>>,
  isPast: boolean,
): void {
  const at = event.atMilliseconds
  switch (event.kind) {
    case 'state':
      if (isBroken(event)) disturbed(at, party)
      break
    case 'pair':
      if (party.pairs.length > 0 && !isSamePair(party.pairs.at(-1)!.pair, event.pair)) disturbed(at, party)
      if (party.pairs.length < limits.pairs) party.pairs.push({ atMilliseconds: at, pair: event.pair })
      break
    case 'dtls':
      if (event.state === 'connected') party.dtlsConnected = true
      // What is closed at the end was open before.
      if (event.state !== 'closed' || party.dtls === undefined) party.dtls = withKnown(event, party.dtls)
      party.localFingerprint = normalFingerprint(event.localFingerprint) || party.localFingerprint
      party.remoteFingerprint = normalFingerprint(event.remoteFingerprint) || party.remoteFingerprint
      break
    case 'checks':
      for (const pair of event.pairs) checkedAnew(pair, party.checks, isPast)
      break
    case 'quality':
      for (const sample of event.streams) sampled({ ...sample, final: event.final }, at, streams)
      break
    default:
      return
  }
  party.reports = true
  party.lastReportMilliseconds = Math.max(party.lastReportMilliseconds, at)
  const error =
    event.clockErrorMilliseconds === null ? unknownErrorMilliseconds : (event.clockErrorMilliseconds ?? 0)
  party.clockErrorMilliseconds = Math.max(party.clockErrorMilliseconds, error)
}

/** Ciphers are told once, and the appliance may have been started again since. */
const withKnown = (now: DtlsHappening, before: PartyEvidence['dtls']): PartyEvidence['dtls'] => ({
  state: now.state,
  version: now.version || (before?.version ?? ''),
  cipher: now.cipher || (before?.cipher ?? ''),
  srtpProfile: now.srtpProfile || (before?.srtpProfile ?? ''),
})

/** What was said last of a pair counts. */
function checkedAnew(pair: PairChecks, checks: CheckedEvidence[], isPast: boolean): void {
  const at = checks.findIndex(
    one => one.local === pair.local && (one.remote === pair.remote || isNamedSince(one.remote, pair.remote)),
  )
  const before = checks[at]
  if (before !== undefined) checks[at] = { ...pair, isLate: before.isLate === true }
  else if (checks.length < limits.checks) checks.push({ ...pair, isLate: isPast })
}

function disturbed(at: number, party: Growing<PartyEvidence>): void {
  if (party.disturbances.length < limits.disturbances) party.disturbances.push(at)
}

/** A connection that was in order and is so no longer; closing is no disturbance. */
const isBroken = ({ what, from, to }: StateHappening): boolean =>
  what !== 'iceGathering' &&
  ['connected', 'completed'].includes(from) &&
  !['connected', 'completed', 'closed'].includes(to)

function sampled(
  sample: StreamSample & { readonly final?: boolean | undefined },
  at: number,
  streams: Map<string, Growing<StreamEvidence>>,
): void {
  const { ssrc, media, direction } = sample
  const key = `${direction} ${ssrc}`
  const stream = streams.get(key) ?? { ssrc, media, direction, samples: [] }
  if (!streams.has(key) && streams.size >= limits.streams) return
  streams.set(key, stream)
  const last = stream.samples.at(-1)
  // Moments that a client's clock does not tell apart: the later word counts.
  if (at === last?.atMilliseconds) stream.samples.pop()
  if (last === undefined || at >= last.atMilliseconds) stream.samples.push({ ...sample, atMilliseconds: at })
}

/** What a party's own descriptions and candidates carried: only what came in from it counts. */
function described(event: TraceEvent & { kind: 'sip' | 'channel' }, party: Growing<PartyEvidence>): void {
  if (event.direction !== 'in') return
  const text = event.kind === 'sip' ? sipBody(event) : event.message.sdp
  if (typeof text === 'string') {
    const lines = text.split(/\r?\n/)
    for (const line of lines) {
      if (line.startsWith('a=fingerprint:'))
        remember(party.sentFingerprints, normalFingerprint(line.slice(14)))
      else if (line.startsWith('a=ice-ufrag:')) remember(party.sentUfrags, line.slice(12).trim())
      else if (line.startsWith('a=candidate:')) offered(line.slice(2), party)
    }
  }
  if (event.kind !== 'channel') return
  const candidate = (event.message.candidate as { candidate?: unknown } | undefined)?.candidate
  if (typeof candidate === 'string') offered(candidate, party)
}

const sipBody = (event: SipHappening): string => event.text.slice(Math.max(0, event.text.indexOf('\r\n\r\n')))

function remember(list: string[], value: string): void {
  if (value !== '' && !list.includes(value) && list.length < limits.fingerprints) list.push(value)
}

function offered(line: string, party: Growing<PartyEvidence>): void {
  const words = line.split(' ')
  const [, , protocol = '', , address = '', port = '', , type = ''] = words
  if (type === '' || party.candidates.length >= limits.candidates) return
  const candidate = { type, address, port: Number(port), protocol: protocol.toLowerCase() }
  if (
    !party.candidates.some(one => one.address === address && one.port === candidate.port && one.type === type)
  ) {
    party.candidates.push(candidate)
  }
}

/** RFC 8122 §5: the hash function's name in lower case here, its octets in upper case. */
function normalFingerprint(text: string): string {
  const found = /^\s*([A-Za-z0-9-]+)[ \t]+([0-9A-Fa-f:]+)\s*$/.exec(text)
  return found ? `${found[1]!.toLowerCase()} ${found[2]!.toUpperCase()}` : ''
}

/** The pair a party used at a moment; undefined before its first. */
export function pairAt(party: PartyEvidence, atMilliseconds: number): SelectedPair | undefined {
  return party.pairs.findLast(one => one.atMilliseconds <= atMilliseconds)?.pair
}

export const otherRole = (role: PartyRole): PartyRole => (role === 'caller' ? 'callee' : 'caller')
