/** Sockets on a host of the LAN, for a test that lives outside of it: datagrams, streams, and the `lanline.v1` channel. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Host } from './lan.ts'
import type { Happening, Order, Place } from './socket-agent.ts'
import { until } from './wait.ts'

export type { Place } from './socket-agent.ts'

/** One socket there. What came to it is kept until it is taken. */
export class FarSocket {
  readonly received: { readonly bytes: Buffer; readonly from: Place | undefined }[] = []
  readonly told: { readonly type: string; readonly [key: string]: unknown }[] = []
  /** The local port; 0 for a channel. */
  port = 0
  /** Why it is closed. */
  closed: string | undefined
  onData: (bytes: Buffer) => void = () => {}
  readonly #id: number
  readonly #order: (order: Order) => void

  constructor(id: number, order: (order: Order) => void) {
    this.#id = id
    this.#order = order
  }

  send(bytes: Uint8Array, to?: Place): void {
    this.#order({ kind: 'send', id: this.#id, bytes: Buffer.from(bytes).toString('base64'), to })
  }

  say(message: unknown): void {
    this.#order({ kind: 'say', id: this.#id, text: JSON.stringify(message) })
  }

  close(): void {
    this.#order({ kind: 'close', id: this.#id })
  }

  /** The next message of that type on a channel. */
  async next(type: string, seconds = 5): Promise<FarSocket['told'][number]> {
    const find = () => {
      const at = this.told.findIndex(message => message.type === type)
      return at < 0 ? undefined : this.told.splice(at, 1)[0]
    }
    return until(`the channel says ${type}`, find, { seconds, everyMilliseconds: 10 }).catch(error => {
      throw new Error(`${String(error)}; it said ${JSON.stringify(this.told).slice(0, 2_000)}`)
    })
  }
}

export class FarHost {
  readonly host: Host
  readonly #child: ChildProcess
  readonly #sockets = new Map<number, FarSocket>()
  readonly #flooded = new Map<number, (sent: number) => void>()
  #serial = 0

  constructor(host: Host) {
    this.host = host
    const script = fileURLToPath(new URL('./socket-agent.ts', import.meta.url))
    this.#child = host.spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (happening: Happening) => this.#heard(happening))
  }

  udp(local: Partial<Place> = {}, group?: string): Promise<FarSocket> {
    const { address = this.host.address, port = 0 } = local
    const heard = group === undefined ? undefined : ([group, this.host.address] as const)
    return this.#open(id => ({ kind: 'udp', id, local: { address, port }, group: heard }))
  }

  stream(to: Place, tls: boolean): Promise<FarSocket> {
    return this.#open(id => ({ kind: 'stream', id, to, tls }))
  }

  /** Opens without waiting for it to be open. */
  begin(to: Place): FarSocket {
    const socket = this.#socket()
    this.#order({ kind: 'stream', id: socket.id, to, tls: false })
    return socket.far
  }

  channel(url: string, authority: string): Promise<FarSocket> {
    return this.#open(id => ({ kind: 'channel', id, url, authority }))
  }

  /** Returns how many packets were sent. */
  flood(
    order: Omit<Extract<Order, { kind: 'flood' }>, 'kind' | 'id' | 'packets'> & {
      packets: readonly Uint8Array[]
    },
  ): Promise<number> {
    const id = ++this.#serial
    const packets = order.packets.map(packet => Buffer.from(packet).toString('base64'))
    this.#order({ ...order, kind: 'flood', id, packets })
    return new Promise(resolve => this.#flooded.set(id, resolve))
  }

  #socket(): { readonly id: number; readonly far: FarSocket } {
    const id = ++this.#serial
    const far = new FarSocket(id, order => this.#order(order))
    this.#sockets.set(id, far)
    return { id, far }
  }

  async #open(order: (id: number) => Order): Promise<FarSocket> {
    const { id, far } = this.#socket()
    far.port = -1
    this.#order(order(id))
    await until('the socket is open', () => far.port >= 0 || far.closed !== undefined, {
      everyMilliseconds: 5,
    })
    if (far.closed !== undefined) throw new Error(`${this.host.name}: ${far.closed}`)
    return far
  }

  #order(order: Order): void {
    if (this.#child.connected) this.#child.send(order)
  }

  #heard(happening: Happening): void {
    if (happening.kind === 'flooded') {
      this.#flooded.get(happening.id)?.(happening.sent)
      return
    }
    const far = this.#sockets.get(happening.id)
    if (far === undefined) return
    if (happening.kind === 'open') far.port = happening.port
    else if (happening.kind === 'closed') far.closed = happening.why
    else if (happening.kind === 'told') far.told.push(JSON.parse(happening.text))
    else {
      const bytes = Buffer.from(happening.bytes, 'base64')
      far.received.push({ bytes, from: happening.from })
      far.onData(bytes)
    }
  }
}
