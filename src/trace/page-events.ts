/**
 * The events of a call as a list on a page, each message to be opened. Counters that come every second are in the
 * drawings and tables; here only how many there are. Bounded, since a page is to be opened and printed.
 */
import { canonical } from './canonical.ts'
import { cut, escaped } from './markup.ts'
import type { TraceEvent } from './message.ts'
import { tellPair, tellPairChecks } from './verdict.ts'

export interface ListedEvents {
  readonly html: string
  /** Numbers of the events that have an id on the page: `event-17`. */
  readonly ids: ReadonlySet<number>
}

const maxListed = 3_000
const maxTextLength = 4_000
/** Of all messages together, in characters. */
const maxText = 600_000

export function listedEvents(events: readonly TraceEvent[]): ListedEvents {
  const told = events.filter(
    event => event.kind !== 'quality' && event.kind !== 'ledger' && !isRoutine(event),
  )
  const ids = new Set<number>()
  const lines: string[] = []
  let room = maxText
  for (const event of told) {
    if (lines.length >= maxListed || room <= 0) break
    const line = tell(event)
    room -= line.length
    lines.push(line)
    ids.add(event.number)
  }
  const rest = told.length - lines.length
  const counted = events.length - told.length
  const notes = [
    ...(counted > 0 ? [`${counted} events that only count are in the tables above`] : []),
    ...(rest > 0 ? [`${rest} more are left out here`] : []),
  ]
  const note =
    notes.length === 0
      ? ''
      : `<p class="quiet small">${notes.join('; ')}. The signed trace.json has all ${events.length}.</p>`
  const list = `<details><summary>${lines.length} events, with the messages as they were, redacted</summary><ol class="events">${lines.join('')}</ol></details>`
  return { html: events.length === 0 ? '' : `${note}${list}`, ids }
}

/** Checks that go on: what became of each pair is in a table. */
const isRoutine = (event: TraceEvent): boolean =>
  event.kind === 'checks' && event.pairs.every(pair => pair.state !== 'failed')

function tell(event: TraceEvent): string {
  const { summary, detail } = words(event)
  const head = escaped(cut(summary, 300))
  const what =
    detail === ''
      ? head
      : `<details><summary>${head}</summary><pre>${escaped(cut(detail, maxTextLength))}</pre></details>`
  return `<li id="event-${event.number}"><span class="at">${timeOf(event)}</span><span class="who">${escaped(event.source)}</span><div class="what">${what}</div></li>`
}

function timeOf({ atMilliseconds, clockErrorMilliseconds: error }: TraceEvent): string {
  const rough = error === null || (error ?? 0) > 10
  return `${rough ? '~' : ''}${(atMilliseconds / 1_000).toFixed(3)}`
}

function words(event: TraceEvent): { readonly summary: string; readonly detail: string } {
  switch (event.kind) {
    case 'sip':
      return {
        summary: `${way(event)} SIP ${event.name}, ${event.cseq}, over ${event.transport}`,
        detail: event.text,
      }
    case 'channel':
      return { summary: `${way(event)} ${event.type}`, detail: channelText(event.message) }
    case 'call':
      return { summary: `call ${event.what}${event.reason ? `: ${event.reason}` : ''}`, detail: '' }
    case 'flow':
      return { summary: `connection ${event.what}`, detail: '' }
    case 'state':
      return { summary: `${event.what}: ${event.from} → ${event.to}`, detail: '' }
    case 'checks':
      return { summary: 'checks', detail: event.pairs.map(tellPairChecks).join('\n') }
    case 'pair':
      return { summary: `selected ${tellPair(event.pair)}`, detail: '' }
    case 'network':
      return { summary: `${event.who}: ${event.addresses.join(', ')}`, detail: '' }
    case 'restart':
      return { summary: 'lanline was started again', detail: '' }
    case 'leftOut':
      return { summary: `${event.count} × ${event.what} left out`, detail: '' }
    default: {
      const { number: _n, atMilliseconds: _a, source: _s, clockErrorMilliseconds: _c, kind, ...rest } = event
      return {
        summary:
          kind === 'firstMedia'
            ? `first ${event.kind === 'firstMedia' ? `${event.media} ${event.direction}` : ''}`
            : kind,
        detail: canonical(rest),
      }
    }
  }
}

const way = (event: TraceEvent & { readonly kind: 'sip' | 'channel' }): string =>
  event.direction === 'in' ? `${event.party} → lanline` : `lanline → ${event.party}`

/** A description is lines, and is shown as such. */
function channelText(message: Readonly<Record<string, unknown>>): string {
  const { sdp, ...rest } = message
  const head = canonical(rest)
  return typeof sdp === 'string' ? `${head}\n\n${sdp}` : head
}
