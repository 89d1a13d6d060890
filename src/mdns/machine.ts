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
import { decode, encode, limits, typeOf } from './codec.ts'
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
  questionsPerMessage: 64,
  /** Of one source; what is over is dropped and counted. */
  packetsPerSource: { perSecond: 50, burst: 200, maxKeys: 1_000 },
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
  /** Of announced names, without doubles. */
  records: readonly OwnRecord[]
  byName: ReadonlyMap<string, readonly OwnRecord[]>
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
  readonly #sources = new Limiter(mdnsLimits.packetsPerSource)
  readonly #multicasts = new Limiter(mdnsLimits.multicastPerLink)
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
  } {
    return {
      links: this.#links.size,
      claimed: this.#claimed.size,
      rounds: this.#rounds.size,
      timers: this.#timers.size,
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
    const state = { link, claims: new Map(), outgoing: new Outgoing(), records: [], byName: new Map() }
    this.#links.set(link.name, state)
    this.#claim(state, [...this.#claimed.keys()], now, this.#random.below(mdnsLimits.probeMilliseconds))
  }

  /** §8.4: what is no more is said goodbye to, the rest announced anew. */
  #changeLink(state: LinkState, link: Link, now: Monotonic): void {
    const before = state.records
    state.link = link
    this.#refresh(state)
    const gone = before.filter(record => !state.records.some(({ key }) => key === record.key))
    this.#sendRecords(state, gone.map(goodbye))
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
    const renamed = this.#published !== undefined && publication.hostname !== this.#published.hostname
    if (known !== undefined && renamed && labelOf(publication.hostname) !== known.label) {
      this.#withdraw([host])
      this.#relabel(known, labelOf(publication.hostname))
      known.conflicts = []
      this.#claimEverywhere([...this.#claimed.keys()], now)
    }
    this.#published = publication
    const wanted = new Map(services.map(service => [`service ${service.key}`, service]))
    const gone = [...this.#claimed.keys()].filter(id => id !== host && !wanted.has(id))
    this.#withdraw(gone)
    for (const id of gone) this.#disown(id)
    const fresh: string[] = known === undefined ? [host] : []
    for (const [id, service] of wanted) {
      const claimed = this.#claimed.get(id)
      if (claimed?.service !== undefined && hasSameName(claimed.service, service)) {
        const changed = JSON.stringify(claimed.service) !== JSON.stringify(service)
        claimed.service = service
        if (changed) this.#update(id, now)
        continue
      }
      if (claimed !== undefined) {
        this.#withdraw([id])
        this.#disown(id)
      }
      this.#own({ id, service, label: this.#freeLabel(service), conflicts: [] })
      fresh.push(id)
    }
    if (fresh.length > 0) this.#claimEverywhere(fresh, now)
  }

  /** The port or the text is another: told anew with the cache-flush bit, which removes what was (§8.4). */
  #update(id: string, now: Monotonic): void {
    for (const state of this.#links.values()) {
      if (state.claims.get(id)?.phase !== 'announced') continue
      this.#refresh(state)
      this.#announceAnew(state, [id], now)
    }
  }

  #withdraw(ids: readonly string[]): void {
    if (ids.length === 0) return
    for (const state of this.#links.values()) {
      const before = state.records
      for (const id of ids) state.claims.delete(id)
      this.#refresh(state)
      const gone = before.filter(record => !state.records.some(({ key }) => key === record.key))
      this.#sendRecords(state, gone.map(goodbye))
    }
  }

  #stop(): void {
    for (const state of this.#links.values()) this.#sendRecords(state, state.records.map(goodbye))
    this.#stopped = true
    this.#links.clear()
    this.#rounds.clear()
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
    const id = ++this.#serial
    for (const claim of claims) state.claims.set(claim, { phase, round: id })
    this.#rounds.set(id, { id, link: state.link.name, claims, step })
    this.#timers.set(`round ${id}`, at)
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
    let message = emptyMessage(false)
    let size = 0
    for (const id of claims) {
      const claimed = this.#claimed.get(id)!
      const name = this.#nameOf(claimed)
      const records = proposed(this.#recordsOf(state, claimed), keyOf(name))
      const more = sizeOf(records) + nameSize(name)
      if (size > 0 && size + more > limits.payloadBytes - 12) {
        this.#multicast(state, message)
        message = emptyMessage(false)
        size = 0
      }
      size += more
      message.questions.push({ name, type: recordType.ANY, class: 1, unicast: true })
      message.authorities.push(...records)
    }
    this.#multicast(state, message)
  }

  #announce(state: LinkState, claims: readonly string[], now: Monotonic): void {
    const keys = new Set(
      claims.flatMap(id => this.#recordsOf(state, this.#claimed.get(id)!).map(({ key }) => key)),
    )
    const records = state.records.filter(({ key }) => keys.has(key))
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

  /** §8.1, §9: somebody else answers for one of our names. */
  #conflict(state: LinkState, claimed: Claimed, now: Monotonic): void {
    const phase = state.claims.get(claimed.id)?.phase
    if (phase === 'announced') {
      // §9: back to probing: whoever also still has it will say so, and only then there is a new name.
      this.#claim(state, [claimed.id], now, 0)
      return
    }
    const from = claimed.label
    if (claimed.service === undefined) this.#relabel(claimed, nextHostname(from))
    else this.#relabel(claimed, this.#freeLabel(claimed.service, nextInstance(from)))
    const since = now - mdnsLimits.conflictWindowMilliseconds
    claimed.conflicts = [...claimed.conflicts.filter(at => at > since), now].slice(-mdnsLimits.conflicts)
    const often = claimed.conflicts.length >= mdnsLimits.conflicts
    const delay = often ? mdnsLimits.conflictMilliseconds : undefined
    if (claimed.service === undefined) {
      this.#note('hostConflict', state.link.name, from)
      // Every service names its host.
      this.#claimEverywhere([...this.#claimed.keys()], now, delay)
    } else {
      const { key } = claimed.service
      this.#out.push({ kind: 'instanceRenamed', key, from, to: claimed.label })
      this.#claimEverywhere([claimed.id], now, delay)
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
    for (const [claimed, records] of theirs) {
      const ours = proposed(this.#recordsOf(state, claimed), keyOf(this.#nameOf(claimed)))
      if (compareProbes(ours, records) >= 0) continue
      this.#note('probeLost', state.link.name, claimed.label)
      this.#claim(state, [claimed.id], now, mdnsLimits.loserMilliseconds)
    }
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
      // Goodbyes take nothing from us.
      if (record.ttlSeconds === 0) continue
      const claimed = this.#owners.get(nameKey)
      if (claimed !== undefined && this.#disagrees(state, claimed, record)) conflicts.add(claimed)
    }
    for (const claimed of conflicts) this.#conflict(state, claimed, now)
  }

  #sameAs(state: LinkState, nameKey: string, record: ResourceRecord): OwnRecord | undefined {
    const candidates = state.byName.get(nameKey)
    if (candidates === undefined) return undefined
    const key = recordKeyOf(record)
    return candidates.find(candidate => candidate.key === key)
  }

  #saidByOther(state: LinkState, own: OwnRecord, record: ResourceRecord, now: Monotonic): void {
    // §7.4: said as well as we would. §6.6: said for less than half as long, or farewell: put right.
    if (record.ttlSeconds >= own.ttlSeconds) state.outgoing.saidByOther(own.key)
    else if (record.ttlSeconds < own.ttlSeconds / 2)
      this.#enqueue(state, own, now, this.#sharedDelay(), undefined, false)
    this.#arm(state)
  }

  #disagrees(state: LinkState, claimed: Claimed, record: ResourceRecord): boolean {
    // Another responder of this machine, or we ourselves by another link, may say where else the host is.
    if (claimed.service === undefined && 'address' in record.data && this.#isOwn(record.data.address))
      return false
    const ours = this.#recordsOf(state, claimed)
    const key = recordKeyOf(record)
    if (ours.some(own => own.key === key)) return false
    if (state.claims.get(claimed.id)?.phase !== 'announced') return true
    const type = typeOf(record.data)
    return ours.some(own => own.unique && own.type === type && own.nameKey === keyOf(record.name))
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
    if (!this.#sources.allow(source.address, now)) return this.#note('tooMany', input.link, source.address)
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
    const questions = message.questions.slice(0, mdnsLimits.questionsPerMessage)
    for (const question of questions) {
      for (const record of this.#answersTo(state, question)) {
        if (known.has(record.key)) continue
        // §5.4: to all, where they may not have heard it for a while; §5.5: asked directly, answered directly.
        const heard = state.outgoing.age(record, now) < (record.ttlSeconds * 1_000) / 4
        if (legacy || !multicast || (question.unicast && heard)) direct.set(record.key, record)
        else toAll.set(record.key, record)
      }
    }
    if (direct.size > 0)
      this.#answerDirectly(
        state,
        [...direct.values()],
        source,
        legacy ? { ...message, questions } : undefined,
      )
    if (toAll.size === 0) return this.#arm(state)
    const answers = [...toAll.values()]
    const delay = message.truncated
      ? this.#between(mdnsLimits.truncatedMilliseconds)
      : answers.some(({ unique }) => !unique)
        ? this.#sharedDelay()
        : 0
    for (const record of answers) this.#enqueue(state, record, now, delay, asker, isProbe)
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

  #answerDirectly(
    state: LinkState,
    answers: readonly OwnRecord[],
    to: Endpoint,
    legacy: MdnsMessage | undefined,
  ): void {
    if (legacy === undefined) return this.#sendRecords(state, answers, to)
    // §6.7: as a plain resolver knows it: its id, its question, no cache-flush bit, and nothing to keep for long.
    const plain = (record: OwnRecord): OwnRecord => ({
      ...record,
      flush: false,
      ttlSeconds: Math.min(record.ttlSeconds, mdnsLimits.legacyTtlSeconds),
    })
    const message = emptyMessage(true, legacy.id)
    message.questions.push(...legacy.questions.map(question => ({ ...question, unicast: false })))
    let size = message.questions.reduce((sum, { name }) => sum + nameSize(name), 12)
    const fits = (record: OwnRecord): boolean => {
      size += sizeOf([record])
      return size <= limits.payloadBytes
    }
    message.answers.push(...answers.filter(fits).map(plain))
    message.additionals.push(...additionalsFor(answers, state.records).filter(fits).map(plain))
    this.#out.push({ kind: 'send', link: state.link.name, to, bytes: encode(message) })
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

  /** As few answers as hold the records; what else the asker will want goes into the last, as far as it fits. */
  #sendRecords(state: LinkState, records: readonly OwnRecord[], to?: Endpoint): void {
    if (records.length === 0) return
    const room = limits.payloadBytes - 12
    let message = emptyMessage(true)
    let size = 0
    for (const record of records) {
      const more = sizeOf([record])
      if (size > 0 && size + more > room) {
        this.#send(state, message, to)
        message = emptyMessage(true)
        size = 0
      }
      size += more
      message.answers.push(record)
    }
    for (const record of this.#additionals(state, records)) {
      size += sizeOf([record])
      if (size <= room) message.additionals.push(record)
    }
    this.#send(state, message, to)
  }

  #additionals(state: LinkState, answers: readonly OwnRecord[]): OwnRecord[] {
    // A goodbye needs nothing more.
    if (answers.every(({ ttlSeconds }) => ttlSeconds === 0)) return []
    const more = additionalsFor(answers, state.records)
    const name = hostNameOf(this.#claimed.get(host)!.label)
    const key = keyOf(name)
    const addresses = state.records.filter(record => record.nameKey === key)
    const told = [...answers, ...more].some(
      record => record.nameKey === key && record.type !== recordType.NSEC,
    )
    const both = new Set(addresses.map(({ type }) => type)).size > 1
    // §6.1: so that nobody waits for an address of the family that is missing.
    return told && !both && addresses.length > 0 ? [...more, noOthers(name, addresses)] : more
  }

  #send(state: LinkState, message: MdnsMessage, to: Endpoint | undefined): void {
    if (to === undefined) return this.#multicast(state, message)
    this.#out.push({ kind: 'send', link: state.link.name, to, bytes: encode(message) })
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
    state.records = [...records.values()]
    const byName = new Map<string, OwnRecord[]>()
    for (const record of state.records) {
      const list = byName.get(record.nameKey)
      if (list) list.push(record)
      else byName.set(record.nameKey, [record])
    }
    state.byName = byName
    state.outgoing.keepOnly(new Set(records.keys()))
    this.#arm(state)
  }

  #recordsOf(state: LinkState, { service, label }: Claimed): OwnRecord[] {
    const hostname = this.#claimed.get(host)!.label
    return service === undefined
      ? hostRecords(hostname, state.link)
      : serviceRecords(service, label, hostname)
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

const hasSameName = (one: Service, other: Service): boolean =>
  one.instance === other.instance && one.type.join('.') === other.type.join('.')

function isOnLink(link: Link, address: string): boolean {
  if (isLinkLocal6(address)) return link.addresses.some(own => isLinkLocal6(own.address))
  return link.addresses.some(own => isInSubnet(address, own.address, own.prefixLength))
}

interface WritableMessage extends MdnsMessage {
  readonly questions: Question[]
  readonly answers: ResourceRecord[]
  readonly authorities: ResourceRecord[]
  readonly additionals: ResourceRecord[]
}

const emptyMessage = (response: boolean, id = 0): WritableMessage => ({
  ...{ id, response, truncated: false },
  ...{ questions: [], answers: [], authorities: [], additionals: [] },
})

/** Bytes on the wire at most, that is without compression. */
const nameSize = (name: Name): number =>
  name.reduce((sum, label) => sum + 1 + Buffer.byteLength(label), 1) + 4

const sizeOf = (records: readonly OwnRecord[]): number =>
  records.reduce((sum, { name, data }) => {
    const inside =
      data.type === 'TXT'
        ? data.strings.reduce((length, string) => length + 1 + string.length, 1)
        : 'target' in data
          ? nameSize(data.target) + 6
          : 'next' in data
            ? nameSize(data.next) + 40
            : 16
    return sum + nameSize(name) + 6 + inside
  }, 0)
