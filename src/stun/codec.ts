/**
 * STUN on the wire (RFC 8489 §5, §6.3, §14.2), as far as keep-alives on a SIP port need it (RFC 5626 §4.4.2, §8): no
 * authentication, no FINGERPRINT check. Total and bounded.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts'
import { canonicalAddress, formatIPv6, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { Decoded } from '../core/result.ts'
import { type MappedAddress, magicCookie, type StunMessage, stunAttribute, stunType } from './message.ts'

export const limits = { messageBytes: 1_280, attributes: 32, reasonBytes: 763 } as const

const knownTypes: ReadonlySet<number> = new Set(Object.values(stunType))
const headerBytes = 20

/**
 * True when a datagram on a shared port is meant as STUN: its first two bits are zero and the cookie is in its place
 * (RFC 8489 §5, §6.3). No SIP message starts so.
 */
export function looksLikeStun(bytes: Uint8Array): boolean {
  return (
    bytes.length >= headerBytes &&
    bytes[0]! < 0x40 &&
    bytes[4] === 0x21 &&
    bytes[5] === 0x12 &&
    bytes[6] === 0xa4 &&
    bytes[7] === 0x42
  )
}

/** A request with attributes it must not have understood is rejected with 420 and their list (RFC 8489 §6.3.1). */
export function decode(bytes: Uint8Array): Decoded<StunMessage, StunMessage> {
  if (bytes.length > limits.messageBytes) return { kind: 'drop', reason: 'tooLarge' }
  if (!looksLikeStun(bytes)) return { kind: 'drop', reason: 'notStun' }
  const reader = new ByteReader(bytes)
  const type = reader.u16()
  const length = reader.u16()
  reader.u32()
  const transaction = reader.take(12).slice()
  // RFC 8489 §5: the length counts what follows the header and is always a multiple of four.
  if (length % 4 !== 0 || length !== bytes.length - headerBytes) return { kind: 'drop', reason: 'length' }
  if (!knownTypes.has(type)) return { kind: 'drop', reason: 'type' }
  const body = readAttributes(reader, transaction)
  if (body === undefined) return { kind: 'drop', reason: 'attributes' }
  const message = { type: type as StunMessage['type'], transaction, ...body }
  if (type === stunType.bindingRequest && message.unknown !== undefined) {
    const error = { code: 420, reason: 'Unknown Attribute' }
    const answer = { type: stunType.bindingError, transaction, error, unknown: message.unknown }
    return { kind: 'reject', answer, reason: 'unknownAttribute' }
  }
  return { kind: 'ok', message }
}

export function encode(message: StunMessage): Uint8Array {
  const attributes = new ByteWriter(limits.messageBytes)
  if (message.mapped) writeAttribute(attributes, stunAttribute.xorMappedAddress, xorAddress(message))
  if (message.error) writeAttribute(attributes, stunAttribute.errorCode, errorValue(message.error))
  if (message.unknown) {
    const value = new ByteWriter()
    for (const attribute of message.unknown) value.u16(attribute)
    writeAttribute(attributes, stunAttribute.unknownAttributes, value.finish())
  }
  const body = attributes.finish()
  const writer = new ByteWriter(limits.messageBytes + headerBytes)
  writer.u16(message.type).u16(body.length).u32(magicCookie).bytes(message.transaction).bytes(body)
  return writer.finish().slice()
}

/** The answer to a Binding request that came from `source`; undefined for everything that is due none. */
export function answerBinding(bytes: Uint8Array, source: MappedAddress): Uint8Array | undefined {
  const decoded = decode(bytes)
  if (decoded.kind === 'reject') return encode(decoded.answer)
  if (decoded.kind === 'drop' || decoded.message.type !== stunType.bindingRequest) return undefined
  return encode({ type: stunType.bindingSuccess, transaction: decoded.message.transaction, mapped: source })
}

type Body = Pick<StunMessage, 'mapped' | 'error' | 'unknown'>

function readAttributes(reader: ByteReader, transaction: Uint8Array): Body | undefined {
  const unknown: number[] = []
  let mapped: MappedAddress | undefined
  let error: StunMessage['error']
  let named: number[] | undefined
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === limits.attributes) return undefined
    const type = reader.u16()
    const length = reader.u16()
    const value = reader.take(length)
    reader.take((4 - (length % 4)) % 4)
    if (reader.overrun) return undefined
    if (type === stunAttribute.xorMappedAddress) {
      mapped ??= readXorAddress(value, transaction)
      if (mapped === undefined) return undefined
    } else if (type === stunAttribute.errorCode) {
      error ??= readError(value)
      if (error === undefined) return undefined
    } else if (type === stunAttribute.unknownAttributes) {
      if (length % 2 !== 0) return undefined
      const list = new ByteReader(value)
      named ??= Array.from({ length: length / 2 }, () => list.u16())
    } else if (type < 0x8000) unknown.push(type)
  }
  const all = named ?? (unknown.length > 0 ? unknown : undefined)
  return { ...(mapped && { mapped }), ...(error && { error }), ...(all && { unknown: all }) }
}

function writeAttribute(writer: ByteWriter, type: number, value: Uint8Array): void {
  writer.u16(type).u16(value.length).bytes(value)
  writer.bytes(new Uint8Array((4 - (value.length % 4)) % 4))
}

/** RFC 8489 §14.2: the port is masked with the cookie's upper half, the address with cookie and transaction. */
function xorAddress(message: StunMessage): Uint8Array {
  const { address, port } = message.mapped!
  const octets = parseIPv4(address) ?? parseIPv6(address)
  if (octets === undefined) throw new TypeError('mapped address is not an IP address')
  const writer = new ByteWriter().u8(0).u8(octets.length === 4 ? 1 : 2)
  writer.u16(port ^ (magicCookie >>> 16)).bytes(mask(Uint8Array.from(octets), message.transaction))
  return writer.finish().slice()
}

function readXorAddress(value: Uint8Array, transaction: Uint8Array): MappedAddress | undefined {
  const reader = new ByteReader(value)
  reader.u8()
  const family = reader.u8()
  const port = reader.u16() ^ (magicCookie >>> 16)
  const octets = mask(reader.take(family === 1 ? 4 : 16), transaction)
  if (reader.overrun || reader.remaining > 0 || (family !== 1 && family !== 2)) return undefined
  const address = octets.length === 4 ? octets.join('.') : formatIPv6(octets)
  return { address: canonicalAddress(address) ?? address, port }
}

function mask(octets: Uint8Array, transaction: Uint8Array): Uint8Array {
  const key = [0x21, 0x12, 0xa4, 0x42, ...transaction]
  return octets.map((octet, index) => octet ^ key[index]!)
}

/** RFC 8489 §14.8. */
function errorValue(error: { code: number; reason: string }): Uint8Array {
  const reason = new TextEncoder().encode(error.reason).subarray(0, limits.reasonBytes)
  const writer = new ByteWriter().u16(0).u8(Math.floor(error.code / 100))
  return writer
    .u8(error.code % 100)
    .bytes(reason)
    .finish()
    .slice()
}

function readError(value: Uint8Array): StunMessage['error'] {
  const reader = new ByteReader(value)
  reader.u16()
  const hundreds = reader.u8() & 7
  const rest = reader.u8()
  if (reader.overrun || hundreds < 3 || hundreds > 6 || rest > 99 || reader.remaining > limits.reasonBytes)
    return undefined
  return { code: hundreds * 100 + rest, reason: new TextDecoder().decode(reader.take(reader.remaining)) }
}
