/**
 * The rim of the SIP room: UDP, TCP, TLS and WebSocket to the machine, its transport effects to them. Keep-alives
 * (RFC 5626 §4.4, CRLF and STUN) and bounds on sources are settled here and never reach the machine.
 */
import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import {
  type Endpoint,
  familyOf,
  formatEndpoint,
  isInSubnet,
  isLoopback,
  sourceOf,
} from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import { Gate } from '../runtime/gate.ts'
import type { OwnAddress } from '../runtime/interfaces.ts'
import { OwnUdp } from '../runtime/own-udp.ts'
import { openPort, type PortWish } from '../runtime/ports.ts'
import { connect, type Listener, listen, type Stream, streamLimits } from '../runtime/tcp.ts'
import type { Credentials } from '../runtime/tls.ts'
import { inTurns } from '../runtime/turns.ts'
import type { UdpSocket } from '../runtime/udp.ts'
import type { WebSocketConnection } from '../runtime/websocket.ts'
import { answerBinding, looksLikeStun } from '../stun/codec.ts'
import { type FramedItem, StreamFramer } from './framing.ts'
import { type Flow, type SipEffect, type SipInput, type Transport, udpFlow } from './message.ts'

export const limits = {
  /** Messages of one source over all its flows; loopback is not limited. */
  source: { perSecond: 5_000, burst: 10_000, maxKeys: 4_096 },
  /** Of one stream, before others have their turn: a stranger's request costs some 40 µs, on a small computer several times that. */
  messagesATurn: 32,
  /** Connections that the machine asked for and that are not there yet. */
  connecting: 256,
  /** UDP flows whose name is known; then it begins anew. */
  udpFlows: 4_096,
  /** Whoever may choose where they send from could make them all fall together. */
  udpFlowsANumber: 8,
} as const

export interface SipIoOptions {
  readonly clock: Clock
  readonly input: (input: SipInput) => void
  /** To be counted: `reason` is a stable word. */
  readonly onNote: (reason: string, detail: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export interface SipListening {
  readonly port: PortWish
  readonly tlsPort: PortWish
  readonly addresses: readonly OwnAddress[]
  /** False: `net.bind` names addresses, and connections to others are refused. */
  readonly isBound: (address: string) => boolean
  readonly credentials: Credentials
  readonly onMoved: (key: string, from: number, to: number) => void
}

/** What the machine can ask of the rim. */
export type TransportEffect = Extract<SipEffect, { kind: 'send' | 'connect' | 'close' }>

const doubleCrlf = Buffer.from('\r\n\r\n')
const crlf = Buffer.from('\r\n')

interface Connection {
  readonly flow: Flow
  send(bytes: Uint8Array): void
  close(): void
}

export class SipIo {
  readonly #options: SipIoOptions
  readonly #streams = new Gate<Socket>(streamLimits.connections, socket => socket.destroy())
  readonly #sources = new Limiter(limits.source)
  readonly #udp: OwnUdp
  readonly #connections = new Map<string, Connection>()
  /** By a number made of the other end: it is found faster than a text that is new with each datagram. */
  readonly #udpFlows = new Map<number, Flow[]>()
  #udpFlowsKnown = 0
  readonly #listeners: { tcp?: Listener; tls?: Listener } = {}
  #own: readonly OwnAddress[] = []
  #connecting = 0
  #closed = false

  constructor(options: SipIoOptions) {
    this.#options = options
    this.#udp = new OwnUdp({
      onMessage: (bytes, remote, socket) => {
        // Not all of them reach the machine, whose driver has its own boundary: a fault costs this datagram.
        try {
          this.#datagram(socket, bytes, remote)
        } catch (error) {
          options.onFault(error, 'datagram')
        }
      },
      onNote: options.onNote,
    })
  }

  /** The ports in use: UDP and TCP share one. 0 before `listen`. */
  get ports(): { readonly plain: number; readonly tls: number } {
    return { plain: this.#listeners.tcp?.port ?? 0, tls: this.#listeners.tls?.port ?? 0 }
  }

  get addresses(): readonly string[] {
    return this.#udp.addresses
  }

  /** Opens every socket; rejects with `PortError` when a wished port cannot be had. */
  async listen(listening: SipListening): Promise<void> {
    this.#listeners.tcp = await openPort(
      listening.port,
      port => this.#listenPlain(port, listening),
      listening.onMoved,
    )
    this.#listeners.tls = await openPort(
      listening.tlsPort,
      port => this.#listenStream(port, listening, listening.credentials),
      listening.onMoved,
    )
  }

  /** Own addresses came or went: their UDP sockets follow. */
  addressesChanged(addresses: readonly OwnAddress[]): Promise<void> {
    this.#own = addresses
    return this.#udp.follow(addresses.map(own => own.address))
  }

  reload(credentials: Credentials): void {
    this.#listeners.tls?.reload(credentials)
  }

  /** A WebSocket of the subprotocol `sip` (RFC 7118): one message a frame. To be called when it opens. */
  readonly acceptWebSocket = (socket: WebSocketConnection): void => {
    const transport: Transport = socket.secure ? 'wss' : 'ws'
    const flow: Flow = { id: socket.id, transport, local: socket.local, remote: socket.remote }
    this.#connections.set(flow.id, {
      flow,
      send: bytes => void socket.send(asText(bytes)),
      close: () => socket.close(1000, 'closed'),
    })
    socket.onMessage = data => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      // RFC 7118 §6: the CRLF keep-alive of RFC 5626 may be used over WebSocket too.
      if (isKeepAlive(bytes)) {
        if (doubleCrlf.equals(bytes)) socket.send(asText(crlf))
      } else if (this.#allow(flow.remote)) this.#options.input({ kind: 'received', flow, bytes })
      else socket.close(1008, 'too many messages')
    }
    socket.onClose = () => this.#forget(flow)
  }

  readonly carryOut = (effect: TransportEffect): void => {
    if (effect.kind === 'connect') void this.#connect(effect.ticket, effect.transport, effect.remote)
    else if (effect.kind === 'close') this.#connections.get(effect.flow.id)?.close()
    else if (effect.flow.transport === 'udp') this.#sendUdp(effect.flow, effect.bytes)
    else this.#connections.get(effect.flow.id)?.send(effect.bytes)
  }

  close(): void {
    this.#closed = true
    this.#listeners.tcp?.close()
    this.#listeners.tls?.close()
    for (const connection of this.#connections.values()) connection.close()
    this.#udp.close()
  }

  /** UDP and TCP on one port, or neither. */
  async #listenPlain(port: number, listening: SipListening): Promise<Listener> {
    const listener = await this.#listenStream(port, listening, undefined)
    try {
      const addresses = listening.addresses.map(own => own.address)
      this.#own = listening.addresses
      await this.#udp.open(addresses, listener.port)
      return listener
    } catch (error) {
      listener.close()
      throw error
    }
  }

  #listenStream(
    port: number,
    listening: SipListening,
    credentials: Credentials | undefined,
  ): Promise<Listener> {
    return listen(
      {
        address: undefined,
        port,
        credentials,
        allowLocal: listening.isBound,
        onOpen: stream => this.#acceptStream(stream, credentials ? 'tls' : 'tcp'),
        onRefused: this.#options.onNote,
        onFault: this.#options.onFault,
      },
      this.#streams,
    )
  }

  #datagram(socket: UdpSocket, bytes: Uint8Array, remote: Endpoint): void {
    if (isKeepAlive(bytes)) return
    if (!this.#allow(remote)) return
    if (looksLikeStun(bytes)) {
      const answer = answerBinding(bytes, remote)
      if (answer) socket.send(answer, remote)
      return
    }
    this.#options.input({ kind: 'received', flow: this.#udpFlow(socket.local, remote), bytes })
  }

  #udpFlow(local: Endpoint, remote: Endpoint): Flow {
    const { address, port } = remote
    let number = port
    for (let at = 0; at < address.length; at++) number = (31 * number + address.charCodeAt(at)) | 0
    const known = this.#udpFlows.get(number) ?? []
    for (const flow of known) {
      if (flow.local === local && flow.remote.port === port && flow.remote.address === address) return flow
    }
    if (this.#udpFlowsKnown === limits.udpFlows) {
      this.#udpFlows.clear()
      this.#udpFlowsKnown = 0
    }
    this.#udpFlowsKnown++
    const flow = udpFlow(local, remote)
    this.#udpFlows.set(number, known.length < limits.udpFlowsANumber ? [...known, flow] : [flow])
    return flow
  }

  #sendUdp(flow: Flow, bytes: Uint8Array): void {
    const socket = this.#udp.get(flow.local.address) ?? this.#anyUdp(flow.remote)
    if (socket) socket.send(bytes, flow.remote)
    else this.#options.onNote('noSocket', formatEndpoint(flow.local))
  }

  /**
   * The flow's own address is gone (a new lease, another network): the peer may still be reached from another, on its own
   * network where there is one: from a VLAN's address nothing may go into another VLAN.
   */
  #anyUdp({ address: remote }: Endpoint): UdpSocket | undefined {
    const isBeside = (address: string): boolean =>
      this.#own.some(own => own.address === address && isInSubnet(remote, address, own.prefixLength))
    const open = this.#udp.addresses.filter(
      address => familyOf(address) === familyOf(remote) && isLoopback(address) === isLoopback(remote),
    )
    const from = open.find(isBeside) ?? open[0]
    return from === undefined ? undefined : this.#udp.get(from)
  }

  #acceptStream(stream: Stream, transport: 'tcp' | 'tls'): Flow {
    const flow: Flow = {
      id: `${transport}/${stream.id}`,
      transport,
      local: stream.local,
      remote: stream.remote,
    }
    const framer = new StreamFramer()
    this.#connections.set(flow.id, {
      flow,
      send: bytes => void stream.send(bytes),
      close: () => stream.close(),
    })
    stream.onData = chunk => {
      const items = framer.push(chunk)
      // One write for all: a chunk may hold thousands of pings.
      const pings = items.filter(({ kind }) => kind === 'ping').length
      if (pings > 0) stream.send(pings === 1 ? crlf : Buffer.from('\r\n'.repeat(pings)))
      const messages = items.filter(item => item.kind === 'message' || item.kind === 'broken')
      inTurns(stream, messages, limits.messagesATurn, item => this.#streamed(stream, flow, item))
    }
    stream.onClose = () => this.#forget(flow)
    return flow
  }

  /** False: nothing more is taken of this stream. */
  #streamed(stream: Stream, flow: Flow, item: FramedItem & { kind: 'message' | 'broken' }): boolean {
    if (!this.#connections.has(flow.id)) return false
    if (item.kind === 'broken') {
      this.#options.onNote('brokenStream', `${item.reason} ${formatEndpoint(flow.remote)}`)
    } else {
      stream.prove()
      if (this.#allow(flow.remote)) {
        this.#options.input({ kind: 'received', flow, bytes: item.bytes })
        return true
      }
    }
    stream.close()
    return false
  }

  async #connect(ticket: number, transport: 'tcp' | 'tls', remote: Endpoint): Promise<void> {
    if (this.#connecting >= limits.connecting || this.#closed) {
      this.#options.input({ kind: 'connectFailed', ticket })
      return
    }
    this.#connecting++
    try {
      const stream = await connect({ remote, tls: transport === 'tls', onFault: this.#options.onFault })
      this.#options.input({ kind: 'connected', ticket, flow: this.#acceptStream(stream, transport) })
    } catch (error) {
      this.#options.onNote('connectFailed', `${formatEndpoint(remote)}: ${String(error)}`)
      this.#options.input({ kind: 'connectFailed', ticket })
    } finally {
      this.#connecting--
    }
  }

  #forget(flow: Flow): void {
    if (this.#connections.delete(flow.id)) this.#options.input({ kind: 'flowClosed', flow })
  }

  #allow(remote: Endpoint): boolean {
    if (isLoopback(remote.address)) return true
    if (this.#sources.allow(sourceOf(remote.address), this.#options.clock.monotonic())) return true
    this.#options.onNote('tooManyMessages', remote.address)
    return false
  }
}

/** CRLFs, or the few NUL bytes some phones send to keep a binding in a NAT: nothing to answer, nothing to read. */
function isKeepAlive(bytes: Uint8Array): boolean {
  if (bytes.length > 4) return false
  return bytes.every(byte => byte === 0x0d || byte === 0x0a || byte === 0)
}

/** RFC 7118 §4.2 allows both frame types; browsers' stacks expect text, and SIP is UTF-8 except for odd bodies. */
function asText(bytes: Uint8Array): string | Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('utf8')
  return text.includes('\ufffd') ? bytes : text
}
