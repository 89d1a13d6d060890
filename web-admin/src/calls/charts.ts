/** Draws plots with uPlot, on one time axis with one cursor. Loaded only with a call's page. */
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { callTexts as texts } from '../texts/calls.ts'
import type { Plot } from './plots.ts'

const height = 120

/** Returns how to remove it. */
export function draw(place: HTMLElement, plots: readonly Plot[]): () => void {
  const sync = UPlot.sync('quality')
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const times = plots.flatMap(plot => plot.lines.flatMap(line => line.points.map(([at]) => at)))
  const range: [number, number] = [Math.min(...bounds(times)), Math.max(...bounds(times))]
  let charts: UPlot[] = []
  const make = (): void => {
    for (const chart of charts) chart.destroy()
    // All places first: how wide one is depends on how many there are.
    const cells = plots.map(() => document.createElement('div'))
    place.replaceChildren(...cells)
    charts = plots.map((plot, index) => chartOf(cells[index]!, plot, range, sync.key))
  }
  const fit = new ResizeObserver(() => {
    for (const chart of charts) chart.setSize({ width: chart.root.parentElement!.clientWidth, height })
  })
  make()
  fit.observe(place)
  dark.addEventListener('change', make)
  return () => {
    fit.disconnect()
    dark.removeEventListener('change', make)
    for (const chart of charts) chart.destroy()
  }
}

/** Least and most, without handing thousands of arguments to a function. */
function bounds(values: readonly number[]): [number, number] {
  let [least, most] = [values[0] ?? 0, values[0] ?? 1]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return [least, most === least ? least + 1 : most]
}

function chartOf(place: HTMLElement, plot: Plot, range: [number, number], key: string): UPlot {
  const styles = getComputedStyle(document.documentElement)
  const colour = (name: string): string => styles.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--ink-soft'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
  }
  const strokes: Readonly<Record<string, string>> = {
    toCaller: colour('--plot-caller'),
    toCallee: colour('--plot-callee'),
  }
  const series = plot.lines.map(({ look, label }) => {
    const [to, media] = look.split(' ') as [string, string]
    return {
      label,
      stroke: strokes[to]!,
      width: 2,
      points: { show: false },
      spanGaps: true,
      ...(media === 'video' ? { dash: [6, 4] } : {}),
    }
  })
  const isScore = plot.id === 'mos'
  return new UPlot(
    {
      width: place.clientWidth,
      height,
      title: texts.plots[plot.id],
      cursor: { sync: { key }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: {
        x: { time: false, range },
        y: { range: (_chart, _least, most) => (isScore ? [1, 4.6] : [0, Math.max(most * 1.1, 1)]) },
      },
      axes: [
        { ...axis, size: 26, values: (_chart, ticks) => ticks.map(tick => `${tick} s`) },
        { ...axis, size: 48 },
      ],
      series: [{}, ...series],
    },
    aligned(plot),
    place,
  )
}

/** All lines on the moments of all. */
function aligned(plot: Plot): UPlot.AlignedData {
  const moments = [...new Set(plot.lines.flatMap(line => line.points.map(([at]) => at)))].sort(
    (a, b) => a - b,
  )
  const columns = plot.lines.map(line => {
    const values = new Map<number, number>(line.points.map(([at, value]) => [at, value]))
    return moments.map(at => values.get(at) ?? null)
  })
  return [moments, ...columns]
}
