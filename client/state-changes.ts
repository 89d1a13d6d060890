/** The states that a connection went through, and when: what is reported of them. */
import type { StateChange } from '../src/signalling/message.ts'

/** Kept of one call. */
const maxChanges = 200

type States = Pick<RTCPeerConnection, 'iceGatheringState' | 'iceConnectionState' | 'connectionState'>

export class StateChanges {
  readonly #all: StateChange[] = []
  /** The other side's description was given to the stack: from here on it can check anything. */
  mayCheck = false

  get all(): readonly StateChange[] {
    return this.#all
  }

  /** Keeps what is another than before; `atMilliseconds` counts from the start of the call. */
  look(states: States, atMilliseconds: number): void {
    const { iceGatheringState, iceConnectionState, connectionState } = states
    this.#became('iceGathering', iceGatheringState, atMilliseconds)
    if (this.#canBe(iceConnectionState)) this.#became('iceConnection', iceConnectionState, atMilliseconds)
    this.#became('connection', connectionState, atMilliseconds)
  }

  #became(what: StateChange['what'], to: string, atMilliseconds: number): void {
    if (to === (this.#last(what) ?? 'new') || this.#all.length >= maxChanges) return
    this.#all.push({ what, to, atMilliseconds: Math.max(0, Math.round(atMilliseconds * 10) / 10) })
  }

  /**
   * werift calls its checks "completed" when it has but gathered, before it knows anybody to check. Nothing is checked
   * without the other side's description, and completed is what was connected (RFC 8445 §6.1.2, §7.1).
   */
  #canBe(iceConnectionState: string): boolean {
    if (iceConnectionState !== 'completed') return this.mayCheck
    return this.#last('iceConnection') === 'connected'
  }

  #last(what: StateChange['what']): string | undefined {
    return this.#all.findLast(change => change.what === what)?.to
  }
}
