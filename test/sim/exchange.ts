/**
 * The whole exchange on the simulated network: SIP machine, client channel and call log, wired as the daemon wires
 * them, with a store in memory that survives a restart.
 */
import { createHash } from 'node:crypto'
import { CallsMachine } from '../../src/calls/machine.ts'
import type { CallEffect, CallInput, CallRow, KeptCall } from '../../src/calls/message.ts'
import type { Endpoint } from '../../src/core/endpoint.ts'
import type { Machine } from '../../src/core/machine.ts'
import {
  type ExchangeInputs,
  passCallEffect,
  passRelayEffect,
  passSignallingEffect,
  passSipEffect,
} from '../../src/exchange.ts'
import { RelayMachine } from '../../src/relay/machine.ts'
import type { RelayEffect, RelayInput, RelayPolicy, RelayReason } from '../../src/relay/message.ts'
import type { PartyFlow } from '../../src/relay/ports.ts'
import { SignallingMachine } from '../../src/signalling/machine.ts'
import type { ServerMessage, SignallingEffect, SignallingInput } from '../../src/signalling/message.ts'
import type { Devices } from '../../src/signalling/ports.ts'
import type { CallEvent, SipEffect } from '../../src/sip/message.ts'
import { SimHouse } from './house.ts'
import type { SimNetwork } from './network.ts'
import { SimRelay } from './relay.ts'

/** The first address of each network, as `open` has it. */
const ownAddresses = [0, 1, 2, 3, 4].map(number => ({
  ...{ interface: `eth0.${number}`, address: `10.0.${number}.1`, prefixLength: 24, loopback: false },
}))

/** How a client holds its connection. */
export interface SimSocket {
  readonly id: string
  receive(message: ServerMessage): void
  closed(code: number): void
}

export class SimExchange {
  readonly network: SimNetwork
  readonly house: SimHouse
  readonly rows = new Map<string, CallRow>()
  /** As the store has them: rows, and by what phones know those that go on. */
  readonly #kept = new Map<string, KeptCall>()
  readonly events: CallEvent[] = []
  readonly doNotDisturb: Set<string>
  signalling: SignallingMachine
  calls: CallsMachine
  relay: RelayMachine
  readonly thread: SimRelay
  readonly relayNotes: string[] = []
  policy: RelayPolicy = 'cross-vlan'
  up = true
  readonly #users: readonly string[]
  readonly #sockets = new Map<string, SimSocket>()
  readonly #queue: (() => void)[] = []
  readonly #inputs: ExchangeInputs
  readonly #flows = new Map<string, PartyFlow>()
  readonly #remembered = new Map<string, RelayReason>()
  #busy = false
  #serial = 0

  constructor(network: SimNetwork, users: readonly string[]) {
    this.network = network
    this.#users = users
    this.#inputs = {
      sip: input => {
        if (input.kind === 'agent') this.#later(() => this.house.agent(input.device, input.command))
        if (input.kind === 'ask') this.#later(() => this.house.ask(input))
      },
      signalling: input => this.#later(() => this.#signallingInput(input)),
      calls: input => this.#later(() => this.#callsInput(input)),
      relay: input => this.#later(() => this.#relayInput(input)),
    }
    this.house = new SimHouse(network, [...users])
    this.house.ongoing = call => this.calls.ongoing(call)
    this.doNotDisturb = this.house.doNotDisturb
    this.calls = this.#newCalls()
    this.signalling = this.#newSignalling()
    this.thread = new SimRelay(network, input => this.#inputs.relay(input))
    this.relay = this.#newRelay()
    this.thread.start()
    this.house.observe = effect => {
      if (effect.kind === 'call') this.events.push(effect.event)
      if (effect.kind === 'reachable') this.#reached(effect)
      passSipEffect(effect, this.#inputs)
    }
    network.addSleeper(
      this.#sleeper(
        () => this.signalling,
        effects => this.#signallingEffects(effects),
      ),
    )
    network.addSleeper(
      this.#sleeper(
        () => this.calls,
        effects => this.#callEffects(effects),
      ),
    )
    network.addSleeper(
      this.#sleeper(
        () => this.relay,
        effects => this.#relayEffects(effects),
      ),
    )
  }

  /** The process is killed; sockets are cut, rows stay. */
  stop(): void {
    this.up = false
    this.thread.stop(false)
    this.#flows.clear()
    this.house.stop()
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    for (const socket of sockets) socket.closed(1006)
  }

  start(): void {
    this.up = true
    this.calls = this.#newCalls()
    this.signalling = this.#newSignalling()
    this.relay = this.#newRelay()
    this.thread.start()
    this.house.start()
  }

  /** A device's right ends, and everybody hears of it in the daemon's order. */
  revoke(device: string): void {
    this.#inputs.calls({ kind: 'revoked', device })
    this.#inputs.signalling({ kind: 'revoked', device })
    this.#later(() => this.house.revoke(device))
    this.#inputs.relay({ kind: 'revoked', device })
  }

  /** Somebody was added, or whom calls ring at is another. */
  peopleChanged(): void {
    this.#inputs.signalling({ kind: 'peopleChanged' })
  }

  open(remote: Endpoint, socket: Omit<SimSocket, 'id'>): string | undefined {
    if (!this.up) return undefined
    const id = `socket${++this.#serial}`
    this.#sockets.set(id, { id, receive: m => socket.receive(m), closed: c => socket.closed(c) })
    // An appliance has the first address of each of its networks.
    const local = { address: remote.address.replace(/[0-9]+$/, '1'), port: 443 }
    this.#inputs.signalling({ kind: 'opened', connection: id, remote, local })
    return id
  }

  frame(id: string, text: string): void {
    if (this.#sockets.has(id)) this.#inputs.signalling({ kind: 'frame', connection: id, text })
  }

  /** The client's side is gone and the server is told (a FIN); `left`: with the code of a page that is closed. */
  shut(id: string, left = false): void {
    if (this.#sockets.delete(id)) this.#inputs.signalling({ kind: 'closed', connection: id, left })
  }

  /** The client's side is gone without a word: what is sent there is lost. */
  vanish(id: string): void {
    const socket = this.#sockets.get(id)
    if (socket) this.#sockets.set(id, { id, receive: () => {}, closed: () => {} })
  }

  /** What is not at rest; empty when nothing is going on any more. */
  leftovers(): Record<string, number> {
    const { bindings: _, ...sip } = this.house.machine.sizes
    const { calls: relayCalls, grants, timers: relayTimers } = this.relay.sizes
    const all = {
      ...{ ...sip, openRows: this.calls.sizes.open, callTimers: this.calls.sizes.timers },
      ...{ relayCalls, grants, relayTimers, threadGrants: this.thread.grants.size },
      rememberedGrants: this.#remembered.size,
    }
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0))
  }

  #later(work: () => void): void {
    this.#queue.push(work)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) if (this.up) next()
    this.#busy = false
  }

  #sleeper<Effect>(machine: () => Machine<never, Effect>, carryOut: (effects: Effect[]) => void) {
    return {
      nextWakeup: () => (this.up ? machine().nextWakeup() : undefined),
      wake: () => carryOut(machine().wake(this.network.monotonic())),
    }
  }

  #signallingInput(input: SignallingInput): void {
    this.#signallingEffects(this.signalling.handle(input, this.network.monotonic()))
  }

  #callsInput(input: CallInput): void {
    this.#callEffects(this.calls.handle(input, this.network.monotonic()))
  }

  #signallingEffects(effects: readonly SignallingEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'sendFrame') {
        const socket = this.#sockets.get(effect.connection)
        this.network.later(this.network.streamMilliseconds, () =>
          socket?.receive(JSON.parse(effect.text) as ServerMessage),
        )
      } else if (effect.kind === 'closeConnection') this.#close(effect.connection, effect.code)
      else if (effect.kind === 'saveDoNotDisturb') {
        if (effect.on) this.doNotDisturb.add(effect.user)
        else this.doNotDisturb.delete(effect.user)
        this.#inputs.signalling({ kind: 'peopleChanged' })
      } else passSignallingEffect(effect, this.#inputs)
    }
  }

  #callEffects(effects: readonly CallEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'save') {
        this.rows.set(effect.row.id, effect.row)
        this.#kept.set(effect.row.id, effect)
      }
      passCallEffect(effect, this.#inputs)
    }
  }

  #relayInput(input: RelayInput): void {
    this.#relayEffects(this.relay.handle(input, this.network.monotonic()))
  }

  #relayEffects(effects: readonly RelayEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'openGrant' || effect.kind === 'closeGrant') this.thread.order(effect)
      else if (effect.kind === 'remember') this.#remembered.set(effect.call, effect.reason)
      else if (effect.kind === 'forget') this.#remembered.delete(effect.call)
      else if (effect.kind === 'note') this.relayNotes.push(effect.reason)
      else passRelayEffect(effect, this.#inputs)
    }
  }

  #reached({ device, reachable, transport, remote, local }: Extract<SipEffect, { kind: 'reachable' }>): void {
    const flow = { remote: remote.address, local: local.address, client: transport === 'hosted' }
    if (reachable) this.#flows.set(device, flow)
    else this.#flows.delete(device)
  }

  #newRelay(): RelayMachine {
    return new RelayMachine({
      policy: this.policy,
      networks: [],
      remembered: [...this.#remembered].map(([call, reason]) => ({ call, reason })),
      ports: {
        random: this.network.random,
        callOf: id => {
          const row = this.calls.find(id)
          if (row === undefined) return undefined
          const { callerDevice, calleeDevice, ledger } = row
          const answered = row.answeredAt !== undefined
          return { callerDevice, calleeDevice, answered, ended: row.endedAt !== undefined, ledger }
        },
        flowOf: device => this.#flows.get(device),
        ownAddresses: () => ownAddresses,
        turnPorts: () => (this.thread.up ? { plain: 3478, tls: 5349 } : undefined),
      },
    })
  }

  #close(id: string, code: number): void {
    const socket = this.#sockets.get(id)
    this.#sockets.delete(id)
    if (socket === undefined) return
    this.network.later(this.network.streamMilliseconds, () => socket.closed(code))
    this.#inputs.signalling({ kind: 'closed', connection: id, left: false })
  }

  #newCalls(): CallsMachine {
    const kept = [...this.#kept.values()]
    return new CallsMachine({
      epoch: now => (1_800_000_000_000 + now) as never,
      open: kept.filter(({ row }) => row.endedAt === undefined),
      recent: kept.flatMap(({ row }) => (row.endedAt === undefined ? [] : row)).reverse(),
      now: this.network.monotonic(),
    })
  }

  #newSignalling(): SignallingMachine {
    return new SignallingMachine({ devices: this.#devices(), callLog: this.calls, version: 'test' })
  }

  /** A device's token is `token of <device>`. */
  #devices(): Devices {
    const identities = this.#users.flatMap(user =>
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map(number => ({
        device: `${user}-${number}`,
        user,
        displayName: user.toUpperCase(),
      })),
    )
    const byHash = new Map(
      identities.map(each => [createHash('sha256').update(`token of ${each.device}`).digest('hex'), each]),
    )
    const person = (user: string) => ({
      user,
      displayName: user.toUpperCase(),
      number: String(20 + this.#users.indexOf(user)),
      doNotDisturb: this.doNotDisturb.has(user),
      role: 'member' as const,
      seenByGuests: false,
      alsoRings: this.house.alsoRings.get(user) ?? [],
      doorKeys: '',
    })
    return {
      byTokenHash: hash => {
        const known = byHash.get(hash)
        return known && !this.house.removedDevices.has(known.device) ? known : undefined
      },
      people: () => this.#users.map(person),
      person: user => (this.#users.includes(user) ? person(user) : undefined),
      place: () => 'here',
      staySeconds: () => null,
      joinAsks: () => [],
      quiet: user => ({ byHand: this.doNotDisturb.has(user), within: false, hours: null }),
      untilHoursTurn: () => undefined,
    }
  }
}
