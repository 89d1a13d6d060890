/**
 * STUN on the wire (RFC 8489 §5, §14) with TURN's attributes (RFC 8656 §18). Total and bounded. Integrity is found
 * here and verified by `integrity.ts`, once it is known whose key it needs.
 */
import { crc32 } from 'node:zlib'
import { ByteReader, ByteWriter } from '../core/bytes.ts'
import { formatIPv6, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { Decoded } from '../core/result.ts'
import {
  type IntegrityKind,
  type MappedAddress,
  magicCookie,
  type StunError,
  type StunMessage,
  type StunType,
  stunAttribute,
  stunType,
} from './message.ts'

export const limits = {
  messageBytes: 16_384,
  /** On a port that is shared with SIP nothing longer is meant as STUN. */
  keepAliveBytes: 1_280,
  attributes: 32,
  peers: 16,
  /** There are two (RFC 8489 §18.5). */
  algorithms: 16,
  /** RFC 8489 §14.3, §14.9, §14.10: 508, 763 and 763 bytes. */
  usernameBytes: 508,
  realmBytes: 763,
  nonceBytes: 763,
  reasonBytes: 763,
  softwareBytes: 763,
} as const

export const headerBytes = 20

const knownTypes: ReadonlySet<number> = new Set(Object.values(stunType))
const fingerprintMask = 0x5354554e
const text = new TextDecoder('utf-8', { ignoreBOM: true })
const textBytes = new TextEncoder()

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

/** Nothing is rejected here: a request must be authenticated before it is told that an attribute is unknown. */
export function decode(bytes: Uint8Array): Decoded<StunMessage, never> {
  if (bytes.length > limits.messageBytes) return { kind: 'drop', reason: 'tooLarge' }
  if (!looksLikeStun(bytes)) return { kind: 'drop', reason: 'notStun' }
  const type = bytes[0]! * 256 + bytes[1]!
  const length = bytes[2]! * 256 + bytes[3]!
  // RFC 8489 §5: the length counts what follows the header and is always a multiple of four.
  if (length % 4 !== 0 || length !== bytes.length - headerBytes) return { kind: 'drop', reason: 'length' }
  if (!knownTypes.has(type)) return { kind: 'drop', reason: 'type' }
  const transaction = copyOf(bytes.subarray(8, headerBytes))
  const message: Draft = { type: type as StunType, transaction }
  const reason = readAttributes(bytes, message)
  return reason === undefined ? { kind: 'ok', message } : { kind: 'drop', reason }
}

/** How a message is to be signed: with the key of RFC 8489 §9.2.2. */
export interface Signing {
  readonly kind: IntegrityKind
  /** Makes the HMAC of these bytes; `integrity.ts` gives it. */
  readonly hmac: (bytes: Uint8Array) => Uint8Array
}

/** `signing` adds the integrity attribute. `fingerprint` adds that one, last. */
export function encode(
  message: StunMessage,
  how: { readonly signing?: Signing | undefined; readonly fingerprint?: boolean } = {},
): Uint8Array {
  const writer = new ByteWriter(limits.messageBytes)
  writer.u16(message.type).u16(0).u32(magicCookie).bytes(message.transaction)
  writeAttributes(writer, message)
  if (how.signing) {
    const { kind, hmac } = how.signing
    const [type, size] =
      kind === 'sha1' ? [stunAttribute.messageIntegrity, 20] : [stunAttribute.messageIntegritySha256, 32]
    // RFC 8489 §14.5: what is signed ends before the attribute, but its length field counts it already.
    const value = hmac(withLength(writer.finish(), writer.length - headerBytes + 4 + size))
    attribute(writer, type, value)
  }
  if (how.fingerprint) {
    const crc = crc32(withLength(writer.finish(), writer.length - headerBytes + 8)) ^ fingerprintMask
    attribute(writer, stunAttribute.fingerprint, new ByteWriter().u32(crc >>> 0).finish())
  }
  return withLength(writer.finish(), writer.length - headerBytes)
}

/** A copy with another length in its header. */
export function withLength(bytes: Uint8Array, length: number): Uint8Array {
  const copy = copyOf(bytes)
  copy[2] = length >> 8
  copy[3] = length & 0xff
  return copy
}

/** The answer to a Binding request that came from `source`; undefined for everything that is due none. */
export function answerBinding(bytes: Uint8Array, source: MappedAddress): Uint8Array | undefined {
  if (bytes.length > limits.keepAliveBytes) return undefined
  const decoded = decode(bytes)
  if (decoded.kind !== 'ok' || decoded.message.type !== stunType.bindingRequest) return undefined
  const { transaction, unknown } = decoded.message
  if (unknown === undefined) return encode({ type: stunType.bindingSuccess, transaction, mapped: source })
  // RFC 8489 §6.3.1.
  return encode({
    type: stunType.bindingError,
    transaction,
    error: { code: 420, reason: 'Unknown Attribute' },
    unknown,
  })
}

/** `slice` of a Buffer, which is what sockets give, would be a view. */
const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

type Draft = { -readonly [Field in keyof StunMessage]: StunMessage[Field] }

/** Returns why it cannot be read. Of an attribute that occurs twice the first counts (RFC 8489 §14), peers excepted. */
function readAttributes(bytes: Uint8Array, message: Draft): string | undefined {
  const reader = new ByteReader(bytes)
  reader.take(headerBytes)
  const unknown: number[] = []
  const peers: MappedAddress[] = []
  let named: number[] | undefined
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === limits.attributes) return 'attributes'
    const { offset } = reader
    const type = reader.u16()
    const length = reader.u16()
    const value = reader.take(length)
    reader.take((4 - (length % 4)) % 4)
    if (reader.overrun) return 'attributes'
    if (type === stunAttribute.fingerprint) {
      // RFC 8489 §14.7: it is the last one.
      if (length !== 4 || reader.remaining > 0) return 'fingerprint'
      const crc = (crc32(bytes.subarray(0, offset)) ^ fingerprintMask) >>> 0
      if (new ByteReader(value).u32() !== crc) return 'fingerprint'
      continue
    }
    // RFC 8489 §14.5, §14.6: whatever follows the integrity is ignored, but for the stronger one and the fingerprint.
    if (message.integrity !== undefined) {
      if (message.integrity.kind === 'sha1' && type === stunAttribute.messageIntegritySha256) {
        if (length !== 32) return 'integrity'
        message.integrity = { kind: 'sha256', offset, value }
      }
      continue
    }
    if (type === stunAttribute.messageIntegrity || type === stunAttribute.messageIntegritySha256) {
      const kind = type === stunAttribute.messageIntegrity ? 'sha1' : 'sha256'
      // RFC 8489 §14.6: it may be truncated; we take it whole or not at all.
      if (length !== (kind === 'sha1' ? 20 : 32)) return 'integrity'
      message.integrity = { kind, offset, value }
    } else if (type === stunAttribute.xorPeerAddress) {
      const peer = readXorAddress(value, message.transaction)
      if (peer === undefined || peers.length === limits.peers) return 'address'
      peers.push(peer)
    } else if (type === stunAttribute.unknownAttributes) {
      if (length % 2 !== 0) return 'attributes'
      const list = new ByteReader(value)
      named ??= Array.from({ length: length / 2 }, () => list.u16())
    } else {
      const read = readers[type]
      if (read !== undefined) {
        if (!read(value, message)) return 'attributes'
      } else if (type < 0x8000) unknown.push(type)
    }
  }
  if (peers.length > 0) message.peers = peers
  const all = named ?? (unknown.length > 0 ? unknown : undefined)
  if (all !== undefined) message.unknown = all
  return undefined
}

/** Each puts its value into the message; false when it cannot be one. */
const readers: Readonly<Record<number, (value: Uint8Array, message: Draft) => boolean>> = {
  [stunAttribute.xorMappedAddress]: readAddress('mapped'),
  [stunAttribute.xorRelayedAddress]: readAddress('relayed'),
  [stunAttribute.errorCode]: (value, message) => {
    const error = readError(value)
    message.error ??= error
    return error !== undefined
  },
  [stunAttribute.username]: readText('username', limits.usernameBytes),
  [stunAttribute.realm]: readText('realm', limits.realmBytes),
  [stunAttribute.nonce]: readText('nonce', limits.nonceBytes),
  [stunAttribute.software]: readText('software', limits.softwareBytes),
  [stunAttribute.channelNumber]: (value, message) => {
    message.channel ??= new ByteReader(value).u16()
    return value.length === 4
  },
  [stunAttribute.lifetime]: (value, message) => {
    message.lifetimeSeconds ??= new ByteReader(value).u32()
    return value.length === 4
  },
  [stunAttribute.data]: (value, message) => {
    message.data ??= value
    return true
  },
  [stunAttribute.requestedAddressFamily]: readOctet('family'),
  [stunAttribute.additionalAddressFamily]: readOctet('additionalFamily'),
  [stunAttribute.requestedTransport]: readOctet('transport'),
  [stunAttribute.addressErrorCode]: (value, message) => {
    const error = readError(value)
    if (error !== undefined) message.addressError ??= { ...error, family: value[0]! }
    return error !== undefined
  },
  [stunAttribute.evenPort]: (value, message) => {
    message.evenPort ??= { reserveNext: (value[0]! & 0x80) !== 0 }
    return value.length === 1
  },
  [stunAttribute.dontFragment]: (value, message) => {
    message.dontFragment = true
    return value.length === 0
  },
  [stunAttribute.reservationToken]: (value, message) => {
    message.reservation ??= copyOf(value)
    return value.length === 8
  },
  [stunAttribute.passwordAlgorithm]: (value, message) => {
    message.algorithm ??= new ByteReader(value).u16()
    return value.length >= 4
  },
  [stunAttribute.passwordAlgorithms]: (value, message) => {
    const reader = new ByteReader(value)
    const numbers: number[] = []
    while (reader.remaining > 0) {
      if (numbers.length === limits.algorithms) return false
      numbers.push(reader.u16())
      const length = reader.u16()
      reader.take(length + ((4 - (length % 4)) % 4))
    }
    message.algorithms ??= numbers
    return !reader.overrun
  },
}

function readAddress(field: 'mapped' | 'relayed') {
  return (value: Uint8Array, message: Draft): boolean => {
    const address = readXorAddress(value, message.transaction)
    message[field] ??= address
    return address !== undefined
  }
}

function readText(field: 'username' | 'realm' | 'nonce' | 'software', maxBytes: number) {
  return (value: Uint8Array, message: Draft): boolean => {
    message[field] ??= text.decode(value)
    return value.length <= maxBytes
  }
}

/** One octet and three that are reserved. */
function readOctet(field: 'family' | 'additionalFamily' | 'transport') {
  return (value: Uint8Array, message: Draft): boolean => {
    message[field] ??= value[0]!
    return value.length === 4
  }
}

function writeAttributes(writer: ByteWriter, message: StunMessage): void {
  const { transaction } = message
  const octet = (type: number, value: number | undefined): void => {
    if (value !== undefined) attribute(writer, type, Uint8Array.of(value, 0, 0, 0))
  }
  const words = (type: number, value: string | undefined): void => {
    if (value !== undefined) attribute(writer, type, textBytes.encode(value))
  }
  if (message.error) attribute(writer, stunAttribute.errorCode, errorValue(message.error))
  if (message.unknown) {
    const value = new ByteWriter()
    for (const each of message.unknown) value.u16(each)
    attribute(writer, stunAttribute.unknownAttributes, value.finish())
  }
  if (message.relayed)
    attribute(writer, stunAttribute.xorRelayedAddress, xorAddress(message.relayed, transaction))
  if (message.mapped)
    attribute(writer, stunAttribute.xorMappedAddress, xorAddress(message.mapped, transaction))
  for (const peer of message.peers ?? [])
    attribute(writer, stunAttribute.xorPeerAddress, xorAddress(peer, transaction))
  if (message.channel !== undefined) {
    attribute(writer, stunAttribute.channelNumber, new ByteWriter().u16(message.channel).u16(0).finish())
  }
  if (message.lifetimeSeconds !== undefined) {
    attribute(writer, stunAttribute.lifetime, new ByteWriter().u32(message.lifetimeSeconds).finish())
  }
  octet(stunAttribute.requestedTransport, message.transport)
  octet(stunAttribute.requestedAddressFamily, message.family)
  octet(stunAttribute.additionalAddressFamily, message.additionalFamily)
  if (message.evenPort) {
    attribute(writer, stunAttribute.evenPort, Uint8Array.of(message.evenPort.reserveNext ? 0x80 : 0))
  }
  if (message.dontFragment) attribute(writer, stunAttribute.dontFragment, new Uint8Array(0))
  if (message.reservation) attribute(writer, stunAttribute.reservationToken, message.reservation)
  if (message.addressError) {
    const value = errorValue(message.addressError)
    value[0] = message.addressError.family
    attribute(writer, stunAttribute.addressErrorCode, value)
  }
  if (message.data) attribute(writer, stunAttribute.data, message.data)
  words(stunAttribute.username, message.username)
  words(stunAttribute.realm, message.realm)
  words(stunAttribute.nonce, message.nonce)
  if (message.algorithms) {
    const value = new ByteWriter()
    for (const number of message.algorithms) value.u16(number).u16(0)
    attribute(writer, stunAttribute.passwordAlgorithms, value.finish())
  }
  if (message.algorithm !== undefined) {
    attribute(
      writer,
      stunAttribute.passwordAlgorithm,
      new ByteWriter().u16(message.algorithm).u16(0).finish(),
    )
  }
  words(stunAttribute.software, message.software)
}

function attribute(writer: ByteWriter, type: number, value: Uint8Array): void {
  writer.u16(type).u16(value.length).bytes(value)
  writer.bytes(new Uint8Array((4 - (value.length % 4)) % 4))
}

/** RFC 8489 §14.2: the port is masked with the cookie's upper half, the address with cookie and transaction. */
function xorAddress({ address, port }: MappedAddress, transaction: Uint8Array): Uint8Array {
  const octets = parseIPv4(address) ?? parseIPv6(address)
  if (octets === undefined) throw new TypeError('mapped address is not an IP address')
  const writer = new ByteWriter().u8(0).u8(octets.length === 4 ? 1 : 2)
  writer.u16(port ^ (magicCookie >>> 16)).bytes(mask(Uint8Array.from(octets), transaction))
  return writer.finish().slice()
}

/**
 * The address as text: of a family-2 value the IPv6 form even where it holds an IPv4 address, so that nobody can name
 * one thing in two ways.
 */
export function readXorAddress(value: Uint8Array, transaction: Uint8Array): MappedAddress | undefined {
  const reader = new ByteReader(value)
  reader.u8()
  const family = reader.u8()
  const port = reader.u16() ^ (magicCookie >>> 16)
  if (family !== 1 && family !== 2) return undefined
  const octets = mask(reader.take(family === 1 ? 4 : 16), transaction)
  if (reader.overrun || reader.remaining > 0) return undefined
  const address = octets.length === 4 ? octets.join('.') : formatIPv6(octets)
  return { address, port }
}

function mask(octets: Uint8Array, transaction: Uint8Array): Uint8Array {
  const key = [0x21, 0x12, 0xa4, 0x42, ...transaction]
  return octets.map((octet, index) => octet ^ key[index]!)
}

/** RFC 8489 §14.8. */
function errorValue(error: StunError): Uint8Array {
  const reason = textBytes.encode(error.reason).subarray(0, limits.reasonBytes)
  const writer = new ByteWriter().u16(0).u8(Math.floor(error.code / 100))
  return writer
    .u8(error.code % 100)
    .bytes(reason)
    .finish()
    .slice()
}

function readError(value: Uint8Array): StunError | undefined {
  const reader = new ByteReader(value)
  reader.u16()
  const hundreds = reader.u8() & 7
  const rest = reader.u8()
  if (reader.overrun || hundreds < 3 || hundreds > 6 || rest > 99 || reader.remaining > limits.reasonBytes)
    return undefined
  return { code: hundreds * 100 + rest, reason: text.decode(reader.take(reader.remaining)) }
}
