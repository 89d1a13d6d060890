/** What is counted, as Prometheus text. Labels are the stable words of `note` effects, so they are bounded. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** How often the event loop's lag is looked at: by default a hundred times a second, for which an idle processor is woken. */
const lagEveryMilliseconds = 200

export class Metrics {
  readonly registry = new Registry()
  /** By room and reason. A challenge is one, and a counter with labels takes as long as the rest of it. */
  readonly #notes = new Map<string, Map<string, number>>()

  constructor() {
    collectDefaultMetrics({
      register: this.registry,
      eventLoopMonitoringPrecision: lagEveryMilliseconds,
    })
    const notes = this.#notes
    new Counter({
      name: 'lanline_notes_total',
      help: 'Refusals, drops and faults, by room and reason.',
      labelNames: ['room', 'reason'],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const [room, reasons] of notes)
          for (const [reason, count] of reasons) this.inc({ room, reason }, count)
      },
    })
  }

  note(room: string, reason: string, count = 1): void {
    const reasons = this.#notes.get(room) ?? new Map<string, number>()
    this.#notes.set(room, reasons.set(reason, (reasons.get(reason) ?? 0) + count))
  }

  /** `read` gives the total since the start, and is asked at each scrape. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  /** `read` is asked at each scrape. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}
