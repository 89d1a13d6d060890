/**
 * A simulated client whose media has a way or not: directly inside one /24, through the relay with the servers it had
 * when ICE last gathered, by nothing at all otherwise. It says what the real one says of it, and nothing else.
 */
import type { RelayServer } from '../../src/relay/message.ts'
import type { ServerMessage } from '../../src/signalling/message.ts'
import { SimClient } from './client.ts'
import type { SimExchange } from './exchange.ts'

export const networkOf = (address: string): string => address.split('.').slice(0, 3).join('.')

interface Media {
  servers: readonly RelayServer[]
  /** What this ICE generation was gathered with, and when. */
  gathered: { readonly servers: readonly RelayServer[]; readonly address: string; readonly at: number }
  /** `noPath` was said of this generation. */
  asked: boolean
  reported: string
}

const judgeMilliseconds = 2_000
const lookMilliseconds = 200

export class RelayedClient extends SimClient {
  /** Says `noPath` by itself. */
  detects = true
  /** Milliseconds until `relayReady`; undefined: never. */
  readyMilliseconds: number | undefined = 5
  readonly media = new Map<string, Media>()
  /** Calls in which it was told `restart`, and when. */
  readonly restarts: { readonly call: string; readonly at: number }[] = []
  readonly refusals: Extract<ServerMessage, { type: 'relayRefused' }>[] = []
  /** Addresses of parties that are no clients, by device. */
  readonly #world: RelayWorld

  constructor(exchange: SimExchange, device: string, address: string, world: RelayWorld) {
    super(exchange, device)
    this.address = address
    this.#world = world
    world.clients.push(this)
    this.onTold = message => this.#told(message)
  }

  /** Its interface is on another network now; the line breaks without a word. */
  move(address: string): void {
    this.address = address
    this.drop(false)
  }

  path(call: string): 'direct' | 'relayed' | undefined {
    return this.#world.pathOf(call, this)
  }

  override offer(call: string): void {
    this.gather(call)
    super.offer(call)
  }

  override answer(call: string): void {
    super.answer(call)
    this.gather(call)
  }

  gather(call: string): void {
    const at = this.exchange.network.monotonic()
    const media = this.media.get(call)
    const servers = media?.servers ?? []
    const gathered = { servers, address: this.address, at }
    if (media !== undefined) Object.assign(media, { gathered, asked: false })
    else {
      this.media.set(call, { servers, gathered, asked: false, reported: '' })
      this.#look(call)
    }
  }

  #told(message: ServerMessage): void {
    switch (message.type) {
      case 'answered':
        if (!this.media.has(message.call)) this.gather(message.call)
        return
      case 'offer':
        this.gather(message.call)
        return
      case 'relay': {
        const media = this.media.get(message.call)
        if (media === undefined) return
        media.servers = message.servers
        if (this.readyMilliseconds === undefined || message.servers.length === 0) return
        this.exchange.network.later(this.readyMilliseconds, () =>
          this.send({ type: 'relayReady', call: message.call }),
        )
        return
      }
      case 'restart':
        this.restarts.push({ call: message.call, at: this.exchange.network.monotonic() })
        return
      case 'relayRefused':
        this.refusals.push(message)
        return
    }
  }

  /** Looks at its media again and again while it has the call. */
  #look(call: string): void {
    const media = this.media.get(call)
    if (media === undefined) return
    if (!this.calls.has(call)) {
      this.media.delete(call)
      return
    }
    this.exchange.network.later(lookMilliseconds, () => this.#look(call))
    if (!this.ready || this.calls.get(call)?.state !== 'established') return
    const path = this.path(call)
    const now = this.exchange.network.monotonic()
    if (path !== undefined) this.#report(call, media, path)
    else if (!media.asked && this.detects && now - media.gathered.at >= judgeMilliseconds) {
      media.asked = true
      this.send({ type: 'noPath', call })
    }
  }

  #report(call: string, media: Media, path: 'direct' | 'relayed'): void {
    if (path === 'relayed') this.exchange.thread.carry(call)
    const told = `${path} ${media.gathered.at} ${media.gathered.address}`
    if (told === media.reported) return
    media.reported = told
    const type = path === 'relayed' ? 'relay' : 'host'
    const pair = {
      ...{ localType: type, localAddress: this.address, localPort: media.gathered.at % 60_000 },
      ...{ remoteType: type, remoteAddress: '10.0.9.9', remotePort: 1, protocol: 'udp' },
    }
    this.send({
      type: 'report',
      call,
      report: {
        ...{
          atMilliseconds: 1,
          iceConnection: 'connected',
          iceGathering: 'complete',
          connection: 'connected',
        },
        ...{ dtls: 'connected', localFingerprint: '', remoteFingerprint: '', pair, streams: [] },
      },
    })
  }
}

/** Who reaches whom. */
export class RelayWorld {
  readonly clients: RelayedClient[] = []
  /** Of phones, by device. */
  readonly phones = new Map<string, string>()
  readonly #exchange: SimExchange

  constructor(exchange: SimExchange) {
    this.#exchange = exchange
  }

  pathOf(call: string, one: RelayedClient): 'direct' | 'relayed' | undefined {
    const row = this.#exchange.calls.find(call)
    const device = row?.callerDevice === one.device ? row.calleeDevice : row?.callerDevice
    const mine = one.media.get(call)
    if (mine === undefined || mine.gathered.address !== one.address) return undefined
    const { thread } = this.#exchange
    const phone = this.phones.get(device ?? '')
    if (phone !== undefined) {
      if (networkOf(phone) === networkOf(one.address)) return 'direct'
      return usable(mine.gathered.servers, name => thread.reaches(call, name, phone)) ? 'relayed' : undefined
    }
    const other = this.clients.find(each => each.device === device)
    const theirs = other?.media.get(call)
    if (other === undefined || theirs === undefined || theirs.gathered.address !== other.address)
      return undefined
    if (networkOf(other.address) === networkOf(one.address)) return 'direct'
    const both = [mine, theirs].every(({ gathered }) =>
      usable(gathered.servers, name => thread.allows(call, name)),
    )
    return both ? 'relayed' : undefined
  }
}

const usable = (servers: readonly RelayServer[], allowed: (username: string) => boolean): boolean =>
  servers.some(({ username }) => allowed(username))
