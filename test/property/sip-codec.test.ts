/** What holds for every message: decoding is total, encoding is its inverse, chunks do not change a stream. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../src/core/random.ts'
import {
  decode,
  encode,
  formatNameAddr,
  formatVia,
  limits,
  parseAuth,
  parseCSeq,
  parseNameAddr,
  parseUri,
  parseVia,
  tagOf,
  values,
} from '../../src/sip/codec.ts'
import { type FramedItem, StreamFramer } from '../../src/sip/framing.ts'
import type { HeaderField, NameAddr, SipMessage, SipUri, Via } from '../../src/sip/message.ts'
import { uriText } from '../sip/writing.ts'
import { exampleVectors, tortureVectors, vectorBytes } from '../vectors/sip/vectors.ts'
import { mutations, runs } from './counts.ts'

const vectors = [...exampleVectors, ...tortureVectors].map(vector => vectorBytes(vector.name))

// ------------------------------------------------------------------------------------------------ generators

const from = (characters: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength })

const lower = 'abcdefghijklmnopqrstuvwxyz0123456789'
const token = from(`${lower}ABCXYZ-.!%*_+\`'~`, 1, 12)
const lowerToken = from(`${lower}-.!*_`, 1, 8)
/** Text as may stand in quotes: anything but line ends and NUL. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(value => !/[\r\n\0]/.test(value))
const host = fc.oneof(
  fc.constantFrom('lan', 'atlanta.example.com', 'a-b.c.', 'my_host.local', '3com.example'),
  fc.ipV4(),
  fc.constantFrom('::1', '2001:db8::1', 'fe80::1:2:3', '::ffff:192.0.2.1'),
)
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
const flagOr = (value: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(''), value)
const params = (value: fc.Arbitrary<string>): fc.Arbitrary<Map<string, string>> =>
  fc
    .uniqueArray(fc.tuple(lowerToken, flagOr(value)), { maxLength: 5, selector: ([name]) => name })
    .map(list => new Map(list))

const uris: fc.Arbitrary<SipUri> = fc
  .record({
    scheme: fc.constantFrom('sip' as const, 'sips' as const),
    user: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), { nil: undefined }),
    password: fc.option(from(`${lower}&=+$,`, 1, 8), { nil: undefined }),
    host,
    port,
    params: params(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })),
    headers: fc.option(from(`${lower}=&%20?/:`.replaceAll('%', ''), 1, 12), { nil: undefined }),
  })
  .map(uri => (uri.user === undefined ? { ...uri, password: undefined } : uri))

const addresses: fc.Arbitrary<NameAddr> = fc.record({
  displayName: fc.option(text, { nil: undefined }),
  uri: uris.map(uriText),
  params: params(text),
})

const vias: fc.Arbitrary<Via> = fc.record({
  protocol: fc.constant('SIP/2.0'),
  transport: fc.constantFrom('UDP', 'TCP', 'TLS', 'WS', 'WSS', 'x-own'),
  host,
  port,
  params: params(text),
})

const otherFields: fc.Arbitrary<HeaderField> = fc.oneof(
  fc.record({
    name: fc.constantFrom(
      'Subject',
      'Supported',
      'Allow',
      'Warning',
      'Reason',
      'X-Own',
      'P-Some!Thing',
      'Authorization',
    ),
    value: text.map(value => value.replace(/^[ \t]+|[ \t]+$/g, '')),
  }),
  fc.record({
    name: fc.constantFrom('Contact', 'Route', 'Record-Route', 'Path'),
    value: addresses.map(formatNameAddr),
  }),
)

const messages: fc.Arbitrary<SipMessage> = fc
  .record({
    method: token,
    uri: uris.map(uri => uriText({ ...uri, headers: undefined })),
    status: fc.option(fc.integer({ min: 100, max: 699 }), { nil: undefined }),
    reason: text,
    vias: fc.array(vias.map(formatVia), { minLength: 1, maxLength: 4 }),
    parties: fc.tuple(addresses.map(formatNameAddr), addresses.map(formatNameAddr)),
    callId: token,
    number: fc.integer({ min: 0, max: limits.cseq }),
    hops: fc.integer({ min: 0, max: 255 }),
    others: fc.array(otherFields, { maxLength: 12 }),
    body: fc.uint8Array({ maxLength: 200 }),
  })
  .map(parts => {
    const [sender, recipient] = parts.parties
    const headers = [
      ...parts.vias.map(value => ({ name: 'Via', value })),
      { name: 'Max-Forwards', value: String(parts.hops) },
      { name: 'From', value: sender },
      { name: 'To', value: recipient },
      { name: 'Call-ID', value: parts.callId },
      { name: 'CSeq', value: `${parts.number} ${parts.method}` },
      ...parts.others,
      { name: 'Content-Length', value: String(parts.body.length) },
    ]
    const { body, status } = parts
    return status === undefined
      ? { kind: 'request', method: parts.method, uri: parts.uri, headers, body }
      : { kind: 'response', status, reason: parts.reason, headers, body }
  })

// ------------------------------------------------------------------------------------------------- mutations

const splices = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  ',',
  ';',
  ':',
  '"',
  '\\',
  '<',
  '>',
  '%',
  '@',
  '[',
  ']',
  '\u00ff',
  'SIP/2.0',
  'l: 5\r\n',
  'v:',
  '\r\n ',
]

/** `bytes` with one to four things done to it: bytes changed, cut out, put in, doubled, or another message spliced in. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes)
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(changed.length + 1)
    const to = Math.min(changed.length, at + random.below(40))
    const [before, after] = [changed.subarray(0, at), changed.subarray(at)]
    switch (random.below(6)) {
      case 0:
        if (at < changed.length) changed[at] = random.below(256)
        break
      case 1:
        changed = Buffer.concat([before, changed.subarray(to)])
        break
      case 2:
        changed = Buffer.concat([
          before,
          Buffer.from(splices[random.below(splices.length)]!, 'latin1'),
          after,
        ])
        break
      case 3:
        changed = Buffer.concat([before, changed.subarray(at, to), after])
        break
      case 4:
        changed = Buffer.from(before)
        break
      default: {
        const other = vectors[random.below(vectors.length)]!
        changed = Buffer.concat([before, other.subarray(random.below(other.length))])
      }
    }
  }
  return changed
}

/** What the machine reads of any message that decode lets through. */
function readAll(message: SipMessage): void {
  for (const via of values(message, 'Via')) parseVia(via)
  for (const name of ['Contact', 'Route', 'Record-Route', 'Path']) {
    for (const value of values(message, name)) parseUri(parseNameAddr(value)?.uri ?? value)
  }
  for (const value of values(message, 'Authorization')) parseAuth(value)
  tagOf(message, 'From')
}

/** A property holds that returns nothing, and `expect` returns something. */
function same(found: unknown, wanted: unknown): void {
  expect(found).toEqual(wanted)
}

describe('decode', () => {
  it(`never throws, and what it accepts can be read, encoded and decoded again (${mutations} mutations)`, () => {
    const random = seededRandom(4475)
    const seen = { ok: 0, reject: 0, drop: 0 }
    for (let count = 0; count < mutations; count++) {
      const bytes = mutated(vectors[count % vectors.length]!, random)
      const result = decode(bytes)
      seen[result.kind]++
      // Comparing costs more than decoding: every sixteenth is enough to find what any does.
      if (result.kind === 'ok') {
        readAll(result.message)
        if (count % 16 === 0) expectSame(result.message)
      } else if (result.kind === 'reject' && count % 16 === 0) {
        expect(result.answer.status).toBeOneOf([400, 505, 513])
        encode(result.answer)
      }
    }
    expect(Math.min(seen.ok, seen.reject, seen.drop)).toBeGreaterThan(mutations / 100)
  })

  it('is the inverse of encode', () => {
    fc.assert(fc.property(messages, expectSame), { numRuns: runs, seed: 3261 })
  })

  it('never throws for bytes of no meaning', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void decode(bytes)),
      { numRuns: runs, seed: 1 },
    )
  })
})

/** `message` is what decode(encode(message)) gives, but for the Content-Length that encode makes right. */
function expectSame(message: SipMessage): void {
  const again = decode(encode(message))
  if (again.kind !== 'ok') throw new Error(`${again.kind}: ${again.reason}`)
  const comparable = (from: SipMessage): unknown => ({
    ...from,
    headers: from.headers.filter(field => field.name !== 'Content-Length'),
    body: Buffer.from(from.body).toString('hex'),
  })
  expect(comparable(again.message)).toEqual(comparable(message))
}

describe('what is formatted is parsed to the same', () => {
  it('URI', () => {
    fc.assert(
      fc.property(uris, uri => same(parseUri(uriText(uri)), uri)),
      { numRuns: runs, seed: 2 },
    )
  })

  it('name and address', () => {
    fc.assert(
      fc.property(addresses, address => same(parseNameAddr(formatNameAddr(address)), address)),
      { numRuns: runs, seed: 3 },
    )
  })

  it('Via', () => {
    fc.assert(
      fc.property(vias, via => same(parseVia(formatVia(via)), via)),
      { numRuns: runs, seed: 4 },
    )
  })

  it('CSeq', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: limits.cseq }), token, (number, method) =>
        same(parseCSeq(`${number} ${method}`), { number, method }),
      ),
      { numRuns: runs, seed: 5 },
    )
  })

  it('lists of addresses, joined by commas or one a field', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(addresses.map(formatNameAddr), { minLength: 1, maxLength: 4 }), { maxLength: 3 }),
        lines => {
          const headers = lines.map(line => ({ name: 'Route', value: line.join(', ') }))
          expect(values({ headers }, 'Route')).toEqual(lines.flat())
        },
      ),
      { numRuns: runs, seed: 6 },
    )
  })
})

describe('StreamFramer', () => {
  /** A stream's pieces: messages, keep-alives, and sometimes something that breaks it. */
  const pieces = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: messages.map(message => Buffer.from(encode(message))) },
      { weight: 2, arbitrary: fc.constantFrom(Buffer.from('\r\n'), Buffer.from('\r\n\r\n')) },
      { weight: 1, arbitrary: fc.constantFrom(...vectors) },
    ),
    { minLength: 1, maxLength: 6 },
  )

  const shown = (items: readonly FramedItem[]): string[] =>
    items.map(item =>
      item.kind === 'message' ? Buffer.from(item.bytes).toString('latin1') : JSON.stringify(item),
    )

  it('gives the same items in any chunking, and never holds more than its bound', () => {
    fc.assert(
      fc.property(
        pieces,
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 }),
        (parts, sizes) => {
          const stream = Buffer.concat(parts)
          const framer = new StreamFramer()
          const items: FramedItem[] = []
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length]!
            // A copy, overwritten afterwards, as a socket's buffer may be. What came out whole must not change with it.
            const chunk = Buffer.from(stream.subarray(at, at + size))
            items.push(...framer.push(chunk))
            expect(framer.heldBytes).toBeLessThanOrEqual(limits.messageBytes)
            at += size
          }
          expect(shown(items)).toEqual(shown(new StreamFramer().push(stream)))
        },
      ),
      { numRuns: Math.ceil(runs / 2), seed: 7 },
    )
  })

  it('gives the messages that went in', () => {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 5 }), sent => {
        const encoded = sent.map(message => Buffer.from(encode(message)).toString('latin1'))
        expect(shown(new StreamFramer().push(Buffer.from(encoded.join(''), 'latin1')))).toEqual(encoded)
      }),
      { numRuns: runs, seed: 8 },
    )
  })

  it('gives the same items for mutated streams byte by byte', () => {
    const random = seededRandom(18)
    for (let count = 0; count < mutations / 100; count++) {
      const stream = mutated(vectors[count % vectors.length]!, random)
      const framer = new StreamFramer()
      const items = Array.from(stream, byte => framer.push(Uint8Array.of(byte))).flat()
      expect(shown(items)).toEqual(shown(new StreamFramer().push(stream)))
    }
  })

  it('agrees with the decoder on where a message ends', () => {
    const random = seededRandom(7230)
    for (let count = 0; count < mutations / 10; count++) {
      for (const item of new StreamFramer().push(mutated(vectors[count % vectors.length]!, random))) {
        const result = item.kind === 'message' ? decode(item.bytes) : undefined
        if (item.kind !== 'message' || result?.kind !== 'ok') continue
        const headEnd = Buffer.from(item.bytes).indexOf('\r\n\r\n') + 4
        expect(result.message.body.length).toBe(item.bytes.length - headEnd)
      }
    }
  })
})
