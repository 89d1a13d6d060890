/**
 * The tracer: what taps see of a call becomes its events, redacted, on one time axis, bounded, in batches for the
 * store. It judges nothing: `evidence.ts` and `verdict.ts` read the events afterwards. Nothing waits for it.
 */
import { after, earliest, type Monotonic, seconds } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { CallEvent } from '../sip/message.ts'
import type { PartyRole } from '../turn/message.ts'
import { Batches } from './batches.ts'
import { type Asked, EarlyEvents } from './early.ts'
import type { Seen } from './event-json.ts'
import type { Holds } from './holds.ts'
import type { KnownCall, TracedRow, TraceEffect, TraceInput } from './machine-message.ts'
import type { Moment, Source } from './message.ts'
import { PartyReports } from './party-reports.ts'
import { redactChannel } from './redact.ts'
import { callOf, SipReader } from './sip-text.ts'
import { newTraced, type Traced, tellsOfMedia } from './traced.ts'

export const traceLimits = {
  calls: 2_000,
  connections: 4_096,
  /** Call-IDs, and tags of each, whose calls are known without hashing. */
  callIds: 2_048,
  tags: 8,
  /** Whose last address is known. */
  devices: 4_096,
  /** Reports cross the end of a call; for so long they are still taken. */
  lateMilliseconds: seconds(20),
  /** From the end to the first verdict: what both ends tell last has come by then, unless a line is down. */
  firstVerdictMilliseconds: seconds(1),
  restartedCalls: 1_000,
} as const

export interface TraceOptions {
  readonly now: Monotonic
  readonly addresses: readonly string[]
  /** Calls that had not ended when the daemon did. */
  readonly open: readonly KnownCall[]
  /** Somebody captures packets, and wants to know of which calls. */
  readonly watched?: boolean | undefined
}

interface Connection {
  readonly local: Endpoint
  readonly remote: Endpoint
  device: string | undefined
  /** `call` messages that no `calling` has answered yet. */
  readonly calling: Asked
}

const dialogMethods = new Set([
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'PRACK',
  'UPDATE',
  'INFO',
  'REFER',
  'NOTIFY',
  'MESSAGE',
])
/** Messages of a call that are worth a row; what else comes is told in other ways. */
const channelTypes = new Set(
  `call calling incoming ringing answer answered decline candidate offer offerRefused refer referral referred bye ended
  noPath relayReady relay restart relayRefused error`.split(/\s+/),
)

export class TraceMachine implements Machine<TraceInput, TraceEffect> {
  readonly #calls = new Map<string, Traced>()
  readonly #early = new EarlyEvents()
  readonly #connections = new Map<string, Connection>()
  readonly #batches = new Batches(save => this.#out.push(save))
  /** When a call is over and nothing more comes; when a first verdict of it can be had. */
  readonly #finishes = new TimerTable<string>()
  readonly #firstVerdicts = new TimerTable<string>()
  readonly #watched: boolean
  #addresses: readonly string[]
  readonly #reader = new SipReader()
  /** Calls' ids by Call-ID and tag: every message asks for one or two. */
  readonly #ids = new Map<string, Map<string, string>>()
  /** Where each device was reached last, the longest unheard first. */
  readonly #reachedAt = new Map<string, string>()
  #out: TraceEffect[] = []

  constructor(options: TraceOptions) {
    this.#watched = options.watched === true
    this.#addresses = options.addresses
    for (const { row, lastNumber, lastAtMilliseconds, startedAt } of options.open.slice(
      0,
      traceLimits.restartedCalls,
    )) {
      const call = this.#enter(row.id, startedAt, lastNumber, lastAtMilliseconds)
      this.#parties(call, row)
      this.#add(call, options.now, 'server', { kind: 'restart' })
      this.#add(call, options.now, 'server', { kind: 'network', who: 'lanline', addresses: this.#addresses })
    }
  }

  get sizes() {
    const [calls, early, connections] = [this.#calls.size, this.#early.size, this.#connections.size]
    const bytes = this.#early.bytes + this.#batches.bytes
    return { calls, early, connections, bytes }
  }

  /** Whether events of this call still come from here. */
  has(call: string): boolean {
    return this.#calls.has(call)
  }

  handle(input: TraceInput, now: Monotonic): TraceEffect[] {
    switch (input.kind) {
      case 'sip':
        this.#sip(input, now)
        break
      case 'opened':
        if (this.#connections.size < traceLimits.connections) {
          const { local, remote } = input
          this.#connections.set(input.connection, { local, remote, device: undefined, calling: new Map() })
        }
        break
      case 'closed':
        this.#flow(input.connection, 'closed', now)
        this.#closed(input.connection)
        break
      case 'frame':
        this.#frame(input, now)
        break
      case 'call':
        this.#event(input.event, now)
        break
      case 'row':
        this.#row(input.row, now)
        break
      case 'report': {
        const call = this.#calls.get(input.call)
        const role = call?.devices.get(input.device)
        if (call === undefined || role === undefined) break
        const received = now - call.startedAt
        call.reports[role] ??= new PartyReports(call.holds, call.knownUntil)
        for (const { atMilliseconds, clockErrorMilliseconds, ...happening } of call.reports[role].take(
          input.report,
          received,
          call.endedAtMilliseconds,
        )) {
          this.#keep(call, { atMilliseconds, clockErrorMilliseconds, source: role }, happening as Seen, now)
        }
        break
      }
      case 'grant': {
        const { reason } = input
        const what = reason === undefined ? 'closed' : 'opened'
        this.#to(input.call, now, 'relay', {
          kind: 'grant',
          what,
          ...(reason === undefined ? {} : { reason }),
        })
        break
      }
      case 'ledger': {
        const call = this.#calls.get(input.call)
        const text = JSON.stringify(input.ledger)
        if (call === undefined || call.ledger === text) break
        call.ledger = text
        this.#add(call, now, 'relay', { kind: 'ledger', ledger: input.ledger })
        break
      }
      case 'reached':
        this.#reached(input.device, input.address, now)
        break
      case 'addresses':
        this.#addresses = input.addresses
        for (const call of this.#calls.values()) {
          this.#add(call, now, 'server', { kind: 'network', who: 'lanline', addresses: input.addresses })
        }
        break
      case 'written':
        for (const { call, bytes, events } of input.saves) {
          this.#batches.written(bytes)
          const leftOut = input.lost ? this.#calls.get(call)?.leftOut : undefined
          leftOut?.set('notSaved', (leftOut.get('notSaved') ?? 0) + events)
        }
        break
      case 'capture':
        this.#to(input.call, now, 'capture', { kind: 'capture', facts: input.facts })
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return earliest(this.#batches.dueAt, this.#firstVerdicts.next(), this.#finishes.next())
  }

  wake(now: Monotonic): TraceEffect[] {
    const { dueAt } = this.#batches
    if (dueAt !== undefined && dueAt <= now) this.#save()
    for (let id = this.#firstVerdicts.take(now); id !== undefined; id = this.#firstVerdicts.take(now)) {
      this.#toldSoFar(id)
    }
    for (let id = this.#finishes.take(now); id !== undefined; id = this.#finishes.take(now)) {
      this.#finish(id, now)
    }
    return this.#taken()
  }

  // ------------------------------------------------------------------------------------------------------- taps

  #sip(input: TraceInput & { kind: 'sip' }, now: Monotonic): void {
    const found = this.#reader.read(input.bytes)
    if (found === undefined || !dialogMethods.has(found.method)) return
    const { callId, fromTag, toTag, name, cseq, request } = found
    const byFrom = this.#idOf(callId, fromTag)
    const begins = request && found.method === 'INVITE' && toTag === '' && input.direction === 'in'
    const fromCaller = begins || this.#isKnown(byFrom)
    if (!fromCaller && toTag === '') return
    const id = fromCaller ? byFrom : this.#idOf(callId, toTag)
    if (!fromCaller && !this.#isKnown(id)) return
    // RFC 3261 §12.1: From is whoever sent the request, in its responses too.
    const party = ((input.direction === 'in') === request) === fromCaller ? 'caller' : 'callee'
    const { direction, transport, local, remote } = input
    const source = direction === 'in' ? party : 'server'
    const json = this.#reader.json(found)
    this.#to(id, now, source, { kind: 'sip', direction, party, transport, local, remote, name, cseq, json })
  }

  #idOf(callId: string, tag: string): string {
    let byTag = this.#ids.get(callId)
    if (byTag === undefined) {
      if (this.#ids.size >= traceLimits.callIds) this.#ids.clear()
      byTag = new Map()
      this.#ids.set(callId, byTag)
    }
    const known = byTag.get(tag)
    if (known !== undefined) return known
    const id = callOf(callId, tag)
    if (byTag.size < traceLimits.tags) byTag.set(tag, id)
    return id
  }

  #isKnown(id: string): boolean {
    return this.#calls.has(id) || this.#early.has(id)
  }

  #frame({ direction, connection: name, text }: TraceInput & { kind: 'frame' }, now: Monotonic): void {
    const type = /"type":"([A-Za-z]{1,24})"/.exec(text)?.[1] ?? ''
    if (!channelTypes.has(type) && type !== 'welcome') return
    const connection = this.#connections.get(name)
    const message = connection && parse(text)
    if (connection === undefined || message === undefined || message.type !== type) return
    if (type === 'welcome') return this.#welcomed(name, connection, direction, message, now)
    const { local, remote, device } = connection
    const made = (party: PartyRole): Seen => {
      return {
        kind: 'channel',
        direction,
        party,
        device,
        local,
        remote,
        type,
        message: redactChannel(message),
      }
    }
    if (type === 'call' && direction === 'in') {
      if (typeof message.ref !== 'string') return
      return this.#early.ask(connection.calling, message.ref, now, made('caller'))
    }
    if (typeof message.call !== 'string' || device === undefined) return
    if (type === 'calling' && direction === 'out') {
      const asked = this.#early.answered(connection.calling, String(message.ref))
      this.#calls.get(message.call)?.devices.set(device, 'caller')
      if (asked) this.#to(message.call, asked.at, asked.source, asked.happening)
    }
    const call = this.#calls.get(message.call)
    if (call === undefined) return
    // Whoever is offered the call may be its callee.
    if (type === 'incoming' && direction === 'out' && !call.devices.has(device))
      call.devices.set(device, 'callee')
    const party = call.devices.get(device)
    if (party !== undefined) this.#add(call, now, direction === 'in' ? party : 'server', made(party))
  }

  /** From here on the connection is a device's. Calls it held over a lost line go on. */
  #welcomed(
    name: string,
    connection: Connection,
    direction: string,
    message: Readonly<Record<string, unknown>>,
    now: Monotonic,
  ): void {
    if (direction !== 'out' || typeof message.device !== 'string') return
    connection.device = message.device
    this.#flow(name, 'resumed', now)
  }

  #closed(name: string): void {
    const connection = this.#connections.get(name)
    if (connection !== undefined) this.#early.forget(connection.calling)
    this.#connections.delete(name)
  }

  #flow(name: string, what: 'closed' | 'resumed', now: Monotonic): void {
    const connection = this.#connections.get(name)
    if (connection?.device === undefined) return
    const { device, remote } = connection
    for (const call of this.#calls.values()) {
      const party = call.devices.get(device)
      if (party === undefined || call.endedAtMilliseconds !== undefined) continue
      this.#add(call, now, 'server', { kind: 'flow', what, party, device, remote })
    }
  }

  #reached(device: string, address: string, now: Monotonic): void {
    const before = this.#reachedAt.get(device)
    this.#reachedAt.delete(device)
    this.#reachedAt.set(device, address)
    if (this.#reachedAt.size > traceLimits.devices) {
      this.#reachedAt.delete(this.#reachedAt.keys().next().value!)
    }
    if (before === undefined || before === address) return
    for (const call of this.#calls.values()) {
      const who = call.devices.get(device)
      if (who === undefined || call.endedAtMilliseconds !== undefined) continue
      this.#add(call, now, 'server', { kind: 'network', who, addresses: [address] })
    }
  }

  #event(event: CallEvent, now: Monotonic): void {
    if (event.kind === 'started') return this.#started(event.call, event.caller.device, now)
    const call = this.#calls.get(event.call)
    if (call === undefined) return
    switch (event.kind) {
      case 'ringing':
        return this.#add(call, now, 'server', { kind: 'call', what: 'ringing', device: event.device })
      case 'answered': {
        const { device } = event.callee
        if (device !== undefined) call.devices.set(device, 'callee')
        return this.#add(call, now, 'server', {
          ...{ kind: 'call', what: 'answered' },
          ...(device === undefined ? {} : { device }),
        })
      }
      case 'ended': {
        const { by, code, reason } = event
        return this.#add(call, now, 'server', { kind: 'call', what: 'ended', by, code, reason })
      }
      default:
      // The answers that say the others are in the trace themselves.
    }
  }

  #started(id: string, callerDevice: string | undefined, now: Monotonic): void {
    if (this.#calls.has(id)) return
    if (this.#calls.size >= traceLimits.calls) {
      this.#out.push({ kind: 'note', reason: 'full', detail: id })
      return
    }
    const call = this.#enter(id, now, 0)
    if (callerDevice !== undefined) call.devices.set(callerDevice, 'caller')
    for (const { at, source, happening } of this.#early.take(id)) this.#add(call, at, source, happening)
    this.#add(call, now, 'server', { kind: 'call', what: 'started' })
    this.#add(call, now, 'server', { kind: 'network', who: 'lanline', addresses: this.#addresses })
  }

  #row(row: TracedRow, now: Monotonic): void {
    const call = this.#calls.get(row.id)
    if (call === undefined) return
    this.#parties(call, row)
    if (row.endedAt == null) return this.#goesOn(call)
    if (call.endedAtMilliseconds !== undefined) return
    call.endedAtMilliseconds = now - call.startedAt
    if (call.watched) this.#out.push({ kind: 'over', call: row.id, answered: row.answeredAt != null })
    this.#finishes.set(row.id, after(now, traceLimits.lateMilliseconds))
    this.#firstVerdicts.set(row.id, after(now, traceLimits.firstVerdictMilliseconds))
  }

  /** A caller that was refused tried again under the same name. */
  #goesOn(call: Traced): void {
    if (call.endedAtMilliseconds === undefined) return
    call.endedAtMilliseconds = undefined
    this.#finishes.clear(call.id)
    this.#firstVerdicts.clear(call.id)
  }

  // ----------------------------------------------------------------------------------------------------- events

  #enter(id: string, startedAt: Monotonic, number: number, knownUntil?: number): Traced {
    const call = newTraced(id, startedAt, number, knownUntil)
    this.#calls.set(id, call)
    return call
  }

  #parties(call: Traced, { callerDevice, calleeDevice }: TracedRow): void {
    if (calleeDevice != null) call.devices.set(calleeDevice, 'callee')
    if (callerDevice != null) call.devices.set(callerDevice, 'caller')
  }

  /** To a call, or kept for a while in case it becomes one. */
  #to(id: string, at: Monotonic, source: Source, happening: Seen): void {
    const call = this.#calls.get(id)
    if (call !== undefined) return this.#add(call, at, source, happening)
    if (happening.kind === 'sip' || happening.kind === 'channel') this.#early.add(id, at, source, happening)
  }

  #add(call: Traced, at: Monotonic, source: Source, happening: Seen): void {
    const atMilliseconds = Math.round((at - call.startedAt) * 10) / 10
    if (happening.kind === 'sip' || happening.kind === 'channel') held(call.holds, happening, atMilliseconds)
    this.#keep(call, { atMilliseconds, source }, happening, at)
  }

  #keep(call: Traced, moment: Omit<Moment, 'number'>, happening: Seen, now: Monotonic): void {
    call.told ||= tellsOfMedia.has(happening.kind)
    if (!this.#batches.add(call, moment, happening, now)) return
    if (this.#watched) this.#ufrags(call, happening)
    if (this.#batches.isFull) this.#save()
  }

  /** At once: checks begin as soon as the other end has the description. */
  #ufrags(call: Traced, happening: Seen): void {
    const isMessage = happening.kind === 'sip' || happening.kind === 'channel'
    if (!isMessage || happening.direction !== 'in') return
    const json = happening.kind === 'sip' ? happening.json : JSON.stringify(happening.message.sdp ?? '')
    if (!json.includes('a=ice-ufrag:')) return
    const text = String(JSON.parse(json))
    const found = [...text.matchAll(/^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\r?$/gm)].map(([, ufrag]) => ufrag!)
    for (const ufrag of new Set(found)) {
      call.watched = true
      this.#out.push({ kind: 'ufrag', call: call.id, party: happening.party, ufrag })
    }
  }

  /** People look at a call right after it: its path is not to wait for what may still come late. */
  #toldSoFar(id: string): void {
    const call = this.#calls.get(id)
    if (call === undefined || !call.told) return
    this.#batches.giveOf(call)
    this.#out.push({ kind: 'ended', call: id })
  }

  #finish(id: string, now: Monotonic): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    for (const [what, count] of call.leftOut) this.#add(call, now, 'server', { kind: 'leftOut', what, count })
    this.#batches.giveOf(call)
    this.#calls.delete(id)
    this.#out.push({ kind: call.told ? 'finished' : 'untold', call: id })
  }

  #save(): void {
    this.#reader.forget()
    this.#batches.giveAll()
  }

  /** What waits to be kept, given out now: somebody wants to read, or the daemon stops. */
  flush(): TraceEffect[] {
    this.#save()
    return this.#taken()
  }

  /** The daemon stops: what is over is finished now, and all else given out. */
  end(now: Monotonic): TraceEffect[] {
    const never = Number.POSITIVE_INFINITY as Monotonic
    for (let id = this.#finishes.take(never); id !== undefined; id = this.#finishes.take(never)) {
      this.#finish(id, now)
    }
    return this.flush()
  }

  #taken(): TraceEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

function held(holds: Holds, happening: Seen & { kind: 'sip' | 'channel' }, at: number): void {
  const { kind, direction, party } = happening
  if (kind === 'sip') {
    if (direction === 'in') holds.described(party, happening.json, at)
  } else if (happening.type === 'offerRefused') holds.refused(at)
  else if (direction === 'in' && happening.message.sdp !== undefined)
    holds.described(party, String(happening.message.sdp), at)
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
