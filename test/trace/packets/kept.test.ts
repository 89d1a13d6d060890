import { describe, expect, it } from 'vitest'
import type { Epoch } from '../../../src/core/clock.ts'
import { answerBinding } from '../../../src/stun/codec.ts'
import { capturedPackets, keptLimits, readableBytes } from '../../../src/trace/packets/kept.ts'
import { linkType, type Packet } from '../../../src/trace/packets/message.ts'
import { CaptureReader } from '../../../src/trace/packets/reader.ts'
import { readStun } from '../../../src/trace/packets/stun.ts'
import { CallMatch } from '../../../src/trace/packets/summary.ts'
import { udpPacket } from '../../../src/trace/packets/synthesize.ts'
import { alice, bob, captured, check, pcap } from './files.ts'

function packetsOf(file: Uint8Array): Packet[] {
  const reader = new CaptureReader({ wire: true })
  return [...reader.push(file), ...reader.end().packets]
}
const one = (message: Uint8Array): Packet =>
  packetsOf(pcap(linkType.raw, [udpPacket(alice, bob, message)]))[0]!
const dataOf = (packet: Packet): Buffer => Buffer.from(readableBytes(packet)!.bytes.subarray(28))

describe('what is kept of a captured packet', () => {
  it('of a check is all but what was made with the password; its FINGERPRINT is right again', () => {
    const kept = dataOf(one(check))
    expect(readStun(kept, kept.length)?.stun).toMatchObject({ username: 'evtj:h6vY', class: 'request' })
    // RFC 5769 §2.1: MESSAGE-INTEGRITY 9a ea a7 0c …
    expect(Buffer.from(check).includes(Buffer.from('9aeaa70c', 'hex'))).toBe(true)
    expect(kept.includes(Buffer.from('9aeaa70c', 'hex'))).toBe(false)
    expect(kept.includes(Buffer.from('000800140000000000000000', 'hex'))).toBe(true)
    // Whoever checks FINGERPRINT answers.
    expect(answerBinding(kept, alice)).toBeDefined()
  })

  it('of a request to a relay is neither name nor nonce', () => {
    const attribute = (type: number, value: string): Buffer => {
      const head = Buffer.alloc(4)
      head.writeUInt16BE(type, 0)
      head.writeUInt16BE(value.length, 2)
      return Buffer.concat([head, Buffer.from(value)])
    }
    const attributes = Buffer.concat([
      attribute(0x0006, 'grant-of-alice-1'),
      attribute(0x0014, 'realm-of'),
      attribute(0x0015, 'nonce-of'),
      attribute(0xc0ff, 'unknown!'),
      attribute(0x0013, 'payload!'),
    ])
    const head = Buffer.from('000300002112a442000102030405060708090a0b', 'hex')
    head.writeUInt16BE(attributes.length, 2)
    const kept = dataOf(one(Buffer.concat([head, attributes]))).toString('latin1')
    expect(kept).toHaveLength(20 + attributes.length)
    expect(kept).not.toMatch(/grant|realm|nonce|unknown|payload/)
  })

  it('of media is its fixed header, in a channel as well', () => {
    const rtp = Buffer.concat([
      Buffer.from('806f0001000000010000002a', 'hex'),
      Buffer.from('spoken words, as long as they may be'),
    ])
    const bare = readableBytes(one(rtp))!
    expect(bare.bytes).toHaveLength(28 + 12)
    expect(bare.originalBytes).toBe(28 + rtp.length)
    const head = Buffer.from('40010000', 'hex')
    head.writeUInt16BE(rtp.length, 2)
    expect(readableBytes(one(Buffer.concat([head, rtp])))!.bytes).toHaveLength(28 + 4 + 12)
  })

  it('of a DTLS datagram ends where its readable handshake does', () => {
    const record = (type: number, epoch: number, text: string): Buffer =>
      Buffer.concat([
        Buffer.from([type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, text.length]),
        Buffer.from(text),
      ])
    const hello = record(22, 0, '\x01\0\0\x04\0\0\0\0\0\0\0\x04body')
    const kept = dataOf(one(Buffer.concat([hello, record(23, 1, 'a word in secret')])))
    expect(kept).toEqual(hello)
  })
})

describe('which packets of a call are kept', () => {
  it('are some of each kind and direction, of media the first and the last, in order', () => {
    const match = new CallMatch({
      parties: {
        caller: { ufrags: ['eIyP'], addresses: ['10.77.0.12'] },
        callee: { ufrags: ['Y26x'], addresses: ['10.77.0.13'] },
      },
      applianceAddresses: ['10.77.0.11'],
    })
    const packets = packetsOf(captured('direct'))
    for (const packet of packets) match.add(packet)
    const begin = packets[0]!.at!
    const told = capturedPackets(match.kept(), (at: Epoch) => at - begin)
    expect(told.length).toBeGreaterThan(30)
    expect(told.length).toBeLessThanOrEqual(keptLimits.packets)
    expect(told.map(({ atMilliseconds }) => atMilliseconds)).toEqual(
      told.map(({ atMilliseconds }) => atMilliseconds).sort((a, b) => a - b),
    )
    const kinds = new Set(told.map(({ what }) => what.replace(/[0-9]+,.*/, 'N').replace(/, 10.*/, '')))
    expect([...kinds].sort()).toEqual([
      'DTLS ClientHello',
      'DTLS ServerHello',
      'answer',
      'check',
      'check, nominating',
      'one of the first of stream N',
      'one of the last of stream N',
    ])
    const media = told.filter(({ what }) => what.startsWith('one of'))
    for (const { bytes, originalBytes } of media) {
      expect(Buffer.from(bytes, 'base64')).toHaveLength(40)
      expect(originalBytes).toBeGreaterThan(40)
    }
    const [first] = media
    expect(media.at(-1)!.atMilliseconds - first!.atMilliseconds).toBeGreaterThan(1_000)
  })

  it('are each fragment of a handshake once, however often it was sent', () => {
    const match = new CallMatch({
      parties: {
        caller: { ufrags: ['evtj'], addresses: [bob.address] },
        callee: { ufrags: ['h6vY'], addresses: [alice.address] },
      },
      applianceAddresses: [],
    })
    const fragment = (record: number, offset: number): Uint8Array => {
      const handshake = [1, 0, 0, 8, 0, 0, 0, 0, offset, 0, 0, 4, 1, 2, 3, 4]
      return udpPacket(
        alice,
        bob,
        Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, record, 0, 16, ...handshake]),
      )
    }
    const sent = [fragment(0, 0), fragment(1, 4), fragment(2, 0), fragment(3, 4)]
    for (const packet of packetsOf(pcap(linkType.raw, [udpPacket(alice, bob, check), ...sent])))
      match.add(packet)
    expect(match.kept().map(({ what }) => what)).toEqual(['check', 'DTLS ClientHello', 'DTLS ClientHello'])
  })

  it('are none if the reader was not asked for bytes', () => {
    const reader = new CaptureReader()
    expect(reader.push(captured('direct')).every(({ wire }) => wire === undefined)).toBe(true)
  })
})
