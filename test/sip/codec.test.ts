import { describe, expect, it } from 'vitest'
import {
  callKey,
  decode,
  encode,
  first,
  formatNameAddr,
  formatVia,
  limits,
  parseAuth,
  parseCSeq,
  parseNameAddr,
  parseUri,
  parseVia,
  removeFirstValue,
  replaceFirstValue,
  response,
  tagOf,
  uriEquals,
  values,
} from '../../src/sip/codec.ts'
import type { SipMessage, SipRequest } from '../../src/sip/message.ts'
import { exampleVectors, tortureVectors, vectorBytes } from '../vectors/sip/vectors.ts'
import { withField } from './writing.ts'

const minimal = [
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  'From: <sip:alice@lan>;tag=a',
  'To: <sip:bob@lan>',
  'Call-ID: c1',
  'CSeq: 1 OPTIONS',
]

/** The bytes of an OPTIONS of `lines`, its last header included, and `body`. */
function options(lines: readonly string[], body = '', start = 'OPTIONS sip:bob@lan SIP/2.0'): Buffer {
  return Buffer.from(`${[start, ...lines].join('\r\n')}\r\n\r\n${body}`)
}

const without = (name: string): string[] => minimal.filter(line => !line.startsWith(`${name}:`))

function decoded(bytes: Uint8Array): SipMessage {
  const result = decode(bytes)
  if (result.kind !== 'ok') throw new Error(`${result.kind}: ${result.reason}`)
  return result.message
}

const request = (lines: readonly string[], body = ''): SipRequest =>
  decoded(options([...minimal, ...lines], body)) as SipRequest

describe('messages of the RFCs', () => {
  it.each([...exampleVectors, ...tortureVectors])('$name, RFC section $section: $about', vector => {
    const result = decode(vectorBytes(vector.name))
    expect(result.kind, result.kind === 'ok' ? '' : result.reason).toBe(vector.expected.kind)
    if (result.kind === 'reject' && vector.expected.kind === 'reject') {
      expect(result.answer.status).toBe(vector.expected.status)
    }
  })

  it.each(
    [...exampleVectors, ...tortureVectors].filter(v => v.expected.kind === 'ok'),
  )('$name is the same message after encoding and decoding', vector => {
    const message = decoded(vectorBytes(vector.name))
    const withLength = withField(message.headers, 'Content-Length', String(message.body.length))
    expect(decoded(encode(message))).toEqual({ ...message, headers: withLength })
  })

  it('the short tortuous INVITE says what it means', () => {
    const message = decoded(vectorBytes('rfc4475/wsinv')) as SipRequest
    expect(tagOf(message, 'To')).toBe('1918181833n')
    expect(parseNameAddr(first(message, 'From')!)).toMatchObject({
      displayName: 'J Rosenberg \\"',
      uri: 'sip:jdrosen@example.com',
    })
    expect(first(message, 'Max-Forwards')).toBe('0068')
    expect(parseCSeq(first(message, 'CSeq')!)).toEqual({ number: 9, method: 'INVITE' })
    expect(values(message, 'Via').map(parseVia)).toMatchObject([
      { transport: 'UDP', host: '192.0.2.2', port: undefined },
      { transport: 'TCP', host: 'spindle.example.com' },
      { transport: 'UDP', host: '192.168.255.111' },
    ])
    expect(values(message, 'Via').map(via => parseVia(via)?.params.get('branch'))).toEqual([
      '390skdjuw',
      'z9hG4bK9ikj8',
      'z9hG4bK30239',
    ])
    expect(first(message, 'Subject')).toBe('')
    expect(first(message, 'NewFangledHeader')).toBe('newfangled value continued newfangled value')
    expect(Object.fromEntries(parseNameAddr(values(message, 'Contact')[0]!)!.params)).toEqual({
      newparam: 'newvalue',
      secondparam: '',
      q: '0.33',
    })
  })

  it('escapes mean the characters they stand for, in URIs and nowhere else', () => {
    const escaped = decoded(vectorBytes('rfc4475/esc01')) as SipRequest
    expect(parseUri(escaped.uri)).toMatchObject({ user: 'sips:user@example.com', host: 'example.net' })
    expect(parseUri(parseNameAddr(first(escaped, 'To')!)!.uri)?.user).toBe('user')
    const contact = parseUri(parseNameAddr(first(escaped, 'Contact')!)!.uri)!
    expect([contact.user, contact.params]).toEqual([
      'caller',
      new Map([
        ['lr', ''],
        ['name', 'value%41'],
      ]),
    ])
    const unescaped = decoded(vectorBytes('rfc4475/esc02')) as SipRequest
    expect(unescaped.method).toBe('RE%47IST%45R')
    expect(values(unescaped, 'Contact')).toHaveLength(2)
    expect(parseNameAddr(first(unescaped, 'To')!)?.displayName).toBe('%Z%45')
  })

  it('a Contact parameter outside <> is not part of the URI', () => {
    const outside = parseNameAddr(first(decoded(vectorBytes('rfc4475/cparam01')), 'Contact')!)
    expect(outside).toMatchObject({ uri: 'sip:+19725552222@gw1.example.net' })
    expect(outside?.params.has('unknownparam')).toBe(true)
    const inside = parseNameAddr(first(decoded(vectorBytes('rfc4475/cparam02')), 'Contact')!)
    expect(parseUri(inside!.uri)?.params.has('unknownparam')).toBe(true)
  })

  it('the reason phrase of another language arrives whole', () => {
    const message = decoded(vectorBytes('rfc4475/unreason'))
    expect(message).toMatchObject({ reason: '= 2**3 * 5**2 но сто девяносто девять - простое' })
  })
})

describe('decode', () => {
  it('spells known names as RFC 3261 does, expands compact forms, leaves unknown names alone', () => {
    const bytes = options([
      'v: SIP/2.0/UDP h;branch=1',
      'F:<sip:a@b>',
      't:<sip:b@b>',
      'i:x',
      'cseq:1 OPTIONS',
      'x-Own: 1',
    ])
    expect(decoded(bytes).headers.map(field => field.name)).toEqual([
      'Via',
      'From',
      'To',
      'Call-ID',
      'CSeq',
      'x-Own',
    ])
  })

  it('ignores CRLFs before the start line', () => {
    expect(decode(Buffer.concat([Buffer.from('\r\n\r\n'), options(minimal)])).kind).toBe('ok')
    expect(decode(Buffer.from('\r\n\r\n'))).toEqual({ kind: 'drop', reason: 'empty' })
    expect(decode(new Uint8Array(0))).toEqual({ kind: 'drop', reason: 'empty' })
  })

  it('takes the rest of the datagram as the body when there is no Content-Length', () => {
    expect(Buffer.from(request([], 'whole').body).toString()).toBe('whole')
  })

  it('throws away the bytes past Content-Length', () => {
    expect(Buffer.from(request(['Content-Length: 3'], 'abcdef').body).toString()).toBe('abc')
  })

  it.each([
    '4',
    '-1',
    '+1',
    '1,1',
    '0x1',
    '1 1',
    '',
    '99999999999999999999',
  ])('refuses a Content-Length of %j before one byte', length => {
    expect(decode(options([...minimal, `Content-Length: ${length}`], 'a'))).toMatchObject({
      kind: 'reject',
      answer: { status: 400 },
    })
  })

  it.each([
    'Via',
    'From',
    'To',
    'Call-ID',
    'CSeq',
  ])('refuses a request without %s; without Via, in silence', name => {
    expect(decode(options(without(name))).kind).toBe(name === 'Via' ? 'drop' : 'reject')
  })

  it.each(['From', 'To', 'Call-ID', 'CSeq'])('refuses a second %s, even alike', name => {
    const twin = minimal.find(line => line.startsWith(`${name}:`))!
    expect(decode(options([...minimal, twin]))).toMatchObject({ kind: 'reject', answer: { status: 400 } })
  })

  it.each([
    ['a second Content-Length, even alike', ['Content-Length: 0', 'l: 0']],
    ['a second Content-Type', ['Content-Type: a/b', 'c: a/c']],
    ['a Max-Forwards over 255', ['Max-Forwards: 256']],
    ['a Max-Forwards that is no number', ['Max-Forwards: a']],
    ['a field without colon', ['Subject']],
    ['a field without name', [': x']],
    ['a name with a space in it', ['X Y: x']],
    ['a NUL', ['Subject: a\0b']],
    ['a lone LF', ['Subject: a\nRoute: <sip:evil>']],
    ['a lone CR', ['Subject: a\rRoute: <sip:evil>']],
    ['CR CR LF', ['Subject: a\r']],
    ['129 fields', Array<string>(limits.headerFields).fill('X: y')],
  ])('refuses %s', (_, lines) => {
    expect(decode(options([...minimal, ...lines]))).toMatchObject({ kind: 'reject', answer: { status: 400 } })
  })

  it('refuses a field that is folded onto the start line', () => {
    expect(decode(options([' folded', ...minimal]))).toMatchObject({
      kind: 'reject',
      answer: { status: 400 },
    })
  })

  it('reads text that is not UTF-8 as Latin-1, as old phones mean it, and writes it as UTF-8', () => {
    const name = 'From: "K\u00fcche" <sip:alice@lan>;tag=1'
    const bytes = Buffer.from(options([...without('From'), name]).toString(), 'latin1')
    expect(parseNameAddr(first(decoded(bytes), 'From')!)?.displayName).toBe('K\u00fcche')
    expect(encode(decoded(bytes)).includes(Buffer.from(name))).toBe(true)
    const uri = Buffer.from(options(minimal).toString().replace('sip:', 'sip:\u00fc'), 'latin1')
    expect(decode(uri)).toMatchObject({ kind: 'reject' })
    expect(first(request(['Subject: \ufffd']), 'Subject')).toBe('\ufffd')
    expect(first(request(['Subject: Gr\u00fc\u00dfe \u260e']), 'Subject')).toBe('Gr\u00fc\u00dfe \u260e')
  })

  it('lets an escaped NUL through, as RFC 3261 §25.1 does, and does not change it on the way out', () => {
    const bytes = options([...without('To'), 'To: "a\\\0b" <sip:bob@lan>'])
    expect(parseNameAddr(first(decoded(bytes), 'To')!)?.displayName).toBe('a\0b')
    expect(first(decoded(encode(decoded(bytes))), 'To')).toBe('"a\\\0b" <sip:bob@lan>')
  })

  it.each([
    '1',
    'INVITE',
    '1INVITE',
    '2147483648 OPTIONS',
    '-1 OPTIONS',
    '1 OPTIONS x',
    '1 INVITE',
  ])('refuses a CSeq of %j in an OPTIONS', cseq => {
    expect(decode(options([...without('CSeq'), `CSeq: ${cseq}`]))).toMatchObject({
      answer: { status: 400 },
    })
  })

  it.each([
    ['OPTIONS sip:bob@lan SIP/3.0', 505],
    ['OPTIONS sip:bob@lan SIP/2.1', 505],
    ['OPTIONS sip:bob@lan HTTP/1.1', 400],
    ['OPTIONS sip:bob@lan', 400],
    ['OPTIONS  SIP/2.0', 400],
    ['OPTIONS sip:bob@ SIP/2.0', 400],
    ['OPTIONS sip:bob@lan:0 SIP/2.0', 400],
    ['OPTIONS sip:bob@lan?a=b SIP/2.0', 400],
    ['OPTIONS bob SIP/2.0', 400],
  ])('answers %j with %i', (start, status) => {
    expect(decode(options(minimal, '', start))).toMatchObject({ kind: 'reject', answer: { status } })
  })

  it('copies into its answer what it could read, and puts a tag on To, the same one each time', () => {
    const bytes = options([...minimal, 'Max-Forwards: x'])
    const result = decode(bytes)
    if (result.kind !== 'reject') throw new Error(result.kind)
    expect(result).toEqual(decode(bytes))
    expect(result.answer.headers.map(field => field.name)).toEqual(['Via', 'From', 'To', 'Call-ID', 'CSeq'])
    expect(tagOf(result.answer, 'To')).toMatch(/^[0-9a-f]{16}$/)
    expect(decode(encode(result.answer)).kind).toBe('ok')
  })

  it('answers neither ACKs nor responses', () => {
    const ack = [...without('CSeq'), 'CSeq: 2 INVITE']
    expect(decode(options(ack, '', 'ACK sip:bob@lan SIP/2.0'))).toEqual({
      kind: 'drop',
      reason: 'cseqMismatch',
    })
    expect(decode(options(without('To'), '', 'SIP/2.0 200 OK'))).toEqual({ kind: 'drop', reason: 'badTo' })
    expect(decode(options(minimal, '', 'SIP/2.0 700 No')).kind).toBe('drop')
    expect(decode(options(minimal, '', 'SIP/3.0 200 OK')).kind).toBe('drop')
  })

  it('refuses more than 64 KiB with 513, and a head without end with 400', () => {
    const full = Buffer.concat([options(minimal), Buffer.alloc(limits.messageBytes)])
    expect(decode(full)).toMatchObject({ kind: 'reject', answer: { status: 513 } })
    expect(decode(options(minimal).subarray(0, -2))).toMatchObject({ kind: 'reject', reason: 'noHeadEnd' })
    expect(decode(options([...minimal, `X: ${'y'.repeat(60_000)}`])).kind).toBe('ok')
  })

  it('unfolds a value to one line, without the space of a fold at its beginning or end', () => {
    const folded = ['Call-ID:', '\tc2', ' ', 'Subject: a ', '  ', '\t b']
    const message = decoded(options([...without('Call-ID'), ...folded]))
    expect([first(message, 'Call-ID'), first(message, 'Subject')]).toEqual(['c2', 'a b'])
  })

  it('leaves the body alone, whatever is in it', () => {
    const body = Buffer.from([0, 13, 10, 13, 10, 255, 254, 0])
    const bytes = Buffer.concat([options([...minimal, `Content-Length: ${body.length}`]), body])
    expect(Buffer.from(decoded(bytes).body).equals(body)).toBe(true)
  })
})

describe('encode', () => {
  it('writes the Content-Length of the body, in the place of the one present', () => {
    const message = { ...request(['Content-Length: 0', 'X-Own: y']), body: Buffer.from('four') }
    expect(Buffer.from(encode(message)).toString()).toMatch(/\r\nContent-Length: 4\r\nX-Own: y\r\n\r\nfour$/)
    const bare = { ...message, headers: message.headers.filter(field => field.name !== 'Content-Length') }
    expect(Buffer.from(encode(bare)).toString()).toMatch(/\r\nX-Own: y\r\nContent-Length: 4\r\n\r\nfour$/)
  })

  it('lets no value start a field of its own', () => {
    const message = {
      ...request([]),
      headers: [...request([]).headers, { name: 'Subject', value: 'a\r\nRoute: <sip:evil>\0' }],
    }
    expect(first(decoded(encode(message)), 'Subject')).toBe('a Route: <sip:evil>')
    expect(first(decoded(encode(message)), 'Route')).toBeUndefined()
    const answer = response(request([]), 200, 'OK\r\nRoute: <sip:evil>')
    expect(first(decoded(encode(answer)), 'Route')).toBeUndefined()
  })
})

describe('response', () => {
  it('copies what RFC 3261 §8.2.6 says and adds the tag only where none is', () => {
    const answer = response(request(['Via: SIP/2.0/TCP b', 'Timestamp: 5']), 100, 'Trying')
    expect(answer.headers.map(field => field.name)).toEqual([
      'Via',
      'From',
      'To',
      'Call-ID',
      'CSeq',
      'Via',
      'Timestamp',
    ])
    expect(tagOf(response(request([]), 200, 'OK', [], 'mine'), 'To')).toBe('mine')
    const inside = decoded(options([...without('To'), 'To: <sip:bob@lan>;tag=theirs'])) as SipRequest
    expect(tagOf(response(inside, 200, 'OK', [], 'mine'), 'To')).toBe('theirs')
  })
})

describe('header lists', () => {
  const message = request([
    'Route: <sip:a,b@c;lr>, "x,\\"y" <sip:d>',
    'Subject: a, b',
    'Route: <sip:e>',
    'Supported:',
  ])
  const { headers } = message

  it('values are divided by commas outside quotes and <>, over all fields, where the grammar has a list', () => {
    expect(values(message, 'route')).toEqual(['<sip:a,b@c;lr>', '"x,\\"y" <sip:d>', '<sip:e>'])
    expect(values(message, 'Subject')).toEqual(['a, b'])
    expect(values(message, 'Supported')).toEqual([])
    const auth = request([
      'WWW-Authenticate: Digest realm="a", nonce="b"',
      'WWW-Authenticate: Digest realm="c"',
    ])
    expect(values(auth, 'WWW-Authenticate')).toHaveLength(2)
  })

  it('first finds a field by any spelling of its name', () => {
    expect(first(message, 'call-id')).toBe('c1')
    expect(first(message, 'i')).toBe('c1')
    expect(first(message, 'Contact')).toBeUndefined()
    expect(first(request(['X-Own: 1']), 'x-own')).toBe('1')
  })

  it('the topmost value is replaced and dropped', () => {
    expect(values({ headers: removeFirstValue(headers, 'Route') }, 'Route')).toEqual([
      '"x,\\"y" <sip:d>',
      '<sip:e>',
    ])
    expect(values({ headers: replaceFirstValue(headers, 'Route', '<sip:z>') }, 'Route')).toEqual([
      '<sip:z>',
      '"x,\\"y" <sip:d>',
      '<sip:e>',
    ])
    const vias = removeFirstValue(headers, 'Via')
    expect(first({ headers: vias }, 'Via')).toBeUndefined()
    expect(removeFirstValue(vias, 'Via')).toEqual(vias)
  })
})

describe('SIP URIs', () => {
  it.each([
    ['sip:alice@atlanta.com', { user: 'alice', host: 'atlanta.com', port: undefined }],
    [
      'SIPS:alice:secret%21@Atlanta.com:5061',
      { scheme: 'sips', password: 'secret%21', host: 'atlanta.com', port: 5061 },
    ],
    ['sip:192.0.2.4', { user: undefined, host: '192.0.2.4' }],
    ['sip:a@[2001:DB8::1]:5070;transport=tcp', { host: '2001:db8::1', port: 5070 }],
    ['sip:[::ffff:192.0.2.1]', { host: '::ffff:192.0.2.1' }],
    ['sip:b3c1.invalid;transport=ws', { host: 'b3c1.invalid' }],
    ['sip:+1-212-555-1212:1234@gateway.com;user=phone', { user: '+1-212-555-1212' }],
    ['sip:x@my_host', { host: 'my_host' }],
    ['sip:j%C3%BCrgen@lan', { user: 'j\u00fcrgen' }],
    ['sip:a@b;lr?subject=x&y=', { headers: 'subject=x&y=' }],
  ])('%s is read', (text, parts) => expect(parseUri(text)).toMatchObject(parts))

  it.each([
    'tel:+1',
    'sip:',
    'sip:@b',
    'sip:a@',
    'sip:a@b@c',
    'sip:a b@c',
    'sip:a@b c',
    'sip:a@b:',
    'sip:a@b:0',
    'sip:a@b:65536',
    'sip:a@b:5060x',
    'sip:a@[::1',
    'sip:a@[::1%eth0]',
    'sip:a@[192.0.2.1]',
    'sip:a@::1',
    'sip:a@999.1.1.1',
    'sip:a@-b',
    'sip:a@b..c',
    'sip:a@b;',
    'sip:a@b;;c',
    'sip:a@b;c=',
    'sip:a@b;c;C',
    'sip:a@b?',
    'sip:%@b',
    'sip:%ff@b',
    'sip:a"@b',
    'sip:a<@b',
    'sip:\u00fc@b',
  ])('%s is refused', text => expect(parseUri(text)).toBeUndefined())

  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:a@[::1]', 'sip:a@[0:0::1]'],
  ])('%s is %s (RFC 3261 §19.1.4)', (a, b) => {
    expect(uriEquals(parseUri(a)!, parseUri(b)!)).toBe(true)
    expect(uriEquals(parseUri(b)!, parseUri(a)!)).toBe(true)
  })

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b;x=1', 'sip:a@b;x=2'],
    ['sip:a:b@c', 'sip:a@c'],
  ])('%s is not %s', (a, b) => {
    expect(uriEquals(parseUri(a)!, parseUri(b)!)).toBe(false)
    expect(uriEquals(parseUri(b)!, parseUri(a)!)).toBe(false)
  })
})

describe('addresses', () => {
  it.each([
    ['<sip:a@b;lr>;tag=1', { displayName: undefined, uri: 'sip:a@b;lr' }],
    ['sip:a@b;tag=1', { displayName: undefined, uri: 'sip:a@b' }],
    ['A. Bell<sip:a@b>', { displayName: 'A. Bell' }],
    ['"a \\"b\\" \\\\ <c>, d" <sip:a@b>', { displayName: 'a "b" \\ <c>, d' }],
    ['"" <sip:a@b>', { displayName: '' }],
    ['J\u00fcrgen <sip:a@b>', { displayName: 'J\u00fcrgen' }],
    ['<tel:+1>', { uri: 'tel:+1' }],
  ])('%s is read', (text, parts) => expect(parseNameAddr(text)).toMatchObject(parts))

  it('parameters lose their quotes, and feature tags get them back', () => {
    const text = '<sip:a@b>;reg-id=1;+sip.instance="<urn:uuid:0>";q=0.5;x="a b"'
    const address = parseNameAddr(text)!
    expect(address.params.get('+sip.instance')).toBe('<urn:uuid:0>')
    expect(formatNameAddr(address)).toBe(text)
  })

  it.each([
    '',
    '*',
    '<>',
    '<sip:a@b',
    'sip:a@b>',
    '"a <sip:a@b>',
    '"a" sip:a@b',
    '<sip:a@b>x',
    '<sip:a@b>;;',
    '<sip:a@b>;tag=',
    '<sip:a@b>;tag=1;tag=2',
    '< sip:a@b>',
    'a,b <sip:a@b>',
    'sip:a@b?c',
    'sip:a,b@c',
    '<<sip:a@b>>',
  ])('%j is refused', text => expect(parseNameAddr(text)).toBeUndefined())
})

describe('Via', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport', { transport: 'UDP', host: '192.0.2.1', port: 5060 }],
    [
      'sip / 2.0 / WSS x.invalid',
      { protocol: 'SIP/2.0', transport: 'WSS', host: 'x.invalid', port: undefined },
    ],
    ['SIP/2.0/TCP [2001:db8::9:1]:9;received=2001:db8::9:255', { host: '2001:db8::9:1', port: 9 }],
    ['SIP/2.0/UDP h : 5060', { port: 5060 }],
  ])('%s is read', (text, parts) => expect(parseVia(text)).toMatchObject(parts))

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/ h',
    'SIP/1.0/UDP h',
    'SIP/2.0/UDP h:x',
    'SIP/2.0/UDP h;;',
    'SIP/2.0/UDP h;branch=',
    'SIP/2.0/UDP h i',
    'SIP/2.0/UDP h;a;a',
  ])('%j is refused', text => expect(parseVia(text)).toBeUndefined())

  it('comes out with its IPv6 host in brackets', () => {
    const via = {
      protocol: 'SIP/2.0',
      transport: 'UDP',
      host: '::1',
      port: 5060,
      params: new Map([
        ['received', '::2'],
        ['rport', ''],
      ]),
    }
    expect(formatVia(via)).toBe('SIP/2.0/UDP [::1]:5060;received=::2;rport')
  })
})

describe('authentication', () => {
  it('credentials are unquoted, and names are lower case', () => {
    const auth = parseAuth('Digest Username="al\\"ice", realm = "a, b" ,nc=00000001,qop=auth')!
    expect(auth.scheme).toBe('digest')
    expect(Object.fromEntries(auth.params)).toEqual({
      username: 'al"ice',
      realm: 'a, b',
      nc: '00000001',
      qop: 'auth',
    })
    expect(parseAuth('NoOneKnowsThisScheme opaque-data=here')?.scheme).toBe('nooneknowsthisscheme')
  })

  it.each([
    '',
    '"x"',
    'Digest realm="a',
    'Digest realm="a" nonce="b"',
    'Digest realm="a", realm="b"',
    'Digest ,',
  ])('%j is refused', text => expect(parseAuth(text)).toBeUndefined())
})

describe('callKey', () => {
  it('is 16 bytes of SHA-256 over Call-ID, NUL and tag', () => {
    expect(callKey('a84b4c76e66710', '1928301774')).toMatch(/^[0-9a-f]{32}$/)
    expect(callKey('a', 'bc')).not.toBe(callKey('ab', 'c'))
  })
})
