/**
 * An HTTP or HTTPS server with this house's bounds: connections by source and in all, time for handshake, header and
 * body, header size. What is answered is the listener's matter.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { canonicalAddress } from '../core/endpoint.ts'
import { Gate, type GateLimits } from './gate.ts'
import { HttpTurns } from './http-turns.ts'
import { type Credentials, Shown } from './tls.ts'
import type { WebSockets } from './websocket.ts'

export const httpLimits = {
  connections: { unprovenPerSource: 48, unprovenTotal: 256, perSource: 256, total: 4_096 } as GateLimits,
  handshakeMilliseconds: 10_000,
  /**
   * Also from the start of a connection to its first request: longer than browsers keep one that they opened in advance
   * (Chromium 10 s), so that they never ask on one that is being closed.
   */
  headersMilliseconds: 15_000,
  /** As long as an upload may take; who reads a body bounds what is shorter (`admin/body.ts`). */
  requestMilliseconds: 900_000,
  keepAliveMilliseconds: 30_000,
  /** Nothing came and nothing could be sent: who asks and does not read holds no answer in memory for longer. */
  stillMilliseconds: 180_000,
  headerBytes: 16_384,
} as const

export interface HttpOptions {
  readonly port: number
  /** Present: HTTPS. */
  readonly credentials?: Credentials | undefined
  readonly listener: RequestListener
  readonly webSockets?: WebSockets | undefined
  /** False refuses a connection by the own address it came to. */
  readonly allowLocal: (address: string) => boolean
  readonly onRefused: (reason: string, remote: string) => void
  /** A client ended the handshake because of our certificate; `alert` is its word (RFC 8446 §6.2). */
  readonly onCertificateRefused?: ((alert: string, remote: string) => void) | undefined
  /** Lower only in tests. */
  readonly headersMilliseconds?: number | undefined
}

export interface HttpListener {
  readonly port: number
  reload(credentials: Credentials): void
  /** Takes nothing new and cuts what is open. */
  close(): void
}

/** Rejects with the system's error (`EADDRINUSE`, `EACCES`). */
export function listenHttp(options: HttpOptions): Promise<HttpListener> {
  const headersTimeout = options.headersMilliseconds ?? httpLimits.headersMilliseconds
  const settings = {
    maxHeaderSize: httpLimits.headerBytes,
    headersTimeout,
    requestTimeout: httpLimits.requestMilliseconds,
    keepAliveTimeout: httpLimits.keepAliveMilliseconds,
    connectionsCheckingInterval: Math.min(5_000, headersTimeout),
  }
  const shown = options.credentials && new Shown(options.credentials)
  const server: Server | SecureServer = shown
    ? createSecureServer({
        ...settings,
        ...shown.options,
        SNICallback: shown.SNICallback,
        handshakeTimeout: httpLimits.handshakeMilliseconds,
      })
    : createServer(settings)
  server.timeout = httpLimits.stillMilliseconds
  const sockets = new Map<string, Socket>()
  const gate = new Gate<Socket>(httpLimits.connections, socket => socket.destroy())
  server.on('connection', (socket: Socket) => {
    // An HTTPS server emits this for the TCP connection, and Node's http once more for what is inside.
    const key = peerOf(socket)
    if (sockets.has(key)) return
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(key)
      gate.leave(socket)
    })
    const remote = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    const entered = options.allowLocal(canonicalAddress(socket.localAddress ?? '') ?? '')
      ? gate.enter(socket, remote)
      : 'address'
    if (entered === 'ok') {
      sockets.set(key, socket)
      return
    }
    options.onRefused(entered, remote)
    socket.destroy()
  })
  const prove = (socket: Duplex): void => {
    const counted = sockets.get(peerOf(socket as Socket))
    if (counted) gate.prove(counted)
  }
  const turns = new HttpTurns(options.listener, socket => {
    options.onRefused('pipelined', canonicalAddress(socket.remoteAddress ?? '') ?? '')
  })
  server.on('request', (request, response) => {
    prove(request.socket)
    turns.take(request, response)
  })
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    prove(request.socket)
    if (options.webSockets) options.webSockets.upgrade(request, socket, head)
    else socket.destroy()
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // RFC 9110 §15.5.9: a request that was on its way meanwhile is then sent again on another connection.
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'
    // Whoever never closes its own half would else keep the connection.
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy())
    else socket.destroy()
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const alert = certificateAlert(error.code)
    if (alert !== undefined)
      options.onCertificateRefused?.(alert, canonicalAddress(socket.remoteAddress ?? '') ?? '')
    socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, exclusive: true }, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve({
        port: (server.address() as AddressInfo).port,
        reload: credentials => (server as SecureServer).setSecureContext(shown!.change(credentials).options),
        close: () => {
          server.close()
          for (const socket of sockets.values()) socket.destroy()
        },
      })
    })
  })
}

/** The command line's way in: a socket that only this user can open. */
export function listenLocal(path: string, listener: RequestListener): Promise<{ close(): void }> {
  const server = createServer(listener)
  // The permission must be right from the first moment: between listen and chmod another user could connect.
  const before = process.umask(0o177)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve({
        close: () => {
          server.close()
          server.closeAllConnections()
        },
      })
    })
    process.umask(before)
  })
}

/** OpenSSL's code for an alert that was received, as `certificate expired`; undefined for all that say nothing of it. */
function certificateAlert(code: string | undefined): string | undefined {
  const word =
    /^ERR_SSL_[A-Z0-9]+_ALERT_((?:BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA)$/.exec(
      code ?? '',
    )?.[1]
  return word?.replaceAll('_', ' ').toLowerCase().replace('unknown ca', 'unknown authority')
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
