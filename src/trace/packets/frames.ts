/** A capture file, chunk by chunk, to its frames. Which format it is, its first four bytes say. */
import type { FileFormat } from './format.ts'
import type { Frame, Stop, StopReason } from './message.ts'
import { PcapFormat, pcapMagic } from './pcap.ts'
import { blockType, PcapngFormat } from './pcapng.ts'
import { ByteQueue, u16, u32 } from './queue.ts'

/** A chunk of any size is looked at in pieces of this one, so that a large one is not held twice. */
const pieceBytes = 65_536

export class FrameReader {
  readonly #queue = new ByteQueue()
  readonly #sink: (frame: Frame) => void
  #format: FileFormat | undefined
  #stop: Stop | undefined
  #frames = 0
  #bytes = 0

  constructor(sink: (frame: Frame) => void) {
    this.#sink = sink
  }

  get format(): FileFormat | undefined {
    return this.#format
  }

  get frames(): number {
    return this.#frames
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Undefined as long as the file can be read. After a stop everything further is counted and ignored. */
  get stop(): Stop | undefined {
    return this.#stop
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    for (let at = 0; at < chunk.length && this.#stop === undefined; at += pieceBytes) {
      this.#queue.push(chunk.subarray(at, at + pieceBytes))
      const reason = this.#read()
      if (reason !== undefined) this.#stop = { reason, offset: this.#queue.offset }
    }
  }

  end(): void {
    if (this.#stop !== undefined) return
    const { offset, length, owed } = this.#queue
    if (this.#bytes === 0) this.#stop = { reason: 'empty', offset: 0 }
    else if (this.#format === undefined) this.#stop = { reason: 'notACapture', offset: 0 }
    else if (length > 0 || owed > 0 || this.#format.interfaces.length + offset === 0) {
      this.#stop = { reason: 'truncated', offset }
    }
  }

  #read(): StopReason | undefined {
    if (this.#format === undefined) {
      const magic = this.#queue.peek(4)
      if (magic === undefined) return undefined
      const format = formatOf(magic)
      if (typeof format === 'string') return format
      this.#format = format
    }
    return this.#format.read(this.#queue, frame => this.#sink({ ...frame, number: ++this.#frames }))
  }
}

function formatOf(magic: Uint8Array): FileFormat | StopReason {
  const big = u32(magic, 0)
  if (big === blockType.sectionHeader) return new PcapngFormat()
  for (const little of [false, true]) {
    const value = u32(magic, 0, little)
    if (value === pcapMagic.microseconds) return new PcapFormat(little, false)
    if (value === pcapMagic.nanoseconds) return new PcapFormat(little, true)
  }
  // gzip (RFC 1952 §2.3.1), Zstandard (RFC 8878 §3.1.1), LZ4: what Wireshark also saves.
  const compressed = u16(magic, 0) === 0x1f8b || big === 0x28b52ffd || big === 0x04224d18
  return compressed ? 'compressed' : 'notACapture'
}
