/**
 * What is told to consoles that look on (WHATWG HTML §9.2, server-sent events): everything once, then what changed,
 * gathered for a moment so that a burst is one event. With nobody looking nothing is computed. A listener that does not
 * read, or whose session ended, is cut off: it comes again by itself, and gets everything anew. Of thousands of people
 * some are looked at in each turn of the event loop.
 */
import type { CallRow } from '../calls/message.ts'
import { userBody, waitingBody } from './bodies.ts'
import { HttpError } from './errors.ts'
import { lotsOf } from './in-turns.ts'
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
  /** From here on it is told what changes. */
  knowsAll: boolean
}

const encoder = new TextEncoder()

export class LiveFeed {
  readonly #deps: Deps
  readonly #listeners = new Set<Listener>()
  /** What listeners know of each person, as JSON. */
  readonly #told = new Map<string, string>()
  #toldRelay: RelayNow | undefined
  #toldRequests = ''
  /** Undefined: everybody is to be compared. */
  #people: Set<string> | undefined = new Set()
  #calls = new Map<string, CallRow>()
  #gathering: NodeJS.Timeout | undefined
  #clocks: NodeJS.Timeout[] = []
  #lastBytes = 0
  /** What takes more than a turn is done one after the other. */
  #line: Promise<void> = Promise.resolve()

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
          listener = { controller, isAllowed, knowsAll: false }
          this.#listeners.add(listener)
          if (this.#listeners.size === 1) this.#wake()
          this.#inLine(() =>
            this.#tellAll(listener).finally(() => listener.knowsAll || this.#cutOff(listener)),
          )
        },
        cancel: () => this.#drop(listener),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: liveLimits.waitingBytes }),
    ) as ReadableStream<Uint8Array<ArrayBuffer>>
  }

  #inLine(task: () => Promise<void>): void {
    this.#line = this.#line
      .then(task)
      .catch(error => this.#deps.log.error('live', { error: error.stack ?? String(error) }))
  }

  /** One event; it ends in the turn from which on the listener hears of changes. */
  async #tellAll(listener: Listener): Promise<void> {
    const { directory, live } = this.#deps
    const say = (text: string) => listener.controller.enqueue(encoder.encode(text))
    say('data: {"kind":"snapshot","people":[')
    let separator = ''
    for await (const lot of lotsOf(directory.users())) {
      if (!this.#listeners.has(listener) || !listener.isAllowed()) return
      const texts = lot.flatMap(({ name }) => {
        const row = directory.user(name)
        if (row === undefined) return []
        const text = JSON.stringify(userBody(this.#deps, row))
        // Who looks on already may know an older one: what they are told of next is what changed since that.
        if (!this.#told.has(name)) this.#told.set(name, text)
        return [text]
      })
      if (texts.length === 0) continue
      say(separator + texts.join())
      separator = ','
    }
    if (!this.#listeners.has(listener)) return
    this.#tellRequests()
    const health = this.#deps.health()
    const calls = live.openCalls().map(row => this.#call(row))
    const rest = { calls, requests: this.#requests(), relay: this.#toldRelay, health }
    say(`],${JSON.stringify(rest).slice(1)}\n\n`)
    listener.knowsAll = true
  }

  /** From nobody to somebody. */
  #wake(): void {
    this.#told.clear()
    this.#people = new Set()
    this.#toldRequests = ''
    this.#toldRelay = this.#relay(0)
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
    this.#gathering ??= setTimeout(
      () => this.#inLine(() => this.#tellChanges()),
      liveLimits.gatherMilliseconds,
    )
  }

  async #tellChanges(): Promise<void> {
    this.#gathering = undefined
    for (const row of this.#calls.values()) this.#tell({ kind: 'call', call: this.#call(row) })
    this.#calls.clear()
    const looked =
      this.#people ?? new Set([...this.#told.keys(), ...this.#deps.directory.users().map(({ name }) => name)])
    this.#people = new Set()
    for await (const names of lotsOf(looked)) {
      const people = this.#changesOf(names)
      if (people.changed.length + people.gone.length > 0) this.#tell({ kind: 'people', ...people })
    }
    this.#tellRequests()
  }

  #changesOf(names: readonly string[]): {
    readonly changed: readonly User[]
    readonly gone: readonly string[]
  } {
    const changed: User[] = []
    const gone: string[] = []
    for (const name of names) {
      const row = this.#deps.directory.user(name)
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

  #tellRequests(): void {
    const requests = this.#requests()
    const asText = JSON.stringify(requests)
    if (asText !== this.#toldRequests) this.#tell({ kind: 'requests', requests })
    this.#toldRequests = asText
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
    const isNew = JSON.stringify(relay) !== JSON.stringify(this.#toldRelay)
    this.#toldRelay = relay
    if (isNew) this.#tell({ kind: 'relay', relay })
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
    const bytes = encoder.encode(`data: ${JSON.stringify(event)}\n\n`)
    for (const listener of [...this.#listeners]) {
      if (!listener.knowsAll) continue
      if (listener.isAllowed() && (listener.controller.desiredSize ?? 0) > 0)
        listener.controller.enqueue(bytes)
      else this.#cutOff(listener)
    }
  }

  #cutOff(listener: Listener): void {
    this.#drop(listener)
    try {
      listener.controller.close()
    } catch {
      // It was cancelled meanwhile.
    }
  }
}
