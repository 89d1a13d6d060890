/**
 * DNS messages (RFC 1035 §4) as mDNS uses them (RFC 6762 §18), bytes to message and back. Names are lists of labels, so
 * that an instance called "Dr. Bob" is one label. Decoding is total and bounded; encoding compresses names and throws
 * only for what our own code got wrong.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts'
import { formatIPv6, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { Decoded } from '../core/result.ts'
import {
  type MdnsMessage,
  type Name,
  type Question,
  type RecordData,
  type ResourceRecord,
  recordType,
} from './message.ts'

export const limits = {
  /** RFC 6762 §17. */
  messageBytes: 9_000,
  /** RFC 1035 §3.1, the root's length byte included. */
  nameBytes: 255,
  labelBytes: 63,
  /** Of questions, and of records in all sections together. */
  questions: 256,
  records: 512,
  /** Read of one message, however its names share them; and followed for one name. */
  labels: 4_096,
  pointers: 32,
  /** What one message of ours may hold: an Ethernet frame less the headers of IPv6 and UDP. */
  payloadBytes: 1_440,
} as const

const headerBytes = 12
const topBit = 0x8000
/** RFC 6762 §6.1: the bytes of a window of types. */
const windowBytes = 32
/** A byte order mark is a character like any other here. */
const text = new TextDecoder('utf-8', { ignoreBOM: true })
const utf8 = new TextEncoder()
/** Each byte of a label that is not UTF-8 is kept as a lone surrogate from here on, which no such text contains. */
const rawByte = 0xdc00

/** The message being read, and how many labels more it may have. */
interface Source {
  readonly bytes: Uint8Array
  labelsLeft: number
}

export function decode(bytes: Uint8Array): Decoded<MdnsMessage, never> {
  if (bytes.length < headerBytes) return drop('short')
  if (bytes.length > limits.messageBytes) return drop('long')
  const reader = new ByteReader(bytes)
  const source: Source = { bytes, labelsLeft: limits.labels }
  const id = reader.u16()
  const flags = reader.u16()
  // RFC 6762 §18.3, §18.11: other operations and any error code are silently ignored.
  if ((flags & 0x7800) !== 0) return drop('opcode')
  if ((flags & 0x000f) !== 0) return drop('rcode')
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const
  if (counts[0] > limits.questions || counts[1] + counts[2] + counts[3] > limits.records)
    return drop('counts')
  const questions: Question[] = []
  for (let left = counts[0]; left > 0; left--) {
    const question = readQuestion(reader, source)
    if (question === undefined) return drop('question')
    questions.push(question)
  }
  const sections: ResourceRecord[][] = [[], [], []]
  for (const [index, section] of sections.entries()) {
    for (let left = counts[index + 1]!; left > 0; left--) {
      const record = readRecord(reader, source)
      if (record === undefined) return drop('record')
      section.push(record)
    }
  }
  const [answers, authorities, additionals] = sections as [
    ResourceRecord[],
    ResourceRecord[],
    ResourceRecord[],
  ]
  const response = (flags & topBit) !== 0
  const truncated = (flags & 0x0200) !== 0
  return { kind: 'ok', message: { id, response, truncated, questions, answers, authorities, additionals } }
}

/** Throws a RangeError over `limits.messageBytes`, and for labels, names and strings that are too long. */
export function encode(message: MdnsMessage): Uint8Array {
  const writer = new ByteWriter(limits.messageBytes)
  const names = new Map<string, number>()
  // QR and, for answers, AA (RFC 6762 §18.2, §18.4).
  writer.u16(message.id).u16((message.response ? 0x8400 : 0) | (message.truncated ? 0x0200 : 0))
  writer.u16(message.questions.length).u16(message.answers.length)
  writer.u16(message.authorities.length).u16(message.additionals.length)
  for (const { name, type, class: cls, unicast } of message.questions) {
    writeName(writer, name, names)
    writer.u16(type).u16(cls | (unicast ? topBit : 0))
  }
  for (const section of [message.answers, message.authorities, message.additionals]) {
    for (const record of section) writeRecord(writer, record, names)
  }
  return writer.finish().slice()
}

/** A record's data without compression: what RFC 6762 §8.2 compares, and what tells two records apart. */
export function rdataOf(data: RecordData): Uint8Array {
  const writer = new ByteWriter(limits.messageBytes)
  writeData(writer, data, undefined)
  return writer.finish().slice()
}

export function typeOf(data: RecordData): number {
  return data.type === 'other' ? data.code : recordType[data.type]
}

const drop = (reason: string): { kind: 'drop'; reason: string } => ({ kind: 'drop', reason })

function readQuestion(reader: ByteReader, source: Source): Question | undefined {
  const name = readName(reader, source)
  const type = reader.u16()
  const cls = reader.u16()
  if (name === undefined || reader.overrun) return undefined
  return { name, type, class: cls & ~topBit, unicast: (cls & topBit) !== 0 }
}

function readRecord(reader: ByteReader, source: Source): ResourceRecord | undefined {
  const name = readName(reader, source)
  const type = reader.u16()
  const cls = reader.u16()
  const ttlSeconds = reader.u32()
  const length = reader.u16()
  const end = reader.offset + length
  if (name === undefined || reader.overrun || length > reader.remaining) return undefined
  // The names within may point back into the message, so the data is read in place.
  const inside = new ByteReader(source.bytes.subarray(0, end))
  inside.take(reader.offset)
  reader.take(length)
  const data = readData(type, inside, source)
  if (data === undefined) return undefined
  return { name, class: cls & ~topBit, flush: (cls & topBit) !== 0, ttlSeconds, data }
}

function readData(type: number, reader: ByteReader, source: Source): RecordData | undefined {
  const length = reader.remaining
  switch (type) {
    case recordType.A:
      return length === 4 ? { type: 'A', address: reader.take(4).join('.') } : undefined
    case recordType.AAAA:
      return length === 16 ? { type: 'AAAA', address: formatIPv6(reader.take(16)) } : undefined
    case recordType.PTR: {
      const target = readName(reader, source)
      return target === undefined || reader.remaining > 0 ? undefined : { type: 'PTR', target }
    }
    case recordType.SRV: {
      const [priority, weight, port] = [reader.u16(), reader.u16(), reader.u16()]
      const target = readName(reader, source)
      if (target === undefined || reader.remaining > 0) return undefined
      return { type: 'SRV', priority, weight, port, target }
    }
    case recordType.TXT: {
      const strings: Uint8Array[] = []
      while (reader.remaining > 0) strings.push(Uint8Array.from(reader.take(reader.u8())))
      return reader.overrun ? undefined : { type: 'TXT', strings }
    }
    case recordType.NSEC: {
      const next = readName(reader, source)
      if (next === undefined) return undefined
      // Only the first window is of interest (RFC 6762 §6.1).
      const window = reader.u8()
      const bitmap = reader.take(reader.u8())
      if (reader.overrun || window !== 0 || bitmap.length > windowBytes || reader.remaining > 0)
        return { type: 'other', code: type, bytes: new Uint8Array(0) }
      const types = [...bitmap].flatMap((byte, index) =>
        [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => byte & (0x80 >> bit)).map(bit => 8 * index + bit),
      )
      return { type: 'NSEC', next, types }
    }
    default:
      return { type: 'other', code: type, bytes: Uint8Array.from(reader.take(length)) }
  }
}

/**
 * RFC 1035 §4.1.4. A pointer must point before everything read so far of this name, so that there can be no loop; the
 * reader ends after the first pointer.
 */
function readName(reader: ByteReader, source: Source): Name | undefined {
  const { bytes } = source
  const labels: string[] = []
  let at = reader.offset
  let lowest = at
  let length = 1
  let pointers = 0
  let end: number | undefined
  for (;;) {
    const count = bytes[at]
    if (count === undefined) return undefined
    if (count === 0) break
    if (count >= 0xc0) {
      end ??= at + 2
      const target = ((count & 0x3f) << 8) | (bytes[at + 1] ?? 0xff)
      if (target >= lowest || ++pointers > limits.pointers) return undefined
      lowest = at = target
      continue
    }
    length += count + 1
    if (count > limits.labelBytes || length > limits.nameBytes || --source.labelsLeft < 0) return undefined
    const label = bytes.subarray(at + 1, at + 1 + count)
    if (label.length < count) return undefined
    labels.push(labelFrom(label))
    at += count + 1
  }
  reader.take((end ?? at + 1) - reader.offset)
  return labels
}

/** The other way round of `bytesOf`, for any bytes. */
function labelFrom(bytes: Uint8Array): string {
  const label = text.decode(bytes)
  if (!label.includes('\ufffd') || Buffer.from(label).equals(bytes)) return label
  return String.fromCharCode(...Array.from(bytes, byte => rawByte + byte))
}

function writeRecord(writer: ByteWriter, record: ResourceRecord, names: Map<string, number>): void {
  writeName(writer, record.name, names)
  writer
    .u16(typeOf(record.data))
    .u16(record.class | (record.flush ? topBit : 0))
    .u32(record.ttlSeconds)
  const before = writer.length
  writer.u16(0)
  writeData(writer, record.data, names)
  // The length is known only now that the names within are compressed.
  const written = writer.finish()
  const length = written.length - before - 2
  written[before] = length >> 8
  written[before + 1] = length & 0xff
}

/** `names` undefined: without compression. */
function writeData(writer: ByteWriter, data: RecordData, names: Map<string, number> | undefined): void {
  switch (data.type) {
    case 'A':
      writer.bytes(Uint8Array.from(octets(parseIPv4(data.address), data.address)))
      return
    case 'AAAA':
      writer.bytes(octets(parseIPv6(data.address), data.address))
      return
    case 'PTR':
      writeName(writer, data.target, names)
      return
    case 'SRV':
      writer.u16(data.priority).u16(data.weight).u16(data.port)
      // RFC 6762 §18.14: here its target may be compressed too.
      writeName(writer, data.target, names)
      return
    case 'TXT':
      // RFC 6763 §6.1: never without any string.
      if (data.strings.length === 0) writer.u8(0)
      for (const string of data.strings) writer.u8(bounded(string.length, 255)).bytes(string)
      return
    case 'NSEC': {
      // RFC 6762 §6.1: window 0 only.
      const bitmap = new Uint8Array(Math.max(...data.types.map(type => (type >> 3) + 1), 1))
      for (const type of data.types) bitmap[type >> 3]! |= 0x80 >> (type & 7)
      writeName(writer, data.next, names)
      writer.u8(0).u8(bounded(bitmap.length, windowBytes)).bytes(bitmap)
      return
    }
    case 'other':
      writer.bytes(data.bytes)
  }
}

/** Each suffix that was written before becomes a pointer to it. Suffixes are told apart exactly, case included. */
function writeName(writer: ByteWriter, name: Name, names: Map<string, number> | undefined): void {
  let length = 1
  for (let index = 0; index < name.length; index++) {
    const suffix = JSON.stringify(name.slice(index))
    const known = names?.get(suffix)
    if (known !== undefined) {
      writer.u16(0xc000 | known)
      return
    }
    if (writer.length < 0x4000) names?.set(suffix, writer.length)
    const label = bytesOf(name[index]!)
    length += label.length + 1
    if (label.length === 0) throw new RangeError('empty label')
    writer.u8(bounded(label.length, limits.labelBytes)).bytes(label)
  }
  bounded(length, limits.nameBytes)
  writer.u8(0)
}

function bytesOf(label: string): Uint8Array {
  const first = label.charCodeAt(0)
  if (first < rawByte || first > rawByte + 0xff) return utf8.encode(label)
  return Uint8Array.from(label, character => character.charCodeAt(0) - rawByte)
}

function bounded(value: number, limit: number): number {
  if (value > limit) throw new RangeError(`${value} is over ${limit}`)
  return value
}

function octets<T>(parsed: T | undefined, address: string): T {
  if (parsed === undefined) throw new RangeError(`no address: ${address}`)
  return parsed
}
