import { describe, expect, it } from 'vitest'
import { redactSip, SipReader } from '../../src/trace/sip-text.ts'

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
