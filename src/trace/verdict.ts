/**
 * What the evidence supports, and no more. A pure function: the same events give the same verdict to everybody.
 *
 *   contradicted        the sides disagree; both are shown
 *   relayed             the relay carried bytes for this call
 *   direct, packets     a capture shows checks, DTLS and SRTP between the parties' addresses, and both ends agree
 *   direct, bothEnds    pairs mirror, DTLS up, fingerprints as exchanged, counts agree, ledger zero
 *   direct, oneEnd      less than that, but one party says so
 *   unknown             nobody says anything
 */
import type { SelectedPair } from '../calls/message.ts'
import { formatEndpoint } from '../core/endpoint.ts'
import { packetsLine } from './captured.ts'
import { bytesOf, type Evidence, otherRole, type PartyEvidence, pairAt } from './evidence.ts'
import { type Finding, finding, shown, strayPackets, tellBytes } from './finding.ts'
import type { Contradiction, Grade, PairChecks, Path, Verdict, WhyFailed } from './message.ts'
import { compareStreams } from './streams.ts'
import { dtlsLine, fingerprintsLine } from './verdict-keys.ts'
import { whyNotDirect } from './why.ts'

const roles = ['caller', 'callee'] as const

export function verdictOf(evidence: Evidence): Verdict {
  const pairs = pairsLine(evidence)
  const dtls = dtlsLine(evidence)
  const fingerprints = fingerprintsLine(evidence)
  const streams = streamsLine(evidence)
  const ledger = ledgerLine(evidence)
  const packets = packetsLine(evidence)
  const findings = [pairs, checksLine(evidence), dtls, fingerprints, streams, ledger, packets]
  const contradictions = findings.flatMap(finding => finding.contradictions)
  const ends = [pairs, dtls, fingerprints, streams, ledger]
  const { path, grade } = judged(evidence, contradictions, ends, packets)
  const wanted = path === 'direct' && grade === 'bothEnds' ? [packets] : grade === 'packets' ? [] : ends
  return {
    path,
    grade,
    sentence: sentenceOf(path, grade, evidence),
    checked: findings.map(finding => finding.line),
    // Of a call that was never answered there is nothing more to know.
    missing:
      path === 'direct' || (path === 'unknown' && evidence.answered && !isWithoutWay(evidence))
        ? wanted.flatMap(finding => finding.missing)
        : [],
    contradictions,
    ...(path === 'relayed' || (path === 'unknown' && isExplained(evidence))
      ? { whyNotDirect: whyNotDirect(evidence) }
      : {}),
  }
}

/** Both ends tell of it, and neither ever had a pair. */
const isWithoutWay = (evidence: Evidence): boolean =>
  evidence.noPath && roles.every(role => evidence[role].reports && lastPair(evidence[role]) === undefined)

const isExplained = (evidence: Evidence): boolean =>
  evidence.refusedOnOneNetwork || (isWithoutWay(evidence) && evidence.relayReason !== undefined)

function judged(
  evidence: Evidence,
  contradictions: readonly Contradiction[],
  ends: readonly Finding[],
  packets: Finding,
): { readonly path: Path; readonly grade: Grade } {
  if (contradictions.length > 0) return { path: 'contradicted', grade: 'none' }
  if (bytesOf(evidence.ledger) > 0) return { path: 'relayed', grade: 'ledger' }
  const saying = roles.filter(role => lastPair(evidence[role]) !== undefined)
  const relaying = saying.filter(role => saysRelayed(role, evidence) || lostCount(role, evidence))
  if (relaying.length > 0) return { path: 'relayed', grade: relaying.length === 2 ? 'bothEnds' : 'oneEnd' }
  const direct = saying.filter(role => evidence[role].dtls?.state === 'connected')
  if (direct.length === 0) return { path: 'unknown', grade: 'none' }
  if (!ends.every(({ line }) => line.outcome === 'holds')) return { path: 'direct', grade: 'oneEnd' }
  return { path: 'direct', grade: packets.line.outcome === 'holds' ? 'packets' : 'bothEnds' }
}

function sentenceOf(path: Path, grade: Grade, evidence: Evidence): string {
  if (path === 'contradicted') return 'The sides disagree: what they say cannot all be true.'
  if (path === 'relayed') {
    if (grade === 'ledger')
      return `Relayed: lanline carried ${tellBytes(bytesOf(evidence.ledger))} for this call.`
    if (roles.some(role => lostCount(role, evidence)))
      return 'Relayed, as the ends say; lanline was started again, and what it had counted is lost.'
    const saying = roles.filter(role => saysRelayed(role, evidence))
    const who = grade === 'bothEnds' ? 'ends say' : `${saying[0]} says`
    return `Relayed, as the ${who}, by a relay that is not this lanline.`
  }
  if (path === 'unknown') {
    if (evidence.answered && isWithoutWay(evidence)) return 'Unknown: neither end found a way to the other.'
    return evidence.answered
      ? 'Unknown: no end says which way media went.'
      : 'Unknown: the call was never answered.'
  }
  if (grade === 'packets') return 'Direct: captured packets show it, and both ends agree.'
  if (grade === 'bothEnds') return 'Direct: both ends agree, and lanline carried nothing.'
  const saying = roles.filter(role => lastPair(evidence[role]) !== undefined)
  return saying.length === 2
    ? 'Direct, as the ends say; what they say could not be compared in full.'
    : `Direct, as the ${saying[0]} says; the ${otherRole(saying[0]!)} says nothing.`
}

// -------------------------------------------------------------------------------------------------------- pairs

const lastPair = (party: PartyEvidence): SelectedPair | undefined => party.pairs.at(-1)?.pair

const saysRelayed = (role: 'caller' | 'callee', evidence: Evidence): boolean => {
  const pair = lastPair(evidence[role])
  return pair !== undefined && isRelayed(pair, evidence)
}

/** By the word of its own browser, or because it talks to the appliance although its peer is not there. */
function isRelayed(pair: SelectedPair, { applianceAddresses: own }: Evidence): boolean {
  if (pair.localType === 'relay' || pair.remoteType === 'relay') return true
  return own.includes(pair.remoteAddress) && !own.includes(pair.localAddress) && pair.remoteType !== 'host'
}

/** How long before or after the common moment another pair may have been in use: both need a moment to change. */
const changeMilliseconds = 6_000

function pairsLine(evidence: Evidence): Finding {
  const { caller, callee } = evidence
  const question = 'Are the two selected pairs each other’s mirror, with no relay in them?'
  const silent = roles.filter(role => lastPair(evidence[role]) === undefined)
  if (silent.length > 0) {
    const missing = silent.map(role => `a client at the ${role}’s end that reports its selected pair`)
    const figures = roles
      .map(
        role =>
          `${role} ${lastPair(evidence[role]) ? tellPair(lastPair(evidence[role])!) : 'reports nothing'}`,
      )
      .join('; ')
    return finding('pairs', question, 'missing', figures, [], missing)
  }
  const at = Math.min(caller.lastReportMilliseconds, callee.lastReportMilliseconds)
  const ours = pairAt(caller, at) ?? caller.pairs[0]!.pair
  const theirs = pairAt(callee, at) ?? callee.pairs[0]!.pair
  const figures = `caller ${tellPair(ours)}; callee ${tellPair(theirs)}`
  if (mirrors(ours, theirs)) return finding('pairs', question, 'holds', figures)
  if (noRelay(ours, theirs) && fits(ours, theirs)) {
    return finding('pairs', question, 'missing', figures, [], ['addresses that the browsers do not hide'])
  }
  const near = (party: PartyEvidence): SelectedPair[] => [
    ...[pairAt(party, at - changeMilliseconds)].flatMap(one => one ?? []),
    ...party.pairs
      .filter(one => Math.abs(one.atMilliseconds - at) <= changeMilliseconds)
      .map(one => one.pair),
  ]
  // A change of pair is under way: nobody lies.
  if ([ours, ...near(caller)].some(one => [theirs, ...near(callee)].some(other => mirrors(one, other)))) {
    return finding(
      'pairs',
      question,
      'missing',
      `${figures}; one end had just changed`,
      [],
      ['a later report of both ends'],
    )
  }
  // A relayed pair is no path that the two have to themselves, but one end's relayed address is where the other sends.
  const relayed = isRelayed(ours, evidence) || isRelayed(theirs, evidence)
  if (relayed && (bytesOf(evidence.ledger) > 0 || (fits(ours, theirs) && !isDenied(ours, theirs))))
    return finding('pairs', question, 'fails', figures)
  const contradiction = {
    about: 'the selected pairs',
    one: `caller: ${tellPair(ours)}`,
    other: `callee: ${tellPair(theirs)}`,
  }
  return finding('pairs', question, 'fails', figures, [contradiction])
}

/**
 * What one calls local the other calls remote. The type may differ: RFC 8445 §7.3.1.3 makes a peer-reflexive candidate
 * of an address that was not announced yet. An address that a browser hides is not compared, its port is.
 */
export function mirrors(a: SelectedPair, b: SelectedPair): boolean {
  const seen =
    (shown(a.localAddress) && shown(b.remoteAddress)) || (shown(b.localAddress) && shown(a.remoteAddress))
  return seen && noRelay(a, b) && fits(a, b)
}

/**
 * One calls an end a relay's that the other knows as a host's: its own, or by the candidate that was announced to it. A
 * peer-reflexive one is of neither (RFC 8445 §7.3.1.3).
 */
const isDenied = (a: SelectedPair, b: SelectedPair): boolean =>
  [`${a.localType} ${b.remoteType}`, `${b.localType} ${a.remoteType}`].some(types =>
    /^(relay (host|srflx)|(host|srflx) relay)$/.test(types),
  )
const noRelay = (a: SelectedPair, b: SelectedPair): boolean =>
  ![a.localType, a.remoteType, b.localType, b.remoteType].includes('relay')
const fits = (a: SelectedPair, b: SelectedPair): boolean =>
  same(a.localAddress, a.localPort, b.remoteAddress, b.remotePort) &&
  same(b.localAddress, b.localPort, a.remoteAddress, a.remotePort)
const same = (a: string, aPort: number, b: string, bPort: number): boolean =>
  aPort === bPort && (!shown(a) || !shown(b) || a === b)

// ------------------------------------------------------------------------------------------------------- checks

/** Told beside the verdict, which does not rest on it: a selected pair that mirrors the other's was answered. */
function checksLine({ caller, callee }: Evidence): Finding {
  const question = 'Were connectivity checks answered at each end?'
  const both = { caller, callee }
  const figures = roles.map(role => `${role} ${tellChecks(both[role].checks)}`).join('; ')
  const without = roles.filter(role => both[role].checks.length === 0)
  const missing = without.map(role => `the ${role}’s checks`)
  const isAnswered = roles.every(role => both[role].checks.some(wasAnswered))
  const outcome = without.length > 0 ? 'missing' : isAnswered ? 'holds' : 'fails'
  return finding('checks', question, outcome, figures, [], missing)
}

export const wasAnswered = (pair: Pick<PairChecks, 'responsesReceived' | 'state'>): boolean =>
  (pair.responsesReceived ?? 0) > 0 || pair.state === 'succeeded'

function tellChecks(checks: readonly PairChecks[]): string {
  if (checks.length === 0) return 'says nothing'
  const answered = checks.filter(wasAnswered)
  const [best] = [...answered].sort((a, b) => (b.responsesReceived ?? 0) - (a.responsesReceived ?? 0))
  const why = new Map<string, number>()
  for (const pair of checks) {
    const fate = fateOf(pair)
    if (fate !== undefined) why.set(fate, (why.get(fate) ?? 0) + 1)
  }
  return [
    `${answered.length} of ${checks.length} pairs answered`,
    ...(best ? [tellPairChecks(best)] : []),
    ...[...why].map(([fate, count]) => `${count} ${fate}`),
  ].join(', ')
}

/** Browsers go on checking for longer than most calls last without a path, and never say that a pair failed. */
function fateOf(pair: PairChecks): string | undefined {
  if (pair.why !== undefined) return `failed: ${whyFailed[pair.why]}`
  const { responsesReceived, requestsSent = 0, requestsReceived = 0 } = pair
  if (wasAnswered(pair) || responsesReceived === undefined || requestsSent === 0) return undefined
  return `unanswered: ${whyFailed[requestsReceived > 0 ? 'oneWay' : 'unanswered']}`
}

export const whyFailed: Readonly<Record<WhyFailed, string>> = {
  unanswered: 'nothing came back',
  oneWay: 'the other’s checks came, no answer to its own',
  answeredNoMore: 'answered at first, then no more',
  neverChecked: 'never checked',
  notCounted: 'the browser does not count why',
}

/** A count that the browser does not keep is not shown as none. */
export function tellPairChecks(pair: PairChecks): string {
  const counts = [
    [pair.requestsSent, 'sent'],
    [pair.responsesReceived, 'answered'],
    [pair.requestsReceived, 'received'],
  ] as const
  const told = counts.filter(([count]) => count !== undefined).map(([count, word]) => `${count} ${word}`)
  const rtt = pair.rttMilliseconds === undefined ? [] : [`${pair.rttMilliseconds} ms`]
  const why = pair.why === undefined ? [] : [whyFailed[pair.why]]
  return `${pair.local} → ${pair.remote} ${[pair.state, ...told, ...rtt, ...why].join(', ')}`
}

// ------------------------------------------------------------------------------------------------ streams, ledger

function streamsLine({ caller, callee }: Evidence): Finding {
  const question = 'Did each end receive, with what it knows as lost, what the other sent (within 2 %)?'
  const ways = [
    { name: 'caller to callee', all: compareStreams(caller, callee) },
    { name: 'callee to caller', all: compareStreams(callee, caller) },
  ]
  const figures = ways
    .map(({ name, all }) => `${name}: ${all.map(one => one.figures).join(', ') || 'no stream counted'}`)
    .join('; ')
  const contradictions = ways.flatMap(({ name, all }) =>
    all
      .filter(one => one.outcome === 'fails')
      .map(one => ({ about: `packets ${name}`, one: 'what was sent', other: one.figures })),
  )
  const missing = ways
    .filter(
      ({ all }) => !all.some(one => one.outcome === 'holds') || all.some(one => one.outcome === 'missing'),
    )
    .map(({ name }) => `counters of both ends ${name} over the same time`)
  const outcome = contradictions.length > 0 ? 'fails' : missing.length > 0 ? 'missing' : 'holds'
  return finding('streams', question, outcome, figures, contradictions, missing)
}

function ledgerLine(evidence: Evidence): Finding {
  const question = 'Did lanline’s relay carry nothing for this call?'
  const { ledger } = evidence
  const saying = roles.filter(role => lastPair(evidence[role]) !== undefined)
  const everRelayed = roles.some(role => evidence[role].pairs.some(({ pair }) => isRelayed(pair, evidence)))
  if (bytesOf(ledger) === 0) {
    const isReached = ledger !== undefined && ledger.caller.allocations + ledger.callee.allocations > 0
    const wasOpened = evidence.relayReason !== undefined && !isReached ? 'reached by neither end' : 'not used'
    const figures =
      ledger === undefined ? '0 bytes: the relay was never opened' : `0 bytes: opened and ${wasOpened}`
    if (roles.some(role => lostCount(role, evidence)))
      return finding(
        'ledger',
        question,
        'missing',
        `${figures}; ${afresh}`,
        [],
        ['what the relay had counted'],
      )
    const ours = saying.filter(role => usesOurRelay(lastPair(evidence[role])!, evidence))
    return finding(
      'ledger',
      question,
      'holds',
      figures,
      ours.map(role => ({
        about: 'the relay',
        one: `${role}: ${tellPair(lastPair(evidence[role])!)}`,
        other: 'the relay’s ledger: 0 bytes',
      })),
    )
  }
  const packets = ledger!.caller.sentPackets + ledger!.callee.sentPackets
  const figures = `${bytesOf(ledger)} bytes in ${packets} packets: from the caller ${ledger!.caller.sentBytes}, from the callee ${ledger!.callee.sentBytes}${evidence.restarted ? `; at least: ${afresh}` : ''}`
  const denied = saying.length > 0 && !everRelayed && packets > strayPackets
  const contradiction = {
    about: 'the relay',
    one: saying.map(role => `${role}: ${tellPair(lastPair(evidence[role])!)}`).join('; '),
    other: `the relay’s ledger: ${figures}`,
  }
  return finding('ledger', question, 'fails', figures, denied ? [contradiction] : [])
}

const afresh = 'lanline was started again meanwhile'

/** It was on our relay before lanline was killed, with what had been counted and not yet kept. */
const lostCount = (role: 'caller' | 'callee', evidence: Evidence): boolean =>
  evidence.restarted &&
  bytesOf(evidence.ledger) === 0 &&
  evidence[role].pairs.some(({ pair }) => usesOurRelay(pair, evidence))

/** A relayed address that is one of ours. */
const usesOurRelay = (pair: SelectedPair, { applianceAddresses: own }: Evidence): boolean =>
  (pair.localType === 'relay' && own.includes(pair.localAddress)) ||
  (pair.remoteType === 'relay' && own.includes(pair.remoteAddress))

// --------------------------------------------------------------------------------------------------------- words

export function tellPair(pair: SelectedPair, withRtt = true): string {
  const end = (type: string, address: string, port: number): string =>
    `${type} ${address === '' ? 'hidden' : formatEndpoint({ address, port })}${address === '' ? `:${port}` : ''}`
  const rtt = pair.rttMilliseconds === undefined || !withRtt ? '' : `, ${pair.rttMilliseconds} ms`
  return `${end(pair.localType, pair.localAddress, pair.localPort)} ↔ ${end(pair.remoteType, pair.remoteAddress, pair.remotePort)} (${pair.protocol}${rtt})`
}
