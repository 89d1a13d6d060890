/**
 * A simulated `lanline.v1` client with the habits of the real one: it comes back by itself, keeps the newest dialog
 * token of each call, names what it holds, and tells later what ended while the server was away. Media is a given;
 * between two such clients a hang-up also arrives without the server, as over their data channel.
 */
import type { EndReason } from '../../src/core/end-reason.ts'
import type { ClientMessage, ResumeCall, ServerMessage } from '../../src/signalling/message.ts'
import type { SimExchange } from './exchange.ts'

export interface ClientCall {
  readonly call: string
  readonly role: 'caller' | 'callee'
  /** `offering`: it was taken with an offer, since it came without one. */
  state: 'calling' | 'ringing' | 'offering' | 'established'
  readonly offered: boolean
  dialog: string
}

const keepAliveMilliseconds = 10_000
const comeBackMilliseconds = 500

export const sdpOf = (who: string, version: number): string =>
  `v=0\r\no=- ${version} ${version} IN IP4 0.0.0.0\r\ns=${who}\r\nt=0 0\r\na=ice-ufrag:u${version}\r\n` +
  'a=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n'

export class SimClient {
  readonly exchange: SimExchange
  readonly device: string
  readonly user: string
  readonly calls = new Map<string, ClientCall>()
  /** Everything it was told, newest last. */
  readonly told: ServerMessage[] = []
  readonly closes: number[] = []
  /** Other clients by device, whose data channels reach this one's. */
  readonly peers: SimClient[] = []
  onIncoming: (call: ClientCall) => void = call => this.send({ type: 'ringing', call: call.call })
  /** Sees every message after it was acted on. */
  onTold: (message: ServerMessage) => void = () => {}
  address = '10.0.2.1'
  tab = 'tab'
  ready = false
  stopped = false
  readonly #endedAway = new Map<
    string,
    { by: 'self' | 'peer'; reason: EndReason; at: number; dialog: string }
  >()
  #socket: string | undefined
  #version = 1
  #refs = 0
  #pings = 0

  constructor(exchange: SimExchange, device: string) {
    this.exchange = exchange
    this.device = device
    this.user = device.replace(/-[0-9]$/, '')
  }

  connect(): void {
    if (this.#socket !== undefined || this.stopped) return
    const remote = { address: this.address, port: 1_000 }
    let socket: string | undefined
    socket = this.exchange.open(remote, {
      receive: message => {
        if (this.#socket === socket) this.#receive(message)
      },
      closed: code => {
        if (this.#socket !== socket) return
        this.closes.push(code)
        this.#lost(code !== 4409)
      },
    })
    this.#socket = socket
    if (socket === undefined) {
      this.#comeBack()
      return
    }
    this.#sendHello()
    this.#ping(socket)
  }

  /** The connection breaks; with `fin` the server hears of it. */
  drop(fin: boolean): void {
    const socket = this.#socket
    if (socket === undefined) return
    if (fin) this.exchange.shut(socket)
    else this.exchange.vanish(socket)
    this.#lost(true)
  }

  /** The page is closed for good. */
  leave(): void {
    this.stopped = true
    this.drop(true)
    this.calls.clear()
  }

  send(message: ClientMessage): void {
    const socket = this.#socket
    if (socket === undefined) return
    this.exchange.network.later(this.exchange.network.streamMilliseconds, () =>
      this.exchange.frame(socket, JSON.stringify(message)),
    )
  }

  call(to: string): string {
    const ref = `${this.device}/${++this.#refs}`
    this.send({ type: 'call', ref, to, sdp: sdpOf(this.device, ++this.#version), video: false })
    return ref
  }

  answer(call: string): void {
    const known = this.calls.get(call)
    if (known !== undefined) known.state = known.offered ? 'established' : 'offering'
    this.send({ type: 'answer', call, sdp: sdpOf(this.device, ++this.#version) })
  }

  decline(call: string): void {
    this.send({ type: 'decline', call, reason: 'declined' })
  }

  offer(call: string): void {
    this.send({ type: 'offer', call, sdp: sdpOf(this.device, ++this.#version) })
  }

  candidate(call: string): void {
    const candidate = `candidate:${this.#version} 1 udp 1 10.0.2.1 9 typ host`
    this.send({
      type: 'candidate',
      call,
      candidate: { candidate, sdpMid: '0', usernameFragment: `u${this.#version}` },
    })
  }

  hangUp(call: string): void {
    const known = this.calls.get(call)
    if (known === undefined) return
    if (known.state === 'established') for (const peer of this.peers) peer.#peerHungUp(call)
    if (this.ready) this.send({ type: 'bye', call, reason: 'hangup' })
    this.#endAway(known, 'self')
  }

  #peerHungUp(call: string): void {
    const known = this.calls.get(call)
    if (known !== undefined && !this.ready) this.#endAway(known, 'peer')
  }

  #endAway(known: ClientCall, by: 'self' | 'peer'): void {
    this.calls.delete(known.call)
    const at = this.exchange.network.monotonic()
    this.#endedAway.set(known.call, { by, reason: 'hangup', at, dialog: known.dialog })
  }

  #sendHello(): void {
    const now = this.exchange.network.monotonic()
    const resume: ResumeCall[] = [
      ...[...this.calls.values()].map(({ call, dialog }) => ({ call, dialog })),
      ...[...this.#endedAway].map(([call, { by, reason, at, dialog }]) => ({
        ...{ call, dialog },
        ended: { by, reason, agoMilliseconds: now - at },
      })),
    ]
    const token = `token of ${this.device}`
    this.send({ type: 'hello', token, client: 'sim', tab: this.tab, resume: resume.slice(0, 8) })
  }

  #ping(socket: string): void {
    this.exchange.network.later(keepAliveMilliseconds, () => {
      if (this.#socket !== socket) return
      this.send({ type: 'ping', id: ++this.#pings })
      this.#ping(socket)
    })
  }

  #lost(back: boolean): void {
    this.#socket = undefined
    this.ready = false
    if (back) this.#comeBack()
  }

  #comeBack(): void {
    this.exchange.network.later(comeBackMilliseconds, () => this.connect())
  }

  #receive(message: ServerMessage): void {
    this.told.push(message)
    this.#act(message)
    this.onTold(message)
  }

  #act(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.ready = true
        for (const { call, state } of message.resumed) {
          const away = state === 'ended' ? this.#endedAway.delete(call) : this.#endedAway.has(call)
          if (state === 'ended') this.calls.delete(call)
          // It ended after `hello` had said that it is held.
          else if (away) this.send({ type: 'bye', call, reason: 'hangup' })
        }
        return
      case 'calling':
        this.calls.set(message.call, {
          ...{ call: message.call, role: 'caller', state: 'calling', offered: false, dialog: '' },
        })
        return
      case 'incoming': {
        const call: ClientCall = {
          ...{
            call: message.call,
            role: 'callee',
            state: 'ringing',
            offered: message.sdp !== '',
            dialog: '',
          },
        }
        this.calls.set(message.call, call)
        if (this.calls.has(message.replaces ?? '')) this.answer(message.call)
        else this.onIncoming(call)
        return
      }
      case 'answered': {
        const known = this.calls.get(message.call)
        if (known !== undefined) known.state = 'established'
        return
      }
      case 'offer':
        if (this.calls.has(message.call)) {
          this.send({ type: 'answer', call: message.call, sdp: sdpOf(this.device, ++this.#version) })
        }
        return
      case 'restart':
        if (this.calls.get(message.call)?.state === 'established') this.offer(message.call)
        return
      case 'dialog': {
        const known = this.calls.get(message.call)
        if (known !== undefined) known.dialog = message.dialog
        return
      }
      case 'ended':
        this.calls.delete(message.call)
        this.#endedAway.delete(message.call)
        return
      case 'error':
        // The server has no such call (any more): neither has the client.
        if (message.code !== 'noSuchCall') return
        this.calls.delete(message.ref)
        this.#endedAway.delete(message.ref)
        return
    }
  }
}
