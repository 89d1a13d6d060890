/** Two lines of a verdict: is DTLS up, and with the certificates that the exchange carried. */
import type { PartyRole } from '../turn/message.ts'
import { type Evidence, otherRole, type PartyEvidence } from './evidence.ts'
import { type Finding, finding, short, strayPackets } from './finding.ts'
import type { Contradiction } from './message.ts'

const roles = ['caller', 'callee'] as const

export function dtlsLine(evidence: Evidence): Finding {
  const question = 'Is DTLS connected at both ends?'
  const figures = roles.map(role => `${role} ${tellDtls(evidence[role])}`).join('; ')
  const without = roles.filter(role => evidence[role].dtls?.state !== 'connected')
  if (without.length === 0) return finding('dtls', question, 'holds', figures)
  const contradictions = without.flatMap(role => keyless(evidence, role) ?? [])
  const failed = without.some(role => evidence[role].dtls?.state === 'failed')
  return finding(
    'dtls',
    question,
    failed || contradictions.length > 0 ? 'fails' : 'missing',
    figures,
    contradictions,
    without.map(role => `the ${role}’s DTLS state`),
  )
}

/** RFC 5764 §4.2: without a handshake an end has no keys, neither to send nor to understand what it receives. */
function keyless(evidence: Evidence, role: PartyRole): Contradiction | undefined {
  const { dtls, dtlsConnected } = evidence[role]
  if (dtls === undefined || dtls.state === '' || dtlsConnected) return undefined
  const [who, packets] = roles
    .map(one => [one, receivedPackets(evidence[one])] as const)
    .reduce((most, one) => (one[1] > most[1] ? one : most))
  if (packets <= strayPackets) return undefined
  return {
    about: `the ${role}’s DTLS`,
    one: `${role}: ${dtls.state}, never connected`,
    other: `${who}: received ${packets} packets, for which both ends need keys`,
  }
}

const receivedPackets = ({ streams }: PartyEvidence): number =>
  streams
    .filter(({ direction }) => direction === 'received')
    .reduce((sum, { samples }) => sum + (samples.at(-1)?.packets ?? 0), 0)

function tellDtls({ dtls }: PartyEvidence): string {
  if (dtls === undefined) return 'says nothing'
  const said = [dtls.version, dtls.cipher, dtls.srtpProfile].filter(part => part !== '')
  const unsaid = ['version', 'cipher', 'SRTP profile'].filter(
    (_, index) => [dtls.version, dtls.cipher, dtls.srtpProfile][index] === '',
  )
  const missing = unsaid.length > 0 ? [`${unsaid.join(', ')} not said`] : []
  return [dtls.state || 'says nothing', ...said, ...missing].join(', ')
}

export function fingerprintsLine(evidence: Evidence): Finding {
  const question = 'Is the certificate each end applied the one the exchange carried?'
  const each = roles.map(role => fingerprintOf(evidence, role))
  const figures = each.map(one => one.figures).join('; ')
  const contradictions = each.flatMap(one => one.contradictions)
  const missing = each.flatMap(one => one.missing)
  const outcome = contradictions.length > 0 ? 'fails' : missing.length > 0 ? 'missing' : 'holds'
  return finding('fingerprints', question, outcome, figures, contradictions, missing)
}

/**
 * Whether a certificate is one that was carried; undefined where that cannot be told, since only what the same function
 * made of two certificates can be compared (RFC 8122 §5).
 */
export function wasCarried(print: string, carried: readonly string[]): boolean | undefined {
  const hashOf = (one: string): string => one.slice(0, one.indexOf(' '))
  if (print === '' || !carried.some(one => hashOf(one) === hashOf(print))) return undefined
  return carried.includes(print)
}

/** The certificate of one party: what it has, what its descriptions carried, what the other applied. */
function fingerprintOf(evidence: Evidence, role: PartyRole) {
  const party = evidence[role]
  const other = otherRole(role)
  const carried = party.sentFingerprints
  const applied = evidence[other].remoteFingerprint
  const contradictions: Contradiction[] = []
  const wrong = (who: string, what: string): void => {
    contradictions.push({
      about: `the ${role}’s certificate`,
      one: `exchange: ${carried.map(short).join(', ')}`,
      other: `${who}: ${short(what)}`,
    })
  }
  if (wasCarried(applied, carried) === false) wrong(`${other} applied`, applied)
  const own = party.localFingerprint
  if (wasCarried(own, carried) === false) wrong(`${role} has`, own)
  const missing = [
    ...(carried.length === 0 ? [`a fingerprint in the ${role}’s description`] : []),
    ...(applied === '' ? [`the fingerprint that the ${other} applied`] : []),
    ...(carried.length > 0 && applied !== '' && wasCarried(applied, carried) === undefined
      ? [`what the ${other} applied by the hash function that was carried`]
      : []),
  ]
  const figures = `${role}: carried ${carried.map(short).join(', ') || 'none'}, applied ${applied === '' ? 'not said' : short(applied)}`
  return { figures, contradictions, missing }
}
