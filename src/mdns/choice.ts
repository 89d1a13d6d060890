/**
 * Which way this host is published: by our own responder on UDP 5353, or through the avahi-daemon that holds the port.
 * Pure.
 *
 * | with `auto` | port open | port held, avahi there | port held, no avahi |
 * | ----------- | --------- | ---------------------- | ------------------- |
 * | used        | responder | avahi                  | nothing; both are looked for |
 *
 * An avahi-daemon that lets nobody share the port could not start again if we had taken it meanwhile: when it goes, the
 * port is left to it for a while.
 */
import { after, type Monotonic, seconds } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { ChoiceEffect, ChoiceInput, MdnsWish } from './message.ts'

/** As long as a restart may take, also one for new packages. */
export const leftToAvahiMilliseconds = seconds(30)

export class Choice implements Machine<ChoiceInput, ChoiceEffect> {
  readonly #timers = new TimerTable<'takePort'>()
  readonly #wish: MdnsWish
  #port: { wanted: boolean; state: 'unknown' | 'open' | 'held' }
  #bus: { wanted: boolean; present: boolean }
  #used = false

  constructor(wish: MdnsWish) {
    this.#wish = wish
    this.#port = { wanted: wish !== 'avahi', state: 'unknown' }
    this.#bus = { wanted: wish === 'avahi', present: false }
  }

  /** Undefined while neither way is open. */
  get way(): 'builtin' | 'avahi' | undefined {
    if (this.#used) return 'avahi'
    return this.#port.wanted && this.#port.state !== 'held' ? 'builtin' : undefined
  }

  handle(input: ChoiceInput, now: Monotonic): ChoiceEffect[] {
    if (input.kind === 'begin') {
      return [
        { kind: 'port', wanted: this.#port.wanted },
        { kind: 'bus', wanted: this.#bus.wanted },
      ]
    }
    if (input.kind === 'port') {
      if (!this.#port.wanted) return []
      this.#port.state = input.state
      return this.#decide()
    }
    const gone = this.#bus.present && !input.present
    this.#bus.present = input.present
    if (input.present) this.#timers.clear('takePort')
    if (gone && this.#used && this.#wish === 'auto') {
      this.#timers.set('takePort', after(now, leftToAvahiMilliseconds))
    }
    return this.#decide()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): ChoiceEffect[] {
    return this.#timers.take(now) === undefined ? [] : this.#decide()
  }

  #decide(): ChoiceEffect[] {
    if (this.#wish === 'builtin') return []
    if (this.#wish === 'avahi') return this.#use(this.#bus.present)
    const held = this.#port.state === 'held'
    const byAvahi = this.#bus.present && held
    const waits = this.#timers.has('takePort')
    return [
      ...this.#use(byAvahi),
      ...this.#wantBus(held),
      // While avahi publishes for us, the port is its; asking for it again and again would be in its way.
      ...this.#wantPort(!byAvahi && !waits),
    ]
  }

  #use(used: boolean): ChoiceEffect[] {
    if (used === this.#used) return []
    this.#used = used
    return [{ kind: 'avahi', used }]
  }

  #wantBus(wanted: boolean): ChoiceEffect[] {
    if (wanted === this.#bus.wanted) return []
    this.#bus = { wanted, present: false }
    return [{ kind: 'bus', wanted }]
  }

  #wantPort(wanted: boolean): ChoiceEffect[] {
    if (wanted === this.#port.wanted) return []
    this.#port.wanted = wanted
    return [{ kind: 'port', wanted }]
  }
}
