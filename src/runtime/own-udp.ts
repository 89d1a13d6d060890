/**
 * A UDP socket on each own address, all on one port, following the addresses as they come and go. A wildcard socket does
 * not say which address a datagram was sent to, and the answer has to leave from there.
 *
 * An address that cannot be bound yet is tried again: an IPv6 one is listed a second or two before its check for
 * duplicates (RFC 4862 §5.4) lets anybody bind it, and nothing tells when that is over.
 */
import type { Endpoint } from '../core/endpoint.ts'
import { openUdp, type UdpSocket } from './udp.ts'

const ownUdpLimits = { againMilliseconds: 500 } as const

export interface OwnUdpOptions {
  readonly onMessage: (bytes: Uint8Array, remote: Endpoint, socket: UdpSocket) => void
  /** To be counted: `noSocket`, `udpClosed` or `sendFailed`, and of which address or why. */
  readonly onNote: (reason: string, detail: string) => void
}

export class OwnUdp {
  readonly #options: OwnUdpOptions
  readonly #sockets = new Map<string, UdpSocket>()
  readonly #opening = new Set<string>()
  #wanted: ReadonlySet<string> = new Set()
  #port = 0
  #again: NodeJS.Timeout | undefined

  constructor(options: OwnUdpOptions) {
    this.#options = options
  }

  /** Addresses with an open socket. */
  get addresses(): readonly string[] {
    return [...this.#sockets.keys()]
  }

  get(address: string): UdpSocket | undefined {
    return this.#sockets.get(address)
  }

  /** Rejects with the system's error (`EADDRINUSE`), and then nothing is open. */
  async open(addresses: readonly string[], port: number): Promise<void> {
    this.#port = port
    this.#wanted = new Set(addresses)
    try {
      for (const address of addresses) await this.#open(address)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Own addresses came or went. What cannot be opened now is tried again. */
  async follow(addresses: readonly string[]): Promise<void> {
    this.#wanted = new Set(addresses)
    for (const [address, socket] of this.#sockets) {
      if (this.#wanted.has(address)) continue
      this.#sockets.delete(address)
      socket.close()
    }
    await this.#openMissing()
  }

  close(): void {
    this.#wanted = new Set()
    clearTimeout(this.#again)
    this.#again = undefined
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }

  async #openMissing(): Promise<void> {
    for (const address of this.#wanted) {
      await this.#open(address).catch(error => {
        this.#options.onNote('noSocket', `${address}: ${error.message}`)
        this.#openLater()
      })
    }
  }

  async #open(address: string): Promise<void> {
    if (this.#sockets.has(address) || this.#opening.has(address)) return
    this.#opening.add(address)
    try {
      const socket = await openUdp({
        local: { address, port: this.#port },
        onMessage: (bytes, remote) => this.#options.onMessage(bytes, remote, socket),
        onClosed: error => this.#lost(address, socket, error),
        onSendError: error => this.#options.onNote('sendFailed', error.message),
      })
      if (this.#wanted.has(address)) this.#sockets.set(address, socket)
      else socket.close()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error
      this.#openLater()
    } finally {
      this.#opening.delete(address)
    }
  }

  #lost(address: string, socket: UdpSocket, error: Error): void {
    if (this.#sockets.get(address) !== socket) return
    this.#sockets.delete(address)
    this.#options.onNote('udpClosed', `${address}: ${error.message}`)
    this.#openLater()
  }

  /** Ends by itself: with the last address that is wanted and has no socket. */
  #openLater(): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined
      void this.#openMissing()
    }, ownUdpLimits.againMilliseconds)
  }
}
