/**
 * When to capture: from the first word of a call, so that the program runs before its checks do, until its last one is
 * over; one thread for all calls. What it cannot do is told once. It knows no processes: `watch-io.ts` does.
 *
 *   idle      a call begins                 → starting
 *   starting  the program runs              → running;  it does not → resting
 *   running   no call for a while           → idle;     the program ends → resting
 *   resting   some time later, if there are calls → starting
 */
import { after, type Monotonic, minutes, seconds } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { PartyRole } from '../turn/message.ts'

export const watchLimits = {
  /** Followed at once; others have no capture. */
  calls: 128,
  /** After the end, so that what the program and the kernel hold back has come. */
  settleMilliseconds: 2_500,
  /** The next call may come soon. */
  lingerMilliseconds: seconds(10),
  restMilliseconds: minutes(1),
  /** Calls that never end are followed no longer than this. */
  longestMilliseconds: minutes(24 * 60),
} as const

export type WatchInput =
  /** A party's description named this ICE user fragment (RFC 8445 §5.3). */
  | { readonly kind: 'ufrag'; readonly call: string; readonly party: PartyRole; readonly ufrag: string }
  | { readonly kind: 'over'; readonly call: string; readonly answered: boolean }
  | { readonly kind: 'running'; readonly program: string }
  | { readonly kind: 'lost'; readonly why: string }

export type WatchEffect =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'know'; readonly call: string; readonly party: PartyRole; readonly ufrag: string }
  /** Say what was seen of it, and forget it. */
  | { readonly kind: 'conclude'; readonly call: string }
  | { readonly kind: 'forget'; readonly call: string }
  /** For the owner of the appliance. */
  | { readonly kind: 'tell'; readonly what: WatchWord; readonly detail: string }

/** `noCapture`: it could not be begun. `captureLost`: it ended by itself. */
export type WatchWord = 'capturing' | 'noCapture' | 'captureLost'

type State = 'idle' | 'starting' | 'running' | 'resting'

export class Watch implements Machine<WatchInput, WatchEffect> {
  readonly #calls = new Set<string>()
  readonly #timers = new TimerTable<string>()
  #state: State = 'idle'
  #toldProgram = ''
  /** Told, and not overcome: a loss that comes again each time is told once. */
  #trouble = ''

  get state(): State {
    return this.#state
  }

  get calls(): number {
    return this.#calls.size
  }

  handle(input: WatchInput, now: Monotonic): WatchEffect[] {
    switch (input.kind) {
      case 'ufrag': {
        const { call, party, ufrag } = input
        const effects = this.#follow(call, now)
        return this.#calls.has(call) ? [...effects, { kind: 'know', call, party, ufrag }] : effects
      }
      case 'over':
        return this.#over(input.call, input.answered, now)
      case 'running':
        if (this.#state === 'starting') this.#state = 'running'
        if (this.#toldProgram === input.program) return []
        this.#toldProgram = input.program
        return [{ kind: 'tell', what: 'capturing', detail: input.program }]
      case 'lost': {
        if (this.#state !== 'starting' && this.#state !== 'running') return []
        const what = this.#state === 'running' ? 'captureLost' : 'noCapture'
        this.#state = 'resting'
        this.#timers.set('rest', after(now, watchLimits.restMilliseconds))
        if (this.#trouble === input.why) return []
        this.#trouble = input.why
        return [{ kind: 'tell', what, detail: input.why }]
      }
    }
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): WatchEffect[] {
    const effects: WatchEffect[] = []
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      if (name === 'rest') {
        this.#state = 'idle'
        if (this.#calls.size > 0) effects.push(...this.#start())
      } else if (name === 'linger') {
        if (this.#calls.size > 0 || this.#state === 'idle' || this.#state === 'resting') continue
        if (this.#state === 'running') this.#trouble = ''
        this.#state = 'idle'
        effects.push({ kind: 'stop' })
      } else {
        const [what, call] = name.split(' ') as ['conclude' | 'longest', string]
        effects.push({ kind: what === 'conclude' ? 'conclude' : 'forget', call })
        this.#end(call, now)
      }
    }
    return effects
  }

  #follow(call: string, now: Monotonic): WatchEffect[] {
    if (this.#calls.has(call) || this.#calls.size === watchLimits.calls) return []
    this.#calls.add(call)
    this.#timers.clear('linger')
    this.#timers.set(`longest ${call}`, after(now, watchLimits.longestMilliseconds))
    return this.#state === 'idle' ? this.#start() : []
  }

  #over(call: string, answered: boolean, now: Monotonic): WatchEffect[] {
    if (!this.#calls.has(call)) return []
    if (answered && this.#state === 'running') {
      const name = `conclude ${call}`
      if (!this.#timers.has(name)) this.#timers.set(name, after(now, watchLimits.settleMilliseconds))
      return []
    }
    this.#end(call, now)
    return [{ kind: 'forget', call }]
  }

  #end(call: string, now: Monotonic): void {
    this.#timers.clear(`longest ${call}`)
    this.#timers.clear(`conclude ${call}`)
    if (this.#calls.delete(call) && this.#calls.size === 0) {
      this.#timers.set('linger', after(now, watchLimits.lingerMilliseconds))
    }
  }

  #start(): WatchEffect[] {
    this.#state = 'starting'
    return [{ kind: 'start' }]
  }
}
