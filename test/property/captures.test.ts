/** What holds for every capture file, whatever its bytes: reading is total, bounded, and blind to how it comes in chunks. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { formatIPv6 } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { Datagrams } from '../../src/trace/packets/datagram.ts'
import { readIp } from '../../src/trace/packets/ip.ts'
import { ipOf } from '../../src/trace/packets/link.ts'
import { linkType } from '../../src/trace/packets/message.ts'
import { CallMatch } from '../../src/trace/packets/summary.ts'
import { TcpConnections, udpPacket } from '../../src/trace/packets/synthesize.ts'
import { pcapBegin, pcapFrame, pcapngBegin, pcapngFrame } from '../../src/trace/packets/write.ts'
import { captured, check, pcapng, read } from '../trace/packets/files.ts'
import { isSoak, runs } from './counts.ts'

const direct = captured('direct')
const relayed = captured('relayed')
/** The beginning of each: mutations of the whole would mostly hit one packet of hundreds. */
const originals = [direct.subarray(0, 30_000), relayed.subarray(0, 60_000), asPcap(), bigEndian(), overTcp()]
const mutants = isSoak ? 100_000 : 1_000
const call = {
  parties: {
    caller: { ufrags: ['eIyP', 'Oa9t'], addresses: ['10.77.0.12'] },
    callee: { ufrags: ['Y26x', '7orN'], addresses: ['10.77.0.13', '10.78.0.13'] },
  },
  applianceAddresses: ['10.77.0.11', '10.78.0.11'],
}

describe('a capture', () => {
  it('gives the same packets and the same ending however it is cut', () => {
    const random = seededRandom(3)
    for (const original of originals) {
      const expected = read(original)
      expect(expected.packets.length).toBeGreaterThan(20)
      for (const size of [1, 2, 3, 5, 13, 64, 1_000, 4_096, 65_537]) {
        expect(read(original, size)).toEqual(expected)
      }
      for (let count = 0; count < 20; count++) {
        const mutant = mutated(original, random)
        expect(read(mutant, 1 + random.below(300))).toEqual(read(mutant))
      }
    }
  })

  it('changed anywhere is read as far as it goes: nothing throws, and nothing is made up', () => {
    const random = seededRandom(7)
    const seen = { whole: 0, stopped: 0 }
    for (let count = 0; count < mutants; count++) {
      const mutant = mutated(originals[count % originals.length]!, random)
      const { packets, ending } = read(mutant, 50_000)
      seen[ending.stop === undefined ? 'whole' : 'stopped']++
      if (ending.stop !== undefined && ending.stop.offset > mutant.length) throw new Error('beyond its end')
      if (ending.bytes !== mutant.length || ending.packets !== packets.length) throw new Error('miscounted')
      const match = new CallMatch(call)
      for (const packet of packets) match.add(packet)
      match.figures()
    }
    expect(seen.whole).toBeGreaterThan(mutants / 10)
    expect(seen.stopped).toBeGreaterThan(mutants / 10)
  }, 600_000)

  it('of random bytes, with or without a beginning that is right, is read or refused', () => {
    const beginnings = [
      Buffer.alloc(0),
      ...originals.map(each => each.subarray(0, 24)),
      direct.subarray(0, 400),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 3_000 }), (begin, bytes) => {
        const { ending } = read(Buffer.concat([begin, bytes]))
        expect(ending.bytes).toBe(begin.length + bytes.length)
      }),
      { numRuns: runs * 4 },
    )
  })
})

describe('frames and datagrams of random bytes', () => {
  it('are read or not, by any link type and port', () => {
    const types = fc.constantFrom(...Object.values(linkType), 9_999)
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 200 }), fc.nat(70), (type, bytes, version) => {
        const random = Buffer.from(bytes)
        if (random.length > 0) random[0] = version
        for (const frame of [bytes, random]) {
          const ip = ipOf(type, frame)
          if (typeof ip !== 'string') readIp(ip)
        }
      }),
      { numRuns: runs * 10 },
    )
  })

  it('are read or not as any protocol', () => {
    const datagrams = new Datagrams()
    const ends = [
      { address: '192.0.2.1', port: 1 },
      { address: '192.0.2.2', port: 2 },
    ] as const
    const first = fc.constantFrom(0, 1, 20, 22, 25, 44, 47, 64, 0x80, 0x90, 0xbf)
    fc.assert(
      fc.property(first, fc.uint8Array({ maxLength: 300 }), fc.nat(3), (kind, rest, cut) => {
        const bytes = Buffer.from([kind, ...rest])
        datagrams.read(bytes, bytes.length + cut * 100, ...ends)
        const cookie = Buffer.concat([bytes.subarray(0, 4), Buffer.of(0x21, 0x12, 0xa4, 0x42), bytes])
        cookie.writeUInt16BE(Math.max(0, (cookie.length & ~3) - 20), 2)
        datagrams.read(cookie.subarray(0, cookie.length & ~3), cookie.length & ~3, ...ends)
      }),
      { numRuns: runs * 20 },
    )
  })
})

describe('what is written', () => {
  const v4 = fc.ipV4()
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(octets => formatIPv6(octets))
  const port = fc.integer({ min: 1, max: 65_535 }).filter(each => each > 6_000)
  const ends = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6))
  const moment = fc.integer({ min: 0, max: 4_000_000_000_000 }).map(micro => (micro / 1_000) as Epoch)

  it('is read again: ends, moment and comments, in pcapng and pcap, by UDP and TCP', () => {
    fc.assert(
      fc.property(
        ...[ends, port, port, moment, fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 })],
        ...[fc.constantFrom('microseconds' as const, 'nanoseconds' as const), fc.boolean()],
        ([from, to], fromPort, toPort, at, comments, resolution, tcp) => {
          const [source, target] = [
            { address: from, port: fromPort },
            { address: to, port: toPort },
          ]
          const bytes = tcp
            ? new TcpConnections().packet(source, target, check)
            : udpPacket(source, target, check)
          const interfaces = [{ name: 'relay', linkType: linkType.raw }]
          const begin = pcapngBegin({ interfaces, application: 'test', resolution })
          const frame = pcapngFrame({ at, bytes, comments }, resolution)
          const { packets, ending } = read(Buffer.concat([begin, frame]))
          const content = { kind: 'stun', username: 'evtj:h6vY' }
          expect(packets).toMatchObject([{ source, target, comments, content }])
          expect(Math.abs(packets[0]!.at! - at)).toBeLessThan(0.000_6)
          expect(ending.interfaces).toEqual(interfaces)
          const classic = [pcapBegin(linkType.raw, resolution), pcapFrame({ at, bytes }, resolution)]
          expect(read(Buffer.concat(classic)).packets).toMatchObject([{ source, target, at: packets[0]!.at }])
        },
      ),
      { numRuns: runs },
    )
  })
})

describe('memory', () => {
  // What is held is bounded; how much garbage V8 lets lie is set for the young generation, as a worker's limits do.
  it.each([
    ['a call’s packets, as the process is', 'media', []],
    ['what makes a reader wait, with a small young generation', 'hostile', ['--max-semi-space-size=1']],
  ])(
    'grows by less than 60 MB over 100 MB of %s',
    (_name, kind, flags) => {
      const directory = mkdtempSync(join(tmpdir(), 'lanline-capture-'))
      try {
        const script = new URL('./capture-memory.ts', import.meta.url).pathname
        const run = (...rest: string[]) =>
          spawnSync(process.execPath, ['--expose-gc', ...flags, script, ...rest], { encoding: 'utf8' })
        expect(run('write', kind, join(directory, 'capture')).stderr).toBe('')
        const [figures, held] = ['read', 'hold'].map(what => {
          const { stdout, stderr } = run(what, join(directory, 'capture'))
          expect(stderr).toBe('')
          return JSON.parse(stdout)
        })
        console.info(kind, { ...figures, heldMegabytes: held.heldMegabytes })
        expect(figures.megabytes).toBeGreaterThanOrEqual(100)
        expect(figures.frames).toBeGreaterThan(100_000)
        expect(held.heldMegabytes).toBeLessThan(20)
        expect(figures.grownMegabytes).toBeLessThan(60)
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
    120_000,
  )
})

/** Some bytes changed, left out, doubled; lengths among them. */
function mutated(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original)
  for (let change = 1 + random.below(6); change > 0; change--) {
    const at = random.below(bytes.length)
    const kind = random.below(8)
    if (kind < 4) bytes[at] = random.below(256)
    else if (kind < 6) bytes.set(random.bytes(Math.min(4, bytes.length - at)), at)
    else if (kind === 6)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40))])
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 500))])
    if (bytes.length === 0) return Buffer.of(0)
  }
  return bytes
}

/** Datagrams of the relayed call, their IP packets as a classic file. */
function asPcap(): Buffer {
  const frames = Array.from({ length: 60 }, (_, index) => {
    const ends = [
      { address: '10.77.0.12', port: 7_000 + (index % 2) },
      { address: '10.77.0.13', port: 7_002 },
    ] as const
    return pcapFrame({ at: index as Epoch, bytes: udpPacket(...ends, check) }, 'microseconds')
  })
  return Buffer.concat([pcapBegin(linkType.raw, 'microseconds'), ...frames])
}

function bigEndian(): Buffer {
  const file = pcapng(false)
  const ends = [
    { address: '2001:db8::1', port: 7_000 },
    { address: '2001:db8::2', port: 7_002 },
  ] as const
  const frames = Array.from({ length: 40 }, (_, index) => {
    const packet = udpPacket(...ends, check)
    return index % 3 === 0
      ? file.simple(packet)
      : file.enhanced(0, BigInt(index), packet, file.option(1, check))
  })
  return Buffer.concat([file.section(), file.interface(linkType.ipv6), ...frames])
}

function overTcp(): Buffer {
  const connections = new TcpConnections()
  const ends = [
    { address: '10.77.0.12', port: 7_000 },
    { address: '10.77.0.11', port: 3_478 },
  ] as const
  const data = Buffer.concat([Buffer.of(0x40, 0, 0, check.length), check])
  const stream = Buffer.concat(Array<Buffer>(40).fill(data))
  const frames = Array.from({ length: Math.ceil(stream.length / 90) }, (_, index) => {
    const bytes = connections.packet(...ends, stream.subarray(index * 90, index * 90 + 90))
    return pcapFrame({ at: index as Epoch, bytes }, 'nanoseconds')
  })
  return Buffer.concat([pcapBegin(linkType.raw, 'nanoseconds'), ...frames])
}
