/**
 * What a capture shows of one call: packets matched to it by its ufrags, addresses and SSRCs, in figures, each by the
 * way it took. It concludes nothing. Bounded; packets are looked at once and not kept.
 */
import type { Epoch } from '../../core/clock.ts'
import { type Endpoint, formatEndpoint } from '../../core/endpoint.ts'
import type {
  CallFigures,
  CallIdentity,
  EncryptedFigures,
  FlowFigures,
  Party,
  StreamFigures,
  Totals,
  Way,
} from './figures.ts'
import { KeptFlow, type KeptPacket, keptLimits } from './kept.ts'
import type { Dtls, HandshakeMessage, Packet, Rtcp, Rtp, Stun } from './message.ts'
import { SequenceWindow, TransactionWindow } from './repeats.ts'
import { method } from './stun.ts'

export const summaryLimits = {
  paths: 512,
  streamsPerFlow: 64,
  handshakeMessagesPerFlow: 64,
  payloadTypes: 16,
  transactions: 4_096,
  encrypted: 64,
} as const

type Counters = { -readonly [Field in keyof Totals]: Totals[Field] }
interface Stream extends Omit<StreamFigures, 'payloadTypes' | 'reportedBy'> {
  readonly window: SequenceWindow
  packets: number
  bytes: number
  payloadTypes: number[]
  firstAt: Epoch | undefined
  lastAt: Epoch | undefined
}

interface Flow {
  readonly first: Packet
  readonly checksBy: Record<Party, number>
  nominations: number
  answers: number
  readonly handshake: HandshakeMessage[]
  dtlsPackets: number
  rtcpPackets: number
  readonly streams: Map<number, Stream>
  readonly transactions: TransactionWindow
  readonly kept: KeptFlow
  firstAt: Epoch | undefined
  lastAt: Epoch | undefined
}

/** Both directions, each by its sending end. */
interface Path {
  readonly flows: Map<string, Flow>
  matched: 'ufrags' | 'ssrc' | undefined
}

/** Give it every packet of a capture, then ask for the figures. */
export class CallMatch {
  readonly #usernames = new Map<string, Party>()
  readonly #ssrcs = new Map<number, Party>()
  readonly #ufrags: Readonly<Record<Party, Set<string>>> = { caller: new Set(), callee: new Set() }
  readonly #appliance = new Set<string>()
  readonly #addresses: Readonly<Record<Party, Set<string>>> = { caller: new Set(), callee: new Set() }
  readonly #limits: MatchLimits
  readonly #paths = new Map<string, Path>()
  /** Transactions of this call's checks. */
  readonly #transactions = new Set<string>()
  readonly #encrypted = new Map<
    string,
    { -readonly [Field in keyof EncryptedFigures]: EncryptedFigures[Field] }
  >()
  #keptBytes = 0
  #leftOut = 0

  constructor(call: CallIdentity, limits: MatchLimits = wholeFile) {
    this.#limits = limits
    this.know(call)
  }

  /** More of what the call is known by. What was looked at before and not taken is not looked at again. */
  know({ parties: known, applianceAddresses }: CallIdentity): void {
    for (const party of parties) {
      for (const ufrag of known[party].ufrags) this.#ufrags[party].add(ufrag)
      for (const ssrc of known[party].ssrcs ?? []) this.#ssrcs.set(ssrc, party)
      for (const address of known[party].addresses) this.#addresses[party].add(address)
    }
    for (const one of this.#ufrags.caller) {
      for (const other of this.#ufrags.callee) {
        // RFC 8445 §7.2.2: the receiver's fragment comes first.
        this.#usernames.set(`${other}:${one}`, 'caller')
        this.#usernames.set(`${one}:${other}`, 'callee')
      }
    }
    for (const address of applianceAddresses) this.#appliance.add(address)
  }

  add(packet: Packet): void {
    const { content } = packet
    if (content.kind === 'tls') return this.#addEncrypted(packet)
    if (content.kind === 'other') return
    const checkOf = content.kind === 'stun' ? this.#senderOf(content) : undefined
    const isAnswer =
      content.kind === 'stun' && content.class === 'success' && this.#transactions.has(content.transaction)
    if (content.kind === 'stun' && checkOf === undefined && !isAnswer) return
    const reported = content.kind === 'rtp' && this.#ssrcs.has(content.ssrc) && this.#isNear(packet)
    if (checkOf === undefined && !reported && !this.#mayBelong(packet)) return
    const flow = this.#flowOf(packet, checkOf ? 'ufrags' : reported ? 'ssrc' : undefined)
    if (flow === undefined) {
      this.#leftOut++
      return
    }
    noteTime(flow, packet.at)
    if (isRepeated(flow, content)) return
    if (this.#keptBytes < this.#limits.keptBytes) this.#keptBytes += flow.kept.add(packet)
    if (content.kind === 'stun') this.#addStun(flow, content, checkOf)
    else if (content.kind === 'dtls') addDtls(flow, content)
    else this.#addMedia(flow, content, packet)
  }

  figures(): CallFigures {
    const flows: FlowFigures[] = []
    for (const { matched, flows: both } of this.#paths.values()) {
      const [one, other] = [...both.values()]
      if (matched === undefined || one === undefined) continue
      flows.push(this.#flowFigures(one, other, matched))
      if (other !== undefined) flows.push(this.#flowFigures(other, one, matched))
    }
    const totals = Object.fromEntries(
      ways.map(way => [way, { caller: noTotals(), callee: noTotals(), unknown: noTotals() }]),
    ) as Record<Way, Record<Party | 'unknown', Counters>>
    for (const flow of flows) {
      const total = totals[flow.way][flow.sender]
      total.checks += flow.checks
      total.answers += flow.answers
      total.handshakeMessages += flow.handshake.length
      for (const { packets, bytes } of flow.streams) {
        total.mediaPackets += packets
        total.mediaBytes += bytes
      }
    }
    return { flows, totals, encrypted: [...this.#encrypted.values()], leftOut: this.#leftOut }
  }

  /** What is worth keeping of them, by path, those with most media first. Only if they came with their bytes. */
  kept(): KeptPacket[] {
    const paths = [...this.#paths.values()].filter(({ matched }) => matched !== undefined)
    const media = ({ flows }: Path): number =>
      [...flows.values()]
        .flatMap(({ streams }) => [...streams.values()])
        .reduce((sum, { packets }) => sum + packets, 0)
    const byMedia = paths.map(path => ({ path, packets: media(path) })).sort((a, b) => b.packets - a.packets)
    return byMedia.flatMap(({ path }) => [...path.flows.values()].flatMap(({ kept }) => kept.all()))
  }

  #senderOf({ class: kind, method: which, username }: Stun): Party | undefined {
    const isCheck = kind === 'request' && which === method.binding && username !== undefined
    return isCheck ? this.#usernames.get(username) : undefined
  }

  /**
   * Whether both ends are the parties’ or the appliance's, so that it may turn out to be of this call; or its path is known
   * as the call's, whoever lives at its ends.
   */
  #mayBelong(packet: Packet): boolean {
    const { source, target } = packet
    if (this.#isKnown(source) && this.#isKnown(target)) return true
    return this.#paths.get(pathOf(packet))?.matched === 'ufrags'
  }

  #isNear({ source, target }: Packet): boolean {
    return this.#isKnown(source) || this.#isKnown(target)
  }

  #isKnown({ address }: Endpoint): boolean {
    return this.#appliance.has(address) || parties.some(party => this.#addresses[party].has(address))
  }

  #flowOf(packet: Packet, matched: 'ufrags' | 'ssrc' | undefined): Flow | undefined {
    const from = formatEndpoint(packet.source)
    const key = pathOf(packet)
    let path = this.#paths.get(key)
    if (path === undefined) {
      if (this.#paths.size === summaryLimits.paths && !this.#dropUnmatched()) return undefined
      path = { flows: new Map(), matched: undefined }
      this.#paths.set(key, path)
    }
    if (path.matched !== 'ufrags') path.matched = matched ?? path.matched
    let flow = path.flows.get(from)
    if (flow === undefined) {
      flow = {
        ...{ first: packet, checksBy: { caller: 0, callee: 0 }, nominations: 0, answers: 0, handshake: [] },
        ...{ dtlsPackets: 0, rtcpPackets: 0, streams: new Map(), firstAt: undefined, lastAt: undefined },
        ...{ kept: new KeptFlow(), transactions: new TransactionWindow() },
      }
      path.flows.set(from, flow)
    }
    return flow
  }

  #dropUnmatched(): boolean {
    for (const [key, { matched }] of this.#paths) {
      if (matched === undefined) return this.#paths.delete(key)
    }
    return false
  }

  #addStun(flow: Flow, stun: Stun, checkOf: Party | undefined): void {
    if (checkOf === undefined) {
      flow.answers++
      return
    }
    flow.checksBy[checkOf]++
    if (stun.useCandidate) flow.nominations++
    this.#transactions.delete(stun.transaction)
    this.#transactions.add(stun.transaction)
    if (this.#transactions.size > this.#limits.transactions) {
      this.#transactions.delete(this.#transactions.keys().next().value!)
    }
  }

  #addMedia(flow: Flow, content: Rtp | Rtcp, packet: Packet): void {
    if (content.kind === 'rtcp') {
      flow.rtcpPackets++
      return
    }
    const { ssrc, payloadType } = content
    let stream = flow.streams.get(ssrc)
    if (stream === undefined) {
      if (flow.streams.size === summaryLimits.streamsPerFlow) {
        this.#leftOut++
        return
      }
      stream = newStream(ssrc, content.sequence)
      flow.streams.set(ssrc, stream)
    }
    stream.packets++
    stream.bytes += packet.bytes
    const isNew = !stream.payloadTypes.includes(payloadType)
    if (isNew && stream.payloadTypes.length < summaryLimits.payloadTypes)
      stream.payloadTypes.push(payloadType)
    noteTime(stream, packet.at)
  }

  #addEncrypted({ source, target, bytes }: Packet): void {
    const fromAppliance = this.#appliance.has(source.address)
    const [appliance, other] = fromAppliance ? [source, target] : [target, source]
    const party = parties.find(each => this.#addresses[each].has(other.address))
    if (party === undefined || !this.#appliance.has(appliance.address)) return
    const key = `${party} ${formatEndpoint(appliance)}`
    let figures = this.#encrypted.get(key)
    if (figures === undefined) {
      if (this.#encrypted.size === summaryLimits.encrypted) {
        this.#leftOut++
        return
      }
      figures = { party, appliance, segmentsToAppliance: 0, segmentsFromAppliance: 0, bytes: 0 }
      this.#encrypted.set(key, figures)
    }
    figures[fromAppliance ? 'segmentsFromAppliance' : 'segmentsToAppliance']++
    figures.bytes += bytes
  }

  #flowFigures(flow: Flow, opposite: Flow | undefined, matchedBy: 'ufrags' | 'ssrc'): FlowFigures {
    const { source, target, transport, inside } = flow.first
    const { checksBy, nominations, answers, handshake, dtlsPackets, rtcpPackets, firstAt, lastAt } = flow
    const streams = [...flow.streams.values()].map(({ window: _, ...stream }) => ({
      ...stream,
      reportedBy: this.#ssrcs.get(stream.ssrc),
    }))
    return {
      ...{
        source,
        target,
        transport,
        way: this.#wayOf(flow.first),
        sender: this.#sender(flow, opposite, streams),
        matchedBy,
      },
      ...(inside?.peer && { peer: inside.peer }),
      ...{
        checks: checksBy.caller + checksBy.callee,
        nominations,
        answers,
        handshake,
        dtlsPackets,
        rtcpPackets,
      },
      ...{ streams, firstAt, lastAt },
    }
  }

  #wayOf({ source, target, inside }: Packet): Way {
    if (inside !== undefined) return 'turn'
    if (this.#appliance.has(source.address) || this.#appliance.has(target.address)) return 'appliance'
    const { caller, callee } = this.#addresses
    const isBetween =
      (caller.has(source.address) && callee.has(target.address)) ||
      (callee.has(source.address) && caller.has(target.address))
    return isBetween ? 'direct' : 'elsewhere'
  }

  #sender(flow: Flow, opposite: Flow | undefined, streams: readonly StreamFigures[]): Party | 'unknown' {
    // Whoever checks in the other direction is the other one.
    const caller = flow.checksBy.caller + (opposite?.checksBy.callee ?? 0)
    const callee = flow.checksBy.callee + (opposite?.checksBy.caller ?? 0)
    if (caller !== callee) return caller > callee ? 'caller' : 'callee'
    const reporters = new Set(streams.flatMap(({ reportedBy }) => reportedBy ?? []))
    if (reporters.size === 1) return [...reporters][0]!
    const { source } = flow.first
    const owners = this.#appliance.has(source.address)
      ? []
      : parties.filter(party => this.#addresses[party].has(source.address))
    return owners.length === 1 ? owners[0]! : 'unknown'
  }
}

/** How much is held for a call besides its figures. */
export interface MatchLimits {
  readonly transactions: number
  readonly keptBytes: number
}
const wholeFile: MatchLimits = {
  transactions: summaryLimits.transactions,
  keptBytes: keptLimits.waitingBytes,
}

/** The same for both directions. */
function pathOf({ source, target, inside, transport }: Packet): string {
  const within = inside && `${inside.peer ? formatEndpoint(inside.peer) : inside.channel}`
  return [...[formatEndpoint(source), formatEndpoint(target)].sort(), transport, within ?? ''].join(' ')
}

const parties = ['caller', 'callee'] as const
const ways = ['direct', 'appliance', 'turn', 'elsewhere'] as const

const noTotals = (): Counters => ({
  ...{ checks: 0, answers: 0, handshakeMessages: 0, mediaPackets: 0, mediaBytes: 0 },
})

function newStream(ssrc: number, sequence: number): Stream {
  const stream = { ssrc, packets: 0, bytes: 0, payloadTypes: [], firstAt: undefined, lastAt: undefined }
  const window = new SequenceWindow()
  window.isRepeated(sequence)
  return { ...stream, window }
}

function isRepeated({ streams, transactions }: Flow, content: Packet['content']): boolean {
  if (content.kind === 'stun') return transactions.isRepeated(`${content.class} ${content.transaction}`)
  return content.kind === 'rtp' && streams.get(content.ssrc)?.window.isRepeated(content.sequence) === true
}

function addDtls(flow: Flow, { messages }: Dtls): void {
  flow.dtlsPackets++
  for (const message of messages) {
    if (flow.handshake.length < summaryLimits.handshakeMessagesPerFlow) flow.handshake.push(message)
  }
}

function noteTime(
  of: { firstAt: Epoch | undefined; lastAt: Epoch | undefined },
  at: Epoch | undefined,
): void {
  if (at === undefined) return
  of.firstAt = Math.min(of.firstAt ?? at, at) as Epoch
  of.lastAt = Math.max(of.lastAt ?? at, at) as Epoch
}
