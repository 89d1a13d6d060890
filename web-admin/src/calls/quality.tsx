/** Quality of both directions on one time axis. What draws is loaded when it is wanted. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TraceEvent } from '../../../src/trace/message.ts'
import { seriesOf } from '../../../src/trace/series.ts'
import { beginAnew } from '../code.ts'
import { Card } from '../parts/card.tsx'
import { Failure } from '../parts/states.tsx'
import { callTexts as texts } from '../texts/calls.ts'
import { common } from '../texts/common.ts'
import { type Plot, plotsOf } from './plots.ts'
import type { Names } from './tables.tsx'

export function QualityCard(props: { readonly events: readonly TraceEvent[]; readonly names: Names }) {
  const { events, names } = props
  const plots = useMemo(() => plotsOf(seriesOf(events), names), [events, names.caller, names.callee])
  const drawn = plots.filter(plot => plot.lines.length > 0)
  return (
    <Card title={texts.qualityTitle}>
      {drawn.length === 0 ? (
        <p class="soft">{texts.qualityNone}</p>
      ) : (
        <>
          <p class="soft small">{texts.qualityLead}</p>
          <Legend plots={drawn} />
          <Charts plots={drawn} />
          <Figures plots={drawn} />
        </>
      )}
    </Card>
  )
}

function Legend({ plots }: { readonly plots: readonly Plot[] }) {
  const kinds = new Map(plots.flatMap(plot => plot.lines.map(line => [line.look, line.label])))
  return (
    <ul class="plot-legend">
      {[...kinds].map(([look, label]) => (
        <li key={look}>
          <i class={`plot-sign ${look}`} aria-hidden="true" /> {label}
        </li>
      ))}
    </ul>
  )
}

function Charts({ plots }: { readonly plots: readonly Plot[] }) {
  const place = useRef<HTMLDivElement>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    let over = false
    let remove = (): void => {}
    import('./charts.ts').then(
      ({ draw }) => {
        if (!over && place.current !== null) remove = draw(place.current, plots)
      },
      () => setFailed(true),
    )
    return () => {
      over = true
      remove()
    }
  }, [plots])
  // Its figures stand in a table below; to a screen reader the drawing says nothing more.
  return (
    <>
      <div class="plots" ref={place} aria-hidden="true" />
      {failed && <Failure message={common.pageFailed} onRetry={() => void beginAnew()} />}
    </>
  )
}

function Figures({ plots }: { readonly plots: readonly Plot[] }) {
  return (
    <details>
      <summary>{texts.figures}</summary>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{texts.qualityTitle}</th>
            <th scope="col">{texts.stream}</th>
            <th scope="col">{texts.average}</th>
            <th scope="col">{texts.worst}</th>
          </tr>
        </thead>
        <tbody>
          {plots.flatMap(plot =>
            plot.lines.map(line => (
              <tr key={`${plot.id} ${line.look}`}>
                <td>{texts.plots[plot.id]}</td>
                <td data-label={texts.stream}>{line.label}</td>
                <td data-label={texts.average}>{line.average}</td>
                <td data-label={texts.worst}>{line.worst}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </details>
  )
}
