/**
 * Offers and answers of one call (RFC 3264, JSEP: RFC 9429): the first pair, which establishes it, those that change what
 * is sent, and those of ICE restarts, through the appliance or past it by the data channel. With each of them the
 * candidates trickled beside it (RFC 8838) and a watch over its connectivity checks. When an offer is due is decided in
 * `offers.ts`.
 */
import type { ClientMessage, IceCandidate } from '../src/signalling/message.ts'
import type { Env } from './env.ts'
import type { LocalMedia } from './media.ts'
import type { MediaWatch } from './media-watch.ts'
import { PathWatch } from './no-path.ts'
import { type OfferPurpose, Offers, type OfferWay } from './offers.ts'
import type { Peer } from './peer.ts'
import type { PeerChannel } from './peer-channel.ts'
import type { PeerWord } from './peerword.ts'
import { isOlder } from './sdp.ts'
import { Trickle } from './trickle.ts'

export const negotiationLimits = {
  /** An interruption shorter than this mends itself more often than not. */
  restartAfterMilliseconds: 3_000,
  /** How soon after the welcome the appliance asks for a restart where it wants one. */
  askedMilliseconds: 150,
  /** A phone that refuses to be taken off hold is asked again so often, the first time after so long, then twice as long each time. */
  resumptions: 4,
  resumeMilliseconds: 2_000,
  /** Offers by the data channel that are being answered: who offers has one under way, and gives up one after 5 s. */
  channelOffers: 2,
} as const

/** Said within a call; whoever sends it adds which one. */
export type InCall = Bare<
  Extract<ClientMessage, { type: 'offer' | 'answer' | 'decline' | 'candidate' | 'noPath' | 'relayReady' }>
>
type Bare<Message> = Message extends unknown ? Omit<Message, 'call'> : never

/** A description that came; `trickle`: whether its sender takes candidates after it. */
export interface TrickledSdp {
  readonly sdp: string
  readonly trickle: boolean
}

export interface NegotiationParts {
  readonly env: Env
  readonly peer: Peer
  readonly channel: PeerChannel
  readonly media: MediaWatch
  /** By itself only the caller restarts ICE, so that two restarts never cross. */
  readonly isCaller: boolean
  online(): boolean
  /** False when there is no line, or no call any more. */
  send(message: InCall): boolean
  /** Both have agreed anew on what is sent. */
  agreed(): void
  /** The other party does not take the picture that we send. */
  pictureRefused(): void
}

export class Negotiation {
  readonly offers: Offers
  readonly #parts: NegotiationParts
  readonly #trickle: Trickle
  readonly #pathWatch: PathWatch
  #isEstablished = false
  #isOver = false
  #channelOffers = 0
  #resumptions = 0

  constructor(parts: NegotiationParts) {
    this.#parts = parts
    const { env, peer, channel, media, isCaller } = parts
    this.#trickle = new Trickle({
      mayGo: () => this.#isEstablished && !this.#isOver,
      send: candidate =>
        parts.send({ type: 'candidate', candidate }) || channel.tell({ type: 'candidate', candidate }),
    })
    this.#pathWatch = new PathWatch({
      env,
      pairs: () => peer.pairs(),
      connectionState: () => peer.connection.connectionState,
      hasFlowed: () => media.connectedAt !== undefined,
      isFlowing: () => media.isFlowing,
      say: () => parts.send({ type: 'noPath' }),
    })
    this.offers = new Offers({
      env,
      byItself: isCaller,
      isNeeded: () => media.connectedAt !== undefined && !media.isFlowing,
      way: () => {
        if (parts.online()) return 'line'
        // Where media is stuck the data channel is as well.
        return media.isFlowing && channel.isOpen ? 'channel' : undefined
      },
      offer: purpose => this.#beforeCandidates(() => this.#offer(purpose)),
      rollBack: isRefused => peer.rollBack(isRefused),
      send: (way, sdp, number) => {
        const isSent = this.#describe(way, { type: 'offer', sdp, number })
        this.#trickle.flush()
        return isSent
      },
      changeRefused: () => this.#changeRefused(),
    })
  }

  /** The call has its offer and its answer. */
  get isEstablished(): boolean {
    return this.#isEstablished
  }

  /** The call's own offer, mostly the caller's. What the other party knows of trickling is not, so it carries its candidates. */
  offer(media: LocalMedia, video: boolean): Promise<string> {
    const { peer, channel } = this.#parts
    peer.sections.add(media, video)
    channel.open()
    return peer.offer({ restart: false, wait: true })
  }

  /** The answer to an offer of ours that went through the appliance. Rejects when the call's own cannot be applied. */
  async takeAnswer({ sdp, trickle }: TrickledSdp): Promise<void> {
    this.#trickle.isTaken = trickle
    if (this.#isEstablished) {
      this.#takeAnswer('line', sdp)
      return
    }
    this.#isEstablished = true
    this.#parts.media.begin()
    await this.#parts.peer.takeAnswer(sdp)
    if (this.#isOver) return
    if (this.#parts.peer.sections.hasPicture) this.#agreed()
    else this.#offerChange()
    this.#begin()
  }

  /** Callee: the answer to the call's own offer. Rejects when there can be none. */
  async answer({ sdp, trickle }: TrickledSdp, media: LocalMedia): Promise<string> {
    const { peer } = this.#parts
    this.#trickle.isTaken = trickle
    await peer.takeOffer(sdp)
    await peer.sections.fill(media)
    return peer.answer({ wait: !trickle })
  }

  /** Callee: that answer is on its way. */
  answered(): void {
    this.#isEstablished = true
    this.#parts.media.begin()
    this.#offerChange()
    this.#begin()
  }

  /**
   * What we send is another now. Where the other party's client is told so (`channel`) that nothing is sent need not be
   * agreed on, and a picture's section stays for the next time; everybody else hears of it by a new offer.
   */
  sendingChanged(): void {
    if (!this.#isEstablished) return
    const { peer } = this.#parts
    const { sections } = peer
    if (!sections.hold.isLeft) this.#resumptions = 0
    // A phone may take half a minute to answer, and is not heard meanwhile: what it was asked is taken back.
    if (sections.hold.isOutdated) void peer.rollBack(false)
    // What was agreed on may be another once that is answered.
    if (this.offers.isChanging || !sections.isAgreed(this.#isTold)) this.offers.change()
  }

  /** An offer of the other party within the call, answered the way it came. */
  async takeOffer(way: OfferWay, sdp: string, number?: number): Promise<void> {
    const { peer } = this.#parts
    const wait = !this.#trickle.isTaken
    const wasHeld = peer.sections.isHeld
    try {
      const answer = await this.#beforeCandidates(() => this.#applied(peer.reply(sdp, { wait })))
      this.#describe(way, { type: 'answer', sdp: answer, number })
      this.#agreed()
      // A camera may have been turned on meanwhile.
      if (wasHeld && !this.#isOver) this.sendingChanged()
    } catch (error) {
      console.warn('lanline: offer not taken', error)
      if (way === 'line') this.#parts.send({ type: 'decline', reason: 'failed' })
    }
    this.#trickle.flush()
  }

  /** A candidate of ours that is in no description. */
  candidate(candidate: IceCandidate): void {
    this.#trickle.add(candidate)
  }

  /** The other party’s client restarts ICE past the appliance. */
  heard(word: Extract<PeerWord, { type: 'offer' | 'answer' | 'candidate' }>): void {
    const { peer } = this.#parts
    if (word.type === 'candidate') peer.takeCandidate(word.candidate)
    else if (word.type === 'answer') this.#takeAnswer('channel', word.sdp, word.number)
    else {
      // It may have been on its way since before the path broke that it was to mend.
      if (isOlder(word.sdp, peer.connection.remoteDescription?.sdp ?? '')) return
      if (this.#channelOffers >= negotiationLimits.channelOffers) return
      this.#channelOffers++
      void this.takeOffer('channel', word.sdp, word.number).finally(() => this.#channelOffers--)
    }
  }

  /** Media flows: the path is found. */
  found(): void {
    this.offers.flowing()
    this.#pathWatch.found()
  }

  /** Media was interrupted, so long ago. */
  lost(silentMilliseconds: number): void {
    this.offers.wantAfter(Math.max(0, negotiationLimits.restartAfterMilliseconds - silentMilliseconds))
  }

  /** The appliance is there again and holds the call. */
  lineBack(): void {
    this.#trickle.flush()
    this.#pathWatch.lineBack()
    this.offers.lineBack()
    // The appliance asks for a restart in the same breath where it sees that an address changed: not two of them.
    this.offers.wantAfter(negotiationLimits.askedMilliseconds)
  }

  stop(): void {
    this.#isOver = true
    this.offers.stop()
    this.#pathWatch.stop()
  }

  /** Both descriptions are applied: candidates may go, and checks begin. */
  #begin(): void {
    this.#pathWatch.begin([])
    this.#trickle.flush()
    this.#parts.media.look()
  }

  /** The answer to an offer of ours within the call. */
  #takeAnswer(way: OfferWay, sdp: string, number?: number): void {
    const { peer } = this.#parts
    if (!this.offers.takesAnswer(way, number)) return
    // One that cannot be applied is as if it had never come.
    this.#applied(peer.takeAnswer(sdp)).then(
      () => {
        this.#agreed(false)
        this.offers.settled()
        // What is sent may be another since the answer came.
        if (!this.#isOver) this.sendingChanged()
      },
      async () => {
        await peer.rollBack(false)
        this.offers.settled()
      },
    )
  }

  async #offer(purpose: OfferPurpose): Promise<string | undefined> {
    const { peer } = this.#parts
    const wait = !this.#trickle.isTaken
    return purpose === 'restart'
      ? peer.offer({ restart: true, wait })
      : peer.offerChange({ wait, isTold: this.#isTold })
  }

  /** Both have agreed anew: on the picture that we send, or on none. `isChanging`: ours is still to be offered. */
  #agreed(isChanging = this.offers.isChanging): void {
    const { peer, agreed, pictureRefused } = this.#parts
    if (this.#isOver) return
    agreed()
    if (!isChanging && peer.sections.isPictureRefused) pictureRefused()
  }

  /** The other party does not take what we send now. In how many milliseconds it is asked again all the same: to be taken off hold. */
  #changeRefused(): number | undefined {
    const { peer, pictureRefused } = this.#parts
    const isHoldLeft = peer.sections.hold.isLeft
    const isOfPicture = !peer.sections.isPictureAgreed(true) && !(isHoldLeft && this.#resumptions === 0)
    void peer.withdrawChange()
    if (isOfPicture) pictureRefused()
    const { resumptions, resumeMilliseconds } = negotiationLimits
    if (!isHoldLeft || this.#resumptions >= resumptions) return undefined
    return resumeMilliseconds * 2 ** this.#resumptions++
  }

  /** What is sent became another before the call was established. */
  #offerChange(): void {
    if (!this.#parts.peer.sections.isAgreed(true)) this.offers.change()
  }

  get #isTold(): boolean {
    return this.#parts.channel.isHeard
  }

  #describe(
    way: OfferWay,
    { type, sdp, number }: { type: 'offer' | 'answer'; sdp: string; number?: number | undefined },
  ): boolean {
    const { channel, send } = this.#parts
    return way === 'line' ? send({ type, sdp }) : channel.tell({ type, sdp, number })
  }

  /** Makes a description, which candidates must not overtake. */
  async #beforeCandidates<Sdp extends string | undefined>(make: () => Promise<Sdp>): Promise<Sdp> {
    this.#trickle.holdBack()
    try {
      return await make()
    } finally {
      this.#trickle.letGo()
    }
  }

  /** A remote description is being applied: from then on only checks count that are not in the statistics yet. */
  async #applied<Value>(applying: Promise<Value>): Promise<Value> {
    const before = await this.#parts.peer.pairs().catch(() => [])
    const value = await applying
    if (!this.#isOver) this.#pathWatch.begin(before)
    return value
  }
}
