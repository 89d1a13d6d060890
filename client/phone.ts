/**
 * A lanline phone without a face: one enrolled device that stays registered, knows who is there, places and takes
 * calls. The page, the Node test client and any other program are built on this.
 */

import type { EndReason } from '../src/core/end-reason.ts'
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
import { Call, type CallEnd } from './call.ts'
import type { CallPorts } from './call-setup.ts'
import { Connection, type ConnectionState, type StopReason, type Welcome } from './connection.ts'
import { Emitter } from './emitter.ts'
import { type Env, environment, memoryStorage, type TextStorage } from './env.ts'
import { KeptCalls } from './kept.ts'
import { LateReports } from './late-reports.ts'
import type { OpenMedia } from './media.ts'

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

/** Who has handed us on hangs up; or we do. */
const giveWayMilliseconds = 2_000
const limitEndedHere = 8
const storageKey = 'lanline.calls'

export class Phone extends Emitter<PhoneEvents> {
  readonly #kept: KeptCalls
  readonly #connection: Connection
  readonly #ports: CallPorts
  readonly #calls = new Set<Call>()
  readonly #lateReports = new LateReports()
  /** Calls that ended before their id was told: they still owe a `bye`. */
  readonly #orphans = new Map<string, Call>()
  /** Calls ended here last, as the appliance may not have heard: such a call is told again after a broken line. */
  readonly #endedHere = new Map<string, EndReason>()
  #welcome: Welcome | undefined
  #roster: readonly Person[] = []
  #missed: readonly MissedCall[] = []
  #requests: readonly JoinAsk[] = []
  #doNotDisturb = false
  #quiet: Quiet = { byHand: false, within: false, hours: null }
  #guestUntil: number | undefined
  #serial = 0

  constructor(options: PhoneOptions) {
    super()
    const env = environment(options.env)
    this.#kept = new KeptCalls(options.storage ?? memoryStorage(), storageKey, () => env.wall())
    this.#connection = new Connection({
      url: options.url,
      token: options.token,
      client: options.client,
      tab: randomWord(env),
      env,
      kept: this.#kept,
    })
    this.#ports = {
      env,
      kept: this.#kept,
      openMedia: options.openMedia,
      online: () => this.#connection.state === 'online',
      send: message => this.#send(message),
      report: (call, report, isLast) => this.#report(call, report, isLast),
      lookAtLine: () => this.lookAtLine(),
    }
    let isOnline = false
    this.#connection.on('state', state => {
      if (state.state === 'stopped') this.#lineTaken(state.reason)
      else if (isOnline && state.state !== 'online') for (const call of this.#calls) call.lineLost()
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
    return this.#welcome
  }
  /** Everybody but ourselves, as the appliance sorts them. */
  get roster(): readonly Person[] {
    return this.#roster
  }
  get missed(): readonly MissedCall[] {
    return this.#missed
  }
  /** On the owner's devices: who asks to join. */
  get requests(): readonly JoinAsk[] {
    return this.#requests
  }
  /** When a guest's time is over, by this machine's clock; undefined for everybody else. */
  get guestUntil(): number | undefined {
    return this.#guestUntil
  }
  get doNotDisturb(): boolean {
    return this.#doNotDisturb
  }
  /** Why it is on, and when it will be. */
  get quiet(): Quiet {
    return this.#quiet
  }
  /** Calls that have not ended. */
  get calls(): readonly Call[] {
    return [...this.#calls]
  }

  start(): void {
    this.#connection.start()
  }

  /** Ends every call and closes the line. */
  stop(): void {
    for (const call of this.#calls) call.hangUp()
    this.#connection.stop()
  }

  /** The network changed: see to the line at once, then to the calls. A line that has to be made anew sees to them. */
  async networkChanged(): Promise<void> {
    const away = this.#connection.state !== 'online'
    const alive = await this.#connection.nudge(lineMilliseconds.networkChanged)
    if (alive || away) for (const call of this.#calls) call.networkChanged()
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
  call(
    person: { readonly user: string; readonly name: string },
    wanted: {
      readonly video: boolean
      readonly openMedia?: OpenMedia
      readonly microphone?: MediaStreamTrack
    },
  ): Call {
    const ref = `c${++this.#serial}`
    const { video, openMedia, microphone } = wanted
    const ports = openMedia === undefined ? this.#ports : { ...this.#ports, openMedia }
    const call = new Call(ports, { direction: 'outgoing', ref, peer: person, video, microphone })
    this.#hold(call)
    void call.start()
    return call
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
    if (this.#missed.length > 0) this.#send({ type: 'missedSeen' })
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
    this.#lateReports.keep(call, report, this.#ports.env.now(), isLast)
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome
    this.#takeQuiet(welcome.doNotDisturb, welcome.quiet)
    this.#takeStay(welcome.staySeconds)
    this.#missed = welcome.missed
    // Told right after, if there is anybody.
    this.#requests = []
    this.#takeRoster(welcome.roster)
    const fates = new Map(welcome.resumed.map(fate => [fate.call, fate]))
    for (const { call, ended } of this.#kept.list()) {
      const state = fates.get(call)?.state
      // It ended after `hello` had said that it is held.
      if (ended && state === 'held') this.#send({ type: 'bye', call, reason: ended.reason })
      // Told in this hello, or known to have ended: nothing left to keep.
      else if (ended || state === 'ended') this.#kept.forget(call)
    }
    for (const late of this.#lateReports.take(this.#ports.env.now())) this.#send(late)
    for (const call of this.#calls) call.resumed(fates.get(call.id ?? ''))
    this.#orphans.clear()
    this.emit('welcome', welcome)
    this.emit('changed', this)
  }

  #received(message: ServerMessage): void {
    switch (message.type) {
      case 'roster':
        this.#takeRoster(message.roster)
        break
      case 'presence':
        this.#takePresence(message.person)
        break
      case 'doNotDisturb':
        this.#takeQuiet(message.on, message.quiet)
        break
      case 'missed':
        this.#missed = message.missed
        break
      case 'standing':
        this.#takeStanding(message)
        break
      case 'requests':
        this.#requests = message.waiting
        this.emit('requests', this.#requests)
        break
      case 'dialog':
        if (this.#byId(message.call)) this.#kept.token(message.call, message.dialog)
        this.#byId(message.call)?.handle(message)
        return
      case 'incoming':
        this.#incoming(message)
        break
      case 'calling':
        this.#calling(message)
        break
      case 'referred':
        this.#referred(message)
        break
      case 'error':
        this.#failed(message)
        break
      case 'ended':
        this.#kept.forget(message.call)
        this.#byId(message.call)?.handle(message)
        break
      case 'ringing':
      case 'answered':
      case 'candidate':
      case 'offer':
      case 'offerRefused':
      case 'referral':
      case 'relay':
      case 'restart':
      case 'relayRefused':
        this.#byId(message.call)?.handle(message)
        break
      default:
        return
    }
    this.emit('changed', this)
  }

  #incoming(message: Extract<ServerMessage, { type: 'incoming' }>): void {
    const known = this.#byId(message.call)
    if (known) {
      known.handle(message)
      // The caller may not have heard that it rings either.
      if (known.state === 'incoming') this.#send({ type: 'ringing', call: message.call })
      return
    }
    const reason = this.#endedHere.get(message.call)
    if (reason !== undefined) {
      // What was taken and hung up is told as held and ended.
      if (isDecline(reason)) this.#send({ type: 'decline', call: message.call, reason })
      return
    }
    const replaced = message.replaces === undefined ? undefined : this.#byId(message.replaces)
    // Hung up here, as the appliance may not have heard: nobody rings for that (RFC 3891 §3).
    if (message.replaces !== undefined && replaced === undefined) {
      this.#send({ type: 'decline', call: message.call, reason: 'declined' })
      return
    }
    if (this.#calls.size > 0 && replaced === undefined) {
      this.#send({ type: 'decline', call: message.call, reason: 'busy' })
      this.emit('turnedAway', { ...message.from, calledFor: message.for })
      return
    }
    const { call: id, sdp, trickle, video, from } = message
    const call = new Call(this.#ports, {
      direction: 'incoming',
      ref: id,
      peer: from,
      calledFor: message.for,
      referredBy: message.referredBy,
      video,
      incoming: { call: id, sdp, trickle },
      replaces: replaced?.id,
      microphone: replaced?.microphone,
    })
    this.#hold(call)
    if (replaced === undefined) this.#send({ type: 'ringing', call: id })
    else {
      // Handed on: the talk goes on with somebody else, who is not shown a picture unasked.
      call.setMuted(replaced.muted)
      void call.answer({ video: false })
    }
    this.emit('incoming', call)
  }

  /** We are handed on: the talk goes on with somebody else, who is not shown a picture unasked. */
  #referred({ call: referred, to }: Extract<ServerMessage, { type: 'referred' }>): void {
    const from = this.#byId(referred)
    // It may be told again after the line was away.
    if (from === undefined || this.calls.some(one => one.referred === referred)) return
    const { microphone } = from
    const [ref, direction] = [`c${++this.#serial}`, 'outgoing'] as const
    const call = new Call(this.#ports, { direction, ref, peer: to, video: false, referred, microphone })
    call.setMuted(from.muted)
    this.#hold(call)
    const off = call.on('changed', () => {
      if (!call.isTaken) return
      off()
      this.#ports.env.setTimeout(() => from.hangUp(), giveWayMilliseconds)
      // Nobody is left in a call that is not seen any more.
      call.on('ended', () => from.hangUp())
    })
    void call.start()
    this.emit('handedOn', { from, call })
  }

  #calling(message: Extract<ServerMessage, { type: 'calling' }>): void {
    const call = [...this.#calls].find(one => one.ref === message.ref) ?? this.#orphans.get(message.ref)
    this.#orphans.delete(message.ref)
    if (call?.state !== 'ended') this.#kept.token(message.call, '')
    call?.handle(message)
  }

  #failed(message: Extract<ServerMessage, { type: 'error' }>): void {
    const { ref, code } = message
    this.emit('error', message)
    // Nor has it anything to be told of it any more.
    if (code === 'noSuchCall') this.#kept.forget(ref)
    const call = ref === '' ? undefined : [...this.#calls].find(one => one.ref === ref || one.id === ref)
    if (call === undefined) return
    // Anything else wrong with one message of a call is no reason to end it.
    const fatal = code === 'noSuchCall' || call.id === undefined
    const reason = code === 'noSuchCall' ? 'lost' : 'failed'
    if (fatal) call.handle({ type: 'ended', call: ref, by: 'server', reason, code: 0 })
  }

  #hold(call: Call): void {
    this.#calls.add(call)
    call.on('changed', () => this.emit('changed', this))
    call.on('ended', end => {
      this.#calls.delete(call)
      this.#rememberEnd(call, end)
      // Nothing is left to tell.
      if (end.by === 'server' && call.id !== undefined) this.#kept.forget(call.id)
      if (call.id === undefined) this.#orphans.set(call.ref, call)
      this.emit('calls', this.calls)
      this.emit('changed', this)
    })
    this.emit('calls', this.calls)
    this.emit('changed', this)
  }

  #rememberEnd({ direction, id }: Call, { by, reason }: CallEnd): void {
    if (direction !== 'incoming' || by !== 'self' || id === undefined) return
    this.#endedHere.set(id, reason)
    if (this.#endedHere.size > limitEndedHere) this.#endedHere.delete(this.#endedHere.keys().next().value!)
  }

  #byId(id: string): Call | undefined {
    for (const call of this.#calls) if (call.id === id) return call
    return undefined
  }

  #takeStanding({ name, role, staySeconds }: Extract<ServerMessage, { type: 'standing' }>): void {
    if (this.#welcome) this.#welcome = { ...this.#welcome, name, role, staySeconds }
    this.#takeStay(staySeconds)
  }

  #takeStay(seconds: number | null): void {
    this.#guestUntil = seconds === null ? undefined : this.#ports.env.wall() + seconds * 1_000
  }

  /** An older appliance knows of no hours. */
  #takeQuiet(on: boolean, quiet: Quiet | undefined): void {
    this.#doNotDisturb = on
    this.#quiet = quiet ?? { byHand: on, within: false, hours: null }
  }

  #takeRoster(roster: readonly Person[]): void {
    this.#roster = roster.filter(person => person.user !== this.#welcome?.user)
  }

  #takePresence(person: Person): void {
    if (person.user === this.#welcome?.user) return
    const known = this.#roster.some(one => one.user === person.user)
    this.#roster = known
      ? this.#roster.map(one => (one.user === person.user ? person : one))
      : [...this.#roster, person]
  }

  /** A device without its right holds no calls; one whose line another tab took ends them properly. */
  #lineTaken(reason: StopReason | undefined): void {
    for (const call of this.#calls) call.hangUp(reason === 'revoked' ? 'revoked' : 'hangup')
  }
}

const isDecline = (reason: EndReason): reason is 'declined' | 'busy' | 'failed' =>
  reason === 'declined' || reason === 'busy' || reason === 'failed'

function randomWord(env: Env): string {
  return Array.from({ length: 4 }, () => Math.floor(env.random() * 2 ** 32).toString(16)).join('')
}
