/**
 * The call log: facts of the proxy and of clients to one row a call. Its one promise is that every row closes, with
 * the truest end that anybody can tell:
 *
 * 1. a refusal, CANCEL or BYE that the proxy saw: now;
 * 2. an end that a client reports after the daemon was away: that long ago, even over an earlier guess;
 * 3. a guess: no party was there for ten minutes, so the call was lost when it was last known to go on.
 *
 * Kept in memory: open calls and the most recent closed ones, which is what `CallLog` answers from.
 */
import { Backlog } from '../core/backlog.ts'
import type { Epoch, Monotonic } from '../core/clock.ts'
import { after, earliest, hours, minutes, seconds } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { CallLog } from '../signalling/ports.ts'
import type { CallEnder, CallEvent } from '../sip/message.ts'
import type { OngoingCall } from '../sip/ports.ts'
import type { CallEffect, CallInput, CallRow, KeptCall } from './message.ts'
import { become, isUnseen, newlyMissedBy, seenBy, settled, withOthers } from './missed.ts'
import { type Ending, type OpenCall, OpenCalls } from './open-calls.ts'
import { answererFields, beforeAnswer, isTriedAgain, movedBy, newRow } from './rows.ts'

/** A clock that goes a little faster or slower was not set. */
const clockSetMilliseconds = 1_000

export const callLimits = {
  open: 10_000,
  recent: 1_000,
  missed: 50,
  /** Remembered of those of a call that ended while it rang. */
  branches: 32,
  /** No party there: the call is lost. Also how long a call from before a restart waits for one to come back. */
  absentMilliseconds: minutes(10),
  /** The same for one from before a restart that nobody had answered: longer than clients take to come back. */
  setUpMilliseconds: minutes(1),
  /** An INVITE that never ended, which the proxy should not let happen. */
  unansweredMilliseconds: minutes(10),
  /** A call between phones that only a BYE could end. */
  phonesMilliseconds: hours(12),
  /** After a start, and from then on: phones are asked whether they are still in a call from before. */
  firstAskMilliseconds: seconds(5),
  askMilliseconds: minutes(1),
  /** The same after one was switched on, which may be the first of several. */
  switchedOnAskMilliseconds: seconds(2),
  /** How often `aliveAt` of an open call is written: of so many together, and of others a moment later. */
  aliveMilliseconds: minutes(1),
  aliveAtOnce: 100,
  aliveBreathMilliseconds: 100,
  /** Calls that end, are asked for or are looked at in one turn: each is written and told. */
  atOnce: 100,
} as const

export interface CallsOptions {
  /** Wall time at a moment of the process, as the appliance believes it. */
  readonly epoch: (now: Monotonic) => Epoch
  /** Rows that were open when the daemon ended, and the most recent closed ones, newest first. */
  readonly open: readonly KeptCall[]
  readonly recent: readonly CallRow[]
  readonly now: Monotonic
}

/** What is due for very many calls at once. */
type Due =
  | { readonly kind: 'seen'; readonly id: string; readonly user: string }
  | { readonly kind: 'revoked'; readonly call: OpenCall; readonly device: string }

export class CallsMachine implements Machine<CallInput, CallEffect>, CallLog {
  readonly #epoch: (now: Monotonic) => Epoch
  readonly #open = new OpenCalls()
  /** Oldest first. */
  readonly #recent = new Map<string, CallRow>()
  /** Devices that can be reached now; the value says whether through a hosted agent. */
  readonly #reachable = new Map<string, boolean>()
  /** By call: it ends at the latest then; nobody is in it. */
  readonly #limits = new TimerTable<string>()
  readonly #absences = new TimerTable<string>()
  /** By call: when its phones are asked next. */
  readonly #asks = new TimerTable<string>()
  /** When open calls are next written down as alive; undefined: there are none. */
  #aliveAt: Monotonic | undefined
  /** Those that are to be written then. */
  #toWrite: readonly OpenCall[] = []
  readonly #due = new Backlog<Due>({
    atOnce: callLimits.atOnce,
    perform: (due, now) => this.#perform(due, now),
    costOf: () => 1,
  })
  #out: CallEffect[] = []
  /** Of the wall clock to the process's. */
  #clockOffset: number

  constructor(options: CallsOptions) {
    this.#epoch = options.epoch
    this.#clockOffset = options.epoch(options.now) - options.now
    for (const row of options.recent.slice(0, callLimits.recent).reverse()) this.#recent.set(row.id, row)
    for (const { row, dialog } of options.open) {
      this.#enter(
        { row, dialog, ours: false, heldBy: new Set(), declined: false, ended: new Map() },
        options.now,
      )
      if (dialog) this.#asks.set(row.id, after(options.now, callLimits.firstAskMilliseconds))
    }
  }

  get sizes(): { readonly open: number; readonly recent: number; readonly timers: number } {
    return {
      open: this.#open.size,
      recent: this.#recent.size,
      timers: this.#limits.size + this.#absences.size + this.#asks.size,
    }
  }

  find(call: string): CallRow | undefined {
    return this.#open.get(call)?.row ?? this.#recent.get(call)
  }

  ongoing(call: string): OngoingCall | undefined {
    const open = this.#open.get(call)
    if (open === undefined) return undefined
    const { answeredAt, calleeDevice = '' } = open.row
    return { isOfBefore: !open.ours, takenBy: answeredAt === undefined ? undefined : calleeDevice }
  }

  open(): readonly CallRow[] {
    return [...this.#open.all()].map(call => call.row)
  }

  openOf(user: string): readonly CallRow[] {
    return this.#open.ofUser(user).map(call => call.row)
  }

  /** Closed ones, newest first. */
  recent(limit: number): readonly CallRow[] {
    return [...this.#recent.values()].slice(-limit).reverse()
  }

  missed(user: string): readonly CallRow[] {
    return [...this.#recent.values()]
      .filter(row => isUnseen(row, user))
      .slice(-callLimits.missed)
      .reverse()
  }

  handle(input: CallInput, now: Monotonic): CallEffect[] {
    this.#followClock(now)
    switch (input.kind) {
      case 'sip':
        this.#event(input.event, now)
        break
      case 'pair':
        this.#pair(input)
        break
      case 'ledger':
        this.#amend(input.call, { ledger: input.ledger, relayReason: input.reason })
        break
      case 'held':
        this.#held(input.call, input.device, now)
        break
      case 'released':
        this.#released(input.call, input.device)
        break
      case 'endReported':
        this.#endReported(input, now)
        break
      case 'reachable':
        if (input.reachable) this.#reachable.set(input.device, input.hosted)
        else this.#reachable.delete(input.device)
        for (const call of this.#open.ofDevice(input.device)) this.#watch(call, now)
        break
      case 'registeredAnew':
        for (const call of this.#open.ofDevice(input.device)) this.#askSoon(call, now)
        break
      case 'gone':
        this.#gone(input.call)
        break
      case 'revoked':
        this.#revoked(input.device, now)
        break
      case 'missedSeen':
        this.#due.add(
          [...this.#recent.values()].flatMap(row =>
            isUnseen(row, input.user) ? { kind: 'seen', id: row.id, user: input.user } : [],
          ),
          now,
        )
        break
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return earliest(
      this.#due.dueAt,
      this.#aliveAt,
      this.#limits.next(),
      this.#absences.next(),
      this.#asks.next(),
    )
  }

  wake(now: Monotonic): CallEffect[] {
    this.#followClock(now)
    if (this.#aliveAt !== undefined && this.#aliveAt <= now) this.#alive(now)
    this.#due.turn(now)
    // A phone may have had thousands of calls, which are over with it: what is left fires at the next wake-up, at once.
    for (let fired = 0; fired < callLimits.atOnce && this.#fire(now); fired++);
    return this.#taken()
  }

  /** The first timer that is due, if any. */
  #fire(now: Monotonic): boolean {
    const absent = this.#absences.take(now)
    const asked = absent === undefined ? this.#asks.take(now) : undefined
    const ended = absent === undefined && asked === undefined ? this.#limits.take(now) : undefined
    const call = this.#open.get(absent ?? asked ?? ended ?? '')
    if (call !== undefined) {
      if (absent !== undefined) this.#lose(call)
      else if (asked !== undefined) this.#ask(asked, now)
      else this.#reachedLimit(call, now)
    }
    return (absent ?? asked ?? ended) !== undefined
  }

  #perform(due: Due, now: Monotonic): void {
    if (due.kind === 'revoked') return this.#revoke(due.call, due.device, now)
    const row = this.#recent.get(due.id)
    if (row !== undefined && isUnseen(row, due.user)) this.#keep(seenBy(row, due.user), row)
  }

  // ---------------------------------------------------------------------------------------------------- events

  #event(event: CallEvent, now: Monotonic): void {
    if (event.kind === 'started') {
      this.#started(event, now)
      return
    }
    const call = this.#open.get(event.call)
    if (call === undefined) return
    const at = this.#epoch(now)
    switch (event.kind) {
      case 'ringing':
        if (call.row.ringingAt === undefined) this.#update(call, { ringingAt: at })
        return
      case 'forwarded':
        this.#update(call, { others: withOthers(call.row, event.to) })
        return
      case 'declined':
        if (event.user === call.row.calleeUser) call.declined = true
        else this.#update(call, { others: become(call.row, event.user, 'declined') })
        return
      case 'answered':
        if (call.row.answeredAt !== undefined) return
        call.dialog = event.dialog
        this.#update(call, {
          ...{ answeredAt: at, aliveAt: at, calleeDevice: event.callee.device },
          ...answererFields(call.row, event.callee),
        })
        this.#open.put(call)
        this.#limits.set(call.row.id, after(now, callLimits.phonesMilliseconds))
        this.#watch(call, now)
        this.#endedBefore(call, event.dialog.calleeTag)
        return
      case 'video':
        if (!call.row.video) this.#update(call, { video: true })
        return
      case 'ended':
        this.#ended(call, event, at)
    }
  }

  #ended(call: OpenCall, event: CallEvent & { kind: 'ended' }, endedAt: Epoch): void {
    const { by: endedBy, reason, code, calleeTag = '' } = event
    const ending: Ending = { endedAt, endedBy, reason, code }
    if (!isOfAnother(call, event)) this.#close(call, ending)
    else if (call.ended.size < callLimits.branches) call.ended.set(calleeTag, ending)
  }

  /** A BYE that overtook the answer (UDP keeps no order), or went another way. */
  #endedBefore(call: OpenCall, calleeTag: string): void {
    const ending = call.ended.get(calleeTag)
    if (ending !== undefined) this.#close(call, ending)
    else call.ended.clear()
  }

  #started(event: CallEvent & { kind: 'started' }, now: Monotonic): void {
    const at = this.#epoch(now)
    const before = this.#recent.get(event.call)
    if (this.#open.has(event.call) || (before !== undefined && !isTriedAgain(before, event, at))) return
    this.#recent.delete(event.call)
    if (this.#open.size >= callLimits.open) this.#lose(this.#open.oldest()!)
    const row = newRow(event, at, before?.startedAt ?? at)
    this.#enter(
      { row, dialog: undefined, ours: true, heldBy: new Set(), declined: false, ended: new Map() },
      now,
    )
    this.#out.push({ kind: 'save', row }, { kind: 'changed', row, missedBy: [] })
  }

  #pair({ call, device, pair }: CallInput & { kind: 'pair' }): void {
    const row = this.find(call)
    if (row === undefined) return
    const changed =
      row.callerDevice === device
        ? { callerPair: pair }
        : row.calleeDevice === device
          ? { calleePair: pair }
          : {}
    this.#amend(call, changed)
  }

  /** What is learnt of a call, open or closed. */
  #amend(call: string, changed: Partial<CallRow>): void {
    const open = this.#open.get(call)
    const row = this.#recent.get(call)
    if (open !== undefined) this.#update(open, changed)
    else if (row !== undefined) this.#keep({ ...row, ...changed }, row)
  }

  #held(id: string, device: string, now: Monotonic): void {
    const call = this.#open.get(id)
    if (call === undefined) return
    call.heldBy.add(device)
    // A call in set-up does not outlive the daemon: what is held over a restart had been answered.
    if (!call.ours && call.row.answeredAt === undefined) {
      const calleeDevice = call.row.callerDevice === device ? undefined : device
      this.#update(call, {
        answeredAt: call.row.aliveAt,
        calleeDevice: call.row.calleeDevice ?? calleeDevice,
      })
      this.#open.put(call)
    }
    this.#watch(call, now)
  }

  /** Only for calls from before a restart: the others end by what the proxy sees. */
  #released(id: string, device: string): void {
    const call = this.#open.get(id)
    if (call === undefined || call.ours) return
    call.heldBy.delete(device)
    if (call.heldBy.size === 0) this.#lose(call)
  }

  #endReported(input: CallInput & { kind: 'endReported' }, now: Monotonic): void {
    const row = this.find(input.call)
    if (row === undefined) return
    const caller = row.callerDevice === input.device
    const open = this.#open.get(input.call)
    // The proxy sees how it goes on ringing; a device that rings speaks for itself alone.
    if (open?.ours && row.answeredAt === undefined && !caller) return
    const endedBy: CallEnder = (input.by === 'self') === caller ? 'caller' : 'callee'
    const endedAt = Math.max(row.startedAt, this.#epoch(now) - input.agoMilliseconds) as Epoch
    const reason = row.answeredAt === undefined ? beforeAnswer(input.reason, endedBy) : input.reason
    const ending: Ending = { endedAt, endedBy, reason, code: 0 }
    if (open !== undefined) this.#close(open, ending)
    else if (row.reason === 'lost') this.#keep(settled({ ...row, ...ending }), row)
  }

  // --------------------------------------------------------------------------------------------------- closing

  /** Sets or clears the timer that ends a call which nobody is in. */
  #watch(call: OpenCall, now: Monotonic): void {
    const { id } = call.row
    if (call.row.answeredAt === undefined && call.ours) return
    if (this.#isPresent(call, call.row.callerDevice) || this.#isPresent(call, call.row.calleeDevice)) {
      this.#absences.clear(id)
    } else if (!this.#absences.has(id)) {
      if (call.ours) call.row = { ...call.row, aliveAt: this.#epoch(now) }
      const patience = call.row.answeredAt === undefined ? 'setUpMilliseconds' : 'absentMilliseconds'
      this.#absences.set(id, after(now, callLimits[patience]))
    }
  }

  #isPresent(call: OpenCall, device: string | undefined): boolean {
    const hosted = device === undefined ? undefined : this.#reachable.get(device)
    if (device === undefined || hosted === undefined) return false
    // A phone that can be reached may be in the call; a hosted agent is only if it was rebuilt.
    return !hosted ? call.row.answeredAt !== undefined : call.ours || call.heldBy.has(device)
  }

  #lose(call: OpenCall): void {
    this.#close(call, { endedAt: call.row.aliveAt, endedBy: 'server', reason: 'lost', code: 0 })
  }

  /** A phone whose power was cut says no BYE; of a call with a client the client says what became of it. */
  #askSoon({ row, dialog }: OpenCall, now: Monotonic): void {
    if (dialog === undefined || this.#isClients(row) || this.#asks.has(row.id)) return
    this.#asks.set(row.id, after(now, callLimits.switchedOnAskMilliseconds))
  }

  /** A BYE that nobody was there to hear is said for half a minute: whoever was away longer asks, and asks again. */
  #ask(id: string, now: Monotonic): void {
    const { row, dialog, ours } = this.#open.get(id)!
    if (!ours) this.#asks.set(id, after(now, callLimits.askMilliseconds))
    const { callerDevice, calleeDevice, callerUser, answererUser, calleeUser } = row
    for (const [side, device] of [['caller', callerDevice] as const, ['callee', calleeDevice] as const]) {
      if (device === undefined || this.#reachable.get(device) !== false) continue
      const callee = answererUser ?? calleeUser
      const caller = side === 'callee' && row.callerHidden ? undefined : callerUser
      this.#out.push({ kind: 'ask', call: id, device, side, caller, callee, dialog: dialog! })
    }
  }

  /** The other one hung up, or both did, or its power was cut. */
  #gone(id: string): void {
    const call = this.#open.get(id)
    if (call !== undefined) this.#lose(call)
  }

  #revoked(device: string, now: Monotonic): void {
    if (this.#reachable.get(device) === true) return
    // What still rings is ended by the proxy.
    const answered = [...this.#open.ofDevice(device)].filter(({ row }) => row.answeredAt !== undefined)
    this.#due.add(
      answered.map(call => ({ kind: 'revoked', call, device })),
      now,
    )
  }

  #revoke(call: OpenCall, device: string, now: Monotonic): void {
    const { id, callerDevice, calleeDevice } = call.row
    if (this.#open.get(id) !== call) return
    const peer = callerDevice === device ? calleeDevice : callerDevice
    this.#close(call, { endedAt: this.#epoch(now), endedBy: 'server', reason: 'revoked', code: 0 })
    if (peer !== undefined && this.#reachable.get(peer) === true)
      this.#out.push({ kind: 'peerRevoked', device: peer, call: id })
  }

  #reachedLimit(call: OpenCall, now: Monotonic): void {
    if (call.row.answeredAt === undefined) {
      this.#close(call, { endedAt: this.#epoch(now), endedBy: 'server', reason: 'noAnswer', code: 408 })
      return
    }
    if (this.#isClients(call.row)) this.#limits.set(call.row.id, after(now, callLimits.phonesMilliseconds))
    else this.#lose(call)
  }

  /** Calls that somebody is in were alive now; written once a minute. */
  #alive(now: Monotonic): void {
    const at = this.#epoch(now)
    if (this.#toWrite.length === 0) this.#toWrite = [...this.#open.all()]
    const written = this.#toWrite.slice(0, callLimits.aliveAtOnce)
    this.#toWrite = this.#toWrite.slice(callLimits.aliveAtOnce)
    for (const call of written) {
      const { id, answeredAt } = call.row
      if (answeredAt === undefined || this.#absences.has(id) || this.#open.get(id) !== call) continue
      call.row = { ...call.row, aliveAt: at }
      this.#save(call)
    }
    const isBehind = this.#toWrite.length > 0
    const wait = callLimits[isBehind ? 'aliveBreathMilliseconds' : 'aliveMilliseconds']
    this.#aliveAt = this.#open.size > 0 ? after(now, wait) : undefined
  }

  #close(call: OpenCall, ending: Ending): void {
    const { id } = call.row
    this.#open.delete(call)
    for (const timers of [this.#absences, this.#limits, this.#asks]) timers.clear(id)
    if (this.#open.size === 0) {
      this.#aliveAt = undefined
      this.#toWrite = []
    }
    // By a clock that is behind the one it began by.
    const endedAt = Math.max(ending.endedAt, call.row.answeredAt ?? call.row.startedAt) as Epoch
    this.#keep(settled({ ...call.row, ...ending, endedAt }, call.declined), call.row)
  }

  // ------------------------------------------------------------------------------------------------------ rows

  /**
   * A Pi boots in 1970, and somebody may call before its clock is set: what began by the old clock is told by the new one,
   * so that a call of a minute does not last for years. What an earlier process wrote was by another clock.
   */
  #followClock(now: Monotonic): void {
    const offset = this.#epoch(now) - now
    const moved = Math.round(offset - this.#clockOffset)
    this.#clockOffset = offset
    if (Math.abs(moved) < clockSetMilliseconds) return
    for (const call of this.#open.all()) if (call.ours) this.#update(call, movedBy(moved, call.row))
  }

  #enter(call: OpenCall, now: Monotonic): void {
    const { id } = call.row
    this.#open.put(call)
    const limit =
      call.row.answeredAt === undefined ? callLimits.unansweredMilliseconds : callLimits.phonesMilliseconds
    this.#limits.set(id, after(now, limit))
    this.#aliveAt ??= after(now, callLimits.aliveMilliseconds)
    this.#watch(call, now)
  }

  #update(call: OpenCall, changes: Partial<CallRow>): void {
    call.row = { ...call.row, ...changes }
    this.#save(call)
    this.#out.push({ kind: 'changed', row: call.row, missedBy: [] })
  }

  #keep(row: CallRow, before: CallRow): void {
    this.#recent.set(row.id, row)
    if (this.#recent.size > callLimits.recent) this.#recent.delete(this.#recent.keys().next().value!)
    this.#out.push({ kind: 'save', row }, { kind: 'changed', row, missedBy: newlyMissedBy(before, row) })
  }

  /** Of a party that is a client, the client says what becomes of it: only two phones have to be asked. */
  #save({ row, dialog }: OpenCall): void {
    this.#out.push({ kind: 'save', row, ...(dialog && !this.#isClients(row) && { dialog }) })
  }

  #isClients({ callerDevice, calleeDevice }: CallRow): boolean {
    return [callerDevice, calleeDevice].some(device => this.#reachable.get(device ?? ''))
  }

  #taken(): CallEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

/**
 * A BYE of a branch that did not take the call, or not yet (RFC 3261 §15 lets a caller end one that rings): told by its tag;
 * from before a restart by its device.
 */
function isOfAnother({ row, dialog, ours }: OpenCall, event: CallEvent & { kind: 'ended' }): boolean {
  if (event.calleeTag === undefined) return false
  if (dialog !== undefined) return event.calleeTag !== dialog.calleeTag
  if (ours) return true
  return (event.calleeDevice ?? row.calleeDevice) !== (row.calleeDevice ?? event.calleeDevice)
}
