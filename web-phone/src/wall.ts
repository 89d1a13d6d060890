/**
 * A phone on the wall: the screen stays on while the page is seen. Nothing is answered by itself: whoever calls must
 * not be able to listen into a room.
 */
import { readJson, storageKeys, writeJson } from './storage.ts'

export class WallPhone {
  #lock: WakeLockSentinel | undefined
  #asking = false

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
    if (on) void this.#hold()
    else void this.#lock?.release()
  }

  #show(): void {
    document.documentElement.classList.toggle('wall', this.on)
  }

  async #hold(): Promise<void> {
    if (!this.on || !this.canHold || this.#asking || document.visibilityState !== 'visible') return
    if (this.#lock !== undefined && !this.#lock.released) return
    this.#asking = true
    // Refused on an empty battery, for instance; asked again when the page is next seen.
    this.#lock = await navigator.wakeLock.request('screen').catch(() => undefined)
    this.#asking = false
    if (!this.on) void this.#lock?.release()
  }
}
