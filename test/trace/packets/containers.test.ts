import { describe, expect, it } from 'vitest'
import { linkType } from '../../../src/trace/packets/message.ts'
import { explainStop } from '../../../src/trace/packets/stop.ts'
import { udpPacket } from '../../../src/trace/packets/synthesize.ts'
import { inEthernet } from './ethernet.ts'
import { alice, bob, captured, check, pcap, pcapng, read } from './files.ts'

const packet = udpPacket(alice, bob, check)
const frame = inEthernet(packet)
const { raw, ethernet } = linkType

describe('a pcap file', () => {
  it.each([
    ['little-endian, microseconds', true, false],
    ['little-endian, nanoseconds', true, true],
    ['big-endian, microseconds', false, false],
    ['big-endian, nanoseconds', false, true],
  ])('%s is read', (_name, little, nanoseconds) => {
    const { packets, ending } = read(pcap(ethernet, [frame, frame], { little, nanoseconds }))
    expect(packets.map(({ at, number }) => [number, at])).toEqual([
      [1, 1_800_000_000_250.5],
      [2, 1_800_000_001_250.5],
    ])
    expect(packets[0]).toMatchObject({ source: alice, target: bob, offset: 24, transport: 'udp' })
    expect(packets[0]!.content).toMatchObject({ kind: 'stun', username: 'evtj:h6vY', role: 'controlled' })
    expect(ending).toMatchObject({ format: 'pcap', frames: 2, packets: 2, stop: undefined })
  })
})

describe.each([
  ['little', true],
  ['big', false],
])('a pcapng file, %s-endian,', (_name, little) => {
  const file = pcapng(little)
  const micro = 1_800_000_000_250_500n

  it('is read: enhanced, obsolete and simple packets', () => {
    const blocks = [file.enhanced(0, micro, frame), file.obsolete(0, micro, frame), file.simple(frame)]
    const { packets, ending } = read(Buffer.concat([file.section(), file.interface(ethernet), ...blocks]))
    expect(packets.map(({ at }) => at)).toEqual([1_800_000_000_250.5, 1_800_000_000_250.5, undefined])
    expect(packets.map(({ content }) => content.kind)).toEqual(['stun', 'stun', 'stun'])
    expect(ending.stop).toBe(undefined)
  })

  it('has interfaces of its own in each section, each with its name, link type and clock', () => {
    const [name, nanoseconds] = [file.option(2, Buffer.from('eth0.10')), file.option(9, Buffer.of(9))]
    const binary = file.option(9, Buffer.of(0x80 | 20))
    const shift = Buffer.alloc(8)
    shift[little ? 0 : 7] = 10
    const { packets, ending } = read(
      Buffer.concat([
        ...[file.section(), file.interface(ethernet, name), file.interface(raw, nanoseconds)],
        ...[file.enhanced(1, micro * 1_000n, packet), file.enhanced(0, micro, frame)],
        ...[file.section(), file.interface(raw, binary, file.option(14, shift))],
        file.enhanced(0, 1_800_000_000n << 20n, packet),
      ]),
    )
    expect(packets.map(({ at, interface: index }) => [index, at])).toEqual([
      [1, 1_800_000_000_250.5],
      [0, 1_800_000_000_250.5],
      [2, 1_800_000_010_000],
    ])
    expect(ending.interfaces).toEqual([
      { linkType: ethernet, name: 'eth0.10' },
      { linkType: raw },
      { linkType: raw },
    ])
  })

  it('keeps the comments of packets and skips blocks it does not know, secrets among them, of any length', () => {
    const comments = ['INVITE, event 7', 'gewählt'].map(text => file.option(1, Buffer.from(text)))
    const secrets = file.block(0x0a, Buffer.alloc(3_000_000, 'CLIENT_RANDOM'))
    const { packets, ending } = read(
      Buffer.concat([
        ...[file.section(), secrets, file.interface(raw), file.block(0xbad, Buffer.alloc(40))],
        ...[file.enhanced(0, micro, packet, ...comments), file.block(5, Buffer.alloc(20))],
      ]),
      1_000,
    )
    expect(packets.map(each => each.comments)).toEqual([['INVITE, event 7', 'gewählt']])
    expect(ending.stop).toBe(undefined)
  })

  it('with sections in both byte orders is read', () => {
    const other = pcapng(!little)
    const { packets } = read(
      Buffer.concat([
        ...[file.section(), file.interface(raw), file.enhanced(0, micro, packet)],
        ...[other.section(), other.interface(raw), other.enhanced(0, micro, packet)],
      ]),
    )
    expect(packets.length).toBe(2)
  })
})

describe('what cannot be read', () => {
  const file = pcapng(true)
  const begin = Buffer.concat([file.section(), file.interface(raw)])
  const good = file.enhanced(0, 1n, packet)
  const { u16, u32 } = file
  const tooLong = Buffer.concat([u32(6), u32(2_000_000), Buffer.alloc(2_000_000 - 8)])
  const wrongTrailer = Buffer.from(good)
  wrongTrailer.writeUInt32LE(4, wrongTrailer.length - 4)
  const wrongSkipped = file.block(99, Buffer.alloc(8))
  wrongSkipped.writeUInt32LE(4, wrongSkipped.length - 4)
  const at = begin.length + good.length
  const lyingPacket = file.block(6, u32(0), u32(0), u32(1), u32(packet.length + 100), u32(0), packet)

  it.each([
    ['nothing', Buffer.alloc(0), 'empty', 0, 0],
    ['two bytes', Buffer.of(1, 2), 'notACapture', 0, 0],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n'), 'notACapture', 0, 0],
    ['a compressed file', Buffer.of(0x1f, 0x8b, 8, 0), 'compressed', 0, 0],
    [
      'a block type that begins one, and no order',
      Buffer.concat([u32(0x0a0d0d0a), u32(28), u32(7)]),
      'notACapture',
      0,
      0,
    ],
    [
      'pcap 3.0',
      Buffer.concat([u32(0xa1b2c3d4), u16(3), u16(0), Buffer.alloc(16)]),
      'unsupportedVersion',
      0,
      0,
    ],
    ['half a pcap header', pcap(raw, []).subarray(0, 12), 'truncated', 0, 0],
    [
      'half a pcap record',
      pcap(raw, [packet, packet]).subarray(0, -5),
      'truncated',
      24 + 16 + packet.length,
      1,
    ],
    [
      'a record of 1 GB',
      Buffer.concat([pcap(raw, [packet]), u32(0), u32(0), u32(1 << 30), u32(0)]),
      'packetLength',
      40 + packet.length,
      1,
    ],
    ['half a block', Buffer.concat([begin, good, good.subarray(0, 30)]), 'truncated', at, 1],
    ['a block of 7 bytes', Buffer.concat([begin, good, u32(6), u32(7), u32(7)]), 'blockLength', at, 1],
    ['another length behind a block', Buffer.concat([begin, good, wrongTrailer]), 'blockLength', at, 1],
    [
      'another length behind a block that is skipped',
      Buffer.concat([begin, good, wrongSkipped]),
      'blockLength',
      at + 16,
      1,
    ],
    ['a packet block of 2 MB', Buffer.concat([begin, good, tooLong]), 'blockTooLarge', at, 1],
    ['a packet longer than its block', Buffer.concat([begin, good, lyingPacket]), 'packetLength', at, 1],
    [
      'a packet of an interface that is not described',
      Buffer.concat([begin, good, file.enhanced(1, 1n, packet)]),
      'unknownInterface',
      at,
      1,
    ],
    [
      'too many interfaces',
      Buffer.concat([begin, good, ...Array<Buffer>(1_024).fill(file.interface(raw))]),
      'tooManyInterfaces',
      at + 1_023 * file.interface(raw).length,
      1,
    ],
  ] as const)('%s: what came before holds, and where it stopped is said', (_name, bytes, reason, offset, count) => {
    for (const chunkBytes of [1, 7, 100_000]) {
      if (bytes.length > 100_000 && chunkBytes < 100) continue
      const { packets, ending } = read(bytes, chunkBytes)
      expect(ending.stop).toEqual({ reason, offset })
      expect(packets.length).toBe(count)
      expect(explainStop(ending)).toMatch(new RegExp(`byte ${offset}\\b`))
    }
  })

  it('is said no more of a file that was read to its end', () => {
    expect(explainStop(read(captured('direct')).ending)).toBe(undefined)
  })
})

describe('a frame of link type', () => {
  const cooked = Buffer.concat([Buffer.alloc(14), Buffer.of(8, 0)])
  const cooked2 = Buffer.concat([Buffer.of(8, 0), Buffer.alloc(18)])
  const tag = Buffer.of(0x81, 0, 0, 10)
  const outer = Buffer.of(0x88, 0xa8, 0, 20)
  const [macs, rest] = [frame.subarray(0, 12), frame.subarray(12)]
  const ipv6 = udpPacket({ ...alice, address: '2001:db8::1' }, { ...bob, address: '2001:db8::2' }, check)

  it.each([
    ['Ethernet', 1, frame],
    ['Ethernet with padding behind a short packet', 1, Buffer.concat([frame, Buffer.alloc(30)])],
    ['Ethernet with an 802.1Q tag', 1, Buffer.concat([macs, tag, rest])],
    ['Ethernet with an 802.1ad and an 802.1Q tag', 1, Buffer.concat([macs, outer, tag, rest])],
    ['Ethernet with IPv6', 1, inEthernet(ipv6)],
    ['raw IPv4', 101, packet],
    ['raw IPv6', 101, ipv6],
    ['IPv4', 228, packet],
    ['IPv6', 229, ipv6],
    ['null, little-endian', 0, Buffer.concat([Buffer.of(2, 0, 0, 0), packet])],
    ['null, big-endian, IPv6 on macOS', 0, Buffer.concat([Buffer.of(0, 0, 0, 30), ipv6])],
    ['loop', 108, Buffer.concat([Buffer.of(0, 0, 0, 2), packet])],
    ['Linux cooked', 113, Buffer.concat([cooked, packet])],
    ['Linux cooked with a tag', 113, Buffer.concat([Buffer.alloc(14), tag, Buffer.of(8, 0), packet])],
    ['Linux cooked 2', 276, Buffer.concat([cooked2, packet])],
  ])('%s is read', (_name, type, bytes) => {
    const { packets } = read(pcap(type, [bytes]))
    expect(packets.map(({ content }) => content)).toMatchObject([{ kind: 'stun', username: 'evtj:h6vY' }])
  })

  it.each([
    ['of a kind that is not known', 105, packet, 'linkTypes'],
    ['Ethernet with ARP', 1, Buffer.concat([macs, Buffer.of(8, 6), Buffer.alloc(28)]), 'notIp'],
    ['Ethernet, cut short', 1, frame.subarray(0, 13), 'notIp'],
    ['with nothing but tags', 1, Buffer.concat([macs, tag, tag, tag, tag, tag, tag]), 'notIp'],
  ] as const)('%s is counted', (_name, type, bytes, counter) => {
    const { packets, ending } = read(pcap(type, [bytes]))
    expect(packets).toEqual([])
    expect(ending.counts[counter]).toBe(1)
  })
})
