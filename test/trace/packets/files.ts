/** Capture files made by hand, also in the forms our own writer does not write; and reading one whole. */
import { readFileSync } from 'node:fs'
import type { Content, Ending, Packet } from '../../../src/trace/packets/message.ts'
import { CaptureReader } from '../../../src/trace/packets/reader.ts'
import { stunVector } from '../../vectors/stun/vectors.ts'

export const alice = { address: '192.0.2.1', port: 5_000 }
export const bob = { address: '192.0.2.2', port: 6_000 }
/** A check of RFC 5769 §2.1, its USERNAME is `evtj:h6vY`. */
export const check = stunVector('rfc5769-2.1-request')

export const captured = (name: 'direct' | 'relayed'): Buffer =>
  readFileSync(new URL(`../../vectors/captures/${name}.pcapng`, import.meta.url))

export function read(file: Uint8Array, chunkBytes = file.length): { packets: Packet[]; ending: Ending } {
  const reader = new CaptureReader()
  const packets: Packet[] = []
  for (let at = 0; at < file.length; at += chunkBytes) {
    // A copy, so that nothing that is kept by mistake stays what it was.
    const chunk = new Uint8Array(file.subarray(at, at + chunkBytes))
    packets.push(...reader.push(chunk))
    chunk.fill(0xee)
  }
  const { packets: last, ending } = reader.end()
  return { packets: [...packets, ...last], ending }
}

export const contents = (file: Uint8Array): Content[] => read(file).packets.map(({ content }) => content)

/** An integer's bytes, in either order. */
export const integers = (little: boolean) => ({ u16: integer(2, little), u32: integer(4, little) })

const integer =
  (width: number, little: boolean) =>
  (value: number): Buffer => {
    const bytes = Buffer.alloc(width)
    if (little) bytes.writeUIntLE(value, 0, width)
    else bytes.writeUIntBE(value, 0, width)
    return bytes
  }

export function pcap(
  linkType: number,
  frames: readonly Uint8Array[],
  how: { readonly little?: boolean; readonly nanoseconds?: boolean } = {},
): Buffer {
  const { little = true, nanoseconds = false } = how
  const { u16, u32 } = integers(little)
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4
  const header = [u32(magic), u16(2), u16(4), u32(0), u32(0), u32(65_535), u32(linkType)]
  const records = frames.flatMap((frame, index) => [
    ...[u32(1_800_000_000 + index), u32(nanoseconds ? 250_500_000 : 250_500)],
    ...[u32(frame.length), u32(frame.length), frame],
  ])
  return Buffer.concat([...header, ...records])
}

export function pcapng(little: boolean) {
  const { u16, u32 } = integers(little)
  const pad = (bytes: Uint8Array): Buffer =>
    Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  const block = (type: number, ...parts: readonly Uint8Array[]): Buffer => {
    const body = pad(Buffer.concat(parts))
    return Buffer.concat([u32(type), u32(body.length + 12), body, u32(body.length + 12)])
  }
  const option = (code: number, value: Uint8Array): Buffer =>
    Buffer.concat([u16(code), u16(value.length), pad(value)])
  return {
    ...{ block, option, u16, u32 },
    section: () => block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff)),
    interface: (linkType: number, ...options: Buffer[]) =>
      block(1, u16(linkType), u16(0), u32(0), ...options, u32(0)),
    enhanced: (which: number, units: bigint, frame: Uint8Array, ...options: Buffer[]) =>
      block(
        6,
        ...[u32(which), u32(Number(units >> 32n)), u32(Number(units & 0xffffffffn))],
        ...[u32(frame.length), u32(frame.length), pad(frame), ...options],
      ),
    simple: (frame: Uint8Array) => block(3, u32(frame.length), frame),
    obsolete: (which: number, units: bigint, frame: Uint8Array) =>
      block(
        2,
        ...[u16(which), u16(0), u32(Number(units >> 32n)), u32(Number(units & 0xffffffffn))],
        ...[u32(frame.length), u32(frame.length), frame],
      ),
  }
}
