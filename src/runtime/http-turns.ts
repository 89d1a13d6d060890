/**
 * One request a turn of the event loop, of whatever connection: however many come at once, packets and frames of others
 * are handled in between. Of one connection the next begins when the last was answered; more than a few that came
 * without waiting (RFC 9112 §9.3.2) are a flood, which no browser and no client of ours makes.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that wait for its answer. */
const maxWaiting = 8

export class HttpTurns {
  readonly #listener: RequestListener
  readonly #onFlood: (socket: Socket) => void
  /** A connection is here while a request of it is being answered. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>()
  #due: (() => void)[] = []
  #turnTaken = false

  /** `onFlood` hears of a connection that was cut. */
  constructor(listener: RequestListener, onFlood: (socket: Socket) => void) {
    this.#listener = listener
    this.#onFlood = onFlood
  }

  /** To be given as the `request` listener of an HTTP server. */
  readonly take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    if (socket.destroyed) return
    const waiting = this.#waiting.get(socket)
    const begin = (): void => this.#inTurn(() => this.#answer(request, response))
    if (waiting === undefined) {
      this.#waiting.set(socket, [])
      begin()
    } else if (waiting.length < maxWaiting) waiting.push(begin)
    else {
      socket.destroy()
      this.#onFlood(socket)
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    response.once('close', () => {
      const next = this.#waiting.get(socket)?.shift()
      if (next === undefined || socket.destroyed) this.#waiting.delete(socket)
      else next()
    })
    if (!socket.destroyed) this.#listener(request, response)
  }

  #inTurn(task: () => void): void {
    if (this.#turnTaken) {
      this.#due.push(task)
      return
    }
    this.#turnTaken = true
    setImmediate(this.#nextTurn)
    task()
  }

  readonly #nextTurn = (): void => {
    this.#turnTaken = false
    const task = this.#due.shift()
    if (task !== undefined) this.#inTurn(task)
  }
}
