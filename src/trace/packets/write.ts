/**
 * Capture files written: pcapng (draft-ietf-opsawg-pcapng) with an interface for each source and comments on packets,
 * and classic pcap. Each function gives the bytes that come next in the file, little-endian.
 */
import type { Epoch } from '../../core/clock.ts'
import { pcapMagic } from './pcap.ts'
import { blockType, byteOrderMagic, option } from './pcapng.ts'

export type Resolution = 'microseconds' | 'nanoseconds'

export interface WrittenInterface {
  readonly name: string
  readonly description?: string | undefined
  readonly linkType: number
}

export interface WrittenFrame {
  readonly at: Epoch
  /** Into the interfaces of the file; a pcap file has one only. */
  readonly interface?: number
  readonly bytes: Uint8Array
  /** Where the frame was longer than what is written of it. */
  readonly originalBytes?: number | undefined
  readonly comments?: readonly string[] | undefined
}

const descriptionOption = 3
const applicationOption = 4
const optionBytes = 65_535
const utf8 = new TextEncoder()

/** Section header and interface descriptions. `comment` is on the section. */
export function pcapngBegin(options: {
  readonly interfaces: readonly WrittenInterface[]
  readonly application: string
  readonly resolution: Resolution
  readonly comment?: string | undefined
}): Uint8Array {
  const { interfaces, application, resolution, comment } = options
  const section = Buffer.alloc(16)
  section.writeUInt32LE(byteOrderMagic, 0)
  section.writeUInt16LE(1, 4)
  // Its length is not said.
  section.fill(0xff, 8)
  const header = block(blockType.sectionHeader, section, [
    ...(comment === undefined ? [] : [textOption(option.comment, comment)]),
    textOption(applicationOption, application),
  ])
  const exponent = resolution === 'nanoseconds' ? 9 : 6
  const descriptions = interfaces.map(({ name, description, linkType }) => {
    const body = Buffer.alloc(8)
    body.writeUInt16LE(linkType, 0)
    return block(blockType.interfaceDescription, body, [
      textOption(option.name, name),
      ...(description === undefined ? [] : [textOption(descriptionOption, description)]),
      optionOf(option.timestampResolution, Uint8Array.of(exponent)),
    ])
  })
  return Buffer.concat([header, ...descriptions])
}

/** An enhanced packet block. */
export function pcapngFrame(frame: WrittenFrame, resolution: Resolution): Uint8Array {
  const { at, bytes, originalBytes = bytes.length, comments = [] } = frame
  const body = Buffer.alloc(20 + padded(bytes.length))
  const units = unitsOf(at, resolution)
  body.writeUInt32LE(frame.interface ?? 0, 0)
  body.writeUInt32LE(Number(units >> 32n), 4)
  body.writeUInt32LE(Number(units & 0xffff_ffffn), 8)
  body.writeUInt32LE(bytes.length, 12)
  body.writeUInt32LE(originalBytes, 16)
  body.set(bytes, 20)
  return block(
    blockType.enhancedPacket,
    body,
    comments.map(comment => textOption(option.comment, comment)),
  )
}

export function pcapBegin(linkType: number, resolution: Resolution): Uint8Array {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(pcapMagic[resolution], 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(linkType, 20)
  return header
}

/** Comments have no place here. */
export function pcapFrame(frame: WrittenFrame, resolution: Resolution): Uint8Array {
  const { at, bytes, originalBytes = bytes.length } = frame
  const perSecond = resolution === 'nanoseconds' ? 1_000_000_000n : 1_000_000n
  const units = unitsOf(at, resolution)
  const record = Buffer.alloc(16 + bytes.length)
  record.writeUInt32LE(Number((units / perSecond) & 0xffff_ffffn), 0)
  record.writeUInt32LE(Number(units % perSecond), 4)
  record.writeUInt32LE(bytes.length, 8)
  record.writeUInt32LE(originalBytes, 12)
  record.set(bytes, 16)
  return record
}

/** Milliseconds with a fraction hold a quarter of a microsecond; the rest is not made up. Nothing was before 1970. */
function unitsOf(at: Epoch, resolution: Resolution): bigint {
  const perMillisecond = resolution === 'nanoseconds' ? 1_000_000 : 1_000
  const moment = Math.max(0, at)
  const whole = Math.floor(moment)
  return BigInt(whole) * BigInt(perMillisecond) + BigInt(Math.round((moment - whole) * perMillisecond))
}

const padded = (length: number): number => (length + 3) & ~3

function block(type: number, body: Uint8Array, options: readonly Uint8Array[]): Buffer {
  const all = options.length === 0 ? body : Buffer.concat([body, ...options, Buffer.alloc(4)])
  const bytes = Buffer.alloc(12 + all.length)
  bytes.writeUInt32LE(type, 0)
  bytes.writeUInt32LE(bytes.length, 4)
  bytes.set(all, 8)
  bytes.writeUInt32LE(bytes.length, bytes.length - 4)
  return bytes
}

function optionOf(code: number, value: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4 + padded(value.length))
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt16LE(value.length, 2)
  bytes.set(value, 4)
  return bytes
}

/** As much of it as an option can hold, never half a character. */
function textOption(code: number, text: string): Uint8Array {
  const value = new Uint8Array(Math.min(optionBytes, utf8.encode(text).length))
  const { written } = utf8.encodeInto(text, value)
  return optionOf(code, value.subarray(0, written))
}
