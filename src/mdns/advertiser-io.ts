/**
 * The advertiser as the daemon has it: chooses a way (`choice.ts`), and drives our own responder (`machine.ts`, `io.ts`)
 * or the avahi-daemon of this machine (`avahi.ts`) on it. Both are told what is to be published; one is on the network.
 */
import type { Clock } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import type { Random } from '../core/random.ts'
import { type BusAnswer, type BusSignal, SystemBus } from '../runtime/dbus.ts'
import { Driver } from '../runtime/driver.ts'
import type { OwnLink } from '../runtime/interfaces.ts'
import { AvahiMachine, avahiName, groupInterface } from './avahi.ts'
import { Choice } from './choice.ts'
import { MdnsIo } from './io.ts'
import { MdnsMachine } from './machine.ts'
import type {
  AvahiEffect,
  AvahiInput,
  ChoiceEffect,
  ChoiceInput,
  MdnsEffect,
  MdnsInput,
  MdnsWish,
  Publication,
} from './message.ts'

export interface AdvertiserOptions {
  readonly wish: MdnsWish
  readonly busSocketPath: string
  readonly clock: Clock
  readonly random: Random
  /** What is to be said now. */
  readonly publication: () => Publication
  /** This host name is ours; another than the published one is to be kept, and published from now on. */
  readonly onEstablished: (hostname: string) => void
  readonly onInstanceRenamed: (from: string, to: string) => void
  /** What to tell whoever looks after the machine; `undefined` when all is well again. */
  readonly onTrouble: (trouble: string | undefined) => void
  readonly onNote: (reason: string, detail: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

export interface AdvertiserState {
  readonly way: 'builtin' | 'avahi'
  readonly hostname: string | undefined
  readonly probing: boolean
  /** What happened, and what to do. */
  readonly trouble: string | undefined
}

const bus = 'org.freedesktop.DBus'

/** What changes within this time is told to the network together. */
const publishMilliseconds = 100
/** On a busy exchange, where each call may change it, it is put together no more often. */
const publishEveryMilliseconds = 1_000

export class Advertiser {
  readonly #options: AdvertiserOptions
  readonly #choice: Choice
  readonly #chooser: Driver<ChoiceInput, ChoiceEffect>
  readonly #responder: MdnsMachine
  readonly #mdns: Driver<MdnsInput, MdnsEffect>
  readonly #io: MdnsIo
  readonly #publisher = new AvahiMachine()
  readonly #avahi: Driver<AvahiInput, AvahiEffect>
  #bus: SystemBus | undefined
  /** The connection avahi-daemon is on the bus by. */
  #owner = ''
  /** Why there is no bus, as the system says it; undefined when there is. */
  #busTrouble: string | undefined
  /** Whether avahi-daemon is there was found out once. */
  #looked = false
  #portTrouble: string | undefined
  #portWanted = false
  #told: string | undefined
  #links: readonly OwnLink[] = []
  #publishing: NodeJS.Timeout | undefined
  #publishedAt = -publishEveryMilliseconds
  /** What was told last, as text. */
  #published = ''
  #stopped = false

  constructor(options: AdvertiserOptions) {
    this.#options = options
    this.#choice = new Choice(options.wish)
    this.#chooser = this.#drive(this.#choice, effect => this.#carryOutChoice(effect))
    this.#responder = new MdnsMachine({ random: options.random })
    this.#mdns = this.#drive(this.#responder, effect => this.#carryOut(effect))
    this.#avahi = this.#drive(this.#publisher, effect => this.#carryOut(effect))
    this.#io = new MdnsIo({
      input: this.#mdns.input,
      onState: trouble => {
        this.#portTrouble = trouble?.detail
        this.#chooser.input({ kind: 'port', state: trouble?.held ? 'held' : 'open' })
        this.#tell()
      },
      onNote: options.onNote,
    })
  }

  get state(): AdvertiserState {
    const { wish } = this.#options
    const way = this.#choice.way
    const { hostname, probing, trouble } = { trouble: undefined, ...this.#machine.state }
    const shown = way ?? (wish === 'avahi' ? 'avahi' : 'builtin')
    if (way === undefined) return { way: shown, hostname, probing: true, trouble: this.#noWay() }
    return { way: shown, hostname, probing, trouble: way === 'avahi' ? trouble : this.#portTrouble }
  }

  start(links: readonly OwnLink[]): void {
    this.#links = links
    this.#publish()
    this.#avahi.input({ kind: 'links', links })
    this.#chooser.input({ kind: 'begin' })
  }

  linksChanged(links: readonly OwnLink[]): void {
    this.#links = links
    this.#avahi.input({ kind: 'links', links })
    if (this.#portWanted) void this.#io.update(links)
  }

  /** The publication may be another one now. */
  changed(): void {
    if (this.#stopped || this.#publishing !== undefined) return
    const early = this.#publishedAt + publishEveryMilliseconds - this.#options.clock.monotonic()
    this.#publishing = setTimeout(
      () => {
        this.#publishing = undefined
        this.#publishedAt = this.#options.clock.monotonic()
        this.#publish()
      },
      Math.max(publishMilliseconds, early),
    )
  }

  /** Says goodbye to everything. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#publishing)
    this.#mdns.input({ kind: 'stop' })
    this.#avahi.input({ kind: 'stop' })
    this.#chooser.stop()
  }

  close(): void {
    for (const driver of [this.#chooser, this.#mdns, this.#avahi]) driver.stop()
    this.#io.close()
    this.#bus?.close()
  }

  #publish(): void {
    const publication = this.#options.publication()
    // It is asked after each call and registration, and most change nothing of it.
    const text = JSON.stringify(publication)
    if (text === this.#published) return
    this.#published = text
    this.#mdns.input({ kind: 'publish', publication })
    this.#avahi.input({ kind: 'publish', publication })
  }

  get #machine(): MdnsMachine | AvahiMachine {
    return this.#choice.way === 'avahi' ? this.#publisher : this.#responder
  }

  #drive<Input extends { readonly kind: string }, Effect extends { readonly kind: string }>(
    machine: Machine<Input, Effect>,
    carryOut: (effect: Effect) => void,
  ): Driver<Input, Effect> {
    const { clock, onFault } = this.#options
    return new Driver({ machine, clock, carryOut, onFault })
  }

  // Effects

  #carryOutChoice(effect: ChoiceEffect): void {
    switch (effect.kind) {
      case 'port':
        this.#portWanted = effect.wanted
        void (effect.wanted ? this.#io.update(this.#links) : this.#io.release())
        break
      case 'bus':
        if (effect.wanted) this.#openBus()
        else this.#closeBus()
        break
      case 'avahi':
        this.#avahi.input({ kind: effect.used ? 'present' : 'absent' })
    }
    this.#tell()
  }

  #carryOut(effect: MdnsEffect | AvahiEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#io.carryOut(effect)
      case 'call':
        return this.#ask(effect)
      case 'established':
        return this.#options.onEstablished(effect.hostname)
      case 'instanceRenamed':
        return this.#options.onInstanceRenamed(effect.from, effect.to)
      case 'note':
        return this.#options.onNote(effect.reason, effect.detail)
    }
  }

  #ask({ id, call }: Extract<AvahiEffect, { kind: 'call' }>): void {
    // To this very avahi-daemon: one that comes after it does not know what is spoken of.
    const addressed = { ...call, destination: this.#owner }
    if (id === undefined) return this.#bus?.tell(addressed)
    this.#bus?.call(addressed, answer => {
      this.#avahi.input({ ...inputOf(answer), call: id })
      this.#tell()
    })
  }

  // The bus

  #openBus(): void {
    this.#busTrouble = undefined
    this.#looked = false
    const opened = new SystemBus({
      socketPath: this.#options.busSocketPath,
      matches: [
        `type='signal',sender='${bus}',interface='${bus}',member='NameOwnerChanged',arg0='${avahiName}'`,
        `type='signal',sender='${avahiName}',interface='${groupInterface}'`,
      ],
      onUp: () => {
        this.#busTrouble = undefined
        const path = '/org/freedesktop/DBus'
        const call = { destination: bus, path, interface: bus, member: 'GetNameOwner', signature: 's' }
        opened.call({ ...call, body: [avahiName] }, answer => {
          this.#looked = true
          // Refused: nobody has that name.
          if (answer.kind === 'done') this.#ownerIs(answer.body[0])
          this.#tell()
        })
      },
      onDown: why => {
        this.#busTrouble = why
        this.#looked = true
        this.#ownerIs('')
        this.#tell()
      },
      onSignal: signal => this.#heard(signal),
      onFault: this.#options.onFault,
    })
    this.#bus = opened
  }

  #closeBus(): void {
    this.#bus?.close()
    this.#bus = undefined
    this.#owner = ''
  }

  #heard({ sender, path, interface: from, member, body }: BusSignal): void {
    if (sender === bus && member === 'NameOwnerChanged' && body[0] === avahiName) {
      this.#ownerIs(body[2])
    } else if (sender === this.#owner && from === groupInterface && member === 'StateChanged') {
      const [state] = body
      if (typeof state === 'number') this.#avahi.input({ kind: 'groupState', path, state })
    }
    this.#tell()
  }

  #ownerIs(owner: unknown): void {
    if (typeof owner !== 'string' || owner === this.#owner) return
    if (this.#owner !== '') this.#chooser.input({ kind: 'avahi', present: false })
    this.#owner = owner
    if (owner !== '') this.#chooser.input({ kind: 'avahi', present: true })
  }

  // What is told

  /** Why nothing is published, and what to do; undefined while it is not known yet. */
  #noWay(): string | undefined {
    const { wish, busSocketPath } = this.#options
    const held = 'another program holds UDP port 5353 and lets nobody share it'
    if (wish === 'builtin') return `${held}: stop that program, or set mdns.mode = "auto"`
    if (!this.#looked) return undefined
    const missing =
      this.#busTrouble === undefined
        ? 'avahi-daemon is not running'
        : `the system bus at ${busSocketPath} cannot be reached (${this.#busTrouble})`
    if (wish === 'avahi') return `${missing}: start avahi-daemon, or set mdns.mode = "auto"`
    if (this.#portWanted) return `${held}, and ${missing}: stop that program, or start avahi-daemon`
    return `${missing}: start it again; UDP port 5353 is left to it for half a minute, then taken`
  }

  #tell(): void {
    const { trouble } = this.state
    if (trouble === this.#told) return
    this.#told = trouble
    this.#options.onTrouble(trouble)
  }
}

function inputOf(
  answer: BusAnswer,
): { kind: 'answered'; body: readonly unknown[] } | { kind: 'refused'; name: string; detail: string } {
  return answer.kind === 'done' ? { kind: 'answered', body: answer.body } : answer
}
