import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { linkType } from '../../../src/trace/packets/message.ts'
import { udpPacket } from '../../../src/trace/packets/synthesize.ts'
import { alice, bob, pcap, read } from './files.ts'

const u16 = (value: number): number[] => [value >> 8, value & 0xff]
const u24 = (value: number): number[] => [value >> 16, ...u16(value & 0xffff)]

/** A fragment of a handshake message in a record of its own; the whole of it unless said otherwise. */
function record(type: number, sequence: number, body: Buffer, from = 0, to = body.length): Buffer {
  const piece = body.subarray(from, to)
  const header = [type, ...u24(body.length), ...u16(sequence), ...u24(from), ...u24(piece.length)]
  const content = Buffer.from([...header, ...piece])
  return Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, ...u16(content.length), ...content])
}

const extension = (type: number, ...value: number[]): number[] => [
  ...u16(type),
  ...u16(value.length),
  ...value,
]

function clientHello(random: number, ...extensions: number[][]): Buffer {
  const list = extensions.flat()
  const ciphers = [0x1a, 0x1a, 0xc0, 0x2b, 0x13, 0x01]
  return Buffer.from([
    ...[0xfe, 0xfd, ...Array<number>(32).fill(random), 0, 3, 9, 9, 9],
    ...[...u16(ciphers.length), ...ciphers, 1, 0, ...u16(list.length), ...list],
  ])
}

function serverHello(random: Buffer, ...extensions: number[][]): Buffer {
  const list = extensions.flat()
  return Buffer.from([0xfe, 0xfd, ...random, 0, 0xc0, 0x2b, 0, ...u16(list.length), ...list])
}

const srtp = extension(14, 0, 4, 0, 1, 0, 7, 0)
const versions = extension(43, 6, 0x1a, 0x1a, 0xfe, 0xfc, 0xfe, 0xfd)
const hello = clientHello(1, srtp, versions)

const dtlsOf = (datagrams: readonly Buffer[], from = alice, to = bob) =>
  read(
    pcap(
      linkType.raw,
      datagrams.map(each => udpPacket(from, to, each)),
    ),
  ).packets.map(({ content }) => content)

describe('a DTLS handshake', () => {
  it('shows what the client offers: versions, ciphers, SRTP profiles, without the values that mean nothing', () => {
    expect(dtlsOf([record(1, 0, hello)])).toMatchObject([
      {
        kind: 'dtls',
        messages: [{ type: 1, hello: { version: 0xfefc, ciphers: [0xc02b, 0x1301], srtpProfiles: [1, 7] } }],
      },
    ])
  })

  it('shows what the server chose: in DTLS 1.2 with the profile, in 1.3 by its extension', () => {
    const random = Buffer.alloc(32, 4)
    const [dtls12, dtls13] = [
      serverHello(random, extension(14, 0, 2, 0, 7, 0)),
      serverHello(Buffer.alloc(32, 5), extension(43, 0xfe, 0xfc)),
    ]
    expect(dtlsOf([record(2, 1, dtls12), record(2, 0, dtls13)])).toMatchObject([
      { messages: [{ hello: { version: 0xfefd, ciphers: [0xc02b], srtpProfiles: [7] } }] },
      { messages: [{ hello: { version: 0xfefc, srtpProfiles: [] } }] },
    ])
  })

  it('has a message once, whose fragments came in any order and were all sent again', () => {
    const pieces = [record(1, 0, hello, 0, 20), record(1, 0, hello, 20, 70), record(1, 0, hello, 70)]
    const contents = dtlsOf([pieces[2]!, pieces[0]!, pieces[1]!, ...pieces, record(1, 0, hello)])
    expect(contents.map(each => each.kind === 'dtls' && each.fragments)).toEqual(Array(7).fill([1]))
    const messages = contents.flatMap(each => (each.kind === 'dtls' ? each.messages : []))
    expect(messages).toMatchObject([{ type: 1, hello: { srtpProfiles: [1, 7] } }])
  })

  it('has several messages of one datagram, and both hellos where a cookie or another key share was asked for', () => {
    const retry = serverHello(
      Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
    )
    const contents = dtlsOf([
      Buffer.concat([record(2, 0, retry), record(2, 1, serverHello(Buffer.alloc(32, 6)))]),
    ])
    expect(contents).toMatchObject([
      { records: 2, messages: [{ messageSequence: 0, hello: { retry: true } }, { messageSequence: 1 }] },
    ])
  })

  it('that begins anew on the same path is another one', () => {
    const again = clientHello(2, srtp, versions)
    const contents = dtlsOf([record(1, 0, hello), record(1, 0, again), record(1, 0, again)])
    expect(contents.map(each => each.kind === 'dtls' && each.messages.length)).toEqual([1, 1, 0])
  })

  it('tells the certificate by its SHA-256', () => {
    const certificate = Buffer.from('a certificate’s DER')
    const body = Buffer.from([...u24(certificate.length + 3), ...u24(certificate.length), ...certificate])
    const [first, second] = [record(11, 2, body, 0, 9), record(11, 2, body, 9)]
    expect(dtlsOf([first, second])[1]).toMatchObject({
      messages: [{ certificateSha256: createHash('sha256').update(certificate).digest('hex') }],
    })
  })

  it('is counted where it is encrypted: later epochs, the short header of DTLS 1.3, connection ids', () => {
    const later = record(20, 0, Buffer.alloc(40))
    later[4] = 1
    const short = Buffer.from([0x2f, 0, 1, ...u16(20), ...Array<number>(20).fill(9)])
    const withId = Buffer.from([25, 0xfe, 0xfd, 0, 1, ...Array<number>(40).fill(0)])
    const alert = Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40])
    expect(dtlsOf([later, Buffer.concat([short, short]), withId, alert])).toMatchObject([
      { records: 1, encrypted: 1, fragments: [], messages: [] },
      { records: 2, encrypted: 2 },
      { records: 1, encrypted: 1 },
      { records: 1, encrypted: 0, alerts: 1 },
    ])
  })

  it('with a hello that says nonsense is still a handshake, without what it says', () => {
    const nonsense = Buffer.from(hello)
    // Longer than itself: the list of ciphers.
    nonsense[39] = 0xff
    expect(dtlsOf([record(1, 0, nonsense)])).toMatchObject([{ messages: [{ type: 1 }] }])
    expect(dtlsOf([record(1, 0, nonsense)])[0]).not.toHaveProperty('messages.0.hello')
  })
})
