import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { linkType } from '../../../src/trace/packets/message.ts'
import { TcpConnections, udpPacket } from '../../../src/trace/packets/synthesize.ts'
import { alice, bob, check, contents, pcap, read } from './files.ts'

const { raw } = linkType
const [alice6, bob6] = [
  { ...alice, address: '2001:db8::1' },
  { ...bob, address: '2001:db8::2' },
]
const rtp = (ssrc: number, bytes = 40): Buffer => {
  const packet = Buffer.alloc(bytes)
  packet[0] = 0x80
  packet[1] = 96
  packet.writeUInt32BE(ssrc, 8)
  return packet
}

/** An IPv4 packet cut into fragments of `size` bytes. */
function fragments4(packet: Uint8Array, size: number, id = 77): Buffer[] {
  const payload = packet.subarray(20)
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, index) => {
    const piece = payload.subarray(index * size, (index + 1) * size)
    const bytes = Buffer.concat([packet.subarray(0, 20), piece])
    bytes.writeUInt16BE(bytes.length, 2)
    bytes.writeUInt16BE(id, 4)
    const more = (index + 1) * size < payload.length
    bytes.writeUInt16BE((more ? 0x2000 : 0) | ((index * size) / 8), 6)
    return bytes
  })
}

function fragments6(packet: Uint8Array, size: number): Buffer[] {
  const payload = packet.subarray(40)
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, index) => {
    const piece = payload.subarray(index * size, (index + 1) * size)
    const header = Buffer.from([packet[6]!, 0, 0, 0, 0, 0, 0, 9])
    const more = (index + 1) * size < payload.length
    header.writeUInt16BE((index * size) | (more ? 1 : 0), 2)
    const bytes = Buffer.concat([packet.subarray(0, 40), header, piece])
    bytes[6] = 44
    bytes.writeUInt16BE(bytes.length - 40, 4)
    return bytes
  })
}

describe('an IP datagram in fragments', () => {
  const whole = udpPacket(alice, bob, rtp(7, 3_000))

  it('is put together, in whatever order they came and though some came twice', () => {
    const [one, two, three] = fragments4(whole, 1_200) as [Buffer, Buffer, Buffer]
    const { packets, ending } = read(pcap(raw, [three, one, one, two]))
    expect(packets).toMatchObject([{ number: 4, bytes: 3_000, content: { kind: 'rtp', ssrc: 7 } }])
    expect(ending.counts).toMatchObject({ fragments: 4, fragmentsLost: 0 })
  })

  it('of IPv6 is put together', () => {
    const [one, two, three] = fragments6(udpPacket(alice6, bob6, rtp(8, 3_000)), 1_200) as Buffer[]
    const { packets } = read(pcap(raw, [two!, three!, one!]))
    expect(packets).toMatchObject([{ source: alice6, target: bob6, content: { kind: 'rtp', ssrc: 8 } }])
  })

  it('is given up when one overlaps, and when one never comes', () => {
    const [one, two] = fragments4(whole, 1_200) as [Buffer, Buffer]
    const overlapping = Buffer.from(two)
    overlapping.writeUInt16BE(0x2000 | (1_200 / 8 - 1), 6)
    const { packets, ending } = read(pcap(raw, [one, overlapping, ...fragments4(whole, 1_200, 78).slice(1)]))
    expect(packets).toEqual([])
    expect(ending.counts.fragmentsLost).toBe(2)
  })

  it('is given up after a minute', () => {
    const [one, two, three] = fragments4(whole, 1_200) as [Buffer, Buffer, Buffer]
    // A frame a second.
    const between = Array<Buffer>(61).fill(Buffer.from(udpPacket(alice, bob, rtp(1))))
    const late = read(pcap(raw, [one, two, ...between, three]))
    expect(late.packets.some(({ bytes }) => bytes === 3_000)).toBe(false)
    const soon = read(pcap(raw, [one, two, ...between.slice(0, 50), three]))
    expect(soon.packets.some(({ bytes }) => bytes === 3_000)).toBe(true)
  })
})

describe('an IPv6 packet', () => {
  it('is read behind extension headers', () => {
    const packet = Buffer.from(udpPacket(alice6, bob6, check))
    const hopByHop = Buffer.from([60, 0, 1, 4, 0, 0, 0, 0])
    const destination = Buffer.from([17, 1, ...Array<number>(14).fill(0)])
    const bytes = Buffer.concat([packet.subarray(0, 40), hopByHop, destination, packet.subarray(40)])
    bytes[6] = 0
    bytes.writeUInt16BE(bytes.length - 40, 4)
    expect(contents(pcap(raw, [bytes]))).toMatchObject([{ kind: 'stun', username: 'evtj:h6vY' }])
  })

  it('whose extension headers never end is no packet of anything', () => {
    const endless = Buffer.concat([udpPacket(alice6, bob6, check).subarray(0, 40), Buffer.alloc(2_000)])
    endless[6] = 0
    endless.writeUInt16BE(2_000, 4)
    expect(read(pcap(raw, [endless])).ending.counts.otherProtocols).toBe(1)
  })
})

describe('of a UDP datagram', () => {
  it('what it was meant to be as a whole counts, not how much of it was captured', () => {
    const packet = udpPacket(alice, bob, rtp(5, 1_000)).subarray(0, 50)
    const { packets } = read(pcap(raw, [packet]))
    expect(packets).toMatchObject([{ bytes: 1_000, content: { kind: 'rtp', ssrc: 5 } }])
  })

  it('with RTCP the sender is read, and it is not taken for RTP', () => {
    const report = Buffer.from('80c80006deadbeef', 'hex')
    const packet = Buffer.concat([report, Buffer.alloc(34)])
    expect(contents(pcap(raw, [udpPacket(alice, bob, packet)]))).toEqual([
      { kind: 'rtcp', packetType: 200, ssrc: 0xdeadbeef },
    ])
  })

  it.each([
    ['a name being looked up', { ...bob, port: 53 }, rtp(1)],
    ['STUN of another length', bob, Buffer.concat([check, Buffer.alloc(4)])],
    ['STUN without its cookie', bob, Buffer.concat([check.subarray(0, 4), Buffer.alloc(104)])],
    ['RTP with more sources than bytes', bob, Buffer.of(0x8f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)],
    ['ChannelData longer than itself', bob, Buffer.of(0x40, 0, 0, 9, 1, 2, 3, 4)],
    ['text', bob, Buffer.from('<?xml version="1.0"?>')],
    ['nothing', bob, Buffer.alloc(0)],
  ])('%s is none of ours', (_name, target, payload) => {
    const { packets, ending } = read(pcap(raw, [udpPacket(alice, target, payload)]))
    expect(packets).toEqual([])
    expect(ending.counts.otherDatagrams).toBe(1)
  })
})

describe('TURN over TCP', () => {
  const server = { address: '192.0.2.9', port: 3_478 }
  /** ChannelData as on a stream, padded. */
  const channelData = (data: Uint8Array): Buffer => {
    const header = Buffer.of(0x40, 0, data.length >> 8, data.length & 0xff)
    return Buffer.concat([header, data, Buffer.alloc((4 - (data.length % 4)) % 4)])
  }
  const stream = Buffer.concat([check, channelData(rtp(1, 41)), channelData(rtp(2, 400)), channelData(check)])
  const expected = ['stun', 'rtp', 'rtp', 'stun']

  /** The stream in segments of that size, after a SYN. */
  function segments(size: number, bytes: Uint8Array = stream): Buffer[] {
    const connections = new TcpConnections()
    const syn = Buffer.from(new TcpConnections().packet(alice, server, Buffer.alloc(0)))
    syn.writeUInt32BE(0, 20 + 4)
    syn[20 + 13] = 2
    const count = Math.ceil(bytes.length / size)
    return [
      syn,
      ...Array.from({ length: count }, (_, index) =>
        Buffer.from(connections.packet(alice, server, bytes.subarray(index * size, (index + 1) * size))),
      ),
    ]
  }
  const kinds = (frames: readonly Uint8Array[]): string[] =>
    read(pcap(raw, frames)).packets.map(({ content }) => content.kind)

  it.each([1_400, 300, 100, 20])('is read in segments of %d bytes', size => {
    expect(kinds(segments(size))).toEqual(expected)
  })

  it('says of each message in which frame it became whole, and what carried it', () => {
    const { packets } = read(pcap(raw, segments(200)))
    expect(packets).toMatchObject([
      { number: 2, source: alice, target: server, transport: 'tcp', bytes: 108 },
      { number: 2, inside: { kind: 'channel', channel: 0x4000 }, bytes: 41 },
      { number: 4, bytes: 400 },
      { number: 5, bytes: 108 },
    ])
  })

  it('is read when segments come in another order, twice, and overlapping', () => {
    const [syn, one, two, three, four] = segments(180) as [Buffer, Buffer, Buffer, Buffer, Buffer]
    expect(kinds([syn, one, three, four, two])).toEqual(expected)
    expect(kinds([syn, one, one, two, one, three, two, four, four])).toEqual(expected)
    const both = Buffer.from(new TcpConnections().packet(alice, server, stream.subarray(0, 360)))
    expect(kinds([syn, one, both, three, four])).toEqual(expected)
  })

  it('is read past the place where sequence numbers begin anew', () => {
    const shifted = segments(150).map(segment => {
      const bytes = Buffer.from(segment)
      bytes.writeUInt32BE((bytes.readUInt32BE(24) + 0xffff_ff00) >>> 0, 24)
      return bytes
    })
    expect(kinds(shifted)).toEqual(expected)
  })

  it('is read on where a segment is missing, from the next one that begins with a message', () => {
    const pieces = [check, channelData(rtp(1, 40)), channelData(rtp(2, 40)), channelData(rtp(3, 40))]
    const connections = new TcpConnections()
    const all = pieces.map(piece => connections.packet(alice, server, piece))
    const { packets, ending } = read(pcap(raw, [all[0]!, ...all.slice(2)]))
    expect(packets.map(({ content }) => content)).toMatchObject([
      { kind: 'stun' },
      { kind: 'rtp', ssrc: 2 },
      { kind: 'rtp', ssrc: 3 },
    ])
    expect(ending.counts.streamGaps).toBe(1)
  })

  it('is read from the middle of a connection', () => {
    const pieces = [channelData(rtp(4, 41)), channelData(rtp(5, 40))]
    const connections = new TcpConnections()
    expect(kinds(pieces.map(piece => connections.packet(alice, server, piece)))).toEqual(['rtp', 'rtp'])
  })

  it('goes on although segments are captured only at their beginning', () => {
    const pieces = [check, channelData(rtp(1, 400)), channelData(rtp(2, 400))]
    const connections = new TcpConnections()
    const all = pieces.map(piece => connections.packet(alice, server, piece).subarray(0, 20 + 20 + 4 + 12))
    const { packets } = read(pcap(raw, all.slice(1)))
    expect(packets).toMatchObject([
      { bytes: 400, content: { kind: 'rtp', ssrc: 1 } },
      { bytes: 400, content: { kind: 'rtp', ssrc: 2 } },
    ])
  })

  it('that is encrypted is only counted, and what is neither is not even that', () => {
    const record = Buffer.concat([Buffer.of(22, 3, 1, 0, 100), Buffer.alloc(100, 7)])
    expect(read(pcap(raw, segments(50, record))).packets).toMatchObject([
      { content: { kind: 'tls' }, bytes: 50 },
      { content: { kind: 'tls' }, bytes: 50 },
      { content: { kind: 'tls' }, bytes: 5 },
    ])
    const web = read(pcap(raw, segments(50, Buffer.from('GET / HTTP/1.1\r\n'.repeat(20)))))
    expect(web.packets).toEqual([])
    expect(web.ending.counts.otherSegments).toBeGreaterThan(5)
  })
})

describe('what is inside TURN over UDP', () => {
  const server: Endpoint = { address: '192.0.2.9', port: 3_478 }
  const attribute = (type: number, value: Uint8Array): Buffer => {
    const header = Buffer.of(type >> 8, type & 0xff, value.length >> 8, value.length & 0xff)
    return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
  }
  const stun = (type: number, ...attributes: Buffer[]): Buffer => {
    const body = Buffer.concat(attributes)
    const header = Buffer.from('000000002112a4420102030405060708090a0b0c', 'hex')
    header.writeUInt16BE(type, 0)
    header.writeUInt16BE(body.length, 2)
    return Buffer.concat([header, body])
  }
  // RFC 8489 §14.2: port and address are masked with the cookie.
  const peer = Buffer.from([0, 1, ...mask([bob.port >> 8, bob.port & 0xff]), ...mask([192, 0, 2, 2])])
  const bind = stun(0x0009, attribute(0x000c, Buffer.of(0x40, 1, 0, 0)), attribute(0x0012, peer))
  const channelData = Buffer.concat([Buffer.of(0x40, 1, 0, 40), rtp(9)])

  it('comes with the peer: of an indication as it says, of a channel as it was bound, both ways', () => {
    const indication = stun(0x0016, attribute(0x0012, peer), attribute(0x0013, check))
    const { packets } = read(
      pcap(raw, [
        udpPacket(alice, server, indication),
        udpPacket(alice, server, bind),
        udpPacket(alice, server, channelData),
        udpPacket(server, alice, channelData),
      ]),
    )
    expect(packets).toMatchObject([
      { content: { kind: 'stun', class: 'indication', method: 6, peers: [bob] } },
      { content: { kind: 'stun', username: 'evtj:h6vY' }, inside: { kind: 'indication', peer: bob } },
      { content: { kind: 'stun', method: 9, channel: 0x4001 } },
      { content: { kind: 'rtp', ssrc: 9 }, inside: { kind: 'channel', channel: 0x4001, peer: bob } },
      { source: server, content: { kind: 'rtp' }, inside: { peer: bob } },
    ])
  })

  it('is given as something else where it is nothing of a call’s', () => {
    const data = Buffer.concat([Buffer.of(0x40, 2, 0, 3), Buffer.from('abc')])
    expect(read(pcap(raw, [udpPacket(alice, server, data)])).packets).toMatchObject([
      { content: { kind: 'other' }, inside: { kind: 'channel', channel: 0x4002 }, bytes: 3 },
    ])
  })

  function mask(bytes: number[]): number[] {
    return bytes.map((byte, index) => byte ^ [0x21, 0x12, 0xa4, 0x42][index]!)
  }
})
