/**
 * What the client library needs from where it runs. Everything defaults to the globals of a browser; Node gives
 * `WebSocket` and `RTCPeerConnection` from packages of its choice, tests give a clock they turn by hand.
 */
export interface Env {
  readonly WebSocket: new (url: string, protocols: string) => Socket
  readonly RTCPeerConnection: new (configuration?: RTCConfiguration) => RTCPeerConnection
  /** Milliseconds on a clock that never jumps. */
  now(): number
  /** Milliseconds since 1970, as this machine believes it: only for what must outlive the page. */
  wall(): number
  /** In [0, 1). */
  random(): number
  setTimeout(callback: () => void, milliseconds: number): unknown
  clearTimeout(handle: unknown): void
}

/** The part of a WebSocket that is used. */
export interface Socket {
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}

/** What keeps text over a reload: `localStorage`, a file, or `memoryStorage()`. It may throw. */
export interface TextStorage {
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

/** The surroundings of this process, with whatever is given in place of its own. */
export function environment(given: Partial<Env> = {}): Env {
  const globals = globalThis as unknown as Pick<Env, 'WebSocket' | 'RTCPeerConnection'>
  return {
    WebSocket: globals.WebSocket,
    RTCPeerConnection: globals.RTCPeerConnection,
    now: () => performance.now(),
    wall: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (callback, milliseconds) => globalThis.setTimeout(callback, milliseconds),
    clearTimeout: handle => globalThis.clearTimeout(handle as number),
    ...given,
  }
}

export function memoryStorage(): TextStorage {
  const texts = new Map<string, string>()
  return {
    getItem: key => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: key => void texts.delete(key),
  }
}

/** The timers of one object, by name: setting one again moves it, and all go at once when the object ends. */
export class Timers<Name extends string> {
  readonly #env: Pick<Env, 'setTimeout' | 'clearTimeout'>
  readonly #handles = new Map<Name, unknown>()

  constructor(env: Pick<Env, 'setTimeout' | 'clearTimeout'>) {
    this.#env = env
  }

  set(name: Name, milliseconds: number, fire: () => void): void {
    this.clear(name)
    this.#handles.set(
      name,
      this.#env.setTimeout(() => {
        this.#handles.delete(name)
        fire()
      }, milliseconds),
    )
  }

  has(name: Name): boolean {
    return this.#handles.has(name)
  }

  clear(name: Name): void {
    if (!this.#handles.has(name)) return
    this.#env.clearTimeout(this.#handles.get(name))
    this.#handles.delete(name)
  }

  clearAll(): void {
    for (const name of [...this.#handles.keys()]) this.clear(name)
  }
}
