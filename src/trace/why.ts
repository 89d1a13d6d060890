/** Why media did not go directly, as far as candidates and checks tell, and what can be done. */
import { familyOf } from '../core/endpoint.ts'
import type { CandidateEvidence, Evidence, PartyEvidence } from './evidence.ts'
import type { Verdict, WhyNotDirect } from './message.ts'

export function whyNotDirect(evidence: Evidence): NonNullable<Verdict['whyNotDirect']> {
  const reason = reasonOf(evidence)
  return { reason, ...words[reason] }
}

function reasonOf({ caller, callee, relayReason }: Evidence): WhyNotDirect {
  const [ours, theirs] = [hosts(caller), hosts(callee)]
  if (ours.length > 0 && theirs.length > 0) {
    if (apart(ours, theirs)) return 'addressFamily'
    // RFC 8828 §5.2 mode 3 and draft-ietf-mmusic-mdns-ice-candidates: a name only its own link can resolve.
    if (relayReason !== 'checksFailed' && (ours.every(hidden) || theirs.every(hidden)))
      return 'hiddenCandidates'
  }
  const heard = [...caller.checks, ...callee.checks].some(pair => (pair.requestsReceived ?? 0) > 0)
  if (relayReason === 'otherNetwork') return heard ? 'filtered' : 'noRoute'
  if (relayReason === 'checksFailed') return heard ? 'filtered' : 'isolation'
  return heard ? 'filtered' : 'notReported'
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
    sentence: 'A browser gave only a .local name for itself, which the other network cannot resolve.',
    fix: 'Allow the microphone before calling (the page then gives real addresses), or reflect mDNS between the networks.',
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
