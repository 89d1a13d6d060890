/**
 * DTLS records (RFC 6347 §4.1, RFC 9147 §4) and the handshake messages in them, put together from their fragments and
 * given once, however often they were sent. Bounded.
 */
import { certificateDigest, handshakeType, readHello } from './hello.ts'
import { type Dtls, type HandshakeMessage, limits } from './message.ts'
import { u16, u32 } from './queue.ts'

const contentType = { alert: 21, handshake: 22, connectionId: 25, last: 26 } as const
const recordHeaderBytes = 13
const fragmentHeaderBytes = 12
/** What a piece that waits costs besides its bytes. */
const pieceOverheadBytes = 256

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A message whose fragments are coming in, or came. */
interface Message {
  readonly type: number
  readonly length: number
  /** Begin and end of what came, in order, joined. */
  readonly ranges: [number, number][]
  /** What came: of messages that are read, not too long and in not too many pieces, until they are whole. */
  pieces: Piece[] | undefined
  whole: boolean
  /** Of a hello: its random, by which another handshake is known. */
  random: string | undefined
}

interface Direction {
  readonly messages: Map<number, Message>
}

const readTypes: ReadonlySet<number> = new Set([
  handshakeType.clientHello,
  handshakeType.serverHello,
  handshakeType.certificate,
])

export class Handshakes {
  readonly #directions = new Map<string, Direction>()
  #held = 0

  /**
   * The records of one datagram from the end named `from` to the one named `to`. `sentBytes` is how long it was when it
   * was sent. Undefined: these are no DTLS records.
   */
  read(bytes: Uint8Array, sentBytes: number, from: string, to: string): Dtls | undefined {
    const [there, back] = [`${from} ${to}`, `${to} ${from}`]
    const seen = { records: 0, encrypted: 0, alerts: 0 }
    const fragments: number[] = []
    const messages: HandshakeMessage[] = []
    for (let at = 0; at < bytes.length && seen.records < limits.dtlsRecords; ) {
      const first = bytes[at]!
      if (first >= 32 && first < 64) {
        const length = this.#shortRecordBytes(bytes.subarray(at), sentBytes - at, there, back)
        if (length === undefined) break
        seen.records++
        seen.encrypted++
        at += length
        continue
      }
      const isRecord =
        at + recordHeaderBytes <= bytes.length &&
        first >= 20 &&
        first <= contentType.last &&
        bytes[at + 1] === 0xfe
      const length = isRecord && first !== contentType.connectionId ? u16(bytes, at + 11) : 0
      if (!isRecord || at + recordHeaderBytes + length > sentBytes) {
        break
      }
      seen.records++
      const epoch = u16(bytes, at + 3)
      if (first === contentType.connectionId) {
        seen.encrypted++
        break
      }
      if (epoch > 0) seen.encrypted++
      else if (first === contentType.alert) seen.alerts++
      else if (first === contentType.handshake) {
        const version = u16(bytes, at + 1)
        const record = bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + length)
        for (const message of this.#record(record, there, back, fragments)) {
          messages.push({ ...message, epoch, version })
        }
      }
      at += recordHeaderBytes + length
    }
    return seen.records === 0 ? undefined : { kind: 'dtls', ...seen, fragments, messages }
  }

  /** Of a record with DTLS 1.3's short header. Undefined: it is none. */
  #shortRecordBytes(bytes: Uint8Array, sentBytes: number, there: string, back: string): number | undefined {
    // RFC 9147 §4: 001CSLEE. With a connection id (C) or without a length (L) there is nothing to tell it by but what
    // came before it.
    const first = bytes[0]!
    if ((first & 0x14) !== 4) {
      const isFollowed = this.#directions.has(there) || this.#directions.has(back)
      return isFollowed ? sentBytes : undefined
    }
    const header = 1 + (first & 8 ? 2 : 1) + 2
    if (bytes.length < header) return undefined
    const length = u16(bytes, header - 2)
    // RFC 9147 §4.2.3: sixteen bytes are needed to hide the sequence number.
    return length >= 16 && header + length <= sentBytes ? header + length : undefined
  }

  #record(record: Uint8Array, there: string, back: string, fragments: number[]): FoundMessage[] {
    const found: FoundMessage[] = []
    // RFC 6347 §4.2.3: a record may hold several messages or fragments of them.
    for (let at = 0; at + fragmentHeaderBytes <= record.length; ) {
      const length = u32(record, at) & 0xffffff
      const messageSequence = u16(record, at + 4)
      const offset = u32(record, at + 5) & 0xffffff
      const size = u32(record, at + 8) & 0xffffff
      if (offset + size > length || fragments.length >= limits.dtlsRecords) break
      const type = record[at]!
      fragments.push(type)
      const bytes = record.subarray(at + fragmentHeaderBytes, at + fragmentHeaderBytes + size)
      const body = this.#fragment({ type, length, messageSequence, offset, bytes }, there, back)
      if (body !== undefined) found.push(interpreted(type, messageSequence, body))
      at += fragmentHeaderBytes + size
    }
    return found
  }

  /** The message's body once this fragment makes it whole: empty, if it is of a type that is not read. */
  #fragment(fragment: HandshakeFragment, there: string, back: string): Uint8Array | undefined {
    const { type, length, messageSequence, offset, bytes } = fragment
    const random = offset === 0 && isHello(type) ? randomOf(bytes) : undefined
    let direction = this.#directionOf(there)
    const known = direction.messages.get(messageSequence)
    const another = random !== undefined && known?.random !== undefined && known.random !== random
    if (known !== undefined && (known.type !== type || known.length !== length || another)) {
      // Another handshake begins on the same path.
      this.#forget(there)
      if (type === handshakeType.clientHello) this.#forget(back)
      direction = this.#directionOf(there)
    }
    let message = direction.messages.get(messageSequence)
    if (message === undefined) {
      if (direction.messages.size === limits.handshakeMessages) return undefined
      const isHeld = readTypes.has(type) && length <= limits.handshakeMessageBytes
      message = { type, length, ranges: [], pieces: isHeld ? [] : undefined, whole: false, random }
      direction.messages.set(messageSequence, message)
      this.#shrink(there)
    }
    message.random ??= random
    if (message.whole || message.ranges.length === limits.handshakeRanges) return undefined
    join(message.ranges, offset, offset + bytes.length)
    const [first] = message.ranges
    const whole = length === 0 || (first?.[0] === 0 && first[1] === length)
    if (!whole) {
      this.#hold(message, { offset, bytes })
      this.#shrink(there)
      return undefined
    }
    const pieces = message.pieces && [...message.pieces, { offset, bytes }]
    this.#release(message)
    message.whole = true
    message.ranges.length = 0
    const body = new Uint8Array(pieces ? length : 0)
    for (const piece of pieces ?? []) body.set(piece.bytes, piece.offset)
    return body
  }

  #hold(message: Message, { offset, bytes }: Piece): void {
    const { pieces } = message
    const isSame = (piece: Piece): boolean => piece.offset === offset && piece.bytes.length === bytes.length
    if (pieces === undefined || pieces.some(isSame)) return
    if (pieces.length === limits.handshakePieces) return this.#release(message)
    pieces.push({ offset, bytes: bytes.slice() })
    this.#held += bytes.length + pieceOverheadBytes
  }

  #release(message: Message): void {
    for (const { bytes } of message.pieces ?? []) this.#held -= bytes.length + pieceOverheadBytes
    message.pieces = undefined
  }

  #directionOf(key: string): Direction {
    let direction = this.#directions.get(key)
    // The one that was silent longest comes first, and goes first.
    if (direction === undefined) direction = { messages: new Map() }
    else this.#directions.delete(key)
    this.#directions.set(key, direction)
    return direction
  }

  /** The one at hand never goes. */
  #shrink(current: string): void {
    for (const key of this.#directions.keys()) {
      if (this.#directions.size <= limits.handshakes && this.#held <= limits.handshakeBytes) return
      if (key !== current) this.#forget(key)
    }
  }

  #forget(key: string): void {
    for (const message of this.#directions.get(key)?.messages.values() ?? []) this.#release(message)
    this.#directions.delete(key)
  }
}

interface HandshakeFragment {
  readonly type: number
  readonly length: number
  readonly messageSequence: number
  readonly offset: number
  readonly bytes: Uint8Array
}

type FoundMessage = Omit<HandshakeMessage, 'epoch' | 'version'>

function interpreted(type: number, messageSequence: number, body: Uint8Array): FoundMessage {
  const hello = isHello(type) ? readHello(type, body) : undefined
  const certificateSha256 = type === handshakeType.certificate ? certificateDigest(body) : undefined
  return { type, messageSequence, ...(hello && { hello }), ...(certificateSha256 && { certificateSha256 }) }
}

const isHello = (type: number): boolean =>
  type === handshakeType.clientHello || type === handshakeType.serverHello

/** Both hellos begin with two bytes of version and the random. */
const randomOf = (bytes: Uint8Array): string | undefined =>
  bytes.length < 34 ? undefined : Buffer.from(bytes.subarray(2, 34)).toString('hex')

/** Puts a range among others that are in order and do not touch. */
function join(ranges: [number, number][], begin: number, end: number): void {
  let at = 0
  while (at < ranges.length && ranges[at]![1] < begin) at++
  let [first, last] = [begin, end]
  let count = 0
  for (; at + count < ranges.length && ranges[at + count]![0] <= end; count++) {
    first = Math.min(first, ranges[at + count]![0])
    last = Math.max(last, ranges[at + count]![1])
  }
  ranges.splice(at, count, [first, last])
}
