/** The sentence first; then line by line what it rests on, what is missing, who disagrees, and why it was not direct. */
import { useId, useState } from 'preact/hooks'
import type { CheckedLine, Verdict } from '../../../src/trace/message.ts'
import { Card } from '../parts/card.tsx'
import { callTexts as texts } from '../texts/calls.ts'

const signs = { holds: '✓', fails: '✗', missing: '–' } as const
/** Of a call that was relayed and says so, these are answered by no, and nothing is broken. */
const aboutTheWay = ['pairs', 'ledger']

export function VerdictCard({ verdict, isOver }: { readonly verdict: Verdict; readonly isOver: boolean }) {
  const { path, grade, sentence, checked, missing, contradictions, whyNotDirect } = verdict
  const tone = path === 'contradicted' ? 'bad' : path === 'relayed' ? 'info' : path === 'direct' ? 'good' : ''
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
      <Checked lines={checked} isRelayed={path === 'relayed'} />
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

/** Question by question; on a phone the figures come when they are wanted. */
function Checked({
  lines,
  isRelayed,
}: {
  readonly lines: readonly CheckedLine[]
  readonly isRelayed: boolean
}) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <ul class={`evidence ${isOpen ? 'open' : ''}`}>
        {lines.map(line => (
          <Evidence
            key={line.id}
            line={line}
            isNo={isRelayed && line.outcome === 'fails' && aboutTheWay.includes(line.id)}
          />
        ))}
      </ul>
      {!isOpen && lines.length > 0 && (
        <button type="button" class="button evidence-more" onClick={() => setOpen(true)}>
          {texts.checkedFigures}
        </button>
      )}
    </>
  )
}

function Evidence({ line, isNo }: { readonly line: CheckedLine; readonly isNo: boolean }) {
  return (
    <li class={`evidence-line ${isNo ? 'no' : line.outcome}`}>
      <span class="sign" aria-hidden="true">
        {isNo ? texts.no : signs[line.outcome]}
      </span>
      <span class="hidden">{isNo ? texts.no : texts.outcomes[line.outcome]}: </span>
      <span class="evidence-words">
        <span>{line.question}</span>
        <span class="figures soft small">
          {line.figures.split('; ').map((part, index) => (
            <span key={index}>{unbroken(part)}</span>
          ))}
        </span>
      </span>
    </li>
  )
}

/** An address with what kind it is begins a line of its own rather than break; a number keeps its unit. */
const address =
  /((?:(?:host|srflx|prflx|relay) )?(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]*(?::[0-9a-f]*){2,}\]?|hidden):\d+)/

const unbroken = (text: string) =>
  text
    .replace(/(\d) (?=(?:ms|s)\b|%)/g, '$1\u00a0')
    .split(address)
    .map((part, index) => (index % 2 === 0 ? part : <span class="whole">{part}</span>))

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
