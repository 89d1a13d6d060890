/**
 * Quality over time as small drawings, one under the other on one time axis. The two ways differ by stroke as well as
 * by colour. Nothing but SVG and the classes of `chartStyle`.
 */
import { escaped } from './markup.ts'
import type { ThinPoint } from './series.ts'

export interface ChartLine {
  readonly name: string
  /** The first is drawn through, the second dashed. */
  readonly way: 'toCallee' | 'toCaller'
  readonly points: readonly ThinPoint[]
}

export interface Chart {
  readonly title: string
  readonly unit: string
  /** The axis ends here at the least, so that nothing looks like much. */
  readonly atLeast: number
  readonly lines: readonly ChartLine[]
}

/** On the call's axis. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

/** Something that happened: a line through every drawing. */
export interface ChartMark {
  readonly atMilliseconds: number
  readonly name: string
}

const width = 460
const height = 116
const plot = { left: 44, right: 10, top: 26, bottom: 22 } as const
const plotWidth = width - plot.left - plot.right
const plotHeight = height - plot.top - plot.bottom
/** Beyond this a line is broken: nothing was counted in between. */
const gapShare = 0.04

export const chartStyle = `.chart{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}
.chart text{fill:currentColor}.chart .title{font-weight:600;font-size:12px}.chart .y{text-anchor:end;fill-opacity:.75}
.chart .x{text-anchor:middle;fill-opacity:.75}.chart .grid{stroke:currentColor;stroke-opacity:.15}
.chart .mark{stroke:currentColor;stroke-opacity:.55;stroke-dasharray:1 3}
.chart .line{fill:none;stroke-width:1.8;stroke-linejoin:round}.chart .peak{stroke:none;fill-opacity:.18}
.chart .line.toCallee{stroke:var(--to-callee,#4a7fc4)}.chart .line.toCaller{stroke:var(--to-caller,#b9801f);stroke-dasharray:5 3}
.chart .peak.toCallee{fill:var(--to-callee,#4a7fc4)}.chart .peak.toCaller{fill:var(--to-caller,#b9801f)}`

export function chartSvg(chart: Chart, span: TimeSpan, marks: readonly ChartMark[] = []): string {
  const most = niceMost(
    Math.max(chart.atLeast, ...chart.lines.flatMap(line => line.points.map(one => one.most))),
  )
  const length = Math.max(1, span.to - span.from)
  const x = (at: number): number =>
    round(plot.left + (Math.min(Math.max(at - span.from, 0), length) / length) * plotWidth)
  const y = (value: number): number => round(plot.top + plotHeight * (1 - Math.min(value, most) / most))
  const grid = [0, 0.5, 1].map(share => {
    const at = y(most * share)
    return `<line class="grid" x1="${plot.left}" y1="${at}" x2="${width - plot.right}" y2="${at}"/><text class="y" x="${plot.left - 6}" y="${at + 4}">${number(most * share)}</text>`
  })
  const ticks = ticksOf(span).map(at => `<text class="x" x="${x(at)}" y="${height - 6}">${clock(at)}</text>`)
  const lines = chart.lines.map(line => drawnLine(line, x, y, length))
  const crossing = marks.map(
    ({ atMilliseconds, name }) =>
      `<line class="mark" x1="${x(atMilliseconds)}" y1="${plot.top}" x2="${x(atMilliseconds)}" y2="${height - plot.bottom}"><title>${escaped(`${clock(atMilliseconds)} ${name}`)}</title></line>`,
  )
  return `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(tellChart(chart))}"><text class="title" x="0" y="14">${escaped(chart.title)} <tspan font-weight="400">${escaped(chart.unit)}</tspan></text>${grid.join('')}${crossing.join('')}${lines.join('')}${ticks.join('')}</svg>`
}

/** For who does not see it. */
function tellChart({ title, unit, lines }: Chart): string {
  const told = lines.map(({ name, points }) => {
    if (points.length === 0) return `${name} nothing`
    const mean = points.reduce((sum, one) => sum + one.mean, 0) / points.length
    const least = Math.min(...points.map(one => one.least))
    const most = Math.max(...points.map(one => one.most))
    return `${name} ${number(least)} to ${number(most)}, mean ${number(mean)}`
  })
  return `${title} in ${unit}: ${told.join('; ')}`
}

function drawnLine(
  { way, points }: ChartLine,
  x: (at: number) => number,
  y: (value: number) => number,
  length: number,
): string {
  const parts: ThinPoint[][] = []
  for (const point of points) {
    const last = parts.at(-1)?.at(-1)
    const usual = Math.max(5_000, length * gapShare)
    if (last === undefined || point.atMilliseconds - last.atMilliseconds > usual) parts.push([point])
    else parts.at(-1)!.push(point)
  }
  return parts
    .map(part => {
      const means = part.map(one => `${x(one.atMilliseconds)},${y(one.mean)}`)
      const peaks = part.some(one => one.most > one.mean)
        ? `<polygon class="peak ${way}" points="${[
            ...part.map(one => `${x(one.atMilliseconds)},${y(one.most)}`),
            ...part.toReversed().map(one => `${x(one.atMilliseconds)},${y(one.least)}`),
          ].join(' ')}"/>`
        : ''
      // A single point would be no line.
      const shown =
        means.length === 1 ? [means[0], `${x(part[0]!.atMilliseconds) + 2},${y(part[0]!.mean)}`] : means
      return `${peaks}<polyline class="line ${way}" points="${shown.join(' ')}"/>`
    })
    .join('')
}

/** 1, 2, 5 times a power of ten. */
function niceMost(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find(step => step * power >= value) ?? 10) * power
}

const steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400]

function ticksOf({ from, to }: TimeSpan): number[] {
  const seconds = (to - from) / 1_000
  const step = (steps.find(one => seconds / one <= 6) ?? Math.ceil(seconds / 6)) * 1_000
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length < 16; at += step) ticks.push(at)
  return ticks
}

/** `1:05`, `1:00:05`. */
export function clock(milliseconds: number): string {
  const all = Math.round(Math.abs(milliseconds) / 1_000)
  const [hours, minutes, seconds] = [Math.floor(all / 3_600), Math.floor(all / 60) % 60, all % 60]
  const sign = milliseconds < 0 && all > 0 ? '-' : ''
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${sign}${hours}:${two(minutes)}:${two(seconds)}` : `${sign}${minutes}:${two(seconds)}`
}

/** As exact as the picture is. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  return size >= 100 || Number.isInteger(value)
    ? String(Math.round(value))
    : value.toFixed(size >= 10 ? 0 : 1)
}

const round = (value: number): number => Math.round(value * 10) / 10
