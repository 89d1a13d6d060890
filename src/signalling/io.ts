/**
 * The rim of the channel: WebSocket connections to the machine and its frames to them. A client that does not read is
 * closed by the connection itself once its unsent bytes pass the bound, and so is one whose frame is too large
 * (`runtime/websocket.ts`); the machine then hears `closed` like of any other.
 */
import type { WebSocketConnection, WebSocketRoute } from '../runtime/websocket.ts'
import { closeCode, type SignallingEffect, type SignallingInput, subprotocol } from './message.ts'

/** What the machine can ask of the rim. */
export type SocketEffect = Extract<SignallingEffect, { kind: 'sendFrame' | 'closeConnection' }>

export class SignallingIo {
  readonly #connections = new Map<string, WebSocketConnection>()
  readonly #input: (input: SignallingInput) => void
  readonly route: WebSocketRoute

  constructor(options: { readonly path: string; readonly input: (input: SignallingInput) => void }) {
    this.#input = options.input
    this.route = { path: options.path, subprotocol, onOpen: connection => this.#open(connection) }
  }

  carryOut(effect: SocketEffect): void {
    const connection = this.#connections.get(effect.connection)
    if (connection === undefined) return
    if (effect.kind === 'sendFrame') connection.send(effect.text)
    else connection.close(effect.code, effect.reason)
  }

  #open(connection: WebSocketConnection): void {
    const { id, remote, local } = connection
    this.#connections.set(id, connection)
    connection.onMessage = data => {
      if (typeof data === 'string') this.#input({ kind: 'frame', connection: id, text: data })
      else this.#input({ kind: 'binaryFrame', connection: id })
    }
    connection.onClose = code => {
      this.#connections.delete(id)
      this.#input({ kind: 'closed', connection: id, left: code === closeCode.goingAway })
    }
    this.#input({ kind: 'opened', connection: id, remote, local })
  }
}
