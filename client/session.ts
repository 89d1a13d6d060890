/**
 * The media session of one call, from when our media is open: the connection and those who work with it are made here,
 * and what the appliance and the other party's client say of it goes to whom it concerns.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { MediaReport, ServerMessage } from '../src/signalling/message.ts'
import type { Env } from './env.ts'
import { MediaWatch } from './media-watch.ts'
import { type InCall, Negotiation, type TrickledSdp } from './negotiation.ts'
import type { OwnMedia } from './own-media.ts'
import { Peer } from './peer.ts'
import { PeerChannel } from './peer-channel.ts'
import type { PeerMedia, PeerWord } from './peerword.ts'
import type { MediaFacts } from './report.ts'
import { isBundled } from './sdp.ts'

/** The last words need a moment on the wire before the connection under them goes. */
const lastWordsMilliseconds = 400
/** And the last counts must be read; so long they are waited for besides, in a browser that has much else to do. */
const lastCountsMilliseconds = 4_000
/** As long as a line takes: by then the other party has heard of the end, or its line is dead. */
const byeMilliseconds = 300

export interface SessionPorts {
  readonly env: Env
  readonly isCaller: boolean
  /** When the call began, on the clock of `env`. */
  readonly startedAt: number
  readonly own: OwnMedia
  online(): boolean
  /** False when there is no line, or no call any more. */
  send(message: InCall): boolean
  report(report: MediaReport, isLast: boolean): void
  lookAtLine(): void
  /** There are new facts. */
  facts(facts: MediaFacts): void
  /** Anything else that can be read changed. */
  changed(): void
  /** The other party's client ended the call. */
  heardBye(reason: EndReason): void
  /** The other party does not take the picture that is sent, or not any more. */
  pictureRefused(): void
  /** No media came, or none any more. */
  gaveUp(reason: EndReason): void
  /** The call's answer cannot be applied. */
  failed(error: unknown): void
}

export class Session {
  readonly peer: Peer
  readonly media: MediaWatch
  readonly channel: PeerChannel
  readonly negotiation: Negotiation
  readonly #ports: SessionPorts
  #peerMedia: PeerMedia | undefined
  #isOver = false

  /** `offered`: callee only. A caller does not know yet who answers: README.md tells why that is `balanced`. */
  constructor(ports: SessionPorts, offered: TrickledSdp | undefined) {
    const { env, startedAt, isCaller } = ports
    this.#ports = ports
    const bundle = offered !== undefined && isBundled(offered.sdp)
    this.peer = new Peer(env, startedAt, bundle ? 'max-bundle' : 'balanced', {
      candidate: candidate => this.negotiation.candidate(candidate),
      changed: () => this.media.look(),
    })
    this.channel = new PeerChannel(env, this.peer.connection, {
      opened: () => this.tellMedia(),
      heard: word => this.#heard(word),
    })
    this.media = new MediaWatch({
      ...{ env, peer: this.peer, report: ports.report, changed: ports.facts, gaveUp: ports.gaveUp },
      found: () => {
        this.negotiation.found()
        if (ports.own.state.hold) this.setHold(true, false)
        ports.changed()
      },
      lost: silentMilliseconds => {
        this.negotiation.lost(silentMilliseconds)
        ports.lookAtLine()
        ports.changed()
      },
      // The line may be dead as well.
      silent: ports.lookAtLine,
    })
    this.negotiation = new Negotiation({
      ...{ env, peer: this.peer, channel: this.channel, media: this.media, isCaller },
      ...{ online: ports.online, send: ports.send },
      ...{ agreed: ports.changed, pictureRefused: ports.pictureRefused },
    })
  }

  /** What the other party's client says that it sends. */
  get peerMedia(): PeerMedia | undefined {
    return this.#peerMedia
  }

  /** What the appliance says of the media of a call. */
  handle(message: ServerMessage): void {
    const { offers } = this.negotiation
    switch (message.type) {
      case 'answered':
        this.negotiation.takeAnswer(message).catch(this.#ports.failed)
        return
      case 'candidate':
        this.peer.takeCandidate(message.candidate)
        return
      case 'offer':
        if (this.negotiation.isEstablished && !this.#isOver)
          void this.negotiation.takeOffer('line', message.sdp)
        return
      case 'offerRefused':
        offers.refused(message.retryAfterMilliseconds)
        return
      case 'restart':
        if (this.negotiation.isEstablished) offers.ask()
        return
      case 'relay':
        this.media.useRelay(message.servers, message.reason)
        if (message.servers.length > 0) this.#ports.send({ type: 'relayReady' })
        this.#ports.changed()
        return
      case 'relayRefused':
        this.media.refuseRelay({ reason: message.reason, message: message.message })
        this.#ports.changed()
        return
      default:
        return
    }
  }

  /** Says what we send, now that it is another. */
  tellMedia(): void {
    this.channel.tell({ type: 'media', ...this.#ports.own.state })
  }

  /** The camera was turned on or off, or is another. */
  async sendVideo(track: MediaStreamTrack | undefined): Promise<void> {
    await this.peer.sections.sendVideo(track)
    this.negotiation.sendingChanged()
  }

  /**
   * The other party waits, or does so no more. Pages of ours are told; everybody else learns it by an offer. `opensCamera`: what comes
   * of that is said to `sendVideo`.
   */
  setHold(on: boolean, opensCamera: boolean): void {
    this.peer.sections.setHold(on, opensCamera)
    this.tellMedia()
    this.negotiation.sendingChanged()
  }

  /** The line to the appliance is new, which holds the call. */
  lineBack(): void {
    this.media.lineBack()
    this.negotiation.lineBack()
  }

  /**
   * Whose end it is: ours, and the other party's client hears it from us `first`; by what we were `told`, as they should be, unless
   * their line is dead; or `heard` from them.
   */
  finish(reason: EndReason, end: 'first' | 'told' | 'heard'): void {
    this.#isOver = true
    const bye = () => this.channel.tell({ type: 'bye', reason })
    // In the first moments of a call the channel is not open yet.
    const isKnown = end === 'heard' || (end === 'first' && bye())
    if (!isKnown) this.#ports.env.setTimeout(bye, byeMilliseconds)
    this.negotiation.stop()
    this.peer.sections.stopSending()
    const counted = this.media.finish()
    this.#ports.env.setTimeout(() => this.#close(counted), lastWordsMilliseconds)
  }

  #close(counted: Promise<void>): void {
    const { env } = this.#ports
    const close = () => this.peer.close()
    const late = env.setTimeout(close, lastCountsMilliseconds)
    void counted.then(() => {
      env.clearTimeout(late)
      close()
    })
  }

  #heard(word: PeerWord): void {
    if (this.#isOver) return
    switch (word.type) {
      case 'bye':
        this.#ports.heardBye(word.reason)
        return
      case 'media':
        this.#peerMedia = word
        this.#ports.changed()
        return
      default:
        this.negotiation.heard(word)
    }
  }
}
