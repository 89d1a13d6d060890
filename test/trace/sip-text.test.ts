import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventWriter } from '../../src/trace/event-json.ts'
import { SipReader } from '../../src/trace/sip-text.ts'
import { redactSip } from './redacted.ts'

const mark = (text: string) => new SipReader().read(Buffer.from(text))

describe('what a SIP message is known by', () => {
  it('is read from long and compact fields, with either line end, from the head alone', () => {
    const wanted = { callId: 'a1@host', fromTag: 'x', toTag: 'y', cseq: '7 BYE', method: 'BYE' }
    expect(
      mark(
        'BYE sip:b SIP/2.0\r\nFrom: "A; tag=no" <sip:a>;x=1;tag=x\r\nTo: <sip:b>;TAG=y\r\nCall-ID: a1@host\r\nCSeq: 7 BYE\r\n\r\n',
      ),
    ).toMatchObject({ ...wanted, name: 'BYE', request: true })
    expect(
      mark('SIP/2.0 200 OK\nf: <sip:a>;tag=x\nt: <sip:b> ; tag=y\ni: a1@host\nCSEQ:  7  BYE\n\n'),
    ).toMatchObject({
      ...{ ...wanted, name: '200 OK', request: false },
    })
    expect(mark('BYE sip:b SIP/2.0\r\n\r\nCall-ID: a\r\nFrom: <sip:a>;tag=x\r\nCSeq: 1 BYE\r\n')).toBe(
      undefined,
    )
  })

  it('is nothing where something is missing or too long', () => {
    expect(mark('INVITE sip:b SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n')).toBe(undefined)
    expect(
      mark(
        `INVITE sip:b SIP/2.0\r\nCall-ID: ${'a'.repeat(300)}\r\nFrom: <a>;tag=1\r\nCSeq: 1 INVITE\r\n\r\n`,
      ),
    ).toBe(undefined)
  })

  it('costs no more for a message that is made to be dear: a hundred of each kind are done at once', () => {
    const dear = [
      `\r\ni:${' '.repeat(2_000)}${'x'.repeat(300)}`,
      `\r\ni: ${`${' '.repeat(100)}x`.repeat(4)}`,
      `\r\nAuthorization: Digest ${'a'.repeat(700)}`,
      `\r\nRoute: ${'<'.repeat(700)}`,
      `\r\nFrom: ${'; '.repeat(700)}`,
    ]
    for (const line of dear) {
      const bytes = Buffer.from(
        `INVITE sip:x SIP/2.0${line.repeat(Math.floor(60_000 / line.length))}\r\n\r\n`,
      )
      for (let count = 0; count < 100; count++) {
        expect(new SipReader().read(bytes)).toBe(undefined)
        redactSip(bytes)
      }
    }
  })
})

/** What is put into messages: all that ends a line, continues it, or means something in a field. */
const bits = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n ',
    '\n\t',
    '\r\n\r\n',
    ' ',
    '"',
    '\\',
    ';',
    ':',
    '<',
    '>',
    '@',
    '=',
    ',',
    'ü',
    '\u0001',
  ],
  ...[
    ';tag=x',
    ';transport=udp',
    ';lr',
    ';secret=canary',
    ':canary@',
    '?X=canary',
    'Call-ID: z\r\n',
    'f: sip:a@b\r\n',
  ],
  ...[
    'Content-Type: text/plain\r\n',
    'Subject: canary\r\n',
    'Route: <sip:canary@h;lr>\r\n',
    'SIP/2.0 200 OK\r\n',
  ],
]
const head = [
  ...[
    'INVITE sip:b@h;transport=udp SIP/2.0',
    'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
    'From: "A" <sip:a@h>;tag=x',
  ],
  ...[
    'To: <sip:b@h>',
    'Call-ID: one',
    'CSeq: 1 INVITE',
    'Contact: <sip:a@h;transport=UDP>',
    'Max-Forwards: 70',
  ],
  ...[
    'Authorization: Digest username="a", nonce="canary"',
    'Content-Type: application/sdp',
    'Content-Length: 40',
  ],
]
const invite = `${head.join('\r\n')}\r\n\r\nv=0\r\na=ice-pwd:canary\r\na=ice-ufrag:abcd\r\n`
/** Where, how many characters go, and what comes instead. */
const change = fc.tuple(fc.nat(invite.length), fc.nat(6), fc.constantFrom(...bits))
const changed = fc
  .array(change, { maxLength: 4 })
  .map(changes =>
    changes.reduce((text, [at, gone, bit]) => text.slice(0, at) + bit + text.slice(at + gone), invite),
  )

describe('what is remembered of messages before', () => {
  it('changes nothing of what is read and kept: each is as if it were the first', () => {
    fc.assert(
      fc.property(fc.array(changed, { minLength: 2, maxLength: 8 }), texts => {
        const reader = new SipReader()
        for (const text of texts) {
          const bytes = Buffer.from(text)
          const [read, first] = [reader.read(bytes), mark(text)]
          expect(read && { ...read, start: 0, lines: 0, body: 0 }).toEqual(
            first && { ...first, start: 0, lines: 0, body: 0 },
          )
          expect(reader.text(bytes)).toBe(redactSip(bytes))
          if (read) expect(JSON.parse(reader.json(read))).toBe(redactSip(bytes))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is as good after it was forgotten, by itself or because it was too much', () => {
    const reader = new SipReader()
    const long = Buffer.from(invite.replace('v=0', `v=0\r\n${'b=AS:1\r\n'.repeat(4_000)}`))
    for (let count = 0; count < 100; count++) {
      expect(reader.text(Buffer.from(invite))).toBe(redactSip(Buffer.from(invite)))
      if (count % 10 === 0) reader.forget()
      reader.text(long)
    }
  })

  it('ends with the part of a message that may be kept: what it has too much of is cut in its text, not in its JSON', () => {
    const lines = Array.from({ length: 90 }, (_, index) => `b="${'\\"'.repeat(100)}${index}"`).join('\r\n')
    const text = redactSip(Buffer.from(`${head.join('\r\n')}\r\n\r\n${lines}`))
    expect(text.length).toBe(16_385)
    expect(text.endsWith('…')).toBe(true)
  })
})

it('a message’s event is written as JSON would be', () => {
  const end = { address: '192.0.2.1', port: 5060 }
  const writer = new EventWriter()
  fc.assert(
    fc.property(
      changed,
      fc.string(),
      fc.constantFrom('udp' as const, 'tls' as const),
      (text, name, transport) => {
        const read = mark(text)
        if (read === undefined) return
        const json = new SipReader().json(read)
        const way = { direction: 'in', party: 'caller', transport, local: end, remote: end } as const
        const event = writer.json(
          7,
          { atMilliseconds: -1.5, source: 'caller' },
          { kind: 'sip', ...way, name, cseq: read.cseq, json },
        )
        expect(JSON.parse(event)).toEqual({
          ...{ number: 7, atMilliseconds: -1.5, source: 'caller', kind: 'sip', ...way },
          ...{ name, cseq: read.cseq, text: redactSip(Buffer.from(text)) },
        })
      },
    ),
  )
})
