/** What was tried, how it is encrypted, and what the relay carried. */
import { useMemo } from 'preact/hooks'
import type { ToldCall } from '../../../src/admin/message.ts'
import type { TraceEvent } from '../../../src/trace/message.ts'
import { type PairRow, type SecurityFacts, tablesOf } from '../../../src/trace/tables.ts'
import type { PartyLedger } from '../../../src/turn/message.ts'
import { Card, FoldedCard } from '../parts/card.tsx'
import { callTexts as texts } from '../texts/calls.ts'
import { bytes } from './words.ts'

export interface Names {
  readonly caller: string
  readonly callee: string
}

interface Props {
  readonly events: readonly TraceEvent[]
  readonly names: Names
}

const roles = ['caller', 'callee'] as const
const tones = { selected: 'good', usedBefore: '', answered: '', failed: 'bad', underWay: '' } as const

export function PairsCard({ events, names, isOver }: Props & { readonly isOver: boolean }) {
  const { pairs } = useMemo(() => tablesOf(events), [events])
  return (
    <FoldedCard title={texts.pairs} count={pairs.length}>
      {pairs.length === 0 ? (
        <p class="soft">{texts.pairsNone}</p>
      ) : (
        <table class="table">
          <caption class="hidden">{texts.pairsLead}</caption>
          <thead>
            <tr>
              <th scope="col">{texts.party}</th>
              <th scope="col">{texts.local}</th>
              <th scope="col">{texts.remote}</th>
              <th scope="col">{texts.fate}</th>
              <th scope="col">{texts.checks}</th>
              <th scope="col">{texts.rtt}</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map(pair => (
              <tr key={`${pair.party} ${pair.local} ${pair.remote}`}>
                <td class="keep">{names[pair.party]}</td>
                <td data-label={texts.local}>
                  <code>{pair.local}</code>
                </td>
                <td data-label={texts.remote}>
                  <code>{pair.remote}</code>
                </td>
                <td data-label={texts.fate}>
                  <span class={`badge ${tones[pair.fate]}`}>
                    {isOver && isUnanswered(pair) ? texts.unanswered : texts.fates[pair.fate]}
                  </span>
                  {pair.why !== '' && <span class="soft small"> {pair.why}</span>}
                </td>
                <td data-label={texts.checks}>
                  {texts.checksOf(pair.requestsSent, pair.responsesReceived, pair.requestsReceived)}
                </td>
                <td data-label={texts.rtt}>
                  {pair.rttMilliseconds === undefined ? '' : texts.milliseconds(round(pair.rttMilliseconds))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </FoldedCard>
  )
}

/** Browsers let such checks go on to the end of the call. */
const isUnanswered = ({ fate, requestsSent, responsesReceived }: PairRow): boolean =>
  fate === 'underWay' && (requestsSent ?? 0) > 0 && responsesReceived === 0

const round = (value: number): number => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value))

export function SecurityCard({ events, names }: Props) {
  const { security } = useMemo(() => tablesOf(events), [events])
  return (
    <FoldedCard title={texts.security}>
      {roles.map(role => (
        <section key={role}>
          <h3>{names[role]}</h3>
          {security[role].reports ? <End facts={security[role]} /> : <p class="soft">{texts.nothingTold}</p>}
        </section>
      ))}
    </FoldedCard>
  )
}

function End({ facts }: { readonly facts: SecurityFacts }) {
  const carried =
    facts.appliedWasCarried === undefined
      ? ''
      : facts.appliedWasCarried
        ? ` ✓ ${texts.carried}`
        : ` ✗ ${texts.carriedNot}`
  return (
    <dl class="facts tight">
      <div class="fact">
        <dt>{texts.state}</dt>
        <dd>
          {facts.state || texts.untold} {facts.version}
        </dd>
      </div>
      <div class="fact">
        <dt>{texts.cipher}</dt>
        <dd>{facts.cipher || texts.untold}</dd>
      </div>
      <div class="fact">
        <dt>{texts.srtp}</dt>
        <dd>{facts.srtpProfile || texts.untold}</dd>
      </div>
      <div class="fact">
        <dt>{texts.fingerprint}</dt>
        <dd>
          <code class="fingerprint">{facts.ownFingerprint || texts.untold}</code>
        </dd>
      </div>
      <div class="fact">
        <dt>{texts.applied}</dt>
        <dd>
          <code class="fingerprint">{facts.appliedFingerprint || texts.untold}</code>
          <span class={facts.appliedWasCarried === false ? 'failure' : 'soft small'}>{carried}</span>
        </dd>
      </div>
    </dl>
  )
}

export function RelayCard({ call, names }: { readonly call: ToldCall; readonly names: Names }) {
  const { ledger, relayReason } = call
  const isUnused = roles.every(role => ledger[role].allocations === 0 && ledger[role].sentPackets === 0)
  return (
    <Card title={texts.relay}>
      {relayReason !== undefined && <p>{texts.relayBecause(texts.relayReasons[relayReason])}</p>}
      {isUnused && <p class="soft">{texts.relayNone}</p>}
      {!isUnused && (
        <table class="ledger">
          <caption class="hidden">{texts.relayFigures}</caption>
          <thead>
            <tr>
              <td />
              {roles.map(role => (
                <th key={role} scope="col">
                  {names[role]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(ledger).map(([label, cells]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {roles.map(role => (
                  <td key={role}>
                    {cells[role].map(line => (
                      <span key={line}>{line}</span>
                    ))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  )
}

type LedgerRow = readonly [string, Readonly<Record<(typeof roles)[number], readonly string[]>>]

/** Both beside each other, since what one sent the other got; what went wrong only where something did. */
function rowsOf(ledger: ToldCall['ledger']): readonly LedgerRow[] {
  const row = (label: string, of: (one: PartyLedger) => readonly string[]): LedgerRow => [
    label,
    { caller: of(ledger.caller), callee: of(ledger.callee) },
  ]
  const some = (of: (one: PartyLedger) => number): boolean => roles.some(role => of(ledger[role]) > 0)
  return [
    row(texts.sent, one => [texts.packets(one.sentPackets), bytes(one.sentBytes)]),
    row(texts.received, one => [texts.packets(one.receivedPackets), bytes(one.receivedBytes)]),
    ...(some(one => one.droppedPackets)
      ? [row(texts.dropped, one => [texts.packets(one.droppedPackets)])]
      : []),
    ...(some(one => one.refusals)
      ? [row(texts.refusals, one => [String(one.refusals), one.refusedPeers.join(', ')])]
      : []),
  ]
}
