/**
 * The rim of the relay: the machine that decides, the thread that relays, and between them orders and words. Where
 * devices are reached is kept here, as SIP and the channel tell it.
 */
import type { Random } from '../core/random.ts'
import { realClock } from '../runtime/clock.ts'
import { Driver } from '../runtime/driver.ts'
import type { DormantAccount, TurnPorts, TurnWord } from '../turn/message.ts'
import { type TurnSetup, TurnThread } from '../turn/thread-io.ts'
import { RelayMachine } from './machine.ts'
import type {
  ManualOutcome,
  ManualWish,
  RelayEffect,
  RelayInput,
  RelayPolicy,
  RelayReason,
} from './message.ts'
import type { PartyFlow, RelayPorts } from './ports.ts'

/** What the machine asks of others than the relay itself. */
export type OutsideEffect = Exclude<RelayEffect, { kind: 'openGrant' | 'closeGrant' | 'manualGrant' }>

export interface RelayIoOptions {
  readonly policy: RelayPolicy
  readonly networks: readonly string[]
  readonly remembered: readonly { readonly call: string; readonly reason: RelayReason }[]
  readonly random: Random
  readonly callOf: RelayPorts['callOf']
  readonly ownAddresses: RelayPorts['ownAddresses']
  /** Of a phone that may hold an allocation by its own password; undefined for every other device. */
  readonly accountOf: (device: string) => DormantAccount | undefined
  readonly setup: () => TurnSetup
  readonly onMoved: (key: string, from: number, to: number) => void
  readonly carryOut: (effect: OutsideEffect) => void
  readonly onNote: (reason: string, detail: string, count: number) => void
  /** Why the relay does not listen; undefined: it does again. */
  readonly onTrouble: (trouble: string | undefined) => void
  readonly onFault: (error: unknown, during: string) => void
}

/** Devices that come and go within this time are told to the relay together. */
const knownMilliseconds = 100

export class RelayIo {
  readonly machine: RelayMachine
  readonly #options: RelayIoOptions
  readonly #driver: Driver<RelayInput, RelayEffect>
  readonly #thread: TurnThread
  readonly #flows = new Map<string, PartyFlow>()
  #known: NodeJS.Timeout | undefined
  #trouble: string | undefined
  /** The owner's wishes that the machine has not answered yet, by ticket. */
  readonly #wishes = new Map<number, (outcome: ManualOutcome) => void>()
  #tickets = 0

  constructor(options: RelayIoOptions) {
    this.#options = options
    const { policy, networks, remembered, random, callOf, ownAddresses, setup, onFault } = options
    this.#thread = new TurnThread({
      setup,
      onReady: () => this.#ready(),
      onLost: why => {
        options.onNote('lost', why, 1)
        this.#isTroubled(why)
        this.input({ kind: 'lost' })
      },
      onWord: word => this.#heard(word),
    })
    this.machine = new RelayMachine({
      ...{ policy, networks, remembered },
      ports: {
        ...{ random, callOf, ownAddresses },
        flowOf: device => this.#flows.get(device),
        turnPorts: () => this.#thread.ports,
      },
    })
    this.#driver = new Driver({
      machine: this.machine,
      clock: realClock,
      carryOut: effect => this.#carryOut(effect),
      onFault,
    })
  }

  readonly input = (input: RelayInput): void => this.#driver.input(input)

  /** Undefined while the relay does not listen; `trouble` then says why. */
  get ports(): TurnPorts | undefined {
    return this.#thread.ports
  }

  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Rejects with `PortError` when a wished port cannot be had. */
  start(): Promise<void> {
    return this.#thread.start()
  }

  /** A device can be reached this way now; undefined: not any more. Then tell the machine by `flowChanged`. */
  reached(device: string, flow: PartyFlow | undefined): void {
    if (flow === undefined) this.#flows.delete(device)
    else this.#flows.set(device, flow)
    this.#tellKnownSoon()
  }

  /** The device has another password: the old one opens nothing any more, the new one may. */
  accountChanged(device: string): void {
    if (this.#flows.has(device)) this.#tellKnownSoon()
  }

  /** The owner's grant outside any call: resolves once the relay has it, or with why not. */
  grant(wish: ManualWish): Promise<ManualOutcome> {
    const ticket = ++this.#tickets
    return new Promise(resolve => {
      this.#wishes.set(ticket, resolve)
      this.input({ kind: 'grantManually', ticket, wish })
    })
  }

  addressesChanged(): void {
    this.#thread.order({ kind: 'addresses', addresses: this.#options.setup().addresses })
    this.input({ kind: 'addressesChanged' })
  }

  certificateRenewed(pair: TurnSetup['certificate']): void {
    this.#thread.order({ kind: 'certificate', ...pair })
  }

  /** Resolves when its thread answers, or when there is none now. */
  answers(): Promise<void> {
    return this.#thread.answers()
  }

  /** Its thread does not answer: another takes its place. */
  giveUp(): void {
    this.#thread.giveUp()
  }

  async close(): Promise<void> {
    clearTimeout(this.#known)
    this.#driver.stop()
    await this.#thread.close()
  }

  /** Said once, however often a new start fails alike. */
  #isTroubled(trouble: string | undefined): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#options.onTrouble(trouble)
  }

  #ready(): void {
    this.#isTroubled(undefined)
    this.#tellKnown()
    this.input({ kind: 'started' })
  }

  #tellKnownSoon(): void {
    this.#known ??= setTimeout(() => this.#tellKnown(), knownMilliseconds)
  }

  #tellKnown(): void {
    clearTimeout(this.#known)
    this.#known = undefined
    const addresses = [...new Set([...this.#flows.values()].map(({ remote }) => remote))]
    const accounts = [...this.#flows]
      .filter(([, { client }]) => !client)
      .flatMap(([device]) => this.#options.accountOf(device) ?? [])
    this.#thread.order({ kind: 'known', known: { addresses, accounts } })
  }

  #carryOut(effect: RelayEffect): void {
    if (effect.kind === 'openGrant') this.#thread.order(effect)
    else if (effect.kind === 'closeGrant') this.#thread.order(effect)
    else if (effect.kind === 'manualGrant') {
      this.#wishes.get(effect.ticket)?.(effect.outcome)
      this.#wishes.delete(effect.ticket)
    } else this.#options.carryOut(effect)
  }

  #heard(word: TurnWord): void {
    switch (word.kind) {
      case 'granted':
      case 'notGranted':
      case 'closed':
        return this.input(word)
      case 'ledgers':
        for (const { call, ledger } of word.ledgers) this.input({ kind: 'ledger', call, ledger })
        return
      case 'moved':
        return this.#options.onMoved(word.key, word.from, word.to)
      case 'notes':
        for (const [reason, count] of Object.entries(word.notes)) this.#options.onNote(reason, '', count)
        return
      case 'fault':
        return this.#options.onFault(word.error, word.during)
    }
  }
}
