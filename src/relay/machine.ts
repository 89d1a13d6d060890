/**
 * Which call may relay, and the order in which its parties come to do so. One row of `#calls` is an answered call; with
 * a grant it goes
 *
 *     waiting → opening → telling → open → (closing)
 *
 * `waiting` for both parties' addresses or the relay's thread, `opening` for the relay's word, `telling` for the
 * clients'. A party that moved or came back sends an open grant through `opening` again. README.md has the table.
 */
import type { Monotonic } from '../core/clock.ts'
import { after, minutes, seconds } from '../core/clock.ts'
import { parseSubnet, type Subnet } from '../core/endpoint.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { CallLedger, Grant, grantLimits } from '../turn/message.ts'
import { carriedBytes, carriedPackets, closedLedger, emptyLedger, openedAllocations } from './ledger.ts'
import type {
  GrantView,
  ManualOutcome,
  RelayEffect,
  RelayInput,
  RelayPolicy,
  RelayReason,
  RelayRefusal,
  RelayServer,
  RelayTelling,
} from './message.ts'
import { isProvable, onSameNetwork } from './networks.ts'
import { grantPartyOf, manualParties, newCredential, type Party, prove, serversFor } from './party.ts'
import type { PartyFlow, RelayPorts } from './ports.ts'
import {
  bothOf,
  type Call,
  newCall,
  newOpen,
  type Open,
  reasonOf,
  starterOf,
  totalOf,
  withoutSecrets,
} from './state.ts'
import { refusalSentences } from './words.ts'

const grants: (typeof grantLimits)['grants'] = 500

export const relayLimits = {
  grants,
  /** Answered calls that are looked after at all; as many as the call log keeps open. */
  calls: 10_000,
  /** How long clients may take to set their configuration; then the call goes on without their word. */
  readyMilliseconds: 500,
  /** How long the relay may take to open a grant, and a party to show from where it is reached. */
  openingMilliseconds: seconds(2),
  /** How long the relay may take to close one. */
  closingMilliseconds: seconds(2),
  /** A party that still finds no path is not made to start anew more often than this. */
  againMilliseconds: seconds(5),
  /** The other party's word of the same failure is answered by the refusal it has been told already. */
  refusedMilliseconds: seconds(2),
  /** Totals are given to the call's row when the first packet went through, then this often, and at the end. */
  ledgerMilliseconds: minutes(1),
} as const

export interface RelayOptions {
  readonly policy: RelayPolicy
  /** CIDR, each a VLAN of its own. What is none is left out: the configuration checked them. */
  readonly networks: readonly string[]
  readonly ports: RelayPorts
  /** Grants that were open when the daemon ended. */
  readonly remembered: readonly { readonly call: string; readonly reason: RelayReason }[]
}

/** Since the start of the process. */
export interface RelayTotals {
  readonly granted: number
  readonly allocations: number
  readonly packets: number
  readonly bytes: number
}

export class RelayMachine implements Machine<RelayInput, RelayEffect> {
  #policy: RelayPolicy
  readonly #networks: readonly Subnet[]
  readonly #ports: RelayPorts
  readonly #calls = new Map<string, Call>()
  readonly #callsOf = new Map<string, Set<string>>()
  readonly #open = new Map<string, Open>()
  /** Given up, and the relay has not yet said that it has. */
  readonly #closing = new Map<string, Open>()
  readonly #timers = new TimerTable<string>()
  readonly #totals = {
    granted: 0,
    allocations: 0,
    packets: 0,
    bytes: 0,
  }
  /** The relay's thread is there. */
  #up = false
  #out: RelayEffect[] = []

  constructor(options: RelayOptions) {
    this.#policy = options.policy
    this.#networks = options.networks.flatMap(text => parseSubnet(text) ?? [])
    this.#ports = options.ports
    for (const { call: id, reason } of options.remembered) {
      const call = this.#callOf(id)
      if (call === undefined || this.#isFull()) this.#forget(id)
      else this.#want(call, reason, true)
    }
  }

  get sizes(): { readonly calls: number; readonly grants: number; readonly timers: number } {
    return {
      calls: this.#calls.size,
      grants: this.#open.size + this.#closing.size,
      timers: this.#timers.size,
    }
  }

  get totals(): RelayTotals {
    return this.#totals
  }

  /** Every grant there is, oldest first. */
  views(): GrantView[] {
    return [...this.#open.values()].map(open => this.#viewOf(open))
  }

  /** What was carried for a call until now, of which its row has `ledger`. */
  ledgerOf({ id, ledger }: { readonly id: string; readonly ledger: CallLedger | undefined }): CallLedger {
    const open = this.#open.get(id) ?? this.#closing.get(id)
    return open === undefined ? (ledger ?? emptyLedger) : totalOf(open)
  }

  handle(input: RelayInput, now: Monotonic): RelayEffect[] {
    switch (input.kind) {
      case 'noPath':
        this.#noPath(input.call, input.device, now)
        break
      case 'relayReady':
        this.#ready(input.call, input.device, now)
        break
      case 'held':
        this.#held(input.call, input.device, now)
        break
      case 'callChanged':
        this.#callOf(input.call)
        break
      case 'flowChanged':
        for (const id of [...(this.#callsOf.get(input.device) ?? [])])
          this.#flowChanged(id, input.device, now)
        break
      case 'revoked':
        for (const id of [...(this.#callsOf.get(input.device) ?? [])]) this.#revoked(id)
        break
      case 'addressesChanged':
        for (const open of [...this.#open.values()]) this.#addressesChanged(open, now)
        break
      case 'path':
        this.#path(input.call, input.device, input.relayed || this.#isOwn(input.remoteAddress))
        break
      case 'granted':
        this.#granted(input.call, now)
        break
      case 'notGranted':
        this.#notGranted(input.call, now)
        break
      case 'closed':
        this.#closed(input.call, now)
        break
      case 'ledger':
        this.#ledger(input.call, input.ledger, now)
        break
      case 'policy':
        this.#policy = input.policy
        break
      case 'started':
        this.#started(now)
        break
      case 'lost':
        this.#lost()
        break
      case 'grantManually':
        this.#grantManually(input, now)
        break
      case 'closeManually':
        if (this.#open.get(input.call)?.manual !== undefined) this.#close(this.#open.get(input.call)!)
        break
    }
    this.#sweep(now)
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): RelayEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const [timer, id] = name.split(' ') as [string, string]
      const open = this.#open.get(id)
      if (timer === 'closing') this.#closed(id, now)
      else if (open === undefined) continue
      else if (timer === 'opening') this.#giveUp(open, now)
      else if (timer === 'ready') this.#restart(open, now)
      else if (timer === 'again') this.#renew(open, bothOf(this.#calls.get(id)!), now)
      else if (timer === 'over') this.#close(open)
    }
    this.#sweep(now)
    return this.#taken()
  }

  // ------------------------------------------------------------------------------------------------------ calls

  /** The call with what is known of it now; undefined, and all of it gone, unless it was answered and goes on. */
  #callOf(id: string): Call | undefined {
    const row = this.#ports.callOf(id)
    const call = this.#calls.get(id)
    if (row === undefined || row.ended) {
      if (call !== undefined) this.#leave(call)
      return undefined
    }
    if (call !== undefined) return call
    const { callerDevice, calleeDevice } = row
    if (!row.answered || callerDevice === undefined || calleeDevice === undefined) return undefined
    if (this.#calls.size >= relayLimits.calls) {
      this.#note('tooManyCalls', id)
      return undefined
    }
    const entered = newCall(id, callerDevice, calleeDevice, row.ledger)
    this.#calls.set(id, entered)
    for (const party of entered.parties) {
      const ofDevice = this.#callsOf.get(party.device) ?? new Set()
      this.#callsOf.set(party.device, ofDevice.add(id))
      party.flow = this.#ports.flowOf(party.device)
    }
    return entered
  }

  #leave(call: Call): void {
    const open = this.#open.get(call.id)
    if (open !== undefined) this.#close(open)
    this.#calls.delete(call.id)
    for (const { device } of call.parties) {
      const ofDevice = this.#callsOf.get(device)
      ofDevice?.delete(call.id)
      if (ofDevice?.size === 0) this.#callsOf.delete(device)
    }
  }

  #revoked(id: string): void {
    const call = this.#calls.get(id)!
    call.revoked = true
    call.owed = false
    const open = this.#open.get(id)
    if (open !== undefined) this.#close(open)
  }

  // --------------------------------------------------------------------------------------------------- wanting

  #noPath(id: string, device: string, now: Monotonic): void {
    const call = this.#callOf(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) {
      return this.#note(call === undefined ? 'noSuchCall' : call.revoked ? 'revoked' : 'notAParty', id)
    }
    const open = this.#open.get(id)
    if (open?.state === 'open') return this.#noPathYet(open, call, now)
    if (open !== undefined) return this.#note('asked', id)
    if (this.#policy === 'off') return this.#refuse(call, 'off', now)
    if (this.#isFull()) return this.#refuse(call, 'full', now)
    for (const each of call.parties) this.#look(each)
    if (call.parties.every(each => each.flow?.client === false)) return this.#note('noClient', id)
    const wanted = this.#want(call, 'otherNetwork', false)
    this.#timers.set(`opening ${id}`, after(now, relayLimits.openingMilliseconds))
    this.#tryToOpen(wanted, now)
  }

  /** The relays do not answer either. Maybe the servers never came through, or one more try finds a way. */
  #noPathYet(open: Open, call: Call, now: Monotonic): void {
    const again = after(open.restartedAt ?? now, relayLimits.againMilliseconds)
    if (open.restartedAt === undefined || again <= now) this.#renew(open, bothOf(call), now)
    else if (!this.#timers.has(`again ${call.id}`)) this.#timers.set(`again ${call.id}`, again)
  }

  #isFull(): boolean {
    return this.#open.size + this.#closing.size >= relayLimits.grants
  }

  #want(call: Call, reason: RelayReason, remembered: boolean): Open {
    const open: Open = {
      ...newOpen(call.id, reason, undefined),
      ...{ remembered, toTell: new Set(bothOf(call)), earlier: call.ledger },
    }
    this.#open.set(call.id, open)
    return open
  }

  /** From `waiting`: as soon as the relay, both addresses and, after a restart, both clients are there. */
  #tryToOpen(waiting: Open, now: Monotonic): void {
    const call = this.#calls.get(waiting.call)
    if (call === undefined || waiting.state !== 'waiting') return
    if (!this.#up || this.#closing.has(call.id)) return
    const flows = call.parties.map(party => this.#look(party))
    if (flows.includes(undefined)) return
    for (const [index, party] of call.parties.entries()) party.flow = flows[index]
    const [caller, callee] = call.parties
    if (waiting.remembered && call.parties.some(party => party.flow!.client && !party.holds)) return
    const judged = this.#judge(caller, callee)
    if (judged.refused !== undefined) {
      this.#drop(waiting)
      if (!waiting.remembered) this.#refuse(call, judged.refused, now)
      else this.#note(judged.refused, call.id)
      return
    }
    waiting.reason = judged.reason
    waiting.earlier = call.ledger
    for (const party of call.parties) {
      party.credential = newCredential(call.id, party.role, this.#ports.random)
      party.path = undefined
    }
    this.#give(waiting, now)
    this.#out.push({ kind: 'remember', call: call.id, reason: judged.reason })
  }

  #judge(
    caller: Party,
    callee: Party,
  ): { readonly refused: RelayRefusal } | { readonly refused: undefined; readonly reason: RelayReason } {
    if (this.#policy === 'off') return { refused: 'off' }
    const own = this.#ports.ownAddresses()
    const same = onSameNetwork(caller.flow!.remote, callee.flow!.remote, own, this.#networks)
    if (same && this.#policy === 'cross-vlan') return { refused: 'sameNetwork' }
    prove(caller, own)
    prove(callee, own)
    if (caller.proven.length === 0 || callee.proven.length === 0) return { refused: 'unknownAddress' }
    return { refused: undefined, reason: same ? 'checksFailed' : 'otherNetwork' }
  }

  /** Told to both: each shows it, and the one that did not ask would wonder. */
  #refuse(call: Call, reason: RelayRefusal, now: Monotonic): void {
    const { refused } = call
    if (refused?.reason === reason && after(refused.at, relayLimits.refusedMilliseconds) > now) return
    call.refused = { reason, at: now }
    this.#note(reason, call.id)
    const message = refusalSentences[reason]
    for (const party of call.parties) {
      if (this.#look(party)?.client)
        this.#tell(party, { type: 'relayRefused', call: call.id, reason, message })
    }
  }

  // --------------------------------------------------------------------------------------------------- opening

  /** To the relay, with what is known of the parties now. */
  #give(open: Open, now: Monotonic): void {
    const grant = this.#grantOf(open, now)
    open.state = 'opening'
    open.given = withoutSecrets(grant.parties)
    open.unanswered++
    open.unready.clear()
    this.#timers.clear(`ready ${open.call}`)
    this.#timers.clear(`again ${open.call}`)
    this.#timers.set(`opening ${open.call}`, after(now, relayLimits.openingMilliseconds))
    this.#out.push({ kind: 'openGrant', grant })
  }

  #grantOf({ call: id, manual }: Open, now: Monotonic): Grant {
    if (manual !== undefined) {
      return { call: id, parties: manual.parties, lifetimeMilliseconds: Math.max(1, manual.until - now) }
    }
    return { call: id, parties: this.#partiesOf(this.#calls.get(id)!), lifetimeMilliseconds: undefined }
  }

  #partiesOf({ parties: [caller, callee] }: Call): Grant['parties'] {
    const own = this.#ports.ownAddresses()
    prove(caller, own)
    prove(callee, own)
    return [grantPartyOf(caller, callee, own), grantPartyOf(callee, caller, own)]
  }

  #granted(id: string, now: Monotonic): void {
    const open = this.#open.get(id)
    // So late that nobody waited for it to be closed any more.
    if (open === undefined && !this.#closing.has(id)) this.#out.push({ kind: 'closeGrant', call: id })
    if (open?.state !== 'opening' || --open.unanswered > 0) return
    this.#timers.clear(`opening ${id}`)
    if (open.keptAt === undefined) {
      this.#totals.granted++
      this.#keepLedger(open, now)
    }
    const call = this.#calls.get(id)
    if (open.manual !== undefined) {
      open.state = 'open'
      this.#answer(open, { kind: 'granted', call: id, servers: open.manual.servers })
    }
    if (call === undefined) return
    open.state = 'telling'
    for (const party of call.parties) {
      if (!open.toTell.has(party.device) || !this.#look(party)?.client) continue
      this.#tell(party, { type: 'relay', call: id, servers: this.#serversOf(party), reason: reasonOf(open) })
      open.unready.add(party.device)
    }
    open.toTell.clear()
    if (open.unready.size === 0) this.#restart(open, now)
    else this.#timers.set(`ready ${id}`, after(now, relayLimits.readyMilliseconds))
  }

  #serversOf(party: Party): RelayServer[] {
    const ports = this.#ports.turnPorts()
    const { credential, flow } = party
    if (ports === undefined || credential === undefined || flow === undefined) return []
    return serversFor(flow.local, ports, credential)
  }

  #ready(id: string, device: string, now: Monotonic): void {
    const open = this.#open.get(id)
    if (open?.state !== 'telling' || !open.unready.delete(device)) return
    if (open.unready.size === 0) this.#restart(open, now)
  }

  #restart(open: Open, now: Monotonic): void {
    this.#timers.clear(`ready ${open.call}`)
    open.unready.clear()
    open.state = 'open'
    open.restartedAt = now
    const call = this.#calls.get(open.call)!
    call.owed = true
    this.#startAnew(call)
  }

  /**
   * One party only, and always the same one: the caller, or the callee where the caller has no client of ours. Both
   * clients have to be there, or the new offer would find nobody.
   */
  #startAnew(call: Call): void {
    if (!call.owed) return
    for (const party of call.parties) {
      const here = this.#look(party) !== undefined
      if (party.flow === undefined || (party.flow.client && !here)) return
    }
    call.owed = false
    const starter = starterOf(call)
    if (starter === undefined) return
    call.unproven = true
    this.#tell(starter, { type: 'restart', call: call.id })
  }

  #notGranted(id: string, now: Monotonic): void {
    const open = this.#open.get(id)
    if (open?.state !== 'opening') return
    const call = this.#calls.get(id)
    this.#answer(open, { kind: 'refused', reason: 'full' })
    this.#close(open)
    if (call !== undefined) this.#refuse(call, 'full', now)
  }

  /** Neither a word of the relay nor of a party in time. */
  #giveUp(open: Open, now: Monotonic): void {
    const call = this.#calls.get(open.call)
    const missing = call?.parties.some(party => this.#look(party) === undefined)
    const reason = open.state === 'waiting' && missing ? 'unknownAddress' : 'failed'
    this.#close(open)
    if (call !== undefined) this.#refuse(call, reason, now)
  }

  // -------------------------------------------------------------------------------------------------- changing

  /**
   * The device's flow now; undefined while it is away. The party keeps the one that its grant and its call go by until
   * `#move` finds that it is another.
   */
  #look(party: Party): PartyFlow | undefined {
    const flow = this.#ports.flowOf(party.device)
    party.flow ??= flow
    return flow
  }

  #held(id: string, device: string, now: Monotonic): void {
    const call = this.#callOf(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) return
    party.holds = true
    const open = this.#open.get(id)
    if (this.#move(call, party, open, now)) return
    if (open?.state === 'waiting') return this.#tryToOpen(open, now)
    // It may have missed what it was told, unless it has shown since that it did not.
    if (call.unproven && starterOf(call) === party) call.owed = true
    if (open === undefined) return this.#startAnew(call)
    if (open.state === 'open' && party.path === 'relayed' && !call.owed && this.#up) {
      const servers = this.#serversOf(party)
      return this.#tell(party, { type: 'relay', call: id, servers, reason: reasonOf(open) })
    }
    this.#renew(open, [device], now)
  }

  #flowChanged(id: string, device: string, now: Monotonic): void {
    const call = this.#calls.get(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) return
    const open = this.#open.get(id)
    if (this.#move(call, party, open, now)) return
    if (open?.state === 'waiting') this.#tryToOpen(open, now)
    else this.#startAnew(call)
  }

  /** True when the party is reached another way than before, and what follows from it was begun. */
  #move(call: Call, party: Party, open: Open | undefined, now: Monotonic): boolean {
    const before = party.flow
    const flow = this.#look(party)
    if (flow === undefined || before === undefined) return false
    // Where we are reached is where its relays are; without any it means nothing.
    party.flow = flow
    if (flow.remote === before.remote && (open === undefined || flow.local === before.local)) return false
    for (const each of call.parties) each.path = undefined
    if (open === undefined) {
      call.owed = true
      this.#startAnew(call)
    } else if (open.state === 'waiting') this.#tryToOpen(open, now)
    else this.#renew(open, [party.device], now)
    return true
  }

  /** The grant is given anew; allocations that still fit it stay. `tell`: devices that are told their servers again. */
  #renew(open: Open, tell: readonly string[], now: Monotonic): void {
    for (const device of tell) open.toTell.add(device)
    for (const device of open.unready) open.toTell.add(device)
    if (this.#up) this.#give(open, now)
  }

  #addressesChanged(open: Open, now: Monotonic): void {
    const call = this.#calls.get(open.call)
    if (call === undefined) return
    if (open.state === 'waiting') return this.#tryToOpen(open, now)
    if (open.given !== withoutSecrets(this.#partiesOf(call))) this.#renew(open, bothOf(call), now)
  }

  #isOwn(address: string): boolean {
    return this.#ports.ownAddresses().some(own => own.address === address)
  }

  #path(id: string, device: string, relayed: boolean): void {
    const call = this.#calls.get(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined) return
    party.path = relayed ? 'relayed' : 'direct'
    if (starterOf(call) === party) call.unproven = false
    this.#timers.clear(`again ${id}`)
    const open = this.#open.get(id)
    if (open?.state !== 'open' || call.owed) return
    // A phone says nothing about its end, so its call keeps the grant: better one too many than media cut off.
    if (call.parties.some(each => each.path !== 'direct')) return
    const [caller, callee] = call.parties
    const same = onSameNetwork(
      caller.flow!.remote,
      callee.flow!.remote,
      this.#ports.ownAddresses(),
      this.#networks,
    )
    if (!same && this.#policy === 'cross-vlan') return
    this.#note('directAgain', id)
    this.#close(open)
    for (const each of call.parties) {
      if (each.flow!.client)
        this.#tell(each, { type: 'relay', call: id, servers: [], reason: reasonOf(open) })
    }
  }

  // --------------------------------------------------------------------------------------------------- closing

  /** Nothing of it may be used from here on; what it carried is told by the relay once more. */
  #close(open: Open): void {
    this.#drop(open)
    this.#answer(open, { kind: 'refused', reason: 'failed' })
    if (open.given === undefined) return
    if (!this.#up) return this.#keep(open)
    this.#out.push({ kind: 'closeGrant', call: open.call })
    this.#closing.set(open.call, open)
  }

  #drop({ call, given, remembered, manual }: Open): void {
    this.#open.delete(call)
    for (const timer of ['opening', 'ready', 'again', 'over']) this.#timers.clear(`${timer} ${call}`)
    if (manual === undefined && (given !== undefined || remembered)) this.#forget(call)
  }

  /** The relay says so, or has not said so in time. */
  #closed(id: string, now: Monotonic): void {
    const closing = this.#closing.get(id)
    this.#timers.clear(`closing ${id}`)
    if (closing !== undefined) {
      this.#closing.delete(id)
      this.#keep(closing)
      const waiting = this.#open.get(id)
      if (waiting !== undefined) this.#tryToOpen(waiting, now)
      return
    }
    const open = this.#open.get(id)
    // Words come in the order of their orders: with one still to come, this one is of the grant before.
    if (open === undefined || open.state === 'waiting' || open.unanswered > 0) return
    // The owner's is over with its time. A call's is not: whatever the relay has of it goes too, and may be asked for.
    if (open.manual === undefined) this.#note('closedUnasked', id)
    this.#close(open)
  }

  /** The relay's `closed` is not waited for forever. */
  #sweep(now: Monotonic): void {
    for (const id of this.#closing.keys()) {
      const timer = `closing ${id}`
      if (!this.#timers.has(timer)) this.#timers.set(timer, after(now, relayLimits.closingMilliseconds))
    }
  }

  #forget(call: string): void {
    this.#out.push({ kind: 'forget', call })
  }

  // --------------------------------------------------------------------------------------------- relay's thread

  /** Everything is given to it anew. Its allocations are gone, so nobody may go on with an old credential. */
  #started(now: Monotonic): void {
    this.#up = true
    for (const open of [...this.#open.values()]) {
      const call = this.#calls.get(open.call)
      if (open.state === 'waiting') {
        this.#tryToOpen(open, now)
        continue
      }
      open.earlier = totalOf(open)
      open.counted = emptyLedger
      open.unanswered = 0
      for (const party of call?.parties ?? []) {
        party.credential = newCredential(open.call, party.role, this.#ports.random)
        party.path = undefined
      }
      this.#renew(open, call === undefined ? [] : bothOf(call), now)
    }
  }

  #lost(): void {
    this.#up = false
    for (const closing of this.#closing.values()) {
      this.#timers.clear(`closing ${closing.call}`)
      this.#keep(closing)
    }
    this.#closing.clear()
    for (const { call, keptAt } of this.#open.values()) {
      // What was asked for just now may still be refused in time; what was open waits for the thread.
      if (keptAt !== undefined) this.#timers.clear(`opening ${call}`)
      this.#timers.clear(`ready ${call}`)
      this.#timers.clear(`again ${call}`)
    }
  }

  #ledger(id: string, counted: CallLedger, now: Monotonic): void {
    const open = this.#closing.get(id) ?? this.#open.get(id)
    if (open === undefined) return
    const first = carriedPackets(open.counted) === 0 && carriedPackets(counted) > 0
    this.#totals.allocations += Math.max(0, openedAllocations(counted) - openedAllocations(open.counted))
    this.#totals.packets += Math.max(0, carriedPackets(counted) - carriedPackets(open.counted))
    this.#totals.bytes += Math.max(0, carriedBytes(counted) - carriedBytes(open.counted))
    open.counted = counted
    const due = after(open.keptAt ?? now, relayLimits.ledgerMilliseconds) <= now
    if (open.manual === undefined && (first || due)) this.#keepLedger(open, now)
  }

  #keepLedger(open: Open, now: Monotonic): void {
    open.keptAt = now
    this.#keep(open)
  }

  #keep(open: Open): void {
    if (open.manual !== undefined) return
    const closed = this.#open.get(open.call) !== open
    const ledger = closed ? closedLedger(totalOf(open)) : totalOf(open)
    const call = this.#calls.get(open.call)
    if (call !== undefined) call.ledger = ledger
    this.#out.push({ kind: 'ledger', call: open.call, ledger, reason: reasonOf(open) })
  }

  // ---------------------------------------------------------------------------------------------------- manual

  #grantManually({ ticket, wish }: Extract<RelayInput, { kind: 'grantManually' }>, now: Monotonic): void {
    const own = this.#ports.ownAddresses()
    const ports = this.#ports.turnPorts()
    const refuse = (reason: 'badPeer' | 'noWay' | 'full' | 'failed'): void =>
      void this.#out.push({ kind: 'manualGrant', ticket, outcome: { kind: 'refused', reason } })
    if (!isProvable(wish.peer, own)) return refuse('badPeer')
    if (this.#isFull()) return refuse('full')
    if (!this.#up || ports === undefined) return refuse('failed')
    const call = this.#ports.random.hex(16)
    const until = after(now, wish.lifetimeMilliseconds)
    const made = manualParties(call, wish, own, ports, this.#ports.random)
    if (made.servers.length === 0) return refuse('noWay')
    const open = newOpen(call, 'manual', { ...made, until, ticket })
    this.#open.set(call, open)
    this.#timers.set(`over ${call}`, until)
    this.#give(open, now)
  }

  #answer({ manual }: Open, outcome: ManualOutcome): void {
    if (manual?.ticket === undefined) return
    this.#out.push({ kind: 'manualGrant', ticket: manual.ticket, outcome })
    manual.ticket = undefined
  }

  #viewOf(open: Open): GrantView {
    const { call, reason, state, manual } = open
    const parties = manual?.parties ?? this.#calls.get(call)!.parties
    return {
      call,
      reason,
      state: state === 'waiting' ? 'opening' : state,
      parties: parties.map(({ role, device, proven }) => ({ role, device, proven })),
      ledger: totalOf(open),
    }
  }

  #tell(party: Party, telling: RelayTelling): void {
    this.#out.push({ kind: 'tell', device: party.device, telling })
  }

  #note(reason: string, detail: string): void {
    this.#out.push({ kind: 'note', reason, detail })
  }

  #taken(): RelayEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}
