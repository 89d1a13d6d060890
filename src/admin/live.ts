/**
 * What is told to consoles that look on (WHATWG HTML §9.2, server-sent events): everything once, then what changed,
 * gathered for a moment so that a burst is one event. With nobody looking nothing is computed. A listener that does not
 * read, or whose session ended, is cut off: it comes again by itself, and gets everything anew.
 */
import type { CallRow } from '../calls/message.ts'
import { userBody, waitingBody } from './bodies.ts'
import { HttpError } from './errors.ts'
import type { HealthDetail, LiveEvent, RelayNow, ToldCall, User } from './message.ts'
import type { AppDeps } from './ports.ts'

export const liveLimits = {
  listeners: 32,
  /** Bytes that may wait for one that does not read. */
  waitingBytes: 4_194_304,
  gatherMilliseconds: 150,
  /** Health, which is a sign of life as well. */
  beatMilliseconds: 10_000,
  relayMilliseconds: 2_000,
} as const

type Deps = Pick<AppDeps, 'live' | 'directory' | 'relay' | 'log'> & {
  readonly health: () => HealthDetail
}

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  /** False once its session ended. */
  readonly isAllowed: () => boolean
}

const encoder = new TextEncoder()

export class LiveFeed {
  readonly #deps: Deps
  readonly #listeners = new Set<Listener>()
  /** What listeners know of each person, as JSON. */
  #told = new Map<string, string>()
  #toldRelay = ''
  #toldRequests = ''
  /** Undefined: everybody is to be compared. */
  #people: Set<string> | undefined = new Set()
  #calls = new Map<string, CallRow>()
  #gathering: NodeJS.Timeout | undefined
  #clocks: NodeJS.Timeout[] = []
  #lastBytes = 0

  constructor(deps: Deps) {
    this.#deps = deps
    const { directory, live } = deps
    directory.onChange(event => {
      if (event.kind === 'people') this.#people = undefined
      if (event.kind === 'revoked' || event.kind === 'disabled') this.#mayHaveChanged(event.user)
      this.#soon()
    })
    live.onChange(change => {
      if (change.kind === 'device') {
        const user = directory.device(change.device)?.user
        if (user !== undefined) this.#mayHaveChanged(user)
      }
      if (change.kind === 'people') for (const user of change.users) this.#mayHaveChanged(user)
      if (change.kind === 'call') {
        const { callerUser, calleeUser, answererUser = calleeUser } = change.row
        for (const user of new Set([callerUser, calleeUser, answererUser])) this.#mayHaveChanged(user)
        if (this.#listeners.size > 0) this.#calls.set(change.row.id, change.row)
      }
      this.#soon()
    })
  }

  get size(): number {
    return this.#listeners.size
  }

  /** The body of one listener's answer; its first event is everything. Throws (`busy`) when there are too many. */
  listen(isAllowed: () => boolean): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#listeners.size >= liveLimits.listeners) {
      throw new HttpError(503, 'busy', 'too many consoles look on at once; close one', {
        'retry-after': '10',
      })
    }
    let listener: Listener
    return new ReadableStream(
      {
        start: controller => {
          listener = { controller, isAllowed }
          // The others must know what this one is told, or later changes would be changes to something else.
          if (this.#listeners.size > 0) this.#flush()
          this.#listeners.add(listener)
          if (this.#listeners.size === 1) this.#wake()
          this.#send(listener, this.#snapshot())
        },
        cancel: () => this.#drop(listener),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: liveLimits.waitingBytes }),
    ) as ReadableStream<Uint8Array<ArrayBuffer>>
  }

  #snapshot(): LiveEvent {
    const { directory, live } = this.#deps
    const people = directory.users().map(row => userBody(this.#deps, row))
    const requests = this.#requests()
    const relay = this.#relay(0)
    this.#told = new Map(people.map(user => [user.name, JSON.stringify(user)]))
    this.#people = new Set()
    this.#toldRequests = JSON.stringify(requests)
    this.#toldRelay = JSON.stringify(relay)
    const calls = live.openCalls().map(row => this.#call(row))
    return { kind: 'snapshot', people, calls, requests, relay, health: this.#deps.health() }
  }

  /** From nobody to somebody. */
  #wake(): void {
    this.#lastBytes = this.#deps.relay.carriedBytes()
    this.#clocks = [
      setInterval(() => this.#beat(), liveLimits.beatMilliseconds),
      setInterval(() => this.#watchRelay(), liveLimits.relayMilliseconds),
    ]
  }

  #drop(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    for (const clock of this.#clocks.splice(0)) clearInterval(clock)
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#calls.clear()
  }

  /** What is told of this person may have changed, and of those whose calls ring at them. */
  #mayHaveChanged(user: string): void {
    if (this.#people === undefined || this.#listeners.size === 0) return
    this.#people.add(user)
    for (const { name, alsoRings } of this.#deps.directory.users()) {
      if (alsoRings.includes(user)) this.#people.add(name)
    }
  }

  #soon(): void {
    if (this.#listeners.size === 0) return
    this.#gathering ??= setTimeout(() => this.#flush(), liveLimits.gatherMilliseconds)
  }

  #flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    for (const row of this.#calls.values()) this.#tell({ kind: 'call', call: this.#call(row) })
    this.#calls.clear()
    const people = this.#changedPeople()
    if (people.changed.length + people.gone.length > 0) this.#tell({ kind: 'people', ...people })
    const requests = this.#requests()
    const asText = JSON.stringify(requests)
    if (asText !== this.#toldRequests) this.#tell({ kind: 'requests', requests })
    this.#toldRequests = asText
  }

  #changedPeople(): { readonly changed: readonly User[]; readonly gone: readonly string[] } {
    const { directory } = this.#deps
    const looked =
      this.#people ?? new Set([...this.#told.keys(), ...directory.users().map(({ name }) => name)])
    this.#people = new Set()
    const changed: User[] = []
    const gone: string[] = []
    for (const name of looked) {
      const row = directory.user(name)
      if (row === undefined) {
        if (this.#told.delete(name)) gone.push(name)
        continue
      }
      const user = userBody(this.#deps, row)
      const asText = JSON.stringify(user)
      if (this.#told.get(name) === asText) continue
      this.#told.set(name, asText)
      changed.push(user)
    }
    return { changed, gone }
  }

  #requests() {
    const waiting = this.#deps.directory.requests().filter(({ state }) => state === 'waiting')
    return waiting.map(waitingBody)
  }

  /** Its verdict is made after it ended, and is not told here. */
  #call(row: CallRow): ToldCall {
    return { ...row, ledger: this.#deps.relay.ledgerOf(row), outcome: undefined }
  }

  #relay(overMilliseconds: number): RelayNow {
    const { relay } = this.#deps
    const { state, detail, policy, grants } = relay.state()
    const bytes = relay.carriedBytes()
    const kilobitsPerSecond =
      overMilliseconds === 0 ? 0 : Math.round(((bytes - this.#lastBytes) * 8) / overMilliseconds)
    this.#lastBytes = bytes
    return { state, detail, policy, grants: grants.length, bytes, kilobitsPerSecond }
  }

  #watchRelay(): void {
    const relay = this.#relay(liveLimits.relayMilliseconds)
    const asText = JSON.stringify(relay)
    if (asText !== this.#toldRelay) this.#tell({ kind: 'relay', relay })
    this.#toldRelay = asText
  }

  #beat(): void {
    try {
      this.#tell({ kind: 'health', health: this.#deps.health() })
    } catch (error) {
      this.#deps.log.warn('health', { error: String(error) })
      this.#tell({ kind: 'beat' })
    }
  }

  #tell(event: LiveEvent): void {
    for (const listener of [...this.#listeners]) this.#send(listener, event)
  }

  #send(listener: Listener, event: LiveEvent): void {
    const { controller, isAllowed } = listener
    if (isAllowed() && (controller.desiredSize ?? 0) > 0) {
      controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`))
      return
    }
    this.#drop(listener)
    try {
      controller.close()
    } catch {
      // It was cancelled meanwhile.
    }
  }
}
