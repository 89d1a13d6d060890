/** Why media did not go directly, as far as candidates and checks tell, and what can be done. */
import { familyOf } from '../core/endpoint.ts'
import {
  type CandidateEvidence,
  type CheckedEvidence,
  type Evidence,
  otherRole,
  type PartyEvidence,
} from './evidence.ts'
import type { PairChecks, Verdict, WhyNotDirect } from './message.ts'

export function whyNotDirect(evidence: Evidence): NonNullable<Verdict['whyNotDirect']> {
  const reason = reasonOf(evidence)
  return { reason, ...words[reason] }
}

function reasonOf(evidence: Evidence): WhyNotDirect {
  const { caller, callee } = evidence
  const relayReason = evidence.relayReason ?? (evidence.refusedOnOneNetwork ? 'checksFailed' : undefined)
  const [ours, theirs] = [hosts(caller), hosts(callee)]
  if (ours.length > 0 && theirs.length > 0) {
    if (apart(ours, theirs)) return 'addressFamily'
    // RFC 8828 §5.2 mode 3 and draft-ietf-mmusic-mdns-ice-candidates: a name only its own link can resolve. One address
    // that is known is enough: the other's checks to it tell theirs (RFC 8445 §7.3.1.3).
    if (relayReason !== 'checksFailed' && ours.every(hidden) && theirs.every(hidden))
      return 'hiddenCandidates'
  }
  const heard = (['caller', 'callee'] as const).some(role =>
    evidence[role].checks.some(
      pair => isHeardOnly(pair) && !isRelayed(pair, evidence[otherRole(role)], evidence),
    ),
  )
  if (relayReason === 'otherNetwork') return heard ? 'filtered' : 'noRoute'
  if (relayReason === 'checksFailed') return heard ? 'filtered' : 'isolation'
  return heard ? 'filtered' : 'notReported'
}

/** What was answered once, before one of them went elsewhere, and what came when they were back say nothing. */
const isHeardOnly = (pair: CheckedEvidence): boolean =>
  (pair.requestsReceived ?? 0) > 0 && (pair.responsesReceived ?? 0) === 0 && pair.isLate !== true

/**
 * A check by way of the relay says nothing of the direct way. It may arrive before its candidate does: then it seems to
 * come from a peer-reflexive one, whose address browsers do not show (RFC 8445 §7.3.1.3).
 */
function isRelayed(pair: PairChecks, other: PartyEvidence, { applianceAddresses }: Evidence): boolean {
  if (pair.local.startsWith('relay ') || pair.remote.startsWith('relay ')) return true
  if (!pair.remote.startsWith('prflx ')) return false
  const [, host = '', port = ''] = /^prflx \[?(.*?)\]?:(\d+)/.exec(pair.remote) ?? []
  if (applianceAddresses.includes(host)) return true
  return other.candidates.some(one => one.type === 'relay' && one.port === Number(port))
}

const hosts = (party: PartyEvidence): CandidateEvidence[] =>
  party.candidates.filter(one => one.type === 'host')
const hidden = (candidate: CandidateEvidence): boolean => candidate.address.endsWith('.local')

function apart(ours: readonly CandidateEvidence[], theirs: readonly CandidateEvidence[]): boolean {
  if ([...ours, ...theirs].some(hidden)) return false
  const families = new Set(ours.map(one => familyOf(one.address)))
  return theirs.every(one => !families.has(familyOf(one.address)))
}

const words: Readonly<Record<WhyNotDirect, { readonly sentence: string; readonly fix: string }>> = {
  hiddenCandidates: {
    sentence: 'Both browsers gave only .local names for themselves, which another network cannot resolve.',
    fix: 'Allow the microphone before calling (browsers then give real addresses), or reflect mDNS between the networks.',
  },
  noRoute: {
    sentence: 'The two are on different networks and no check of either reached the other.',
    fix: 'Route between the two networks and allow UDP both ways between them; otherwise the relay is the way.',
  },
  filtered: {
    sentence:
      'Checks arrived, but no answer came back: something on the way lets packets through one way only.',
    fix: 'Look for a firewall or access list that drops UDP between these two addresses in one direction.',
  },
  isolation: {
    sentence: 'The two are on one network, but do not reach each other.',
    fix: 'Turn off client isolation (also called AP isolation or guest mode) on the access point, or a firewall on either computer.',
  },
  addressFamily: {
    sentence: 'One has only IPv4 addresses and the other only IPv6 addresses.',
    fix: 'Give both an address of the same family.',
  },
  notReported: {
    sentence: 'No client told of its checks.',
    fix: 'Call from a page or app of lanline: it tells which checks were answered.',
  },
}
