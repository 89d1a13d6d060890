/**
 * Byte streams, TCP or TLS, taken in or opened: bounded in number, in unsent bytes, and in how long one may stay
 * without a TLS handshake or a complete message.
 */
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { canonicalAddress, type Endpoint } from '../core/endpoint.ts'
import type { Gate, GateLimits } from './gate.ts'
import { type Credentials, Shown } from './tls.ts'

export const streamLimits = {
  connections: { unprovenPerSource: 16, unprovenTotal: 128, perSource: 64, total: 1_024 } as GateLimits,
  handshakeMilliseconds: 10_000,
  /** From the connection's start (after its handshake) to its first complete message. */
  silentMilliseconds: 30_000,
  /** A proven stream on which nothing at all came for this long. */
  idleMilliseconds: 2 * 3_600_000,
  connectMilliseconds: 5_000,
  unsentBytes: 1_048_576,
  /** What one message that is not sent yet takes besides its bytes. */
  bytesAMessage: 256,
} as const

/** One open stream. Set the handlers at once in `onOpen`. */
export interface Stream {
  readonly id: string
  readonly local: Endpoint
  readonly remote: Endpoint
  onData: (bytes: Uint8Array) => void
  /** Called once, whoever closed it. */
  onClose: () => void
  /** What the peer has not taken yet, and the system does not hold for it. */
  readonly unsentBytes: number
  /** False: it was closed, or too slow and is closed now. */
  send(bytes: Uint8Array): boolean
  /** No more `onData` until `resume`: what comes meanwhile waits in the kernel, and then with the sender. */
  pause(): void
  resume(): void
  /** A complete message came: the stream is no longer among those that can be pushed out. */
  prove(): void
  close(): void
}

export interface ListenOptions {
  /** Undefined listens on every address of both families. */
  readonly address: string | undefined
  readonly port: number
  /** Present: TLS. */
  readonly credentials?: Credentials | undefined
  /** False refuses a connection by the own address it came to. */
  readonly allowLocal: (address: string) => boolean
  readonly onOpen: (stream: Stream) => void
  readonly onRefused: (reason: string, remote: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export interface Listener {
  readonly port: number
  /** Uses new certificates for handshakes from now on. */
  reload(credentials: Credentials): void
  /** Stops listening and cuts every stream. */
  close(): void
}

let serial = 0

/** Rejects with the system's error (`EADDRINUSE`, `EACCES`). */
export function listen(options: ListenOptions, gate: Gate<Socket>): Promise<Listener> {
  /** By the peer's address and port: what a TLS socket shares with the TCP socket below it. */
  const sockets = new Map<string, Socket>()
  const shown = options.credentials && new Shown(options.credentials)
  const server: Server = shown
    ? createTlsServer({
        ...shown.options,
        SNICallback: shown.SNICallback,
        handshakeTimeout: streamLimits.handshakeMilliseconds,
      })
    : createServer()
  // The TCP connection is counted before its handshake: half-open floods are what the gate is for.
  server.on('connection', (socket: Socket) => {
    const key = peerOf(socket)
    sockets.set(key, socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(key)
      gate.leave(socket)
    })
    const remote = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    const local = canonicalAddress(socket.localAddress ?? '') ?? ''
    const entered = options.allowLocal(local) ? gate.enter(socket, remote) : 'address'
    if (entered !== 'ok') {
      options.onRefused(entered, remote)
      socket.destroy()
    } else if (!options.credentials) open(socket, socket, gate, options)
  })
  server.on('secureConnection', socket => open(socket, sockets.get(peerOf(socket)) ?? socket, gate, options))
  server.on('tlsClientError', (_error, socket) => {
    options.onRefused('tlsHandshake', socket.remoteAddress ?? '')
    socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, host: options.address, exclusive: true }, () => {
      server.removeListener('error', reject)
      server.on('error', error => options.onFault(error, 'listen'))
      resolve({
        port: (server.address() as AddressInfo).port,
        reload: credentials => (server as TlsServer).setSecureContext(shown!.change(credentials).options),
        close: () => {
          server.close()
          for (const socket of sockets.values()) socket.destroy()
        },
      })
    })
  })
}

export interface ConnectOptions {
  readonly remote: Endpoint
  /** Present: TLS, accepting these authorities' certificates; phones have none of their own, so none is demanded. */
  readonly tls: boolean
  readonly onFault: (error: unknown, during: string) => void
}

/** Opens a stream; rejects when it is not there after `connectMilliseconds`. */
export function connect(options: ConnectOptions): Promise<Stream> {
  const target = { host: options.remote.address, port: options.remote.port }
  return new Promise((resolve, reject) => {
    const socket: Socket = options.tls
      ? connectTls({ ...target, rejectUnauthorized: false, minVersion: 'TLSv1.2' })
      : connectTcp(target)
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), streamLimits.connectMilliseconds)
    socket.once('error', reject)
    socket.once(options.tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.removeListener('error', reject)
      socket.on('error', () => socket.destroy())
      resolve(streamOf(socket, () => {}, options.onFault))
    })
    socket.once('close', () => {
      clearTimeout(timer)
      reject(new Error('closed'))
    })
  })
}

function open(socket: Socket, counted: Socket, gate: Gate<Socket>, options: ListenOptions): void {
  const silence = setTimeout(() => socket.destroy(), streamLimits.silentMilliseconds)
  socket.once('close', () => clearTimeout(silence))
  const prove = (): void => {
    clearTimeout(silence)
    gate.prove(counted)
  }
  const stream = streamOf(socket, prove, options.onFault)
  try {
    options.onOpen(stream)
  } catch (error) {
    options.onFault(error, 'open')
    socket.destroy()
  }
}

function streamOf(
  socket: Socket,
  prove: () => void,
  onFault: (error: unknown, during: string) => void,
): Stream {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  socket.setTimeout(streamLimits.idleMilliseconds, () => socket.destroy())
  let messages = 0
  const sent = (): void => {
    messages--
  }
  const stream: Stream = {
    id: String(++serial),
    local: endpointOf(socket.localAddress, socket.localPort),
    remote: endpointOf(socket.remoteAddress, socket.remotePort),
    onData: () => {},
    onClose: () => {},
    get unsentBytes() {
      return socket.writableLength + messages * streamLimits.bytesAMessage
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    prove,
    send: bytes => {
      if (!socket.writable) return false
      if (stream.unsentBytes > streamLimits.unsentBytes) {
        socket.destroy()
        return false
      }
      messages++
      socket.write(bytes, sent)
      return true
    },
    close: () => {
      socket.end()
      // A peer that does not close its half must not keep ours.
      setTimeout(() => socket.destroy(), 1_000).unref()
    },
  }
  const guarded = (during: string, run: () => void): void => {
    try {
      run()
    } catch (error) {
      onFault(error, during)
    }
  }
  socket.on('data', (bytes: Buffer) => guarded('data', () => stream.onData(bytes)))
  socket.once('close', () => guarded('close', () => stream.onClose()))
  return stream
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

function endpointOf(address: string | undefined, port: number | undefined): Endpoint {
  return { address: canonicalAddress(address ?? '') ?? '', port: port ?? 0 }
}
