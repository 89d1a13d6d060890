/**
 * WebSocket connections on the web server's ports: upgrades by path and subprotocol, after a check of Host and Origin
 * that the caller gives; bounded in number, frame size, and unsent bytes. Compression is off: it costs memory for each
 * connection and hides sizes from the limits.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { canonicalAddress, type Endpoint } from '../core/endpoint.ts'
import { Gate, type GateLimits } from './gate.ts'

export const webSocketLimits = {
  frameBytes: 65_536,
  /** A peer that reads slower than this much unsent data is closed. */
  unsentBytes: 1_048_576,
  connections: { unprovenPerSource: 32, unprovenTotal: 256, perSource: 128, total: 2_048 } as GateLimits,
  /** A connection that never sends a frame. */
  silentMilliseconds: 30_000,
} as const

/** One open WebSocket. Set the two handlers at once in `onOpen`: nothing is delivered before it returns. */
export interface WebSocketConnection {
  readonly id: string
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly secure: boolean
  onMessage: (data: string | Uint8Array) => void
  /** Called once, whoever closed it and for whatever reason. */
  onClose: (code: number) => void
  /** Queues a frame: text for a string, binary for bytes. False: it was closed, or too slow and is closed now. */
  send(data: string | Uint8Array): boolean
  close(code: number, reason: string): void
  /** Ends it without the closing handshake. */
  terminate(): void
}

export interface WebSocketRoute {
  readonly path: string
  readonly subprotocol: string
  /** Server pings at this interval; a peer that answered nothing for a whole interval is gone. Undefined: none. */
  readonly pingMilliseconds?: number | undefined
  readonly onOpen: (connection: WebSocketConnection) => void
}

export interface WebSocketOptions {
  readonly routes: readonly WebSocketRoute[]
  /** Undefined: let in. Otherwise the HTTP status to refuse with (Host or Origin not allowed). */
  readonly refuse: (request: IncomingMessage) => number | undefined
  readonly onRefused?: (reason: string, remote: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export class WebSockets {
  readonly #options: WebSocketOptions
  readonly #servers: ReadonlyMap<WebSocketRoute, WebSocketServer>
  readonly #gate = new Gate<Connection>(webSocketLimits.connections, connection => connection.terminate())
  readonly #open = new Set<Connection>()
  #serial = 0

  constructor(options: WebSocketOptions) {
    this.#options = options
    this.#servers = new Map(options.routes.map(route => [route, serverFor(route)]))
  }

  get size(): number {
    return this.#open.size
  }

  /** To be given as the `upgrade` listener of an HTTP server. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const path = (request.url ?? '').split('?', 1)[0]
    const route = this.#options.routes.find(candidate => candidate.path === path)
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim())
    const refusal = this.#options.refuse(request)
    if (refusal !== undefined) this.#refuse(request, socket, refusal, 'originOrHost')
    else if (route === undefined) this.#refuse(request, socket, 404, 'path')
    else if (!offered.includes(route.subprotocol)) this.#refuse(request, socket, 400, 'subprotocol')
    else {
      const server = this.#servers.get(route)!
      server.handleUpgrade(request, socket, head, webSocket => this.#accept(webSocket, request, route))
    }
  }

  /** Closes every connection with this code; what does not finish its handshake is cut by `terminateAll`. */
  closeAll(code: number, reason: string): void {
    for (const connection of this.#open) connection.close(code, reason)
  }

  terminateAll(): void {
    for (const connection of this.#open) connection.terminate()
  }

  #refuse(request: IncomingMessage, socket: Duplex, status: number, reason: string): void {
    this.#options.onRefused?.(reason, request.socket.remoteAddress ?? '')
    // Whoever never closes its own half would else keep the connection.
    socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
      socket.destroy(),
    )
  }

  #accept(webSocket: WebSocket, request: IncomingMessage, route: WebSocketRoute): void {
    const connection = new Connection(`${route.subprotocol}/${++this.#serial}`, webSocket, request)
    const entered = this.#gate.enter(connection, connection.remote.address)
    if (entered !== 'ok') {
      this.#options.onRefused?.(entered, connection.remote.address)
      webSocket.close(1013, 'too many connections')
      setTimeout(() => webSocket.terminate(), 1_000).unref()
      return
    }
    this.#open.add(connection)
    const silence = setTimeout(() => connection.terminate(), webSocketLimits.silentMilliseconds)
    const stopPings = route.pingMilliseconds ? keepPinging(webSocket, route.pingMilliseconds) : () => {}
    const guarded = (during: string, run: () => void): void => {
      try {
        run()
      } catch (error) {
        this.#options.onFault(error, during)
      }
    }
    guarded('open', () => route.onOpen(connection))
    webSocket.on('error', () => webSocket.terminate())
    webSocket.on('message', (data, isBinary) => {
      clearTimeout(silence)
      this.#gate.prove(connection)
      guarded('message', () => connection.onMessage(isBinary ? bytesOf(data) : data.toString()))
    })
    webSocket.on('close', code => {
      clearTimeout(silence)
      stopPings()
      this.#gate.leave(connection)
      this.#open.delete(connection)
      guarded('close', () => connection.onClose(code))
    })
  }
}

function serverFor(route: WebSocketRoute): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: webSocketLimits.frameBytes,
    perMessageDeflate: false,
    // One frame a turn of the event loop: a flood on one connection must not keep the others waiting.
    allowSynchronousEvents: false,
    handleProtocols: () => route.subprotocol,
  })
}

class Connection implements WebSocketConnection {
  readonly id: string
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly secure: boolean
  onMessage: (data: string | Uint8Array) => void = () => {}
  onClose: (code: number) => void = () => {}
  readonly #webSocket: WebSocket

  constructor(id: string, webSocket: WebSocket, request: IncomingMessage) {
    const socket = request.socket
    this.id = id
    this.#webSocket = webSocket
    this.secure = socket instanceof TLSSocket
    this.remote = endpointOf(socket.remoteAddress, socket.remotePort)
    this.local = endpointOf(socket.localAddress, socket.localPort)
  }

  send(data: string | Uint8Array): boolean {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return false
    if (this.#webSocket.bufferedAmount > webSocketLimits.unsentBytes) {
      this.terminate()
      return false
    }
    this.#webSocket.send(data)
    return true
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason)
    // ws itself waits 30 s for the peer's half of the handshake.
    setTimeout(() => this.#webSocket.terminate(), 2_000).unref()
  }

  terminate(): void {
    this.#webSocket.terminate()
  }
}

function keepPinging(webSocket: WebSocket, everyMilliseconds: number): () => void {
  let heard = true
  const hear = (): void => {
    heard = true
  }
  webSocket.on('pong', hear)
  webSocket.on('message', hear)
  const timer = setInterval(() => {
    if (!heard) return webSocket.terminate()
    heard = false
    webSocket.ping()
  }, everyMilliseconds)
  return () => clearInterval(timer)
}

function endpointOf(address: string | undefined, port: number | undefined): Endpoint {
  return { address: canonicalAddress(address ?? '') ?? '', port: port ?? 0 }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
