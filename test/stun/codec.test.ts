import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIPv6 } from '../../src/core/endpoint.ts'
import { answerBinding, decode, encode, limits, looksLikeStun } from '../../src/stun/codec.ts'
import { type StunMessage, stunType } from '../../src/stun/message.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const runs = process.env.LANLINE_SOAK ? 1_000_000 : 5_000

describe('the XOR-MAPPED-ADDRESS of RFC 5769', () => {
  // RFC 5769 §2.2 and §2.3, without the attributes after the address.
  it('reads and writes the IPv4 sample', () => {
    const sample = hex('0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001 a147 e112a643')
    const message: StunMessage = {
      type: stunType.bindingSuccess,
      transaction: hex('b7e7a701bc34d686fa87dfae'),
      mapped: { address: '192.0.2.1', port: 32853 },
    }
    expect(decode(sample)).toEqual({ kind: 'ok', message })
    expect(encode(message)).toEqual(sample)
  })

  it('reads and writes the IPv6 sample', () => {
    const sample = hex(`0101 0018 2112a442 b7e7a701bc34d686fa87dfae
      0020 0014 0002 a147 0113a9faa5d3f179bc25f4b5bed2b9d9`)
    const message: StunMessage = {
      type: stunType.bindingSuccess,
      transaction: hex('b7e7a701bc34d686fa87dfae'),
      mapped: { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 },
    }
    expect(decode(sample)).toEqual({ kind: 'ok', message })
    expect(encode(message)).toEqual(sample)
  })
})

describe('a keep-alive', () => {
  const transaction = hex('000102030405060708090a0b')
  const source = { address: '192.0.2.7', port: 5060 }

  it('is answered with the source it came from', () => {
    const answer = answerBinding(encode({ type: stunType.bindingRequest, transaction }), source)
    expect(decode(answer!)).toEqual({
      kind: 'ok',
      message: { type: stunType.bindingSuccess, transaction, mapped: source },
    })
  })

  it('with an attribute that must be understood is refused with 420 and its number', () => {
    const request = hex('0001 0008 2112a442 000102030405060708090a0b 7fff 0001 aa000000')
    const answer = decode(answerBinding(request, source)!)
    expect(answer).toMatchObject({
      message: { type: stunType.bindingError, error: { code: 420 }, unknown: [0x7fff] },
    })
  })

  it('with an attribute that may be ignored is answered', () => {
    const request = hex('0001 0008 2112a442 000102030405060708090a0b 8022 0003 61626300')
    expect(decode(answerBinding(request, source)!)).toMatchObject({ message: { mapped: source } })
  })

  it('that is an answer or an indication gets no answer', () => {
    expect(
      answerBinding(encode({ type: stunType.bindingSuccess, transaction, mapped: source }), source),
    ).toBe(undefined)
    expect(answerBinding(encode({ type: stunType.bindingIndication, transaction }), source)).toBe(undefined)
  })

  it.each([
    ['a length that is not the datagram’s', '0001 0004 2112a442 000102030405060708090a0b'],
    ['a length that is no multiple of four', '0001 0003 2112a442 000102030405060708090a0b 010203'],
    ['an attribute that runs over the end', '0001 0004 2112a442 000102030405060708090a0b 80220004'],
    ['another cookie', '0001 0000 2112a443 000102030405060708090a0b'],
    ['another method', '0002 0000 2112a442 000102030405060708090a0b'],
    ['less than a header', '0001 0000 2112a442'],
  ])('with %s is dropped', (_name, text) => {
    expect(decode(hex(text)).kind).toBe('drop')
    expect(answerBinding(hex(text), source)).toBe(undefined)
  })
})

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map(octets => octets.join('.')),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .filter(octets => octets[0] !== 0)
    .map(formatIPv6),
)
const message: fc.Arbitrary<StunMessage> = fc.record({
  type: fc.constantFrom(stunType.bindingSuccess, stunType.bindingIndication, stunType.bindingError),
  transaction: fc.uint8Array({ minLength: 12, maxLength: 12 }),
  mapped: fc.record({ address, port: fc.nat(65_535) }),
  error: fc.record({ code: fc.integer({ min: 300, max: 699 }), reason: fc.string({ maxLength: 60 }) }),
  unknown: fc.array(fc.nat(0x7fff), { minLength: 1, maxLength: 9 }),
})

describe('for all', () => {
  it('messages, reading what was written gives them back', () => {
    fc.assert(
      fc.property(message, original => {
        expect(decode(encode(original))).toEqual({ kind: 'ok', message: original })
      }),
      { numRuns: 500 },
    )
  })

  it('bytes, decode answers without throwing and stays within its bounds', () => {
    const header = fc.uint8Array({ maxLength: 64 }).map(rest => {
      const bytes = Uint8Array.from([
        0,
        1,
        0,
        rest.length,
        0x21,
        0x12,
        0xa4,
        0x42,
        ...new Uint8Array(12),
        ...rest,
      ])
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(header, fc.uint8Array({ maxLength: limits.messageBytes + 9 })), bytes => {
        const decoded = decode(bytes)
        if (decoded.kind !== 'drop') expect(looksLikeStun(bytes)).toBe(true)
        answerBinding(bytes, { address: '::1', port: 1 })
      }),
      { numRuns: runs },
    )
  })

  it('mutations of a valid message, decode answers without throwing', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (original, position, value) => {
        const bytes = encode(original)
        bytes[position % bytes.length] = value
        expect(['ok', 'drop', 'reject']).toContain(decode(bytes).kind)
      }),
      { numRuns: runs },
    )
  })
})
