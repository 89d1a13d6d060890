/**
 * What captures add to a verdict. One proves a direct path when it shows, between addresses that the two name, checks of
 * this call both ways, the DTLS handshake and a stream of each that it says it sends, and none of the call's media by way of
 * lanline. Each capture is judged by itself and nothing is summed, so that the same packets in two files count once.
 */
import { canonicalAddress, formatEndpoint } from '../core/endpoint.ts'
import type { PartyRole } from '../turn/message.ts'
import { bytesOf, type Evidence, otherRole } from './evidence.ts'
import { type Finding, finding, short, shown } from './finding.ts'
import type { CaptureFacts, CaptureFlow, Contradiction } from './message.ts'

const roles = ['caller', 'callee'] as const
const question = 'Do captured packets show the path?'
const wanted = 'a capture taken at one of the two, or at the switch or access point between them'

export function packetsLine(evidence: Evidence): Finding {
  if (evidence.captures.length === 0)
    return finding('packets', question, 'missing', 'no capture', [], [wanted])
  const each = evidence.captures.map(facts => judged(facts, evidence))
  const contradictions = each.flatMap(one => one.contradictions)
  const figures = each.map(one => one.figures).join('; ')
  if (contradictions.length > 0) return finding('packets', question, 'fails', figures, contradictions)
  if (each.some(one => one.shows)) return finding('packets', question, 'holds', figures)
  return finding('packets', question, 'missing', figures, [], [wanted, ...each.flatMap(one => one.missing)])
}

interface Judged {
  readonly figures: string
  readonly contradictions: readonly Contradiction[]
  readonly missing: readonly string[]
  /** It shows the path: a direct one in full, or a relayed one whose bytes the ledger counted. */
  readonly shows: boolean
}

function judged(facts: CaptureFacts, evidence: Evidence): Judged {
  const name = nameOf(facts)
  if (facts.flows.length === 0) {
    const silence = `${name}: nothing of this call in ${facts.frames} frames`
    const isDirect = roles.some(role => evidence[role].pairs.length > 0) && bytesOf(evidence.ledger) === 0
    const figures =
      facts.takenAt === 'appliance' && isDirect
        ? `${silence}; the appliance’s own silence supports a direct path and proves none`
        : silence
    return { figures, contradictions: [], missing: [], shows: false }
  }
  const ends = namedEnds(evidence)
  const between = facts.flows.filter(one => isNamed(one, ends))
  const direct = between.filter(({ way }) => way === 'direct')
  const around = facts.flows.filter(one => !between.includes(one) && isOurs(one, evidence))
  const aroundMedia = byWayOf(around, evidence)
  const figures = `${name}: ${figuresOf(facts, direct, aroundMedia)}${asideOf(facts, direct, around)}${partlyRead(facts)}`
  const contradictions = [
    ...certificatesOf(facts, name, evidence),
    ...(aroundMedia > 0 && bytesOf(evidence.ledger) === 0 && !evidence.restarted
      ? [
          {
            about: 'the packets',
            one: `${name}: ${aroundMedia} packets of this call by way of lanline`,
            other: 'the relay’s ledger: 0 bytes',
          },
        ]
      : []),
  ]
  const missing = missingOf(direct, name, evidence)
  const isRelayed = aroundMedia > 0 && bytesOf(evidence.ledger) > 0
  return { figures, contradictions, missing, shows: isRelayed || (missing.length === 0 && aroundMedia === 0) }
}

const nameOf = ({ name, importedBy }: CaptureFacts): string =>
  importedBy === undefined ? name : `${name} (brought by the ${importedBy})`

// ------------------------------------------------------------------------------------------------------ which flows

/** Where each party's media was sent from, by its own word or by the other's, from first to last pair. */
function namedEnds(evidence: Evidence): Readonly<Record<PartyRole, ReadonlySet<string>>> {
  const of = (role: PartyRole): readonly (readonly [type: string, end: string])[] => [
    ...evidence[role].pairs.flatMap(({ pair }) =>
      endpoint(pair.localAddress, pair.localPort).map(end => [pair.localType, end] as const),
    ),
    ...evidence[otherRole(role)].pairs.flatMap(({ pair }) =>
      endpoint(pair.remoteAddress, pair.remotePort).map(end => [pair.remoteType, end] as const),
    ),
  ]
  const [caller, callee] = [of('caller'), of('callee')]
  // What one of them calls a relay's is no place of the other's, who may know it as peer-reflexive.
  const relayed = new Set([...caller, ...callee].flatMap(([type, end]) => (type === 'relay' ? end : [])))
  const own = (ends: typeof caller) => new Set(ends.map(([, end]) => end).filter(end => !relayed.has(end)))
  return { caller: own(caller), callee: own(callee) }
}

const endpoint = (address: string, port: number): string[] =>
  shown(address) ? [formatEndpoint({ address: canonicalAddress(address) ?? address, port })] : []

const isNamed = (
  { source, target }: CaptureFlow,
  { caller, callee }: Readonly<Record<PartyRole, ReadonlySet<string>>>,
): boolean => (caller.has(source) && callee.has(target)) || (callee.has(source) && caller.has(target))

/** With the appliance at one end. */
const isOurs = ({ source, target, way }: CaptureFlow, { applianceAddresses }: Evidence): boolean =>
  way === 'appliance' ||
  (way === 'turn' && [source, target].some(end => applianceAddresses.includes(hostOf(end))))

/** A capture at the switch has each packet on its way to lanline and on its way on. */
function byWayOf(around: readonly CaptureFlow[], { applianceAddresses }: Evidence): number {
  const towards = around.filter(({ target }) => applianceAddresses.includes(hostOf(target)))
  return Math.max(mediaOf(towards), mediaOf(around.filter(one => !towards.includes(one))))
}

const hostOf = (end: string): string => end.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

const mediaOf = (flows: readonly CaptureFlow[]): number =>
  flows.flatMap(({ rtp }) => rtp).reduce((sum, { packets }) => sum + packets, 0)

const sum = (flows: readonly CaptureFlow[], read: (one: CaptureFlow) => number): number =>
  flows.reduce((total, one) => total + read(one), 0)

// ------------------------------------------------------------------------------------------------------- what it shows

function missingOf(direct: readonly CaptureFlow[], name: string, evidence: Evidence): string[] {
  const sentBy = (role: PartyRole): readonly CaptureFlow[] => direct.filter(({ sender }) => sender === role)
  const checked = roles.every(role => {
    const flows = sentBy(role)
    return sum(flows, one => one.checks) > 0 && sum(flows, one => one.checkAnswers) > 0
  })
  const streams = roles.filter(role => {
    const own = evidence[role].streams.filter(({ direction }) => direction === 'sent')
    const seen = sentBy(role).flatMap(({ rtp }) => rtp.filter(({ packets }) => packets > 0))
    return !seen.some(({ ssrc }) => own.some(stream => stream.ssrc === ssrc))
  })
  return [
    ...(checked ? [] : [`${name}: checks of this call both ways, and their answers`]),
    ...(sum(direct, one => one.dtls.length) > 0 ? [] : [`${name}: the DTLS handshake`]),
    ...streams.map(role => `${name}: a stream that the ${role} says it sends`),
  ]
}

/** RFC 5763 §5: whose certificate is not the one that the exchange carried is not that party. */
function certificatesOf(facts: CaptureFacts, name: string, evidence: Evidence): Contradiction[] {
  return roles.flatMap(role => {
    const carried = evidence[role].sentFingerprints.filter(one => one.startsWith('sha-256 '))
    if (carried.length === 0) return []
    const seen = facts.flows
      .filter(({ sender }) => sender === role)
      .flatMap(({ certificates }) => certificates)
    const wrong = [...new Set(seen)].filter(one => !carried.includes(one))
    return wrong.slice(0, 4).map(one => ({
      about: `the ${role}’s certificate`,
      one: `exchange: ${carried.map(short).join(', ')}`,
      other: `${name}: ${short(one)}`,
    }))
  })
}

// --------------------------------------------------------------------------------------------------------------- words

function figuresOf({ takenAt }: CaptureFacts, direct: readonly CaptureFlow[], aroundMedia: number): string {
  const media = roles
    .map(role => `${mediaOf(direct.filter(({ sender }) => sender === role))} from the ${role}`)
    .join(', ')
  const told = `${sum(direct, one => one.checks)} checks, ${sum(direct, one => one.checkAnswers)} answers, DTLS ${
    [...new Set(direct.flatMap(({ dtls }) => dtls))].join(' ') || 'none'
  }, RTP packets ${media}`
  // lanline captures nothing of what its relay carries: it counts that.
  const around = takenAt === 'appliance' && aroundMedia === 0 ? '' : `; RTP by way of lanline ${aroundMedia}`
  const where = direct[0] === undefined ? 'the two' : `${direct[0].source} and ${direct[0].target}`
  const more = new Set(direct.map(({ source, target }) => [source, target].sort().join(' '))).size - 1
  return `between ${where}${more > 0 ? ` (and ${more} more)` : ''} ${told}${around}`
}

/** Media of the call on ways that nobody named. */
function asideOf(
  { flows, leftOutPackets }: CaptureFacts,
  direct: readonly CaptureFlow[],
  around: readonly CaptureFlow[],
): string {
  const aside = mediaOf(flows.filter(one => !direct.includes(one) && !around.includes(one)))
  const elsewhere = aside > 0 ? `, by ways that neither end names ${aside}` : ''
  return leftOutPackets ? `${elsewhere}; ${leftOutPackets} packets are not told` : elsewhere
}

const partlyRead = ({ stoppedBecause }: CaptureFacts): string =>
  stoppedBecause === undefined ? '' : `; read in part: ${stoppedBecause}`
