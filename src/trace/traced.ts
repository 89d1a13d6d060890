/** A call that is traced: what waits to be kept of it, and how much of which kind may be. */
import type { Monotonic } from '../core/clock.ts'
import type { PartyRole } from '../turn/message.ts'
import type { Seen } from './event-json.ts'
import { Holds } from './holds.ts'
import type { CaptureFacts } from './message.ts'
import type { PartyReports } from './party-reports.ts'

export interface Traced {
  readonly id: string
  readonly startedAt: Monotonic
  /** Of a call from before a restart: when its last event was. */
  readonly knownUntil: number | undefined
  readonly devices: Map<string, PartyRole>
  readonly holds: Holds
  readonly reports: { [role in PartyRole]?: PartyReports }
  /** How many events of which kind there was no room for. */
  readonly leftOut: Map<string, number>
  /** Of the last event. */
  number: number
  /** Kept in all, and of it not yet given out. */
  bytes: number
  waitingBytes: number
  waiting: string[]
  waitingCounters: number
  /** The relay's last, as text. */
  ledger: string
  /** When it was over, on its own axis. */
  endedAtMilliseconds: number | undefined
  /** Whoever captures was told of it. */
  watched: boolean
  /** Somebody told of its media: a party, the relay, a capture. */
  told: boolean
}

export const newTraced = (id: string, startedAt: Monotonic, number: number, knownUntil?: number): Traced => ({
  id,
  startedAt,
  knownUntil,
  devices: new Map(),
  holds: new Holds(),
  reports: {},
  leftOut: new Map(),
  number,
  bytes: 0,
  waitingBytes: 0,
  waiting: [],
  waitingCounters: 0,
  ledger: '',
  endedAtMilliseconds: undefined,
  watched: false,
  told: false,
})

/** Where none of these is, a verdict can only be that nothing is known (`restart`: of what was before, somebody may have). */
export const tellsOfMedia = new Set<Seen['kind']>([
  ...(['state', 'checks', 'pair', 'dtls', 'firstMedia', 'quality'] as const),
  ...(['grant', 'ledger', 'capture', 'restart'] as const),
])
/** They come each second. */
export const counterKinds = new Set<Seen['kind']>(['quality', 'ledger'])
/** What a call is judged by in the end, and few: whoever brings captures bounds them. */
export const alwaysKept = new Set<Seen['kind']>(['leftOut', 'call', 'capture'])

const reportedKinds = new Set<Seen['kind']>(['state', 'checks', 'pair', 'dtls', 'firstMedia'])

/** From this share of a call's room on, events of a kind are left out: a flood of one must not crowd out another. */
export function shareOf(kind: Seen['kind']): number {
  // So that there is room for what is said.
  if (kind === 'quality') return 0.75
  // What a client tells of itself.
  return reportedKinds.has(kind) ? 0.9 : 1
}

/** Near enough for a bound: writing it out would cost more than keeping it. */
export function roughBytes(happening: Seen): number {
  if (happening.kind === 'sip') return 300 + happening.json.length
  if (happening.kind === 'channel') return 500 + String(happening.message.sdp ?? '').length
  if (happening.kind === 'quality') return 150 + 200 * happening.streams.length
  if (happening.kind === 'checks') return 150 + 250 * happening.pairs.length
  if (happening.kind === 'capture') return 500 + roughCaptureBytes(happening.facts)
  return happening.kind === 'ledger' ? 800 : 250
}

const roughCaptureBytes = ({ flows, packets = [] }: CaptureFacts): number =>
  300 * flows.length + packets.reduce((sum, { bytes }) => sum + 150 + bytes.length, 0)
