/** The classic capture file: draft-ietf-opsawg-pcap, microseconds or nanoseconds, either byte order. */
import type { Epoch } from '../../core/clock.ts'
import type { FileFormat, FrameSink } from './format.ts'
import { type CaptureInterface, limits, type StopReason } from './message.ts'
import { type ByteQueue, u16, u32 } from './queue.ts'

export const pcapMagic = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d } as const

const headerBytes = 24
const recordHeaderBytes = 16

export class PcapFormat implements FileFormat {
  readonly name = 'pcap'
  readonly interfaces: CaptureInterface[] = []
  readonly #little: boolean
  readonly #unitsPerMillisecond: number

  constructor(little: boolean, nanoseconds: boolean) {
    this.#little = little
    this.#unitsPerMillisecond = nanoseconds ? 1_000_000 : 1_000
  }

  read(queue: ByteQueue, sink: FrameSink): StopReason | undefined {
    const little = this.#little
    const [file] = this.interfaces
    if (file === undefined) {
      const header = queue.peek(headerBytes)
      if (header === undefined) return undefined
      // Version 2.4 has been the only one since 1998.
      if (u16(header, 4, little) !== 2) return 'unsupportedVersion'
      // The upper bits tell of frame check sequences, which IP's own length leaves out anyway.
      this.interfaces.push({ linkType: u32(header, 20, little) & 0xffff })
      queue.skip(headerBytes)
      return this.read(queue, sink)
    }
    for (;;) {
      const header = queue.peek(recordHeaderBytes)
      if (header === undefined) return undefined
      const captured = u32(header, 8, little)
      if (captured > limits.frameBytes) return 'packetLength'
      const record = queue.peek(recordHeaderBytes + captured)
      if (record === undefined) return undefined
      const at = u32(record, 0, little) * 1_000 + u32(record, 4, little) / this.#unitsPerMillisecond
      sink({
        offset: queue.offset,
        at: at as Epoch,
        linkType: file.linkType,
        interface: 0,
        bytes: record.subarray(recordHeaderBytes),
        originalBytes: Math.max(captured, u32(record, 12, little)),
        comments: [],
      })
      queue.skip(record.length)
    }
  }
}
