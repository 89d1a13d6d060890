/** What holds for every STUN and TURN message, and for every way a stream may cut them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIPv6 } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { decode, encode, limits } from '../../src/stun/codec.ts'
import { isIntact, longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, stunType } from '../../src/stun/message.ts'
import { TurnFramer } from '../../src/turn/framing.ts'
import { stunVector } from '../vectors/stun/vectors.ts'
import { mutations, runs } from './counts.ts'

const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const words = (maxBytes: number) =>
  fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter(value => value.isWellFormed() && Buffer.byteLength(value) <= maxBytes)
const address = fc.oneof(
  fc.ipV4(),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(octets => formatIPv6(octets)),
)
const endpoint = fc.record({ address, port: u16 })
const error = fc.record({ code: fc.integer({ min: 300, max: 699 }), reason: words(limits.reasonBytes) })
/** Any of the attributes, each there or not. */
const message: fc.Arbitrary<StunMessage> = fc.record(
  {
    type: fc.constantFrom(...Object.values(stunType)),
    transaction: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    ...{ mapped: endpoint, relayed: endpoint },
    // With every other attribute they are as many as `limits.attributes` lets through.
    peers: fc.array(endpoint, { minLength: 1, maxLength: 8 }),
    error,
    unknown: fc.array(u16, { minLength: 1, maxLength: 9 }),
    username: words(limits.usernameBytes),
    realm: words(limits.realmBytes),
    nonce: words(limits.nonceBytes),
    software: words(limits.softwareBytes),
    algorithm: u16,
    algorithms: fc.array(u16, { maxLength: 4 }),
    lifetimeSeconds: fc.nat(0xffff_ffff),
    ...{ transport: u8, family: u8, additionalFamily: u8 },
    addressError: fc.record({
      ...{ code: fc.integer({ min: 300, max: 699 }), reason: words(100) },
      family: u8,
    }),
    channel: u16,
    data: bytes(1_200),
    evenPort: fc.record({ reserveNext: fc.boolean() }),
    dontFragment: fc.constant(true as const),
    reservation: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  },
  { requiredKeys: ['type', 'transaction'] },
)
const kind = fc.constantFrom('sha1' as const, 'sha256' as const)
const key = longTermKey('md5', 'user', 'realm', 'password')

const read = (given: Uint8Array): StunMessage => {
  const decoded = decode(given)
  if (decoded.kind !== 'ok') throw new Error(`${decoded.kind}`)
  return decoded.message
}

describe('a message', () => {
  it('with any attributes of TURN is read as it was written', () => {
    fc.assert(
      fc.property(message, fc.boolean(), (given, fingerprint) => {
        expect(read(encode(given, { fingerprint }))).toEqual(given)
      }),
      { numRuns: runs * 4 },
    )
  })

  it('that was signed is intact with its key, with no other, and not with a byte changed', () => {
    fc.assert(
      fc.property(message, kind, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, how, at, change) => {
        const written = encode(given, { signing: signingWith(how, key), fingerprint: at % 2 === 0 }).slice()
        const { integrity, ...rest } = read(written)
        expect(rest).toEqual(given)
        expect(integrity?.kind).toBe(how)
        expect(isIntact(written, integrity!, key)).toBe(true)
        expect(isIntact(written, integrity!, longTermKey('md5', 'user', 'realm', 'passwort'))).toBe(false)
        const position = at % integrity!.offset
        // The length is not compared as it came: what is signed has the one that ends with the integrity.
        if (position === 2 || position === 3) return
        written[position]! ^= change
        expect(isIntact(written, integrity!, key)).toBe(false)
      }),
      { numRuns: runs },
    )
  })
})

describe('whatever comes', () => {
  it('is read or dropped: nothing throws, and what is read is bounded and can be written and read again', () => {
    const random = seededRandom(5)
    const corpus: Uint8Array[] = [...fc.sample(message, { numRuns: 300, seed: 7 })].map((each, index) =>
      encode(each, {
        ...(index % 2 === 0 && { signing: signingWith(index % 4 === 0 ? 'sha1' : 'sha256', key) }),
        fingerprint: index % 3 === 0,
      }).slice(),
    )
    corpus.push(stunVector('rfc5769-2.1-request'), stunVector('rfc8489-b.1-sha256'))
    const seen = { ok: 0, drop: 0 }
    for (let count = 0; count < mutations; count++) {
      const mutant = mutated(corpus[random.below(corpus.length)]!, random)
      const decoded = decode(mutant)
      if (decoded.kind === 'reject') throw new Error('there is nothing to reject')
      seen[decoded.kind]++
      if (decoded.kind !== 'ok') continue
      const { integrity, unknown, ...rest } = decoded.message
      if ((rest.peers?.length ?? 0) > limits.peers || (unknown?.length ?? 0) > mutant.length)
        throw new Error('unbounded')
      if (integrity) isIntact(mutant, integrity, key)
      if (count % 20 === 0) expect(read(encode(rest))).toEqual(read(encode(read(encode(rest)))))
    }
    expect(seen.ok).toBeGreaterThan(mutations / 10)
    expect(seen.drop).toBeGreaterThan(mutations / 10)
  })
})

/** Any bytes changed, added or left out; half of the time with the length put right, so that the attributes are looked at. */
function mutated(original: Uint8Array, random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(original)
  for (let change = random.below(4); change >= 0; change--) {
    const at = random.below(bytes.length)
    const kind = random.below(6)
    if (kind < 3) bytes[at] = random.below(256)
    else if (kind === 3) bytes = bytes.subarray(0, at + 1)
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(4), bytes.subarray(at)])
    else bytes = Buffer.concat([bytes, bytes.subarray(Math.min(at, 20))])
  }
  if (random.below(2) === 0 && bytes.length >= 20) {
    bytes = bytes.subarray(0, bytes.length - (bytes.length % 4))
    bytes.writeUInt16BE((bytes.length - 20) & 0xffff, 2)
    bytes[0]! &= 0x3f
    bytes.writeUInt32BE(0x2112a442, 4)
  }
  return bytes
}

const channelData = fc.record({ channel: fc.integer({ min: 0x4000, max: 0x7fff }), data: bytes(1_500) })
const piece = fc.oneof(
  message.map(each => ({ wire: encode(each).slice(), whole: encode(each).slice() })),
  channelData.map(({ channel, data }) => {
    const whole = Buffer.concat([
      Buffer.of(channel >> 8, channel & 0xff, data.length >> 8, data.length & 0xff),
      data,
    ])
    return { whole, wire: Buffer.concat([whole, Buffer.alloc((4 - (data.length % 4)) % 4)]) }
  }),
)

describe('a stream', () => {
  it('gives the same messages however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 900 })),
        (pieces, sizes) => {
          const stream = Buffer.concat(pieces.map(({ wire }) => wire))
          const framer = new TurnFramer()
          const got: string[] = []
          for (let at = 0; at < stream.length; ) {
            const size = sizes.next().value
            for (const each of framer.push(stream.subarray(at, at + size))!) got.push(hex(each))
            at += size
          }
          expect(got).toEqual(pieces.map(({ whole }) => hex(whole)))
        },
      ),
      { numRuns: runs },
    )
  })

  it('in single bytes gives them too, each with its last byte or its padding’s', () => {
    const pieces = fc.sample(piece, { numRuns: 20, seed: 3 })
    const framer = new TurnFramer()
    const got: string[] = []
    for (const { wire } of pieces)
      for (const byte of wire) got.push(...framer.push(Buffer.of(byte))!.map(hex))
    expect(got).toEqual(pieces.map(({ whole }) => hex(whole)))
  })

  it('of garbage is given up at once and for good, or holds no more than one message’s bytes', () => {
    const random = seededRandom(11)
    let broken = 0
    for (let run = 0; run < runs; run++) {
      const framer = new TurnFramer()
      let [given, taken] = [0, 0]
      for (let push = 0; push < 60; push++) {
        const chunk = random.bytes(1 + random.below(1_000))
        const messages = framer.push(chunk)
        if (messages === undefined) {
          broken++
          expect(framer.push(chunk)).toBe(undefined)
          break
        }
        given += chunk.length
        for (const each of messages) taken += each.length
        expect(given - taken).toBeLessThanOrEqual(limits.messageBytes + 4 * messages.length + 1_004)
      }
    }
    expect(broken).toBeGreaterThan(runs / 2)
  })

  it('does not keep a chunk alive for the few bytes that are left of it', () => {
    const framer = new TurnFramer()
    const chunk = Buffer.concat([ofChannel(8), Buffer.of(0x40, 0, 0)])
    framer.push(chunk)
    chunk.fill(0xff)
    expect(framer.push(Buffer.of(4, 1, 2, 3, 4))?.map(hex)).toEqual(['4000000401020304'])
  })
})

const ofChannel = (length: number): Buffer =>
  Buffer.concat([Buffer.of(0x40, 0, length >> 8, length & 0xff), Buffer.alloc(length)])
const hex = (given: Uint8Array): string => Buffer.from(given).toString('hex')
