/** A guest's time: when it is to be warned of, and what is kept of it so that a page opened later can tell that it is over. */
import type { Env } from '../../client/env.ts'
import { readJson, storageKeys, writeJson } from './storage.ts'

/** Time enough to say good-bye, or to ask for more. */
const warningMilliseconds = 5 * 60_000
/** A timer does not reach over a month, and a machine may sleep. */
const lookMilliseconds = 60_000
/** An end that is told anew is a second earlier or later. */
const sameMilliseconds = 2_000
/** The appliance ends a guest's time by its own clock. */
const slackMilliseconds = 5_000

/** What became of this browser's right. */
export interface RightEnd {
  readonly isGuestOver: boolean
  /** With whom the call was that ended by it; `''`: there was none. */
  readonly cutOff: string
}

/** The end of which a guest is to be warned now. */
export const guestWarning = (until: number | undefined, now: number): number | undefined =>
  until !== undefined && until - now <= warningMilliseconds ? until : undefined

export class GuestTime {
  readonly #timers: Pick<Env, 'setTimeout' | 'clearTimeout'>
  readonly #turned: () => void
  #until: number | undefined
  #isTold = false
  #isWarned = false
  #looking: unknown

  /** `turned`: a warning is due, or is no more. */
  constructor(timers: Pick<Env, 'setTimeout' | 'clearTimeout'>, turned: () => void) {
    this.#timers = timers
    this.#turned = turned
  }

  /** Of which end this guest is to be warned now. */
  get warning(): number | undefined {
    return this.#isWarned ? this.#until : undefined
  }

  /** What the appliance says, as often as it does; undefined: no guest. */
  told(until: number | undefined): void {
    const isSame = until === undefined ? this.#until === undefined : isNear(until, this.#until)
    // What an earlier page kept may be of a guest who stays for good by now.
    if (isSame && this.#isTold) return
    this.#isTold = true
    this.#until = until
    writeJson(storageKeys.guestUntil, until)
    this.#look()
  }

  /** The line has ended: nothing more to warn of. */
  stop(): void {
    this.#timers.clearTimeout(this.#looking)
    this.#until = undefined
    this.#isTold = false
    this.#isWarned = false
  }

  #look(): void {
    this.#timers.clearTimeout(this.#looking)
    const now = Date.now()
    const isWarned = guestWarning(this.#until, now) !== undefined
    if (isWarned !== this.#isWarned) {
      this.#isWarned = isWarned
      this.#turned()
    }
    if (this.#until === undefined || isWarned) return
    const wait = Math.min(lookMilliseconds, this.#until - warningMilliseconds - now)
    this.#looking = this.#timers.setTimeout(() => this.#look(), Math.max(1, wait))
  }
}

/** A right that ended while no page was open: what was kept of a guest's end tells whether it was that. */
export function wasGuestOver(now: number): boolean {
  const until = readJson<number>(storageKeys.guestUntil)
  return typeof until === 'number' && until - now < slackMilliseconds
}

/** Kept until this browser asks for another right; undefined: forgotten. */
export function keepRightEnd(end: RightEnd | undefined): void {
  writeJson(storageKeys.rightEnd, end)
  writeJson(storageKeys.guestUntil, undefined)
}

export function keptRightEnd(): RightEnd | undefined {
  const kept = readJson<Partial<RightEnd>>(storageKeys.rightEnd)
  if (typeof kept !== 'object' || kept === null) return undefined
  return {
    isGuestOver: kept.isGuestOver === true,
    cutOff: typeof kept.cutOff === 'string' ? kept.cutOff : '',
  }
}

const isNear = (one: number, other: number | undefined): boolean =>
  other !== undefined && Math.abs(one - other) < sameMilliseconds
