/** One UDP socket bound to one own address, so that what it receives is known to have been sent to that address. */
import { createSocket, type Socket } from 'node:dgram'
import { canonicalAddress, type Endpoint, familyOf } from '../core/endpoint.ts'

const udpLimits = {
  /**
   * What may wait in this process once the system's own buffer is full, as on a wireless link that has become slow:
   * nothing else bounds it, and what would leave seconds later is worth nothing.
   */
  unsentBytes: 262_144,
} as const

export interface UdpSocket {
  readonly local: Endpoint
  /**
   * Sends or drops: over UDP a full buffer and a lost packet are the same to the sender, and nobody has port 0. Parts go
   * as one datagram.
   */
  send(bytes: Uint8Array | readonly Uint8Array[], remote: Endpoint): void
  close(): void
}

export interface UdpOptions {
  readonly local: Endpoint
  readonly onMessage: (bytes: Uint8Array, remote: Endpoint) => void
  /** The socket failed after it was bound; it is closed. */
  readonly onClosed: (error: Error) => void
  readonly onSendError?: (error: Error) => void
}

/** Binds; rejects with the system's error (`EADDRINUSE`, `EADDRNOTAVAIL`). Port 0 takes a free one. */
export function openUdp(options: UdpOptions): Promise<UdpSocket> {
  const socket: Socket = createSocket({
    type: familyOf(options.local.address) === 6 ? 'udp6' : 'udp4',
    // Linux refuses the flag on an IPv4 socket.
    ipv6Only: familyOf(options.local.address) === 6,
    recvBufferSize: 1_048_576,
    sendBufferSize: 1_048_576,
    // A name in a packet must never start a look-up: whoever sends gives an address.
    lookup: (host, _options, done) => done(null, host, familyOf(host)),
  })
  const isFull = new Error('the link is too slow: what was to be sent is dropped')
  const onSent = (error: Error | null): void => {
    if (error) options.onSendError?.(error)
  }
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: options.local.address, port: options.local.port, exclusive: true }, () => {
      socket.removeListener('error', reject)
      socket.on('error', error => {
        socket.close()
        options.onClosed(error)
      })
      socket.on('message', (bytes, from) => {
        // RFC 768: whoever sends from port 0 expects no answer; Node throws where one is tried.
        if (from.port === 0) return
        const address =
          from.family === 'IPv4' ? from.address : (canonicalAddress(from.address) ?? from.address)
        options.onMessage(bytes, { address, port: from.port })
      })
      resolve({
        local: { address: options.local.address, port: socket.address().port },
        send: (bytes, { port, address }) => {
          if (port === 0) return
          if (socket.getSendQueueSize() > udpLimits.unsentBytes) onSent(isFull)
          else socket.send(bytes as Uint8Array, port, address, onSent)
        },
        close: () => {
          socket.removeAllListeners('message')
          socket.close()
        },
      })
    })
  })
}
