/**
 * Messages out of a byte stream (RFC 3261 §18.3): a head up to the empty line, then as many bytes as Content-Length
 * says. Between messages stand keep-alives (RFC 5626 §3.5.1). Bytes that cannot be framed break the stream for good:
 * whoever reads on would take a body for a request. What a head says is `codec.ts`'s matter, not looked at here.
 */
import { limits } from './codec.ts'
import { parseDigits, trimmed } from './grammar.ts'

export type FramedItem =
  /** Exactly one message, head and body. The bytes may be a view of a chunk given to `push`. */
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** CRLF CRLF: the peer wants a CRLF back. */
  | { readonly kind: 'ping' }
  /** A CRLF alone: the answer to a ping. Told apart from half a ping only by what follows it. */
  | { readonly kind: 'pong' }
  /** The stream is to be closed; nothing more comes out of this framer. */
  | { readonly kind: 'broken'; readonly reason: BrokenReason }

export type BrokenReason = 'noContentLength' | 'badContentLength' | 'tooLarge' | 'badStart'

const carriage = 0x0d
const feed = 0x0a
const headEnd = Buffer.from('\r\n\r\n')
const empty = Buffer.alloc(0)

/**
 * The framer of one stream. Holds at most `limits.messageBytes` between two calls, whatever the peer sends and
 * however it is chunked; the same bytes give the same items in any chunking.
 */
export class StreamFramer {
  /** What has come and not gone out; grows by doubling, so that byte-wise arrival stays linear. */
  #held = empty
  #length = 0
  /** No head ends before this offset of what is held. */
  #searched = 0
  /** The whole length of the message at the front, once its head has come. */
  #needed = 0
  #isBroken = false

  /** Takes the next bytes of the stream; gives what they complete, in order. */
  push(chunk: Uint8Array): FramedItem[] {
    if (this.#isBroken || chunk.length === 0) return []
    const isOwn = this.#length > 0
    const bytes = isOwn ? this.#joined(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const items: FramedItem[] = []
    let at = 0
    while (at < bytes.length && !this.#isBroken) {
      const next = this.#take(bytes, at, items)
      if (next === at) break
      at = next
    }
    this.#keep(bytes, this.#isBroken ? bytes.length : at, isOwn)
    return items
  }

  /** Bytes held back until more of their message comes. */
  get heldBytes(): number {
    return this.#length
  }

  /** Takes one item off `bytes` at `at`; where the next begins, or `at` when this one is not complete. */
  #take(bytes: Buffer, at: number, items: FramedItem[]): number {
    if (bytes[at] === carriage) return this.#takeKeepAlive(bytes, at, items)
    if (this.#needed === 0 && !this.#findHead(bytes, at, items)) return at
    const end = at + this.#needed
    if (bytes.length < end) return at
    items.push({ kind: 'message', bytes: bytes.subarray(at, end) })
    this.#needed = 0
    this.#searched = 0
    return end
  }

  #takeKeepAlive(bytes: Buffer, at: number, items: FramedItem[]): number {
    const left = bytes.length - at
    if (left >= 2 && bytes[at + 1] !== feed) return this.#break(items, 'badStart', at)
    if (left < 3) return at
    if (bytes[at + 2] !== carriage) {
      items.push({ kind: 'pong' })
      return at + 2
    }
    if (left < 4) return at
    if (bytes[at + 3] !== feed) return this.#break(items, 'badStart', at)
    items.push({ kind: 'ping' })
    return at + 4
  }

  /** Looks for the end of the head at `at` and learns the message's length from it. */
  #findHead(bytes: Buffer, at: number, items: FramedItem[]): boolean {
    const end = bytes.indexOf(headEnd, at + this.#searched)
    if (end < 0) {
      // The three bytes at the end may begin the empty line.
      this.#searched = Math.max(0, bytes.length - at - 3)
      if (bytes.length - at >= limits.messageBytes) this.#break(items, 'tooLarge', at)
      return false
    }
    if (end + headEnd.length - at > limits.messageBytes) {
      this.#break(items, 'tooLarge', at)
      return false
    }
    const length = contentLength(bytes.toString('latin1', at, end))
    if (typeof length === 'string') {
      this.#break(items, length, at)
      return false
    }
    this.#needed = end + headEnd.length - at + length
    if (this.#needed > limits.messageBytes) this.#break(items, 'tooLarge', at)
    return !this.#isBroken
  }

  #break(items: FramedItem[], reason: BrokenReason, at: number): number {
    this.#isBroken = true
    items.push({ kind: 'broken', reason })
    return at
  }

  #joined(chunk: Uint8Array): Buffer {
    const length = this.#length + chunk.length
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#held.length))
      grown.set(this.#held.subarray(0, this.#length))
      this.#held = grown
    }
    this.#held.set(chunk, this.#length)
    return this.#held.subarray(0, length)
  }

  /** Holds back what of `bytes` begins at `from`. */
  #keep(bytes: Buffer, from: number, isOwn: boolean): void {
    this.#length = bytes.length - from
    if (this.#length === 0) this.#held = empty
    // Messages given out are views: what they lie in is not written again, the rest moves to memory of its own.
    else if (!isOwn || from > 0) this.#held = Buffer.from(bytes.subarray(from))
  }
}

/** The Content-Length of a head, or why there is none to trust. Reads fields as `head.ts` does: folded, compact. */
function contentLength(head: string): number | BrokenReason {
  let found: number | undefined
  let at = head.indexOf('\r\n')
  while (at >= 0) {
    let end = head.indexOf('\r\n', at + 2)
    while (end >= 0 && (head[end + 2] === ' ' || head[end + 2] === '\t')) end = head.indexOf('\r\n', end + 2)
    const value = lengthField(head, at + 2, end < 0 ? head.length : end)
    if (value !== undefined) {
      const length = parseDigits(trimmed(value.replaceAll('\r\n', ' ')), Number.MAX_SAFE_INTEGER)
      // Two of them, even alike, are refused by the decoder, and length is what must never be in doubt.
      if (length === undefined || found !== undefined) return 'badContentLength'
      found = length
    }
    at = end
  }
  return found ?? 'noContentLength'
}

/** The value of the field between `from` and `to` when it is a Content-Length. */
function lengthField(head: string, from: number, to: number): string | undefined {
  const letter = head[from]
  if (letter !== 'C' && letter !== 'c' && letter !== 'l' && letter !== 'L') return undefined
  // Within the field only: lines without a colon must not each cost a search through all that follows.
  const field = head.slice(from, to)
  const colon = field.indexOf(':')
  if (colon < 0) return undefined
  const name = trimmed(field, 0, colon).toLowerCase()
  return name === 'content-length' || name === 'l' ? field.slice(colon + 1) : undefined
}
