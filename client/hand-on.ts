/** The other party of a call is handed on to somebody else: what we asked for, and how that goes. */
import type { EndReason } from '../src/core/end-reason.ts'
import type { PersonName, ServerMessage } from '../src/signalling/message.ts'
import type { Env } from './env.ts'
import { offerLimits } from './offers.ts'

/** `answered`: done, and our call ends by that. `failed`: it goes on as it was. */
export interface HandOn {
  readonly to: PersonName
  readonly state: 'asked' | 'ringing' | 'answered' | 'failed'
  readonly reason: EndReason | undefined
}

export const isUnderWay = (handOn: HandOn | undefined): boolean =>
  handOn?.state === 'asked' || handOn?.state === 'ringing'

/** What the appliance is asked for; `replaces`: the id of our call with them whose place it takes. */
interface Wish {
  readonly to: PersonName
  readonly replaces: string | undefined
}

export class HandingOn {
  readonly #env: Pick<Env, 'setTimeout'>
  readonly #ask: (wish: Wish) => boolean
  readonly #changed: () => void
  #now: HandOn | undefined
  #wish: Wish | undefined

  /** `ask` is false where there is no line, or no call any more. */
  constructor(env: Pick<Env, 'setTimeout'>, ask: (wish: Wish) => boolean, changed: () => void) {
    this.#env = env
    this.#ask = ask
    this.#changed = changed
  }

  get now(): HandOn | undefined {
    return this.#now
  }

  /** False when there is no line, or somebody is asked already. */
  begin(to: PersonName, replaces: string | undefined): boolean {
    const wish = { to, replaces }
    if (isUnderWay(this.#now) || !this.#ask(wish)) return false
    this.#wish = wish
    this.#become({ to, state: 'asked', reason: undefined })
    return true
  }

  told({ state, reason }: Extract<ServerMessage, { type: 'referral' }>): void {
    if (this.#now) this.#become({ to: this.#now.to, state, reason: reason ?? undefined })
  }

  /**
   * What was asked may be lost. How it went meanwhile is told at once, so that nobody is rung again who did not answer; where
   * it is still under way it is not begun again.
   */
  lineBack(): void {
    this.#env.setTimeout(() => {
      if (isUnderWay(this.#now)) this.#ask(this.#wish!)
    }, offerLimits.missedMilliseconds)
  }

  #become(now: HandOn): void {
    this.#now = now
    this.#changed()
  }
}
