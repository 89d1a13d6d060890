/**
 * Our candidates on their way to the other party (RFC 8838). They wait until the call is answered, since before that nobody
 * is known to take them, while a description is being made, which they must not overtake, and while there is no way to go.
 */
import type { IceCandidate } from '../src/signalling/message.ts'

export interface TricklePorts {
  /** The call is answered and has its id. */
  mayGo(): boolean
  /** False when there is no way. */
  send(candidate: IceCandidate): boolean
}

/** Candidates kept; those above it are dropped. */
export const limitCandidates = 64

export class Trickle {
  readonly #ports: TricklePorts
  #waiting: IceCandidate[] = []
  #descriptions = 0
  /** Whether the other party takes them one by one. Who does not finds them in the description. */
  isTaken = false

  constructor(ports: TricklePorts) {
    this.#ports = ports
  }

  add(candidate: IceCandidate): void {
    if (this.#waiting.length < limitCandidates) this.#waiting.push(candidate)
    this.flush()
  }

  /** A description is being made: until `letGo` nothing is sent. */
  holdBack(): void {
    this.#descriptions++
  }

  letGo(): void {
    this.#descriptions--
  }

  /** Sends what waits, as far as it may go. */
  flush(): void {
    if (!this.#ports.mayGo() || this.#descriptions > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    if (!this.isTaken) return
    for (const candidate of waiting) if (!this.#ports.send(candidate)) this.#waiting.push(candidate)
  }
}
