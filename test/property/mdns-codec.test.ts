/** What holds for every mDNS packet: decoding is total, encoding its inverse, and hostile ones neither throw nor pile up. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { formatIPv6 } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { decode, encode, limits } from '../../src/mdns/codec.ts'
import { MdnsMachine } from '../../src/mdns/machine.ts'
import type { MdnsMessage, RecordData, ResourceRecord } from '../../src/mdns/message.ts'
import { Host, lanline, phone, Segment } from '../mdns/segment.ts'
import { mutations, runs } from './counts.ts'

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

  it('whose names point in circles, forwards or at themselves is dropped', () => {
    const header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for (const tail of [
      [0xc0, 12],
      [0xc0, 14, 0xc0, 12],
      [1, 97, 0xc0, 12],
      [0xc0, 200],
      [0xff, 0xff],
      [64, 0],
    ]) {
      expect(decode(Uint8Array.from([...header, ...tail, 0, 1, 0, 1])).kind).toBe('drop')
    }
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
    const corpus = [...seeds, ...own]
    const kinds = new Set<string>()
    for (let count = 0; count < mutations; count++) {
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
    expect(host.machine.sizes.timers).toBeLessThan(20)
    expect(host.machine.sizes.rounds).toBeLessThan(20)
  })
})

describe('the advertiser', () => {
  it('under any order of links, services and packets tells only what is so, and keeps no more than it must', () => {
    for (let seed = 1; seed <= 150; seed++) wander(seed)
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

function mutated(original: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(original)
  for (let change = random.below(6); change >= 0; change--) {
    if (copy.length > 0) copy[random.below(copy.length)] = random.below(256)
  }
  return random.below(4) === 0 ? copy.subarray(0, random.below(copy.length + 1)) : copy
}

/** A random life of two hosts on two networks; after each step, what is answered must be what is published. */
function wander(seed: number): void {
  const segment = new Segment(seed)
  const { random } = segment
  const host = new Host(segment, { lan: '10.0.0.1' }, seed)
  const other = new Host(segment, { lan: '10.0.0.2' }, seed + 1_000).publish(lanline)
  let address = '10.0.0.1'
  const services = new Set<string>()
  for (let step = 0; step < 12; step++) {
    const name = `p${random.below(5)}`
    if (random.below(3) === 0) services.delete(name)
    else services.add(name)
    if (random.below(5) === 0) {
      address = `10.0.0.${3 + random.below(20)}`
      host.setLinks(random.below(2) === 0 ? { lan: address } : { lan: address, guests: '10.9.0.1' })
    }
    host.publish({ hostname: 'lanline', services: [...services].map(key => phone(key)) })
    segment.pass(random.below(4_000))
  }
  segment.pass(12_000)
  segment.take()
  segment.ask('lan', [
    ['_sip._udp.local', 12],
    ['lanline.local', 1],
    ['lanline-2.local', 1],
  ])
  segment.pass(600)
  const lines = segment.heard
    .filter(({ from }) => from.address === address)
    .flatMap(({ message: { answers } }) => answers)
  const told = lines.flatMap(({ data: one }) => (one.type === 'PTR' ? [one.target[0]!] : []))
  expect(told.sort(), `seed ${seed}`).toEqual([...services].sort())
  const addresses = lines.flatMap(({ data: one }) => (one.type === 'A' ? [one.address] : []))
  expect(addresses, `seed ${seed}`).toEqual([address])
  expect([host.hostname, other.hostname].sort(), `seed ${seed}`).toEqual(['lanline', 'lanline-2'])
  expect(host.machine.sizes.rounds, `seed ${seed}`).toBe(0)
}
