/** Which drawings and figures tell how a call sounded and looked: both ways on one time axis. Pure, for pages too. */
import type { PartyRole } from '../turn/message.ts'
import type { Chart, ChartLine, ChartMark, TimeSpan } from './chart-svg.ts'
import { otherRole } from './evidence.ts'
import type { TraceEvent } from './message.ts'
import {
  type QualitySeries,
  type SeriesPoint,
  type StreamPoint,
  seriesOf,
  thinned,
  valuesOf,
} from './series.ts'

export interface Timelines {
  readonly span: TimeSpan
  readonly charts: readonly Chart[]
  readonly marks: readonly ChartMark[]
  readonly totals: readonly WayTotals[]
}

/** One medium one way, in figures. Undefined where nobody counts it. */
export interface WayTotals {
  readonly from: PartyRole
  readonly media: 'audio' | 'video'
  /** Who counted. */
  readonly by: PartyRole
  readonly kilobitsPerSecond: number
  readonly lossPercent: number
  readonly worstLossPercent: number
  readonly worstJitterMilliseconds: number | undefined
  readonly concealedPercent: number | undefined
  readonly framesPerSecond: number | undefined
  readonly freezes: number | undefined
}

const mostPoints = 240
const mostMarks = 24
const roles = ['caller', 'callee'] as const
const wayOf = (from: PartyRole): ChartLine['way'] => (from === 'caller' ? 'toCallee' : 'toCaller')
const nameOf = (from: PartyRole): string => `${from} to ${otherRole(from)}`

/** Undefined when nobody counted anything. */
export function timelinesOf(events: readonly TraceEvent[]): Timelines | undefined {
  const series = seriesOf(events)
  const counted = roles.flatMap(from =>
    (['audio', 'video'] as const).flatMap(media => countedOf(series, from, media) ?? []),
  )
  const moments = counted.flatMap(one => [one.points[0]!.atMilliseconds, one.points.at(-1)!.atMilliseconds])
  if (moments.length === 0) return undefined
  const span = { from: Math.min(...moments), to: Math.max(...moments) }
  return {
    span,
    charts: chartsOf(series, counted).filter(chart => chart.lines.some(line => line.points.length > 0)),
    marks: marksOf(events, span),
    totals: counted.map(totalsOf),
  }
}

/** What is known of one medium one way: as its receiver counted it, or its sender where that one says nothing. */
interface Counted {
  readonly from: PartyRole
  readonly media: 'audio' | 'video'
  readonly by: PartyRole
  readonly points: readonly StreamPoint[]
}

function countedOf(series: QualitySeries, from: PartyRole, media: 'audio' | 'video'): Counted | undefined {
  for (const by of [otherRole(from), from]) {
    const points = series.streams
      .filter(one => one.from === from && one.media === media && one.by === by)
      .flatMap(one => one.points)
      .sort((a, b) => a.atMilliseconds - b.atMilliseconds)
    if (points.length > 0) return { from, media, by, points }
  }
  return undefined
}

function chartsOf(series: QualitySeries, counted: readonly Counted[]): Chart[] {
  const line = (from: PartyRole, points: readonly SeriesPoint[], name = nameOf(from)): ChartLine => ({
    ...{ name, way: wayOf(from), points: thinned(points, mostPoints) },
  })
  const of = (media: 'audio' | 'video', read: (point: StreamPoint) => number | undefined): ChartLine[] =>
    counted
      .filter(one => one.media === media)
      .map(one => line(one.from, valuesOf({ ...one, direction: 'received', ssrc: 0 }, read)))
      .filter(({ points }) => points.length > 0)
  const heard = roles.map(by => line(otherRole(by), series.mos[by]))
  const trips = roles.map(by => line(by, series.rtt[by], `the ${by} measures`))
  return [
    { title: 'Sound', unit: 'kbit/s', atLeast: 10, lines: of('audio', one => one.kilobitsPerSecond) },
    { title: 'Picture', unit: 'kbit/s', atLeast: 10, lines: of('video', one => one.kilobitsPerSecond) },
    { title: 'Loss of sound', unit: '%', atLeast: 2, lines: of('audio', one => one.lossPercent) },
    { title: 'Loss of picture', unit: '%', atLeast: 2, lines: of('video', one => one.lossPercent) },
    { title: 'Jitter of sound', unit: 'ms', atLeast: 10, lines: of('audio', one => one.jitterMilliseconds) },
    { title: 'Sound made up', unit: '%', atLeast: 2, lines: of('audio', one => one.concealedPercent) },
    { title: 'Pictures', unit: 'a second', atLeast: 10, lines: of('video', one => one.framesPerSecond) },
    { title: 'Round trip', unit: 'ms', atLeast: 10, lines: trips },
    { title: 'How it sounds', unit: 'MOS, estimated', atLeast: 5, lines: heard },
  ]
}

function totalsOf({ from, media, by, points }: Counted): WayTotals {
  const all = (read: (point: StreamPoint) => number | undefined): number[] =>
    points.flatMap(point => read(point) ?? [])
  const mean = (values: readonly number[]): number | undefined =>
    values.length === 0 ? undefined : values.reduce((sum, one) => sum + one, 0) / values.length
  const most = (values: readonly number[]): number | undefined =>
    values.length === 0 ? undefined : values.reduce((a, b) => Math.max(a, b))
  const freezes = all(one => one.freezes)
  return {
    ...{ from, media, by },
    kilobitsPerSecond: mean(all(one => one.kilobitsPerSecond)) ?? 0,
    lossPercent: mean(all(one => one.lossPercent)) ?? 0,
    worstLossPercent: most(all(one => one.lossPercent)) ?? 0,
    worstJitterMilliseconds: most(all(one => one.jitterMilliseconds)),
    concealedPercent: mean(all(one => one.concealedPercent)),
    framesPerSecond: mean(all(one => one.framesPerSecond)),
    freezes: freezes.length === 0 ? undefined : freezes.reduce((sum, one) => sum + one, 0),
  }
}

function marksOf(events: readonly TraceEvent[], span: TimeSpan): ChartMark[] {
  const marks: ChartMark[] = []
  const add = (atMilliseconds: number, name: string): void => {
    const isWithin = atMilliseconds > span.from && atMilliseconds < span.to
    if (isWithin && marks.length < mostMarks) marks.push({ atMilliseconds, name })
  }
  for (const event of events) {
    const { atMilliseconds, source } = event
    if (event.kind === 'restart') add(atMilliseconds, 'lanline was started again')
    else if (event.kind === 'pair') add(atMilliseconds, `the ${source} selected a pair`)
    else if (event.kind === 'network' && event.who !== 'lanline')
      add(atMilliseconds, `the ${event.who} changed its network`)
    else if (event.kind === 'grant' && event.what === 'opened') add(atMilliseconds, 'the relay was opened')
  }
  return marks
}
