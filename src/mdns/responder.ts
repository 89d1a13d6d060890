/**
 * The responder on one link: probes for names and announces them there, answers for what is announced, and says goodbye
 * to what was (RFC 6762). Which names there are to be had, and what they are called, is the machine's affair.
 */
import { after, earliest, type Monotonic } from '../core/clock.ts'
import { type Endpoint, familyOf, isInSubnet } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import type { Random } from '../core/random.ts'
import { type Claim, type Claims, claimLimits, host, isLostOften, nameOf } from './claims.ts'
import { encode, typeOf } from './codec.ts'
import {
  type Link,
  type MdnsEffect,
  type MdnsMessage,
  mdnsPort,
  type Question,
  type ResourceRecord,
  recordType,
} from './message.ts'
import { keyOf } from './names.ts'
import { Outgoing } from './outgoing.ts'
import { answersOf, plainAnswer, probesOf } from './packets.ts'
import { Probing, probingLimits } from './probing.ts'
import {
  compareProbes,
  isLinkLocal6,
  type OwnRecord,
  proposed,
  type Records,
  recordKeyOf,
} from './records.ts'
import { Zone } from './zone.ts'

export const responderLimits = {
  /** §6: answers that others may give too wait 20 to 120 ms; §7.2: with more known answers to come, 400 to 500 ms. */
  sharedMilliseconds: [20, 120],
  truncatedMilliseconds: [400, 500],
  /** §6.7. */
  legacyTtlSeconds: 10,
  questionsPerMessage: 64,
  /** Answers sent to single askers: nobody is to be buried in them by who asks in his name. */
  unicast: { perSecond: 100, burst: 200, maxKeys: 1 },
  /** Answers by multicast, announcements apart. */
  multicast: { perSecond: 25, burst: 100, maxKeys: 1 },
} as const

export interface ResponderOptions {
  readonly link: Link
  readonly claims: Claims
  readonly records: Records
  readonly random: Random
  /** Whether this machine has that address, on whichever link. */
  readonly isOwn: (address: string) => boolean
  readonly emit: (effect: MdnsEffect) => void
}

export class Responder {
  readonly #options: ResponderOptions
  #link: Link
  readonly #probing = new Probing()
  readonly #zone = new Zone()
  readonly #outgoing = new Outgoing()
  #flushAt: Monotonic | undefined
  /** What others may have kept from us and is to be said goodbye to one day, by key. */
  readonly #told = new Map<string, OwnRecord>()
  readonly #unicasts = new Limiter(responderLimits.unicast)
  readonly #multicasts = new Limiter(responderLimits.multicast)

  constructor(options: ResponderOptions) {
    this.#options = options
    this.#link = options.link
  }

  get link(): Link {
    return this.#link
  }

  /** For tests of bounds. */
  get sizes(): { readonly rounds: number; readonly told: number } {
    return { rounds: this.#probing.rounds, told: this.#told.size }
  }

  /** This claim's name is ours here. */
  isHad(id: string): boolean {
    return this.#probing.isAnnounced(id)
  }

  /** RFC 6762 §11: only what comes from this very link. */
  isOnLink(address: string): boolean {
    const { addresses } = this.#link
    if (isLinkLocal6(address)) return addresses.some(own => isLinkLocal6(own.address))
    return addresses.some(own => isInSubnet(address, own.address, own.prefixLength))
  }

  next(): Monotonic | undefined {
    return earliest(this.#probing.next(), this.#flushAt)
  }

  /** True when a name is ours from here on. */
  wake(now: Monotonic): boolean {
    let isOurs = false
    for (let step = this.#probing.take(now); step !== undefined; step = this.#probing.take(now)) {
      if (step.kind === 'probe') this.#probe(step.ids)
      else {
        if (step.kind === 'announceFirst') this.#refresh()
        this.#announce(step.ids, now)
        isOurs ||= step.kind === 'announceFirst'
      }
    }
    if (this.#flushAt !== undefined && this.#flushAt <= now) this.#flush(now)
    return isOurs
  }

  // Names

  /** They are probed for, from the beginning. */
  claim(ids: readonly string[], now: Monotonic, delayMilliseconds = this.#anyDelay()): void {
    if (ids.length === 0) return
    this.#probing.probe(ids, after(now, delayMilliseconds))
    this.#refresh()
  }

  /** Ports or texts are others: told anew with the cache-flush bit, which removes what was (§8.4). */
  update(ids: readonly string[], now: Monotonic): void {
    this.#refresh()
    this.forgetTold()
    this.#probing.announceAnew(
      ids.filter(id => this.isHad(id)),
      now,
    )
  }

  /** §8.4: addresses that are no more are said goodbye to, the others announced anew. */
  change(link: Link, now: Monotonic): void {
    this.#link = link
    this.#refresh()
    this.sayGoodbye()
    if (this.isHad(host)) this.#probing.announceAnew([host], now)
  }

  withdraw(ids: Iterable<string>): void {
    for (const id of ids) this.#probing.drop(id)
    this.#refresh()
    this.sayGoodbye()
  }

  stop(): void {
    this.withdraw([...this.#probing.ids()])
  }

  /** §10.1, also to what is just being probed for again: it was told before. */
  sayGoodbye(): void {
    this.#sendRecords(this.forgetTold().map(record => ({ ...record, ttlSeconds: 0 })))
  }

  /**
   * Takes from what was told that which no name of ours holds any more. It gets no goodbye where its name stays ours:
   * the goodbye's cache-flush bit would take what is told instead.
   */
  forgetTold(): OwnRecord[] {
    const kept = new Set([...this.#probing.ids()].flatMap(id => this.#recordsOf(id).map(({ key }) => key)))
    const gone = [...this.#told.values()].filter(({ key }) => !kept.has(key))
    for (const { key } of gone) this.#told.delete(key)
    return gone
  }

  /** §8.1: one question for each name, of any type, and in the authority section what is to be said of it (§8.2). */
  #probe(ids: readonly string[]): void {
    const names = ids.map(id => {
      const name = nameOf(this.#options.claims.get(id)!)
      return {
        question: { name, type: recordType.ANY, class: 1, unicast: true },
        proposed: proposed(this.#recordsOf(id), keyOf(name)),
      }
    })
    for (const message of probesOf(names)) this.#multicast(message)
  }

  #announce(ids: readonly string[], now: Monotonic): void {
    const all = ids.flatMap(id => this.#recordsOf(id))
    const records = [...new Map(all.map(record => [record.key, record])).values()]
    this.#sendRecords(records)
    this.#outgoing.sent(records, now)
  }

  // What others say

  /** §8.2: somebody probes for names at the same time as we do; with later data than ours they go first. */
  #contest({ authorities }: MdnsMessage, now: Monotonic): void {
    const theirs = new Map<Claim, ResourceRecord[]>()
    for (const record of authorities) {
      const claim = this.#options.claims.ofName(keyOf(record.name))
      if (claim === undefined || !this.#probing.isProbing(claim.id)) continue
      const list = theirs.get(claim)
      if (list) list.push(record)
      else theirs.set(claim, [record])
    }
    const lost: string[] = []
    for (const [claim, records] of theirs) {
      const ours = proposed(this.#recordsOf(claim.id), keyOf(nameOf(claim)))
      if (compareProbes(ours, records) >= 0) continue
      this.#note('probeLost', claim.label)
      lost.push(claim.id)
    }
    this.claim(lost, now, claimLimits.loserMilliseconds)
  }

  /** Returns the claims whose names another host answers for. */
  response(message: MdnsMessage, now: Monotonic): Set<Claim> {
    const disputed = new Set<Claim>()
    for (const record of [...message.answers, ...message.additionals]) {
      if (record.class !== 1) continue
      const same = this.#zone.find(record)
      if (same !== undefined) {
        this.#saidByOther(same, record, now)
        continue
      }
      const claim = this.#options.claims.ofName(keyOf(record.name))
      // Goodbyes take nothing from us.
      if (claim === undefined || disputed.has(claim) || record.ttlSeconds === 0) continue
      if (this.#disagrees(claim, record)) disputed.add(claim)
    }
    return disputed
  }

  #saidByOther(own: OwnRecord, record: ResourceRecord, now: Monotonic): void {
    // §7.4: said as well as we would. §6.6: said for less than half as long, or farewell: put right.
    if (record.ttlSeconds >= own.ttlSeconds) this.#outgoing.saidByOther(own.key)
    else if (record.ttlSeconds < own.ttlSeconds / 2)
      this.#enqueue([own], now, this.#between(responderLimits.sharedMilliseconds), undefined, false)
    this.#arm()
  }

  #disagrees(claim: Claim, record: ResourceRecord): boolean {
    const { data } = record
    // What there is not, each says of its own; who has the name says more than that.
    if (data.type === 'NSEC') return false
    // Another responder of this machine, or we ourselves by another link, may say where else the host is.
    if (claim.service === undefined && 'address' in data && this.#options.isOwn(data.address)) return false
    const ours = this.#recordsOf(claim.id)
    // §8.1: who loses often waits before the next try, and is told then: not before it has begun.
    if (isLostOften(claim) && this.#probing.isWaiting(claim.id)) return false
    if (!this.isHad(claim.id)) {
      const key = recordKeyOf(record)
      return !ours.some(own => own.key === key)
    }
    // That it is not just what we say was seen before.
    const type = typeOf(data)
    const name = keyOf(record.name)
    return ours.some(own => own.unique && own.type === type && own.nameKey === name)
  }

  query(message: MdnsMessage, source: Endpoint, multicast: boolean, now: Monotonic): void {
    const asker = source.address
    const isProbe = message.authorities.length > 0
    if (isProbe) this.#contest(message, now)
    const known = this.#zone.knownAnswers(message)
    // §7.2: a packet without questions brings more known answers of a question before.
    for (const key of known) this.#outgoing.known(key, asker)
    const legacy = source.port !== mdnsPort
    const direct = new Map<string, OwnRecord>()
    const toAll = new Map<string, OwnRecord>()
    const answered: Question[] = []
    for (const question of different(message.questions).slice(0, responderLimits.questionsPerMessage)) {
      const records = this.#zone.answersTo(question).filter(({ key }) => !known.has(key))
      if (records.length > 0) answered.push(question)
      for (const record of records) {
        // §5.4: to all, where they may not have heard it for a while; §5.5: asked directly, answered directly.
        const heard = this.#outgoing.age(record, now) < (record.ttlSeconds * 1_000) / 4
        if (legacy || !multicast || (question.unicast && heard)) direct.set(record.key, record)
        else toAll.set(record.key, record)
      }
    }
    const answers = [...direct.values()]
    if (legacy) this.#answerPlainly(message.id, answered, answers, source, now)
    else for (const answer of this.#withAdditionals(answers)) this.#unicast(answer, source, now)
    const wanted = [...toAll.values()]
    if (wanted.length === 0) return this.#arm()
    const delay = this.#delayOf(message.truncated, wanted)
    this.#enqueue(wanted, now, delay, asker, isProbe)
    if (delay === 0) this.#flush(now)
    else this.#arm()
  }

  #delayOf(truncated: boolean, wanted: readonly OwnRecord[]): number {
    if (truncated) return this.#between(responderLimits.truncatedMilliseconds)
    return wanted.every(({ unique }) => unique) ? 0 : this.#between(responderLimits.sharedMilliseconds)
  }

  // Sending

  /** §6.7: as a plain resolver knows it: no cache-flush bit, and nothing to keep for long. */
  #answerPlainly(
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
      ttlSeconds: Math.min(record.ttlSeconds, responderLimits.legacyTtlSeconds),
    })
    const asked = questions.map(question => ({ ...question, unicast: false }))
    const more = this.#zone.additionals(answers.slice(0, responderLimits.questionsPerMessage))
    const message = plainAnswer(id, asked, answers.map(plain), more.map(plain))
    if (message === undefined) this.#note('tooLong', to.address)
    else this.#unicast(message, to, now)
  }

  #enqueue(
    records: readonly OwnRecord[],
    now: Monotonic,
    delayMilliseconds: number,
    asker: string | undefined,
    probe: boolean,
  ): void {
    for (const record of records)
      this.#outgoing.add(record, after(now, delayMilliseconds), { asker, probe, now })
  }

  #flush(now: Monotonic): void {
    const records = this.#outgoing.take(now, responderLimits.sharedMilliseconds[0])
    if (records.length > 0 && this.#multicasts.allow('', now)) {
      this.#sendRecords(records)
      this.#outgoing.sent(records, now)
    } else if (records.length > 0) this.#note('chatty', '')
    this.#arm()
  }

  #arm(): void {
    this.#flushAt = this.#outgoing.next()
  }

  #sendRecords(records: readonly OwnRecord[]): void {
    for (const message of this.#withAdditionals(records)) this.#multicast(message)
    for (const record of records) {
      if (record.ttlSeconds > 0 && record.type !== recordType.NSEC) this.#told.set(record.key, record)
    }
  }

  /** What else they will want goes along, as far as it fits. */
  #withAdditionals(records: readonly OwnRecord[]): MdnsMessage[] {
    return answersOf(records, last => {
      // A goodbye needs nothing more.
      if (last.every(({ ttlSeconds }) => ttlSeconds === 0)) return []
      const more = this.#zone.additionals(last)
      const hostName = nameOf(this.#options.claims.host!)
      return [...more, ...this.#zone.missingFamily([...last, ...more], hostName)]
    })
  }

  #unicast(message: MdnsMessage, to: Endpoint, now: Monotonic): void {
    if (!this.#unicasts.allow('', now)) return this.#note('chatty', to.address)
    this.#options.emit({ kind: 'send', link: this.#link.name, to, bytes: encode(message) })
  }

  #multicast(message: MdnsMessage): void {
    const bytes = encode(message)
    for (const family of new Set(this.#link.addresses.map(({ address }) => familyOf(address)))) {
      this.#options.emit({ kind: 'send', link: this.#link.name, to: family, bytes })
    }
  }

  // Helpers

  /** What is announced is another. */
  #refresh(): void {
    const announced = [...this.#probing.ids()].filter(id => this.isHad(id))
    this.#zone.replace(announced.flatMap(id => this.#recordsOf(id)))
    this.#outgoing.keepOnly(this.#zone)
    this.#arm()
  }

  #recordsOf(id: string): readonly OwnRecord[] {
    const { claims, records } = this.#options
    return records.of(claims.get(id)!, claims.host!.label, this.#link)
  }

  /** §8.1: so that those who were switched on together do not probe together. */
  #anyDelay(): number {
    return this.#options.random.below(probingLimits.probeMilliseconds)
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#options.random.below(most - least + 1)
  }

  #note(reason: string, detail: string): void {
    this.#options.emit({ kind: 'note', reason, link: this.#link.name, detail })
  }
}

/** The same many times over costs no more than once, however many there are to answer for. */
const different = (questions: readonly Question[]): Question[] => [
  ...new Map(
    questions.map(one => [`${one.type} ${one.class} ${one.unicast} ${keyOf(one.name)}`, one]),
  ).values(),
]
