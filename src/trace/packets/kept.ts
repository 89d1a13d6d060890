/**
 * Which packets of a call are kept, and what of each: the first checks and answers, the handshake, the first and the
 * last media headers of every stream. Headers as they were captured; of a STUN message what is nobody's secret, of a
 * DTLS datagram its readable handshake records, of media nothing behind the fixed header.
 */
import { crc32 } from 'node:zlib'
import type { Epoch } from '../../core/clock.ts'
import { formatEndpoint } from '../../core/endpoint.ts'
import { headerBytes } from '../../stun/codec.ts'
import { stunAttribute } from '../../stun/message.ts'
import type { CapturedPacket } from '../message.ts'
import { channel } from './datagram.ts'
import { handshakeName } from './flows.ts'
import type { Packet } from './message.ts'
import { u16 } from './queue.ts'

export const keptLimits = {
  /** Of one direction of one path. */
  checks: 4,
  answers: 4,
  handshakes: 12,
  fragments: 64,
  streams: 8,
  firstOfStream: 3,
  lastOfStream: 3,
  /** Of one call in one capture. */
  packets: 200,
  bytes: 98_304,
  /** While it is not known which paths are the call's. */
  waitingBytes: 2_097_152,
  packetBytes: 2_048,
} as const

export interface KeptPacket {
  readonly at: Epoch
  readonly what: string
  readonly packet: Packet
}

/** Of one direction of one path. */
export class KeptFlow {
  readonly #kept: KeptPacket[] = []
  readonly #last = new Map<number, KeptPacket[]>()
  readonly #counts = new Map<string, number>()
  readonly #fragments = new Set<string>()
  bytes = 0

  /** The bytes by which it grew. */
  add(packet: Packet): number {
    const { at, wire, content, inside } = packet
    if (at === undefined || wire === undefined || inside?.kind === 'indication') return 0
    const before = this.bytes
    if (content.kind === 'stun') {
      const [what, limit] =
        content.class === 'request' ? (['check', 'checks'] as const) : (['answer', 'answers'] as const)
      // Whatever else is left out: how a pair was nominated is kept once.
      const name = content.useCandidate ? 'check, nominating' : what
      if (this.#isNext(name, keptLimits[limit])) this.#keep({ at, what: name, packet })
    } else if (content.kind === 'dtls') {
      const names = content.fragments.map(handshakeName)
      const what = `DTLS ${[...new Set(names)].join(', ')}`
      if (this.#hasNewFragment(packet) && this.#isNext('dtls', keptLimits.handshakes)) {
        this.#keep({ at, what, packet })
      }
    } else if (content.kind === 'rtp') this.#media(content.ssrc, at, packet)
    return this.bytes - before
  }

  /** In the order in which they came; of a stream its first and its last. */
  all(): KeptPacket[] {
    return [...this.#kept, ...[...this.#last.values()].flat()]
  }

  #media(ssrc: number, at: Epoch, packet: Packet): void {
    const last = this.#last.get(ssrc)
    if (last === undefined && this.#last.size === keptLimits.streams) return
    if (last === undefined) this.#last.set(ssrc, [])
    if (this.#isNext(`rtp ${ssrc}`, keptLimits.firstOfStream)) {
      this.#keep({ at, what: `one of the first of stream ${ssrc}`, packet })
      return
    }
    const tail = this.#last.get(ssrc)!
    tail.push({ at, what: `one of the last of stream ${ssrc}`, packet })
    if (tail.length > keptLimits.lastOfStream) tail.shift()
    else this.bytes += packet.wire!.ip.length
  }

  /** What was sent again is not kept: tools that put handshakes together take it for damage. */
  #hasNewFragment({ wire, inside }: Packet): boolean {
    const before = this.#fragments.size
    const message = wire!.ip.subarray(wire!.dataAt + (inside === undefined ? 0 : channel.headerBytes))
    for (const mark of fragmentMarks(message)) {
      if (this.#fragments.size < keptLimits.fragments) this.#fragments.add(mark)
    }
    return this.#fragments.size > before
  }

  #isNext(what: string, limit: number): boolean {
    const count = (this.#counts.get(what) ?? 0) + 1
    if (count <= limit) this.#counts.set(what, count)
    return count <= limit
  }

  #keep(kept: KeptPacket): void {
    this.#kept.push(kept)
    this.bytes += kept.packet.wire!.ip.length
  }
}

/** For the call's trace, in order of time; `since`: milliseconds from the call's start to a moment of the capture. */
export function capturedPackets(kept: readonly KeptPacket[], since: (at: Epoch) => number): CapturedPacket[] {
  const told: CapturedPacket[] = []
  let bytes = 0
  for (const { at, what, packet } of kept) {
    const readable = readableBytes(packet)
    if (readable === undefined) continue
    bytes += readable.bytes.length
    if (told.length === keptLimits.packets || bytes > keptLimits.bytes) break
    const way = `${formatEndpoint(packet.source)} to ${formatEndpoint(packet.target)}`
    const within = packet.inside === undefined ? '' : ', inside TURN'
    told.push({
      atMilliseconds: Math.round(since(at) * 10) / 10,
      what: `${what}, ${way}${within}`,
      bytes: Buffer.from(readable.bytes).toString('base64'),
      originalBytes: readable.originalBytes,
    })
  }
  return told.sort((a, b) => a.atMilliseconds - b.atMilliseconds)
}

/** The IP packet without what must not be kept, and how long it was on the wire. */
export function readableBytes({
  wire,
  content,
  inside,
}: Packet): { readonly bytes: Uint8Array; readonly originalBytes: number } | undefined {
  if (wire === undefined || inside?.kind === 'indication') return undefined
  const { ip, dataAt } = wire
  const originalBytes = ip[0]! >> 4 === 6 ? 40 + u16(ip, 4) : u16(ip, 2)
  // What a network card cuts itself has no length in its header; what comes behind the packet is the link's padding.
  if (originalBytes < dataAt) return undefined
  const all = ip.slice(0, Math.min(originalBytes, keptLimits.packetBytes))
  const messageAt = dataAt + (inside === undefined ? 0 : channel.headerBytes)
  const message = all.subarray(messageAt)
  const cutAt = messageAt + readableLength(message, content.kind)
  if (content.kind === 'stun') redactStun(message)
  return { bytes: all.subarray(0, cutAt), originalBytes }
}

function readableLength(message: Uint8Array, kind: Packet['content']['kind']): number {
  if (kind === 'stun') return message.length
  if (kind === 'dtls') return readableRecords(message)
  return Math.min(message.length, kind === 'rtp' ? 12 : 8)
}

/** RFC 6347 §4.1: up to the first record that is encrypted, or no part of a handshake. */
function readableRecords(bytes: Uint8Array): number {
  let at = 0
  while (at + 13 <= bytes.length && bytes[at]! >= 20 && bytes[at]! <= 22 && u16(bytes, at + 3) === 0) {
    at += 13 + u16(bytes, at + 11)
  }
  return Math.min(at, bytes.length)
}

/** RFC 6347 §4.2.2: of every readable handshake fragment its type, message, place and length. */
function fragmentMarks(bytes: Uint8Array): string[] {
  const marks: string[] = []
  const end = readableRecords(bytes)
  for (let at = 0; at + 13 <= end; at += 13 + u16(bytes, at + 11)) {
    if (bytes[at] !== 22) continue
    const recordEnd = Math.min(end, at + 13 + u16(bytes, at + 11))
    for (let part = at + 13; part + 12 <= recordEnd; ) {
      marks.push(Buffer.from(bytes.subarray(part, part + 12)).toString('hex'))
      part += 12 + bytes[part + 9]! * 65_536 + u16(bytes, part + 10)
    }
  }
  return marks
}

const a = stunAttribute
/** Values that say nothing but how a path was found; with the mapped address (1) and those of RFC 8445 §16.1. */
const harmless: ReadonlySet<number> = new Set([
  ...[0x0001, a.errorCode, a.unknownAttributes, a.channelNumber, a.lifetime, a.xorPeerAddress],
  ...[a.xorRelayedAddress, a.requestedAddressFamily, a.evenPort, a.requestedTransport, a.dontFragment],
  ...[a.xorMappedAddress, a.software, 0x0024, 0x0025, 0x8029, 0x802a],
])
const binding: ReadonlySet<number> = new Set([0x0001, 0x0011, 0x0101, 0x0111])
/** RFC 8489 §14.7. */
const fingerprintMask = 0x5354554e

/** Blanks every value that is on no list, in place; a check's USERNAME is its two ufrags. The FINGERPRINT is made anew. */
function redactStun(bytes: Uint8Array): void {
  if (bytes.length < headerBytes) return
  const isBinding = binding.has(u16(bytes, 0))
  let at = headerBytes
  while (at + 4 <= bytes.length) {
    const [type, size] = [u16(bytes, at), u16(bytes, at + 2)]
    const value = bytes.subarray(at + 4, at + 4 + size)
    const next = at + 4 + size + ((4 - (size % 4)) % 4)
    if (type === a.fingerprint && value.length === 4) {
      const crc = (crc32(bytes.subarray(0, at)) ^ fingerprintMask) >>> 0
      new DataView(value.buffer, value.byteOffset).setUint32(0, crc)
    } else if (!harmless.has(type) && !(isBinding && type === a.username)) value.fill(0)
    bytes.subarray(at + 4 + size, next).fill(0)
    at = next
  }
}
