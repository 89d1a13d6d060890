/** A call as a ladder: who said what to whom, phase by phase. Data first; `ladder-svg.ts` and the text below draw it. */
import { formatEndpoint } from '../core/endpoint.ts'
import { bytesOf } from './evidence.ts'
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
  /** Rows beyond the bound. */
  readonly leftOut: number
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
const maxDetail = 1_500

export function ladderOf(events: readonly TraceEvent[]): Ladder {
  const inOrder = [...events].sort((a, b) => a.atMilliseconds - b.atMilliseconds || a.number - b.number)
  const all = merged(withNewFates(inOrder).flatMap(rowOf))
  const rows = all.slice(0, maxRows)
  const used = new Set(rows.flatMap(row => [row.from, row.to]))
  const lanes = (['caller', 'lanline', 'callee', 'relay'] as const).filter(
    lane => lane !== 'relay' || used.has('relay'),
  )
  return { lanes, rows, phases: phasesOf(rows), leftOut: all.length - rows.length }
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
      ...{ phase, from, to, label, kind: event.kind, events: [event.number] },
      detail: detail.length > maxDetail ? `${detail.slice(0, maxDetail)}…` : detail,
    },
  ]
  const at: Lane = event.source === 'caller' || event.source === 'callee' ? event.source : 'lanline'
  switch (event.kind) {
    case 'sip': {
      const [from, to] = ends(event)
      return row(sipPhase(event.cseq), from, to, event.name, event.text)
    }
    case 'channel': {
      const [from, to] = ends(event)
      return row(channelPhase(event.type), from, to, event.type, JSON.stringify(event.message, undefined, 1))
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
      return row('connectivity', at, at, `${event.what === 'iceGathering' ? 'gathering' : 'ICE'} ${event.to}`)
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
        event.what === 'opened' ? `grant: ${event.reason ?? ''}` : 'grant closed',
      )
    case 'ledger':
      return row(
        'relay',
        'relay',
        'relay',
        `carried ${bytesOf(event.ledger)} bytes`,
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

const ends = (event: TraceEvent & { kind: 'sip' | 'channel' }): readonly [Lane, Lane] =>
  event.direction === 'in' ? [event.party, 'lanline'] : ['lanline', event.party]

const sipPhase = (cseq: string): Phase => (/ (BYE|CANCEL)$/.test(cseq) ? 'end' : 'signalling')

function channelPhase(type: string): Phase {
  if (type === 'bye' || type === 'ended' || type === 'decline') return 'end'
  if (type === 'candidate') return 'connectivity'
  return /^(noPath|relay|relayReady|restart|relayRefused)$/.test(type) ? 'relay' : 'signalling'
}

/** Trickled candidates one after the other are one row, and of a ledger only the newest in a row counts. */
function merged(rows: readonly LadderRow[]): LadderRow[] {
  const out: LadderRow[] = []
  for (const row of rows) {
    const last = row.label === 'candidate' ? lastTrickled(out, row) : out.at(-1)
    const same = last?.kind === row.kind && last.from === row.from && last.to === row.to
    if (same && row.kind === 'ledger')
      out[out.length - 1] = { ...row, events: [...last.events, ...row.events] }
    else if (same && row.label === 'candidate') {
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

const laneWidth = 26
const timeWidth = 10
const phaseWidth = 12

/** 100 columns with three lanes; a phase is named where it begins. */
export function ladderText(ladder: Ladder): string[] {
  const columns = new Map(
    ladder.lanes.map((lane, index) => [lane, timeWidth + phaseWidth + 4 + index * laneWidth]),
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
    return row.from === row.to
      ? put(line, [[from, `● ${row.label}`]])
      : put(line, [[Math.min(from, to), arrow(from, to, row.label)]])
  })
  const more = ladder.leftOut > 0 ? [`… and ${ladder.leftOut} rows more`] : []
  return [heading, ...lines, ...more]
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
