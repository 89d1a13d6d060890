/**
 * Whether the other party's phone lets its person wait as we wish it (RFC 3264 §8.4): what is wanted here, and what was offered
 * and answered of it. Pure. That nothing is sent to whoever waits is `own-media.ts`'s, whatever their phone makes of it.
 */

/**
 * `off`: not on hold. `asked`: an offer of hold is out. `takenBack`: that offer was taken back, and may have been taken all the same.
 * `on`: on hold. `leaving`: an offer that ends it is out.
 */
export type HoldState = 'off' | 'asked' | 'takenBack' | 'on' | 'leaving'

/**
 * `holdOffered`, `talkOffered`: an offer goes out, with hold or without. `answered`: it is. `takenBack`: it is rolled back, whoever
 * wished that. `answeredLate`: it was answered after that. `refused`: it was taken back because the other party did not take it.
 */
export type HoldEvent = 'holdOffered' | 'talkOffered' | 'answered' | 'takenBack' | 'answeredLate' | 'refused'

/** What is not named changes nothing. */
const after: Readonly<Record<HoldState, Readonly<Partial<Record<HoldEvent, HoldState>>>>> = {
  off: { holdOffered: 'asked' },
  asked: { answered: 'on', takenBack: 'takenBack' },
  takenBack: {
    ...{ holdOffered: 'asked', talkOffered: 'leaving', answered: 'off', answeredLate: 'on', refused: 'off' },
  },
  on: { talkOffered: 'leaving' },
  leaving: { answered: 'off', takenBack: 'on' },
}

export const holdAfter = (state: HoldState, event: HoldEvent): HoldState => after[state][event] ?? state

export class Hold {
  /** The other party is to wait. */
  isWanted = false
  #state: HoldState = 'off'

  happened(event: HoldEvent): void {
    this.#state = holdAfter(this.#state, event)
  }

  /** The other party's phone has agreed to it, and not yet to its end. */
  get isOn(): boolean {
    return this.#state === 'on' || this.#state === 'leaving'
  }

  /** The other party's phone is still to be told that they are not on hold any more. */
  get isLeft(): boolean {
    return this.isOn && !this.isWanted
  }

  /** An offer of hold is out, and is not wanted any more. */
  get isOutdated(): boolean {
    return this.#state === 'asked' && !this.isWanted
  }

  /**
   * Nothing of it is left to offer. `isTold`: the other party's client knows by a word that they wait. Whoever may have taken what was
   * taken back must hear that they do not wait: of an answer that is lost with a line nobody ever says more.
   */
  isAgreed(isTold: boolean): boolean {
    if (this.#state === 'takenBack' && !this.isWanted) return false
    return this.isWanted === this.isOn || (isTold && this.isWanted)
  }
}
