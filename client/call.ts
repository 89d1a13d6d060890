/**
 * One call, from the first click to its end, for caller and callee alike: what is said of it to the appliance and heard
 * from there. It outlives the channel: while that is away media goes on, and hang-up and ICE restarts take the data
 * channel between the two parties.
 *
 * Left out on purpose: any change of the SDP a stack made.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { PersonName, ServerMessage } from '../src/signalling/message.ts'
import { type CallPorts, type CallSetup, callLimits } from './call-setup.ts'
import { Emitter } from './emitter.ts'
import { Timers } from './env.ts'
import { HandingOn, type HandOn } from './hand-on.ts'
import type { LocalMedia, MediaProblem } from './media.ts'
import type { MediaState, RefusedRelay } from './media-watch.ts'
import { OwnMedia } from './own-media.ts'
import { type CallPath, noPath } from './path.ts'
import type { PeerMedia } from './peerword.ts'
import type { MediaFacts } from './report.ts'
import { Session, type SessionPorts } from './session.ts'

/**
 * `preparing` (opening microphone and camera), `calling` (offer sent), `ringing` (there), `incoming` (here),
 * `answering`; once it is answered what its media does; `ended`.
 */
export type CallState = Exclude<Stage, 'answered'> | MediaState
type Stage = 'preparing' | 'calling' | 'ringing' | 'incoming' | 'answering' | 'answered' | 'ended'

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

export class Call extends Emitter<CallEvents> {
  readonly direction: 'outgoing' | 'incoming'
  readonly ref: string
  /** The id of the call whose other party handed us on to this one. */
  readonly referred: string | undefined
  /** Who handed the caller on to us, as is said. */
  readonly referredBy: PersonName | undefined
  /** The id of the call whose place it takes. */
  readonly replaces: string | undefined
  readonly #ports: CallPorts
  readonly #timers: Timers<'noAnswer' | 'offeredAgain' | 'lineAway' | 'reply'>
  readonly #startedAt: number
  readonly #own: OwnMedia
  readonly #handingOn: HandingOn
  readonly #offered: CallSetup['incoming']
  /** It was placed with a picture. */
  readonly #placedWithVideo: boolean
  #isPictureRefused = false
  #stage: Stage
  /** The callee said yes, whichever of the two we are. */
  #isTaken = false
  /** Caller: as it was placed. */
  #offer = ''
  #id: string | undefined
  #party: PersonName
  #calledFor: PersonName | undefined
  #end: CallEnd | undefined
  /** From when our media is open. */
  #session: Session | undefined

  constructor(ports: CallPorts, setup: CallSetup) {
    super()
    this.#ports = ports
    this.#timers = new Timers(ports.env)
    this.#startedAt = ports.env.now()
    this.#own = new OwnMedia(ports.openMedia, setup.microphone)
    this.#handingOn = new HandingOn(
      ports.env,
      ({ to, replaces }) =>
        this.#stage === 'answered' &&
        ports.send({ type: 'refer', call: this.#id!, to: to.user, ...(replaces && { replaces }) }),
      () => this.emit('changed', this),
    )
    this.direction = setup.direction
    this.ref = setup.ref
    this.referred = setup.referred
    this.referredBy = setup.referredBy
    this.replaces = setup.replaces
    this.#placedWithVideo = setup.video
    this.#party = setup.peer
    this.#calledFor = setup.calledFor
    this.#id = setup.incoming?.call
    this.#offered = setup.incoming
    this.#stage = setup.direction === 'outgoing' ? 'preparing' : 'incoming'
  }

  /** The appliance's id of the call, once it is known. */
  get id(): string | undefined {
    return this.#id
  }
  /** Who calls; or who was called, and once it is answered who took it. */
  get party(): PersonName {
    return this.#party
  }
  /** Who was called, where somebody else takes it in their place, here or there: calls to one person may ring at several. */
  get calledFor(): PersonName | undefined {
    return this.#calledFor
  }
  /** The callee said yes, whichever of the two we are. */
  get isTaken(): boolean {
    return this.#isTaken
  }
  /** Whom the other party is handed on to, and how that goes; undefined until `refer`. */
  get handOn(): HandOn | undefined {
    return this.#handingOn.now
  }
  get state(): CallState {
    return this.#stage === 'answered' ? this.#session!.media.state : this.#stage
  }
  /** A picture is part of it: it was placed with one, or one was added since. */
  get video(): boolean {
    return this.#placedWithVideo || this.#session?.peer.sections.picture !== undefined
  }
  /** Which way a picture may go, by what both have agreed on; the camera can then be turned on without a line. */
  get picture(): { readonly sends: boolean; readonly receives: boolean } {
    return this.#session?.peer.sections.picture ?? { sends: false, receives: false }
  }
  /** The other party did not take the picture that was to be sent: the camera is off again. */
  get isPictureRefused(): boolean {
    return this.#isPictureRefused
  }
  get end(): CallEnd | undefined {
    return this.#end
  }
  /** Why microphone or camera are not as wanted. */
  get problem(): MediaProblem | undefined {
    return this.#own.problem
  }
  /** All of them: a device may lack both. */
  get problems(): readonly MediaProblem[] {
    return this.#own.problems
  }
  get muted(): boolean {
    return this.#own.state.muted
  }
  get cameraOn(): boolean {
    return this.#own.state.camera
  }
  /** The other party waits: see `setHold`. */
  get isHolding(): boolean {
    return this.#own.state.hold
  }
  /** The other party has put us on hold: they do not hear us. */
  get isHeld(): boolean {
    return this.#session?.peerMedia?.hold ?? this.#session?.peer.sections.isHeld ?? false
  }
  get testSource(): boolean {
    return this.#own.state.testSource
  }
  /** The one that is open; undefined where a test source stands in. */
  get microphone(): MediaStreamTrack | undefined {
    return this.#own.state.testSource ? undefined : this.#own.audio
  }
  /** What is sent of this side's sound: microphone or test source. */
  get localAudio(): MediaStreamTrack | undefined {
    return this.#own.audio
  }
  get localVideo(): MediaStreamTrack | undefined {
    return this.#own.video
  }
  get remoteStream(): MediaStream | undefined {
    return this.#session?.peer.remoteStream
  }
  /** Where there is no `MediaStream` (Node). */
  get remoteTracks(): readonly MediaStreamTrack[] {
    return this.#session?.peer.remoteTracks ?? []
  }
  /** What the other party's client says that it sends; undefined while (or because) it says nothing. */
  get peerMedia(): PeerMedia | undefined {
    return this.#session?.peerMedia
  }
  /** A telephone is at the other end that takes keys; a client of ours has no use for them. */
  get takesTones(): boolean {
    const { peer, peerMedia, media } = this.#session ?? {}
    return media?.connectedAt !== undefined && peerMedia === undefined && peer!.sections.takesTones
  }
  get facts(): MediaFacts | undefined {
    return this.#session?.media.facts
  }
  /** Which way media goes now. */
  get path(): CallPath {
    return this.#session?.media.path ?? noPath
  }
  /** Why the appliance does not relay this call; undefined while media flows. */
  get relayRefusal(): RefusedRelay | undefined {
    return this.#session?.media.refused
  }
  /** Milliseconds of the environment's clock at which media first flowed. */
  get connectedAt(): number | undefined {
    return this.#session?.media.connectedAt
  }
  /** The connection itself, for who wants to look closer. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#session?.peer.connection
  }

  /** Caller: opens the media and sends the offer. */
  async start(): Promise<void> {
    const video = this.#placedWithVideo
    const media = await this.#open(video)
    if (media === undefined) return
    try {
      this.#offer = await this.#join().negotiation.offer(media, video)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#isOver()) return
    this.#timers.set('noAnswer', callLimits.noAnswerMilliseconds, () => this.hangUp('noAnswer'))
    this.#become('calling')
    this.#place()
  }

  /** Callee: takes the call, with or without its own camera. */
  async answer(wanted: { readonly video: boolean }): Promise<void> {
    const offered = this.#offered
    if (this.#stage !== 'incoming' || offered === undefined) return
    this.#become('answering')
    // Some telephones leave the offer to who is called; what they make of it comes as `answered`.
    const isOffered = offered.sdp !== ''
    // Nobody sees a camera in a call without a picture; there it is turned on later.
    const media = await this.#open(wanted.video && (!isOffered || this.#placedWithVideo))
    if (media === undefined) return
    const { negotiation } = this.#join()
    try {
      const sdp = await (isOffered
        ? negotiation.answer(offered, media)
        : negotiation.offer(media, wanted.video))
      if (this.#isOver()) return
      this.#ports.kept.token(this.#id!, '')
      this.#sendAnswer(sdp)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#isTaken = true
    this.#timers.clear('lineAway')
    if (!isOffered) {
      this.#timers.set('noAnswer', callLimits.unacknowledgedMilliseconds, () => this.hangUp('mediaFailed'))
      return
    }
    this.#become('answered')
    negotiation.answered()
  }

  /** Callee: does not take it. */
  decline(reason: 'declined' | 'busy' | 'failed' = 'declined'): void {
    if (this.#isOver()) return
    if (this.#isTaken || this.direction !== 'incoming') {
      this.hangUp()
      return
    }
    this.#ports.send({ type: 'decline', call: this.#id!, reason })
    this.#finish({ by: 'self', reason, code: 0 })
  }

  /** Ends the call from any state. Where signalling is away the data channel says it, and the appliance learns later. */
  hangUp(reason: EndReason = 'hangup'): void {
    if (this.#isOver()) return
    if (this.direction === 'incoming' && !this.#isTaken) return this.decline()
    const ended: EndReason = !this.#isTaken && reason === 'hangup' ? 'cancelled' : reason
    if (this.#id !== undefined) {
      this.#ports.kept.ended(this.#id, 'self', ended)
      this.#ports.send({ type: 'bye', call: this.#id, reason: ended })
    }
    this.#finish({ by: 'self', reason: ended, code: 0 })
  }

  setMuted(muted: boolean): void {
    this.#own.mute(muted)
    this.#ownChanged()
  }

  /**
   * Turns the camera on or off. In a call that has no picture yet it is offered to the other party, who need not take it
   * (`isPictureRefused`) nor send its own. Throws `MediaError` when there is no camera to be had.
   */
  async setCamera(on: boolean, device?: string): Promise<void> {
    this.#isPictureRefused = false
    if (!(await this.#own.setCamera(on, device))) return
    await this.#session?.sendVideo(this.#own.video)
    this.#ownChanged()
  }

  /**
   * Hold (RFC 3264 §8.4): lets the other party wait. They hear and see nothing of us, and are told so. Whether they are
   * still played here is for who shows the call. Afterwards the camera is on again if it was before. False before the call
   * was answered.
   */
  setHold(on: boolean): boolean {
    if (!this.#isTaken || this.#isOver()) return false
    const hadCamera = this.#own.setHold(on)
    this.#session?.setHold(on, hadCamera && !on)
    // One that is not there any more is said where it is turned on by hand.
    if (hadCamera) this.setCamera(!on).catch(() => this.#session?.sendVideo(this.#own.video))
    this.emit('changed', this)
    return true
  }

  /** Speaks through another microphone. Throws `MediaError`. */
  async useMicrophone(device: string): Promise<void> {
    const track = await this.#own.useMicrophone(device)
    if (track === undefined) return
    await this.#session?.peer.sections.sendAudio(track)
    this.#ownChanged()
  }

  /** Presses keys of a telephone, `0`–`9`, `*`, `#`: doors and menus are opened by them. False where none are taken. */
  sendTones(keys: string): boolean {
    if (!this.takesTones || !/^[0-9*#]{1,32}$/.test(keys)) return false
    this.#session!.peer.sections.sendTones(keys)
    return true
  }

  /**
   * Hands the other party on: their phone is asked to call `person`. Both talk on until that call is answered; this one ends
   * then. With `asked`, our own call with that person, theirs takes its place, and nothing rings. False when there is no
   * line, somebody is asked already, or no media came yet: before, the appliance may not know that the call was taken.
   */
  refer(person: PersonName, asked?: Call): boolean {
    if (this.#stage !== 'answered' || this.connectedAt === undefined) return false
    return this.#handingOn.begin(person, asked?.id)
  }

  /** The network changed: the caller looks for a new path at once. */
  networkChanged(): void {
    if (this.#stage === 'answered') this.#session!.negotiation.offers.want()
  }

  /** A message of the channel about this call. */
  handle(message: ServerMessage): void {
    if (this.#isOver()) {
      // Hung up before the appliance had told the call's id: now it can be told.
      if (message.type === 'calling') {
        this.#ports.send({ type: 'bye', call: message.call, reason: this.#end!.reason })
      }
      return
    }
    this.#timers.clear('reply')
    switch (message.type) {
      case 'calling':
        this.#id = message.call
        this.emit('changed', this)
        return
      case 'incoming':
        this.#timers.clear('offeredAgain')
        // What was said to it on the old line was lost; by now it has more candidates.
        if (this.#isTaken) this.#sendAnswer(this.#session!.peer.connection.localDescription!.sdp)
        return
      case 'ringing':
        if (this.#stage === 'calling') this.#become('ringing')
        return
      case 'answered':
        // It may also be that to an ICE restart.
        if (this.#session && this.#stage !== 'answered') this.#taken(message.by)
        this.#session?.handle(message)
        return
      case 'referral':
        this.#handingOn.told(message)
        return
      case 'ended':
        this.#finish(message)
        return
      default:
        this.#session?.handle(message)
    }
  }

  /** The channel broke: nobody can tell that the caller gave up. */
  lineLost(): void {
    if (this.#isTaken) return
    if (this.direction === 'incoming') this.#loseAfter('lineAway', callLimits.ringsWithoutLineMilliseconds)
    else if (this.#isUnknown) this.#loseAfter('lineAway', callLimits.placedWithoutLineMilliseconds)
  }

  /** The channel is back: `fate` says what the appliance knows of this call. */
  resumed(fate: { readonly state: 'held' | 'ended'; readonly reason: EndReason | '' } | undefined): void {
    // While the microphone is still being opened nothing was said that could be lost.
    if (this.#isOver() || this.#stage === 'preparing') return
    this.#timers.clear('lineAway')
    // Not taken when `hello` named what is held.
    if (fate === undefined && this.direction === 'incoming') {
      this.#loseAfter('offeredAgain', callLimits.offeredAgainMilliseconds)
      return
    }
    // What was begun on the old line and could not be named the appliance ends.
    if (this.#isUnknown) {
      this.#place()
      return
    }
    if (fate?.state !== 'held') {
      // The other party may have hung up meanwhile, or the appliance lost a call that was still ringing.
      this.#finish({ by: 'server', reason: fate?.reason || 'lost', code: 0 })
      return
    }
    this.#session?.lineBack()
    this.#handingOn.lineBack()
  }

  async #open(video: boolean): Promise<LocalMedia | undefined> {
    // Media first, connection second: only then do browsers offer real host addresses instead of `<uuid>.local`.
    const media = await this.#own.open(video)
    if (this.#isOver()) return undefined
    const { problem } = this.#own
    // Who is asked why somebody was not heard can then tell.
    if (problem) this.#ports.send({ type: 'mediaProblem', call: this.#id ?? '', problem })
    if (media === undefined) {
      // A ringing call can still be taken after the person allowed the microphone.
      if (this.direction === 'incoming') this.#become('incoming')
      else this.#finish({ by: 'self', reason: 'failed', code: 0 })
    }
    return media
  }

  /** Our media is open. */
  #join(): Session {
    const { env, send, report, lookAtLine, online } = this.#ports
    const ports: SessionPorts = {
      ...{ env, startedAt: this.#startedAt, own: this.#own, isCaller: this.direction === 'outgoing' },
      ...{ online, lookAtLine },
      send: message => !this.#isOver() && send({ ...message, call: this.#id! }),
      report: (told, isLast) => {
        if (this.#id !== undefined) report(this.#id, told, isLast)
      },
      facts: facts => this.emit('facts', facts),
      changed: () => this.emit('changed', this),
      heardBye: reason => this.#heardBye(reason),
      pictureRefused: () => {
        void this.setCamera(false)
        this.#isPictureRefused = true
        this.emit('changed', this)
      },
      gaveUp: reason => this.hangUp(reason),
      failed: error => this.#fail(error),
    }
    this.#session = new Session(ports, this.#offered)
    return this.#session
  }

  #sendAnswer(sdp: string): void {
    if (this.#ports.send({ type: 'answer', call: this.#id!, sdp })) this.#expectReply()
  }

  #taken(by: PersonName): void {
    this.#timers.clear('noAnswer')
    if (this.direction === 'outgoing' && by.user !== this.#party.user) this.#calledFor = this.#party
    this.#party = by
    this.#isTaken = true
    this.#become('answered')
  }

  /** The appliance will say it too, if it is there; if it never does, it is told. */
  #heardBye(reason: EndReason): void {
    const id = this.#id
    if (id !== undefined) {
      const { kept } = this.#ports
      kept.ended(id, 'peer', reason)
      this.#ports.env.setTimeout(() => {
        if (kept.has(id)) this.#ports.send({ type: 'bye', call: id, reason })
      }, callLimits.peerByeMilliseconds)
    }
    this.#finish({ by: 'peer', reason, code: 0 }, true)
  }

  /** Placed, and the appliance has not said that it knows. */
  get #isUnknown(): boolean {
    return this.#stage === 'calling' && this.#id === undefined
  }

  /** Tells the appliance of the call, or waits for a line. */
  #place(): void {
    const { ref, referred } = this
    const { user: to } = this.#party
    const placed = { ref, to, sdp: this.#offer, video: this.#placedWithVideo, ...(referred && { referred }) }
    if (this.#ports.send({ type: 'call', ...placed })) this.#expectReply()
    else this.#loseAfter('lineAway', callLimits.placedWithoutLineMilliseconds)
  }

  #expectReply(): void {
    this.#timers.set('reply', callLimits.replyMilliseconds, () => this.#ports.lookAtLine())
  }

  #loseAfter(timer: 'offeredAgain' | 'lineAway', milliseconds: number): void {
    this.#timers.set(timer, milliseconds, () => this.#finish({ by: 'server', reason: 'lost', code: 0 }))
  }

  #ownChanged(): void {
    this.#session?.tellMedia()
    this.emit('changed', this)
  }

  #fail(error: unknown): void {
    console.warn('lanline: call failed', error)
    if (this.direction === 'incoming' && !this.#isTaken) this.decline('failed')
    else this.hangUp('mediaFailed')
  }

  /** `isHeard`: from the other party's client. */
  #finish({ by, reason, code }: CallEnd, isHeard = false): void {
    if (this.#isOver()) return
    this.#end = { by, reason, code }
    this.#timers.clearAll()
    this.#session?.finish(reason, isHeard ? 'heard' : by === 'self' ? 'first' : 'told')
    this.#own.release()
    this.#become('ended')
    this.emit('ended', this.#end)
  }

  #isOver(): boolean {
    return this.#stage === 'ended'
  }

  #become(stage: Stage): void {
    this.#stage = stage
    this.emit('changed', this)
  }
}
