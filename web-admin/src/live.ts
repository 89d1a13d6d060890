/**
 * What is true now, as the appliance tells it (`GET /events`): one connection for all pages, made anew by itself, each
 * time with everything again. A connection that says nothing for 25 seconds is dead, whatever the browser believes.
 */
import { useEffect, useState } from 'preact/hooks'
import type {
  HealthDetail,
  LiveEvent,
  RelayNow,
  ToldCall,
  User,
  WaitingRequest,
} from '../../src/admin/message.ts'
import { byName } from '../../src/core/name-order.ts'

export type Connection = 'connecting' | 'open' | 'lost'

export interface LiveState {
  readonly connection: Connection
  /** Undefined until the first answer. */
  readonly people: readonly User[] | undefined
  readonly calls: readonly ToldCall[] | undefined
  readonly requests: readonly WaitingRequest[] | undefined
  readonly relay: RelayNow | undefined
  readonly health: HealthDetail | undefined
}

const silenceMilliseconds = 25_000
/** A tab that nobody looks at gives its connection back: a browser has six for one server. */
const unseenMilliseconds = 60_000
const retries = [500, 1_000, 2_000, 5_000, 10_000] as const

export class Live {
  #state: LiveState = {
    ...{ connection: 'connecting', people: undefined, calls: undefined },
    ...{ requests: undefined, relay: undefined, health: undefined },
  }
  readonly #listeners = new Set<() => void>()
  readonly #callListeners = new Set<(call: ToldCall) => void>()
  readonly #onLoggedOut: () => void
  #source: EventSource | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #unseen: ReturnType<typeof setTimeout> | undefined
  #failures = 0

  /** `onLoggedOut`: perhaps; the session is to be looked at. */
  constructor(onLoggedOut: () => void) {
    this.#onLoggedOut = onLoggedOut
  }

  get state(): LiveState {
    return this.#state
  }

  open(): void {
    const again = (): void => this.#connect()
    const looked = (): void => {
      clearTimeout(this.#unseen)
      if (document.hidden) this.#unseen = setTimeout(() => this.#pause(), unseenMilliseconds)
      else if (this.#source === undefined) this.#connect()
    }
    addEventListener('online', again)
    document.addEventListener('visibilitychange', looked)
    this.close = () => {
      removeEventListener('online', again)
      document.removeEventListener('visibilitychange', looked)
      clearTimeout(this.#unseen)
      clearTimeout(this.#retry)
      clearTimeout(this.#silence)
      this.#source?.close()
    }
    this.#connect()
  }

  close: () => void = () => {}

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Every call that begins, changes or ends, also beyond the ones shown as going on. */
  onCall(listener: (call: ToldCall) => void): () => void {
    this.#callListeners.add(listener)
    return () => this.#callListeners.delete(listener)
  }

  /** What this page itself just learned of a person, without waiting for the event. */
  learn(user: User): void {
    this.#take({ kind: 'people', changed: [user], gone: [] })
  }

  #connect(): void {
    clearTimeout(this.#retry)
    this.#source?.close()
    const source = new EventSource('/api/v1/events')
    this.#source = source
    this.#listen()
    source.onmessage = message => {
      this.#listen()
      this.#failures = 0
      this.#take(JSON.parse(message.data) as LiveEvent)
    }
    source.onerror = () => this.#lost()
  }

  #pause(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#silence)
    this.#source?.close()
    this.#source = undefined
  }

  /** From here on something is to be heard. */
  #listen(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#lost(), silenceMilliseconds)
  }

  #lost(): void {
    this.#source?.close()
    clearTimeout(this.#silence)
    const wait = retries[Math.min(this.#failures, retries.length - 1)]!
    this.#failures++
    // A single hiccup is no news.
    if (this.#failures > 1) this.#set({ connection: 'lost' })
    if (this.#failures > 1) this.#onLoggedOut()
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#connect(), wait)
  }

  #take(event: LiveEvent): void {
    switch (event.kind) {
      case 'snapshot': {
        const { kind: _, ...all } = event
        return this.#set({ ...all, connection: 'open' })
      }
      case 'people': {
        const changed = new Map(event.changed.map(user => [user.name, user]))
        const kept = (this.#state.people ?? []).filter(({ name }) => !event.gone.includes(name))
        const known = new Set(kept.map(({ name }) => name))
        const added = event.changed.filter(({ name }) => !known.has(name))
        return this.#set({
          people: [...kept.map(user => changed.get(user.name) ?? user), ...added].sort(byName),
        })
      }
      case 'call': {
        const others = (this.#state.calls ?? []).filter(({ id }) => id !== event.call.id)
        const open = event.call.endedAt == null ? [event.call] : []
        this.#set({ calls: [...open, ...others].sort((a, b) => b.startedAt - a.startedAt) })
        for (const listener of this.#callListeners) listener(event.call)
        return
      }
      case 'requests':
        return this.#set({ requests: event.requests })
      case 'relay':
        return this.#set({ relay: event.relay })
      case 'health':
        return this.#set({ health: event.health })
      case 'beat':
        return
    }
  }

  #set(change: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}

export function useLive(live: Live): LiveState {
  const [, redraw] = useState(0)
  useEffect(() => live.onChange(() => redraw(count => count + 1)), [live])
  return live.state
}
