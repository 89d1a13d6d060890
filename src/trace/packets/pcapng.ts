/**
 * The block-structured capture file: draft-ietf-opsawg-pcapng, sections in either byte order. Read are the blocks that
 * hold packets and describe interfaces; all others, decryption secrets among them, are skipped without being held.
 */
import type { Epoch } from '../../core/clock.ts'
import type { FileFormat, FrameSink } from './format.ts'
import { type CaptureInterface, limits, type StopReason } from './message.ts'
import { type ByteQueue, u16, u32 } from './queue.ts'

export const blockType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  /** Obsolete, still found in old files. */
  packet: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const

export const byteOrderMagic = 0x1a2b3c4d
export const option = { end: 0, comment: 1, name: 2, timestampResolution: 9, timestampOffset: 14 } as const

/** Type and length before a block's body, the length again after it. */
const frameBytes = 12

interface Interface extends CaptureInterface {
  /** Into `interfaces`. */
  readonly index: number
  readonly snapBytes: number
  readonly unitsPerSecond: bigint
  readonly offsetSeconds: bigint
}

export class PcapngFormat implements FileFormat {
  readonly name = 'pcapng'
  /** Of all sections, in the order they were described. */
  readonly interfaces: CaptureInterface[] = []
  #section: Interface[] = []
  #little = false
  /** Of a block that is being skipped: when its bytes are gone, its length again. */
  #trailer: number | undefined

  read(queue: ByteQueue, sink: FrameSink): StopReason | undefined {
    for (;;) {
      if (this.#trailer !== undefined) {
        const trailer = queue.owed > 0 ? undefined : queue.peek(4)
        if (trailer === undefined) return undefined
        if (u32(trailer, 0, this.#little) !== this.#trailer) return 'blockLength'
        this.#trailer = undefined
        queue.skip(4)
        continue
      }
      const begin = queue.peek(frameBytes)
      if (begin === undefined) return undefined
      // The section header's type reads the same both ways; the order of the rest is in its first four bytes.
      const isSection = u32(begin, 0) === blockType.sectionHeader
      if (isSection) {
        if (u32(begin, 8, true) === byteOrderMagic) this.#little = true
        else if (u32(begin, 8) === byteOrderMagic) this.#little = false
        else return 'notACapture'
      }
      const type = isSection ? blockType.sectionHeader : u32(begin, 0, this.#little)
      const length = u32(begin, 4, this.#little)
      if (length < frameBytes || length % 4 !== 0) return 'blockLength'
      if (!isRead(type)) {
        this.#trailer = length
        queue.skip(length - 4)
        continue
      }
      if (length > limits.blockBytes) return 'blockTooLarge'
      const block = queue.peek(length)
      if (block === undefined) return undefined
      if (u32(block, length - 4, this.#little) !== length) return 'blockLength'
      const reason = this.#block(type, block.subarray(8, length - 4), queue.offset, sink)
      if (reason !== undefined) return reason
      queue.skip(length)
    }
  }

  #block(type: number, body: Uint8Array, offset: number, sink: FrameSink): StopReason | undefined {
    switch (type) {
      case blockType.sectionHeader:
        return this.#sectionHeader(body)
      case blockType.interfaceDescription:
        return this.#interfaceDescription(body)
      case blockType.simplePacket:
        return this.#simplePacket(body, offset, sink)
      default:
        return this.#packet(type, body, offset, sink)
    }
  }

  #sectionHeader(body: Uint8Array): StopReason | undefined {
    if (body.length < 16) return 'blockLength'
    // 1.2 was written by mistake and means 1.0.
    if (u16(body, 4, this.#little) !== 1) return 'unsupportedVersion'
    this.#section = []
    return undefined
  }

  #interfaceDescription(body: Uint8Array): StopReason | undefined {
    if (body.length < 8) return 'blockLength'
    if (this.interfaces.length === limits.interfaces) return 'tooManyInterfaces'
    const little = this.#little
    let name: string | undefined
    let unitsPerSecond = 1_000_000n
    let offsetSeconds = 0n
    for (const { code, value } of options(body.subarray(8), little)) {
      if (code === option.name) name = text.decode(value).slice(0, 256)
      // Its upper bit says whether it is a power of two or of ten. Beyond 2^64 no timestamp has a second.
      if (code === option.timestampResolution && value.length === 1) {
        const exponent = BigInt(value[0]! & 0x7f)
        unitsPerSecond = value[0]! & 0x80 ? 2n ** exponent : 10n ** exponent
      }
      if (code === option.timestampOffset && value.length === 8) {
        const [first, second] = [BigInt(u32(value, 0, little)), BigInt(u32(value, 4, little))]
        offsetSeconds = BigInt.asIntN(64, little ? (second << 32n) | first : (first << 32n) | second)
      }
    }
    const index = this.interfaces.length
    const common = { linkType: u16(body, 0, little), ...(name !== undefined && { name }) }
    this.interfaces.push(common)
    const snapBytes = u32(body, 4, little) || limits.frameBytes
    this.#section.push({ ...common, index, snapBytes, unitsPerSecond, offsetSeconds })
    return undefined
  }

  #simplePacket(body: Uint8Array, offset: number, sink: FrameSink): StopReason | undefined {
    const [from] = this.#section
    if (from === undefined) return 'unknownInterface'
    if (body.length < 4) return 'blockLength'
    const originalBytes = u32(body, 0, this.#little)
    const captured = Math.min(originalBytes, from.snapBytes)
    if (captured > body.length - 4 || captured > limits.frameBytes) return 'packetLength'
    const bytes = body.subarray(4, 4 + captured)
    const { index, linkType } = from
    sink({ offset, at: undefined, linkType, interface: index, bytes, originalBytes, comments: [] })
    return undefined
  }

  /** Enhanced and obsolete packet blocks differ in how wide the interface's number is. */
  #packet(type: number, body: Uint8Array, offset: number, sink: FrameSink): StopReason | undefined {
    if (body.length < 20) return 'blockLength'
    const little = this.#little
    const from = this.#section[type === blockType.packet ? u16(body, 0, little) : u32(body, 0, little)]
    if (from === undefined) return 'unknownInterface'
    const captured = u32(body, 12, little)
    const padded = captured + ((4 - (captured % 4)) % 4)
    if (padded > body.length - 20 || captured > limits.frameBytes) return 'packetLength'
    const comments: string[] = []
    for (const { code, value } of options(body.subarray(20 + padded), little)) {
      if (code === option.comment && comments.length < limits.commentsPerFrame) {
        comments.push(text.decode(value).slice(0, limits.commentCharacters))
      }
    }
    sink({
      offset,
      at: moment(u32(body, 4, little), u32(body, 8, little), from),
      linkType: from.linkType,
      interface: from.index,
      bytes: body.subarray(20, 20 + captured),
      originalBytes: Math.max(captured, u32(body, 16, little)),
      comments,
    })
    return undefined
  }
}

const text = new TextDecoder()
const isRead = (type: number): boolean =>
  type === blockType.sectionHeader ||
  (type >= blockType.interfaceDescription && type <= blockType.simplePacket) ||
  type === blockType.enhancedPacket

function moment(high: number, low: number, { unitsPerSecond, offsetSeconds }: Interface): Epoch {
  const milliseconds = ((BigInt(high) << 32n) | BigInt(low)) * 1_000n
  const whole = Number(milliseconds / unitsPerSecond + offsetSeconds * 1_000n)
  return (whole + Number(milliseconds % unitsPerSecond) / Number(unitsPerSecond)) as Epoch
}

/** As far as they are well-formed: an option is never worth a packet. */
function* options(bytes: Uint8Array, little: boolean): Generator<{ code: number; value: Uint8Array }> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const code = u16(bytes, at, little)
    const length = u16(bytes, at + 2, little)
    if (code === option.end || at + 4 + length > bytes.length) return
    yield { code, value: bytes.subarray(at + 4, at + 4 + length) }
    at += 4 + length + ((4 - (length % 4)) % 4)
  }
}
