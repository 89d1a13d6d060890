/** The sentence first; then line by line what it rests on, what is missing, who disagrees, and why it was not direct. */
import { useId } from 'preact/hooks'
import type { CheckedLine, Verdict } from '../../../src/trace/message.ts'
import { Card } from '../parts/card.tsx'
import { callTexts as texts } from '../texts/calls.ts'

const signs = { holds: '✓', fails: '✗', missing: '–' } as const

export function VerdictCard({ verdict, isOver }: { readonly verdict: Verdict; readonly isOver: boolean }) {
  const { path, grade, sentence, checked, missing, contradictions, whyNotDirect } = verdict
  const tone = path === 'contradicted' ? 'bad' : path === 'relayed' ? 'warn' : path === 'direct' ? 'good' : ''
  const isAttested = path === 'direct' && grade !== 'packets'
  return (
    <Card title={texts.verdictTitle}>
      <p class={`note verdict-sentence ${tone}`}>{sentence}</p>
      {!isOver && <p class="soft small">{texts.pending}</p>}
      {whyNotDirect && (
        <section class="why">
          <h3>{texts.whyTitle}</h3>
          <p>{whyNotDirect.sentence}</p>
          <p>
            <strong>{texts.fix}:</strong> {whyNotDirect.fix}
          </p>
        </section>
      )}
      {contradictions.length > 0 && <Contradictions all={contradictions} />}
      <ul class="evidence">
        {checked.map(line => (
          <Evidence key={line.id} line={line} />
        ))}
      </ul>
      {missing.length > 0 && (
        <section>
          <h3>{texts.missingTitle}</h3>
          <ul class="bullets">
            {missing.map(line => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </section>
      )}
      {isAttested && <p class="soft small">{texts.attested}</p>}
    </Card>
  )
}

function Evidence({ line }: { readonly line: CheckedLine }) {
  return (
    <li class={`evidence-line ${line.outcome}`}>
      <span class="sign" aria-hidden="true">
        {signs[line.outcome]}
      </span>
      <span class="hidden">{texts.outcomes[line.outcome]}: </span>
      <span class="evidence-words">
        <span>{line.question}</span>
        <span class="soft small">{line.figures}</span>
      </span>
    </li>
  )
}

function Contradictions({ all }: { readonly all: Verdict['contradictions'] }) {
  const heading = useId()
  return (
    <section aria-labelledby={heading}>
      <h3 id={heading}>{texts.contradictions}</h3>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{texts.about}</th>
            <th scope="col">{texts.oneSide}</th>
            <th scope="col">{texts.otherSide}</th>
          </tr>
        </thead>
        <tbody>
          {all.map(({ about, one, other }) => (
            <tr key={`${about}${one}`}>
              <td>{about}</td>
              <td data-label={texts.oneSide}>{one}</td>
              <td data-label={texts.otherSide}>{other}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
