/** What holds for every mDNS packet: decoding is total, encoding its inverse, and hostile ones neither throw nor pile up. */
import { decode as decodePacket, encode as encodePacket } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { formatIPv6 } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { decode, encode, limits } from '../../src/mdns/codec.ts'
import { MdnsMachine } from '../../src/mdns/machine.ts'
import type { MdnsMessage, RecordData, ResourceRecord } from '../../src/mdns/message.ts'
import { Host, lanline, phone, Segment, written } from '../mdns/segment.ts'
import { isSoak, mutations, runs } from './counts.ts'

const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter(value => value.isWellFormed() && Buffer.byteLength(value) <= limits.labelBytes)
const name = fc.array(label, { maxLength: 5 }).filter(labels => Buffer.byteLength(labels.join('')) < 200)
const u16 = fc.integer({ min: 0, max: 0xffff })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const known = new Set([1, 12, 16, 28, 33, 47])
const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.ipV4().map(address => ({ type: 'A' as const, address })),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map(octets => ({ type: 'AAAA' as const, address: formatIPv6(octets) })),
  name.map(target => ({ type: 'PTR' as const, target })),
  fc.record({ type: fc.constant('SRV' as const), priority: u16, weight: u16, port: u16, target: name }),
  fc.array(bytes(255), { minLength: 1, maxLength: 4 }).map(strings => ({ type: 'TXT' as const, strings })),
  fc.record({
    type: fc.constant('NSEC' as const),
    next: name,
    types: fc
      .uniqueArray(fc.integer({ min: 0, max: 255 }), { maxLength: 6 })
      .map(list => list.sort((a, b) => a - b)),
  }),
  fc.record({
    type: fc.constant('other' as const),
    code: u16.filter(code => !known.has(code)),
    bytes: bytes(40),
  }),
)
const cls = fc.integer({ min: 0, max: 0x7fff })
const record: fc.Arbitrary<ResourceRecord> = fc.record({
  ...{ name, class: cls, flush: fc.boolean(), data },
  ttlSeconds: fc.integer({ min: 0, max: 0xffff_ffff }),
})
const records = fc.array(record, { maxLength: 5 })
const message: fc.Arbitrary<MdnsMessage> = fc.record({
  ...{ id: u16, response: fc.boolean(), truncated: fc.boolean() },
  questions: fc.array(fc.record({ name, type: u16, class: cls, unicast: fc.boolean() }), { maxLength: 4 }),
  ...{ answers: records, authorities: records, additionals: records },
})

describe('an mDNS message', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(message, given => {
        expect(decode(encode(given))).toEqual({ kind: 'ok', message: given })
      }),
      { numRuns: runs },
    )
  })

  it('is written with names compressed, in the data too', () => {
    const long = ['a'.repeat(40), '_sip', '_udp', 'local']
    const answers: ResourceRecord[] = [1, 2, 3].map(priority => ({
      ...{ name: long, class: 1, flush: true, ttlSeconds: 120 },
      data: { type: 'SRV', priority, weight: 0, port: 1, target: ['host', 'local'] },
    }))
    const rest = { id: 0, response: true, truncated: false, questions: [], authorities: [], additionals: [] }
    // 12 header; 58 name, 10 fixed, 6 + 7 data; then 2 + 10 + 6 + 2 for each further one.
    expect(encode({ ...rest, answers }).length).toBe(12 + 58 + 10 + 6 + 7 + 2 * (2 + 10 + 6 + 2))
  })

  it('keeps labels that are no text byte by byte', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: limits.labelBytes })
    fc.assert(
      fc.property(fc.uniqueArray(label, { minLength: 1, maxLength: 3 }), labels => {
        const bytes = Uint8Array.from([...header(1), ...nameBytes(...labels), 0, 1, 0, 1])
        const decoded = decode(bytes)
        if (decoded.kind !== 'ok') throw new Error('not read')
        expect(Buffer.from(encode(decoded.message)).equals(bytes)).toBe(true)
      }),
      { numRuns: runs },
    )
  })

  it('of ordinary names reads and is read alike by dns-packet', () => {
    const host = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
    const names = fc.array(host, { minLength: 1, maxLength: 4 })
    const address = fc.ipV4()
    const record = fc.record({
      name: names,
      target: names,
      port: u16,
      address,
      strings: fc.array(bytes(60), { minLength: 1, maxLength: 3 }),
    })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), u16, (given, id) => {
        const theirs = encodePacket({
          ...{ type: 'response', id, flags: 0x0400 },
          questions: [{ name: given[0]!.name.join('.'), type: 'SRV', class: 'IN' }],
          answers: given.flatMap(({ name, target, port, address: data, strings }) => [
            { type: 'A' as const, class: 'IN' as const, ttl: 120, flush: true, name: name.join('.'), data },
            {
              type: 'PTR' as const,
              class: 'IN' as const,
              ttl: 4_500,
              name: name.join('.'),
              data: target.join('.'),
            },
            {
              type: 'SRV' as const,
              class: 'IN' as const,
              ttl: 120,
              flush: true,
              name: name.join('.'),
              data: { priority: 1, weight: 2, port, target: target.join('.') },
            },
            {
              type: 'TXT' as const,
              class: 'IN' as const,
              ttl: 9,
              name: name.join('.'),
              data: strings.map(one => Buffer.from(one)),
            },
          ]),
        })
        const decoded = decode(theirs)
        if (decoded.kind !== 'ok') throw new Error('not read')
        const { message } = decoded
        expect(message.questions).toEqual([{ name: given[0]!.name, type: 33, class: 1, unicast: false }])
        expect(message.answers).toEqual(
          given.flatMap(({ name, target, port, address, strings }) => [
            { name, class: 1, flush: true, ttlSeconds: 120, data: { type: 'A', address } },
            { name, class: 1, flush: false, ttlSeconds: 4_500, data: { type: 'PTR', target } },
            {
              name,
              class: 1,
              flush: true,
              ttlSeconds: 120,
              data: { type: 'SRV', priority: 1, weight: 2, port, target },
            },
            { name, class: 1, flush: false, ttlSeconds: 9, data: { type: 'TXT', strings } },
          ]),
        )
        // And the other way round, out of our compressed bytes.
        const again = decodePacket(Buffer.from(encode(message)))
        const before = decodePacket(theirs)
        expect([again.id, again.questions, again.answers]).toEqual([
          before.id,
          before.questions,
          before.answers,
        ])
      }),
      { numRuns: runs },
    )
  })

  it('whose names point in circles, forwards or at themselves is dropped', () => {
    for (const tail of [
      [0xc0, 12],
      [0xc0, 14, 0xc0, 12],
      [1, 97, 0xc0, 12],
      [0xc0, 200],
      [0xff, 0xff],
      [64, 0],
    ]) {
      expect(decode(Uint8Array.from([...header(1), ...tail, 0, 1, 0, 1])).kind).toBe('drop')
    }
  })

  it('whose names cost more to read than they are long is dropped', () => {
    // Each pointer points to the one before it.
    const ladder = [...header(0, 1), 1, 97, 0]
    const rung = (): number[] => [0xc0 | ((ladder.length - 2) >> 8), (ladder.length - 2) & 0xff]
    ladder.push(0, 99, 0, 1, 0, 0, 0, 9, 0, 80, 0xc0, 12)
    for (let count = 1; count < 40; count++) ladder.push(...rung())
    const climbed = [...ladder.slice(0, 6), 0, 2, ...ladder.slice(8), ...rung(), 0, 1, 0, 1, 0, 0, 0, 9, 0, 0]
    expect(decode(Uint8Array.from(ladder)).kind).toBe('ok')
    expect(decode(Uint8Array.from(climbed))).toEqual({ kind: 'drop', reason: 'record' })
    // One name of 126 labels, asked for again and again.
    const many = nameBytes(...Array.from({ length: 126 }, () => Buffer.from('a')))
    const again = Array.from({ length: 63 }, () => [0xc0, 12, 0, 1, 0, 1]).flat()
    expect(decode(Uint8Array.from([...header(64), ...many, 0, 1, 0, 1, ...again])).kind).toBe('drop')
  })

  it('changed at random is read or dropped, and never upsets the advertiser', () => {
    const random = seededRandom(99)
    const seeds = fc.sample(message, { numRuns: 60, seed: 5 }).map(given => encode(given))
    const segment = new Segment()
    const host = new Host(segment, { lan: '10.0.0.1' }).publish({
      hostname: 'lanline',
      services: [phone('Mill'), phone('Ann')],
    })
    segment.pass(8_000)
    const own = segment.take().map(({ message: sent }) => encode(sent))
    const corpus = [...seeds, ...own, ...hostile]
    const kinds = new Set<string>()
    // The machine is asked each time: dearer than a codec alone.
    for (let count = 0; count < mutations / 4; count++) {
      const mutant = mutated(corpus[random.below(corpus.length)]!, random)
      kinds.add(decode(mutant).kind)
      const port = random.below(4) === 0 ? 40_000 : 5353
      const source = { address: `10.0.0.${2 + random.below(200)}`, port }
      host.machine.handle(
        { kind: 'packet', link: 'lan', source, multicast: random.below(2) === 0, bytes: mutant },
        (10_000 + count) as Monotonic,
      )
      host.machine.wake((10_000 + count) as Monotonic)
    }
    expect([...kinds].sort()).toEqual(['drop', 'ok'])
    expect(host.machine.sizes.rounds).toBeLessThan(20)
  })
})

describe('the advertiser', () => {
  it('under any order of links, services and packets tells only what is so, and keeps no more than it must', () => {
    for (let seed = 1; seed <= (isSoak ? 10_000 : 250); seed++) wander(seed)
  }, 600_000)

  it('is not upset by what was made to upset it', () => {
    for (const [index, bytes] of hostile.entries()) {
      const segment = new Segment()
      const host = new Host(segment, { lan: '10.0.0.1' }).publish(lanline)
      for (const wait of [300, 10_000]) {
        segment.pass(wait)
        for (const port of [5353, 4_000]) {
          for (const multicast of [true, false]) {
            expect(
              () => host.receive('lan', { address: '10.0.0.99', port }, multicast, bytes),
              `${index}`,
            ).not.toThrow()
          }
        }
      }
      segment.pass(10_000)
    }
  })

  it('never throws for a machine without anything to say', () => {
    const machine = new MdnsMachine({ random: seededRandom(1) })
    const now = 1 as Monotonic
    machine.handle(
      { kind: 'links', links: [{ name: 'a', addresses: [{ address: '10.0.0.1', prefixLength: 24 }] }] },
      now,
    )
    machine.handle({ kind: 'publish', publication: { hostname: 'x', services: [] } }, now)
    machine.handle({ kind: 'links', links: [] }, now)
    machine.handle({ kind: 'stop' }, now)
    machine.handle({ kind: 'publish', publication: lanline }, now)
    expect(machine.nextWakeup()).toBeUndefined()
  })
})

const header = (questions: number, answers = 0, authorities = 0): number[] => [
  ...[0, 0, answers > 0 ? 0x84 : 0, 0, 0, questions, 0, answers, 0, authorities, 0, 0],
]
const nameBytes = (...labels: readonly Uint8Array[]): number[] => [
  ...labels.flatMap(label => [label.length, ...label]),
  0,
]
const ours = nameBytes(Buffer.from('lanline'), Buffer.from('local'))
const noText = nameBytes(new Uint8Array(63).fill(0xff))
const dataOf = (bytes: readonly number[]): number[] => [
  0,
  1,
  0,
  0,
  0,
  120,
  bytes.length >> 8,
  bytes.length & 0xff,
  ...bytes,
]

/** Each of these meets a different piece of code with names or lengths that cannot be written again as text. */
const hostile = [
  // A question of ours beside one that is no text.
  [...header(2), ...ours, 0, 1, 0, 1, ...noText, 0, 1, 0, 1],
  // Of our name: what there is not, after no text, and of types beyond the window; a pointer, a service, of no text.
  [...header(0, 1), ...ours, 0, 47, ...dataOf([...noText, 0, 1, 64])],
  [...header(0, 1), ...ours, 0, 47, ...dataOf([0, 0, 200, ...Array<number>(200).fill(0xff)])],
  [...header(0, 1), ...ours, 0, 12, ...dataOf(noText)],
  [...header(0, 1), ...ours, 0, 33, ...dataOf([0, 0, 0, 0, 0, 1, ...noText])],
  // The same as a probe, against ours.
  [...header(1, 0, 1), ...ours, 0, 255, 0, 1, ...ours, 0, 47, ...dataOf([...noText, 0, 1, 64])],
  [...header(1, 0, 1), ...ours, 0, 255, 0, 1, ...ours, 0, 33, ...dataOf([0, 0, 0, 0, 0, 1, ...noText])],
  [...header(1, 0, 1), ...ours, 0, 255, 0, 1, ...ours, 0, 16, ...dataOf([])],
  // Many long questions that share nothing, with one of ours among them.
  [
    ...[...header(40), ...ours, 0, 1, 0, 1],
    ...Array.from({ length: 39 }, (_, index) => [
      ...[60, ...Buffer.from(`${index}`.padEnd(60, 'x')), 60, ...Buffer.from(`${index}`.padEnd(60, 'y'))],
      ...[60, ...Buffer.from(`${index}`.padEnd(60, 'z')), 0xc0, 12, 0, 1, 0, 1],
    ]).flat(),
  ],
].map(bytes => Uint8Array.from(bytes))

function mutated(original: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(original)
  for (let change = random.below(6); change >= 0; change--) {
    if (copy.length > 0) copy[random.below(copy.length)] = random.below(256)
  }
  return random.below(4) === 0 ? copy.subarray(0, random.below(copy.length + 1)) : copy
}

/**
 * A random life of a host beside another, with strangers asking all the time; whatever is told at any time must be what
 * is published then, on the network it is told on, in packets that fit.
 */
function wander(seed: number): void {
  const segment = new Segment(seed)
  const { random } = segment
  const host = new Host(segment, { lan: '10.0.0.1' }, seed)
  const other = new Host(segment, { lan: '10.0.0.2' }, seed + 1_000).publish(lanline)
  let links: Readonly<Record<string, string>> = { lan: '10.0.0.1' }
  const services = new Set<string>()
  let port = 5060
  const check = (): void => {
    for (const { from, network, message } of segment.take()) {
      if (from.address !== links[network]) continue
      expect(encode(message).length).toBeLessThanOrEqual(limits.payloadBytes)
      for (const one of [...message.answers, ...message.additionals]) {
        if (one.ttlSeconds === 0) {
          if (one.name[1] === '_sip') expect(services, `goodbye, seed ${seed}`).not.toContain(one.name[0])
          continue
        }
        const said = `seed ${seed}: ${written([one])[0]}`
        if (one.data.type === 'SRV') expect(one.data.port, said).toBe(port)
        if ('address' in one.data) expect(one.data.address, said).toBe(links[network])
        const instance =
          one.name[1] === '_sip'
            ? one.name[0]
            : one.name[0] === '_sip' && 'target' in one.data
              ? one.data.target[0]
              : undefined
        if (instance !== undefined) expect(services, said).toContain(instance)
      }
    }
  }
  for (let step = 0; step < 12; step++) {
    const name = `p${random.below(5)}`
    if (random.below(3) === 0) services.delete(name)
    else services.add(name)
    if (random.below(5) === 0) {
      const lan = `10.0.0.${3 + random.below(20)}`
      links = [{}, { lan }, { lan, guests: '10.9.0.1' }][random.below(3)]!
      host.setLinks(links)
    }
    if (random.below(3) === 0) port = 5_000 + random.below(100)
    host.publish({ hostname: 'lanline', services: [...services].map(key => phone(key, key, port)) })
    for (let left = random.below(4); left >= 0; left--) {
      segment.pass(random.below(1_000))
      stranger(host, random)
    }
    check()
  }
  links = { ...links, lan: links.lan ?? '10.0.0.1' }
  host.setLinks(links)
  segment.pass(12_000)
  check()
  segment.ask('lan', [
    ['_sip._udp.local', 12],
    ['lanline.local', 1],
    ['lanline-2.local', 1],
  ])
  segment.pass(600)
  const lines = segment.heard
    .filter(({ from }) => from.address === links.lan)
    .flatMap(({ message: { answers } }) => answers)
  const told = lines.flatMap(({ data: one }) => (one.type === 'PTR' ? [one.target[0]!] : []))
  expect(told.sort(), `seed ${seed}`).toEqual([...services].sort())
  const addresses = lines.flatMap(({ data: one }) => (one.type === 'A' ? [one.address] : []))
  expect(addresses, `seed ${seed}`).toEqual([links.lan])
  expect([host.hostname, other.hostname].sort(), `seed ${seed}`).toEqual(['lanline', 'lanline-2'])
  const { rounds, claims, told: kept } = host.machine.sizes
  expect(rounds, `seed ${seed}`).toBe(0)
  expect(claims).toBe(services.size + 1)
  // Of each service three records; of the host two, and the list of types.
  expect(kept).toBe(services.size === 0 ? 2 : 3 + 3 * services.size)
}

/** Asks something of its own, sometimes garbled. */
function stranger(host: Host, random: Random): void {
  const names = [
    ['_sip', '_udp', 'local'],
    ['lanline', 'local'],
    [`p${random.below(5)}`, '_sip', '_udp', 'local'],
  ]
  const asked = encode({
    ...{
      id: 0,
      response: false,
      truncated: random.below(4) === 0,
      answers: [],
      authorities: [],
      additionals: [],
    },
    questions: [{ name: names[random.below(3)]!, type: 255, class: 1, unicast: random.below(2) === 0 }],
  })
  const bytes = random.below(4) === 0 ? mutated(asked, random) : asked
  // Answers are another matter: those change names.
  if ((bytes[2]! & 0x80) !== 0) return
  const source = { address: `10.0.0.${100 + random.below(100)}`, port: random.below(4) === 0 ? 4_000 : 5353 }
  host.receive('lan', source, random.below(4) > 0, bytes)
}
