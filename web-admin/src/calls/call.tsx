/** The page of a call: what is known of it, what that rests on, and everything to take away. */
import { useEffect } from 'preact/hooks'
import type { ToldCall } from '../../../src/admin/message.ts'
import type { TraceEvent, TraceSummary, Verdict } from '../../../src/trace/message.ts'
import { useConsole } from '../console.ts'
import { usePolled } from '../load.ts'
import { FoldedCard, PageHead } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await } from '../parts/states.tsx'
import { duration, Time } from '../parts/time.tsx'
import { hrefTo } from '../router.ts'
import { callTexts as texts } from '../texts/calls.ts'
import { CaptureCard } from './capture.tsx'
import { DownloadsCard } from './downloads.tsx'
import { LadderCard } from './ladder.tsx'
import { QualityCard } from './quality.tsx'
import { PairsCard, RelayCard, SecurityCard } from './tables.tsx'
import { VerdictCard } from './verdict.tsx'
import { calleeOf, callerOf, outcomeOf, pathBadge, qualityBadge } from './words.ts'

/** A call that goes on is looked at this often; after its end its verdict is still to come. */
const liveSeconds = 3
const settledSeconds = 120

/** Of `trace.json` what this page shows; the call's row is asked for, since of one that goes on it is newer. */
interface Trace {
  readonly verdict: Verdict
  readonly summary: TraceSummary
  readonly events: readonly TraceEvent[]
}

interface Known {
  readonly call: ToldCall
  readonly trace: Trace
}

export function CallPage({ id }: { readonly id: string }) {
  const { api, live } = useConsole()
  const path = `/calls/${encodeURIComponent(id)}`
  const loaded = usePolled<Known>(
    async () => {
      const [call, trace] = await Promise.all([api.get<ToldCall>(path), api.get<Trace>(`${path}/trace.json`)])
      return { call, trace }
    },
    settledSeconds,
    id,
  )
  const going = isGoing(loaded.value)
  const { reload } = loaded
  useEffect(() => {
    if (!going) return
    const timer = setInterval(() => !document.hidden && void reload(), liveSeconds * 1_000)
    return () => clearInterval(timer)
  }, [going, reload])
  useEffect(() => live.onCall(call => call.id === id && void reload()), [live, id, reload])
  return (
    <>
      <a class="back" href={hrefTo('calls')}>
        <Icon name="back" /> {texts.toList}
      </a>
      <Await of={loaded} lines={10}>
        {known => <Page known={known} onChanged={reload} />}
      </Await>
    </>
  )
}

/** Also for a moment after the end, until the last reports are in. */
function isGoing(known: Known | undefined): boolean {
  if (known === undefined) return false
  return known.call.endedAt == null || known.call.outcome === undefined
}

function Page({ known, onChanged }: { readonly known: Known; readonly onChanged: () => Promise<void> }) {
  const { call, trace } = known
  const { isOwner } = useConsole()
  const names = { caller: callerOf(call), callee: calleeOf(call) }
  const quality = qualityBadge(call.outcome?.mos)
  const path = pathBadge(call)
  const hasEvents = trace.events.length > 0
  return (
    <>
      <PageHead title={texts.titleOf(names.caller, names.callee)}>
        {path && <span class={`badge ${path.tone}`}>{path.text}</span>}
        {quality && <span class={`badge ${quality.tone}`}>{texts.mos(quality.text)}</span>}
      </PageHead>
      <p class="call-line soft">
        <Time at={call.startedAt} /> · {call.video ? texts.video : texts.audio} · {outcomeOf(call)}
        {isOwner && (
          <>
            {' · '}
            <a href={hrefTo('help', undefined, { person: call.callerUser, at: String(call.startedAt) })}>
              {texts.askHelp}
            </a>
          </>
        )}
      </p>
      <div class="stack">
        {call.endedAt == null && (
          <p class="note good" role="status">
            {texts.live}
          </p>
        )}
        {!hasEvents && call.endedAt != null && <p class="note warn">{texts.eventsGone}</p>}
        <VerdictCard verdict={trace.verdict} isOver={call.endedAt != null} />
        {hasEvents && <QualityCard events={trace.events} names={names} />}
        {hasEvents && <LadderCard events={trace.events} title={texts.titleOf(names.caller, names.callee)} />}
        {hasEvents && <PairsCard events={trace.events} names={names} isOver={call.endedAt != null} />}
        <div class="call-halves">
          <div class="stack">
            <RelayCard call={call} names={names} />
            <DownloadsCard call={call} />
            <FactsCard call={call} trace={trace} />
          </div>
          <div class="stack">
            {hasEvents && <SecurityCard events={trace.events} names={names} />}
            <CaptureCard call={call} onChanged={onChanged} />
          </div>
        </div>
      </div>
    </>
  )
}

function FactsCard({ call, trace }: Known) {
  const { startedAt, answeredAt, endedAt } = call
  const first = trace.summary.answeredToMediaMilliseconds
  return (
    <FoldedCard title={texts.facts}>
      <dl class="facts">
        <div class="fact">
          <dt>{texts.startedAt}</dt>
          <dd>
            <Time at={startedAt} />
          </dd>
        </div>
        {answeredAt != null && (
          <div class="fact">
            <dt>{texts.answeredAfter}</dt>
            <dd>{texts.milliseconds(Math.round(answeredAt - startedAt))}</dd>
          </div>
        )}
        {first != null && (
          <div class="fact">
            <dt>{texts.firstMedia}</dt>
            <dd>{texts.milliseconds(first)}</dd>
          </div>
        )}
        {answeredAt != null && endedAt != null && (
          <div class="fact">
            <dt>{texts.lasted}</dt>
            <dd>{duration(endedAt - answeredAt)}</dd>
          </div>
        )}
        {endedAt != null && (
          <div class="fact">
            <dt>{texts.ended}</dt>
            <dd>
              <Time at={endedAt} />{' '}
              {texts.endedBy(texts.parties[call.endedBy ?? 'server']!, call.reason ?? '')}
            </dd>
          </div>
        )}
        <div class="fact">
          <dt>{texts.id}</dt>
          <dd>
            <code>{call.id}</code>
          </dd>
        </div>
      </dl>
    </FoldedCard>
  )
}
