/**
 * What a datagram of a media path is, by its first byte (RFC 7983 §7), and what is inside a TURN message. Holds which
 * channel leads where, bounded.
 */
import { type Endpoint, formatEndpoint } from '../../core/endpoint.ts'
import { Handshakes } from './dtls.ts'
import { type Content, limits, type Wrapping } from './message.ts'
import { u16 } from './queue.ts'
import { readRtp } from './rtp.ts'
import { method, readStun } from './stun.ts'

/** RFC 8656 §12. */
export const channel = { first: 0x4000, last: 0x4fff, headerBytes: 4 } as const

export interface Found {
  readonly content: Content
  readonly bytes: number
  readonly inside?: Wrapping | undefined
}

/** Services whose datagrams begin with any byte: DNS, DHCP, NTP, NetBIOS, SSDP, mDNS, LLMNR. */
const otherServices: ReadonlySet<number> = new Set([53, 67, 68, 123, 137, 138, 1_900, 5_353, 5_355])

export class Datagrams {
  readonly #handshakes = new Handshakes()
  readonly #peers = new Map<string, Endpoint>()

  /** `sentBytes` is how long it was when it was sent. Empty: it belongs to no media path. */
  read(bytes: Uint8Array, sentBytes: number, source: Endpoint, target: Endpoint): Found[] {
    if (bytes.length === 0 || otherServices.has(source.port) || otherServices.has(target.port)) return []
    const [from, to] = [formatEndpoint(source), formatEndpoint(target)]
    const first = bytes[0]!
    if (first >= 64 && first < 80) return this.#channelData(bytes, sentBytes, from, to)
    const found = first < 4 ? readStun(bytes, sentBytes) : undefined
    if (found === undefined) {
      const content = this.#plain(bytes, sentBytes, from, to)
      return content === undefined ? [] : [{ content, bytes: sentBytes }]
    }
    const { stun, data } = found
    const [peer] = stun.peers ?? []
    if (
      stun.class === 'request' &&
      stun.method === method.channelBind &&
      stun.channel !== undefined &&
      peer
    ) {
      this.#bind(`${from} ${to} ${stun.channel}`, peer)
    }
    const outer: Found = { content: stun, bytes: sentBytes }
    const carries =
      stun.class === 'indication' && (stun.method === method.send || stun.method === method.data)
    if (data === undefined || !carries) return [outer]
    const inside: Wrapping = { kind: 'indication', ...(peer && { peer }) }
    return [outer, this.#inner(data.bytes, data.sentBytes, from, to, inside)]
  }

  #channelData(bytes: Uint8Array, sentBytes: number, from: string, to: string): Found[] {
    if (bytes.length < channel.headerBytes) return []
    const [number, length] = [u16(bytes, 0), u16(bytes, 2)]
    // RFC 8656 §12.5: over UDP padding is allowed and not needed.
    const slack = sentBytes - channel.headerBytes - length
    if (slack < 0 || slack > 3) return []
    const peer = this.#peers.get(`${from} ${to} ${number}`) ?? this.#peers.get(`${to} ${from} ${number}`)
    const inside: Wrapping = { kind: 'channel', channel: number, ...(peer && { peer }) }
    const data = bytes.subarray(channel.headerBytes, channel.headerBytes + length)
    return [this.#inner(data, length, from, to, inside)]
  }

  #inner(bytes: Uint8Array, sentBytes: number, from: string, to: string, inside: Wrapping): Found {
    const mark = inside.peer ? formatEndpoint(inside.peer) : (inside.channel ?? '')
    const content =
      readStun(bytes, sentBytes)?.stun ?? this.#plain(bytes, sentBytes, `${from}#${mark}`, `${to}#${mark}`)
    return { content: content ?? { kind: 'other' }, bytes: sentBytes, inside }
  }

  /** RFC 7983 §7. */
  #plain(bytes: Uint8Array, sentBytes: number, from: string, to: string): Content | undefined {
    const first = bytes[0] ?? 0
    if (first >= 20 && first < 64) return this.#handshakes.read(bytes, sentBytes, from, to)
    return first >= 128 && first < 192 ? readRtp(bytes, sentBytes) : undefined
  }

  #bind(key: string, peer: Endpoint): void {
    this.#peers.delete(key)
    this.#peers.set(key, peer)
    if (this.#peers.size > limits.channels) this.#peers.delete(this.#peers.keys().next().value!)
  }
}
