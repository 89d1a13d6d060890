/** What is counted, as Prometheus text. Labels are the stable words of `note` effects, so they are bounded. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export class Metrics {
  readonly registry = new Registry()
  readonly #notes = new Counter({
    name: 'lanline_notes_total',
    help: 'Refusals, drops and faults, by room and reason.',
    labelNames: ['room', 'reason'],
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  note(room: string, reason: string, count = 1): void {
    this.#notes.inc({ room, reason }, count)
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
