/**
 * One call, from the first click to its end, for caller and callee alike. It outlives the channel: while that is away media goes
 * on, and hang-up and ICE restarts take the data channel between the two parties. Here its two sides meet: what is said of it
 * (`call-signalling.ts`) and its media (`call-media.ts`).
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { PersonName, ServerMessage } from '../src/signalling/message.ts'
import { CallMedia } from './call-media.ts'
import type { CallPorts, CallSetup } from './call-setup.ts'
import { CallSignalling, type Fate, type Stage } from './call-signalling.ts'
import { HandingOn, type HandOn } from './hand-on.ts'
import type { LocalMedia } from './media.ts'
import type { MediaState } from './media-watch.ts'
import type { MediaFacts } from './report.ts'
import { Session, type SessionPorts } from './session.ts'

/** How far it is; once it is answered, what its media does. */
export type CallState = Exclude<Stage, 'answered'> | MediaState

export interface CallEnd {
  readonly by: 'self' | 'peer' | 'server'
  readonly reason: EndReason
  /** SIP status or 0. */
  readonly code: number
}

export interface CallEvents {
  /** Anything that can be read from the call changed. */
  changed: Call
  facts: MediaFacts
  ended: CallEnd
}

export class Call extends CallMedia<CallEvents> {
  readonly direction: 'outgoing' | 'incoming'
  readonly ref: string
  /** The id of the call whose other party handed us on to this one. */
  readonly referred: string | undefined
  /** Who handed the caller on to us, as is said. */
  readonly referredBy: PersonName | undefined
  /** The id of the call whose place it takes. */
  readonly replaces: string | undefined
  readonly #ports: CallPorts
  readonly #startedAt: number
  readonly #signalling: CallSignalling
  readonly #handingOn: HandingOn
  readonly #offered: CallSetup['incoming']
  #end: CallEnd | undefined

  constructor(ports: CallPorts, setup: CallSetup) {
    super(ports.openMedia, setup)
    this.#ports = ports
    this.#startedAt = ports.env.now()
    this.direction = setup.direction
    this.ref = setup.ref
    this.referred = setup.referred
    this.referredBy = setup.referredBy
    this.replaces = setup.replaces
    this.#offered = setup.incoming
    this.#signalling = new CallSignalling(ports, setup, {
      changed: () => this.changed(),
      ended: (by, reason, code, isHeard) => this.#ended({ by, reason, code }, isHeard),
    })
    this.#handingOn = new HandingOn(
      ports.env,
      ({ to, replaces }) =>
        this.#isAnswered &&
        ports.send({ type: 'refer', call: this.id!, to: to.user, ...(replaces && { replaces }) }),
      () => this.changed(),
    )
  }

  /** The appliance's id of the call, once it is known. */
  get id(): string | undefined {
    return this.#signalling.id
  }
  /** Who calls; or who was called, and once it is answered who took it. */
  get party(): PersonName {
    return this.#signalling.party
  }
  /** Who was called, where somebody else takes it in their place, here or there: calls to one person may ring at several. */
  get calledFor(): PersonName | undefined {
    return this.#signalling.calledFor
  }
  /** The callee said yes, whichever of the two we are. */
  get isTaken(): boolean {
    return this.#signalling.isTaken
  }
  /** Whom the other party is handed on to, and how that goes; undefined until `refer`. */
  get handOn(): HandOn | undefined {
    return this.#handingOn.now
  }
  get state(): CallState {
    const { stage } = this.#signalling
    return stage === 'answered' ? this.session!.media.state : stage
  }
  get end(): CallEnd | undefined {
    return this.#end
  }

  /** Caller: opens the media and sends the offer. */
  async start(): Promise<void> {
    const video = this.placedWithVideo
    const media = await this.#open(video)
    if (media === undefined) return
    try {
      const offer = await this.#join().negotiation.offer(media, video)
      if (!this.#signalling.isOver) this.#signalling.place(offer)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Callee: takes the call, with or without its own camera. */
  async answer(wanted: { readonly video: boolean }): Promise<void> {
    const offered = this.#offered
    if (offered === undefined || !this.#signalling.answering()) return
    // Some telephones leave the offer to who is called.
    const isOffered = offered.sdp !== ''
    // Nobody sees a camera in a call without a picture; there it is turned on later.
    const media = await this.#open(wanted.video && (!isOffered || this.placedWithVideo))
    if (media === undefined) return
    const { negotiation, peer } = this.#join()
    try {
      const sdp = await (isOffered
        ? negotiation.answer(offered, media)
        : negotiation.offer(media, wanted.video))
      if (this.#signalling.isOver) return
      this.#signalling.take(sdp, () => peer.description)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (isOffered) negotiation.answered()
  }

  /** Callee: does not take it. */
  decline(reason: 'declined' | 'busy' | 'failed' = 'declined'): void {
    this.#signalling.decline(reason)
  }

  /** Ends the call from any state. Where signalling is away the data channel says it, and the appliance learns later. */
  hangUp(reason: EndReason = 'hangup'): void {
    this.#signalling.hangUp(reason)
  }

  /**
   * Hands the other party on: their phone is asked to call `person`. Both talk on until that call is answered; this one ends
   * then. With `asked`, our own call with that person, theirs takes its place, and nothing rings. False when there is no
   * line, somebody is asked already, or no media came yet: before, the appliance may not know that the call was taken.
   */
  refer(person: PersonName, asked?: Call): boolean {
    if (!this.#isAnswered || this.connectedAt === undefined) return false
    return this.#handingOn.begin(person, asked?.id)
  }

  /** The network changed: the caller looks for a new path at once. */
  networkChanged(): void {
    if (this.#isAnswered) this.session!.negotiation.offers.want()
  }

  /** A message of the channel about this call. */
  handle(message: ServerMessage): void {
    if (!this.#signalling.handle(message)) return
    if (message.type === 'referral') this.#handingOn.told(message)
    else this.session?.handle(message)
  }

  /** The channel broke. */
  lineLost(): void {
    this.#signalling.lineLost()
  }

  /** The channel is back: `fate` says what the appliance knows of this call. */
  resumed(fate: Fate | undefined): void {
    if (!this.#signalling.resumed(fate)) return
    this.session?.lineBack()
    this.#handingOn.lineBack()
  }

  async #open(video: boolean): Promise<LocalMedia | undefined> {
    // Media first, connection second: only then do browsers offer real host addresses instead of `<uuid>.local`.
    const media = await this.own.open(video)
    if (this.#signalling.isOver) return undefined
    const { problem } = this.own
    // Who is asked why somebody was not heard can then tell.
    if (problem) this.#ports.send({ type: 'mediaProblem', call: this.id ?? '', problem })
    if (media === undefined) {
      if (this.direction === 'incoming') this.#signalling.ringOn()
      else this.hangUp('failed')
    }
    return media
  }

  /** Our media is open. */
  #join(): Session {
    const { env, send, report, lookAtLine, online } = this.#ports
    const ports: SessionPorts = {
      ...{ env, startedAt: this.#startedAt, own: this.own, isCaller: this.direction === 'outgoing' },
      ...{ online, lookAtLine },
      send: message => !this.#signalling.isOver && send({ ...message, call: this.id! }),
      report: (told, isLast) => {
        if (this.id !== undefined) report(this.id, told, isLast)
      },
      facts: facts => this.emit('facts', facts),
      changed: () => this.changed(),
      heardBye: reason => this.#signalling.heardBye(reason),
      pictureRefused: () => this.pictureRefused(),
      gaveUp: reason => this.hangUp(reason),
      failed: error => this.#fail(error),
    }
    this.session = new Session(ports, this.#offered)
    return this.session
  }

  #fail(error: unknown): void {
    console.warn('lanline: call failed', error)
    this.#signalling.fail()
  }

  #ended(end: CallEnd, isHeard: boolean): void {
    this.#end = end
    // Whose right has ended is for the appliance to say: nobody takes our word for it.
    const isOurs = end.by === 'self' && end.reason !== 'revoked' && end.reason !== 'guestOver'
    this.session?.finish(end.reason, isHeard ? 'heard' : isOurs ? 'first' : 'told')
    this.own.release()
    this.changed()
    this.emit('ended', end)
  }

  get #isAnswered(): boolean {
    return this.#signalling.stage === 'answered'
  }

  protected get isTalking(): boolean {
    return this.isTaken && !this.#signalling.isOver
  }

  protected changed(): void {
    this.emit('changed', this)
  }
}
