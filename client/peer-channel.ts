/**
 * The data channel between the two parties' clients, past the appliance (RFC 8831): hang-up is heard at once, and a
 * call's path is mended while signalling is away. Opened in-band (RFC 8832), by the caller.
 */
import type { Env } from './env.ts'
import { channelLabel, channelProtocol, type PeerWord, readPeerWord } from './peerword.ts'

/** Words taken, as the appliance takes frames: so many at once, so many a second. */
const limitAtOnce = 300
const limitPerSecond = 50

export interface ChannelListener {
  opened(): void
  heard(word: PeerWord): void
}

export class PeerChannel {
  readonly #connection: RTCPeerConnection
  readonly #listener: ChannelListener
  readonly #budget: WordBudget
  #channel: RTCDataChannel | undefined
  #isHeard = false

  constructor(env: Pick<Env, 'now'>, connection: RTCPeerConnection, listener: ChannelListener) {
    this.#connection = connection
    this.#listener = listener
    this.#budget = new WordBudget(env)
    connection.ondatachannel = ({ channel }) => {
      // One is enough: whoever opens more is no client of ours.
      if (channel.label === channelLabel && !this.#channel) this.#use(channel)
    }
  }

  get isOpen(): boolean {
    return this.#channel?.readyState === 'open'
  }

  /** A client of ours is at the other end: third-party phones in browsers take a channel and say nothing on it. */
  get isHeard(): boolean {
    return this.isOpen && this.#isHeard
  }

  /** Caller: before the offer is made, which names it. */
  open(): void {
    this.#use(this.#connection.createDataChannel(channelLabel, { protocol: channelProtocol }))
  }

  /** False when the channel is not open. */
  tell(word: PeerWord): boolean {
    if (!this.isOpen) return false
    try {
      this.#channel!.send(JSON.stringify(word))
      return true
    } catch {
      return false
    }
  }

  #use(channel: RTCDataChannel): void {
    this.#channel = channel
    channel.onopen = () => this.#listener.opened()
    channel.onmessage = event => {
      if (!this.#budget.take()) return
      const word = readPeerWord(String(event.data))
      if (word === undefined) return
      this.#isHeard = true
      this.#listener.heard(word)
    }
    if (this.isOpen) this.#listener.opened()
  }
}

/** How many more words of the other side are listened to: a page must not be held up by what another one pours in. */
class WordBudget {
  readonly #env: Pick<Env, 'now'>
  #left = limitAtOnce
  #at: number

  constructor(env: Pick<Env, 'now'>) {
    this.#env = env
    this.#at = env.now()
  }

  /** False when this one is too many. */
  take(): boolean {
    const now = this.#env.now()
    this.#left = Math.min(limitAtOnce, this.#left + ((now - this.#at) / 1_000) * limitPerSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
