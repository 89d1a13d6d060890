/**
 * A lanline phone without a face: one enrolled device that stays registered, knows who is there, places and takes
 * calls. The page, the Node test client and any other program are built on this.
 */

import type { Quiet, QuietHours } from '../src/core/quiet-hours.ts'
import type {
  ClientMessage,
  JoinAsk,
  MediaReport,
  MissedCall,
  Person,
  PersonName,
  ServerMessage,
} from '../src/signalling/message.ts'
import type { Call } from './call.ts'
import type { CallPorts } from './call-setup.ts'
import { Calls, type Wanted } from './calls.ts'
import { Connection, type ConnectionState, type StopReason, type Welcome } from './connection.ts'
import { Emitter } from './emitter.ts'
import { type Env, environment, memoryStorage, type TextStorage } from './env.ts'
import { KeptCalls } from './kept.ts'
import { LateReports } from './late-reports.ts'
import type { OpenMedia } from './media.ts'
import { nothingTold, toldAtFirst, toldSince } from './told.ts'

export interface PhoneOptions {
  /** `wss://host/ws`. */
  readonly url: string
  /** From the enrolment. */
  readonly token: string
  /** Name and version of the program, shown to the owner. */
  readonly client: string
  readonly openMedia: OpenMedia
  /** Keeps calls over a reload; without it they are kept in memory. */
  readonly storage?: TextStorage | undefined
  readonly env?: Partial<Env> | undefined
}

export interface PhoneEvents {
  /** Anything that can be read from the phone changed. */
  changed: Phone
  state: { readonly state: ConnectionState; readonly reason: StopReason | undefined }
  welcome: Welcome
  /** Somebody calls: `answer` or `decline` it. */
  incoming: Call
  /** The other party of `from` hands us on: `call` is placed, to whom they said. `from` ends once that is answered. */
  handedOn: { readonly from: Call; readonly call: Call }
  /** Somebody called during a call, and was told so. */
  turnedAway: PersonName & { readonly calledFor: PersonName | undefined }
  /** On the owner's devices: somebody asks to join, or was answered. */
  requests: readonly JoinAsk[]
  /** A call began or ended, in either direction. */
  calls: readonly Call[]
  error: Extract<ServerMessage, { type: 'error' }>
}

/** How soon a line is given up that does not answer. After a change of network a new one is sooner there than an answer. */
const lineMilliseconds = { networkChanged: 400, doubtful: 1_000 } as const

const storageKey = 'lanline.calls'
/** Between what the two clocks say of a guest's end. */
const slackMilliseconds = 5_000

export class Phone extends Emitter<PhoneEvents> {
  readonly #env: Env
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #lateReports = new LateReports()
  #told = nothingTold

  constructor(options: PhoneOptions) {
    super()
    const env = environment(options.env)
    const kept = new KeptCalls(options.storage ?? memoryStorage(), storageKey, () => env.wall())
    this.#env = env
    this.#connection = new Connection({
      url: options.url,
      token: options.token,
      client: options.client,
      tab: randomWord(env),
      ...{ env, kept },
    })
    const ports: CallPorts = {
      ...{ env, kept },
      openMedia: options.openMedia,
      online: () => this.#connection.state === 'online',
      send: message => this.#send(message),
      report: (call, report, isLast) => this.#report(call, report, isLast),
      lookAtLine: () => this.lookAtLine(),
    }
    this.#calls = new Calls(ports, {
      counted: () => {
        this.emit('calls', this.calls)
        this.emit('changed', this)
      },
      changed: () => this.emit('changed', this),
      incoming: call => this.emit('incoming', call),
      handedOn: (from, call) => this.emit('handedOn', { from, call }),
      turnedAway: who => this.emit('turnedAway', who),
    })
    let isOnline = false
    this.#connection.on('state', state => {
      if (state.state === 'stopped') this.#lineTaken(state.reason)
      else if (isOnline && state.state !== 'online') for (const call of this.calls) call.lineLost()
      isOnline = state.state === 'online'
      this.emit('state', state)
      this.emit('changed', this)
    })
    this.#connection.on('welcome', welcome => this.#welcomed(welcome))
    this.#connection.on('message', message => this.#received(message))
  }

  get state(): ConnectionState {
    return this.#connection.state
  }
  get stopReason(): StopReason | undefined {
    return this.#connection.reason
  }
  /** Who we are and where, since the first welcome; name and standing as they were told last. */
  get me(): Welcome | undefined {
    return this.#told.me
  }
  /** Everybody but ourselves, as the appliance sorts them. */
  get roster(): readonly Person[] {
    return this.#told.roster
  }
  get missed(): readonly MissedCall[] {
    return this.#told.missed
  }
  /** On the owner's devices: who asks to join. */
  get requests(): readonly JoinAsk[] {
    return this.#told.requests
  }
  /** When a guest's time is over, by this machine's clock; undefined for everybody else. */
  get guestUntil(): number | undefined {
    return this.#told.guestUntil
  }
  /** That end has come; the appliance ends a guest's time by its own clock. */
  get isGuestOver(): boolean {
    return this.guestUntil !== undefined && this.guestUntil - this.#env.wall() < slackMilliseconds
  }
  get doNotDisturb(): boolean {
    return this.#told.doNotDisturb
  }
  /** Why it is on, and when it will be. */
  get quiet(): Quiet {
    return this.#told.quiet
  }
  /** Calls that have not ended. */
  get calls(): readonly Call[] {
    return this.#calls.open
  }

  start(): void {
    this.#connection.start()
  }

  /** Ends every call and closes the line. */
  stop(): void {
    for (const call of this.calls) call.hangUp()
    this.#connection.stop()
  }

  /** The network changed: see to the line at once, then to the calls. A line that has to be made anew sees to them. */
  async networkChanged(): Promise<void> {
    const away = this.#connection.state !== 'online'
    const alive = await this.#connection.nudge(lineMilliseconds.networkChanged)
    if (alive || away) for (const call of this.calls) call.networkChanged()
  }

  /** The line may be dead (the page slept, media stopped): see to it at once. */
  lookAtLine(): void {
    void this.#connection.nudge(lineMilliseconds.doubtful)
  }

  /** Milliseconds that the line to the appliance takes there and back; undefined while there is none. */
  roundTrip(): Promise<number | undefined> {
    return this.#connection.roundTrip()
  }

  /**
   * Calls a person, with media of its own where given, or with the microphone of a call that waits. What becomes of it is
   * told by the call's events.
   */
  call(person: PersonName, wanted: Wanted): Call {
    return this.#calls.place(person, wanted)
  }

  /** Within quiet hours: whether these count; they come again. Else until it is switched off. */
  setDoNotDisturb(on: boolean): void {
    this.#send({ type: 'doNotDisturb', on })
  }

  /** null: at no hours. */
  setQuietHours(hours: QuietHours | null): void {
    this.#send({ type: 'quietHours', hours })
  }

  missedSeen(): void {
    if (this.missed.length > 0) this.#send({ type: 'missedSeen' })
  }

  /** As the owner: lets somebody in, as a guest for so long or for good, or turns them away. */
  answerRequest(
    id: string,
    answer: { readonly allow: true; readonly staySeconds?: number | undefined } | { readonly allow: false },
  ): void {
    this.#send({ type: 'answerRequest', id, ...answer })
  }

  #send(message: ClientMessage): boolean {
    return this.#connection.send(message)
  }

  #report(call: string, report: MediaReport, isLast: boolean): void {
    const roundTripMilliseconds = this.#connection.lastRoundTripMilliseconds
    const told = { ...report, ...(roundTripMilliseconds !== undefined && { roundTripMilliseconds }) }
    if (this.#send({ type: 'report', call, report: told })) return
    this.#lateReports.keep(call, report, this.#env.now(), isLast)
  }

  #welcomed(welcome: Welcome): void {
    this.#told = toldAtFirst(welcome, this.#env.wall())
    this.#calls.tellEnds(welcome.resumed)
    for (const late of this.#lateReports.take(this.#env.now())) this.#send(late)
    this.#calls.resumed(welcome.resumed)
    this.emit('welcome', welcome)
    this.emit('changed', this)
  }

  #received(message: ServerMessage): void {
    const told = toldSince(this.#told, message, this.#env.wall())
    if (told !== undefined) this.#told = told
    if (message.type === 'requests') this.emit('requests', this.requests)
    if (message.type === 'error') this.emit('error', message)
    const isOfCall = this.#calls.handle(message)
    // A token can be read by nobody.
    if (told !== undefined || (isOfCall && message.type !== 'dialog')) this.emit('changed', this)
  }

  /** A device without its right holds no calls; one whose line another tab took ends them properly. */
  #lineTaken(reason: StopReason | undefined): void {
    const ended = reason !== 'revoked' ? 'hangup' : this.isGuestOver ? 'guestOver' : 'revoked'
    for (const call of this.calls) call.hangUp(ended)
  }
}

function randomWord(env: Env): string {
  return Array.from({ length: 4 }, () => Math.floor(env.random() * 2 ** 32).toString(16)).join('')
}
