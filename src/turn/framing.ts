/** STUN and ChannelData on a byte stream (RFC 8489 §6.2.2, RFC 8656 §12.5): where one ends and the next begins. */
import { limits } from '../stun/codec.ts'

const stunHeaderBytes = 20
const channelHeaderBytes = 4

export class TurnFramer {
  #rest: Uint8Array = new Uint8Array(0)
  #broken = false

  /** Whole messages, ChannelData without its padding. Undefined: this is neither; the stream is to be closed. */
  push(chunk: Uint8Array): Uint8Array[] | undefined {
    if (this.#broken) return undefined
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const messages: Uint8Array[] = []
    while (bytes.length >= channelHeaderBytes) {
      const kind = bytes[0]! >> 6
      const length = bytes[2]! * 256 + bytes[3]!
      const size = (kind === 0 ? stunHeaderBytes : channelHeaderBytes) + length
      // RFC 8656 §12.5: over a stream ChannelData is padded to a multiple of four.
      const whole = kind === 0 ? size : (size + 3) & ~3
      if (kind > 1 || whole > limits.messageBytes) {
        this.#broken = true
        return undefined
      }
      if (bytes.length < whole) break
      messages.push(bytes.subarray(0, size))
      bytes = bytes.subarray(whole)
    }
    // A view, which is also what a Buffer's `slice` gives, would keep the whole chunk alive.
    this.#rest = new Uint8Array(bytes)
    return messages
  }
}
