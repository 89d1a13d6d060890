/**
 * This browser's line: is it enrolled, which tab has it, and the phone on it. One object for the page; screens read
 * it and redraw on `changed`.
 */

import { channelUrl, watchNetwork } from '../../client/browser.ts'
import type { Call, CallEnd } from '../../client/call.ts'
import { Emitter } from '../../client/emitter.ts'
import { enrol, joinState, lookAtInvite, setupState } from '../../client/enrol.ts'
import { browserMedia } from '../../client/media.ts'
import type { CallPath } from '../../client/path.ts'
import { Phone, type PhoneEvents } from '../../client/phone.ts'
import type { Enrolment, JoinRequest } from '../../src/admin/message.ts'
import type { EndReason } from '../../src/core/end-reason.ts'
import { echoUser } from './check/echo.ts'
import type { LastCall } from './check/facts.ts'
import { steadyTimers } from './clock.ts'
import { deviceName, pageName } from './device.ts'
import { chosenDevices } from './devices.ts'
import { isKept, pageId, pageStorage, readJson, storageKeys, writeJson } from './storage.ts'
import { endText, texts, transferFailedText } from './texts.ts'

export type LineState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'unclaimed' }
  | {
      readonly kind: 'join'
      readonly place: string
      readonly invite: string
      /** Whom the invite is for; `''`: somebody new. */
      readonly invitedAs: string
      readonly notice: string
      readonly busy: boolean
    }
  | {
      readonly kind: 'waiting'
      readonly name: string
      /** When the owner was asked, by this machine's clock. */
      readonly since: number | undefined
    }
  | { readonly kind: 'denied'; readonly gone: boolean }
  /** By the owner, or because a guest's time is over; told apart only by a page that was open then. */
  | { readonly kind: 'revoked'; readonly isGuestOver: boolean }
  /** Another tab of this browser has the line. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'phone'; readonly phone: Phone }

/** Who called during a call. */
type TurnedAway = PhoneEvents['turnedAway']
type Request = JoinRequest & { readonly displayName: string; readonly askedAt?: number }

const askAgainMilliseconds = 2_000
/** The appliance takes no longer one; what is cut here is no invite anyway. */
const limitInvite = 128
/** Ends that a check of the connection may explain. */
const troubles: ReadonlySet<EndReason> = new Set(['mediaFailed', 'mediaLost', 'lost', 'failed'])
/** The appliance ends a guest's time by its own clock. */
const slackMilliseconds = 5_000
const lockName = 'lanline.line'
/** How long something is said during a call: it lies on a face. */
const saidMilliseconds = 15_000
/** Of how many it is said that they called during a call. */
const limitTurnedAway = 3

export class Line extends Emitter<{ changed: LineState; welcome: undefined }> {
  #state: LineState = { kind: 'starting' }
  #notice = ''
  #turnedAway: readonly TurnedAway[] = []
  #isTrouble = false
  #attempt = 0
  #call: Call | undefined
  #handedOnTo: Call | undefined
  #isTransferred = false
  #forgetting: unknown
  #lastCall: LastCall | undefined
  #asking: ReturnType<typeof setTimeout> | undefined
  #queued: AbortController | undefined
  #isAskedBeforeLeaving = false
  readonly #timers = steadyTimers()

  get state(): LineState {
    return this.#state
  }

  /** What a person should be told about the last call. */
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

  /** The call on the screen. */
  get call(): Call | undefined {
    return this.#call
  }

  /** The call that the other party of `call` hands us on to, until it is answered and takes its place. */
  get handedOnTo(): Call | undefined {
    return this.#handedOnTo
  }

  /** The call took another's place on the screen by itself: nobody placed or answered it here. */
  get isTransferred(): boolean {
    return this.#isTransferred
  }

  /** How the last call that was answered found its way, the echo's left out. */
  get lastCall(): LastCall | undefined {
    return this.#lastCall
  }

  async start(): Promise<void> {
    // The owner's setup page or another tab may enrol this browser while we wait.
    addEventListener('storage', event => {
      if (event.key === storageKeys.enrolment && this.#state.kind !== 'phone') this.#resume()
    })
    // A second code scanned into the same tab changes nothing but the fragment.
    addEventListener('hashchange', () => {
      if (this.#state.kind !== 'phone' && this.#state.kind !== 'blocked') this.#resume()
    })
    watchNetwork({
      changed: () => this.#state.kind === 'phone' && void this.#state.phone.networkChanged(),
      doubtful: () => this.#state.kind === 'phone' && this.#state.phone.lookAtLine(),
    })
    addEventListener('pagehide', () => {
      if (this.#state.kind === 'phone') for (const call of this.#state.phone.calls) leave(call)
    })
    this.#resume()
  }

  /** Asks to be enrolled under this name. */
  async join(displayName: string): Promise<void> {
    if (this.#state.kind !== 'join') return
    const form = this.#state
    this.#become({ ...form, notice: '', busy: true })
    const result = await enrol(fetch.bind(globalThis), location.origin, {
      displayName,
      deviceName: deviceName(navigator.userAgent),
      kind: 'page',
      page: pageId(),
      ...(form.invite && { invite: form.invite }),
    })
    if (result.kind === 'enrolled') this.#enrolled(result.enrolment)
    else if (result.kind === 'waiting') {
      writeJson<Request>(storageKeys.request, { ...result.request, displayName, askedAt: Date.now() })
      this.#resume()
    } else {
      // A link that is used up must not be in the way of asking.
      const invite = result.code === 'badInvite' ? '' : form.invite
      this.#become({ ...form, invite, notice: refusalText(result), busy: false })
    }
  }

  /** Forgets a request or a right that ended, and shows the form again. */
  joinAgain(): void {
    writeJson(storageKeys.request, undefined)
    writeJson(storageKeys.enrolment, undefined)
    this.#resume()
  }

  /** Takes the line from the other tab. */
  useHere(): void {
    this.#queued?.abort()
    this.#takeLock({ steal: true })
  }

  place(person: { readonly user: string; readonly name: string }, video: boolean): void {
    if (this.#state.kind !== 'phone' || this.#call) return
    this.#watch(this.#state.phone.call(person, { video }))
  }

  dismiss(): void {
    this.#timers.clearTimeout(this.#forgetting)
    this.#notice = ''
    this.#isTrouble = false
    this.#redraw()
  }

  /** During a call for a while, else until it is dismissed. */
  say(notice: string): void {
    this.#timers.clearTimeout(this.#forgetting)
    this.#notice = notice
    if (this.#call) this.#forgetting = this.#timers.setTimeout(() => this.dismiss(), saidMilliseconds)
    this.#redraw()
  }

  #resume(): void {
    clearTimeout(this.#asking)
    this.#attempt++
    const enrolment = readJson<Enrolment>(storageKeys.enrolment)
    const request = readJson<Request>(storageKeys.request)
    if (enrolment) this.#enrolled(enrolment)
    // Who asked and then got an invitation need not wait any longer.
    else if (request && inviteInAddress() === '') {
      this.#become({ kind: 'waiting', name: request.displayName, since: request.askedAt })
      void this.#ask(request)
    } else void this.#greet()
  }

  async #greet(): Promise<void> {
    const attempt = ++this.#attempt
    // Another tab may enrol this browser while an answer is on its way.
    const isStale = (): boolean => attempt !== this.#attempt
    const setup = await setupState(fetch.bind(globalThis), location.origin)
    if (isStale()) return
    if (setup === undefined || !setup.claimed) {
      return this.#tryLater(setup === undefined ? 'unreachable' : 'unclaimed')
    }
    const invite = inviteInAddress()
    const form = { kind: 'join', place: setup.place, invitedAs: '', notice: '', busy: false } as const
    if (invite === '') return this.#become({ ...form, invite })
    const look = await lookAtInvite(fetch.bind(globalThis), location.origin, invite)
    if (isStale()) return
    if (look.kind === 'unreachable') return this.#tryLater('unreachable')
    // A link that is used up must not be in the way of asking.
    if (look.kind === 'bad') return this.#become({ ...form, invite: '', notice: inviteText(look.detail) })
    this.#become({ ...form, invite, invitedAs: look.displayName })
  }

  #tryLater(kind: 'unreachable' | 'unclaimed'): void {
    this.#become({ kind })
    this.#later(() => this.#resume())
  }

  async #ask(request: Request): Promise<void> {
    const answer = await joinState(fetch.bind(globalThis), location.origin, request)
    if (this.#state.kind !== 'waiting') return
    if (answer.state === 'allowed' && answer.enrolment) this.#enrolled(answer.enrolment)
    else if (answer.state === 'denied' || answer.state === 'gone') {
      // Another tab may have asked anew, by another name.
      if (readJson<Request>(storageKeys.request)?.id !== request.id) return this.#resume()
      writeJson(storageKeys.request, undefined)
      this.#become({ kind: 'denied', gone: answer.state === 'gone' })
    } else this.#later(() => void this.#ask(request))
  }

  #enrolled(enrolment: Enrolment): void {
    writeJson(storageKeys.enrolment, enrolment)
    writeJson(storageKeys.request, undefined)
    // The invite is used up: keep it out of the address, bookmarks and history.
    if (location.pathname !== '/') history.replaceState(null, '', '/')
    this.#takeLock({ ifAvailable: true })
  }

  /** Holds the line for as long as this tab lives, or until another one takes it. */
  #takeLock(how: { ifAvailable?: boolean; steal?: boolean; signal?: AbortSignal }): void {
    navigator.locks
      .request(lockName, how, lock => {
        if (lock === null) {
          this.#waitForLock()
          return
        }
        this.#open()
        return new Promise<void>(() => {})
      })
      .catch((error: { name?: string }) => {
        if (error.name !== 'AbortError' || this.#state.kind !== 'phone') return
        this.#state.phone.stop()
        this.#waitForLock()
      })
  }

  #waitForLock(): void {
    this.#become({ kind: 'blocked' })
    this.#queued = new AbortController()
    this.#takeLock({ signal: this.#queued.signal })
  }

  #open(): void {
    const enrolment = readJson<Enrolment>(storageKeys.enrolment)
    if (enrolment === undefined) {
      this.#resume()
      return
    }
    const phone = new Phone({
      url: channelUrl(location.origin),
      token: enrolment.token,
      client: pageName(navigator.userAgent),
      openMedia: browserMedia(chosenDevices),
      storage: pageStorage,
      env: this.#timers,
    })
    phone.on('changed', () => this.#redraw())
    phone.on('incoming', call => this.#watch(call))
    phone.on('handedOn', ({ from, call }) => this.#watchBeside(from, call))
    phone.on('turnedAway', who => this.#saw(who))
    phone.on('welcome', () => this.emit('welcome', undefined))
    phone.on('state', ({ reason }) => {
      if (reason === 'replaced') this.#waitForLock()
      else if (reason === 'badToken' || reason === 'revoked') {
        writeJson(storageKeys.enrolment, undefined)
        this.#become({ kind: 'revoked', isGuestOver: isOver(phone.guestUntil) })
      }
    })
    if (!isKept(storageKeys.enrolment)) this.#notice = texts.notKept
    this.#become({ kind: 'phone', phone })
    phone.start()
  }

  /** Told for a while: they stand among the missed calls. */
  #saw(who: TurnedAway): void {
    const others = this.#turnedAway.filter(one => one.user !== who.user)
    this.#turnedAway = [...others, who].slice(-limitTurnedAway)
    this.#redraw()
    this.#timers.setTimeout(() => {
      this.#turnedAway = this.#turnedAway.filter(one => one !== who)
      this.#redraw()
    }, saidMilliseconds)
  }

  #watch(call: Call): void {
    const before = this.#call
    this.#call = call
    this.#isTransferred = before !== undefined
    this.#handedOnTo = undefined
    this.#turnedAway = []
    if (before) this.say(transferredText(before, call))
    else this.dismiss()
    let { handOn } = call
    // A call that is over has no way any more.
    let { path } = call
    const look = (): void => {
      if (call.path.kind !== 'none') path = call.path
      if (call.handOn !== handOn) {
        handOn = call.handOn
        if (handOn?.state === 'failed')
          this.say(transferFailedText(handOn.reason, call.party.name, handOn.to.name))
      }
      this.#askBeforeLeaving()
      this.#redraw()
    }
    call.on('changed', look)
    call.on('facts', look)
    call.on('ended', end => {
      this.#askBeforeLeaving()
      this.#lastCall = lastCallOf(call, path, end.reason) ?? this.#lastCall
      if (this.#call === call) this.#over(call, end)
    })
    this.#redraw()
  }

  /** The call on the screen is over. */
  #over(call: Call, end: CallEnd): void {
    const next = this.#handedOnTo
    // Who hands us on need not wait until it is answered; who hangs up here is done with both.
    if (next && !(end.by === 'self' && end.reason === 'hangup')) {
      this.#watch(next)
      this.say(texts.transfer.leftUs(call.party.name, next.party.name))
      const off = next.on('changed', () => {
        if (!next.isTaken) return
        off()
        this.say(transferredText(call, next))
      })
      return
    }
    this.#call = undefined
    this.#handedOnTo = undefined
    next?.hangUp()
    this.#isTrouble = troubles.has(end.reason)
    this.say(noticeOf(call, end))
  }

  /** The talk with who hands us on goes on until the other one is there. */
  #watchBeside(from: Call, call: Call): void {
    // Something else is on the screen: no second talk begins behind it.
    if (this.#call !== from) return call.hangUp()
    this.#handedOnTo = call
    call.on('changed', () => {
      if (this.#handedOnTo !== call) return
      if (call.isTaken) this.#watch(call)
      this.#redraw()
    })
    call.on('ended', end => {
      if (this.#handedOnTo !== call) return
      this.#handedOnTo = undefined
      this.say(noticeOf(call, end))
    })
    this.dismiss()
  }

  /** A slip of the finger must not end a call. Only while there is one: who only rings loses nothing by it. */
  #askBeforeLeaving(): void {
    const isWanted = this.#call !== undefined && isAnswered(this.#call)
    if (isWanted === this.#isAskedBeforeLeaving) return
    this.#isAskedBeforeLeaving = isWanted
    if (isWanted) addEventListener('beforeunload', askBeforeLeaving)
    else removeEventListener('beforeunload', askBeforeLeaving)
  }

  #later(again: () => void): void {
    this.#asking = setTimeout(again, askAgainMilliseconds)
  }

  #redraw(): void {
    this.emit('changed', this.#state)
  }

  #become(state: LineState): void {
    this.#state = state
    this.#redraw()
  }
}

const isAnswered = ({ state }: Call): boolean =>
  state === 'connecting' || state === 'connected' || state === 'reconnecting'

/** The words of the question are the browser's. */
const askBeforeLeaving = (event: Event): void => event.preventDefault()

/**
 * The page goes, loaded anew perhaps. What only rings is not turned down by that: nobody said so, it goes on at the other
 * devices, and here as well as soon as the page is back.
 */
function leave(call: Call): void {
  const isRinging = call.direction === 'incoming' && (call.state === 'incoming' || call.state === 'answering')
  if (!isRinging) call.hangUp()
}

/** A guest's end, told by the appliance as the seconds that are left, has come. */
const isOver = (guestUntil: number | undefined): boolean =>
  guestUntil !== undefined && guestUntil - Date.now() < slackMilliseconds

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

/** Taken as it stands: a token needs no decoding, and one that was altered may not decode. */
const inviteInAddress = (): string =>
  location.pathname === '/j' ? location.hash.slice(1, 1 + limitInvite) : ''

function inviteText(detail: string | undefined): string {
  return texts.invite[detail === 'used' || detail === 'expired' ? detail : 'unknown']
}

function refusalText(refused: {
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
}): string {
  switch (refused.code) {
    case 'unreachable':
      return texts.refused.unreachable
    case 'tooManyTries':
    case 'tooMany':
      return texts.refused.tooMany
    case 'tooManyWaiting':
      return texts.refused.tooManyWaiting
    case 'badInvite':
      return inviteText(refused.detail)
    case 'inviteNeeded':
      return texts.refused.policy
    default:
      return texts.refused.other(refused.message)
  }
}
