/** The rim of Help: remembers what taps tell, gathers the facts for a question, writes what it remembers now and then. */
import type { CallRow } from '../calls/message.ts'
import type { Epoch } from '../core/clock.ts'
import { realClock } from '../runtime/clock.ts'
import { diagnose } from './diagnose.ts'
import { Incidents, keyOf } from './incidents.ts'
import type { CallFacts, Diagnosis, Incident, IncidentFact, NetworkTable } from './message.ts'
import { networkTable } from './networks.ts'
import type { HelpPorts, IncidentStore } from './ports.ts'

/** Calls of a person so long before and after the asked time are looked at, and so many of them closely. */
const windowMilliseconds = 12 * 3_600_000
const closeCalls = 4

export class HelpIo {
  readonly #ports: HelpPorts
  readonly #store: IncidentStore
  readonly #incidents: Incidents
  readonly #onFailure: (error: unknown) => void

  constructor(options: {
    readonly ports: HelpPorts
    readonly store: IncidentStore
    readonly kept: readonly Incident[]
    readonly onFailure: (error: unknown) => void
  }) {
    this.#ports = options.ports
    this.#store = options.store
    this.#incidents = new Incidents(options.kept)
    this.#onFailure = options.onFailure
  }

  readonly happened = (fact: IncidentFact): void => this.#incidents.happened(fact, realClock.epoch())

  readonly ended = (fact: IncidentFact): void => this.#incidents.ended(fact, realClock.epoch())

  readonly spanned = (fact: IncidentFact, at: Epoch, until: Epoch): void =>
    this.#incidents.spanned(fact, at, until)

  incidents(): readonly Incident[] {
    return this.#incidents.all()
  }

  /** Without a time: now, and what is going on or was last. */
  readonly diagnose = async (user: string, asked: Epoch | undefined): Promise<Diagnosis> => {
    const at = asked ?? realClock.epoch()
    const { people, appliance, callsBetween } = this.#ports
    const rows = await callsBetween(user, at - windowMilliseconds, at + windowMilliseconds)
    const calls = [...rows].sort((a, b) => away(a, at) - away(b, at))
    const facts: CallFacts[] = []
    // One after another: each is a call's whole trace in memory.
    for (const row of calls.slice(0, closeCalls)) facts.push(await this.#ports.factsOf(row))
    const told = diagnose({
      asked: { user, at },
      people: people(),
      calls: facts,
      incidents: this.#incidents.all(),
      appliance: appliance(),
      networks: this.#ports.networks(),
    })
    return { ...told, calls }
  }

  readonly networks = async (): Promise<NetworkTable> =>
    networkTable(await this.#ports.networked(), this.#ports.networks())

  readonly flush = async (): Promise<void> => {
    const failing = this.#incidents.all().find(one => one.kind === 'notWritten' && one.until === undefined)
    const changed = this.#incidents.takeChanged()
    // Where writes fail this tries whether they still do.
    if (failing !== undefined) changed.set(keyOf(failing), failing)
    if (changed.size === 0) return
    try {
      await this.#store.save(changed)
      if (failing !== undefined) this.ended({ kind: 'notWritten' })
    } catch (error) {
      this.#onFailure(error)
    }
  }
}

/** How far from that moment a call was; nothing while it went on. */
function away({ startedAt, endedAt }: CallRow, at: Epoch): number {
  if (at < startedAt) return startedAt - at
  return endedAt === undefined || at <= endedAt ? 0 : at - endedAt
}
