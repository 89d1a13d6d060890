/**
 * The advertiser: claims this host's name and its services' names on every link, answers for them, defends them, gives
 * way where it must, and says goodbye (RFC 6762, RFC 6763). Leaves out: sockets (`io.ts`), asking and caching, which an
 * advertiser has no need of.
 *
 * A name on one link:
 *
 * | phase     | 250 ms passed, three times | somebody has it       | somebody probes for it too           | asked  |
 * | --------- | -------------------------- | --------------------- | ------------------------------------ | ------ |
 * | waiting   | probing                    | renamed, waiting      |                                      | silent |
 * | probing   | announced                  | renamed, waiting      | later data wins, else waiting (1 s)  | silent |
 * | announced |                            | probing (§9)          | answered: the name is defended       | answer |
 */
import { after, type Monotonic, seconds } from '../core/clock.ts'
import { type Endpoint, familyOf, isInSubnet } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { TimerTable } from '../core/timers.ts'
import { decode, encode, typeOf } from './codec.ts'
import {
  type Link,
  type MdnsEffect,
  type MdnsInput,
  type MdnsMessage,
  mdnsPort,
  type Name,
  type Publication,
  type Question,
  type ResourceRecord,
  recordType,
  type Service,
} from './message.ts'
import { hostNameOf, keyOf, labelOf, nextHostname, nextInstance, typeNameOf } from './names.ts'
import { Outgoing } from './outgoing.ts'
import { answersOf, plainAnswer, probesOf } from './packets.ts'
import {
  additionalsFor,
  compareProbes,
  hostRecords,
  isLinkLocal6,
  noOthers,
  type OwnRecord,
  proposed,
  recordKeyOf,
  serviceRecords,
} from './records.ts'

export const mdnsLimits = {
  links: 32,
  services: 1_000,
  /** §8.1: up to 250 ms before the first of three probes, 250 ms after each. */
  probes: 3,
  probeMilliseconds: 250,
  /** §8.3: at least two announcements, the second after a second, each further one after twice as long. */
  announcements: 3,
  announceMilliseconds: seconds(1),
  /** §8.2: whoever loses against another's probe waits so long. */
  loserMilliseconds: seconds(1),
  /** §8.1: after so many conflicts within ten seconds, five seconds before each further try. */
  conflicts: 15,
  conflictWindowMilliseconds: seconds(10),
  conflictMilliseconds: seconds(5),
  /** §6: answers that others may give too wait 20 to 120 ms; §7.2: with more known answers to come, 400 to 500 ms. */
  sharedMilliseconds: [20, 120],
  truncatedMilliseconds: [400, 500],
  /** §6.7. */
  legacyTtlSeconds: 10,
  /** Names probed for and announced together; of more, each further lot follows a moment later. */
  namesPerRound: 32,
  roundMilliseconds: 50,
  questionsPerMessage: 64,
  /**
   * Packets heard of one source, and on one link of all together, since a source is easily made up. A long packet
   * counts for several; what is over is dropped unread and counted.
   */
  packetsPerSource: { perSecond: 50, burst: 200, maxKeys: 1_000 },
  packetsPerLink: { perSecond: 1_000, burst: 2_000, maxKeys: 32 },
  bytesPerCount: 512,
  /** Answers sent to single askers on one link: nobody is to be buried in them by who asks in his name. */
  unicastPerLink: { perSecond: 100, burst: 200, maxKeys: 32 },
  /** Answers by multicast on one link, announcements apart. */
  multicastPerLink: { perSecond: 25, burst: 100, maxKeys: 32 },
  /** Packets of our own that are known again when they come back. */
  echoes: 256,
} as const

type Phase = 'waiting' | 'probing' | 'announced'

/** A name to be had on every link: the host's, or one service's. */
interface Claimed {
  readonly id: string
  service: Service | undefined
  /** The label as it stands now, after any renaming. */
  label: string
  /** When somebody else turned out to have it. */
  conflicts: Monotonic[]
}

interface LinkState {
  link: Link
  /** Where each name stands on this link, and which round is to bring it further. */
  readonly claims: Map<string, { phase: Phase; round: number }>
  readonly outgoing: Outgoing
  /** Of announced names, by key and by name. */
  records: ReadonlyMap<string, OwnRecord>
  byName: ReadonlyMap<string, readonly OwnRecord[]>
  /** What others may have kept from us and is to be said goodbye to one day, by key. */
  readonly told: Map<string, OwnRecord>
}

/** What was made of a name and need not be made again until something of it is another. */
interface Made {
  readonly from: readonly [hostname: string, label: string, of: Service | Link]
  readonly records: readonly OwnRecord[]
}

/** Names that are probed for and announced together, in one packet where it holds them. */
interface Round {
  readonly id: number
  readonly link: string
  readonly claims: readonly string[]
  /** Probes sent; from `probes` on, announcements. */
  step: number
}

const host = 'host'

export class MdnsMachine implements Machine<MdnsInput, MdnsEffect> {
  readonly #random: Random
  readonly #timers = new TimerTable<string>()
  readonly #links = new Map<string, LinkState>()
  readonly #claimed = new Map<string, Claimed>()
  /** By the key of its name: whose a name is. */
  readonly #owners = new Map<string, Claimed>()
  readonly #rounds = new Map<number, Round>()
  /** By the claim, for the host by the link. */
  readonly #made = new Map<string, Made>()
  readonly #sources = new Limiter(mdnsLimits.packetsPerSource)
  readonly #packets = new Limiter(mdnsLimits.packetsPerLink)
  readonly #multicasts = new Limiter(mdnsLimits.multicastPerLink)
  readonly #unicasts = new Limiter(mdnsLimits.unicastPerLink)
  #echoes: Buffer[] = []
  #published: Publication | undefined
  #established: string | undefined
  #stopped = false
  #serial = 0
  #out: MdnsEffect[] = []

  constructor(options: { readonly random: Random }) {
    this.#random = options.random
  }

  /** For tests of bounds. */
  get sizes(): {
    readonly links: number
    readonly claimed: number
    readonly rounds: number
    readonly timers: number
    readonly made: number
    readonly told: number
  } {
    return {
      links: this.#links.size,
      claimed: this.#claimed.size,
      rounds: this.#rounds.size,
      timers: this.#timers.size,
      made: this.#made.size,
      told: Math.max(0, ...[...this.#links.values()].map(({ told }) => told.size)),
    }
  }

  /** The host's name as it stands, and whether it is being probed for on some link. */
  get state(): { readonly hostname: string | undefined; readonly probing: boolean } {
    const probing = [...this.#links.values()].some(state => state.claims.get(host)?.phase !== 'announced')
    return { hostname: this.#claimed.get(host)?.label, probing }
  }

  handle(input: MdnsInput, now: Monotonic): MdnsEffect[] {
    if (this.#stopped) return []
    switch (input.kind) {
      case 'links':
        this.#setLinks(input.links.slice(0, mdnsLimits.links), now)
        break
      case 'publish':
        this.#publish(input.publication, now)
        break
      case 'packet':
        this.#packet(input, now)
        break
      case 'stop':
        this.#stop()
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): MdnsEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const [kind, key] = [name.slice(0, 6), name.slice(6)]
      if (kind === 'round ') this.#advance(Number(key), now)
      else this.#flush(key, now)
    }
    return this.#taken()
  }

  // Links

  #setLinks(links: readonly Link[], now: Monotonic): void {
    const given = new Map(links.map(link => [link.name, link]))
    for (const name of this.#links.keys()) {
      if (given.has(name)) continue
      this.#links.delete(name)
      this.#made.delete(`link ${name}`)
      this.#timers.clear(`flush ${name}`)
    }
    for (const link of given.values()) {
      const state = this.#links.get(link.name)
      if (state === undefined) this.#addLink(link, now)
      else if (JSON.stringify(state.link) !== JSON.stringify(link)) this.#changeLink(state, link, now)
    }
    this.#sayEstablished()
  }

  #addLink(link: Link, now: Monotonic): void {
    const state: LinkState = {
      ...{ link, claims: new Map(), outgoing: new Outgoing() },
      ...{ records: new Map(), byName: new Map(), told: new Map() },
    }
    this.#links.set(link.name, state)
    this.#claim(state, [...this.#claimed.keys()], now, this.#random.below(mdnsLimits.probeMilliseconds))
  }

  /** §8.4: what is no more is said goodbye to, the rest announced anew. */
  #changeLink(state: LinkState, link: Link, now: Monotonic): void {
    state.link = link
    this.#refresh(state)
    this.#sayGoodbye(state)
    if (state.claims.get(host)?.phase === 'announced') this.#announceAnew(state, [host], now)
  }

  // What is to be found

  #publish(publication: Publication, now: Monotonic): void {
    const services = publication.services.slice(0, mdnsLimits.services)
    if (services.length < publication.services.length) {
      this.#note('tooManyServices', undefined, String(publication.services.length))
    }
    const known = this.#claimed.get(host)
    if (known === undefined) {
      this.#own({ id: host, service: undefined, label: labelOf(publication.hostname), conflicts: [] })
    }
    const hostname = labelOf(publication.hostname)
    const isOther = this.#published !== undefined && publication.hostname !== this.#published.hostname
    if (known !== undefined && isOther && hostname !== known.label) this.#renameByHand(known, hostname, now)
    this.#published = publication
    const wanted = new Map(services.map(service => [`service ${service.key}`, service]))
    const gone = [...this.#claimed].filter(([id, { service }]) => {
      const next = wanted.get(id)
      return service !== undefined && (next === undefined || !hasSameName(service, next))
    })
    this.#withdraw(gone.map(([id]) => id))
    for (const [id] of gone) this.#disown(id)
    const fresh: string[] = known === undefined ? [host] : []
    const changed: string[] = []
    for (const [id, service] of wanted) {
      const claimed = this.#claimed.get(id)
      if (claimed === undefined) {
        this.#own({ id, service, label: this.#freeLabel(service), conflicts: [] })
        fresh.push(id)
      } else {
        if (JSON.stringify(claimed.service) !== JSON.stringify(service)) changed.push(id)
        claimed.service = service
      }
    }
    if (changed.length > 0) this.#update(changed, now)
    if (fresh.length > 0) this.#claimEverywhere(fresh, now)
  }

  #renameByHand(claimed: Claimed, hostname: string, now: Monotonic): void {
    this.#withdraw([host])
    this.#relabel(claimed, hostname)
    claimed.conflicts = []
    for (const state of this.#links.values()) this.#untold(state)
    this.#claimEverywhere([...this.#claimed.keys()], now)
  }

  /** Ports or texts are others: told anew with the cache-flush bit, which removes what was (§8.4). */
  #update(ids: readonly string[], now: Monotonic): void {
    for (const state of this.#links.values()) {
      this.#refresh(state)
      this.#untold(state)
      this.#announceAnew(
        state,
        ids.filter(id => state.claims.get(id)?.phase === 'announced'),
        now,
      )
    }
  }

  #withdraw(ids: readonly string[]): void {
    if (ids.length === 0) return
    for (const state of this.#links.values()) {
      for (const id of ids) state.claims.delete(id)
      this.#refresh(state)
      this.#sayGoodbye(state)
    }
  }

  /** §10.1, also to what is just being probed for again: it was told before. */
  #sayGoodbye(state: LinkState): void {
    this.#sendRecords(state, this.#untold(state).map(goodbye))
  }

  /**
   * Takes from what was told that which no name of ours holds any more. It gets no goodbye where its name stays ours:
   * the goodbye's cache-flush bit would take what is told instead.
   */
  #untold(state: LinkState): OwnRecord[] {
    const kept = new Set<string>()
    for (const id of state.claims.keys()) {
      for (const { key } of this.#recordsOf(state, this.#claimed.get(id)!)) kept.add(key)
    }
    const gone = [...state.told.values()].filter(({ key }) => !kept.has(key))
    for (const { key } of gone) state.told.delete(key)
    return gone
  }

  #stop(): void {
    for (const state of this.#links.values()) {
      state.claims.clear()
      this.#sayGoodbye(state)
    }
    this.#stopped = true
    this.#links.clear()
    this.#rounds.clear()
    this.#made.clear()
    for (let name = this.#timers.take(never); name !== undefined; name = this.#timers.take(never));
  }

  // Probing and announcing

  #claimEverywhere(ids: readonly string[], now: Monotonic, delayMilliseconds?: number): void {
    for (const state of this.#links.values()) {
      this.#claim(state, ids, now, delayMilliseconds ?? this.#random.below(mdnsLimits.probeMilliseconds))
    }
  }

  #claim(state: LinkState, ids: readonly string[], now: Monotonic, delayMilliseconds: number): void {
    if (ids.length === 0) return
    this.#start(state, ids, 0, after(now, delayMilliseconds), 'waiting')
    this.#refresh(state)
  }

  #announceAnew(state: LinkState, ids: readonly string[], now: Monotonic): void {
    this.#start(state, ids, mdnsLimits.probes, now, 'announced')
  }

  #start(state: LinkState, claims: readonly string[], step: number, at: Monotonic, phase: Phase): void {
    const { namesPerRound, roundMilliseconds } = mdnsLimits
    for (let lot = 0; lot * namesPerRound < claims.length; lot++) {
      const some = claims.slice(lot * namesPerRound, (lot + 1) * namesPerRound)
      const id = ++this.#serial
      for (const claim of some) state.claims.set(claim, { phase, round: id })
      this.#rounds.set(id, { id, link: state.link.name, claims: some, step })
      this.#timers.set(`round ${id}`, after(at, lot * roundMilliseconds))
    }
  }

  #advance(id: number, now: Monotonic): void {
    const round = this.#rounds.get(id)
    const state = round && this.#links.get(round.link)
    // Names that were renamed or taken back meanwhile are in another round, or in none.
    const claims = round?.claims.filter(claim => state?.claims.get(claim)?.round === id) ?? []
    if (round === undefined || state === undefined || claims.length === 0) {
      this.#rounds.delete(id)
      return
    }
    const { probes, announcements } = mdnsLimits
    const isProbe = round.step < probes
    const phase = isProbe ? 'probing' : 'announced'
    for (const claim of claims) state.claims.set(claim, { phase, round: id })
    if (isProbe) this.#probe(state, claims)
    else {
      if (round.step === probes) this.#refresh(state)
      this.#announce(state, claims, now)
    }
    round.step++
    if (round.step === probes + announcements) this.#rounds.delete(id)
    else {
      const doubled = 2 ** (round.step - probes - 1)
      const wait = isProbe ? mdnsLimits.probeMilliseconds : mdnsLimits.announceMilliseconds * doubled
      this.#timers.set(`round ${id}`, after(now, wait))
    }
    if (round.step === probes + 1) this.#sayEstablished()
  }

  /** §8.1: one question for each name, of any type, and in the authority section what is to be said of it (§8.2). */
  #probe(state: LinkState, claims: readonly string[]): void {
    const names = claims.map(id => {
      const claimed = this.#claimed.get(id)!
      const name = this.#nameOf(claimed)
      return {
        question: { name, type: recordType.ANY, class: 1, unicast: true },
        proposed: proposed(this.#recordsOf(state, claimed), keyOf(name)),
      }
    })
    for (const message of probesOf(names)) this.#multicast(state, message)
  }

  #announce(state: LinkState, claims: readonly string[], now: Monotonic): void {
    const wanted = new Map<string, OwnRecord>()
    for (const id of claims) {
      for (const record of this.#recordsOf(state, this.#claimed.get(id)!)) wanted.set(record.key, record)
    }
    const records = [...wanted.values()]
    this.#sendRecords(state, records)
    state.outgoing.sent(records, now)
  }

  #sayEstablished(): void {
    const hostname = this.#claimed.get(host)?.label
    if (hostname === undefined || hostname === this.#established || this.#links.size === 0) return
    if (this.state.probing) return
    this.#established = hostname
    this.#out.push({ kind: 'established', hostname })
  }

  // Conflicts

  /** §8.1, §9: somebody else answers for these names of ours. */
  #conflict(state: LinkState, disputed: ReadonlySet<Claimed>, now: Monotonic): void {
    if (disputed.size === 0) return
    const isHad = ({ id }: Claimed): boolean => state.claims.get(id)?.phase === 'announced'
    // §9: back to probing: whoever also still has it will say so, and only then there is a new name.
    const again = [...disputed].filter(isHad)
    const lost = [...disputed].filter(claimed => !isHad(claimed))
    this.#claim(state, ids(again), now, 0)
    if (lost.length === 0) return
    for (const claimed of lost) this.#rename(state, claimed, now)
    for (const every of this.#links.values()) {
      // Here the old name is the other's to tell of from now on; elsewhere nobody else has it.
      if (every === state) this.#untold(every)
      else this.#sayGoodbye(every)
    }
    const often = lost.some(({ conflicts }) => conflicts.length >= mdnsLimits.conflicts)
    const delay = often ? mdnsLimits.conflictMilliseconds : undefined
    // Every service names its host.
    const isHost = lost.some(({ service }) => service === undefined)
    this.#claimEverywhere(isHost ? [...this.#claimed.keys()] : ids(lost), now, delay)
  }

  #rename(state: LinkState, claimed: Claimed, now: Monotonic): void {
    const from = claimed.label
    const since = now - mdnsLimits.conflictWindowMilliseconds
    claimed.conflicts = [...claimed.conflicts.filter(at => at > since), now].slice(-mdnsLimits.conflicts)
    if (claimed.service === undefined) {
      this.#relabel(claimed, nextHostname(from))
      this.#note('hostConflict', state.link.name, from)
    } else {
      this.#relabel(claimed, this.#freeLabel(claimed.service, nextInstance(from)))
      const { key } = claimed.service
      this.#out.push({ kind: 'instanceRenamed', key, from, to: claimed.label })
    }
  }

  /** §8.2: somebody probes for a name at the same time as we do. */
  #contest(state: LinkState, message: MdnsMessage, now: Monotonic): void {
    const theirs = new Map<Claimed, ResourceRecord[]>()
    for (const record of message.authorities) {
      const claimed = this.#owners.get(keyOf(record.name))
      if (claimed === undefined || state.claims.get(claimed.id)?.phase !== 'probing') continue
      const list = theirs.get(claimed)
      if (list) list.push(record)
      else theirs.set(claimed, [record])
    }
    const lost: Claimed[] = []
    for (const [claimed, records] of theirs) {
      const ours = proposed(this.#recordsOf(state, claimed), keyOf(this.#nameOf(claimed)))
      if (compareProbes(ours, records) >= 0) continue
      this.#note('probeLost', state.link.name, claimed.label)
      lost.push(claimed)
    }
    this.#claim(state, ids(lost), now, mdnsLimits.loserMilliseconds)
  }

  #response(state: LinkState, message: MdnsMessage, now: Monotonic): void {
    const conflicts = new Set<Claimed>()
    for (const record of [...message.answers, ...message.additionals]) {
      if (record.class !== 1) continue
      const nameKey = keyOf(record.name)
      const same = this.#sameAs(state, nameKey, record)
      if (same !== undefined) {
        this.#saidByOther(state, same, record, now)
        continue
      }
      const claimed = this.#owners.get(nameKey)
      // Goodbyes take nothing from us.
      if (claimed === undefined || conflicts.has(claimed) || record.ttlSeconds === 0) continue
      if (this.#disagrees(state, claimed, record)) conflicts.add(claimed)
    }
    this.#conflict(state, conflicts, now)
  }

  /** The announced record that is just this one. */
  #sameAs(state: LinkState, nameKey: string, record: ResourceRecord): OwnRecord | undefined {
    const type = typeOf(record.data)
    const isOfOurs = state.byName.get(nameKey)?.some(own => own.type === type)
    return isOfOurs ? state.records.get(recordKeyOf(record)) : undefined
  }

  #saidByOther(state: LinkState, own: OwnRecord, record: ResourceRecord, now: Monotonic): void {
    // §7.4: said as well as we would. §6.6: said for less than half as long, or farewell: put right.
    if (record.ttlSeconds >= own.ttlSeconds) state.outgoing.saidByOther(own.key)
    else if (record.ttlSeconds < own.ttlSeconds / 2)
      this.#enqueue(state, own, now, this.#sharedDelay(), undefined, false)
    this.#arm(state)
  }

  #disagrees(state: LinkState, claimed: Claimed, record: ResourceRecord): boolean {
    const { data } = record
    // What there is not, each says of its own; who has the name says more than that.
    if (data.type === 'NSEC') return false
    // Another responder of this machine, or we ourselves by another link, may say where else the host is.
    if (claimed.service === undefined && 'address' in data && this.#isOwn(data.address)) return false
    const ours = this.#recordsOf(state, claimed)
    if (state.claims.get(claimed.id)?.phase !== 'announced') {
      const key = recordKeyOf(record)
      return !ours.some(own => own.key === key)
    }
    // That it is not just what we say was seen before.
    const type = typeOf(data)
    const name = keyOf(record.name)
    return ours.some(own => own.unique && own.type === type && own.nameKey === name)
  }

  #isOwn(address: string): boolean {
    return [...this.#links.values()].some(({ link }) => link.addresses.some(own => own.address === address))
  }

  // Packets

  #packet(input: Extract<MdnsInput, { kind: 'packet' }>, now: Monotonic): void {
    const { source, bytes, multicast } = input
    const state = this.#links.get(input.link)
    // §11: only what comes from this very link.
    if (state === undefined || !isOnLink(state.link, source.address) || source.port === 0) {
      return this.#note('offLink', input.link, source.address)
    }
    const count = Math.max(1, bytes.length / mdnsLimits.bytesPerCount)
    if (!this.#sources.allow(source.address, now, count) || !this.#packets.allow(input.link, now, count))
      return this.#note('tooMany', input.link, source.address)
    if (this.#isOwn(source.address) && this.#isEcho(bytes)) return
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') return this.#note(decoded.reason, input.link, source.address)
    const { message } = decoded
    if (!message.response) return this.#query(state, message, source, multicast, now)
    // §6: answers come from the port of mDNS.
    if (source.port !== mdnsPort) return this.#note('foreignPort', input.link, source.address)
    this.#response(state, message, now)
  }

  #query(state: LinkState, message: MdnsMessage, source: Endpoint, multicast: boolean, now: Monotonic): void {
    const asker = source.address
    const isProbe = message.authorities.length > 0
    if (isProbe) this.#contest(state, message, now)
    const known = this.#knownAnswers(state, message)
    // §7.2: a packet without questions brings more known answers of a question before.
    for (const key of known) state.outgoing.known(key, asker)
    const legacy = source.port !== mdnsPort
    const direct = new Map<string, OwnRecord>()
    const toAll = new Map<string, OwnRecord>()
    const answered: Question[] = []
    for (const question of message.questions.slice(0, mdnsLimits.questionsPerMessage)) {
      const records = this.#answersTo(state, question).filter(({ key }) => !known.has(key))
      if (records.length > 0) answered.push(question)
      for (const record of records) {
        // §5.4: to all, where they may not have heard it for a while; §5.5: asked directly, answered directly.
        const heard = state.outgoing.age(record, now) < (record.ttlSeconds * 1_000) / 4
        if (legacy || !multicast || (question.unicast && heard)) direct.set(record.key, record)
        else toAll.set(record.key, record)
      }
    }
    const answers = [...direct.values()]
    if (legacy) this.#answerPlainly(state, message.id, answered, answers, source, now)
    else this.#answerDirectly(state, answers, source, now)
    if (toAll.size === 0) return this.#arm(state)
    const shared = [...toAll.values()].some(({ unique }) => !unique)
    const delay = message.truncated
      ? this.#between(mdnsLimits.truncatedMilliseconds)
      : shared
        ? this.#sharedDelay()
        : 0
    for (const record of toAll.values()) this.#enqueue(state, record, now, delay, asker, isProbe)
    if (delay === 0) this.#flush(state.link.name, now)
    else this.#arm(state)
  }

  /** §7.1: what the asker has, for at least half as long as we would say. */
  #knownAnswers(state: LinkState, message: MdnsMessage): ReadonlySet<string> {
    const known = new Set<string>()
    for (const answer of message.answers) {
      const own = this.#sameAs(state, keyOf(answer.name), answer)
      if (own !== undefined && answer.ttlSeconds >= own.ttlSeconds / 2) known.add(own.key)
    }
    return known
  }

  #answersTo(state: LinkState, question: Question): readonly OwnRecord[] {
    if (question.class !== 1 && question.class !== recordType.ANY) return []
    const all = state.byName.get(keyOf(question.name))
    if (all === undefined) return []
    const found = question.type === recordType.ANY ? all : all.filter(({ type }) => type === question.type)
    // §6.1: of a name that is all ours, also what there is not.
    return found.length === 0 && all.every(({ unique }) => unique) ? [noOthers(all[0]!.name, all)] : found
  }

  #answerDirectly(state: LinkState, answers: readonly OwnRecord[], to: Endpoint, now: Monotonic): void {
    for (const message of answersOf(answers, last => this.#additionals(state, last))) {
      this.#unicast(state, message, to, now)
    }
  }

  /** §6.7: as a plain resolver knows it: no cache-flush bit, and nothing to keep for long. */
  #answerPlainly(
    state: LinkState,
    id: number,
    questions: readonly Question[],
    answers: readonly OwnRecord[],
    to: Endpoint,
    now: Monotonic,
  ): void {
    if (answers.length === 0) return
    const plain = (record: OwnRecord): OwnRecord => ({
      ...record,
      flush: false,
      ttlSeconds: Math.min(record.ttlSeconds, mdnsLimits.legacyTtlSeconds),
    })
    const asked = questions.map(question => ({ ...question, unicast: false }))
    const more = additionalsFor(answers.slice(0, mdnsLimits.questionsPerMessage), state.byName)
    const message = plainAnswer(id, asked, answers.map(plain), more.map(plain))
    if (message === undefined) this.#note('tooLong', state.link.name, to.address)
    else this.#unicast(state, message, to, now)
  }

  // Sending

  #enqueue(
    state: LinkState,
    record: OwnRecord,
    now: Monotonic,
    delayMilliseconds: number,
    asker: string | undefined,
    probe: boolean,
  ): void {
    state.outgoing.add(record, after(now, delayMilliseconds), { asker, probe, now })
  }

  #flush(link: string, now: Monotonic): void {
    const state = this.#links.get(link)
    if (state === undefined) return
    const records = state.outgoing.take(now, mdnsLimits.sharedMilliseconds[0])
    if (records.length > 0 && this.#multicasts.allow(link, now)) {
      this.#sendRecords(state, records)
      state.outgoing.sent(records, now)
    } else if (records.length > 0) this.#note('chatty', link, '')
    this.#arm(state)
  }

  #arm(state: LinkState): void {
    const next = state.outgoing.next()
    if (next === undefined) this.#timers.clear(`flush ${state.link.name}`)
    else this.#timers.set(`flush ${state.link.name}`, next)
  }

  /** To all; what else they will want goes along, as far as it fits. */
  #sendRecords(state: LinkState, records: readonly OwnRecord[]): void {
    for (const message of answersOf(records, last => this.#additionals(state, last))) {
      this.#multicast(state, message)
    }
    for (const record of records) {
      if (record.ttlSeconds > 0 && record.type !== recordType.NSEC) state.told.set(record.key, record)
    }
  }

  #additionals(state: LinkState, answers: readonly OwnRecord[]): OwnRecord[] {
    // A goodbye needs nothing more.
    if (answers.every(({ ttlSeconds }) => ttlSeconds === 0)) return []
    const more = additionalsFor(answers, state.byName)
    const name = hostNameOf(this.#claimed.get(host)!.label)
    const key = keyOf(name)
    const addresses = state.byName.get(key) ?? []
    const told = [...answers, ...more].some(
      record => record.nameKey === key && record.type !== recordType.NSEC,
    )
    const both = new Set(addresses.map(({ type }) => type)).size > 1
    // §6.1: so that nobody waits for an address of the family that is missing.
    return told && !both && addresses.length > 0 ? [...more, noOthers(name, addresses)] : more
  }

  #unicast(state: LinkState, message: MdnsMessage, to: Endpoint, now: Monotonic): void {
    const link = state.link.name
    if (!this.#unicasts.allow(link, now)) return this.#note('chatty', link, to.address)
    this.#out.push({ kind: 'send', link, to, bytes: encode(message) })
  }

  #multicast(state: LinkState, message: MdnsMessage): void {
    const bytes = encode(message)
    this.#echoes.push(Buffer.from(bytes))
    if (this.#echoes.length > mdnsLimits.echoes) this.#echoes.shift()
    for (const family of new Set(state.link.addresses.map(({ address }) => familyOf(address)))) {
      this.#out.push({ kind: 'send', link: state.link.name, to: family, bytes })
    }
  }

  #isEcho(bytes: Uint8Array): boolean {
    return this.#echoes.some(echo => echo.equals(bytes))
  }

  // Names

  #own(claimed: Claimed): void {
    this.#claimed.set(claimed.id, claimed)
    this.#owners.set(keyOf(this.#nameOf(claimed)), claimed)
  }

  #disown(id: string): void {
    const claimed = this.#claimed.get(id)
    if (claimed === undefined) return
    this.#claimed.delete(id)
    this.#made.delete(id)
    this.#owners.delete(keyOf(this.#nameOf(claimed)))
  }

  #relabel(claimed: Claimed, label: string): void {
    this.#owners.delete(keyOf(this.#nameOf(claimed)))
    claimed.label = label
    this.#owners.set(keyOf(this.#nameOf(claimed)), claimed)
  }

  /** Two of our own services of one type must not fight either. */
  #freeLabel(service: Service, wanted = labelOf(service.instance)): string {
    let label = wanted
    while (this.#owners.has(keyOf([label, ...typeNameOf(service.type)]))) label = nextInstance(label)
    return label
  }

  // Helpers

  #refresh(state: LinkState): void {
    const records = new Map<string, OwnRecord>()
    for (const [id, { phase }] of state.claims) {
      const claimed = this.#claimed.get(id)
      if (phase !== 'announced' || claimed === undefined) continue
      for (const record of this.#recordsOf(state, claimed)) records.set(record.key, record)
    }
    state.records = records
    const byName = new Map<string, OwnRecord[]>()
    for (const record of records.values()) {
      const list = byName.get(record.nameKey)
      if (list) list.push(record)
      else byName.set(record.nameKey, [record])
    }
    state.byName = byName
    state.outgoing.keepOnly(records)
    this.#arm(state)
  }

  #recordsOf({ link }: LinkState, { id, service, label }: Claimed): readonly OwnRecord[] {
    const hostname = this.#claimed.get(host)!.label
    const from = [hostname, label, service ?? link] as const
    const key = service === undefined ? `link ${link.name}` : id
    const known = this.#made.get(key)
    if (known?.from.every((part, index) => part === from[index])) return known.records
    const records =
      service === undefined ? hostRecords(hostname, link) : serviceRecords(service, label, hostname)
    this.#made.set(key, { from, records })
    return records
  }

  #nameOf({ service, label }: Claimed): Name {
    return service === undefined ? hostNameOf(label) : [label, ...typeNameOf(service.type)]
  }

  #sharedDelay(): number {
    return this.#between(mdnsLimits.sharedMilliseconds)
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#random.below(most - least + 1)
  }

  #note(reason: string, link: string | undefined, detail: string): void {
    this.#out.push({ kind: 'note', reason, link, detail })
  }

  #taken(): MdnsEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

const never = Number.POSITIVE_INFINITY as Monotonic

/** RFC 6762 §10.1. */
const goodbye = (record: OwnRecord): OwnRecord => ({ ...record, ttlSeconds: 0 })

const ids = (claimed: readonly Claimed[]): string[] => claimed.map(({ id }) => id)

const hasSameName = (one: Service, other: Service): boolean =>
  one.instance === other.instance && one.type.join('.') === other.type.join('.')

function isOnLink(link: Link, address: string): boolean {
  if (isLinkLocal6(address)) return link.addresses.some(own => isLinkLocal6(own.address))
  return link.addresses.some(own => isInSubnet(address, own.address, own.prefixLength))
}
