/** Messages made to be slow to read. Each is read so often that a decoder with more than linear cost never ends in time. */
import { describe, expect, it, vi } from 'vitest'
import { wishesPrivacy } from '../../src/sip/assertions.ts'
import { decode, limits } from '../../src/sip/codec.ts'
import { StreamFramer } from '../../src/sip/framing.ts'
import { mostParams } from '../../src/sip/grammar.ts'

const repeats = 200
const most = limits.messageBytes - 500
const full = (text: string): string => text.repeat(Math.floor(most / text.length))
const message = (lines: string): Buffer =>
  Buffer.from(
    `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n${lines}\r\n\r\n`,
  )

const slow: Readonly<Record<string, { readonly bytes: Buffer; readonly outcome: string }>> = {
  'a folded field with a long run of spaces': { bytes: message(`X: a\r\n b${full(' ')}c`), outcome: 'ok' },
  'a field of nothing but folds': { bytes: message(`X: a${full('\r\n b')}`), outcome: 'ok' },
  'lines without a colon': { bytes: message(full('c\r\n')), outcome: 'reject' },
  'empty fields without end': { bytes: message(full('X:\r\n')), outcome: 'reject' },
  'quotes that escape quotes': { bytes: message(`Contact: "${full('\\"')}" <sip:a@b>`), outcome: 'ok' },
  'a comma list without end': { bytes: message(`Route: ${full('<sip:a>,')}<sip:a>`), outcome: 'ok' },
}

describe('the worst messages of 64 KiB', () => {
  it.each(Object.entries(slow))('decoder reads %s in linear time', (_, { bytes, outcome }) => {
    for (let repeat = 0; repeat < repeats; repeat++) expect(decode(bytes).kind).toBe(outcome)
  })

  it.each(Object.entries(slow))('framer reads %s in linear time', (_, { bytes }) => {
    for (let repeat = 0; repeat < repeats; repeat++) new StreamFramer().push(bytes)
  })

  it('malformed fields count towards the limit of fields', () => {
    const answer = decode(message(full('c\r\n')))
    expect(answer).toMatchObject({ kind: 'reject', answer: { status: 400 } })
  })

  const params = (count: number): string =>
    Array.from({ length: count }, (_, at) => `;p${at.toString(36)}`).join('')
  const places: Readonly<Record<string, (written: string) => string>> = {
    'the Request-URI': written => `OPTIONS sip:a@b${written} SIP/2.0\r\n${essentials('', '', '')}`,
    Via: written => `OPTIONS sip:a@b SIP/2.0\r\n${essentials(written, '', '')}`,
    From: written => `OPTIONS sip:a@b SIP/2.0\r\n${essentials('', written, '')}`,
    To: written => `OPTIONS sip:a@b SIP/2.0\r\n${essentials('', '', written)}`,
  }
  it.each(Object.entries(places))('has so many parameters in %s and no more', (_, of) => {
    expect(decode(Buffer.from(of(params(mostParams - 1)))).kind).toBe('ok')
    expect(decode(Buffer.from(of(params(mostParams + 1)))).kind).toBe('reject')
    const bytes = Buffer.from(of(params(10_000)))
    for (let repeat = 0; repeat < repeats; repeat++) expect(decode(bytes).kind).toBe('reject')
  })
})

describe('a wish for privacy', () => {
  const wish = (name: string, value: string): boolean =>
    wishesPrivacy({
      ...{ kind: 'response', status: 200, reason: 'OK', body: new Uint8Array(0) },
      headers: [{ name, value }],
    })

  it('is found among others, however it is written', () => {
    for (const privacy of ['id', 'ID', 'header;id', 'user; id ;critical', 'session, id'])
      expect([privacy, wish('Privacy', privacy)]).toEqual([privacy, true])
    for (const privacy of ['', 'none', 'idle', 'x id', 'id;none'])
      expect([privacy, wish('Privacy', privacy)]).toEqual([privacy, false])
    expect(wish('Remote-Party-ID', '"A" <sip:a@b>;party=calling, <sip:c@d>;privacy=full')).toBe(true)
  })

  it.each([',', ';', 'a,', 'a;', ' ;'])('is not looked for in all of 64 KiB of %j', unit => {
    const looks = [vi.spyOn(RegExp.prototype, 'test'), vi.spyOn(String.prototype, 'trim')]
    expect([wish('Privacy', full(unit)), wish('Remote-Party-ID', full(unit))]).toEqual([false, false])
    const count = looks.reduce((sum, look) => sum + look.mock.calls.length, 0)
    for (const look of looks) look.mockRestore()
    expect(count).toBeLessThan(100)
  })
})

const essentials = (via: string, from: string, to: string): string =>
  `Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1${via}\r\nFrom: <sip:a@b>;tag=1${from}\r\nTo: <sip:b@b>${to}\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`
