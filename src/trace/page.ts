/**
 * `trace.html`: a call's trace as one page that needs nothing else, no script, no other origin. To be read on any
 * screen, printed, kept, and verified like `trace.json`. What stands on it comes from phones and clients: every text
 * goes through `markup.ts`.
 */
import { hash } from 'node:crypto'
import { type ChartMark, chartSvg, clock, number } from './chart-svg.ts'
import type { TraceDocument } from './document.ts'
import { evidenceOf } from './evidence.ts'
import { tellBytes } from './finding.ts'
import { type Ladder, ladderOf } from './ladder.ts'
import { ladderSvg } from './ladder-svg.ts'
import { cut, escaped } from './markup.ts'
import type { CheckedLine, Contradiction, Grade, Verdict } from './message.ts'
import { listedEvents } from './page-events.ts'
import { phaseNotesOf } from './page-phases.ts'
import { pageStyle } from './page-style.ts'
import {
  type PairFate,
  type PairRow,
  type SecurityFacts,
  type StreamTotals,
  type TraceTables,
  tablesOf,
} from './tables.ts'
import { type Timelines, timelinesOf, type WayTotals } from './timelines.ts'

const styleHash = `sha256-${hash('sha256', pageStyle, 'base64')}`

/** For the header; the page carries the same, so that it binds a saved copy too. */
export const pagePolicy = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'`

/** No sentence or name needs more. */
const maxText = 2_000
const text = (value: string | undefined): string => escaped(cut(value ?? '–', maxText))

export interface PageSigner {
  /** Of the key that signs the page. */
  readonly fingerprint: string
}

export function tracePage(trace: TraceDocument, signer: PageSigner): string {
  const { call, verdict, events } = trace
  const evidence = evidenceOf(events, call)
  const tables = tablesOf(events, evidence)
  const listed = listedEvents(events)
  const title = `Call from ${call.callerName} to ${call.calleeName}`
  const sections: readonly (readonly [string, string, string])[] = [
    ['evidence', 'What was checked', checkedSection(verdict)],
    ['contradictions', 'Contradictions', contradictionsSection(verdict.contradictions)],
    ['why', 'Why not direct?', whySection(verdict)],
    ['ladder', 'Ladder', ladderSection(trace, title, listed.ids)],
    ['pairs', 'Candidate pairs', pairsSection(tables.pairs)],
    ['security', 'DTLS and SRTP', securitySection(tables)],
    ['quality', 'Quality over time', qualitySection(timelinesOf(events))],
    ['relay', 'What lanline’s relay carried', relaySection(tables)],
    ['addresses', 'Addresses over time', addressesSection(tables)],
    ['events', 'Events', listed.html],
    ['signature', 'Signature', signatureSection(trace, signer)],
  ]
  const shown = sections.filter(([, , html]) => html !== '')
  const links = shown.map(([id, name]) => `<li><a href="#${id}">${name}</a></li>`)
  const body = shown.map(([id, name, html]) => `<section id="${id}"><h2>${name}</h2>${html}</section>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${escaped(pagePolicy)}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
<meta name="lanline-call" content="${text(call.id)}"><title>${text(title)}</title><style>${pageStyle}</style></head>
<body><a class="skip" href="#evidence">To the evidence</a><div class="page"><header><p class="kicker">Trace of a call, made by lanline ${text(trace.madeBy.version)}</p>
<h1>${text(call.callerName)} → ${text(call.calleeName)}</h1>${factsOf(trace)}</header><main>${verdictBox(verdict)}
<nav aria-label="On this page"><ul>${links.join('')}</ul></nav>
${body.join('\n')}</main>
<footer>Times are seconds since lanline accepted the call; ~ marks a time by a party’s own clock that is known to no better than 10 ms. Media, keys, passwords and message bodies are in no trace.</footer></div></body></html>
`
}

// ---------------------------------------------------------------------------------------------------- who and when

function factsOf({ call, summary }: TraceDocument): string {
  const after = (from: number | undefined | null, to: number | undefined | null): string | undefined =>
    from == null || to == null ? undefined : `${((to - from) / 1_000).toFixed(1)} s`
  const ended = call.endedAt == null ? 'it goes on' : `by ${call.endedBy ?? 'nobody'}: ${call.reason ?? '–'}`
  const mos = (['caller', 'callee'] as const).flatMap(role => {
    const estimate = summary.mos[role]
    return estimate == null ? [] : [`the ${role} hears ${estimate.toFixed(1)}`]
  })
  const media = summary.answeredToMediaMilliseconds
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Caller', `${call.callerName} (${call.callerUser})`],
    ['Callee', `${call.calleeName} (${call.calleeUser})`],
    ['Taken by', call.answererUser == null ? undefined : `${call.answererName} (${call.answererUser})`],
    ['Started', moment(call.startedAt)],
    ['Answered', call.answeredAt == null ? 'never' : `after ${after(call.startedAt, call.answeredAt)}`],
    ['Lasted', after(call.answeredAt, call.endedAt)],
    ['Ended', ended],
    ['Kind', call.video ? 'sound and picture' : 'sound'],
    ['From answer to media', media == null ? undefined : `${media} ms`],
    ['Sound (MOS, estimated)', mos.length > 0 ? mos.join(', ') : undefined],
    ['Call', call.id],
  ]
  const told = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`<div><dt>${name}</dt><dd>${text(value)}</dd></div>`],
  )
  return `<dl class="facts">${told.join('')}</dl>`
}

const wallTime = new Intl.DateTimeFormat('sv-SE', {
  ...{ timeZone: 'UTC', dateStyle: 'short', timeStyle: 'medium' },
})

/** A time that no calendar has is none. */
function moment(epoch: number): string {
  return Number.isFinite(epoch) && Math.abs(epoch) <= 8.64e15 ? `${wallTime.format(epoch)} UTC` : '–'
}

// ------------------------------------------------------------------------------------------------------- verdict

const grades: Readonly<Record<Grade, string>> = {
  packets: 'Proven by captured packets.',
  bothEnds: 'By the word of both ends, which agree. Without captured packets that is attestation, not proof.',
  oneEnd: 'By the word of one end, or of both without a full comparison.',
  ledger: 'By lanline’s own count.',
  none: '',
}

function toneOf({ path, grade }: Verdict): string {
  if (path === 'contradicted') return 'tone-bad'
  if (path === 'direct') return grade === 'oneEnd' ? 'tone-fair' : 'tone-good'
  return path === 'relayed' ? 'tone-fair' : 'tone-none'
}

function verdictBox(verdict: Verdict): string {
  const grade = grades[verdict.grade] ?? ''
  return `<div class="verdict ${toneOf(verdict)}" role="region" aria-labelledby="verdict"><h2 id="verdict">Which way did media go?</h2><p class="says">${text(verdict.sentence)}</p>${grade === '' ? '' : `<p class="quiet">${grade}</p>`}</div>`
}

const marks: Readonly<Record<CheckedLine['outcome'], readonly [string, string, string]>> = {
  holds: ['✓', 'It holds', 'tone-good'],
  fails: ['✗', 'It does not', 'tone-bad'],
  missing: ['–', 'Nothing to judge by', 'tone-none'],
}

function checkedSection({ checked, missing, path }: Verdict): string {
  const lines = checked.map(({ question, outcome, figures }) => {
    const [mark, words, tone] = marks[outcome] ?? marks.missing
    return `<li><span class="mark ${path === 'relayed' && outcome === 'fails' ? 'tone-fair' : tone}" role="img" aria-label="${words}">${mark}</span><div><div>${text(question)}</div><div class="figures">${text(figures)}</div></div></li>`
  })
  const more =
    missing.length === 0
      ? ''
      : `<h3>To know more</h3><ul>${missing.map(one => `<li>${text(one)}</li>`).join('')}</ul>`
  return `<ul class="checked">${lines.join('')}</ul>${more}`
}

function contradictionsSection(all: readonly Contradiction[]): string {
  return all
    .map(
      ({ about, one, other }) =>
        `<h3>${text(about)}</h3><div class="sides"><div>${text(one)}</div><div>${text(other)}</div></div>`,
    )
    .join('')
}

const whySection = ({ whyNotDirect: why }: Verdict): string =>
  why === undefined
    ? ''
    : `<p>${text(why.sentence)}</p><p><strong>To change it:</strong> ${text(why.fix)}</p>`

// -------------------------------------------------------------------------------------------------------- ladder

function ladderSection({ events }: TraceDocument, title: string, listed: ReadonlySet<number>): string {
  if (events.length === 0) return '<p>The events of this call are no longer kept.</p>'
  const ladder = ladderOf(events)
  const href = (row: { readonly events: readonly number[] }): string | undefined => {
    const found = row.events.find(one => listed.has(one))
    return found === undefined ? undefined : `#event-${found}`
  }
  const draw = (width: 'wide' | 'narrow'): string =>
    ladderSvg(ladder, cut(title, 300), { width, href, withStyle: false, id: `ladder-${width}` })
  return `<p class="quiet small">Arrows are messages, dots are what happened at one place. A row leads to its event below.</p><div class="wide">${draw('wide')}</div><div class="narrow">${draw('narrow')}</div>${phasesList(ladder)}`
}

function phasesList(ladder: Ladder): string {
  const items = phaseNotesOf(ladder).map(([name, note]) => `<dt>${text(name)}</dt><dd>${text(note)}</dd>`)
  return `<h3>What the phases are</h3><dl class="phases">${items.join('')}</dl>`
}

// --------------------------------------------------------------------------------------------- pairs, DTLS, SRTP

const fates: Readonly<Record<PairFate, readonly [string, string]>> = {
  selected: ['in use', 'tone-good'],
  usedBefore: ['in use before', 'tone-fair'],
  answered: ['answered', 'tone-none'],
  failed: ['failed', 'tone-bad'],
  underWay: ['not answered', 'tone-none'],
}

function pairsSection(pairs: readonly PairRow[]): string {
  if (pairs.length === 0) return '<p>No end tells of its candidate pairs.</p>'
  const count = (value: number | undefined): string => `<td class="number">${value ?? '–'}</td>`
  const rows = pairs.map(pair => {
    const [words, tone] = fates[pair.fate]
    const since =
      pair.selectedAt.length > 0 ? ` from ${pair.selectedAt.slice(0, 8).map(seconds).join(', ')} s` : ''
    return `<tr><td>${pair.party}</td><td class="nowrap">${text(pair.local)}</td><td class="nowrap">${text(pair.remote)}</td><td><span class="fate ${tone}">${words}</span>${since}${pair.why === '' ? '' : `: ${text(pair.why)}`}</td>${count(pair.requestsSent)}${count(pair.responsesReceived)}${count(pair.requestsReceived)}${count(pair.rttMilliseconds)}</tr>`
  })
  return table(
    'Candidate pairs',
    ['End', 'Its own', 'The other’s', 'What became of it', '#Checks sent', '#Answered', '#Came', '#ms'],
    rows,
  )
}

function securitySection({ security, streams }: TraceTables): string {
  const both = [security.caller, security.callee]
  const line = (name: string, read: (facts: SecurityFacts) => string): string =>
    `<tr><th scope="row">${name}</th>${both.map(facts => `<td>${read(facts)}</td>`).join('')}</tr>`
  const said = (value: string): string => (value === '' ? '<span class="quiet">not said</span>' : text(value))
  const print = (value: string): string =>
    value === '' ? said('') : `<span class="mono">${text(value)}</span>`
  const rows = [
    line('DTLS', facts =>
      facts.states.length > 0
        ? facts.states.map(one => `${text(one.state)} at ${seconds(one.atMilliseconds)} s`).join('<br>')
        : said(facts.state),
    ),
    line('Version', facts => said(facts.version)),
    line('Cipher', facts => said(facts.cipher)),
    line('SRTP profile', facts => said(facts.srtpProfile)),
    line('Its certificate', facts => print(facts.ownFingerprint)),
    line('The other’s, as the exchange carried it', facts =>
      facts.carriedFingerprints.length > 0 ? facts.carriedFingerprints.map(print).join('<br>') : said(''),
    ),
    line('The other’s, as it applied it', facts => print(facts.appliedFingerprint)),
    line('Applied is what was carried', facts =>
      facts.appliedWasCarried === undefined
        ? '<span class="quiet">cannot be told</span>'
        : `<span class="fate ${facts.appliedWasCarried ? 'tone-good' : 'tone-bad'}">${facts.appliedWasCarried ? 'yes' : 'no'}</span>`,
    ),
  ]
  const ways = streams.map(one => {
    const from = one.from === 'caller' ? 'caller to callee' : 'callee to caller'
    const packets = (of: StreamTotals | undefined): string =>
      of === undefined
        ? '<td class="number">–</td>'
        : `<td class="number">${of.packets} (${tellBytes(of.bytes)})${of.repeats > 0 ? `, ${of.repeats} again` : ''}</td>`
    return `<tr><td class="nowrap">${from}</td><td>${one.media}</td><td class="mono">0x${one.ssrc.toString(16).padStart(8, '0')}</td><td class="number">${maybeSeconds(one.firstSentAt)}</td><td class="number">${maybeSeconds(one.firstReceivedAt)}</td>${packets(one.sent)}${packets(one.received)}<td class="number">${one.received?.lost ?? '–'}</td></tr>`
  })
  const srtp =
    ways.length === 0
      ? '<p>No end names a stream.</p>'
      : table(
          'Streams',
          ['Way', 'Media', 'SSRC', '#First sent, s', '#First received, s', '#Sent', '#Received', '#Lost'],
          ways,
        )
  return `${table('DTLS', ['', 'Caller', 'Callee'], rows)}<h3>SRTP streams</h3>${srtp}`
}

// ------------------------------------------------------------------------------------------- quality, relay, rest

function qualitySection(timelines: Timelines | undefined): string {
  if (timelines === undefined) return '<p>No end counted anything.</p>'
  const legend = `<p class="legend"><span><svg width="30" height="8" aria-hidden="true"><line class="toCallee" x1="0" y1="4" x2="30" y2="4"/></svg>caller to callee</span><span><svg width="30" height="8" aria-hidden="true"><line class="toCaller" x1="0" y1="4" x2="30" y2="4"/></svg>callee to caller</span></p>`
  const dotted =
    timelines.marks.length === 0
      ? ''
      : `<p class="quiet small">Dotted: ${timelines.marks.map(tellMark).join('; ')}.</p>`
  const charts = timelines.charts.map(chart => chartSvg(chart, timelines.span, timelines.marks))
  return `${legend}<div class="charts">${charts.join('')}</div>${dotted}${totalsTable(timelines.totals)}`
}

const tellMark = ({ atMilliseconds, name }: ChartMark): string => `${clock(atMilliseconds)} ${text(name)}`

function totalsTable(totals: readonly WayTotals[]): string {
  const cell = (value: number | undefined): string =>
    `<td class="number">${value === undefined ? '–' : number(value)}</td>`
  const rows = totals.map(
    one =>
      `<tr><td class="nowrap">${one.from === 'caller' ? 'caller to callee' : 'callee to caller'}</td><td>${one.media}</td><td>${one.by}</td>${cell(one.kilobitsPerSecond)}${cell(one.lossPercent)}${cell(one.worstLossPercent)}${cell(one.worstJitterMilliseconds)}${cell(one.concealedPercent)}${cell(one.framesPerSecond)}${cell(one.freezes)}</tr>`,
  )
  const headings = [
    ...['Way', 'Media', 'Counted by', '#kbit/s', '#Loss %', '#Worst loss %', '#Worst jitter ms'],
    ...['#Made up %', '#Pictures/s', '#Freezes'],
  ]
  return table('Quality in figures', headings, rows)
}

function relaySection({ relay }: TraceTables): string {
  const last = relay.ledgers.at(-1)
  const grants = relay.grants.map(
    ({ atMilliseconds, what, reason }) =>
      `<li>${seconds(atMilliseconds)} s: ${what}${reason === undefined ? '' : ` (${text(reason)})`}</li>`,
  )
  if (last === undefined)
    return grants.length === 0
      ? '<p>Nothing: it was never opened for this call.</p>'
      : `<ul>${grants.join('')}</ul><p>Nothing was carried.</p>`
  const first = relay.ledgers.find(one => one.bytes > 0)
  const rows = (['caller', 'callee'] as const).map(role => {
    const party = last.ledger[role]
    return `<tr><th scope="row">${role}</th><td class="number">${party.sentPackets} (${tellBytes(party.sentBytes)})</td><td class="number">${party.receivedPackets} (${tellBytes(party.receivedBytes)})</td><td class="number">${party.allocations}</td><td class="number">${party.droppedPackets}</td><td class="number">${party.refusals}</td></tr>`
  })
  const when =
    first === undefined
      ? 'Nothing was carried.'
      : `Carried ${tellBytes(last.bytes)} between ${seconds(first.atMilliseconds)} s and ${seconds(last.atMilliseconds)} s; each byte is counted once, as it came in.`
  return `<ul>${grants.join('')}</ul><p>${when}</p>${table('Ledger', ['', '#Packets from it', '#Packets to it', '#Allocations', '#Dropped', '#Refused peers'], rows)}`
}

function addressesSection({ addresses }: TraceTables): string {
  if (addresses.length === 0) return ''
  const rows = addresses.map(
    one =>
      `<tr><td class="number">${seconds(one.atMilliseconds)}</td><td>${one.who}</td><td>${text(one.over)}</td><td class="mono">${text(one.address)}</td></tr>`,
  )
  return table('Addresses', ['#s', 'Who', 'Over', 'Address'], rows)
}

function signatureSection({ madeBy, call }: TraceDocument, { fingerprint }: PageSigner): string {
  return `<p>This page is signed with the Ed25519 key of the appliance <span class="mono">${text(madeBy.appliance)}</span>. The key’s fingerprint (SHA-256):</p><p class="mono">${text(fingerprint)}</p>
<p>To verify it anywhere, without that appliance: <code>lanline trace verify FILE.html</code>, with <code>--key</code> and the fingerprint that <code>lanline trace key</code> says there. Any change of the file is seen; a browser’s “save as complete page” is one. All events, signed too: <code>lanline trace export ${text(call.id)}</code>.</p>`
}

// --------------------------------------------------------------------------------------------------------- pieces

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(3)
const maybeSeconds = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '–' : seconds(milliseconds)

/** A heading that begins with `#` stands over numbers. It may be wider than a telephone, so it can be moved by keys. */
function table(name: string, headings: readonly string[], rows: readonly string[]): string {
  const head = headings.map(one =>
    one.startsWith('#')
      ? `<th scope="col" class="number">${one.slice(1)}</th>`
      : one === ''
        ? '<td></td>'
        : `<th scope="col">${one}</th>`,
  )
  return `<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}
