/**
 * The screen stays on while the page is seen: on a wall always, elsewhere while it rings or somebody talks, since a phone
 * that locks itself takes the microphone away. Nothing is answered by itself: whoever calls must
 * not be able to listen into a room.
 */
import { readJson, storageKeys, writeJson } from './storage.ts'

export class WallPhone {
  #lock: WakeLockSentinel | undefined
  #asking = false
  #inCall = false

  constructor() {
    // A lock ends when the page is hidden (Screen Wake Lock §7.1), and has to be asked for again.
    document.addEventListener('visibilitychange', () => void this.#hold())
    this.#show()
    void this.#hold()
  }

  get on(): boolean {
    return readJson<boolean>(storageKeys.wall) === true
  }

  /** False where the browser has no such thing: then the device's own settings must keep the screen on. */
  get canHold(): boolean {
    return 'wakeLock' in navigator
  }

  set(on: boolean): void {
    writeJson(storageKeys.wall, on || undefined)
    this.#show()
    this.#look()
  }

  /** Whether a call is on the screen. */
  call(on: boolean): void {
    if (on === this.#inCall) return
    this.#inCall = on
    this.#look()
  }

  get #wanted(): boolean {
    return this.on || this.#inCall
  }

  #look(): void {
    if (this.#wanted) void this.#hold()
    else void this.#lock?.release()
  }

  #show(): void {
    document.documentElement.classList.toggle('wall', this.on)
  }

  async #hold(): Promise<void> {
    if (!this.#wanted || !this.canHold || this.#asking || document.visibilityState !== 'visible') return
    if (this.#lock !== undefined && !this.#lock.released) return
    this.#asking = true
    // Refused on an empty battery, for instance; asked again when the page is next seen.
    this.#lock = await navigator.wakeLock.request('screen').catch(() => undefined)
    this.#asking = false
    if (!this.#wanted) void this.#lock?.release()
  }
}
