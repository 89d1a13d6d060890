/**
 * Whether every part answers when it is asked, and what is told of that to the service manager: that the whole is ready, what
 * it does, and that it lives. A process whose parts do not is killed and started anew by the manager; where there is none
 * it has to end by itself.
 */
import type { Clock } from '../core/clock.ts'
import { Driver } from './driver.ts'
import type { ServiceManager } from './systemd.ts'
import { Vitals, type VitalsEffect, type VitalsInput } from './vitals.ts'

export interface SupervisionOptions {
  /** Undefined where nobody supervises this process. */
  readonly manager: ServiceManager | undefined
  readonly clock: Clock
  /** By name; each resolves with whether that part answers. */
  readonly parts: Readonly<Record<string, () => Promise<boolean>>>
  /** One line on what it does now. */
  readonly status: () => string
  /** These did not answer in time; undefined: all do again. */
  readonly onSilent: (parts: readonly string[] | undefined) => void
  /** These have been silent for too long: there is nothing left but to end. */
  readonly onLost: (parts: readonly string[]) => void
  readonly onFault: (error: unknown, during: string) => void
}

/** Three rounds to a watchdog's time: one that was missed is not the end. */
const roundsToWatchdog = 3
const withoutWatchdogMilliseconds = 10_000
const firstRoundsMilliseconds = 2_000
/** More than a manager's patience, since nobody may be there to start it anew; a card that stalls comes back sooner. */
const lostRounds = 6
/** What changes more often is told this often. */
const statusMilliseconds = 5_000

export class Supervision {
  readonly #options: SupervisionOptions
  readonly #driver: Driver<VitalsInput, VitalsEffect>
  #statusTimer: NodeJS.Timeout | undefined
  #status = ''

  constructor(options: SupervisionOptions) {
    this.#options = options
    const { manager, clock, parts, onFault } = options
    const watchdog = manager?.watchdogMilliseconds
    const roundMilliseconds =
      watchdog === undefined ? withoutWatchdogMilliseconds : watchdog / roundsToWatchdog
    const machine = new Vitals(
      { parts: Object.keys(parts), roundMilliseconds, firstRoundsMilliseconds, lostRounds },
      clock.monotonic(),
    )
    this.#driver = new Driver({ machine, clock, carryOut: effect => this.#carryOut(effect), onFault })
  }

  stopping(): void {
    this.close()
    this.#options.manager?.tell('STOPPING=1', 'STATUS=stopping')
  }

  close(): void {
    this.#driver.stop()
    clearInterval(this.#statusTimer)
  }

  #carryOut(effect: VitalsEffect): void {
    const { manager, onSilent, onLost } = this.#options
    switch (effect.kind) {
      case 'ask':
        return this.#ask(effect.round)
      case 'ready':
        if (manager === undefined) return
        this.#status = this.#options.status()
        manager.tell('READY=1', `STATUS=${this.#status}`)
        this.#statusTimer = setInterval(() => this.#tellStatus(manager), statusMilliseconds)
        return
      case 'alive':
        if (manager?.watchdogMilliseconds !== undefined) manager.tell('WATCHDOG=1')
        return
      case 'silent':
        return onSilent(effect.parts)
      case 'lost':
        return onLost(effect.parts)
      case 'back':
        return onSilent(undefined)
    }
  }

  #ask(round: number): void {
    for (const [part, answers] of Object.entries(this.#options.parts)) {
      answers().then(
        yes => {
          if (yes) this.#driver.input({ kind: 'answered', round, part })
        },
        error => this.#options.onFault(error, `ask ${part}`),
      )
    }
  }

  #tellStatus(manager: ServiceManager): void {
    const status = this.#options.status()
    if (status === this.#status) return
    this.#status = status
    manager.tell(`STATUS=${status}`)
  }
}
