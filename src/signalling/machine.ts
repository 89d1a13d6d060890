/**
 * The client channel: connections and the sessions of JSON devices, and where what they say goes to. What clients hear
 * of people is in `watchers.ts`, what becomes of calls when they come back in `resume.ts`. Left out: sockets (`io.ts`),
 * dialogs (`sip/agent.ts`), rows (`calls/`).
 *
 * | connection | `hello` | other frame    | 5 s            | 25 s of silence |
 * | ---------- | ------- | -------------- | -------------- | --------------- |
 * | new        | ready   | `notReady`     | closed, policy |                 |
 * | ready      | error   | handled        |                | closed, policy  |
 */
import { createHash } from 'node:crypto'
import type { Monotonic } from '../core/clock.ts'
import { after, hours, seconds } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { AgentCommand, AgentEvent } from '../sip/message.ts'
import { decodeFrame, encodeFrame } from './codec.ts'
import { type InCallMessage, meaningOf } from './in-call.ts'
import {
  type ClientMessage,
  closeCode,
  type ErrorCode,
  type Person,
  type Presence,
  type ServerMessage,
  type SignallingEffect,
  type SignallingInput,
} from './message.ts'
import { SelectedPairs } from './pairs.ts'
import type { CallLog, DeviceIdentity, Devices } from './ports.ts'
import { fateOf, releasedBy } from './resume.ts'
import { Roster } from './roster.ts'
import { type Connection, type Session, type SessionCall, tellingOf } from './session.ts'
import { Watchers } from './watchers.ts'

export const channelLimits = {
  connections: 500,
  callsPerDevice: 8,
  helloMilliseconds: seconds(5),
  pingSeconds: 10,
  silentMilliseconds: seconds(25),
  frames: { perSecond: 50, burst: 300 },
} as const

export interface SignallingOptions {
  readonly devices: Devices
  readonly callLog: CallLog
  readonly version: string
}

type Message<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>

/** The timer among those of connections, which are named by the rim. */
const hoursTimer = 'quietHours'
const moreTimer = 'more'
/** How long the wall clock is believed to go as the other one does: it may be slewed meanwhile. */
const longestLookAheadMilliseconds = hours(1)

/** Between telling of some and of others, where very many begin or end at one moment. */
const breathMilliseconds = 20

const revokedSentence = 'The right of this device was taken away; enrol it again.'
const disabledSentence = 'The owner has switched this person off for now; ask them.'

export class SignallingMachine implements Machine<SignallingInput, SignallingEffect> {
  readonly #devices: Devices
  readonly #log: CallLog
  readonly #version: string
  readonly #roster: Roster
  readonly #watchers: Watchers
  readonly #pairs = new SelectedPairs()
  readonly #connections = new Map<string, Connection>()
  readonly #sessions = new Map<string, Session>()
  readonly #timers = new TimerTable<string>()
  readonly #frames = new Limiter({ ...channelLimits.frames, maxKeys: channelLimits.connections })
  #stopping = false
  #out: SignallingEffect[] = []

  constructor(options: SignallingOptions) {
    this.#devices = options.devices
    this.#log = options.callLog
    this.#version = options.version
    this.#roster = new Roster(options.devices, options.callLog)
    this.#watchers = new Watchers(this.#sessions, this.#roster, options.devices, options.callLog)
  }

  /** For metrics and tests of leaks. */
  get sizes(): { readonly connections: number; readonly sessions: number; readonly timers: number } {
    return {
      connections: this.#connections.size,
      sessions: this.#sessions.size,
      timers: this.#timers.size,
    }
  }

  /** Everybody, to be published. */
  get people(): readonly Person[] {
    return this.#roster.people()
  }

  /** Of one person, for the console; `away` is who is not known. */
  presence(user: string): Presence {
    return this.#roster.presence(user)
  }

  handle(input: SignallingInput, now: Monotonic): SignallingEffect[] {
    switch (input.kind) {
      case 'opened':
        this.#opened(input, now)
        break
      case 'frame':
        this.#frame(input.connection, input.text, now)
        break
      case 'binaryFrame':
        this.#binaryFrame(input.connection)
        break
      case 'closed':
        this.#closed(input.connection, input.left)
        break
      case 'agentEvent':
        this.#agentEvent(input.device, input.event)
        break
      case 'reachable':
        this.#roster.setReachable(input.user, input.device, input.reachable)
        this.#out.push(...this.#watchers.presenceChanged([input.user]))
        break
      case 'callChanged':
        this.#out.push(...this.#watchers.callChanged(input.row, input.missedBy))
        break
      case 'peopleChanged':
        this.#lookAhead(now, () => this.#out.push(...this.#watchers.peopleChanged(now)))
        break
      case 'clockSet':
        this.#hoursTurned(now)
        break
      case 'requestsChanged':
        return this.#watchers.requestsChanged()
      case 'revoked':
        this.#revoked(input.device, 'revoked')
        break
      case 'disabled':
        this.#revoked(input.device, 'disabled')
        break
      case 'relayTelling': {
        const session = this.#sessions.get(input.device)
        if (session !== undefined) this.#tell(session, input.telling)
        break
      }
      case 'stopping':
        this.#stop()
        break
    }
    this.#goOnSoon(now)
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): SignallingEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const connection = this.#connections.get(name)
      if (name === hoursTimer) this.#hoursTurned(now)
      else if (name === moreTimer) this.#out.push(...this.#watchers.more())
      else if (connection !== undefined) {
        this.#note(connection.session ? 'silent' : 'noHello', connection.id, '')
        this.#close(connection, closeCode.policy, connection.session ? 'nothing heard' : 'no hello')
      }
    }
    this.#goOnSoon(now)
    return this.#taken()
  }

  #goOnSoon(now: Monotonic): void {
    if (this.#watchers.hasMore && !this.#timers.has(moreTimer))
      this.#timers.set(moreTimer, after(now, breathMilliseconds))
  }

  // ----------------------------------------------------------------------------------------------- connections

  #opened(input: SignallingInput & { kind: 'opened' }, now: Monotonic): void {
    const { connection: id, remote, local } = input
    const connection: Connection = { id, remote, local, session: undefined }
    this.#connections.set(connection.id, connection)
    if (this.#stopping || this.#connections.size > channelLimits.connections) {
      const [code, sentence] = this.#stopping
        ? (['shuttingDown', 'The appliance is stopping; come back in a moment.'] as const)
        : (['tooMany', 'Too many clients are connected; come back later.'] as const)
      this.#refuse(connection, code, sentence)
      this.#close(connection, closeCode.goingAway, code)
      return
    }
    this.#timers.set(connection.id, after(now, channelLimits.helloMilliseconds))
  }

  #frame(id: string, text: string, now: Monotonic): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (!this.#frames.allow(id, now)) {
      this.#refuse(connection, 'tooMany', 'Too many messages at once; come back more slowly.')
      this.#close(connection, closeCode.policy, 'too many messages')
      return
    }
    if (connection.session !== undefined) {
      this.#timers.set(id, after(now, channelLimits.silentMilliseconds))
    }
    const decoded = decodeFrame(text)
    if (decoded.kind === 'ok') this.#message(connection, decoded.message, now)
    else {
      this.#note(decoded.reason, id, '')
      if (decoded.kind === 'reject') this.#send(connection, decoded.answer)
    }
  }

  #binaryFrame(id: string): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    this.#refuse(connection, 'badMessage', 'Frames are text; this one was binary.')
    this.#close(connection, closeCode.policy, 'binary')
  }

  #closed(id: string, left: boolean): void {
    const connection = this.#connections.get(id)
    if (connection !== undefined) this.#leave(connection, left)
  }

  #close(connection: Connection, code: number, reason: string): void {
    this.#out.push({ kind: 'closeConnection', connection: connection.id, code, reason })
    this.#leave(connection, false)
  }

  /** The device is away; its calls go on until the agent's patience ends. */
  #leave(connection: Connection, left: boolean): void {
    this.#connections.delete(connection.id)
    this.#timers.clear(connection.id)
    this.#frames.reset(connection.id)
    const { session } = connection
    if (session === undefined || session.connection !== connection) return
    session.connection = undefined
    this.#agent(session, { kind: 'detach', left })
    this.#tidy(session)
  }

  #tidy(session: Session): void {
    if (session.connection !== undefined || session.calls.size > 0) return
    if (this.#sessions.get(session.device) === session) this.#sessions.delete(session.device)
  }

  // ----------------------------------------------------------------------------------------------------- hello

  #message(connection: Connection, message: ClientMessage, now: Monotonic): void {
    const { session } = connection
    if (message.type === 'hello') {
      if (session === undefined) this.#hello(connection, message, now)
      else this.#refuse(connection, 'wrongState', 'This connection has said hello already.')
    } else if (session === undefined) {
      this.#refuse(connection, 'notReady', 'Say `hello` first.')
    } else this.#inSession(session, message)
  }

  #hello(connection: Connection, message: Message<'hello'>, now: Monotonic): void {
    const hash = createHash('sha256').update(message.token).digest('hex')
    const identity = this.#devices.byTokenHash(hash)
    if (identity === undefined) {
      this.#note('badToken', connection.id, '')
      this.#refuse(connection, 'badToken', 'This device is not known here; enrol it again.')
      this.#close(connection, closeCode.badToken, 'badToken')
      return
    }
    if (identity.disabled) {
      this.#note('disabled', connection.id, '')
      this.#refuse(connection, 'disabled', disabledSentence)
      this.#close(connection, closeCode.policy, 'disabled')
      return
    }
    const session = this.#enter(connection, identity, message.tab, now)
    this.#timers.set(connection.id, after(now, channelLimits.silentMilliseconds))
    const unnamed = new Map(session.calls)
    for (const { call } of message.resume) unnamed.delete(call)
    const fates = message.resume.map(each => fateOf(session, each, this.#log))
    const resumed = fates.map(({ call, state, reason }) => ({ call, state, reason }))
    const { pingSeconds } = channelLimits
    this.#out.push(...this.#watchers.welcome(session, { version: this.#version, resumed, pingSeconds }))
    for (const { effects } of fates) this.#out.push(...effects)
    this.#out.push(...releasedBy(session, fates, this.#log))
    this.#agent(session, {
      kind: 'attach',
      user: session.user,
      displayName: session.displayName,
      userAgent: message.client,
      remote: connection.remote,
      local: connection.local,
    })
    // What the client does not hold has no media any more; what still rings it may yet take.
    for (const [call, { role, established }] of unnamed) {
      if (role === 'caller' || established) this.#agent(session, { kind: 'bye', call, reason: 'lost' })
    }
    this.#out.push({ kind: 'deviceSeen', device: session.device })
  }

  /** The newest connection of a device is the one that counts. */
  #enter(connection: Connection, identity: DeviceIdentity, tab: string, now: Monotonic): Session {
    const known = this.#sessions.get(identity.device)
    const earlier = known?.connection
    const session: Session = {
      ...identity,
      connection,
      tab,
      standing: this.#watchers.standingOf(identity.user, identity.displayName, now),
      quiet: this.#watchers.quietOf(identity.user),
      calls: known?.calls ?? new Map<string, SessionCall>(),
    }
    if (known !== undefined) known.connection = undefined
    this.#sessions.set(identity.device, session)
    connection.session = session
    if (known !== undefined && earlier !== undefined) {
      if (known.tab === tab) this.#close(earlier, closeCode.superseded, 'superseded')
      else {
        this.#refuse(earlier, 'replaced', 'This device is now used in another tab or window.')
        this.#close(earlier, closeCode.replaced, 'replaced')
      }
    }
    return session
  }

  // ------------------------------------------------------------------------------------------------ in session

  #inSession(session: Session, message: Exclude<ClientMessage, { type: 'hello' }>) {
    switch (message.type) {
      case 'ping':
        return this.#tell(session, { type: 'pong', id: message.id })
      case 'doNotDisturb':
        this.#out.push({ kind: 'saveDoNotDisturb', user: session.user, on: message.on })
        return
      case 'quietHours':
        this.#out.push({ kind: 'saveQuietHours', user: session.user, hours: message.hours })
        return
      case 'missedSeen':
        this.#fact({ kind: 'missedSeen', user: session.user })
        this.#out.push(...this.#watchers.toUser(session.user, { type: 'missed', missed: [] }))
        return
      case 'answerRequest':
        return this.#answerRequest(session, message)
      case 'mediaProblem': {
        const { user, device } = session
        const call = session.calls.has(message.call) ? message.call : ''
        this.#out.push({ kind: 'mediaProblem', user, device, call, problem: message.problem })
        return
      }
      case 'call':
        return this.#call(session, message)
      case 'report':
        return this.#report(session, message)
      default: {
        const call = session.calls.get(message.call)
        if (call !== undefined) this.#inCall(session, call, message)
        else this.#noSuchCall(session, message.call)
      }
    }
  }

  #answerRequest(session: Session, { id, allow, staySeconds }: Message<'answerRequest'>): void {
    if (!this.#watchers.isOwner(session)) {
      return this.#refuse(session.connection!, 'wrongState', 'Only the owner lets people in.', id)
    }
    this.#out.push({ kind: 'answerRequest', id, allow, staySeconds })
  }

  #call(session: Session, message: Message<'call'>): void {
    const { ref, to, sdp, video, referred } = message
    if (session.calls.size >= channelLimits.callsPerDevice) {
      this.#refuse(session.connection!, 'tooMany', 'This device has too many calls already.', ref)
      return
    }
    this.#agent(session, { kind: 'invite', ref, to, sdp, video, referred })
  }

  #inCall(session: Session, state: SessionCall, message: InCallMessage): void {
    const meaning = meaningOf(state, session.device, message)
    if (meaning.kind === 'agent') this.#agent(session, meaning.command)
    else if (meaning.kind === 'relayFact') this.#out.push(meaning)
    else this.#refuse(session.connection!, 'wrongState', meaning.sentence, message.call)
  }

  #noSuchCall(session: Session, call: string): void {
    this.#refuse(session.connection!, 'noSuchCall', 'This device has no such call.', call)
  }

  /** The last report of a call crosses its end; that is worth keeping and nobody's mistake. */
  #report(session: Session, { call, report }: Message<'report'>) {
    const row = this.#log.find(call)
    const party = row?.callerDevice === session.device || row?.calleeDevice === session.device
    if (!session.calls.has(call) && !party) return this.#noSuchCall(session, call)
    if (party) this.#out.push({ kind: 'reported', call, device: session.device, report })
    const pair = this.#pairs.keep(call, session.device, report.pair)
    if (pair === undefined) return
    this.#fact({ kind: 'pair', call, device: session.device, pair })
    const relayed = pair.localType === 'relay' || pair.remoteType === 'relay'
    const { remoteAddress } = pair
    const input = { kind: 'path', call, device: session.device, relayed, remoteAddress } as const
    this.#out.push({ kind: 'relayFact', input })
  }

  // ---------------------------------------------------------------------------------------------------- others

  #agentEvent(device: string, event: AgentEvent): void {
    const session = this.#sessions.get(device)
    if (session === undefined) return
    const telling = tellingOf(session, event, this.#roster)
    if (telling !== undefined) this.#tell(session, telling)
    this.#tidy(session)
  }

  #revoked(device: string, how: 'revoked' | 'disabled'): void {
    const session = this.#sessions.get(device)
    if (session === undefined) return
    const { connection } = session
    if (connection !== undefined) {
      this.#refuse(connection, how, how === 'revoked' ? revokedSentence : disabledSentence)
      this.#close(connection, how === 'revoked' ? closeCode.revoked : closeCode.policy, how)
    }
    this.#sessions.delete(device)
  }

  #hoursTurned(now: Monotonic): void {
    this.#lookAhead(now, () => {
      const { users, frames } = this.#watchers.hoursTurned()
      this.#out.push(...frames)
      if (users.length > 0) this.#out.push({ kind: 'quietTurned', users })
    })
  }

  /**
   * Tells what is by the clock, and when it is to be told next. The clock goes on meanwhile, so the next turn is asked for
   * before: hours that begin while it is being told are told a moment later, not when they end.
   */
  #lookAhead(now: Monotonic, tell: () => void): void {
    const next = this.#devices.untilHoursTurn()
    tell()
    const turn = this.#watchers.isBehind ? breathMilliseconds : next
    if (turn === undefined) this.#timers.clear(hoursTimer)
    else this.#timers.set(hoursTimer, after(now, Math.min(turn, longestLookAheadMilliseconds)))
  }

  #stop(): void {
    this.#stopping = true
    for (const connection of [...this.#connections.values()]) {
      this.#refuse(connection, 'shuttingDown', 'The appliance is stopping; come back in a moment.')
      this.#close(connection, closeCode.goingAway, 'shuttingDown')
    }
  }

  // --------------------------------------------------------------------------------------------------- effects

  #tell(session: Session, message: ServerMessage): void {
    if (session.connection !== undefined) this.#send(session.connection, message)
  }

  #send(connection: Connection, message: ServerMessage): void {
    this.#out.push({ kind: 'sendFrame', connection: connection.id, text: encodeFrame(message) })
  }

  #refuse(connection: Connection, code: ErrorCode, message: string, ref = ''): void {
    this.#send(connection, { type: 'error', code, message, ref })
  }

  #agent(session: Session, command: AgentCommand): void {
    this.#out.push({ kind: 'agent', device: session.device, command })
  }

  #fact(input: (SignallingEffect & { kind: 'callFact' })['input']): void {
    this.#out.push({ kind: 'callFact', input })
  }

  #note(reason: string, connection: string, detail: string): void {
    this.#out.push({ kind: 'note', reason, connection, detail })
  }

  #taken(): SignallingEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}
