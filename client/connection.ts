/**
 * The `lanline.v1` channel: one WebSocket kept alive for as long as the owner wants it. Says hello, pings, notices a
 * dead line, comes back with back-off, and stays away when the appliance says so. Knows nothing of calls but that
 * `hello` names those held.
 */
import { type ClientMessage, closeCode, type ServerMessage, subprotocol } from '../src/signalling/message.ts'
import { backoffMilliseconds } from './backoff.ts'
import { Emitter } from './emitter.ts'
import { type Env, type Socket, Timers } from './env.ts'
import type { KeptCalls } from './kept.ts'

export type Welcome = Extract<ServerMessage, { type: 'welcome' }>

/** `waiting`: between two tries. `stopped`: not coming back by itself, see `StopReason`. */
export type ConnectionState = 'idle' | 'connecting' | 'online' | 'waiting' | 'stopped'

/** `badToken` and `revoked` want a new enrolment, `replaced` a decision which tab is to have the line. */
export type StopReason = 'badToken' | 'revoked' | 'replaced'

export interface ConnectionOptions {
  /** `wss://host/ws`. */
  readonly url: string
  readonly token: string
  /** Name and version of the program, shown to the owner. */
  readonly client: string
  /** Tells two pages with the same token apart. */
  readonly tab: string
  readonly env: Env
  readonly kept: KeptCalls
}

export interface ConnectionEvents {
  state: { readonly state: ConnectionState; readonly reason: StopReason | undefined }
  welcome: Welcome
  message: ServerMessage
}

const pongWithinMilliseconds = 5_000
/** A vanished host answers no SYN: do not wait for the system's own patience. */
const welcomeWithinMilliseconds = 6_000
/** The same when there is a sign that the line is dead, for so many tries. */
const hurriedMilliseconds = 1_500
const hurriedTries = 3
const lateMilliseconds = 200
/** A connection that held this long was a real one, so the next loss starts with quick tries again. */
const provenAfterMilliseconds = 5_000
const limitTimed = 16

export class Connection extends Emitter<ConnectionEvents> {
  readonly #options: ConnectionOptions
  readonly #timers: Timers<'retry' | 'welcome' | 'ping' | 'pong' | 'proven'>
  /** Pings whose time somebody wants to know, by id. */
  readonly #timed = new Map<number, { readonly sentAt: number; tell(milliseconds?: number): void }>()
  #state: ConnectionState = 'idle'
  #reason: StopReason | undefined
  #socket: Socket | undefined
  #attempt = 0
  /** Tries left that do not wait long for an answer. */
  #hurry = 0
  #helloAt = 0
  #pingId = 0
  #pingedAt = 0
  #roundTripMilliseconds: number | undefined
  #pingMilliseconds = 10_000

  constructor(options: ConnectionOptions) {
    super()
    this.#options = options
    this.#timers = new Timers(options.env)
  }

  get state(): ConnectionState {
    return this.#state
  }

  get reason(): StopReason | undefined {
    return this.#reason
  }

  /** Connects and stays connected. Also the way back from `stopped`. */
  start(): void {
    if (this.#socket) return
    this.#attempt = 0
    this.#connect()
  }

  /** Closes for good, until `start`. */
  stop(): void {
    this.#drop()
    this.#become('idle')
  }

  /** Sends now, or says false when there is no line: nothing is queued here. */
  send(message: ClientMessage): boolean {
    if (this.#state !== 'online' || this.#socket === undefined) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  /** Of the last ping that was answered; until then of the greeting, which took the appliance longer than a ping. */
  get lastRoundTripMilliseconds(): number | undefined {
    return this.#roundTripMilliseconds
  }

  /** Milliseconds to the appliance and back; undefined without a line, and when it is lost meanwhile. */
  roundTrip(): Promise<number | undefined> {
    if (this.#state !== 'online' || this.#timed.size >= limitTimed) return Promise.resolve(undefined)
    return new Promise(tell => {
      this.#timed.set(this.#pingId + 1, { sentAt: this.#options.env.now(), tell })
      this.#ping()
    })
  }

  /**
   * Something happened that may have cut the line (another network, media lost): try at once when waiting, look at once
   * when online, and make the line anew if no answer comes soon. Resolves when that is known: true when the line is
   * alive.
   */
  async nudge(withinMilliseconds: number): Promise<boolean> {
    const hurried = this.#hurry > 0
    this.#hurry = hurriedTries
    if (this.#state === 'waiting') {
      this.#attempt = 0
      this.#connect()
    }
    // It may be trying from an address that is no more.
    else if (this.#state === 'connecting' && !hurried) this.#expect('welcome', hurriedMilliseconds)
    if (this.#state !== 'online') return false
    if (!hurried) this.#expect('pong', withinMilliseconds)
    return (await this.roundTrip()) !== undefined
  }

  #connect(): void {
    const { env, url, token, client, tab, kept } = this.#options
    this.#timers.clearAll()
    this.#become('connecting')
    let socket: Socket
    try {
      socket = new env.WebSocket(url, subprotocol)
    } catch {
      this.#retry()
      return
    }
    this.#socket = socket
    this.#expect('welcome', this.#hurry > 0 ? hurriedMilliseconds : welcomeWithinMilliseconds)
    socket.onopen = () => {
      const hello: ClientMessage = { type: 'hello', token, client, tab, resume: kept.list() }
      socket.send(JSON.stringify(hello))
      this.#helloAt = env.now()
    }
    socket.onmessage = (event: { data: unknown }) => this.#receive(String(event.data))
    socket.onclose = (event: { code: number }) => this.#closed(event.code)
    socket.onerror = () => {}
  }

  #receive(text: string): void {
    let message: ServerMessage
    try {
      message = JSON.parse(text) as ServerMessage
    } catch {
      return
    }
    // Whatever arrives proves the line.
    this.#timers.clear('pong')
    this.#hurry = 0
    if (message.type === 'welcome') this.#welcomed(message)
    else if (message.type === 'pong') this.#ponged(message.id)
    else this.emit('message', message)
  }

  #welcomed(welcome: Welcome): void {
    this.#timers.clear('welcome')
    this.#pingMilliseconds = Math.max(1, welcome.pingSeconds) * 1_000
    this.#timers.set('proven', provenAfterMilliseconds, () => {
      this.#attempt = 0
    })
    this.#roundTripMilliseconds = this.#options.env.now() - this.#helloAt
    this.#schedulePing()
    this.#state = 'online'
    this.emit('welcome', welcome)
    this.#become('online')
  }

  #schedulePing(): void {
    this.#timers.set('ping', this.#pingMilliseconds, () => this.#ping())
  }

  #ping(): void {
    if (!this.#timers.has('pong')) this.#expect('pong', pongWithinMilliseconds)
    this.#schedulePing()
    this.#pingedAt = this.#options.env.now()
    this.send({ type: 'ping', id: ++this.#pingId })
  }

  /** Without an answer in time the line is dead. */
  #expect(answer: 'welcome' | 'pong', withinMilliseconds: number): void {
    const { env } = this.#options
    const dueAt = env.now() + withinMilliseconds
    this.#timers.set(answer, withinMilliseconds, () => {
      // A timer that comes late says that this machine was held up: the answer may be waiting to be read.
      if (env.now() > dueAt + lateMilliseconds) {
        this.#expect(answer, withinMilliseconds)
        return
      }
      this.#drop()
      if (this.#hurry === 0) this.#retry()
      else {
        // Nothing was refused, so nobody is spared by waiting.
        this.#hurry--
        this.#connect()
      }
    })
  }

  #ponged(id: number): void {
    if (id === this.#pingId) this.#roundTripMilliseconds = this.#options.env.now() - this.#pingedAt
    const timed = this.#timed.get(id)
    this.#timed.delete(id)
    timed?.tell(this.#options.env.now() - timed.sentAt)
  }

  #closed(code: number): void {
    const reason = stopReasonOf(code)
    if (reason === undefined) {
      this.#lost()
      return
    }
    this.#drop()
    this.#become('stopped', reason)
  }

  #lost(): void {
    this.#drop()
    this.#retry()
  }

  #retry(): void {
    const wait = backoffMilliseconds(this.#attempt++, this.#options.env.random())
    this.#become('waiting')
    this.#timers.set('retry', wait, () => this.#connect())
  }

  /** A dead socket may take minutes to admit it: it is let go of, not waited for. */
  #drop(): void {
    this.#timers.clearAll()
    for (const { tell } of this.#timed.values()) tell()
    this.#timed.clear()
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.onopen = socket.onmessage = socket.onclose = null
    try {
      socket.close()
    } catch {
      // It was never open.
    }
  }

  #become(state: ConnectionState, reason?: StopReason): void {
    this.#state = state
    this.#reason = reason
    this.emit('state', { state, reason })
  }
}

function stopReasonOf(code: number): StopReason | undefined {
  if (code === closeCode.badToken) return 'badToken'
  if (code === closeCode.revoked) return 'revoked'
  if (code === closeCode.replaced) return 'replaced'
  return undefined
}
