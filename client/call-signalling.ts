/**
 * What is said of one call to the appliance and heard from there: it is placed, rings, is taken, is over; and what becomes of it
 * when the line is lost meanwhile, with whatever was on its way. Of media it knows descriptions alone.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { PersonName, ServerMessage } from '../src/signalling/message.ts'
import { type CallPorts, type CallSetup, callLimits } from './call-setup.ts'
import type { Welcome } from './connection.ts'
import { Timers } from './env.ts'

/**
 * `preparing` (opening microphone and camera), `calling` (offer sent), `ringing` (there), `incoming` (here), `answering`,
 * `answered`, `ended`.
 */
export type Stage = 'preparing' | 'calling' | 'ringing' | 'incoming' | 'answering' | 'answered' | 'ended'

export interface SignallingListener {
  /** Anything that can be read changed. */
  changed(): void
  /** `isHeard`: from the other party's client. */
  ended(by: 'self' | 'peer' | 'server', reason: EndReason, code: number, isHeard: boolean): void
}

/** What the appliance knows of a call when the line is back. */
export type Fate = Welcome['resumed'][number]

export class CallSignalling {
  readonly #ports: CallPorts
  readonly #setup: CallSetup
  readonly #listener: SignallingListener
  readonly #timers: Timers<'noAnswer' | 'offeredAgain' | 'lineAway' | 'reply'>
  #stage: Stage
  #isTaken = false
  #id: string | undefined
  #party: PersonName
  #calledFor: PersonName | undefined
  /** Caller: as it was placed. */
  #offer = ''
  /** Callee: our description, with the candidates found so far. */
  #described = (): string => ''
  #endReason: EndReason = 'lost'

  constructor(ports: CallPorts, setup: CallSetup, listener: SignallingListener) {
    this.#ports = ports
    this.#setup = setup
    this.#listener = listener
    this.#timers = new Timers(ports.env)
    this.#stage = setup.direction === 'outgoing' ? 'preparing' : 'incoming'
    this.#id = setup.incoming?.call
    this.#party = setup.peer
    this.#calledFor = setup.calledFor
  }

  get stage(): Stage {
    return this.#stage
  }
  get isOver(): boolean {
    return this.#stage === 'ended'
  }
  /** The callee said yes, whichever of the two we are. */
  get isTaken(): boolean {
    return this.#isTaken
  }
  /** The appliance's id of the call, once it is known. */
  get id(): string | undefined {
    return this.#id
  }
  get party(): PersonName {
    return this.#party
  }
  get calledFor(): PersonName | undefined {
    return this.#calledFor
  }

  /** Caller: our offer is made. */
  place(offer: string): void {
    this.#offer = offer
    this.#timers.set('noAnswer', callLimits.noAnswerMilliseconds, () => this.hangUp('noAnswer'))
    this.#become('calling')
    this.#place()
  }

  /** Callee: our media is being opened. False where there is nothing to answer. */
  answering(): boolean {
    if (this.#stage !== 'incoming') return false
    this.#become('answering')
    return true
  }

  /** Callee: it was not opened. The call can still be taken, after the person allowed the microphone. */
  ringOn(): void {
    this.#become('incoming')
  }

  /**
   * Callee: takes the call by an answer, or by an offer where the caller left that to us; what they make of it comes as `answered`.
   * `described`: the same later on.
   */
  take(sdp: string, described: () => string): void {
    this.#ports.kept.token(this.#id!, '')
    this.#described = described
    this.#sendAnswer(sdp)
    this.#isTaken = true
    this.#timers.clear('lineAway')
    if (this.#setup.incoming!.sdp !== '') this.#become('answered')
    else this.#timers.set('noAnswer', callLimits.unacknowledgedMilliseconds, () => this.hangUp('mediaFailed'))
  }

  /** Callee: does not take it. */
  decline(reason: 'declined' | 'busy' | 'failed'): void {
    if (this.isOver) return
    if (!this.#isRinging) {
      this.hangUp('hangup')
      return
    }
    this.#ports.send({ type: 'decline', call: this.#id!, reason })
    this.#finish('self', reason)
  }

  /** Ends the call from any state. Where there is no line the appliance learns it later. */
  hangUp(reason: EndReason): void {
    if (this.isOver) return
    if (this.#isRinging) return this.decline('declined')
    const ended: EndReason = !this.#isTaken && reason === 'hangup' ? 'cancelled' : reason
    if (this.#id !== undefined) {
      this.#ports.kept.ended(this.#id, 'self', ended)
      this.#ports.send({ type: 'bye', call: this.#id, reason: ended })
    }
    this.#finish('self', ended)
  }

  /** There is no media to be had. */
  fail(): void {
    if (this.#isRinging) this.decline('failed')
    else this.hangUp('mediaFailed')
  }

  /** The other party's client has said it. The appliance will say it too, if it is there; if it never does, it is told. */
  heardBye(reason: EndReason): void {
    const id = this.#id
    if (id !== undefined) {
      const { kept, env } = this.#ports
      kept.ended(id, 'peer', reason)
      env.setTimeout(() => {
        if (kept.has(id)) this.#ports.send({ type: 'bye', call: id, reason })
      }, callLimits.peerByeMilliseconds)
    }
    this.#finish('peer', reason, 0, true)
  }

  /** A message of the channel about this call. True: it is for its media. */
  handle(message: ServerMessage): boolean {
    if (this.isOver) {
      // Hung up before the appliance had told the call's id: now it can be told.
      if (message.type === 'calling')
        this.#ports.send({ type: 'bye', call: message.call, reason: this.#endReason })
      return false
    }
    this.#timers.clear('reply')
    switch (message.type) {
      case 'calling':
        this.#id = message.call
        this.#listener.changed()
        return false
      case 'incoming':
        this.#timers.clear('offeredAgain')
        // What was said to it on the old line was lost; by now it has more candidates.
        if (this.#isTaken) this.#sendAnswer(this.#described())
        return false
      case 'ringing':
        if (this.#stage === 'calling') this.#become('ringing')
        return false
      case 'answered':
        if (!this.#isAsked) return false
        // It may also be that to an offer within the call.
        if (this.#stage !== 'answered') this.#taken(message.by)
        return true
      case 'ended':
        this.#finish(message.by, message.reason, message.code)
        return false
      default:
        return true
    }
  }

  /** The channel broke: nobody can tell that the caller gave up. */
  lineLost(): void {
    if (this.#isTaken) return
    if (this.#setup.direction === 'incoming')
      this.#loseAfter('lineAway', callLimits.ringsWithoutLineMilliseconds)
    else if (this.#isUnknown) this.#loseAfter('lineAway', callLimits.placedWithoutLineMilliseconds)
  }

  /** The channel is back. True: the appliance holds the call. */
  resumed(fate: Fate | undefined): boolean {
    // While the microphone is still being opened nothing was said that could be lost.
    if (this.isOver || this.#stage === 'preparing') return false
    this.#timers.clear('lineAway')
    // Not taken when `hello` named what is held.
    if (fate === undefined && this.#setup.direction === 'incoming') {
      this.#loseAfter('offeredAgain', callLimits.offeredAgainMilliseconds)
      return false
    }
    // What was begun on the old line and could not be named the appliance ends.
    if (this.#isUnknown) {
      this.#place()
      return false
    }
    if (fate?.state === 'held') return true
    // The other party may have hung up meanwhile, or the appliance lost a call that was still ringing.
    this.#finish('server', fate?.reason || 'lost')
    return false
  }

  /** It rings here, or is being answered. */
  get #isRinging(): boolean {
    return this.#setup.direction === 'incoming' && !this.#isTaken
  }

  /** Placed, and the appliance has not said that it knows. */
  get #isUnknown(): boolean {
    return this.#stage === 'calling' && this.#id === undefined
  }

  /** The call's offer is with the other party. */
  get #isAsked(): boolean {
    return this.#stage === 'calling' || this.#stage === 'ringing' || this.#isTaken
  }

  /** Tells the appliance of the call, or waits for a line. */
  #place(): void {
    const { ref, referred, video } = this.#setup
    const placed = { ref, to: this.#party.user, sdp: this.#offer, video, ...(referred && { referred }) }
    if (this.#ports.send({ type: 'call', ...placed })) this.#expectReply()
    else this.#loseAfter('lineAway', callLimits.placedWithoutLineMilliseconds)
  }

  #sendAnswer(sdp: string): void {
    if (this.#ports.send({ type: 'answer', call: this.#id!, sdp })) this.#expectReply()
  }

  #expectReply(): void {
    this.#timers.set('reply', callLimits.replyMilliseconds, () => this.#ports.lookAtLine())
  }

  #taken(by: PersonName): void {
    this.#timers.clear('noAnswer')
    if (this.#setup.direction === 'outgoing' && by.user !== this.#party.user) this.#calledFor = this.#party
    this.#party = by
    this.#isTaken = true
    this.#become('answered')
  }

  #loseAfter(timer: 'offeredAgain' | 'lineAway', milliseconds: number): void {
    this.#timers.set(timer, milliseconds, () => this.#finish('server', 'lost'))
  }

  #finish(by: 'self' | 'peer' | 'server', reason: EndReason, code = 0, isHeard = false): void {
    if (this.isOver) return
    this.#timers.clearAll()
    this.#endReason = reason
    this.#stage = 'ended'
    this.#listener.ended(by, reason, code, isHeard)
  }

  #become(stage: Stage): void {
    this.#stage = stage
    this.#listener.changed()
  }
}
