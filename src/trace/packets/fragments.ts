/** IP fragments put together (RFC 791 §3.2, RFC 8200 §4.5), bounded in number, bytes and time. */
import type { Epoch } from '../../core/clock.ts'
import { afterExtensions, type IpPacket } from './ip.ts'
import { limits } from './message.ts'

interface Waiting {
  readonly pieces: { readonly offset: number; readonly bytes: Uint8Array }[]
  readonly begun: Epoch | undefined
  held: number
  /** Known once the last fragment came. */
  total: number | undefined
  protocol: number
}

/** What an IP payload can be at most. */
const datagramBytes = 65_535

export class Fragments {
  readonly #waiting = new Map<string, Waiting>()
  readonly #lost: () => void
  #held = 0

  /** `lost` is called for each datagram that is given up. */
  constructor(lost: () => void) {
    this.#lost = lost
  }

  /** The whole packet once `packet`, a fragment, was the last one missing. */
  add(packet: IpPacket, at: Epoch | undefined): IpPacket | undefined {
    const { id, offset, more } = packet.fragment!
    // RFC 8200 §4.5: the upper protocol is not part of what tells IPv6 datagrams apart; in RFC 791 §3.2 it is.
    const upper = packet.source.includes(':') ? '' : packet.protocol
    const key = `${packet.source} ${packet.target} ${id} ${upper}`
    this.#expire(at)
    let waiting = this.#waiting.get(key)
    if (packet.payload.length !== packet.bytes) return this.#giveUp(key)
    if (waiting === undefined) {
      waiting = { pieces: [], begun: at, held: 0, total: undefined, protocol: packet.protocol }
      this.#waiting.set(key, waiting)
    }
    const end = offset + packet.bytes
    if (waiting.pieces.some(piece => piece.offset === offset && piece.bytes.length === packet.bytes)) {
      return undefined
    }
    // RFC 5722 §4: with overlapping fragments the whole datagram is discarded.
    const overlaps = waiting.pieces.some(
      piece => piece.offset < end && offset < piece.offset + piece.bytes.length,
    )
    const wrongEnd = !more && waiting.total !== undefined && waiting.total !== end
    const beyond = end > (waiting.total ?? datagramBytes)
    const uneven = more && packet.bytes % 8 !== 0
    if (overlaps || wrongEnd || beyond || uneven || waiting.pieces.length === limits.fragmentsEach) {
      return this.#giveUp(key)
    }
    waiting.pieces.push({ offset, bytes: packet.payload.slice() })
    waiting.held += packet.bytes
    this.#held += packet.bytes
    if (!more) waiting.total = end
    if (offset === 0) waiting.protocol = packet.protocol
    if (waiting.held === waiting.total) {
      this.#forget(key)
      return whole(packet, waiting)
    }
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= limits.fragmented && this.#held <= limits.fragmentedBytes) break
      this.#giveUp(oldest)
    }
    return undefined
  }

  /** Gives up whatever still waits. */
  end(): void {
    for (const key of this.#waiting.keys()) this.#giveUp(key)
  }

  #expire(now: Epoch | undefined): void {
    if (now === undefined) return
    for (const [key, { begun }] of this.#waiting) {
      if (begun !== undefined && now - begun <= limits.fragmentMilliseconds) return
      this.#giveUp(key)
    }
  }

  #giveUp(key: string): undefined {
    this.#lost()
    this.#forget(key)
  }

  #forget(key: string): void {
    this.#held -= this.#waiting.get(key)?.held ?? 0
    this.#waiting.delete(key)
  }
}

function whole(last: IpPacket, waiting: Waiting): IpPacket | undefined {
  const payload = new Uint8Array(waiting.total!)
  for (const { offset, bytes } of waiting.pieces) payload.set(bytes, offset)
  const { source, target } = last
  const upper = source.includes(':')
    ? afterExtensions(waiting.protocol, payload)
    : { protocol: waiting.protocol, at: 0 }
  if (upper === undefined) return undefined
  const rest = payload.subarray(upper.at)
  return { protocol: upper.protocol, source, target, payload: rest, bytes: rest.length }
}
