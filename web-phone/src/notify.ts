/**
 * A call is told outside the page, where nobody looks at it: another tab, another program. Only as long as the page is
 * open, by this browser alone; nothing goes over the internet.
 */
import type { CallEnd, CallState } from '../../client/call.ts'
import { readJson, storageKeys, writeJson } from './storage.ts'
import { texts, withCalledFor } from './texts.ts'

/** What of a call matters here. */
export interface ToldCall {
  readonly direction: 'outgoing' | 'incoming'
  readonly video: boolean
  readonly party: { readonly name: string }
  readonly calledFor: { readonly name: string } | undefined
  readonly state: CallState
  readonly end: CallEnd | undefined
}

export interface Notice {
  readonly title: string
  readonly body: string
  /** It stays until the call is answered or over. */
  readonly rings: boolean
}

/** `none`: this browser has no such thing, or not for a page as it is opened here. */
export type Permission = 'none' | 'default' | 'granted' | 'denied'

const tag = 'lanline.call'
/** Ends of a call that somebody who did not look has missed. */
const missed: ReadonlySet<string> = new Set(['cancelled', 'noAnswer', 'lost'])

/** Pure: what is to stand there for this call; `isTold`: of its ringing stands something. */
export function noticeOf(call: ToldCall, isTold: boolean, isSeen: boolean): Notice | undefined {
  if (call.direction === 'outgoing') return undefined
  const { name } = call.party
  const calledFor = call.calledFor?.name
  if (call.state === 'incoming' && (isTold || !isSeen)) {
    const title = call.video ? texts.incomingVideo(name) : texts.incomingAudio(name)
    return { title: withCalledFor(title, calledFor), body: texts.notice.open, rings: true }
  }
  if (isTold && call.state === 'ended' && missed.has(call.end?.reason ?? ''))
    return { title: withCalledFor(texts.notice.missed(name), calledFor), body: '', rings: false }
  return undefined
}

export class Notifier {
  readonly #soundless: () => boolean
  #call: ToldCall | undefined
  #shown: Notice | undefined
  #work: Promise<unknown> = Promise.resolve()
  #close: () => void = () => {}

  /** `soundless`: the page rings itself, or is not to ring. */
  constructor(soundless: () => boolean) {
    this.#soundless = soundless
  }

  get permission(): Permission {
    return 'Notification' in globalThis ? Notification.permission : 'none'
  }

  /** Whether calls are shown: the browser allows it, and nobody turned it off here. */
  get on(): boolean {
    return this.permission === 'granted' && !this.#isOff
  }

  /** Whether the person was never asked. */
  get isUnasked(): boolean {
    return this.permission === 'default' && !this.#isOff
  }

  get #isOff(): boolean {
    return readJson<boolean>(storageKeys.notify) === false
  }

  /** Asks the person through the browser, where that was not done. */
  async set(on: boolean): Promise<void> {
    writeJson(storageKeys.notify, on ? undefined : false)
    if (on && this.permission === 'default') await Notification.requestPermission()
  }

  /** The call on the screen, at each of its changes. */
  look(call: ToldCall | undefined): void {
    this.#call = call ?? this.#call
    if (this.#call === undefined || !this.on) return
    const isSeen = document.visibilityState === 'visible' && document.hasFocus()
    const notice = noticeOf(this.#call, this.#shown?.rings ?? false, isSeen)
    if (this.#call.state === 'ended') this.#call = undefined
    if (notice?.title === this.#shown?.title) return
    this.#shown = notice?.rings ? notice : undefined
    this.#work = this.#work.then(() => this.#tell(notice)).catch(() => {})
  }

  async #tell(notice: Notice | undefined): Promise<void> {
    this.#close()
    this.#close = () => {}
    if (notice === undefined) return
    const { title, body, rings } = notice
    const options = {
      ...{ body, tag, icon: '/icon-192.png', lang: 'en' },
      ...{ requireInteraction: rings, renotify: true, silent: !rings || this.#soundless() },
    }
    // Phones take it from the service worker only, and pages without one make it themselves.
    const worker = await navigator.serviceWorker?.getRegistration().catch(() => undefined)
    if (worker?.active) {
      await worker.showNotification(title, options)
      const [made] = await worker.getNotifications({ tag })
      this.#close = () => made?.close()
      return
    }
    const made = new Notification(title, options)
    made.onclick = () => {
      focus()
      made.close()
    }
    this.#close = () => made.close()
  }
}
