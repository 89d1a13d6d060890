/** From series to what is drawn: one line for each direction and medium, gaps where nothing is known. Pure. */
import type { QualitySeries, SeriesPoint, StreamPoint } from '../../../src/trace/series.ts'
import { callTexts as texts } from '../texts/calls.ts'

export type PlotId = 'bitrate' | 'loss' | 'jitter' | 'rtt' | 'mos'

/** `toCaller`, `toCallee` by colour, `audio`, `video` by stroke. */
export type LineLook = `${'toCaller' | 'toCallee'} ${'audio' | 'video'}`

export interface PlotLine {
  readonly look: LineLook
  readonly label: string
  /** Seconds since the call began, and the value. */
  readonly points: readonly (readonly [number, number])[]
  readonly average: string
  readonly worst: string
}

export interface Plot {
  readonly id: PlotId
  readonly lines: readonly PlotLine[]
}

type Names = { readonly caller: string; readonly callee: string }

/** By what arrived; where the receiving end says nothing, by what was sent. */
export function plotsOf(series: QualitySeries, names: Names): Plot[] {
  const streams = series.streams.filter(one => one.points.length > 0)
  const shown = streams.filter(
    one =>
      one.direction === 'received' ||
      !streams.some(other => other.direction === 'received' && other.ssrc === one.ssrc),
  )
  const ofStreams = (id: PlotId, read: (point: StreamPoint) => number | undefined): Plot => {
    const looks = new Map<LineLook, (readonly [number, number])[]>()
    for (const stream of shown) {
      const look: LineLook = `${stream.from === 'caller' ? 'toCallee' : 'toCaller'} ${stream.media}`
      const points = looks.get(look) ?? []
      looks.set(look, points)
      for (const point of stream.points) {
        const value = read(point)
        if (value !== undefined) points.push([point.atMilliseconds / 1_000, value])
      }
    }
    return {
      id,
      lines: [...looks]
        .filter(([, points]) => points.length > 0)
        .map(([look, points]) => lineOf(id, look, points, names))
        .sort((a, b) => a.look.localeCompare(b.look)),
    }
  }
  const ofParties = (id: PlotId, given: QualitySeries['rtt']): Plot => ({
    id,
    lines: (['caller', 'callee'] as const)
      .filter(role => given[role].length > 0)
      .map(role =>
        lineOf(
          id,
          role === 'caller' ? 'toCaller audio' : 'toCallee audio',
          given[role].map(
            ({ atMilliseconds, value }: SeriesPoint) => [atMilliseconds / 1_000, value] as const,
          ),
          names,
        ),
      ),
  })
  return [
    ofStreams('bitrate', point => point.kilobitsPerSecond),
    // What comes twice or late is counted as less than lost (RFC 3550, 6.4.1); nobody loses less than nothing.
    ofStreams('loss', point => Math.max(0, point.lossPercent)),
    ofStreams('jitter', point => point.jitterMilliseconds),
    ofParties('rtt', series.rtt),
    ofParties('mos', series.mos),
  ]
}

/** Of bitrate and MOS less is worse. */
const lessIsWorse: ReadonlySet<PlotId> = new Set(['bitrate', 'mos'])

function lineOf(
  id: PlotId,
  look: LineLook,
  points: readonly (readonly [number, number])[],
  names: Names,
): PlotLine {
  const [to, media] = look.split(' ') as ['toCaller' | 'toCallee', 'audio' | 'video']
  const values = points.map(([, value]) => value)
  const sum = values.reduce((total, value) => total + value, 0)
  const worst = values.reduce((one, other) =>
    lessIsWorse.has(id) ? Math.min(one, other) : Math.max(one, other),
  )
  const toName = texts.toward(names[to === 'toCaller' ? 'caller' : 'callee'])
  return {
    look,
    label: `${texts[media]} ${toName}`,
    points: [...points].sort((a, b) => a[0] - b[0]),
    average: tell(sum / values.length),
    worst: tell(worst),
  }
}

const tell = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10)
