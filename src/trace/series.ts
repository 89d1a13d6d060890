/**
 * Quality over time: from totals that both ends counted to rates on the call's axis. Pure and without Node, so that a
 * page can draw what an export draws.
 */
import type { PartyRole } from '../turn/message.ts'
import { otherRole } from './evidence.ts'
import type { StreamSample, TraceEvent } from './message.ts'

export interface QualitySeries {
  readonly streams: readonly StreamSeries[]
  /** What each party says of the way there and back, and how the other one sounds to it. */
  readonly rtt: Readonly<Record<PartyRole, readonly SeriesPoint[]>>
  readonly mos: Readonly<Record<PartyRole, readonly SeriesPoint[]>>
}

/** One stream as one of its ends counted it. */
export interface StreamSeries {
  /** Who sends it. */
  readonly from: PartyRole
  /** Who counted. */
  readonly by: PartyRole
  readonly direction: 'sent' | 'received'
  readonly media: 'audio' | 'video'
  readonly ssrc: number
  readonly points: readonly StreamPoint[]
}

/** Between the sample before and the one at `atMilliseconds`. What the stack does not count is undefined. */
export interface StreamPoint {
  readonly atMilliseconds: number
  readonly kilobitsPerSecond: number
  readonly packetsPerSecond: number
  readonly lossPercent: number
  readonly jitterMilliseconds: number | undefined
  readonly concealedPercent: number | undefined
  readonly framesPerSecond: number | undefined
  readonly freezes: number | undefined
}

export interface SeriesPoint {
  readonly atMilliseconds: number
  readonly value: number
}

/** Since events may come from a file. */
const limits = { streams: 64, points: 8_000 } as const
/** Two samples closer than this make a rate of nothing but rounding. */
const leastMilliseconds = 200

export function seriesOf(events: readonly TraceEvent[]): QualitySeries {
  const streams = new Map<string, GrowingStream>()
  const rtt: Record<PartyRole, SeriesPoint[]> = { caller: [], callee: [] }
  const mos: Record<PartyRole, SeriesPoint[]> = { caller: [], callee: [] }
  for (const event of events) {
    if (event.kind !== 'quality' || (event.source !== 'caller' && event.source !== 'callee')) continue
    const { atMilliseconds, source: by } = event
    if (event.rttMilliseconds !== undefined && rtt[by].length < limits.points)
      rtt[by].push({ atMilliseconds, value: event.rttMilliseconds })
    if (event.mos !== undefined && mos[by].length < limits.points)
      mos[by].push({ atMilliseconds, value: event.mos })
    for (const sample of event.streams) sampled(streams, by, atMilliseconds, sample)
  }
  return { streams: [...streams.values()].map(({ last: _, ...series }) => series), rtt, mos }
}

type GrowingStream = Omit<StreamSeries, 'points'> & {
  readonly points: StreamPoint[]
  last: { readonly at: number; readonly sample: StreamSample } | undefined
}

function sampled(streams: Map<string, GrowingStream>, by: PartyRole, at: number, sample: StreamSample): void {
  const { direction, media, ssrc } = sample
  const key = `${by} ${direction} ${ssrc}`
  const from = direction === 'sent' ? by : otherRole(by)
  const stream = streams.get(key) ?? { from, by, direction, media, ssrc, points: [], last: undefined }
  if (!streams.has(key) && streams.size >= limits.streams) return
  streams.set(key, stream)
  const { last } = stream
  if (last !== undefined && at - last.at < leastMilliseconds) return
  stream.last = { at, sample }
  // A counter that fell began anew: the interval says nothing.
  if (last === undefined || sample.packets < last.sample.packets || sample.bytes < last.sample.bytes) return
  if (stream.points.length < limits.points) stream.points.push(pointOf(at, last.at, sample, last.sample))
}

function pointOf(at: number, before: number, sample: StreamSample, last: StreamSample): StreamPoint {
  const seconds = (at - before) / 1_000
  const grown = (read: (one: StreamSample) => number | undefined): number | undefined => {
    const [now, then] = [read(sample), read(last)]
    return now === undefined || then === undefined ? undefined : Math.max(0, now - then)
  }
  const packets = sample.packets - last.packets
  const lost = Math.max(0, sample.lost - last.lost)
  const samples = grown(one => one.samples)
  const concealed = grown(one => one.concealedSamples)
  const frames = grown(one => one.frames)
  return {
    atMilliseconds: at,
    kilobitsPerSecond: ((sample.bytes - last.bytes) * 8) / 1_000 / seconds,
    packetsPerSecond: packets / seconds,
    lossPercent: lost === 0 ? 0 : share(lost, sample.direction === 'sent' ? packets : packets + lost),
    jitterMilliseconds: sample.jitterMilliseconds,
    concealedPercent:
      samples === undefined || concealed === undefined ? undefined : share(concealed, samples),
    framesPerSecond: frames === undefined ? undefined : frames / seconds,
    freezes: grown(one => one.freezes),
  }
}

const share = (part: number, whole: number): number =>
  whole <= 0 ? 0 : Math.min(100, Math.max(0, (part / whole) * 100))

/** A stream's points as one of their values, those where it is known. */
export const valuesOf = (
  { points }: StreamSeries,
  read: (point: StreamPoint) => number | undefined,
): SeriesPoint[] =>
  points.flatMap(point => {
    const value = read(point)
    return value === undefined ? [] : [{ atMilliseconds: point.atMilliseconds, value }]
  })

/** Several points as one: their mean, and how far they went. */
export interface ThinPoint {
  readonly atMilliseconds: number
  readonly least: number
  readonly mean: number
  readonly most: number
}

/**
 * At most `most` points for a picture, each telling of an equal part of the time. Peaks stay visible; where there is
 * nothing to tell there is no point.
 */
export function thinned(points: readonly SeriesPoint[], most: number): ThinPoint[] {
  if (points.length === 0) return []
  const first = points[0]!.atMilliseconds
  const span = Math.max(1, points.at(-1)!.atMilliseconds - first)
  const out: ThinPoint[] = []
  let part: SeriesPoint[] = []
  let index = 0
  const close = (): void => {
    if (part.length > 0) out.push(joined(part))
    part = []
  }
  for (const point of points) {
    const at =
      points.length <= most
        ? index + 1
        : Math.min(most - 1, Math.floor(((point.atMilliseconds - first) / span) * most))
    if (at !== index) close()
    index = at
    part.push(point)
  }
  close()
  return out
}

function joined(part: readonly SeriesPoint[]): ThinPoint {
  let [least, most, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const { value } of part) {
    least = Math.min(least, value)
    most = Math.max(most, value)
    sum += value
  }
  return {
    atMilliseconds: part[Math.floor(part.length / 2)]!.atMilliseconds,
    least,
    mean: sum / part.length,
    most,
  }
}
