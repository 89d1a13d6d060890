/**
 * The calls of this page: the one on the screen, one that waits while somebody else is asked, one that we are handed
 * on to; and what a person is told of them.
 */
import type { Call, CallEnd } from '../../client/call.ts'
import type { Env } from '../../client/env.ts'
import { isUnderWay } from '../../client/hand-on.ts'
import type { CallPath } from '../../client/path.ts'
import type { Phone, PhoneEvents } from '../../client/phone.ts'
import type { EndReason } from '../../src/core/end-reason.ts'
import { echoUser } from './check/echo.ts'
import type { LastCall } from './check/facts.ts'
import { endText, texts, transferFailedText } from './texts.ts'

/** Who called during a call. */
type TurnedAway = PhoneEvents['turnedAway']
type Person = Call['party']

/** Ends that a check of the connection may explain. */
const troubles: ReadonlySet<EndReason> = new Set(['mediaFailed', 'mediaLost', 'lost', 'failed'])
/** How long something is said during a call: it lies on a face. */
const saidMilliseconds = 15_000
/** Of how many it is said that they called during a call. */
const limitTurnedAway = 3
/** Whoever was asked first ends our call when the other one is there; a phone that does not is left. */
const leftMilliseconds = 3_000

export class Talk {
  readonly #timers: Pick<Env, 'setTimeout' | 'clearTimeout'>
  readonly #changed: () => void
  #call: Call | undefined
  #waiting: Call | undefined
  #handedOnTo: Call | undefined
  /** Whom somebody is being connected with. */
  #asked: Call | undefined
  /** With whom somebody was connected: its end is said already. */
  #left: Call | undefined
  #notice = ''
  #turnedAway: readonly TurnedAway[] = []
  #isTrouble = false
  #isTransferred = false
  #forgetting: unknown
  #lastCall: LastCall | undefined
  #cutOff = ''
  #isAskedBeforeLeaving = false

  constructor(timers: Pick<Env, 'setTimeout' | 'clearTimeout'>, changed: () => void) {
    this.#timers = timers
    this.#changed = changed
  }

  /** The call on the screen. */
  get call(): Call | undefined {
    return this.#call
  }

  /** Whoever waits, while somebody else is asked in the call on the screen. */
  get waiting(): Call | undefined {
    return this.#waiting
  }

  /** The call that the other party of `call` hands us on to, until it is answered and takes its place. */
  get handedOnTo(): Call | undefined {
    return this.#handedOnTo
  }

  /** The call took another's place on the screen by itself: nobody placed or answered it here. */
  get isTransferred(): boolean {
    return this.#isTransferred
  }

  /** What a person should be told about this call, or the last one. */
  get notice(): string {
    return this.#notice
  }

  /** The notice is of something that a check of the connection may explain. */
  get isTrouble(): boolean {
    return this.#isTrouble
  }

  /** Who called during the call on the screen. */
  get turnedAway(): readonly TurnedAway[] {
    return this.#turnedAway
  }

  /** How the last call that was answered found its way, the echo's left out. */
  get lastCall(): LastCall | undefined {
    return this.#lastCall
  }

  /** With whom this browser was talking when its right ended; `''`: with nobody. */
  get cutOff(): string {
    return this.#cutOff
  }

  /** A call that was placed, or came. */
  begin(call: Call): void {
    if (this.#waiting?.id !== undefined && call.replaces === this.#waiting.id) this.#takePlaceOfWaiting(call)
    else this.#show(call, this.#call?.id === call.replaces ? this.#call : undefined)
  }

  /** Talks to `person` while the other party waits. False when they cannot be asked to. */
  askFirst(phone: Phone, person: Person): boolean {
    const waiting = this.#call
    if (waiting === undefined || this.#waiting !== undefined || !waiting.setHold(true)) return false
    const { microphone } = waiting
    this.#waiting = waiting
    this.#call = undefined
    const asked = phone.call(person, { video: false, ...(microphone && { microphone }) })
    asked.setMuted(waiting.muted)
    this.#show(asked)
    return true
  }

  /** Who waits and who was asked first talk to each other from now on. False when that cannot be begun now. */
  connect(): boolean {
    const [waiting, asked] = [this.#waiting, this.#call]
    if (asked?.connectedAt === undefined || waiting?.refer(asked.party, asked) !== true) return false
    this.#asked = asked
    return true
  }

  /** The other party of `from` hands us on: the talk goes on until the other one is there. */
  handedOn(from: Call, call: Call): void {
    // Something else is on the screen: no second talk begins behind it.
    if (this.#call !== from) return call.hangUp()
    this.#handedOnTo = call
    call.on('changed', () => {
      if (this.#handedOnTo !== call) return
      if (call.isTaken) this.#show(call)
      this.#changed()
    })
    call.on('ended', end => {
      if (this.#handedOnTo !== call) return
      this.#handedOnTo = undefined
      this.say(noticeOf(call, end))
    })
    this.dismiss()
  }

  /** Told for a while: they stand among the missed calls. */
  called(who: TurnedAway): void {
    const others = this.#turnedAway.filter(one => one.user !== who.user)
    this.#turnedAway = [...others, who].slice(-limitTurnedAway)
    this.#changed()
    this.#timers.setTimeout(() => {
      this.#turnedAway = this.#turnedAway.filter(one => one !== who)
      this.#changed()
    }, saidMilliseconds)
  }

  dismiss(): void {
    this.#timers.clearTimeout(this.#forgetting)
    this.#notice = ''
    this.#isTrouble = false
    this.#changed()
  }

  /** During a call for a while, else until it is dismissed. */
  say(notice: string): void {
    this.#timers.clearTimeout(this.#forgetting)
    this.#notice = notice
    if (this.#call) this.#forgetting = this.#timers.setTimeout(() => this.dismiss(), saidMilliseconds)
    this.#changed()
  }

  /** `replaced`: whose place it takes, as far as is known. */
  #show(call: Call, replaced?: Call): void {
    const [before, next] = [this.#call, this.#handedOnTo]
    this.#call = call
    this.#isTransferred = before !== undefined
    this.#handedOnTo = undefined
    // Somebody else came in the place of who handed us on.
    if (next !== call) next?.hangUp()
    this.#turnedAway = []
    if (before) this.say(transferredText(before, call))
    else this.dismiss()
    this.#watch(call, replaced)
  }

  /** Who waited handed us on, or was: they wait on in another call. */
  #takePlaceOfWaiting(call: Call): void {
    const before = this.#waiting!
    this.#waiting = call
    this.say(transferredText(before, call))
    this.#watch(call, before)
    // Not before it is taken.
    call.on('changed', () => {
      if (this.#waiting === call && !call.isHolding) call.setHold(true)
    })
  }

  /** Whoever was to take another's place was gone before the appliance knew: the talk goes on as it was. False: it does not. */
  #putBack(replaced: Call, call: Call, { by, reason }: CallEnd): boolean {
    if (replaced.end !== undefined) return false
    if (this.#waiting === call) {
      this.#waiting = replaced
      this.dismiss()
      return true
    }
    if (this.#call !== call) return false
    // Who hangs up here is done with both.
    if (by === 'self' && reason === 'hangup') {
      replaced.hangUp()
      return false
    }
    this.#call = replaced
    // They waited when their place was taken, and nobody else is on the screen any more.
    if (replaced.isHolding) replaced.setHold(false)
    this.say(texts.transfer.backTo(replaced.party.name, ''))
    return true
  }

  #watch(call: Call, replaced?: Call): void {
    let { handOn } = call
    // A call that is over has no way any more.
    let { path } = call
    const look = (): void => {
      if (call.path.kind !== 'none') path = call.path
      if (call.handOn !== handOn) {
        handOn = call.handOn
        this.#handOnChanged(call)
      }
      this.#askBeforeLeaving()
      this.#changed()
    }
    call.on('changed', look)
    call.on('facts', look)
    call.on('ended', end => {
      this.#lastCall = lastCallOf(call, path, end.reason) ?? this.#lastCall
      const isCut =
        call.isTaken && end.by === 'self' && (end.reason === 'guestOver' || end.reason === 'revoked')
      this.#cutOff = isCut ? call.party.name : ''
      if (replaced && this.#putBack(replaced, call, end)) return this.#askBeforeLeaving()
      if (this.#call === call) this.#over(call, end)
      else if (this.#waiting === call) this.#waitingIsOver(call, end)
      this.#askBeforeLeaving()
    })
    look()
  }

  #handOnChanged(call: Call): void {
    const { handOn, party } = call
    if (handOn?.state === 'answered' && this.#waiting === call) this.#leave(this.#asked)
    if (handOn?.state !== 'failed') return
    // Whoever was to be asked has gone meanwhile.
    if (this.#call === call) call.setHold(false)
    this.say(transferFailedText(handOn.reason, party.name, handOn.to.name))
  }

  #leave(call: Call | undefined): void {
    this.#left = call
    this.#timers.setTimeout(() => call?.hangUp(), leftMilliseconds)
  }

  /** The call on the screen is over. */
  #over(call: Call, end: CallEnd): void {
    const next = this.#handedOnTo
    // Who hands us on need not wait until it is answered; who hangs up here is done with both.
    if (next && !(end.by === 'self' && end.reason === 'hangup')) {
      this.#show(next)
      this.say(texts.transfer.leftUs(call.party.name, next.party.name))
      const off = next.on('changed', () => {
        if (!next.isTaken) return
        off()
        this.say(transferredText(call, next))
      })
      return
    }
    this.#handedOnTo = undefined
    next?.hangUp()
    const waiting = this.#waiting
    this.#call = waiting
    this.#waiting = undefined
    this.#isTransferred = waiting !== undefined
    if (this.#left === call) return this.#changed()
    // Back to who waits; unless they are about to talk to each other, and this one left for that.
    if (waiting && isUnderWay(waiting.handOn)) return this.#changed()
    waiting?.setHold(false)
    this.#isTrouble = troubles.has(end.reason)
    const why = waiting && end.by === 'self' ? '' : noticeOf(call, end)
    this.say(waiting ? texts.transfer.backTo(waiting.party.name, why) : why)
  }

  #waitingIsOver(call: Call, end: CallEnd): void {
    this.#waiting = undefined
    const hasLeft = call.handOn?.state !== 'answered' && end.by === 'peer' && end.reason === 'hangup'
    this.say(hasLeft ? texts.transfer.leftWaiting(call.party.name) : noticeOf(call, end))
  }

  /** A slip of the finger must not end a call. Only while there is one: who only rings loses nothing by it. */
  #askBeforeLeaving(): void {
    const isWanted = [this.#call, this.#waiting].some(call => call !== undefined && isAnswered(call))
    if (isWanted === this.#isAskedBeforeLeaving) return
    this.#isAskedBeforeLeaving = isWanted
    if (isWanted) addEventListener('beforeunload', askBeforeLeaving)
    else removeEventListener('beforeunload', askBeforeLeaving)
  }
}

const isAnswered = ({ state }: Call): boolean =>
  state === 'connecting' || state === 'connected' || state === 'reconnecting'

/** The words of the question are the browser's. */
const askBeforeLeaving = (event: Event): void => event.preventDefault()

function lastCallOf(call: Call, path: CallPath, end: EndReason): LastCall | undefined {
  const { name, user } = call.party
  if (user === echoUser) return undefined
  if (end === 'mediaFailed') return { name, way: 'none' }
  if (path.kind === 'none') return undefined
  return { name, way: path.kind, otherNetwork: path.reason === 'otherNetwork' }
}

/** What somebody is told whose call took the place of the one before; the camera is not taken along. */
const transferredText = (before: Call, { party }: Call): string =>
  `${texts.transfer.doneOfUs(before.party.name, party.name)}${before.cameraOn ? ` ${texts.transfer.cameraLeft}` : ''}`

/** What a person is told of a call that is over. */
function noticeOf(call: Call, { reason, by }: CallEnd): string {
  const { name } = call.party
  if (call.handOn?.state === 'answered') return texts.transfer.done(name, call.handOn.to.name)
  if (reason === 'failed' && by === 'self' && call.problem) return texts.problem[call.problem]
  const noMedia = reason === 'mediaFailed' || reason === 'mediaLost'
  if (noMedia && call.relayRefusal) return texts.relayRefused[call.relayRefusal.reason](name)
  const talked = call.connectedAt === undefined ? 0 : (performance.now() - call.connectedAt) / 1_000
  return endText(reason, by, name, talked, call.direction === 'outgoing')
}
