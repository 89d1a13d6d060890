/** Networks on which advertisers hear each other: multicast with loss and delay, and a clock that only `pass` moves. */
import type { Monotonic } from '../../src/core/clock.ts'
import type { Endpoint } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { decode, encode } from '../../src/mdns/codec.ts'
import { MdnsMachine } from '../../src/mdns/machine.ts'
import {
  groups,
  type Link,
  type MdnsEffect,
  type MdnsInput,
  type MdnsMessage,
  mdnsPort,
  type Publication,
} from '../../src/mdns/message.ts'

/** One packet as it went over a network. */
export interface Heard {
  readonly at: number
  readonly network: string
  readonly from: Endpoint
  /** `multicast`, or the host it was sent to. */
  readonly to: string
  readonly port: number
  readonly message: MdnsMessage
}

export class Segment {
  now = 1_000
  loss = 0
  /** Networks that are one: interfaces of one host that are plugged into the same switch. */
  joined: readonly string[] = []
  readonly random: Random
  readonly heard: Heard[] = []
  #hosts: Host[] = []
  #later: { at: number; serial: number; run: () => void }[] = []
  #serial = 0

  constructor(seed = 1) {
    this.random = seededRandom(seed)
  }

  add(host: Host): void {
    this.#hosts.push(host)
  }

  remove(host: Host): void {
    this.#hosts = this.#hosts.filter(other => other !== host)
  }

  /** Everybody on `network` hears it, the sender too, unless it is lost on the way to them. */
  multicast(network: string, from: Endpoint, bytes: Uint8Array): void {
    this.#note(network, from, { address: 'multicast', port: mdnsPort }, bytes)
    const reached = this.joined.includes(network) ? this.joined : [network]
    for (const host of this.#hosts) {
      for (const one of reached) {
        const own = host.addressOn(one) === from.address
        if (!own && this.#lost()) continue
        this.#soon(own ? 0 : 1 + this.random.below(3), () => host.receive(one, from, true, bytes))
      }
    }
  }

  unicast(network: string, from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    this.#note(network, from, to, bytes)
    const host = this.#hosts.find(one => one.addressOn(network) === to.address)
    if (host && !this.#lost()) this.#soon(1, () => host.receive(network, from, false, bytes))
  }

  /** A question from somebody who is no advertiser. */
  ask(
    network: string,
    questions: readonly (readonly [name: string, type: number, unicast?: boolean])[],
    o: Partial<MdnsMessage> & { from?: Endpoint } = {},
  ): void {
    const { from = { address: '10.0.0.99', port: mdnsPort }, ...rest } = o
    const message: MdnsMessage = {
      ...{ id: 0, response: false, truncated: false, answers: [], authorities: [], additionals: [] },
      questions: questions.map(([name, type, unicast = false]) => ({
        ...{ name: name.split('.'), type, class: 1, unicast },
      })),
      ...rest,
    }
    this.multicast(network, from, encode(message))
  }

  /** An answer from somebody else. */
  say(
    network: string,
    answers: MdnsMessage['answers'],
    from: Endpoint = { address: '10.0.0.99', port: mdnsPort },
  ): void {
    const message = {
      ...{ id: 0, response: true, truncated: false, questions: [], authorities: [], additionals: [] },
    }
    this.multicast(network, from, encode({ ...message, answers }))
  }

  pass(milliseconds: number): this {
    const until = this.now + milliseconds
    for (;;) {
      this.#later.sort((a, b) => a.at - b.at || a.serial - b.serial)
      const event = this.#later[0]
      const sleeper = this.#hosts
        .map(host => ({ host, at: host.machine.nextWakeup() ?? Number.POSITIVE_INFINITY }))
        .sort((a, b) => a.at - b.at)[0]
      const at = Math.min(event?.at ?? Number.POSITIVE_INFINITY, sleeper?.at ?? Number.POSITIVE_INFINITY)
      if (at > until) break
      this.now = Math.max(this.now, at)
      if (event !== undefined && event.at <= at) {
        this.#later.shift()
        event.run()
      } else sleeper!.host.wake()
    }
    this.now = until
    return this
  }

  /** What was heard since the last call. */
  take(): Heard[] {
    return this.heard.splice(0)
  }

  #note(network: string, from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') throw new Error(`not decodable: ${'reason' in decoded ? decoded.reason : ''}`)
    this.heard.push({ at: this.now, network, from, to: to.address, port: to.port, message: decoded.message })
  }

  #lost(): boolean {
    return this.loss > 0 && this.random.below(1_000) < this.loss * 1_000
  }

  #soon(milliseconds: number, run: () => void): void {
    this.#later.push({ at: this.now + milliseconds, serial: this.#serial++, run })
  }
}

export class Host {
  readonly machine: MdnsMachine
  readonly effects: MdnsEffect[] = []
  hostname: string | undefined
  readonly #segment: Segment
  #links: Link[]

  /** `links`: network to own address, such as `{ lan: '10.0.0.1' }`. */
  constructor(segment: Segment, links: Readonly<Record<string, string>>, seed = 1) {
    this.#segment = segment
    this.machine = new MdnsMachine({ random: seededRandom(seed) })
    this.#links = linksOf(links)
    segment.add(this)
    this.give({ kind: 'links', links: this.#links })
  }

  addressOn(network: string): string | undefined {
    return this.#links.find(link => link.name === network)?.addresses[0]?.address
  }

  setLinks(links: Readonly<Record<string, string>>): void {
    this.#links = linksOf(links)
    this.give({ kind: 'links', links: this.#links })
  }

  publish(publication: Publication): this {
    this.give({ kind: 'publish', publication })
    return this
  }

  receive(network: string, source: Endpoint, multicast: boolean, bytes: Uint8Array): void {
    if (this.#links.some(link => link.name === network))
      this.give({ kind: 'packet', link: network, source, multicast, bytes })
  }

  give(input: MdnsInput): void {
    this.#carryOut(this.machine.handle(input, this.#segment.now as Monotonic))
  }

  wake(): void {
    this.#carryOut(this.machine.wake(this.#segment.now as Monotonic))
  }

  #carryOut(effects: readonly MdnsEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'established') this.hostname = effect.hostname
      if (effect.kind !== 'send') {
        this.effects.push(effect)
        continue
      }
      const { link, to, bytes } = effect
      const address = this.addressOn(link)
      if (address === undefined) continue
      const from = { address, port: mdnsPort }
      if (typeof to === 'number') this.#segment.multicast(link, from, bytes)
      else this.#segment.unicast(link, from, to, bytes)
    }
  }
}

const linksOf = (links: Readonly<Record<string, string>>): Link[] =>
  Object.entries(links).map(([name, address]) => ({
    name,
    addresses: [{ address, prefixLength: address.includes(':') ? 64 : 24 }],
  }))

export const phone = (instance: string, key = instance, port = 5060) =>
  ({ key, type: ['_sip', '_udp'], instance, port, txt: ['txtvers=1'] }) as const

export const lanline: Publication = { hostname: 'lanline', services: [phone('Mill')] }

/** Records as short text, for comparing. */
export const written = (records: MdnsMessage['answers']): string[] =>
  records.map(({ name, ttlSeconds, flush, data }) => {
    const value =
      data.type === 'PTR'
        ? data.target.join('.')
        : data.type === 'SRV'
          ? `${data.port} ${data.target.join('.')}`
          : 'address' in data
            ? data.address
            : data.type === 'NSEC'
              ? data.types.join(',')
              : data.type === 'TXT'
                ? data.strings.map(one => Buffer.from(one).toString()).join('|')
                : ''
    return `${name.join('.')} ${ttlSeconds}${flush ? '!' : ''} ${data.type} ${value}`
  })

export { groups }
