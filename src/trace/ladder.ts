/** A call as a ladder: who said what to whom, phase by phase. Data first; `ladder-svg.ts` and the text below draw it. */
import { formatEndpoint } from '../core/endpoint.ts'
import type { RelayReason } from '../relay/message.ts'
import { bytesOf } from './evidence.ts'
import { tellBytes } from './finding.ts'
import type { PairChecks, TraceEvent } from './message.ts'
import { tellPair, tellPairChecks, wasAnswered } from './verdict.ts'

export type Lane = 'caller' | 'lanline' | 'callee' | 'relay'
export type Phase = 'signalling' | 'connectivity' | 'encryption' | 'media' | 'relay' | 'end'

export interface LadderRow {
  readonly atMilliseconds: number
  readonly clockErrorMilliseconds: number | null
  readonly phase: Phase
  readonly from: Lane
  /** Equal to `from`: something that happened there. */
  readonly to: Lane
  /** Media that the relay passes on. */
  readonly via?: 'relay' | undefined
  readonly label: string
  /** `sip`, `channel` … as the event's kind. */
  readonly kind: string
  readonly detail: string
  /** Numbers of the events in this row. */
  readonly events: readonly number[]
}

export interface Ladder {
  readonly lanes: readonly Lane[]
  readonly rows: readonly LadderRow[]
  /** Rows `from` to `to` (inclusive) belong to one phase. */
  readonly phases: readonly { readonly phase: Phase; readonly from: number; readonly to: number }[]
  /** Rows beyond the bound, and the row before which they would be; the end of a call is always there. */
  readonly leftOut: number
  readonly leftOutBefore: number
}

export const phaseNames: Readonly<Record<Phase, string>> = {
  signalling: 'Signalling',
  connectivity: 'ICE',
  encryption: 'DTLS',
  media: 'SRTP',
  relay: 'Relay',
  end: 'End',
}

const maxRows = 400
/** Of a ladder that is too long these are its end. */
const lastRows = 60
const maxDetail = 1_500
/** The relay stands between the two, as media that it carries does. */
const laneOrder = ['caller', 'lanline', 'relay', 'callee'] as const

export function ladderOf(events: readonly TraceEvent[]): Ladder {
  const inOrder = [...events].sort((a, b) => a.atMilliseconds - b.atMilliseconds || a.number - b.number)
  const all = merged(withWays(firstAndLastLedger(withNewFates(withoutRepeats(inOrder)))))
  const rows = all.length <= maxRows ? all : [...all.slice(0, maxRows - lastRows), ...all.slice(-lastRows)]
  const used = new Set(rows.flatMap(row => [row.from, row.to, row.via]))
  const lanes = laneOrder.filter(lane => lane !== 'relay' || used.has('relay'))
  const leftOut = all.length - rows.length
  return { lanes, rows, phases: phasesOf(rows), leftOut, leftOutBefore: leftOut > 0 ? maxRows - lastRows : 0 }
}

/** What an end told again, as after a restart of lanline, did not happen again. */
function withoutRepeats(events: readonly TraceEvent[]): TraceEvent[] {
  const told = new Map<string, TraceEvent>()
  return events.filter(event => {
    if (event.kind !== 'pair' && event.kind !== 'dtls') return true
    const key = `${event.source} ${event.kind}`
    const before = told.get(key)
    const isKnown =
      event.kind === 'pair'
        ? before?.kind === 'pair' && tellPair(before.pair, false) === tellPair(event.pair, false)
        : before?.kind === 'dtls' &&
          before.state === event.state &&
          (before.cipher !== '' || event.cipher === '')
    if (!isKnown) told.set(key, event)
    return !isKnown
  })
}

/** What the relay has carried grows all the time: told is that it began, and all of it. */
function firstAndLastLedger(events: readonly TraceEvent[]): TraceEvent[] {
  const carrying = events.filter(event => event.kind === 'ledger' && bytesOf(event.ledger) > 0)
  const told = new Set([carrying[0], carrying.at(-1)])
  return events.filter(event => event.kind !== 'ledger' || told.has(event))
}

/** Media goes the way of the pair that its receiver had selected by then. */
function withWays(events: readonly TraceEvent[]): LadderRow[] {
  const relayed = new Set<TraceEvent['source']>()
  return events.flatMap(event => {
    if (event.kind === 'pair') {
      const isRelayed = event.pair.localType === 'relay' || event.pair.remoteType === 'relay'
      if (isRelayed) relayed.add(event.source)
      else relayed.delete(event.source)
    }
    if (event.kind !== 'firstMedia' || !relayed.has(event.source)) return rowOf(event)
    return rowOf(event).map(row => ({
      ...{ ...row, via: 'relay' as const },
      detail: `SSRC ${event.ssrc}, SRTP by way of a relay, which cannot read it`,
    }))
  })
}

const grantReasons: Readonly<Record<RelayReason, string>> = {
  otherNetwork: 'the two are on networks that do not reach each other',
  checksFailed: 'no connectivity check was answered although the two are on one network',
}

/** Of checks only what became of a pair: that they go on is no news. */
function withNewFates(events: readonly TraceEvent[]): TraceEvent[] {
  const fates = new Map<string, string>()
  return events.flatMap(event => {
    if (event.kind !== 'checks') return event
    const pairs = event.pairs.filter(pair => {
      const key = `${event.source} ${pair.local} ${pair.remote}`
      const isNew = fates.get(key) !== fateOf(pair)
      fates.set(key, fateOf(pair))
      return isNew
    })
    return pairs.length > 0 ? { ...event, pairs } : []
  })
}

const fateOf = (pair: PairChecks): string =>
  pair.state === 'failed' ? 'failed' : wasAnswered(pair) ? 'answered' : 'under way'

function tellFates(pairs: readonly PairChecks[]): string {
  const counts = ['answered', 'failed', 'under way'].map(fate => ({
    fate,
    count: pairs.filter(pair => fateOf(pair) === fate).length,
  }))
  return counts
    .filter(({ count }) => count > 0)
    .map(({ fate, count }) => `${count} ${fate}`)
    .join(', ')
}

function rowOf(event: TraceEvent): LadderRow[] {
  const row = (phase: Phase, from: Lane, to: Lane, label: string, detail = ''): LadderRow[] => [
    {
      atMilliseconds: event.atMilliseconds,
      clockErrorMilliseconds:
        event.clockErrorMilliseconds ?? (event.clockErrorMilliseconds === null ? null : 0),
      ...{ phase, from, to, kind: event.kind, events: [event.number] },
      // Names come from the wire: on a terminal they are only letters.
      label: label.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ''),
      detail: detail.length > maxDetail ? `${detail.slice(0, maxDetail)}…` : detail,
    },
  ]
  const at: Lane = event.source === 'caller' || event.source === 'callee' ? event.source : 'lanline'
  switch (event.kind) {
    case 'sip': {
      const [from, to] = ends(event)
      return row(sipPhase(event.cseq), from, to, sipLabel(event), event.text)
    }
    case 'channel': {
      const [from, to] = ends(event)
      return row(
        channelPhase(event.type),
        from,
        to,
        channelLabel(event),
        JSON.stringify(event.message, undefined, 1),
      )
    }
    case 'call': {
      const why = event.what === 'ended' ? ` by ${event.by}: ${event.reason}` : ''
      return row(
        event.what === 'ended' ? 'end' : 'signalling',
        'lanline',
        'lanline',
        `call ${event.what}${why}`,
      )
    }
    case 'state':
      if (event.what === 'connection') return []
      return row(
        'connectivity',
        at,
        at,
        event.what === 'iceGathering' ? gathering(event.to) : `ICE ${event.to}`,
      )
    case 'checks':
      return row(
        'connectivity',
        at,
        at,
        `checks: ${tellFates(event.pairs)}`,
        event.pairs.map(tellPairChecks).join('\n'),
      )
    case 'pair':
      return row(
        'connectivity',
        at,
        at,
        `pair ${event.pair.localType}–${event.pair.remoteType}`,
        tellPair(event.pair),
      )
    case 'dtls': {
      if (event.state === 'new') return []
      const detail = [
        event.version,
        event.cipher,
        event.srtpProfile,
        `own ${event.localFingerprint}`,
        `applied ${event.remoteFingerprint}`,
      ]
      return row(
        'encryption',
        at,
        at,
        `DTLS ${event.state || 'fingerprints'}`,
        detail.filter(one => one !== '').join('\n'),
      )
    }
    case 'firstMedia':
      if (event.direction === 'sent') return []
      return row(
        'media',
        at === 'caller' ? 'callee' : 'caller',
        at,
        `first ${event.media}`,
        `SSRC ${event.ssrc}, SRTP between the two`,
      )
    case 'grant':
      return row(
        'relay',
        'lanline',
        'relay',
        event.what === 'opened' ? 'grant' : 'grant closed',
        event.reason === undefined ? '' : grantReasons[event.reason],
      )
    case 'ledger':
      return row(
        'relay',
        'relay',
        'relay',
        `carried ${tellBytes(bytesOf(event.ledger))}`,
        JSON.stringify(event.ledger, undefined, 1),
      )
    case 'flow':
      return row(
        'signalling',
        event.party,
        'lanline',
        `connection ${event.what}`,
        formatEndpoint(event.remote),
      )
    case 'network':
      if (event.who === 'lanline') return []
      return row('signalling', event.who, event.who, 'network changed', event.addresses.join('\n'))
    case 'restart':
      return row('signalling', 'lanline', 'lanline', 'lanline was started again')
    case 'capture':
      return row(
        'media',
        'lanline',
        'lanline',
        `capture ${event.facts.name}`,
        JSON.stringify(event.facts.flows, undefined, 1),
      )
    case 'leftOut':
      return row('end', 'lanline', 'lanline', `${event.count} × ${event.what} left out`)
    default:
      return []
  }
}

/** RFC 3261 §22.1: 401 and 407 are how a request is challenged. What carries a description or how a call goes says so. */
function sipLabel({ name, text }: TraceEvent & { kind: 'sip' }): string {
  if (/^(401|407) /.test(name)) return `${name.slice(0, 3)} challenge`
  const told = name === 'NOTIFY' ? /\nSIP\/2\.0 (\d{3})$/.exec(text)?.[1] : undefined
  if (told !== undefined) return `${name} (${told})`
  return /\r?\nv=0\r?\n/.test(text) ? `${name} (SDP)` : name
}

const channelLabel = ({ type, message }: TraceEvent & { kind: 'channel' }): string =>
  type === 'referral' ? `${type} (${String(message.state)})` : type

const gathering = (state: string): string =>
  state === 'gathering' ? 'gathers candidates' : state === 'complete' ? 'all gathered' : `gathering ${state}`

const ends = (event: TraceEvent & { kind: 'sip' | 'channel' }): readonly [Lane, Lane] =>
  event.direction === 'in' ? [event.party, 'lanline'] : ['lanline', event.party]

const sipPhase = (cseq: string): Phase => (/ (BYE|CANCEL)$/.test(cseq) ? 'end' : 'signalling')

function channelPhase(type: string): Phase {
  if (type === 'bye' || type === 'ended' || type === 'decline') return 'end'
  if (type === 'candidate') return 'connectivity'
  return /^(noPath|relay|relayReady|restart|relayRefused)$/.test(type) ? 'relay' : 'signalling'
}

/** Trickled candidates one after the other are one row. */
function merged(rows: readonly LadderRow[]): LadderRow[] {
  const out: LadderRow[] = []
  for (const row of rows) {
    const last = row.label === 'candidate' ? lastTrickled(out, row) : undefined
    if (last !== undefined) {
      const detail = `${last.detail}\n${row.detail}`.slice(0, maxDetail)
      out[out.indexOf(last)] = { ...last, detail, events: [...last.events, ...row.events] }
    } else out.push(row)
  }
  return out.map(row =>
    row.label === 'candidate' && row.events.length > 1
      ? { ...row, label: `candidate × ${row.events.length}` }
      : row,
  )
}

/** The row of trickled candidates the same way, if nothing but candidates came since. */
function lastTrickled(out: readonly LadderRow[], row: LadderRow): LadderRow | undefined {
  const since = out.slice(out.findLastIndex(one => one.label !== 'candidate') + 1)
  return since.find(one => one.from === row.from && one.to === row.to)
}

function phasesOf(rows: readonly LadderRow[]): Ladder['phases'] {
  const phases: { phase: Phase; from: number; to: number }[] = []
  rows.forEach(({ phase }, index) => {
    const last = phases.at(-1)
    if (last?.phase === phase) last.to = index
    else phases.push({ phase, from: index, to: index })
  })
  return phases
}

/** Seconds; `~` where the client's clock is known to no better than 10 ms, or not at all. */
export function timeOf(row: LadderRow): string {
  const rough = row.clockErrorMilliseconds === null || row.clockErrorMilliseconds > 10
  return `${rough ? '~' : ''}${(row.atMilliseconds / 1_000).toFixed(3)}`
}

// ------------------------------------------------------------------------------------------------- for terminals

/** With the relay there is one more. */
const laneWidth = 26
const narrowLaneWidth = 23
const timeWidth = 10
const phaseWidth = 12

/** 100 columns with three lanes; a phase is named where it begins. */
export function ladderText(ladder: Ladder): string[] {
  const wide = ladder.lanes.length > 3 ? narrowLaneWidth : laneWidth
  const columns = new Map(
    ladder.lanes.map((lane, index) => [lane, timeWidth + phaseWidth + 4 + index * wide]),
  )
  const heading = put(
    '',
    [...columns].map(([lane, column]) => [column - Math.floor(lane.length / 2), lane]),
  )
  const begins = new Map(ladder.phases.map(({ phase, from }) => [from, phaseNames[phase]]))
  const lines = ladder.rows.map((row, index) => {
    const rails = [...columns.values()].map((column): [number, string] => [column, '│'])
    const line = put('', [
      [0, timeOf(row).padStart(timeWidth - 2)],
      [timeWidth, begins.get(index) ?? ''],
      ...rails,
    ])
    const [from, to] = [columns.get(row.from)!, columns.get(row.to)!]
    if (row.from === row.to) return put(line, [[from, `● ${row.label}`]])
    const drawn = put(line, [[Math.min(from, to), arrow(from, to, row.label)]])
    return row.via === undefined ? drawn : put(drawn, [[columns.get(row.via)!, '●']])
  })
  if (ladder.leftOut > 0)
    lines.splice(ladder.leftOutBefore, 0, `${' '.repeat(timeWidth)}… ${ladder.leftOut} rows left out …`)
  return [heading, ...lines]
}

function arrow(from: number, to: number, label: string): string {
  const width = Math.abs(to - from) - 3
  const text = label.length > width - 2 ? `${label.slice(0, width - 3)}…` : label
  const spare = width - text.length - 2
  const body = `${'─'.repeat(Math.floor(spare / 2))} ${text} ${'─'.repeat(Math.ceil(spare / 2))}`
  return to > from ? `│${body}─▶│` : `│◀─${body}│`
}

/** Writes texts over a line, each from its column on. */
function put(line: string, texts: readonly (readonly [number, string])[]): string {
  const out = [...line]
  for (const [column, text] of texts) {
    const characters = [...text]
    while (out.length < column + characters.length) out.push(' ')
    out.splice(column, characters.length, ...characters)
  }
  return out.join('').trimEnd()
}
