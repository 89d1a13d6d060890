/**
 * A capture file, chunk by chunk, to the packets a call's media path is made of. Nothing is kept but what waits for its
 * other part; how the file is cut into chunks changes nothing; whatever the bytes, it ends with what could be read and
 * where it stopped.
 */
import type { Epoch } from '../../core/clock.ts'
import type { Endpoint } from '../../core/endpoint.ts'
import { Datagrams } from './datagram.ts'
import { Fragments } from './fragments.ts'
import { FrameReader } from './frames.ts'
import { type IpPacket, protocol, readIp } from './ip.ts'
import { ipOf } from './link.ts'
import {
  type CaptureInterface,
  type Counted,
  counted,
  type Ending,
  type Frame,
  type FrameMark,
  type Packet,
  type Stop,
  type Wire,
} from './message.ts'
import { u16 } from './queue.ts'
import { readSegment, type StreamItem, Streams } from './streams.ts'

export class CaptureReader {
  readonly #frames = new FrameReader(frame => this.#frame(frame))
  readonly #fragments = new Fragments(() => this.#count('fragmentsLost'))
  readonly #streams = new Streams(what => this.#count(what))
  readonly #datagrams = new Datagrams()
  readonly #counts = Object.fromEntries(counted.map(name => [name, 0])) as Record<Counted, number>
  readonly #withWire: boolean
  /** The IP packet that is being read, if it is to be told as it is. */
  #ip: Uint8Array | undefined
  #found: Packet[] = []
  #packets = 0
  #firstAt: Epoch | undefined
  #lastAt: Epoch | undefined
  #ended = false

  /** `wire`: packets are told with their bytes, too. */
  constructor({ wire = false }: { readonly wire?: boolean } = {}) {
    this.#withWire = wire
  }

  /** Set as soon as the file cannot be read further: no use to push more. */
  get stop(): Stop | undefined {
    return this.#frames.stop
  }

  get frames(): number {
    return this.#frames.frames
  }

  /** As far as they are described by now. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#frames.format?.interfaces ?? []
  }

  /** The packets that this chunk made whole. */
  push(chunk: Uint8Array): Packet[] {
    if (!this.#ended) this.#frames.push(chunk)
    return this.#taken()
  }

  /** What still waited, and how it all went. */
  end(): { readonly packets: Packet[]; readonly ending: Ending } {
    if (!this.#ended) {
      this.#ended = true
      this.#frames.end()
      this.#fragments.end()
      for (const { key, item } of this.#streams.end()) this.#streamItem(key, item)
    }
    const packets = this.#taken()
    const { format, bytes, frames, stop } = this.#frames
    const ending: Ending = {
      format: format?.name,
      ...{ bytes, frames, packets: this.#packets, interfaces: format?.interfaces ?? [] },
      ...{ firstAt: this.#firstAt, lastAt: this.#lastAt, counts: { ...this.#counts }, stop },
    }
    return { packets, ending }
  }

  #taken(): Packet[] {
    const found = this.#found
    this.#found = []
    this.#packets += found.length
    return found
  }

  #frame(frame: Frame): void {
    const { at } = frame
    if (at !== undefined) {
      this.#firstAt = Math.min(this.#firstAt ?? at, at) as Epoch
      this.#lastAt = Math.max(this.#lastAt ?? at, at) as Epoch
    }
    if (frame.bytes.length < frame.originalBytes) this.#count('cutShort')
    const bytes = ipOf(frame.linkType, frame.bytes)
    if (typeof bytes === 'string') return this.#count(bytes)
    let packet = readIp(bytes)
    this.#ip = this.#withWire && packet?.fragment === undefined ? bytes : undefined
    if (packet?.fragment !== undefined) {
      this.#count('fragments')
      packet = this.#fragments.add(packet, at)
      if (packet === undefined) return
    }
    if (packet === undefined) return this.#count('notIp')
    const mark = markOf(frame)
    if (packet.protocol === protocol.udp) this.#datagram(packet, mark)
    else if (packet.protocol === protocol.tcp) this.#segment(packet, mark)
    else this.#count('otherProtocols')
  }

  /** RFC 768. */
  #datagram({ source, target, payload, bytes }: IpPacket, mark: FrameMark): void {
    const length = payload.length < 8 ? 0 : u16(payload, 4) || bytes
    if (length < 8 || length > bytes) return this.#count('otherDatagrams')
    const ends = {
      source: { address: source, port: u16(payload, 0) },
      target: { address: target, port: u16(payload, 2) },
    }
    this.#read(payload.subarray(8, length), length - 8, ends, 'udp', mark)
  }

  #segment({ source, target, payload, bytes }: IpPacket, mark: FrameMark): void {
    const segment = readSegment(payload, bytes)
    if (segment === undefined) return this.#count('otherSegments')
    const ends = {
      source: { address: source, port: segment.sourcePort },
      target: { address: target, port: segment.targetPort },
    }
    const key = streamKey(ends)
    for (const item of this.#streams.add(key, segment, mark)) this.#streamItem(key, item)
  }

  #streamItem(key: string, { kind, bytes, mark }: StreamItem): void {
    const ends = streamEnds(key)
    if (kind === 'turn') return this.#read(bytes, bytes.length, ends, 'tcp', mark)
    this.#found.push({ ...mark, ...ends, transport: 'tcp', content: { kind: 'tls' }, bytes: bytes.length })
  }

  #read(bytes: Uint8Array, sentBytes: number, ends: Ends, transport: 'udp' | 'tcp', mark: FrameMark): void {
    const found = this.#datagrams.read(bytes, sentBytes, ends.source, ends.target)
    if (found.length === 0) this.#count(transport === 'udp' ? 'otherDatagrams' : 'otherSegments')
    const ip = transport === 'udp' ? this.#ip : undefined
    for (const each of found) {
      const wire = ip && { wire: wireOf(ip, bytes.byteOffset - ip.byteOffset, each) }
      this.#found.push({ ...mark, ...ends, transport, ...each, ...wire })
    }
  }

  #count(what: Counted): void {
    this.#counts[what]++
  }
}

/** A copy, since a frame's bytes are lent. Of media its fixed header: what extensions say of a voice is not kept. */
function wireOf(
  ip: Uint8Array,
  dataAt: number,
  { content, inside }: Pick<Packet, 'content' | 'inside'>,
): Wire {
  const isMedia = content.kind === 'rtp' || content.kind === 'rtcp' || content.kind === 'other'
  const headers = dataAt + (inside?.kind === 'channel' ? 4 : 0) + (content.kind === 'rtp' ? 12 : 8)
  return { ip: isMedia ? ip.slice(0, headers) : ip.slice(), dataAt }
}

interface Ends {
  readonly source: Endpoint
  readonly target: Endpoint
}

const streamKey = ({ source, target }: Ends): string =>
  `${source.address} ${source.port} ${target.address} ${target.port}`

function streamEnds(key: string): Ends {
  const [from, fromPort, to, toPort] = key.split(' ') as [string, string, string, string]
  return {
    source: { address: from, port: Number(fromPort) },
    target: { address: to, port: Number(toPort) },
  }
}

const markOf = ({ number, offset, at, interface: index, comments }: Frame): FrameMark => ({
  ...{ number, offset, at, interface: index, comments },
})
