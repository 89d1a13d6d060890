/**
 * The advertiser: claims this host's name and its services' names on every link, gives way where somebody else has one,
 * and says goodbye (RFC 6762, RFC 6763). What happens on one link is in `responder.ts`. Leaves out: sockets (`io.ts`), asking
 * and caching, which an advertiser has no need of.
 *
 * A name on one link:
 *
 * | phase     | 250 ms passed, three times | somebody has it       | somebody probes for it too           | asked  |
 * | --------- | -------------------------- | --------------------- | ------------------------------------ | ------ |
 * | waiting   | probing                    | renamed, waiting (1)  |                                      | silent |
 * | probing   | announced                  | renamed, waiting      | later data wins, else waiting (1 s)  | silent |
 * | announced |                            | probing (§9)          | answered: the name is defended       | answer |
 *
 * (1) not while it waits for having lost often (§8.1).
 */
import { earliest, type Monotonic } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { type Claim, Claims, claimLimits, host, isLostOften } from './claims.ts'
import { decode } from './codec.ts'
import { type Link, type MdnsEffect, type MdnsInput, mdnsPort, type Publication } from './message.ts'
import { Records } from './records.ts'
import { Responder } from './responder.ts'

export const mdnsLimits = {
  links: 32,
  /**
   * Packets heard of one source, and on one link of all together, since a source is easily made up. A long packet
   * counts for several; what is over is dropped unread and counted.
   */
  packetsPerSource: { perSecond: 50, burst: 200, maxKeys: 1_000 },
  packetsPerLink: { perSecond: 1_000, burst: 2_000, maxKeys: 32 },
  bytesPerCount: 512,
  /** Packets of our own that are known again when they come back. */
  echoes: 256,
} as const

export class MdnsMachine implements Machine<MdnsInput, MdnsEffect> {
  readonly #random: Random
  readonly #claims = new Claims()
  readonly #records = new Records()
  readonly #links = new Map<string, Responder>()
  readonly #sources = new Limiter(mdnsLimits.packetsPerSource)
  readonly #packets = new Limiter(mdnsLimits.packetsPerLink)
  #echoes: Uint8Array[] = []
  #established: string | undefined
  #stopped = false
  #out: MdnsEffect[] = []

  constructor(options: { readonly random: Random }) {
    this.#random = options.random
  }

  /** For tests of bounds. */
  get sizes(): Readonly<Record<'links' | 'claims' | 'rounds' | 'told', number>> {
    const sizes = [...this.#links.values()].map(link => link.sizes)
    return {
      ...{ links: this.#links.size, claims: this.#claims.size },
      rounds: sizes.reduce((sum, { rounds }) => sum + rounds, 0),
      told: Math.max(0, ...sizes.map(({ told }) => told)),
    }
  }

  /** The host's name as it stands, and whether it is being probed for on some link. */
  get state(): { readonly hostname: string | undefined; readonly probing: boolean } {
    const probing = [...this.#links.values()].some(link => !link.isHad(host))
    return { hostname: this.#claims.host?.label, probing }
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
        for (const link of this.#links.values()) link.stop()
        this.#links.clear()
        this.#stopped = true
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return earliest(...[...this.#links.values()].map(link => link.next()))
  }

  wake(now: Monotonic): MdnsEffect[] {
    // To all of them first: of names that are ours on each, the last one makes it so.
    const isOurs = [...this.#links.values()].map(link => link.wake(now))
    if (isOurs.includes(true)) this.#sayEstablished()
    return this.#taken()
  }

  // Links

  #setLinks(links: readonly Link[], now: Monotonic): void {
    const given = new Map(links.map(link => [link.name, link]))
    for (const name of this.#links.keys()) if (!given.has(name)) this.#links.delete(name)
    for (const link of given.values()) {
      const known = this.#links.get(link.name)
      if (known === undefined) this.#addLink(link, now)
      else if (JSON.stringify(known.link) !== JSON.stringify(link)) known.change(link, now)
    }
    this.#sayEstablished()
  }

  #addLink(link: Link, now: Monotonic): void {
    const responder = new Responder({
      ...{ link, claims: this.#claims, records: this.#records, random: this.#random },
      isOwn: address => this.#isOwn(address),
      emit: effect => this.#emit(effect),
    })
    this.#links.set(link.name, responder)
    responder.claim(this.#claims.ids(), now)
  }

  #isOwn(address: string): boolean {
    return [...this.#links.values()].some(({ link }) => link.addresses.some(own => own.address === address))
  }

  // Names

  #publish(publication: Publication, now: Monotonic): void {
    const lost = this.#claims.lostBy(publication)
    if (lost.length > 0) for (const link of this.#links.values()) link.withdraw(lost)
    const { fresh, changed, left } = this.#claims.publish(publication)
    if (left > 0) this.#note('tooManyServices', undefined, String(publication.services.length))
    if (lost.includes(host)) {
      for (const link of this.#links.values()) link.forgetTold()
      return this.#claimEverywhere(this.#claims.ids(), now)
    }
    if (changed.length > 0) for (const link of this.#links.values()) link.update(changed, now)
    this.#claimEverywhere(fresh, now)
  }

  #claimEverywhere(ids: readonly string[], now: Monotonic, delayMilliseconds?: number): void {
    for (const link of this.#links.values()) link.claim(ids, now, delayMilliseconds)
  }

  /** §8.1, §9: on this link somebody else answers for these names of ours. */
  #conflict(link: Responder, disputed: ReadonlySet<Claim>, now: Monotonic): void {
    if (disputed.size === 0) return
    // §9: back to probing: whoever also still has it will say so, and only then there is a new name.
    const again = [...disputed].filter(({ id }) => link.isHad(id))
    const lost = [...disputed].filter(({ id }) => !link.isHad(id))
    link.claim(idsOf(again), now, 0)
    if (lost.length === 0) return
    for (const claim of lost) this.#rename(link.link.name, claim, now)
    for (const every of this.#links.values()) {
      // Here the old name is the other's to tell of from now on; elsewhere nobody else has it.
      if (every === link) every.forgetTold()
      else every.sayGoodbye()
    }
    const delay = lost.some(isLostOften) ? claimLimits.conflictMilliseconds : undefined
    // Every service names its host.
    const isHost = lost.some(({ id }) => id === host)
    this.#claimEverywhere(isHost ? this.#claims.ids() : idsOf(lost), now, delay)
  }

  #rename(link: string, claim: Claim, now: Monotonic): void {
    const from = claim.label
    this.#claims.lose(claim, now)
    if (claim.service === undefined) return this.#note('hostConflict', link, from)
    this.#out.push({ kind: 'instanceRenamed', key: claim.service.key, from, to: claim.label })
  }

  #sayEstablished(): void {
    const hostname = this.#claims.host?.label
    if (hostname === undefined || hostname === this.#established || this.#links.size === 0) return
    if (this.state.probing) return
    this.#established = hostname
    this.#out.push({ kind: 'established', hostname })
  }

  // Packets

  #packet(input: Extract<MdnsInput, { kind: 'packet' }>, now: Monotonic): void {
    const { source, bytes, multicast } = input
    const link = this.#links.get(input.link)
    if (link === undefined || !link.isOnLink(source.address) || source.port === 0) {
      return this.#note('offLink', input.link, source.address)
    }
    const count = Math.max(1, bytes.length / mdnsLimits.bytesPerCount)
    if (!this.#sources.allow(source.address, now, count) || !this.#packets.allow(input.link, now, count))
      return this.#note('tooMany', input.link, source.address)
    if (this.#isOwn(source.address) && this.#isEcho(bytes)) return
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') return this.#note(decoded.reason, input.link, source.address)
    const { message } = decoded
    if (!message.response) return link.query(message, source, multicast, now)
    // §6: answers come from the port of mDNS.
    if (source.port !== mdnsPort) return this.#note('foreignPort', input.link, source.address)
    this.#conflict(link, link.response(message, now), now)
  }

  #isEcho(bytes: Uint8Array): boolean {
    return this.#echoes.some(echo => Buffer.compare(echo, bytes) === 0)
  }

  // Effects

  #emit(effect: MdnsEffect): void {
    this.#out.push(effect)
    // What goes to both families is one packet.
    if (effect.kind !== 'send' || typeof effect.to !== 'number' || this.#echoes.at(-1) === effect.bytes)
      return
    this.#echoes.push(effect.bytes)
    if (this.#echoes.length > mdnsLimits.echoes) this.#echoes.shift()
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

const idsOf = (claims: readonly Claim[]): string[] => claims.map(({ id }) => id)
