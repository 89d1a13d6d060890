/** Whose trouble and when; the answer stands below at once. Both are in the page's address. */
import { useId } from 'preact/hooks'
import type { ToldCall } from '../../../src/admin/message.ts'
import type { Diagnosis, Finding } from '../../../src/help/message.ts'
import { CallRow } from '../calls/row.tsx'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { goTo, hrefTo } from '../router.ts'
import { helpTexts as texts } from '../texts/help.ts'

const shownCalls = 5

export function Ask({ query }: { readonly query: URLSearchParams }) {
  const { live } = useConsole()
  const people = useLive(live).people
  const person = query.get('person') ?? ''
  const at = momentOf(query.get('at'))
  const [who, when] = [useId(), useId()]
  const go = (next: { person?: string; at?: number | undefined }) => {
    const chosen = { person, at, ...next }
    const words: Record<string, string> = {}
    if (chosen.person !== '') words.person = chosen.person
    if (chosen.at !== undefined) words.at = String(chosen.at)
    goTo(hrefTo('help', undefined, words), { replace: true })
  }
  return (
    <Card title={texts.ask}>
      <p class="soft">{texts.askLead}</p>
      <div class="ask">
        <div class="field">
          <label for={who}>{texts.person}</label>
          <select
            id={who}
            value={person}
            disabled={people === undefined}
            onChange={event => go({ person: event.currentTarget.value })}
          >
            <option value="">{texts.choose}</option>
            {people?.map(({ name, displayName }) => (
              <option key={name} value={name} selected={name === person}>
                {displayName}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for={when}>{texts.when}</label>
          <select
            id={when}
            value={at === undefined ? 'now' : 'at'}
            onChange={event => go({ at: event.currentTarget.value === 'now' ? undefined : Date.now() })}
          >
            <option value="now" selected={at === undefined}>
              {texts.now}
            </option>
            <option value="at" selected={at !== undefined}>
              {texts.at}
            </option>
          </select>
        </div>
        {at !== undefined && <Moment at={at} onChange={moment => go({ at: moment })} />}
      </div>
      {person !== '' && (
        <Answer
          key={`${person} ${at}`}
          user={person}
          at={at}
          name={people?.find(({ name }) => name === person)?.displayName ?? person}
        />
      )}
    </Card>
  )
}

function momentOf(text: string | null): number | undefined {
  const moment = Number(text ?? Number.NaN)
  return Number.isFinite(moment) && moment >= 0 ? moment : undefined
}

/** The browser's own field for day and time, in the zone of whoever looks. */
function Moment({ at, onChange }: { readonly at: number; readonly onChange: (at: number) => void }) {
  const id = useId()
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
  return (
    <div class="field">
      <label for={id}>{texts.time}</label>
      <input
        id={id}
        type="datetime-local"
        value={local}
        onChange={event => {
          const moment = new Date(event.currentTarget.value).getTime()
          if (Number.isFinite(moment)) onChange(moment)
        }}
      />
    </div>
  )
}

function Answer(props: { readonly user: string; readonly at: number | undefined; readonly name: string }) {
  const { user, at, name } = props
  const { api } = useConsole()
  const asked = new URLSearchParams({ user, ...(at === undefined ? {} : { at: String(Math.round(at)) }) })
  const loaded = useLoaded(() => api.get<Diagnosis>(`/help/diagnosis?${asked}`), asked.toString())
  return (
    <div class="answer" aria-live="polite">
      <Await of={loaded} lines={5}>
        {diagnosis => {
          const [first, ...others] = diagnosis.findings
          return (
            <>
              {first === undefined ? (
                <div class="note good">
                  <p class="verdict-sentence">{texts.nothing(name)}</p>
                  <p class="soft">{texts.nothingMore}</p>
                </div>
              ) : (
                <Found finding={first} />
              )}
              <div class="buttons">
                <button type="button" class="button" onClick={() => void loaded.reload()}>
                  {texts.look}
                </button>
              </div>
              {others.length > 0 && <Others findings={others} />}
              <Around calls={diagnosis.calls as readonly ToldCall[]} />
            </>
          )
        }}
      </Await>
    </div>
  )
}

const stages = ['signalling', 'network', 'security', 'media', 'data'] as const
const tones = { failed: 'bad', poor: 'warn', told: 'good' } as const

function Found({ finding }: { readonly finding: Finding }) {
  return (
    <article class="found">
      <p class={`note verdict-sentence ${tones[finding.weight]}`}>{finding.sentence}</p>
      {finding.weight !== 'told' && <Stages finding={finding} />}
      <Details finding={finding} />
    </article>
  )
}

/** Which of the five it was; the others are not judged. */
function Stages({ finding }: { readonly finding: Finding }) {
  return (
    <ol class="stages" aria-label={texts.stage}>
      {stages.map(stage => (
        <li key={stage} class={stage === finding.stage ? `here ${tones[finding.weight]}` : ''}>
          <span class="stage-name">
            {stage === finding.stage && <Icon name="warning" />}
            {texts.stages[stage]}
          </span>
          <span class="small">
            {stage === finding.stage
              ? finding.weight === 'failed'
                ? texts.failedHere
                : texts.poorHere
              : texts.stagesAbout[stage]}
          </span>
        </li>
      ))}
    </ol>
  )
}

function Details({ finding }: { readonly finding: Finding }) {
  return (
    <dl class="facts">
      <div class="fact">
        <dt>{texts.evidence}</dt>
        <dd>
          {finding.evidence} <Since finding={finding} />
        </dd>
      </div>
      <div class="fact">
        <dt>{texts.fix}</dt>
        <dd>
          {finding.fix}
          {finding.call !== undefined && (
            <>
              {' '}
              <a href={hrefTo('calls', finding.call)}>{texts.toCall}</a>
            </>
          )}
        </dd>
      </div>
    </dl>
  )
}

function Since({ finding: { since, until } }: { readonly finding: Finding }) {
  if (since == null) return null
  return (
    <span class="soft nowrap">
      {texts.since} <Time at={since} />
      {until != null && (
        <>
          {' '}
          {texts.until} <Time at={until} />
        </>
      )}
    </span>
  )
}

function Others({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <section>
      <h3>{texts.also}</h3>
      <ul class="others">
        {findings.map(one => (
          <li key={one.sentence}>
            <details>
              <summary>
                <span>
                  {one.sentence} <span class="badge">{texts.stages[one.stage]}</span>
                </span>
              </summary>
              <Details finding={one} />
            </details>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Around({ calls }: { readonly calls: readonly ToldCall[] }) {
  return (
    <section>
      <h3>{texts.calls}</h3>
      {calls.length === 0 ? (
        <p class="soft">{texts.noCalls}</p>
      ) : (
        <ul class="call-rows">
          {calls.slice(0, shownCalls).map(call => (
            <CallRow key={call.id} call={call} />
          ))}
        </ul>
      )}
    </section>
  )
}
