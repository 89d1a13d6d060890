/**
 * TCP connections (RFC 9293 §3.4), each direction in order, as far as they carry TURN (RFC 8656 §3.1) or TLS. Bounded:
 * what waits for a missing segment too long is taken as lost, and reading goes on where messages begin again.
 */
import { headerBytes, looksLikeStun } from '../../stun/codec.ts'
import { type FrameMark, limits } from './message.ts'
import { ByteQueue, u16, u32 } from './queue.ts'

const flag = { syn: 2, rst: 4 } as const

export interface Segment {
  readonly sequence: number
  readonly flags: number
  /** What was cut off by the snap length is zeros. */
  readonly data: Uint8Array
}

/** Undefined: this is no TCP segment. `sentBytes` is how long the IP payload was when it was sent. */
export function readSegment(
  payload: Uint8Array,
  sentBytes: number,
): (Segment & { readonly sourcePort: number; readonly targetPort: number }) | undefined {
  if (payload.length < 20) return undefined
  const header = (payload[12]! >> 4) * 4
  if (header < 20 || header > sentBytes) return undefined
  const captured = payload.subarray(header)
  const dataBytes = sentBytes - header
  let data = captured
  if (captured.length < dataBytes) {
    data = new Uint8Array(dataBytes)
    data.set(captured)
  }
  const [sourcePort, targetPort] = [u16(payload, 0), u16(payload, 2)]
  return { sourcePort, targetPort, sequence: u32(payload, 4), flags: payload[13]!, data }
}

/** What a stream gives: one whole TURN message, as it would be in a datagram; or a segment of TLS. */
export interface StreamItem {
  readonly kind: 'turn' | 'tls'
  readonly bytes: Uint8Array
  /** The frame that made it whole. */
  readonly mark: FrameMark
}

interface Held {
  readonly sequence: number
  readonly data: Uint8Array
  readonly mark: FrameMark
}

interface Stream {
  /** The sequence number that comes next; undefined before the first segment. */
  next: number | undefined
  /** `unknown`: at the next segment it is judged what this is. */
  speaks: 'unknown' | 'turn' | 'tls' | 'other'
  /** Whether its very first byte is known to come next. */
  fresh: boolean
  /** Out of order, by sequence number. */
  held: Held[]
  heldBytes: number
  /** Of a TURN message that is not whole. */
  rest: ByteQueue | undefined
}

export class Streams {
  readonly #streams = new Map<string, Stream>()
  readonly #count: (what: 'otherSegments' | 'streamGaps') => void
  #heldBytes = 0

  constructor(count: (what: 'otherSegments' | 'streamGaps') => void) {
    this.#count = count
  }

  add(key: string, segment: Segment, mark: FrameMark): StreamItem[] {
    const { flags, data } = segment
    if ((flags & flag.rst) !== 0) {
      this.#forget(key)
      return []
    }
    let stream = this.#streams.get(key)
    let { sequence } = segment
    if ((flags & flag.syn) !== 0) {
      sequence = (sequence + 1) >>> 0
      // A SYN that is repeated changes nothing; another one begins another connection.
      if (stream?.next === undefined || !stream.fresh || stream.next !== sequence) {
        this.#forget(key)
        stream = this.#open(key, { next: sequence, fresh: true })
      }
    }
    if (data.length === 0) return []
    // The one that was silent longest comes first, and goes first.
    if (stream !== undefined && this.#streams.delete(key)) this.#streams.set(key, stream)
    stream ??= this.#open(key, { next: sequence, fresh: false })
    this.#hold(stream, { sequence, data, mark })
    const items = this.#drain(stream)
    while (this.#isOverfull(stream)) items.push(...this.#passGap(stream))
    // Others may hold more than this one: those that are there longest give up first.
    for (const [other, { heldBytes }] of this.#streams) {
      if (this.#heldBytes <= limits.heldBytes) break
      if (heldBytes > 0 && other !== key) {
        this.#count('streamGaps')
        this.#forget(other)
      }
    }
    return items
  }

  /** What still waited, with its gaps passed over. */
  end(): { readonly key: string; readonly item: StreamItem }[] {
    const all: { key: string; item: StreamItem }[] = []
    for (const [key, stream] of this.#streams) {
      while (stream.held.length > 0) all.push(...this.#passGap(stream).map(item => ({ key, item })))
    }
    return all
  }

  #open(key: string, { next, fresh }: { next: number; fresh: boolean }): Stream {
    const stream: Stream = { next, speaks: 'unknown', fresh, held: [], heldBytes: 0, rest: undefined }
    this.#streams.set(key, stream)
    if (this.#streams.size > limits.streams) this.#forget(this.#streams.keys().next().value!)
    return stream
  }

  #forget(key: string): void {
    this.#heldBytes -= this.#streams.get(key)?.heldBytes ?? 0
    this.#streams.delete(key)
  }

  #hold(stream: Stream, segment: Held): void {
    // RFC 9293 §3.4: sequence numbers are compared modulo 2^32.
    const ahead = distance(stream.next!, segment.sequence)
    if (ahead + segment.data.length <= 0) return
    if (stream.speaks === 'other') {
      this.#count('otherSegments')
      stream.next = (segment.sequence + segment.data.length) >>> 0
      return
    }
    const data = ahead > 0 ? segment.data.slice() : segment.data
    let at = stream.held.length
    while (at > 0 && distance(stream.held[at - 1]!.sequence, segment.sequence) < 0) at--
    stream.held.splice(at, 0, { ...segment, data })
    this.#weigh(stream, data.length + heldOverheadBytes)
  }

  #isOverfull(stream: Stream): boolean {
    return stream.held.length > limits.heldSegments || stream.heldBytes > limits.heldBytesEach
  }

  #passGap(stream: Stream): StreamItem[] {
    this.#count('streamGaps')
    stream.next = stream.held[0]!.sequence
    stream.rest = undefined
    stream.fresh = false
    if (stream.speaks === 'turn') stream.speaks = 'unknown'
    return this.#drain(stream)
  }

  /** Takes what is in order. */
  #drain(stream: Stream): StreamItem[] {
    const items: StreamItem[] = []
    for (;;) {
      const first = stream.held[0]
      if (first === undefined) return items
      const ahead = distance(stream.next!, first.sequence)
      if (ahead > 0) return items
      stream.held.shift()
      this.#weigh(stream, -first.data.length - heldOverheadBytes)
      const data = first.data.subarray(-ahead)
      if (data.length === 0) continue
      stream.next = (stream.next! + data.length) >>> 0
      this.#take(stream, data, first.mark, items)
    }
  }

  #weigh(stream: Stream, bytes: number): void {
    stream.heldBytes += bytes
    this.#heldBytes += bytes
  }

  #take(stream: Stream, data: Uint8Array, mark: FrameMark, items: StreamItem[]): void {
    if (stream.speaks === 'unknown') {
      stream.speaks = languageOf(data, stream.fresh)
      stream.fresh = false
    }
    if (stream.speaks === 'tls') items.push({ kind: 'tls', bytes: data, mark })
    else if (stream.speaks === 'turn') this.#frame(stream, data, mark, items)
    else this.#count('otherSegments')
  }

  /** RFC 8489 §6.2.2, RFC 8656 §12.5: over a stream ChannelData is padded to a multiple of four. */
  #frame(stream: Stream, data: Uint8Array, mark: FrameMark, items: StreamItem[]): void {
    stream.rest ??= new ByteQueue(pieceBytes)
    for (let at = 0; at < data.length && stream.rest !== undefined; at += pieceBytes) {
      stream.rest.push(data.subarray(at, at + pieceBytes))
      this.#messages(stream, stream.rest, mark, items)
    }
    if (stream.rest?.length === 0 && stream.rest.owed === 0) stream.rest = undefined
  }

  #messages(stream: Stream, rest: ByteQueue, mark: FrameMark, items: StreamItem[]): void {
    for (;;) {
      const begin = rest.peek(4)
      if (begin === undefined) return
      const size = sizeOf(begin)
      if (size === undefined || (begin[0]! < 4 && !mayBeStun(rest))) {
        // Neither: bytes were lost or cut off here. The next segment may begin with a message.
        this.#count('streamGaps')
        stream.rest = undefined
        stream.speaks = 'unknown'
        return
      }
      const padded = (size + 3) & ~3
      if (rest.length < padded) return
      items.push({ kind: 'turn', bytes: rest.peek(size)!.slice(), mark })
      rest.skip(padded)
    }
  }
}

/** What is looked at together, so that a stream's queue grows with its messages and not with its segments. */
const pieceBytes = 2_048

/** What a segment that waits costs besides its bytes. */
const heldOverheadBytes = 256

/** From one sequence number to another, negative if it is behind. */
const distance = (from: number, to: number): number => (to - from) | 0

/** Undefined: no TURN message begins so, or none of a length that anybody sends. */
function sizeOf(begin: Uint8Array): number | undefined {
  const length = u16(begin, 2)
  if (length > limits.streamMessageBytes) return undefined
  if (begin[0]! < 4) return length % 4 === 0 ? headerBytes + length : undefined
  return begin[0]! >= 0x40 && begin[0]! < 0x50 ? 4 + length : undefined
}

function mayBeStun(rest: ByteQueue): boolean {
  const header = rest.peek(headerBytes)
  return header === undefined || looksLikeStun(header)
}

/**
 * By a connection's first bytes. From the middle of one only what can hardly be chance: STUN with its cookie,
 * ChannelData that ends where the segment ends, a TLS record's header.
 */
function languageOf(data: Uint8Array, fresh: boolean): Stream['speaks'] {
  // RFC 8446 §5.1.
  if (data.length >= 3 && data[0]! >= 20 && data[0]! <= 23 && data[1] === 3 && data[2]! <= 4) return 'tls'
  if (looksLikeStun(data) && sizeOf(data) !== undefined) return 'turn'
  if (fresh) return 'other'
  let at = 0
  while (at + 4 <= data.length) {
    const size = sizeOf(data.subarray(at))
    if (size === undefined) return 'unknown'
    at += (size + 3) & ~3
  }
  return at === data.length ? 'turn' : 'unknown'
}
