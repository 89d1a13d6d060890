import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import {
  documentOf,
  fingerprintOfKey,
  publicKeyOf,
  signTrace,
  verifyTrace,
} from '../../src/trace/document.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { pagePolicy, tracePage } from '../../src/trace/page.ts'
import { isPage, signPage, verifyPage } from '../../src/trace/signed-page.ts'
import { fortyMessages, longRow } from './long-story.ts'
import { eventsOf, otherPrint } from './story.ts'

const page = (row: CallRow, events: readonly TraceEvent[]): string =>
  tracePage(documentOf({ version: '1', appliance: 'here', row, events, kept: undefined }), {
    fingerprint: 'AB:CD',
  })

const forty = page(longRow(39_762), fortyMessages())
const textOf = (html: string): string => html.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]*>/g, ' ')

describe('trace.html', () => {
  it('says who, when, which way and why, with every table', () => {
    const told = textOf(forty)
    for (const words of [
      ...['Alice Arnold', '2026-11-21 09:30:15 UTC', 'after 4.2 s', 'by callee: hangup'],
      ...['Relayed: lanline carried 513 kB for', 'To change it:', '407 challenge', 'nothing came back'],
      ...['DTLS 1.3', 'TLS_AES_128_GCM_SHA256', '0x1a2b0001', 'Round trip', 'lanline was started again'],
      ...['6.332 s: opened (otherNetwork)', '192.168.10.77', 'lanline trace verify', 'AB:CD'],
    ])
      expect(told).toContain(words)
    // What only counts is in drawings and tables.
    expect(told).toMatch(/\d+ events that only count/)
  })

  it('says of each stream what of its packets was sent again', () => {
    const events = eventsOf().map(one => {
      if (one.kind !== 'quality' || one.source !== 'callee') return one
      const streams = one.streams.map(stream => ({
        ...stream,
        repeats: stream.direction === 'sent' ? 0 : 12,
      }))
      return { ...one, streams }
    })
    expect(textOf(page(longRow(30_000), events)).match(/, \d+ again/g)).toEqual([', 12 again'])
  })

  it('puts contradictions side by side', () => {
    const html = page(longRow(30_000), eventsOf({ calleeApplied: otherPrint }))
    expect(html).toMatch(
      /<div class="sides"><div>exchange: sha-256 AA[^<]*<\/div><div>callee applied: sha-256 CC[^<]*<\/div><\/div>/,
    )
    expect(textOf(html)).toContain('The sides disagree')
  })

  it('needs no script and nothing from anywhere', () => {
    expect(forty).not.toMatch(
      /<script|<link|<img|<iframe|<object|<form|@import|url\(|\son\w+=|\sstyle=|javascript:/i,
    )
    expect(forty.match(/(?:src|href)="(?!#)[^"]*"/g)).toBe(null)
    expect(pagePolicy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /)
    expect(forty).toContain('<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;;')
  })

  it('leads from each row of the ladder to an event that is there', () => {
    const targets = [...forty.matchAll(/href="#(event-\d+)"/g)].map(([, id]) => id!)
    expect(new Set(targets).size).toBeGreaterThan(50)
    expect([...new Set(targets)].filter(id => !forty.includes(`<li id="${id}">`))).toEqual([])
    const ids = [...forty.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('says what each phase of its ladder is, and of no other', () => {
    const told = (html: string): string[] =>
      [
        ...(/<dl class="phases">(.*?)<\/dl>/s.exec(html)?.[1] ?? '').matchAll(
          /<dt>(\w+)<\/dt><dd>[^<]{60,}<\/dd>/g,
        ),
      ].map(([, name]) => name!)
    expect(told(forty).sort()).toEqual(['DTLS', 'ICE', 'Relay', 'SRTP', 'Signalling'])
    expect(told(page(longRow(30_000), eventsOf())).sort()).toEqual(['DTLS', 'ICE', 'Signalling'])
  })

  it('says so where there are no events any more', () => {
    const html = page(longRow(30_000), [])
    expect(textOf(html)).toContain('no longer kept')
  })

  it('lets no text of a phone or client become markup, wherever it stands', () => {
    const nasty = fc.oneof(
      fc.string(),
      fc.constantFrom(
        ...[
          '<script>alert(1)</script>',
          '"><img src=x onerror=alert(1)>',
          "'-alert(1)-'",
          ']]></title></style>',
        ],
        ...['</pre></details><h1>', '<!-- -->', '\u0000\u202e\ud800&lt;', '--><svg onload=x>'],
      ),
    )
    // An empty text leaves out what would be there otherwise, a long one is drawn elsewhere: all of these tags are ours.
    const ours = new Set(['x', '', 'x'.repeat(500)].flatMap(text => tagsOf(page(longRow(1), hostile(text)))))
    fc.assert(
      fc.property(nasty, text => {
        const row = {
          ...longRow(1),
          callerName: text,
          calleeName: text,
          id: text,
          reason: text,
          callerUser: text,
        }
        const html = page(row as CallRow, hostile(text))
        expect(tagsOf(html).filter(tag => !ours.has(tag))).toEqual([])
        for (const once of ['<h1', '</h1', '<style', '</style', '</body', '<main'])
          expect(html.split(once)).toHaveLength(2)
        expect(html.split('<pre').length).toBe(html.split('</pre>').length)
        expect(html).not.toMatch(/[\u0000-\u0008\u202e\ud800]/)
      }),
      { numRuns: 60 },
    )
  })
})

/** Every tag with its attributes' names, which no text may add to. Links go to places that do not depend on text. */
const tagsOf = (html: string): string[] =>
  (html.match(/<[^>]*>/g) ?? []).map(tag => tag.replace(/="[^"]*"/g, ''))

/** An event of each kind with this text wherever one is. */
function hostile(text: string): TraceEvent[] {
  const end = { address: text, port: 1 }
  const pair = {
    ...{ localType: text, localAddress: text, localPort: 1, remoteType: text, remoteAddress: text },
    ...{ remotePort: 2, protocol: text },
  }
  const print = { localFingerprint: text, remoteFingerprint: text }
  const list = [
    { kind: 'call', what: 'ended', by: 'caller', reason: text },
    {
      kind: 'sip',
      direction: 'in',
      party: 'caller',
      transport: text,
      local: end,
      remote: end,
      name: text,
      cseq: text,
      text,
    },
    {
      kind: 'channel',
      direction: 'out',
      party: 'callee',
      device: text,
      local: end,
      remote: end,
      type: text,
      message: { [text]: text, sdp: text },
    },
    { kind: 'flow', what: 'closed', party: 'caller', device: text, remote: end },
    { kind: 'state', what: 'iceConnection', from: text, to: text },
    { kind: 'checks', pairs: [{ local: text, remote: text, state: 'failed', why: 'unanswered' }] },
    { kind: 'pair', pair },
    { kind: 'dtls', state: text, version: text, cipher: text, srtpProfile: text, ...print },
    { kind: 'network', who: 'caller', addresses: [text] },
    { kind: 'leftOut', what: text, count: 2 },
  ]
  return list.map(
    (one, index) =>
      ({ number: index + 1, atMilliseconds: index, source: 'caller', ...one }) as unknown as TraceEvent,
  )
}

describe('a signed page', () => {
  const seed = new Uint8Array(32).fill(7)
  const key = publicKeyOf(seed)
  const file = signPage('<!doctype html>\n<meta name="lanline-call" content="c0ffee"><p>träce</p>\n', seed)

  it('is genuine with the key in it, with its fingerprint, and with no other', () => {
    expect(isPage(file)).toBe(true)
    for (const wanted of [undefined, fingerprintOfKey(key), Buffer.from(key).toString('base64')])
      expect(verifyPage(file, wanted)).toMatchObject({ kind: 'genuine', call: 'c0ffee' })
    const other = fingerprintOfKey(publicKeyOf(new Uint8Array(32)))
    expect(verifyPage(file, other)).toMatchObject({ kind: 'wrong' })
  })

  it('fails with any one byte changed, left out or put in', () => {
    const passed: string[] = []
    for (let index = 0; index < file.length; index++) {
      const changed = file.slice()
      changed[index]! ^= 1 << (index % 8)
      if (verifyPage(changed, undefined).kind === 'genuine') passed.push(`${index} changed`)
      const cut = Buffer.concat([file.subarray(0, index), file.subarray(index + 1)])
      if (verifyPage(cut, undefined).kind === 'genuine') passed.push(`${index} cut`)
      const filled = Buffer.concat([file.subarray(0, index), Buffer.from(' '), file.subarray(index)])
      if (verifyPage(filled, undefined).kind === 'genuine') passed.push(`${index} filled`)
    }
    expect(passed).toEqual([])
  })

  it('is no trace.json, nor is one a page', () => {
    const trace = documentOf({ version: '1', appliance: 'a', row: longRow(1), events: [], kept: undefined })
    const json = Buffer.from(signTrace(trace, seed))
    expect(isPage(json)).toBe(false)
    expect(verifyPage(json, undefined).kind).toBe('wrong')
    expect(verifyTrace(file, undefined).kind).toBe('wrong')
  })
})
