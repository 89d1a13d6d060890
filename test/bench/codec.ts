/** Nanoseconds per decode and encode of the messages a registrar and proxy sees most, on one thread, no sockets. */
import { decode, encode } from '../../src/sip/codec.ts'

const lines = (...text: readonly string[]): string => `${text.join('\r\n')}\r\n\r\n`

const sdp = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:8hhY',
  'a=ice-pwd:asd88fgpdd777uzjYhagZgas',
  'a=ice-options:trickle',
  'a=setup:actpass',
  'a=mid:0',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  '',
].join('\r\n')

const digest = (uri: string): string =>
  `Digest username="alice", realm="lanline", nonce="0f9d1c37a8be5d2a4b6c8d0e1f2a3b4c5d6e7f80", uri="${uri}", ` +
  'response="6629fae49393a05397450978507c4ef1", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001'

const messages: Readonly<Record<string, string>> = {
  REGISTER: lines(
    'REGISTER sip:lanline.local SIP/2.0',
    'Via: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK-524287-1---4c8f2d;rport',
    'Max-Forwards: 70',
    'Contact: <sip:alice@192.168.1.20:5060;transport=UDP>;+sip.instance="<urn:uuid:0f9d1c37-a8be-4d2a-8b6c-8d0e1f2a3b4c>";reg-id=1',
    'To: <sip:alice@lanline.local>',
    'From: <sip:alice@lanline.local>;tag=7a1c3f2e',
    'Call-ID: 84b4c76e66710@192.168.1.20',
    'CSeq: 2 REGISTER',
    'Expires: 3600',
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO',
    'User-Agent: phone/1.2.3',
    `Authorization: ${digest('sip:lanline.local')}`,
    'Supported: path, outbound, gruu',
    'Content-Length: 0',
  ),
  INVITE:
    lines(
      'INVITE sip:bob@lanline.local SIP/2.0',
      'Via: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK-524287-1---4c8f2e;rport',
      'Max-Forwards: 70',
      'Contact: <sip:alice@192.168.1.20:5060;transport=UDP>',
      'To: <sip:bob@lanline.local>',
      'From: "Alice" <sip:alice@lanline.local>;tag=9fxced76sl',
      'Call-ID: 3848276298220188511@192.168.1.20',
      'CSeq: 2 INVITE',
      `Proxy-Authorization: ${digest('sip:bob@lanline.local')}`,
      'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO',
      'Supported: replaces, 100rel, timer',
      'User-Agent: phone/1.2.3',
      'Content-Type: application/sdp',
      `Content-Length: ${sdp.length}`,
    ) + sdp,
  '200 to INVITE':
    lines(
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bK0f9d1c37a8be5d2a',
      'Via: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK-524287-1---4c8f2e;rport=5060;received=192.168.1.20',
      'Record-Route: <sip:0f9d1c37a8be5d2a4b6c8d0e@192.168.1.2:5060;lr>',
      'Contact: <sip:bob@192.168.1.21:5060;transport=UDP>',
      'To: <sip:bob@lanline.local>;tag=314159',
      'From: "Alice" <sip:alice@lanline.local>;tag=9fxced76sl',
      'Call-ID: 3848276298220188511@192.168.1.20',
      'CSeq: 2 INVITE',
      'Content-Type: application/sdp',
      `Content-Length: ${sdp.length}`,
    ) + sdp,
}

/** Prints the median of eleven runs for each message and direction. */
export function benchCodec(options: { readonly json: boolean }): void {
  const rows = Object.entries(messages).map(([name, text]) => {
    const bytes = Buffer.from(text)
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') throw new Error(`${name} does not decode: ${decoded.kind}`)
    return {
      name,
      bytes: bytes.length,
      decodeNanoseconds: medianNanoseconds(() => decode(bytes)),
      encodeNanoseconds: medianNanoseconds(() => encode(decoded.message)),
    }
  })
  if (options.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`)
    return
  }
  for (const row of rows) {
    process.stdout.write(
      `${row.name.padEnd(16)} ${String(row.bytes).padStart(5)} bytes  decode ${row.decodeNanoseconds.toFixed(0).padStart(6)} ns  encode ${row.encodeNanoseconds.toFixed(0).padStart(6)} ns\n`,
    )
  }
  process.stdout.write('again: scripts/bench codec\n')
}

/** Of a run's mean, so that garbage collection is part of it. */
function medianNanoseconds(work: () => unknown): number {
  const repeats = 20_000
  const runs: number[] = []
  for (let run = 0; run < 11; run++) {
    const start = process.hrtime.bigint()
    for (let repeat = 0; repeat < repeats; repeat++) work()
    runs.push(Number(process.hrtime.bigint() - start) / repeats)
  }
  return runs.sort((a, b) => a - b)[runs.length >> 1]!
}
