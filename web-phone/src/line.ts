/**
 * This browser's line: is it enrolled, which tab has it, the phone on it, and its calls (`talk`). One object for the page;
 * screens read it and redraw on `changed`.
 */

import { channelUrl, watchNetwork } from '../../client/browser.ts'
import type { Call } from '../../client/call.ts'
import { Emitter } from '../../client/emitter.ts'
import { enrol, type InviteState, joinState, lookAtInvite, setupState } from '../../client/enrol.ts'
import { browserMedia } from '../../client/media.ts'
import { Phone } from '../../client/phone.ts'
import type { Enrolment, JoinRequest } from '../../src/admin/message.ts'
import { steadyTimers } from './clock.ts'
import { deviceName, pageName } from './device.ts'
import { chosenDevices } from './devices.ts'
import { GuestTime, keepRightEnd, keptRightEnd, type RightEnd, wasGuestOver } from './guest.ts'
import { isKept, pageId, pageStorage, readJson, storageKeys, writeJson } from './storage.ts'
import { Talk } from './talk.ts'
import { texts } from './texts.ts'

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
      /** Whoever joins by the invite is a guest; undefined: stays for good. */
      readonly stay: Stay | undefined
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
  /** By the owner, or because a guest's time is over. */
  | ({ readonly kind: 'revoked' } & RightEnd)
  /** Another tab of this browser has the line. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'phone'; readonly phone: Phone }

/** `untilWhen` told at this moment, by this machine's clock. */
export type Stay = (now: number) => number

type Request = JoinRequest & { readonly displayName: string; readonly askedAt?: number }

const askAgainMilliseconds = 2_000
/** The appliance takes no longer one; what is cut here is no invite anyway. */
const limitInvite = 128
const lockName = 'lanline.line'

export class Line extends Emitter<{ changed: LineState; welcome: undefined }> {
  #state: LineState = { kind: 'starting' }
  #attempt = 0
  #asking: ReturnType<typeof setTimeout> | undefined
  #queued: AbortController | undefined
  readonly #timers = steadyTimers()
  /** The calls on the screen, and what is said of them. */
  readonly talk = new Talk(this.#timers, () => this.#redraw())
  /** How long a guest still stays. */
  readonly guest = new GuestTime(this.#timers, () => this.#redraw())

  get state(): LineState {
    return this.#state
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
      // A link that was no good must not come before what was asked.
      history.replaceState(null, '', location.pathname)
      this.#resume()
    } else {
      // A link that is used up must not be in the way of asking.
      const isBad = result.code === 'badInvite'
      const worthless = isBad && { invite: '', invitedAs: '', stay: undefined }
      this.#become({ ...form, ...worthless, notice: refusalText(result), busy: false })
    }
  }

  /** Forgets a request or a right that ended, and shows the form again. */
  joinAgain(): void {
    writeJson(storageKeys.request, undefined)
    writeJson(storageKeys.enrolment, undefined)
    keepRightEnd(undefined)
    this.#resume()
  }

  /** Takes the line from the other tab. */
  useHere(): void {
    this.#queued?.abort()
    this.#takeLock({ steal: true })
  }

  place(person: { readonly user: string; readonly name: string }, video: boolean): void {
    if (this.#state.kind !== 'phone' || this.talk.call) return
    this.talk.begin(this.#state.phone.call(person, { video }))
  }

  #resume(): void {
    clearTimeout(this.#asking)
    this.#attempt++
    const enrolment = readJson<Enrolment>(storageKeys.enrolment)
    const request = readJson<Request>(storageKeys.request)
    if (enrolment) {
      if (inviteInAddress() !== '') this.talk.say(texts.invite.notNeeded)
      this.#enrolled(enrolment)
    }
    // Who asked and then got an invitation need not wait any longer.
    else if (request && inviteInAddress() === '') {
      this.#become({ kind: 'waiting', name: request.displayName, since: request.askedAt })
      void this.#ask(request)
    } else {
      const end = keptRightEnd()
      if (end && inviteInAddress() === '') this.#become({ kind: 'revoked', ...end })
      else void this.#greet()
    }
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
    const { place } = setup
    const form = { kind: 'join', place, invitedAs: '', stay: undefined, notice: '', busy: false } as const
    if (invite === '') return this.#become({ ...form, invite })
    const look = await lookAtInvite(fetch.bind(globalThis), location.origin, invite)
    if (isStale()) return
    if (look.kind === 'unreachable') return this.#tryLater('unreachable')
    // A link that is used up must not be in the way of asking.
    if (look.kind === 'bad') return this.#become({ ...form, invite: '', notice: inviteText(look.detail) })
    this.#become({ ...form, invite, invitedAs: look.displayName, stay: stayOf(look, Date.now()) })
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
    writeJson(storageKeys.rightEnd, undefined)
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
    phone.on('changed', () => {
      if (phone.me && this.#state.kind === 'phone') this.guest.told(phone.guestUntil)
      this.#redraw()
    })
    phone.on('incoming', call => this.talk.begin(call))
    phone.on('handedOn', ({ from, call }) => this.talk.handedOn(from, call))
    phone.on('turnedAway', who => this.talk.called(who))
    phone.on('welcome', () => this.emit('welcome', undefined))
    phone.on('state', ({ reason }) => {
      if (reason === 'replaced') this.#waitForLock()
      else if (reason === 'badToken' || reason === 'revoked') {
        writeJson(storageKeys.enrolment, undefined)
        const isGuestOver = reason === 'revoked' ? phone.isGuestOver : wasGuestOver(Date.now())
        this.#rightEnded({ isGuestOver, cutOff: this.talk.cutOff })
      }
    })
    if (!isKept(storageKeys.enrolment)) this.talk.say(texts.notKept)
    this.#become({ kind: 'phone', phone })
    phone.start()
  }

  #rightEnded(end: RightEnd): void {
    keepRightEnd(end)
    this.guest.stop()
    this.#become({ kind: 'revoked', ...end })
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

/**
 * The page goes, loaded anew perhaps. What only rings is not turned down by that: nobody said so, it goes on at the other
 * devices, and here as well as soon as the page is back.
 */
function leave(call: Call): void {
  const isRinging = call.direction === 'incoming' && (call.state === 'incoming' || call.state === 'answering')
  if (!isRinging) call.hangUp()
}

function stayOf(look: Extract<InviteState, { kind: 'good' }>, lookedAt: number): Stay | undefined {
  const { staySeconds, stayFromJoin } = look
  if (staySeconds === undefined) return undefined
  return now => (stayFromJoin ? now : lookedAt) + staySeconds * 1_000
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
