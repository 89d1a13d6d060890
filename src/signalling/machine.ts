/**
 * The client channel: sessions of JSON devices, their calls towards the hosted agents, roster and presence, do not
 * disturb, missed calls, reports, and coming back after either side was away. Left out: sockets (`io.ts`), dialogs
 * (`sip/agent.ts`), rows (`calls/`).
 *
 * | connection | `hello` | other frame    | 5 s            | 25 s of silence |
 * | ---------- | ------- | -------------- | -------------- | --------------- |
 * | new        | ready   | `notReady`     | closed, policy |                 |
 * | ready      | error   | handled        |                | closed, policy  |
 */
import { createHash } from 'node:crypto'
import type { CallRow } from '../calls/message.ts'
import type { Monotonic } from '../core/clock.ts'
import { after, seconds } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { AgentCommand, AgentEvent } from '../sip/message.ts'
import { decodeFrame, encodeFrame } from './codec.ts'
import {
  type ClientMessage,
  closeCode,
  type ErrorCode,
  type MediaReport,
  type Person,
  type ResumeCall,
  type ServerMessage,
  type SignallingEffect,
  type SignallingInput,
} from './message.ts'
import type { CallLog, DeviceIdentity, Devices } from './ports.ts'
import { Reports } from './reports.ts'
import { Roster } from './roster.ts'
import {
  type Connection,
  endReasonOf,
  missedOf,
  type Session,
  type SessionCall,
  type Standing,
  sameStanding,
  tellingOf,
} from './session.ts'

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

const revokedSentence = 'The right of this device was taken away; enrol it again.'
const disabledSentence = 'The owner has switched this person off for now; ask them.'

export class SignallingMachine implements Machine<SignallingInput, SignallingEffect> {
  readonly #devices: Devices
  readonly #log: CallLog
  readonly #version: string
  readonly #roster: Roster
  readonly #reports = new Reports()
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
  }

  /** For metrics and tests of leaks. */
  get sizes(): { readonly connections: number; readonly sessions: number; readonly timers: number } {
    return {
      connections: this.#connections.size,
      sessions: this.#sessions.size,
      timers: this.#timers.size,
    }
  }

  /** The presence of everybody, for the console. */
  get people(): readonly Person[] {
    return this.#roster.people()
  }

  /** The newest report of each device about a call. */
  reportsOf(call: string): ReadonlyMap<string, MediaReport> {
    return this.#reports.of(call)
  }

  handle(input: SignallingInput, now: Monotonic): SignallingEffect[] {
    switch (input.kind) {
      case 'opened':
        this.#opened(input, now)
        break
      case 'frame':
        this.#frame(input.connection, input.text, now)
        break
      case 'badFrame':
        this.#badFrame(input.connection, input.reason)
        break
      case 'closed':
        this.#closed(input.connection)
        break
      case 'agentEvent':
        this.#agentEvent(input.device, input.event)
        break
      case 'reachable':
        this.#roster.setReachable(input.user, input.device, input.reachable)
        this.#tellChanges([input.user])
        break
      case 'callChanged':
        this.#tellChanges([input.row.callerUser, input.row.calleeUser])
        if (input.row.missed && !input.row.missedSeen) this.#tellMissed(input.row.calleeUser)
        break
      case 'peopleChanged':
        this.#peopleChanged(now)
        break
      case 'requestsChanged':
        this.#requestsChanged()
        break
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
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): SignallingEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const connection = this.#connections.get(name)
      if (connection !== undefined) {
        this.#note(connection.session ? 'silent' : 'noHello', connection.id, '')
        this.#close(connection, closeCode.policy, connection.session ? 'nothing heard' : 'no hello')
      }
    }
    return this.#taken()
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

  #badFrame(id: string, reason: 'binary' | 'tooLarge'): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (reason === 'binary') this.#refuse(connection, 'badMessage', 'Frames are text; this one was binary.')
    else this.#refuse(connection, 'tooLarge', 'The frame was too large.')
    this.#close(connection, closeCode.policy, reason)
  }

  #closed(id: string): void {
    const connection = this.#connections.get(id)
    if (connection !== undefined) this.#leave(connection)
  }

  #close(connection: Connection, code: number, reason: string): void {
    this.#out.push({ kind: 'closeConnection', connection: connection.id, code, reason })
    this.#leave(connection)
  }

  /** The device is away; its calls go on until the agent's patience ends. */
  #leave(connection: Connection): void {
    this.#connections.delete(connection.id)
    this.#timers.clear(connection.id)
    this.#frames.reset(connection.id)
    const { session } = connection
    if (session === undefined || session.connection !== connection) return
    session.connection = undefined
    this.#agent(session, { kind: 'detach' })
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
    const resumed = message.resume.map(each => this.#fateOf(session, each))
    this.#send(connection, {
      type: 'welcome',
      user: session.user,
      name: session.standing.name,
      device: session.device,
      place: this.#devices.place(),
      version: this.#version,
      role: session.standing.role,
      staySeconds: session.standing.staySeconds,
      doNotDisturb: this.#roster.doNotDisturbOf(session.user),
      roster: this.#roster.people().filter(({ user }) => this.#roster.mayKnow(session.user, user)),
      missed: missedOf(this.#log, session.user, this.#roster),
      resumed: resumed.map(({ call, state, reason }) => ({ call, state, reason })),
      pingSeconds: channelLimits.pingSeconds,
    })
    const requests = this.#requests()
    if (this.#isOwner(session) && requests.waiting.length > 0) this.#tell(session, requests)
    for (const { act } of resumed) act()
    this.#releaseOthers(session, resumed)
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

  /** Calls the log has open for this device, which its client does not know of: nobody else can say that they ended. */
  #releaseOthers(session: Session, resumed: readonly { call: string; state: 'held' | 'ended' }[]): void {
    const held = new Set(resumed.filter(({ state }) => state === 'held').map(({ call }) => call))
    for (const { id, callerDevice, calleeDevice } of this.#log.open()) {
      if (callerDevice !== session.device && calleeDevice !== session.device) continue
      if (!held.has(id) && !session.calls.has(id)) {
        this.#fact({ kind: 'released', call: id, device: session.device })
      }
    }
  }

  /** The newest connection of a device is the one that counts. */
  #enter(connection: Connection, identity: DeviceIdentity, tab: string, now: Monotonic): Session {
    const known = this.#sessions.get(identity.device)
    const earlier = known?.connection
    const session: Session = {
      ...identity,
      connection,
      tab,
      standing: this.#standing(identity.user, identity.displayName, now),
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

  /** What became of a call that a client holds, and what is to be done about it once `welcome` has said so. */
  #fateOf(
    session: Session,
    { call, dialog, ended }: ResumeCall,
  ): { call: string; state: 'held' | 'ended'; reason: ReturnType<typeof endReasonOf> | ''; act: () => void } {
    const { device } = session
    const row = this.#log.find(call)
    const known = session.calls.get(call)
    const leave = (reason: string) => () => {
      if (dialog !== '' && known === undefined) this.#agent(session, { kind: 'restore', call, token: dialog })
      this.#agent(session, { kind: 'bye', call, reason })
    }
    // Somebody else's call: nothing is told of it, and nothing said about it counts.
    if (row !== undefined && known === undefined && !isParty(row, session)) {
      this.#note('foreignCall', session.connection!.id, '')
      return { call, state: 'ended', reason: 'lost', act: () => {} }
    }
    if (ended !== undefined) {
      const { by, reason, agoMilliseconds } = ended
      const act = (): void => {
        this.#fact({ kind: 'endReported', call, device, by, reason, agoMilliseconds })
        if (row?.endedAt === undefined) leave(reason)()
      }
      return { call, state: 'ended', reason, act }
    }
    if (row?.endedAt !== undefined) {
      return { call, state: 'ended', reason: endReasonOf(row.reason), act: known ? leave('lost') : () => {} }
    }
    if (known === undefined && dialog === '') return { call, state: 'ended', reason: 'lost', act: () => {} }
    if (known === undefined) session.calls.set(call, restoredCall(row?.callerDevice === device))
    const act = (): void => {
      this.#agent(session, { kind: 'restore', call, token: dialog })
      this.#fact({ kind: 'held', call, device })
      this.#out.push({ kind: 'relayFact', input: { kind: 'held', call, device } })
    }
    return { call, state: 'held', reason: '', act }
  }

  // ------------------------------------------------------------------------------------------------ in session

  #inSession(session: Session, message: Exclude<ClientMessage, { type: 'hello' }>) {
    switch (message.type) {
      case 'ping':
        return this.#tell(session, { type: 'pong', id: message.id })
      case 'doNotDisturb':
        this.#out.push({ kind: 'saveDoNotDisturb', user: session.user, on: message.on })
        return
      case 'missedSeen':
        this.#fact({ kind: 'missedSeen', user: session.user })
        this.#tellUser(session.user, { type: 'missed', missed: [] })
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
      default: {
        const call = session.calls.get(message.call)
        if (call !== undefined) this.#inCall(session, call, message)
        else this.#unknownCall(session, message)
      }
    }
  }

  #answerRequest(session: Session, { id, allow, staySeconds }: Message<'answerRequest'>): void {
    if (!this.#isOwner(session)) {
      return this.#refuse(session.connection!, 'wrongState', 'Only the owner lets people in.', id)
    }
    this.#out.push({ kind: 'answerRequest', id, allow, staySeconds })
  }

  #call(session: Session, message: Message<'call'>): void {
    const { ref, to, sdp, video } = message
    if (session.calls.size >= channelLimits.callsPerDevice) {
      this.#refuse(session.connection!, 'tooMany', 'This device has too many calls already.', ref)
      return
    }
    this.#agent(session, { kind: 'invite', ref, to, sdp, video })
  }

  /** The last report of a call crosses its end; that is worth keeping and nobody's mistake. */
  #unknownCall(session: Session, message: { readonly type: string; readonly call: string }) {
    if (message.type === 'report') return this.#report(session, message as Message<'report'>)
    this.#refuse(session.connection!, 'noSuchCall', 'This device has no such call.', message.call)
  }

  #inCall(
    session: Session,
    state: SessionCall,
    message: Exclude<
      ClientMessage,
      { type: 'hello' | 'ping' | 'doNotDisturb' | 'missedSeen' | 'answerRequest' | 'mediaProblem' | 'call' }
    >,
  ): void {
    const { call } = message
    const rings = state.role === 'callee' && !state.established
    switch (message.type) {
      case 'ringing':
        if (!rings) return this.#wrongState(session, call, 'Only a call that comes in can ring here.')
        return this.#agent(session, { kind: 'ringing', call })
      case 'answer':
        if (!state.offered)
          return this.#wrongState(session, call, 'Nothing was offered that could be answered.')
        Object.assign(state, { established: true, offered: false })
        return this.#agent(session, { kind: 'answer', call, sdp: message.sdp })
      case 'decline': {
        if (!state.offered)
          return this.#wrongState(session, call, 'Nothing was offered that could be declined.')
        state.offered = false
        const code = { declined: 603, busy: 486, failed: 488 } as const
        return this.#agent(session, { kind: 'refuse', call, code: code[message.reason] })
      }
      case 'candidate':
        return this.#agent(session, candidateCommand(message))
      case 'offer':
        if (!state.established) return this.#wrongState(session, call, 'The call is not established yet.')
        return this.#agent(session, { kind: 'offer', call, sdp: message.sdp })
      case 'bye':
        return this.#agent(session, { kind: 'bye', call, reason: message.reason })
      case 'report':
        return this.#report(session, message)
      case 'noPath':
      case 'relayReady':
        if (!state.established) return this.#wrongState(session, call, 'The call is not established yet.')
        this.#out.push({ kind: 'relayFact', input: { kind: message.type, call, device: session.device } })
    }
  }

  #report(session: Session, { call, report }: Message<'report'>) {
    const row = this.#log.find(call)
    const party = row?.callerDevice === session.device || row?.calleeDevice === session.device
    if (!session.calls.has(call) && !party) {
      return this.#refuse(session.connection!, 'noSuchCall', 'This device has no such call.', call)
    }
    if (party) this.#out.push({ kind: 'reported', call, device: session.device, report })
    const pair = this.#reports.keep(call, session.device, report)
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

  #peopleChanged(now: Monotonic): void {
    const changes = this.#roster.doNotDisturbChanges()
    const roster = this.#roster.tellAll()
    for (const { user, on } of changes) this.#tellUser(user, { type: 'doNotDisturb', on })
    this.#tellEverybody(
      () => true,
      guest => ({ type: 'roster', roster: roster.filter(({ user }) => this.#roster.mayKnow(guest, user)) }),
      { type: 'roster', roster },
    )
    for (const session of this.#sessions.values()) this.#tellStanding(session, now)
  }

  #tellStanding(session: Session, now: Monotonic): void {
    const standing = this.#standing(session.user, session.standing.name, now)
    if (session.connection === undefined || sameStanding(session.standing, standing)) return
    session.standing = standing
    const { name, role, staySeconds } = standing
    this.#tell(session, { type: 'standing', name, role, staySeconds })
  }

  #standing(user: string, name: string, now: Monotonic): Standing {
    const person = this.#devices.person(user)
    return {
      name: person?.displayName ?? name,
      role: person?.role ?? 'member',
      staySeconds: this.#devices.staySeconds(user),
      toldAt: now,
    }
  }

  #requestsChanged(): void {
    const requests = this.#requests()
    for (const session of this.#sessions.values()) if (this.#isOwner(session)) this.#tell(session, requests)
  }

  #requests(): Extract<ServerMessage, { type: 'requests' }> {
    return { type: 'requests', waiting: this.#devices.joinAsks() }
  }

  #isOwner(session: Session): boolean {
    return this.#devices.person(session.user)?.role === 'owner'
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

  #stop(): void {
    this.#stopping = true
    for (const connection of [...this.#connections.values()]) {
      this.#refuse(connection, 'shuttingDown', 'The appliance is stopping; come back in a moment.')
      this.#close(connection, closeCode.goingAway, 'shuttingDown')
    }
  }

  #tellChanges(users: readonly string[]): void {
    for (const person of this.#roster.changes(users)) {
      const message: ServerMessage = { type: 'presence', person }
      this.#tellEverybody(
        guest => this.#roster.mayKnow(guest, person.user),
        () => message,
        message,
      )
    }
  }

  /** Written once for all: a roster is as long as there are people, and so is the list of who hears it. */
  #tellEverybody(
    concerns: (guest: string) => boolean,
    forGuest: (guest: string) => ServerMessage,
    message: ServerMessage,
  ): void {
    let text: string | undefined
    for (const { connection, user } of this.#sessions.values()) {
      if (connection === undefined) continue
      if (this.#roster.isGuest(user)) {
        if (concerns(user)) this.#send(connection, forGuest(user))
        continue
      }
      text ??= encodeFrame(message)
      this.#out.push({ kind: 'sendFrame', connection: connection.id, text })
    }
  }

  #tellMissed(user: string): void {
    this.#tellUser(user, { type: 'missed', missed: missedOf(this.#log, user, this.#roster) })
  }

  #tellUser(user: string, message: ServerMessage): void {
    for (const session of this.#sessions.values()) if (session.user === user) this.#tell(session, message)
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

  #wrongState(session: Session, call: string, sentence: string): void {
    this.#refuse(session.connection!, 'wrongState', sentence, call)
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

const restoredCall = (caller: boolean): SessionCall => ({
  role: caller ? 'caller' : 'callee',
  established: true,
  offered: false,
})

function candidateCommand({ call, candidate }: Message<'candidate'>): AgentCommand {
  if (candidate.candidate === '') return { kind: 'candidate', call, candidate: undefined }
  return {
    kind: 'candidate',
    call,
    candidate: {
      candidate: candidate.candidate,
      sdpMid: candidate.sdpMid ?? undefined,
      sdpMLineIndex: candidate.sdpMLineIndex ?? undefined,
      usernameFragment: candidate.usernameFragment ?? undefined,
    },
  }
}

/** A callee's devices all ring: before one of them answered, the row names only the person. */
function isParty(row: CallRow, { device, user }: DeviceIdentity): boolean {
  if (row.callerDevice === device || row.calleeDevice === device) return true
  return row.calleeDevice === undefined && row.calleeUser === user
}
