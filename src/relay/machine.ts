/**
 * Which call may relay, and the order in which its parties come to do so. What passes between here and the relay's
 * thread is in `grants.ts`. An answered call with a grant goes
 *
 *     waiting → opening → telling → open → (closing)
 *
 * `waiting` for both parties' addresses or the relay's thread, `opening` for the relay's word, `telling` for the
 * clients'. A party that moved or came back sends an open grant through `opening` again. README.md has the table.
 *
 * One long file, since it is one table: each row goes by what the others left in the call.
 */
import type { Monotonic } from '../core/clock.ts'
import { after, earliest, seconds } from '../core/clock.ts'
import { parseSubnet, type Subnet } from '../core/endpoint.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { CallLedger, Grant } from '../turn/message.ts'
import { Calls } from './calls.ts'
import { Grants, type RelayTotals } from './grants.ts'
import { emptyLedger } from './ledger.ts'
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
import type { PartyFlow, RelayCall, RelayPorts } from './ports.ts'
import {
  bothOf,
  type Call,
  newOpen,
  type Open,
  reasonOf,
  starterOf,
  totalOf,
  withoutSecrets,
} from './state.ts'
import { refusalSentences } from './words.ts'

export const relayLimits = {
  /** How long clients may take to set their configuration; then the call goes on without their word. */
  readyMilliseconds: 500,
  /** How long the relay may take to open a grant, and a party to show from where it is reached. */
  openingMilliseconds: seconds(2),
  /** A party that still finds no path is not made to start anew more often than this. */
  againMilliseconds: seconds(5),
  /** The other party's word of the same failure is answered by the refusal it has been told already. */
  refusedMilliseconds: seconds(2),
} as const

export interface RelayOptions {
  readonly policy: RelayPolicy
  /** CIDR, each a VLAN of its own. What is none is left out: the configuration checked them. */
  readonly networks: readonly string[]
  readonly ports: RelayPorts
  /** Grants that were open when the daemon ended. */
  readonly remembered: readonly { readonly call: string; readonly reason: RelayReason }[]
}

export class RelayMachine implements Machine<RelayInput, RelayEffect> {
  #policy: RelayPolicy
  readonly #networks: readonly Subnet[]
  readonly #ports: RelayPorts
  readonly #calls = new Calls()
  readonly #grants = new Grants(effect => this.#out.push(effect))
  /** `opening`, `ready`, `again` and `over` of a call. */
  readonly #timers = new TimerTable<string>()
  #out: RelayEffect[] = []

  constructor(options: RelayOptions) {
    this.#policy = options.policy
    this.#networks = options.networks.flatMap(text => parseSubnet(text) ?? [])
    this.#ports = options.ports
    for (const { call: id, reason } of options.remembered) {
      const row = this.#ports.callOf(id)
      const call = row?.ended === false ? this.#enter(id, row) : undefined
      if (call === undefined || this.#grants.isFull) this.#out.push({ kind: 'forget', call: id })
      else this.#want(call, reason, true)
    }
  }

  get sizes(): { readonly calls: number; readonly grants: number; readonly timers: number } {
    return {
      calls: this.#calls.size,
      grants: this.#grants.size,
      timers: this.#timers.size,
    }
  }

  get totals(): RelayTotals {
    return this.#grants.totals
  }

  /** Every grant there is, oldest first. */
  views(): GrantView[] {
    return this.#grants.all().map(viewOf)
  }

  /** What was carried for a call until now, of which its row has `ledger`. */
  ledgerOf({ id, ledger }: { readonly id: string; readonly ledger: CallLedger | undefined }): CallLedger {
    return this.#grants.ledgerOf(id) ?? ledger ?? emptyLedger
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
        this.#callOf(input.call, now)
        break
      case 'flowChanged':
        for (const id of this.#calls.ofDevice(input.device)) this.#flowChanged(id, input.device, now)
        break
      case 'revoked':
        for (const id of this.#calls.ofDevice(input.device)) this.#revoked(id, now)
        break
      case 'addressesChanged':
        for (const open of this.#grants.all()) this.#addressesChanged(open, now)
        break
      case 'path':
        this.#path(input.call, input.device, input.relayed || this.#isOwn(input.remoteAddress), now)
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
        this.#grants.counted(input.call, input.ledger, now)
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
      case 'closeManually': {
        const open = this.#grants.get(input.call)
        if (open?.manual !== undefined) this.#close(open, now)
        break
      }
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return earliest(this.#timers.next(), this.#grants.next())
  }

  wake(now: Monotonic): RelayEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      const [timer, id] = name.split(' ') as [string, string]
      const open = this.#grants.get(id)
      if (open === undefined) continue
      if (timer === 'opening') this.#giveUp(open, now)
      else if (timer === 'ready') this.#restart(open, open.of!, now)
      else if (timer === 'again') this.#renew(open, bothOf(open.of!), now)
      else this.#close(open, now)
    }
    for (let id = this.#grants.overdue(now); id !== undefined; id = this.#grants.overdue(now))
      this.#closed(id, now)
    return this.#taken()
  }

  // ------------------------------------------------------------------------------------------------------ calls

  /** The call with what is known of it now; undefined, and all of it gone, unless it was answered and goes on. */
  #callOf(id: string, now: Monotonic): Call | undefined {
    const row = this.#ports.callOf(id)
    const call = this.#calls.get(id)
    if (row !== undefined && !row.ended) return call ?? this.#enter(id, row)
    if (call !== undefined) {
      this.#closeOf(call, now)
      this.#calls.leave(call)
    }
    return undefined
  }

  #enter(id: string, row: RelayCall): Call | undefined {
    const entered = this.#calls.enter(id, row, device => this.#ports.flowOf(device))
    if (entered !== 'full') return entered
    this.#note('tooManyCalls', id)
    return undefined
  }

  #revoked(id: string, now: Monotonic): void {
    const call = this.#calls.get(id)!
    call.revoked = true
    call.owed = false
    this.#closeOf(call, now)
  }

  #closeOf({ id }: Call, now: Monotonic): void {
    const open = this.#grants.get(id)
    if (open !== undefined) this.#close(open, now)
  }

  // --------------------------------------------------------------------------------------------------- wanting

  #noPath(id: string, device: string, now: Monotonic): void {
    const call = this.#callOf(id, now)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) {
      return this.#note(call === undefined ? 'noSuchCall' : call.revoked ? 'revoked' : 'notAParty', id)
    }
    const open = this.#grants.get(id)
    if (open?.state === 'open') return this.#noPathYet(open, call, now)
    if (open !== undefined) return this.#note('asked', id)
    if (this.#policy === 'off') return this.#refuse(call, 'off', now)
    if (this.#grants.isFull) return this.#refuse(call, 'full', now)
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

  #want(call: Call, reason: RelayReason, remembered: boolean): Open {
    const { id, ledger: earlier } = call
    const open = newOpen({ call: id, reason, of: call, manual: undefined, remembered, earlier })
    this.#grants.add(open)
    return open
  }

  /** From `waiting`: as soon as the relay, both addresses and, after a restart, both clients are there. */
  #tryToOpen(waiting: Open, now: Monotonic): void {
    const { of: call } = waiting
    if (call === undefined || waiting.state !== 'waiting') return
    if (!this.#grants.isUp || this.#grants.isClosing(call.id)) return
    const flows = call.parties.map(party => this.#look(party))
    if (flows.includes(undefined)) return
    for (const [index, party] of call.parties.entries()) party.flow = flows[index]
    if (waiting.remembered && call.parties.some(party => party.flow!.client && !party.holds)) return
    const judged = this.#judge(call)
    if (judged.refused !== undefined) {
      this.#close(waiting, now)
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
  }

  #judge(
    call: Call,
  ): { readonly refused: RelayRefusal } | { readonly refused: undefined; readonly reason: RelayReason } {
    if (this.#policy === 'off') return { refused: 'off' }
    const same = this.#areTogether(call)
    if (same && this.#policy === 'cross-vlan') return { refused: 'sameNetwork' }
    const own = this.#ports.ownAddresses()
    for (const party of call.parties) prove(party, own)
    if (call.parties.some(({ proven }) => proven.length === 0)) return { refused: 'unknownAddress' }
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
    open.unready.clear()
    this.#timers.clear(`ready ${open.call}`)
    this.#timers.clear(`again ${open.call}`)
    this.#timers.set(`opening ${open.call}`, after(now, relayLimits.openingMilliseconds))
    this.#grants.give(open, open.manual?.parties ?? this.#partiesOf(open.of!), now)
  }

  #partiesOf({ parties: [caller, callee] }: Call): Grant['parties'] {
    const own = this.#ports.ownAddresses()
    prove(caller, own)
    prove(callee, own)
    return [grantPartyOf(caller, callee, own), grantPartyOf(callee, caller, own)]
  }

  #granted(id: string, now: Monotonic): void {
    const open = this.#grants.granted(id, now)
    if (open === undefined) return
    const { of: call, manual } = open
    this.#timers.clear(`opening ${id}`)
    if (call === undefined) {
      open.state = 'open'
      return this.#answer(open, { kind: 'granted', call: id, servers: manual!.servers })
    }
    open.state = 'telling'
    for (const party of call.parties) {
      if (!open.toTell.has(party.device) || !this.#look(party)?.client) continue
      this.#tellServers(open, party)
      open.unready.add(party.device)
    }
    open.toTell.clear()
    if (open.unready.size === 0) this.#restart(open, call, now)
    else this.#timers.set(`ready ${id}`, after(now, relayLimits.readyMilliseconds))
  }

  #serversOf(party: Party): RelayServer[] {
    const ports = this.#ports.turnPorts()
    const { credential, flow } = party
    if (ports === undefined || credential === undefined || flow === undefined) return []
    return serversFor(flow.local, ports, credential)
  }

  #ready(id: string, device: string, now: Monotonic): void {
    const open = this.#grants.get(id)
    if (open?.state !== 'telling' || !open.unready.delete(device)) return
    if (open.unready.size === 0) this.#restart(open, open.of!, now)
  }

  #restart(open: Open, call: Call, now: Monotonic): void {
    this.#timers.clear(`ready ${open.call}`)
    open.unready.clear()
    open.state = 'open'
    open.restartedAt = now
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
    const open = this.#grants.get(id)
    if (open?.state !== 'opening') return
    this.#answer(open, { kind: 'refused', reason: 'full' })
    this.#close(open, now)
    if (open.of !== undefined) this.#refuse(open.of, 'full', now)
  }

  /** Neither a word of the relay nor of a party in time. */
  #giveUp(open: Open, now: Monotonic): void {
    const { of: call } = open
    const missing = call?.parties.some(party => this.#look(party) === undefined)
    const reason = open.state === 'waiting' && missing ? 'unknownAddress' : 'failed'
    this.#close(open, now)
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
    const call = this.#callOf(id, now)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) return
    party.holds = true
    const open = this.#grants.get(id)
    if (this.#move(call, party, open, now)) return
    if (open?.state === 'waiting') return this.#tryToOpen(open, now)
    // It may have missed what it was told, unless it has shown since that it did not.
    if (call.unproven && starterOf(call) === party) call.owed = true
    if (open === undefined) return this.#startAnew(call)
    if (open.state === 'open' && party.path === 'relayed' && !call.owed && this.#grants.isUp) {
      return this.#tellServers(open, party)
    }
    this.#renew(open, [device], now)
  }

  #flowChanged(id: string, device: string, now: Monotonic): void {
    const call = this.#calls.get(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined || call.revoked) return
    const open = this.#grants.get(id)
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
    if (this.#grants.isUp) this.#give(open, now)
  }

  #addressesChanged(open: Open, now: Monotonic): void {
    const { of: call } = open
    if (call === undefined) return
    if (open.state === 'waiting') return this.#tryToOpen(open, now)
    if (open.given !== withoutSecrets(this.#partiesOf(call))) this.#renew(open, bothOf(call), now)
  }

  #isOwn(address: string): boolean {
    return this.#ports.ownAddresses().some(own => own.address === address)
  }

  #path(id: string, device: string, relayed: boolean, now: Monotonic): void {
    const call = this.#calls.get(id)
    const party = call?.parties.find(each => each.device === device)
    if (call === undefined || party === undefined) return
    party.path = relayed ? 'relayed' : 'direct'
    if (starterOf(call) === party) call.unproven = false
    this.#timers.clear(`again ${id}`)
    const open = this.#grants.get(id)
    if (open?.state !== 'open' || call.owed) return
    // A phone says nothing about its end, so its call keeps the grant: better one too many than media cut off.
    if (call.parties.some(each => each.path !== 'direct')) return
    if (this.#policy === 'cross-vlan' && !this.#areTogether(call)) return
    this.#note('directAgain', id)
    this.#close(open, now)
    for (const each of call.parties) if (each.flow!.client) this.#tellServers(open, each, [])
  }

  /** Both on one network, by where they were last reached. */
  #areTogether({ parties: [caller, callee] }: Call): boolean {
    const own = this.#ports.ownAddresses()
    return onSameNetwork(caller.flow!.remote, callee.flow!.remote, own, this.#networks)
  }

  // --------------------------------------------------------------------------------------------------- closing

  #close(open: Open, now: Monotonic): void {
    for (const timer of ['opening', 'ready', 'again', 'over']) this.#timers.clear(`${timer} ${open.call}`)
    this.#answer(open, { kind: 'refused', reason: 'failed' })
    this.#grants.close(open, now)
  }

  /** The relay says so, or has not said so in time. */
  #closed(id: string, now: Monotonic): void {
    const unasked = this.#grants.closed(id)
    if (unasked !== undefined) {
      // The owner's is over with its time. A call's is not: whatever the relay has of it goes too, and may be asked for.
      if (unasked.manual === undefined) this.#note('closedUnasked', id)
      return this.#close(unasked, now)
    }
    const waiting = this.#grants.get(id)
    if (waiting !== undefined) this.#tryToOpen(waiting, now)
  }

  // --------------------------------------------------------------------------------------------- relay's thread

  /** Everything is given to it anew. Its allocations are gone, so nobody may go on with an old credential. */
  #started(now: Monotonic): void {
    this.#grants.started()
    for (const open of this.#grants.all()) {
      if (open.state === 'waiting') {
        this.#tryToOpen(open, now)
        continue
      }
      for (const party of open.of?.parties ?? []) {
        party.credential = newCredential(open.call, party.role, this.#ports.random)
        party.path = undefined
      }
      this.#renew(open, open.of === undefined ? [] : bothOf(open.of), now)
    }
  }

  #lost(): void {
    this.#grants.lost()
    for (const { call, keptAt } of this.#grants.all()) {
      // What was asked for just now may still be refused in time; what was open waits for the thread.
      if (keptAt !== undefined) this.#timers.clear(`opening ${call}`)
      this.#timers.clear(`ready ${call}`)
      this.#timers.clear(`again ${call}`)
    }
  }

  // ---------------------------------------------------------------------------------------------------- manual

  #grantManually({ ticket, wish }: Extract<RelayInput, { kind: 'grantManually' }>, now: Monotonic): void {
    const own = this.#ports.ownAddresses()
    const ports = this.#ports.turnPorts()
    const refuse = (reason: 'badPeer' | 'noWay' | 'full' | 'failed'): void =>
      void this.#out.push({ kind: 'manualGrant', ticket, outcome: { kind: 'refused', reason } })
    if (!isProvable(wish.peer, own)) return refuse('badPeer')
    if (this.#grants.isFull) return refuse('full')
    if (!this.#grants.isUp || ports === undefined) return refuse('failed')
    const call = this.#ports.random.hex(16)
    const until = after(now, wish.lifetimeMilliseconds)
    const made = manualParties(call, wish, own, ports, this.#ports.random)
    if (made.servers.length === 0) return refuse('noWay')
    const manual = { ...made, until, ticket }
    const open = newOpen({
      ...{ call, reason: 'manual', of: undefined, manual, remembered: false, earlier: emptyLedger },
    })
    this.#grants.add(open)
    this.#timers.set(`over ${call}`, until)
    this.#give(open, now)
  }

  #answer({ manual }: Open, outcome: ManualOutcome): void {
    if (manual?.ticket === undefined) return
    this.#out.push({ kind: 'manualGrant', ticket: manual.ticket, outcome })
    manual.ticket = undefined
  }

  #tellServers(open: Open, party: Party, servers = this.#serversOf(party)): void {
    this.#tell(party, { type: 'relay', call: open.call, servers, reason: reasonOf(open) })
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

function viewOf(open: Open): GrantView {
  const { call, reason, state, of, manual } = open
  const parties = manual?.parties ?? of!.parties
  return {
    call,
    reason,
    state: state === 'waiting' ? 'opening' : state,
    parties: parties.map(({ role, device, proven }) => ({ role, device, proven })),
    ledger: totalOf(open),
  }
}
