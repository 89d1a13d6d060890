import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactChannel, safeField, safeStart } from '../../src/trace/redact.ts'
import { redactSdp, safeCandidate } from '../../src/trace/redact-sdp.ts'
import { redactSip } from './redacted.ts'

const sdp = (secret: string): string =>
  [
    'v=0',
    `o=${secret} 1 1 IN IP4 192.0.2.1`,
    `s=${secret}`,
    `i=${secret}`,
    `k=clear:${secret}`,
    'c=IN IP4 192.0.2.1',
    't=0 0',
    'm=audio 5000 UDP/TLS/RTP/SAVPF 111',
    'a=rtpmap:111 opus/48000/2',
    'a=ice-ufrag:Ab12',
    `a=ice-pwd:${secret}`,
    'a=fingerprint:sha-256 AA:BB',
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${secret}|2^20`,
    `a=ssrc:7 cname:${secret}`,
    `a=key-mgmt:mikey ${secret}`,
    `a=x-token:${secret}`,
    'a=candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host generation 0 ufrag Ab12',
    `a=candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host x-secret ${secret}`,
    `${secret}`,
  ].join('\r\n')

const sip = (secret: string, method = 'INVITE', type = 'application/sdp', body = sdp(secret)): Uint8Array =>
  Buffer.from(
    [
      `${method} sip:bob:${secret}@lanline.local;transport=udp;token=${secret}?X=${secret} SIP/2.0`,
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
      `From: "Alice" <sip:alice:${secret}@lanline.local;pn-prid=${secret}>;tag=abc;sig=${secret}`,
      'To: <sip:bob@lanline.local>',
      'Call-ID: one@192.0.2.1',
      'CSeq: 1 INVITE',
      `Refer-To: "B" <sip:b@h>;a="b ${secret}`,
      `Reply-To: sip:b@h;${secret};x="${secret}`,
      `Contact: <sip:alice@192.0.2.1;key="${secret}">;+sip.instance="<urn:uuid:1>"`,
      `Route: <sip:${secret}@192.0.2.9;lr;t=${secret}>, <sip:192.0.2.8;lr>`,
      `Record-Route: <sip:${secret}@192.0.2.9;lr>;x=${secret}`,
      `Proxy-Authorization: Digest username="alice", realm="r", nonce="${secret}", uri="sip:${secret}@x", response="${secret}", cnonce="${secret}", opaque=${secret}`,
      `Authorization: Bearer ${secret}`,
      `Authorization: Basic ${secret}==`,
      `WWW-Authenticate: Digest realm="r", qop="auth", nonce="${secret}", opaque="${secret}"`,
      `Authentication-Info: nextnonce="${secret}", rspauth="${secret}"`,
      `Cookie: session=${secret}`,
      `X-Api-Key: ${secret}`,
      `Subject: ${secret}`,
      `P-Charging-Vector: icid-value=${secret}`,
      ` folded ${secret}`,
      `Identity: ${secret}`,
      `Content-Type: ${type}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )

const canary = fc.stringMatching(/^canary[A-Za-z0-9]{10,24}$/)

describe('what is kept of a message', () => {
  it('holds no planted secret, wherever in a SIP message it stands', () => {
    fc.assert(
      fc.property(canary, secret => {
        for (const [method, type, body] of [
          ['INVITE', 'application/sdp', sdp(secret)],
          ['MESSAGE', 'text/plain', secret],
          ['INFO', 'application/dtmf-relay', secret],
          ['INFO', 'application/trickle-ice-sdpfrag', `a=ice-pwd:${secret}`],
          ['INVITE', 'multipart/mixed;boundary=b', `--b\r\n\r\n${secret}\r\n--b--`],
        ]) {
          expect(redactSip(sip(secret, method, type, body))).not.toContain(secret)
        }
      }),
    )
  })

  it('holds no planted secret of a channel message', () => {
    fc.assert(
      fc.property(canary, secret => {
        const messages = [
          {
            type: 'hello',
            token: secret,
            client: secret,
            tab: secret,
            resume: [{ call: 'c', dialog: secret }],
          },
          { type: 'call', ref: 'r', to: 'bob', sdp: sdp(secret), video: false },
          {
            type: 'relay',
            call: 'c',
            servers: [
              {
                urls: [`turn:${secret}@h:1`, 'turn:192.0.2.9:3478?transport=udp'],
                username: secret,
                credential: secret,
              },
            ],
          },
          { type: 'dialog', call: 'c', dialog: secret },
          {
            type: 'candidate',
            call: 'c',
            candidate: {
              candidate: `candidate:1 1 udp 1 192.0.2.1 1 typ host pwd ${secret}`,
              password: secret,
            },
          },
          { type: 'candidate', call: 'c', candidate: secret },
          {
            type: 'bye',
            call: 'c',
            reason: 'hangup',
            message: secret,
            text: secret,
            [secret]: 1,
            servers: secret,
            by: { user: 'b', secret },
          },
          { type: 'incoming', call: 'c', from: { user: 'a', secret }, for: { user: 'b', secret } },
        ]
        for (const message of messages) expect(JSON.stringify(redactChannel(message))).not.toContain(secret)
      }),
    )
  })

  it('still shows what a reader needs', () => {
    const text = redactSip(sip('canarycanary'))
    for (const needed of [
      'INVITE sip:bob:[redacted]@lanline.local;transport=udp;token=[redacted]?[redacted] SIP/2.0',
      'username="alice"',
      'realm="r"',
      'branch=z9hG4bK1',
      'tag=abc',
      'From: "Alice" <sip:alice:[redacted]@lanline.local;pn-prid=[redacted]>;tag=abc;sig=[redacted]',
      '<sip:[redacted]@192.0.2.9;lr>',
      'a=ice-ufrag:Ab12',
      'a=ice-pwd:[redacted]',
      'a=fingerprint:sha-256 AA:BB',
      'a=candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host generation 0 ufrag Ab12',
      'a=ssrc:7 cname',
    ])
      expect(text).toContain(needed)
  })

  it('shows for whom a call is that rings at another', () => {
    const diversion = '"House" <sip:house@lanline.local>;reason=unconditional;counter=1'
    expect(safeField('Diversion', diversion)).toBe(diversion)
    const told = { from: { user: 'oma', name: 'Grandma' }, for: { user: 'house', name: 'House' } }
    expect(redactChannel({ type: 'incoming', call: 'c', ...told })).toMatchObject(told)
  })

  it('names nobody whom a party is handed on to: that is of another call, and a guest may read this one', () => {
    for (const [written, kept] of [
      [
        '"Carol" <sip:carol@192.0.2.9:5060;transport=tcp?Replaces=a%3Bto-tag%3Db>;x=carol',
        '<sip:[redacted]@192.0.2.9:5060;transport=tcp?[redacted]>',
      ],
      ['sip:carol@lanline.local;x=carol', '<sip:[redacted]@lanline.local>'],
      ['<sips:21:carol@[fd00::1]>', '<sips:[redacted]@[fd00::1]>'],
      ['<tel:carol>', '<tel:[redacted]>'],
      ['carol', '<[redacted]>'],
    ] as const) {
      for (const name of ['Refer-To', 'r', 'Referred-By', 'b']) expect(safeField(name, written)).toBe(kept)
    }
    expect(redactChannel({ type: 'refer', call: 'c', to: 'carol' })).toMatchObject({ to: '[redacted]' })
    const to = { user: 'carol', name: 'Carol' }
    expect(redactChannel({ type: 'referred', call: 'c', to })).toMatchObject({ to: '[redacted]' })
    expect(redactChannel({ type: 'call', ref: 'r', to: 'carol', referred: 'c' })).toEqual({
      ...{ type: 'call', ref: 'r', to: 'carol', referred: 'c' },
    })
  })

  it('keeps how a call goes that was asked for, and nothing else of a fragment', () => {
    const fragment = (body: string) =>
      redactSip(sip('canary', 'NOTIFY', 'message/sipfrag;version=2.0', body)).split('\r\n\r\n')[1]
    expect(fragment('SIP/2.0 180 canary\r\nTo: canary\r\n')).toBe('SIP/2.0 180')
    expect(fragment('SIP/2.0 200')).toBe('SIP/2.0 200')
    expect(fragment('INVITE sip:canary SIP/2.0')).toBe('[25 characters of message/sipfrag]')
  })

  it('keeps addresses of a relay and not its credentials', () => {
    const urls = ['turn:192.0.2.9:3478?transport=udp', 'turns:[2001:db8::9]:5349?transport=tcp']
    expect(redactChannel({ type: 'relay', servers: [{ urls, username: 'u', credential: 'c' }] })).toEqual({
      type: 'relay',
      servers: [{ urls, username: '[redacted]', credential: '[redacted]' }],
    })
  })

  it('lets through as they are only addresses that the long way would have made the same', () => {
    const user = fc.stringMatching(/^[A-Za-z0-9.+*%=,$&-]{1,12}$/)
    const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/)
    const host = fc.stringMatching(/^[A-Za-z0-9.:[\]-]{1,16}$/)
    const uri = fc
      .tuple(
        fc.constantFrom('sip', 'sips'),
        fc.option(user),
        host,
        fc.constantFrom('', ';transport=tls', ';ob;lr'),
      )
      .map(([scheme, who, at, parameters]) => `${scheme}:${who === null ? '' : `${who}@`}${at}${parameters}`)
    fc.assert(
      fc.property(uri, fc.constantFrom('', '"Ada B. (home)" '), fc.option(token), (to, name, tag) => {
        const address = `${name}<${to}>${tag === null ? '' : `;tag=${tag}`}`
        // A space behind it is not plain, nor is a method with a full stop: both are taken apart.
        expect(safeField('from', address)).toBe(safeField('from', `${address} `))
        expect(safeStart(`INVITE ${to} SIP/2.0`)).toBe(
          safeStart(`IN.VITE ${to} SIP/2.0`).replace('IN.VITE', 'INVITE'),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes any bytes and any text, and gives bounded text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), fc.string(), (bytes, text) => {
        expect(redactSip(bytes).length).toBeLessThan(20_000)
        expect(redactSdp(text)).toBeTypeOf('string')
        expect(safeCandidate(text)).toBeTypeOf('string')
      }),
    )
    const huge = Buffer.from(`INVITE sip:b@h SIP/2.0\r\n${'Via: x\r\n'.repeat(100_000)}\r\n`)
    expect(redactSip(huge).length).toBeLessThan(20_000)
  })
})
