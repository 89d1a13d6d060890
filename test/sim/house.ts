/** The SIP machine on the simulated network, with accounts and a store that live in memory and survive a restart. */
import { hash } from 'node:crypto'
import type { Endpoint } from '../../src/core/endpoint.ts'
import { type SipLimits, SipMachine } from '../../src/sip/machine.ts'
import {
  type AgentCommand,
  type AgentEvent,
  type AskedPhone,
  type BindingRow,
  type CallEvent,
  type Credential,
  type Flow,
  type SipEffect,
  type SipInput,
  type Transport,
  udpFlow,
} from '../../src/sip/message.ts'
import type { Accounts, OngoingCall } from '../../src/sip/ports.ts'
import type { SimNetwork } from './network.ts'

export const realm = 'lanline'
export const houseAddress = '10.0.0.1'

/** One end of a simulated connection, as the client holds it. */
export interface SimStream {
  send(bytes: Uint8Array): void
  close(): void
  readonly local: Endpoint
}

interface Open {
  readonly flow: Flow
  readonly receive: (bytes: Uint8Array) => void
  readonly closed: () => void
}

export class SimHouse {
  readonly network: SimNetwork
  readonly local: Endpoint = { address: houseAddress, port: 5060 }
  readonly calls: CallEvent[] = []
  readonly notes: string[] = []
  readonly agentEvents: { device: string; event: AgentEvent }[] = []
  readonly reachable: { device: string; reachable: boolean }[] = []
  /** Where each device was last said to be reached. */
  readonly reachedAt = new Map<string, string>()
  readonly rows = new Map<string, BindingRow & { writtenAt: number }>()
  readonly doNotDisturb = new Set<string>()
  readonly alsoRings = new Map<string, readonly string[]>()
  readonly removedDevices = new Set<string>()
  readonly guests = new Set<string>()
  /** What a log of calls knows, by what was told of them. */
  ongoing = (call: string): OngoingCall | undefined => {
    const told = this.calls.filter(event => event.call === call)
    if (told.length === 0 || told.some(({ kind }) => kind === 'ended')) return undefined
    const answered = told.find(event => event.kind === 'answered')
    return { isOfBefore: this.calls.indexOf(told[0]!) < this.#toldBefore, takenBy: answered?.callee.device }
  }
  /** Whom a caller may know. */
  mayCall: (caller: string, callee: string) => boolean = () => true
  /** How long the store takes; `Infinity`: it never answers. `'fails'`: it says no. */
  saving: number | 'fails' = 1
  saves = 0
  /** Sees every effect as it is carried out. */
  observe: (effect: SipEffect) => void = () => {}
  machine: SipMachine
  readonly #users: string[]
  readonly #limits: Partial<SipLimits>
  readonly #open = new Map<string, Open>()
  readonly #listeners = new Map<string, (stream: SimStream) => Omit<Open, 'flow'>>()
  #flows = 0
  #toldBefore = 0
  #up = true
  #generation = 0

  /** Each user `name` has devices `name-1` to `name-9` with digest users of the same names, passwords `secret`. */
  constructor(network: SimNetwork, users: string[], limits: Partial<SipLimits> = {}) {
    this.network = network
    this.#users = users
    this.#limits = limits
    this.machine = this.#build()
    network.bind(this.local, (from, bytes) =>
      this.#handle({ kind: 'received', flow: udpFlow(this.local, from), bytes }),
    )
    network.addSleeper({
      nextWakeup: () => (this.#up ? this.machine.nextWakeup() : undefined),
      wake: now => this.#carryOut(this.machine.wake(now)),
    })
  }

  /** The process is gone; connections are cut without a word to anybody. */
  stop(): void {
    this.#up = false
    this.#generation++
    for (const { closed } of this.#open.values()) closed()
    this.#open.clear()
  }

  start(): void {
    this.#up = true
    this.#toldBefore = this.calls.length
    this.machine = this.#build()
  }

  agent(device: string, command: AgentCommand): void {
    this.#handle({ kind: 'agent', device, command })
  }

  ask(asked: AskedPhone): void {
    this.#handle({ kind: 'ask', ...asked })
  }

  revoke(device: string): void {
    this.removedDevices.add(device)
    this.#handle({ kind: 'revoked', device })
  }

  /** A client opens a connection. */
  connect(
    transport: Exclude<Transport, 'udp' | 'hosted'>,
    remote: Endpoint,
    receive: (bytes: Uint8Array) => void,
    closed: () => void,
  ): SimStream {
    const flow: Flow = { id: `${transport}${++this.#flows}`, transport, local: this.local, remote }
    return this.#stream(flow, { receive, closed })
  }

  /** A client listens for connections of the house. */
  listen(endpoint: Endpoint, accept: (stream: SimStream) => Omit<Open, 'flow'>): void {
    this.#listeners.set(`${endpoint.address}/${endpoint.port}`, accept)
  }

  /** Events of one call, in short. */
  callLog(): string[] {
    return this.calls.map(event =>
      event.kind === 'ended' ? `ended ${event.by} ${event.code} ${event.reason}` : event.kind,
    )
  }

  #stream(flow: Flow, client: Omit<Open, 'flow'>): SimStream {
    this.#open.set(flow.id, { flow, ...client })
    const late = this.network.streamMilliseconds
    return {
      local: flow.remote,
      send: bytes =>
        this.network.later(late, () => {
          if (this.#open.has(flow.id)) this.#handle({ kind: 'received', flow, bytes })
        }),
      close: () =>
        this.network.later(late, () => {
          if (this.#open.delete(flow.id)) this.#handle({ kind: 'flowClosed', flow })
        }),
    }
  }

  #build(): SipMachine {
    const now = this.network.monotonic()
    const bindings = [...this.rows.values()].map(({ writtenAt, ...row }) => ({
      ...row,
      remainingMilliseconds: writtenAt + row.expiresSeconds * 1_000 - now,
    }))
    return new SipMachine({
      accounts: this.#accounts(),
      callLog: { ongoing: call => this.ongoing(call) },
      own: { isOwnHost: host => ['lanline.local', 'lanline', houseAddress, 'localhost'].includes(host) },
      identity: {
        realm,
        tokenKey: Buffer.alloc(32, 7),
        nonceKey: Buffer.from(`nonce key ${++this.#generation}`.padEnd(32)),
      },
      random: this.network.random,
      bindings,
      now,
      domain: 'lanline.local',
      limits: this.#limits,
    })
  }

  #accounts(): Accounts {
    const userOf = (device: string): string | undefined => {
      const user = /^(.*)-[1-9]$/.exec(device)?.[1]
      return user !== undefined && this.#users.includes(user) && !this.removedDevices.has(device)
        ? user
        : undefined
    }
    return {
      byDigestUser: (device): Credential | undefined => {
        const user = userOf(device)
        if (user === undefined) return undefined
        const secret = `${device}:${realm}:secret`
        return { device, user, ha1Md5: hash('md5', secret), ha1Sha256: hash('sha256', secret) }
      },
      user: name =>
        this.#users.includes(name)
          ? {
              name,
              displayName: name.toUpperCase(),
              doNotDisturb: this.doNotDisturb.has(name),
              alsoRings: this.alsoRings.get(name) ?? [],
            }
          : undefined,
      userOfDevice: userOf,
      mayCall: (caller, callee) => this.mayCall(caller, callee),
      isGuest: user => this.guests.has(user),
      personOf: name => (this.#users.includes(name) ? name : userOf(name)),
    }
  }

  #handle(input: SipInput): void {
    if (this.#up) this.#carryOut(this.machine.handle(input, this.network.monotonic()))
  }

  #carryOut(effects: readonly SipEffect[]): void {
    for (const effect of effects) this.#effect(effect)
  }

  #effect(effect: SipEffect): void {
    this.observe(effect)
    switch (effect.kind) {
      case 'send':
        this.#send(effect.flow, effect.bytes)
        break
      case 'connect':
        this.#connectOut(effect.ticket, effect.transport, effect.remote)
        break
      case 'close':
        this.#close(effect.flow)
        break
      case 'saveBindings':
        this.#save(effect)
        break
      case 'reachable':
        this.reachable.push({ device: effect.device, reachable: effect.reachable })
        if (effect.reachable) this.reachedAt.set(effect.device, effect.remote.address)
        else this.reachedAt.delete(effect.device)
        break
      case 'agentEvent':
        this.agentEvents.push({ device: effect.device, event: effect.event })
        break
      case 'call':
        this.calls.push(effect.event)
        break
      case 'note':
        this.notes.push(effect.reason)
        break
    }
  }

  #send(flow: Flow, bytes: Uint8Array): void {
    // The machine may reuse nothing of what it handed out, but a copy keeps the two sides honest.
    const copy = bytes.slice()
    if (flow.transport === 'udp') return this.network.datagram(flow.local, flow.remote, copy)
    this.network.later(this.network.streamMilliseconds, () => this.#open.get(flow.id)?.receive(copy))
  }

  #close(flow: Flow): void {
    const open = this.#open.get(flow.id)
    if (open === undefined) return
    this.#open.delete(flow.id)
    open.closed()
    this.#handle({ kind: 'flowClosed', flow })
  }

  #connectOut(ticket: number, transport: 'tcp' | 'tls', remote: Endpoint): void {
    const generation = this.#generation
    this.network.later(2 * this.network.streamMilliseconds, () => {
      if (generation !== this.#generation) return
      const accept = this.#listeners.get(`${remote.address}/${remote.port}`)
      if (accept === undefined) return this.#handle({ kind: 'connectFailed', ticket })
      const flow: Flow = { id: `${transport}${++this.#flows}`, transport, local: this.local, remote }
      let client: Omit<Open, 'flow'> | undefined
      const stream = this.#stream(flow, {
        receive: bytes => client?.receive(bytes),
        closed: () => client?.closed(),
      })
      client = accept(stream)
      this.#handle({ kind: 'connected', ticket, flow })
    })
  }

  #save(effect: SipEffect & { kind: 'saveBindings' }): void {
    const { ticket, put, remove } = effect
    const generation = this.#generation
    this.saves++
    const fails = this.saving === 'fails'
    this.network.later(typeof this.saving === 'number' ? this.saving : 1, () => {
      if (generation !== this.#generation) return
      if (!fails) {
        for (const row of put) this.rows.set(row.key, { ...row, writtenAt: this.network.monotonic() })
        for (const key of remove) this.rows.delete(key)
      }
      if (ticket !== undefined) this.#handle({ kind: fails ? 'saveFailed' : 'saved', ticket })
    })
  }
}
