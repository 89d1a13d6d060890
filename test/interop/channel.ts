/** A peer on `lanline.v1` made of a plain WebSocket: says anything, and waits for what it is told. */
import WebSocket from 'ws'

export interface Told {
  readonly type: string
  readonly [key: string]: unknown
}

export class ChannelClient {
  readonly #socket: WebSocket
  readonly told: Told[] = []
  closed: number | undefined
  #wake: () => void = () => {}

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', data => {
      this.told.push(JSON.parse(String(data)))
      this.#wake()
    })
    socket.on('close', code => {
      this.closed = code
      this.#wake()
    })
    socket.on('error', () => {})
  }

  /** Rejects when the server does not take it. */
  static async open(port: number, origin?: string): Promise<ChannelClient> {
    const options = origin === undefined ? {} : { origin }
    return ChannelClient.#over(new WebSocket(`ws://127.0.0.1:${port}/ws`, 'lanline.v1', options))
  }

  /** To a port that is forwarded to an appliance of that name. Whose certificate it is does not matter. */
  static async openTls(port: number, host: string): Promise<ChannelClient> {
    const options = { headers: { host }, rejectUnauthorized: false }
    return ChannelClient.#over(new WebSocket(`wss://127.0.0.1:${port}/ws`, 'lanline.v1', options))
  }

  static async #over(socket: WebSocket): Promise<ChannelClient> {
    const client = new ChannelClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    return client
  }

  close(): void {
    this.#socket.terminate()
  }

  say(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The next message of that type; undefined when none comes in time. */
  async next(type: string, milliseconds = 3_000): Promise<Told | undefined> {
    const deadline = performance.now() + milliseconds
    for (;;) {
      const at = this.told.findIndex(message => message.type === type)
      if (at >= 0) return this.told.splice(at, 1)[0]
      if (!(await this.#change(deadline))) return undefined
    }
  }

  /** The code it was closed with; undefined when it is still open then. */
  async untilClosed(milliseconds = 5_000): Promise<number | undefined> {
    const deadline = performance.now() + milliseconds
    while (this.closed === undefined && (await this.#change(deadline)));
    return this.closed
  }

  async #change(deadline: number): Promise<boolean> {
    const left = deadline - performance.now()
    if (left <= 0 || this.closed !== undefined) return false
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, left)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    return true
  }
}
