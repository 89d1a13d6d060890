/** RFC 3261 §17 table 4 and RFC 6026 §8.7: the timers of all four transaction machines, in one table by name. */
import { after, type Monotonic } from '../core/clock.ts'
import { TimerTable } from '../core/timers.ts'

/** §17.1.1.1: round-trip estimate, longest interval of retransmission, longest life of a message in the network. */
export const T1 = 500
export const T2 = 4_000
export const T4 = 5_000

/**
 * Milliseconds, unreliable and reliable. `undefined`: not used over that transport.
 *
 * | A | INVITE retransmitted, doubling | B | INVITE given up | D | final response may come again |
 * | E | request retransmitted, doubling to T2 | F | request given up | K | response may come again |
 * | G | final response to INVITE retransmitted, doubling to T2 | H | no ACK came | I | ACK may come again |
 * | J | request may come again | L | INVITE may come again after 2xx | M | 2xx may come again |
 */
const table = {
  A: [T1, undefined],
  B: [64 * T1, 64 * T1],
  D: [64 * T1, 0],
  E: [T1, undefined],
  F: [64 * T1, 64 * T1],
  G: [T1, undefined],
  H: [64 * T1, 64 * T1],
  I: [T4, 0],
  J: [64 * T1, 0],
  K: [T4, 0],
  L: [64 * T1, 64 * T1],
  M: [64 * T1, 64 * T1],
} as const

export type TransactionTimer = keyof typeof table

/** After these a transaction only ends. They fire together, some times a second, instead of each with a wake-up of its own. */
const lingering = 'DIJKLM'
const togetherMilliseconds = 100

/** The proxy's own are C, W: a party is waited for, and S: a flow was silent for too long. */
export type TimerLetter = TransactionTimer | 'C' | 'W' | 'S'

/** X: a binding's end. */
export type DueTimer =
  | { readonly letter: TimerLetter; readonly id: number }
  | { readonly letter: 'X'; readonly id: string }

const lettersAnId = 32

/** A number: a text made anew for each look-up would have to be found among all texts there are first. */
const nameOf = (letters: string, at: number, id: number): number =>
  lettersAnId * id + letters.charCodeAt(at) - 65

const togetherAfter = (at: Monotonic): Monotonic =>
  (Math.ceil(at / togetherMilliseconds) * togetherMilliseconds) as Monotonic

export class SipTimers {
  readonly #timers = new TimerTable<number>()
  /** Timer X by the binding's key. */
  readonly bindings = new TimerTable<string>()
  #serial = 0

  /** An identifier for whatever owns timers, unique in this process. */
  newId(): number {
    return ++this.#serial
  }

  /** Sets a timer of the table; 0 fires at the next wake-up. Nothing where the transport has no such timer. */
  start(letter: TransactionTimer, id: number, reliable: boolean, now: Monotonic): void {
    const milliseconds = table[letter][reliable ? 1 : 0]
    if (milliseconds === undefined) return
    const at = after(now, milliseconds)
    this.set(letter, id, lingering.includes(letter) ? togetherAfter(at) : at)
  }

  set(letter: TimerLetter, id: number, at: Monotonic): void {
    // In whole milliseconds: V8 keeps them where they are, and a fraction in a place of its own.
    this.#timers.set(nameOf(letter, 0, id), Math.ceil(at) as Monotonic)
  }

  clear(letters: string, id: number): void {
    for (let at = 0; at < letters.length; at++) this.#timers.clear(nameOf(letters, at, id))
  }

  next(): Monotonic | undefined {
    const own = this.#timers.next()
    const bindings = this.bindings.next()
    return own === undefined || (bindings !== undefined && bindings < own) ? bindings : own
  }

  take(now: Monotonic): DueTimer | undefined {
    const name = this.#timers.take(now)
    if (name !== undefined) {
      const letter = String.fromCharCode(65 + (name % lettersAnId)) as TimerLetter
      return { letter, id: Math.floor(name / lettersAnId) }
    }
    const id = this.bindings.take(now)
    return id === undefined ? undefined : { letter: 'X', id }
  }
}
