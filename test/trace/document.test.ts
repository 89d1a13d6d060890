import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { canonical } from '../../src/trace/canonical.ts'
import {
  documentOf,
  fingerprintOfKey,
  publicKeyOf,
  type SignedTrace,
  signTrace,
  summaryOf,
  verifyTrace,
} from '../../src/trace/document.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { eventsOf } from './story.ts'

const seed = new Uint8Array(32).fill(7)
const row = { id: 'c', callerUser: 'alice', calleeUser: 'bob', answeredAt: 1 } as unknown as CallRow
const document = documentOf({
  version: '1',
  appliance: 'here',
  row,
  events: eventsOf({ everySeconds: 14 }),
  kept: undefined,
})
const file = signTrace(document, seed)
const bytes = new TextEncoder().encode(file)

describe('trace.json', () => {
  it('is genuine with the key in the file, with its fingerprint and with the key itself', () => {
    const key = publicKeyOf(seed)
    for (const wanted of [
      undefined,
      fingerprintOfKey(key),
      fingerprintOfKey(key).toLowerCase(),
      Buffer.from(key).toString('base64'),
    ]) {
      expect(verifyTrace(bytes, wanted)).toMatchObject({
        kind: 'genuine',
        trace: { format: 'lanline-trace/1', verdict: { path: 'direct' } },
      })
    }
    expect(verifyTrace(bytes, fingerprintOfKey(publicKeyOf(new Uint8Array(32))))).toMatchObject({
      kind: 'wrong',
    })
  })

  it('counts from the answer to the first media each way, not to a camera that is turned on later', () => {
    const media = (at: number, source: 'caller' | 'callee', media: 'audio' | 'video'): TraceEvent => ({
      ...{
        number: at,
        atMilliseconds: at,
        source,
        kind: 'firstMedia',
        direction: 'received',
        media,
        ssrc: at,
      },
    })
    const events = [
      ...eventsOf(),
      media(1_250, 'caller', 'audio'),
      media(1_400, 'callee', 'audio'),
      media(14_000, 'callee', 'video'),
    ]
    expect(summaryOf(row, events).answeredToMediaMilliseconds).toBe(499)
  })

  it('fails with any one byte changed, left out or put in', () => {
    const passed: string[] = []
    for (let index = 0; index < bytes.length; index++) {
      const changed = bytes.slice()
      changed[index]! ^= 1 << (index % 8)
      if (verifyTrace(changed, undefined).kind === 'genuine') passed.push(`${index} changed`)
      // Every byte's change is tried; cutting and filling in at every seventh place takes a seventh of the time.
      if (index % 7 > 0) continue
      const cut = new Uint8Array([...bytes.subarray(0, index), ...bytes.subarray(index + 1)])
      if (verifyTrace(cut, undefined).kind === 'genuine') passed.push(`${index} cut`)
      const filled = new Uint8Array([...bytes.subarray(0, index), 0x20, ...bytes.subarray(index)])
      if (verifyTrace(filled, undefined).kind === 'genuine') passed.push(`${index} filled`)
    }
    expect(passed).toEqual([])
  })

  it('fails with a member put in anywhere, the signature too, which does not sign itself', () => {
    const put = (text: string): string => verifyTrace(new TextEncoder().encode(text), undefined).kind
    const { signature, ...rest } = JSON.parse(file) as SignedTrace
    const within = canonical({ ...rest, signature: { ...signature, note: 'witnessed' } })
    const proto = file.replace('"signature":{', '"signature":{"__proto__":{"note":1},')
    expect(put(canonical({ ...rest, signature }))).toBe('genuine')
    for (const text of [within, proto, canonical({ ...rest, note: '', signature })])
      expect(put(text)).toBe('wrong')
  })

  it('signed by somebody else is not ours, and says whose key it was', () => {
    const forged = new TextEncoder().encode(signTrace(document, new Uint8Array(32).fill(9)))
    expect(verifyTrace(forged, fingerprintOfKey(publicKeyOf(seed)))).toMatchObject({
      kind: 'wrong',
      why: expect.stringContaining('another key'),
    })
  })

  it('takes any bytes as a file', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map(text => new TextEncoder().encode(text)),
        ),
        given => {
          expect(verifyTrace(given, undefined).kind).toBe('wrong')
        },
      ),
    )
    for (const text of [
      'null',
      '[]',
      '{"format":"lanline-trace/1"}',
      '{"format":"lanline-trace/1","signature":null}',
      file.replace('"events":[', `"events":[${'['.repeat(50_000)}${']'.repeat(50_000)},`),
    ]) {
      expect(verifyTrace(new TextEncoder().encode(text), undefined).kind).toBe('wrong')
    }
  })

  it('keeps its verdict when the events are forgotten', () => {
    const later = documentOf({ version: '1', appliance: 'here', row, events: [], kept: document.summary })
    expect(later.verdict).toEqual(document.verdict)
  })
})

describe('canonical JSON', () => {
  it('writes RFC 8785’s example of sorted members', () => {
    const value = {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew',
      '1': 'One',
      '😀': 'Emoji',
      '\u0080': 'Control',
      ö: 'o',
    }
    expect(Object.values(JSON.parse(canonical(value)))).toHaveLength(7)
    expect(canonical(value)).toMatch(
      /^\{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"o","€":"Euro Sign","😀":"Emoji","\ufb33":"Hebrew"\}$/,
    )
    expect(canonical({ b: 1e21, a: [undefined, -0, 0.1], c: undefined })).toBe('{"a":[null,0,0.1],"b":1e+21}')
  })

  it('has one text for one value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = canonical(value)
        expect(canonical(JSON.parse(text))).toBe(text)
      }),
    )
  })
})
