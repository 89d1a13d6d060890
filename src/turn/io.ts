/**
 * The relay's sockets, inside its worker: clients over UDP, TCP and TLS, and one UDP socket for each relayed address.
 * Data goes from socket to `Router` to socket; everything else to the machine. Whoever replaces `dgram` by something
 * faster replaces what is behind `openUdp` and calls the same three methods of the router.
 */
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { Gate } from '../runtime/gate.ts'
import { OwnUdp } from '../runtime/own-udp.ts'
import { openPort, type PortWish } from '../runtime/ports.ts'
import { type Listener, listen, type Stream, streamLimits } from '../runtime/tcp.ts'
import type { Credentials } from '../runtime/tls.ts'
import { inTurns } from '../runtime/turns.ts'
import { openUdp, type UdpSocket } from '../runtime/udp.ts'
import { TurnFramer } from './framing.ts'
import type { ClientFlow, OpenedRelay, Route, TurnEffect, TurnInput, TurnPorts } from './message.ts'
import { isChannelData, isSendIndication, type Router } from './route.ts'

export interface TurnIoOptions {
  readonly clock: Clock
  readonly router: Router
  readonly input: (input: TurnInput) => void
  readonly relayPorts: { readonly min: number; readonly max: number }
  readonly onNote: (reason: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export interface TurnListening {
  readonly plain: PortWish
  readonly tls: PortWish
  readonly addresses: readonly string[]
  readonly credentials: Credentials
  readonly onMoved: (key: string, from: number, to: number) => void
}

/** What the machine can ask of the rim. */
export type TurnSocketEffect = Extract<
  TurnEffect,
  { kind: 'send' | 'prove' | 'openRelay' | 'closeRelay' | 'closeFlow' }
>

/** Of one stream: a signed request costs some 20 µs, so that this is a millisecond or two. */
const messagesAtOnce = 64
/** Of data that a stream's client has not taken: media of a second ago helps nobody, and the call must not end for it. */
const unsentDataBytes = 131_072
/** Ports tried before a relay is refused: a range that is nearly full is searched at random. */
const relayTries = 40

export class TurnIo {
  readonly #options: TurnIoOptions
  readonly #gate = new Gate<Socket>(streamLimits.connections, socket => socket.destroy())
  readonly #udp: OwnUdp
  readonly #streams = new Map<string, { readonly flow: ClientFlow; readonly stream: Stream }>()
  readonly #relays = new Map<number, UdpSocket>()
  readonly #listeners: { tcp?: Listener; tls?: Listener } = {}
  /** Own addresses that are served. */
  #wanted: ReadonlySet<string> = new Set()
  #serial = 0
  #closed = false

  constructor(options: TurnIoOptions) {
    this.#options = options
    this.#udp = new OwnUdp({
      onMessage: (bytes, remote, socket) => this.#datagram(socket, bytes, remote),
      onNote: options.onNote,
    })
  }

  /** 0 before `listen`. */
  get ports(): TurnPorts {
    return { plain: this.#listeners.tcp?.port ?? 0, tls: this.#listeners.tls?.port ?? 0 }
  }

  /** Rejects with `PortError` when a wished port cannot be had. */
  async listen({ plain, tls, addresses, credentials, onMoved }: TurnListening): Promise<void> {
    this.#wanted = new Set(addresses)
    this.#listeners.tcp = await openPort(plain, port => this.#listenPlain(port), onMoved)
    this.#listeners.tls = await openPort(tls, port => this.#listenStream(port, credentials), onMoved)
  }

  /** Own addresses came or went. */
  addressesChanged(addresses: readonly string[]): Promise<void> {
    this.#wanted = new Set(addresses)
    return this.#udp.follow(addresses)
  }

  reload(credentials: Credentials): void {
    this.#listeners.tls?.reload(credentials)
  }

  carryOut(effect: TurnSocketEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.flow, undefined, effect.bytes)
      case 'prove':
        return this.#streams.get(effect.flow.key)?.stream.prove()
      case 'closeFlow':
        return this.#streams.get(effect.flow.key)?.stream.close()
      case 'closeRelay':
        this.#relays.get(effect.relay)?.close()
        this.#relays.delete(effect.relay)
        return
      case 'openRelay':
        void this.#openRelay(effect)
    }
  }

  close(): void {
    this.#closed = true
    this.#listeners.tcp?.close()
    this.#listeners.tls?.close()
    this.#udp.close()
    for (const socket of this.#relays.values()) socket.close()
    this.#relays.clear()
  }

  // --------------------------------------------------------------------------------------------------- clients

  /** UDP and TCP on one port, or neither. */
  async #listenPlain(port: number): Promise<Listener> {
    const listener = await this.#listenStream(port, undefined)
    try {
      await this.#udp.open([...this.#wanted], listener.port)
      return listener
    } catch (error) {
      listener.close()
      throw error
    }
  }

  #listenStream(port: number, credentials: Credentials | undefined): Promise<Listener> {
    const { onNote, onFault } = this.#options
    return listen(
      {
        ...{ address: undefined, port, credentials, onFault },
        allowLocal: address => this.#wanted.has(address),
        onOpen: stream => this.#accept(stream, credentials ? 'tls' : 'tcp'),
        onRefused: reason => onNote(reason),
      },
      this.#gate,
    )
  }

  #datagram(socket: UdpSocket, bytes: Uint8Array, remote: Endpoint): void {
    if (bytes.length < 4) return
    const { local } = socket
    const key = `${remote.address} ${remote.port} ${local.address}`
    this.#arrived(key, bytes, () => ({ key, transport: 'udp', local, remote }))
  }

  #accept(stream: Stream, transport: 'tcp' | 'tls'): void {
    const flow: ClientFlow = {
      ...{ key: `${transport} ${stream.id}`, transport },
      ...{ local: stream.local, remote: stream.remote },
    }
    this.#streams.set(flow.key, { flow, stream })
    const framer = new TurnFramer()
    const handle = (bytes: Uint8Array): boolean => {
      if (!this.#streams.has(flow.key)) return false
      this.#arrived(flow.key, bytes, () => flow)
      return true
    }
    stream.onData = chunk => {
      const messages = framer.push(chunk)
      if (messages !== undefined) return inTurns(stream, messages, messagesAtOnce, handle)
      this.#options.onNote('brokenStream')
      stream.close()
    }
    stream.onClose = () => {
      this.#streams.delete(flow.key)
      this.#options.input({ kind: 'flowClosed', flow })
    }
  }

  /** A fault costs this packet. */
  #arrived(key: string, bytes: Uint8Array, flow: () => ClientFlow): void {
    const { router, clock, input, onFault } = this.#options
    try {
      if (isChannelData(bytes)) this.#pass(router.channelData(key, bytes, clock.monotonic()))
      else if (isSendIndication(bytes)) this.#pass(router.sendIndication(key, bytes, clock.monotonic()))
      else input({ kind: 'received', flow: flow(), bytes })
    } catch (error) {
      onFault(error, 'data')
    }
  }

  #pass(route: Route | undefined): void {
    if (route === undefined) this.#options.onNote('dataDropped')
    else if (route.to === 'client') this.#toClient(route.flow, route.header, route.bytes)
    else this.#relays.get(route.relay)?.send(route.bytes, route.peer)
  }

  #toClient(flow: ClientFlow, header: Uint8Array | undefined, bytes: Uint8Array): void {
    const stream = flow.transport === 'udp' ? undefined : this.#streams.get(flow.key)?.stream
    if (stream !== undefined && stream.unsentBytes > unsentDataBytes) this.#options.onNote('slowClient')
    else this.#send(flow, header, bytes)
  }

  #send(flow: ClientFlow, header: Uint8Array | undefined, bytes: Uint8Array): void {
    if (flow.transport === 'udp') {
      this.#udp.get(flow.local.address)?.send(header ? [header, bytes] : bytes, flow.remote)
      return
    }
    const stream = this.#streams.get(flow.key)?.stream
    if (stream === undefined) return
    if (header === undefined) stream.send(bytes)
    else stream.send(Buffer.concat([header, bytes, padding[(4 - (bytes.length % 4)) % 4]!]))
  }

  // ---------------------------------------------------------------------------------------------------- relays

  async #openRelay({ ticket, address, port }: TurnEffect & { kind: 'openRelay' }): Promise<void> {
    const relays = await this.#bindRelays(address, port)
    if (this.#closed) return
    this.#options.input(
      relays === undefined ? { kind: 'relayFailed', ticket } : { kind: 'relayOpened', ticket, relays },
    )
  }

  /** RFC 8656 §7.2: a port at random, so that nobody can guess where the next one will be. */
  async #bindRelays(address: string, wanted: 'any' | 'even' | 'pair'): Promise<OpenedRelay[] | undefined> {
    const { min, max } = this.#options.relayPorts
    for (let tried = 0; tried < relayTries; tried++) {
      const drawn = randomInt(min, max + 1)
      const port = wanted === 'any' ? drawn : drawn & ~1
      if (port < min || (wanted === 'pair' && port + 1 > max)) continue
      const first = await this.#bindRelay(address, port)
      if (first === 'impossible') return undefined
      if (first === undefined) continue
      if (wanted !== 'pair') return [first]
      const second = await this.#bindRelay(address, port + 1)
      if (second !== undefined && second !== 'impossible') return [first, second]
      this.carryOut({ kind: 'closeRelay', relay: first.relay })
    }
    return undefined
  }

  /** Undefined: the port is taken. */
  async #bindRelay(address: string, port: number): Promise<OpenedRelay | 'impossible' | undefined> {
    const { router, clock, onNote, onFault, input } = this.#options
    const relay = ++this.#serial
    try {
      const socket = await openUdp({
        local: { address, port },
        onMessage: (bytes, remote) => {
          try {
            this.#pass(router.fromPeer(relay, remote.address, remote.port, bytes, clock.monotonic()))
          } catch (error) {
            onFault(error, 'data')
          }
        },
        onClosed: () => {
          this.#relays.delete(relay)
          input({ kind: 'relayLost', relay })
        },
        onSendError: () => onNote('sendFailed'),
      })
      this.#relays.set(relay, socket)
      return { relay, address: socket.local }
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? undefined : 'impossible'
    }
  }
}

const padding = [0, 1, 2, 3].map(count => new Uint8Array(count))
