/**
 * A process of its own, so that its memory can be measured. `write media|hostile <file>` writes 100 MB, `read <file>`
 * reads them and says by how much the process grew, `hold <file>` how
 * much of it is still held after a collection. `media`: a call's packets. `hostile`: whatever makes a reader wait,
 * for as many others as there can be: first fragments, segments behind a gap, handshakes without end, channels, streams
 * in the middle of a message.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import type { Epoch } from '../../src/core/clock.ts'
import { linkType } from '../../src/trace/packets/message.ts'
import { CaptureReader } from '../../src/trace/packets/reader.ts'
import { CallMatch } from '../../src/trace/packets/summary.ts'
import { TcpConnections, udpPacket } from '../../src/trace/packets/synthesize.ts'
import { pcapngBegin, pcapngFrame } from '../../src/trace/packets/write.ts'
import { captured } from '../trace/packets/files.ts'

const totalBytes = 100_000_000
const megabyte = 1_000_000
const [what, ...rest] = process.argv.slice(2)
if (what === 'write') write(rest[0]!, rest[1]!)
else process.stdout.write(JSON.stringify(measured(rest[0]!, what === 'hold')))

function write(kind: string, path: string): void {
  const file = openSync(path, 'w')
  const chunks = kind === 'media' ? mediaFiles() : hostileFrames()
  for (let written = 0; written < totalBytes; ) written += writeSync(file, chunks.next().value!)
  closeSync(file)
}

function measured(path: string, collects: boolean): Record<string, number> {
  const call = {
    parties: {
      caller: { ufrags: ['eIyP'], addresses: ['10.77.0.12'] },
      callee: { ufrags: ['Y26x'], addresses: ['10.77.0.13'] },
    },
    applianceAddresses: ['10.77.0.11'],
  }
  const chunk = new Uint8Array(65_536)
  // What the process costs once its code is warm does not count.
  const warm = new CaptureReader()
  for (let count = 0; count < 5; count++) warm.push(captured('direct'))
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  const begin = performance.now()
  const reader = new CaptureReader()
  const match = new CallMatch(call)
  const file = openSync(path, 'r')
  let [bytes, packets, peak, held] = [0, 0, 0, 0]
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  for (let chunks = 0; ; chunks++) {
    const count = readSync(file, chunk)
    if (count === 0) break
    bytes += count
    for (const packet of reader.push(chunk.subarray(0, count))) {
      packets++
      match.add(packet)
    }
    peak = Math.max(peak, process.memoryUsage.rss())
    if (!collects || chunks % 100 > 0) continue
    globalThis.gc?.()
    const now = process.memoryUsage()
    held = Math.max(held, now.heapUsed + now.arrayBuffers - heapUsed - arrayBuffers)
  }
  const { packets: last, ending } = reader.end()
  match.figures()
  return {
    megabytes: Math.round(bytes / megabyte),
    frames: ending.frames,
    packets: packets + last.length,
    heldMegabytes: Math.round(held / megabyte),
    grownMegabytes: Math.round((peak - before) / megabyte),
    seconds: Math.round(performance.now() - begin) / 1_000,
  }
}

function* mediaFiles(): Generator<Uint8Array, never> {
  for (;;) yield captured('direct')
}

function* hostileFrames(): Generator<Uint8Array, never> {
  yield pcapngBegin({
    interfaces: [{ name: 'a', linkType: linkType.raw }],
    application: 'test',
    resolution: 'microseconds',
  })
  const data = Buffer.alloc(1_400, 7)
  const incomplete = Buffer.alloc(1_400)
  incomplete.writeUInt32BE(0x40003fff, 0)
  const bind = Buffer.from(
    '000900182112a4420102030405060708090a0b0c000c00044001000000120008000131' + '12e112a640',
    'hex',
  )
  for (let index = 0; ; index++) {
    const source = { address: `10.${index & 255}.${(index >> 8) & 255}.12`, port: 5_000 + (index % 50_000) }
    const target = { address: '10.77.0.13', port: 6_000 }
    const frames: Uint8Array[] = []
    const fragment = Buffer.from(udpPacket(source, target, data))
    fragment.writeUInt16BE(0x2000, 6)
    frames.push(fragment)
    const segment = Buffer.from(new TcpConnections().packet(source, target, incomplete))
    frames.push(segment)
    for (let gap = 1; gap < 4; gap++) {
      const later = Buffer.from(
        new TcpConnections().packet(source, target, gap === 1 ? data : Buffer.alloc(1)),
      )
      later.writeUInt32BE(1 + gap * 3_000, 24)
      frames.push(later)
    }
    // A handshake of many messages, each without an end.
    const records = Array.from({ length: 20 }, (_, sequence) => {
      const record = Buffer.alloc(13 + 12 + 20)
      record.writeUInt32BE(0x16fefd00, 0)
      record.writeUInt16BE(32, 11)
      record.writeUInt32BE(0x0b003f00, 13)
      record.writeUInt16BE(sequence, 17)
      record.writeUInt32BE(sequence * 40, 18)
      record.writeUInt32BE(20, 21)
      return record
    })
    frames.push(udpPacket(source, target, Buffer.concat(records)))
    const channel = Buffer.from(bind)
    channel.writeUInt16BE(0x4000 + (index % 4_096), 24)
    frames.push(udpPacket(source, target, channel))
    yield Buffer.concat(
      frames.map(each =>
        pcapngFrame({ at: index as Epoch, bytes: each, comments: ['x'.repeat(100)] }, 'microseconds'),
      ),
    )
  }
}
