/**
 * Who is being echoed: at most so many at once, each for at most so long. Leaves out: dialogs (`sip/agent.ts`), media
 * (`worker.ts`), and offers of its own: whoever leaves the offer to the echo is refused at once, as is who speaks no DTLS-SRTP or ICE.
 *
 * | call    | incoming                        | answer from the worker | failed, 10 s   | 2 min   | ended  |
 * | ------- | ------------------------------- | ---------------------- | -------------- | ------- | ------ |
 * | (none)  | opening; over the bound: 486    |                        |                |         |        |
 * | opening |                                 | up: answered           | refused, 488   |         | closed |
 * | up      |                                 | a new offer's: passed  | as it was      | hung up | closed |
 */
import { after, type Monotonic, minutes, seconds } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import type { AgentCommand, AgentEvent } from '../sip/message.ts'
import {
  type EchoEffect,
  type EchoInput,
  echoName,
  echoUser,
  type FromWorker,
  type ToWorker,
} from './message.ts'

export const echoLimits = {
  calls: 4,
  callMilliseconds: minutes(2),
  /** The first answer waits for the worker to load its WebRTC stack. */
  answerMilliseconds: seconds(10),
} as const

/** It is called over no network. */
const here = { address: '127.0.0.1', port: 0 } as const

export class EchoMachine implements Machine<EchoInput, EchoEffect> {
  readonly #calls = new Map<string, 'opening' | 'up'>()
  readonly #timers = new TimerTable<string>()
  #out: EchoEffect[] = []

  /** Calls under way. */
  get size(): number {
    return this.#calls.size
  }

  handle(input: EchoInput, now: Monotonic): EchoEffect[] {
    switch (input.kind) {
      case 'attach':
        this.#agent({
          kind: 'attach',
          user: echoUser,
          displayName: echoName,
          userAgent: 'lanline echo',
          remote: here,
          local: here,
        })
        break
      case 'agentEvent':
        this.#event(input.event, now)
        break
      case 'worker':
        this.#worker(input.message, now)
        break
      case 'workerLost':
        this.#note('workerLost', '')
        for (const call of [...this.#calls.keys()]) this.#giveUp(call, 'failed')
    }
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): EchoEffect[] {
    for (let call = this.#timers.take(now); call !== undefined; call = this.#timers.take(now)) {
      this.#giveUp(call, this.#calls.get(call) === 'up' ? 'hangup' : 'failed')
    }
    return this.#taken()
  }

  #event(event: AgentEvent, now: Monotonic): void {
    switch (event.kind) {
      case 'incoming': {
        const { call, sdp } = event
        if (this.#calls.has(call)) return
        if (!canBeEchoed(sdp)) return this.#agent({ kind: 'refuse', call, code: 488 })
        if (this.#calls.size >= echoLimits.calls) return this.#agent({ kind: 'refuse', call, code: 486 })
        this.#calls.set(call, 'opening')
        this.#timers.set(call, after(now, echoLimits.answerMilliseconds))
        this.#agent({ kind: 'ringing', call })
        return this.#toWorker({ kind: 'open', call, sdp })
      }
      case 'offer':
        if (this.#calls.has(event.call)) this.#toWorker({ kind: 'offer', call: event.call, sdp: event.sdp })
        return
      case 'offerWanted':
        return this.#agent({ kind: 'refuse', call: event.call, code: 488 })
      case 'candidate':
        if (this.#calls.has(event.call)) {
          this.#toWorker({ kind: 'candidate', call: event.call, candidate: event.candidate })
        }
        return
      case 'ended':
        return this.#forget(event.call)
    }
  }

  #worker(message: FromWorker, now: Monotonic): void {
    const { call } = message
    const state = this.#calls.get(call)
    if (state === undefined) return
    if (message.kind === 'answer') {
      this.#agent({ kind: 'answer', call, sdp: message.sdp })
      if (state === 'up') return
      this.#calls.set(call, 'up')
      this.#timers.set(call, after(now, echoLimits.callMilliseconds))
      return
    }
    this.#note('failed', message.why)
    // An offer within a call that is refused leaves it as it was (RFC 3261 §14.1).
    if (state === 'up') this.#agent({ kind: 'refuse', call, code: 488 })
    else this.#giveUp(call, 'failed')
  }

  #giveUp(call: string, reason: 'hangup' | 'failed'): void {
    const opening = this.#calls.get(call) === 'opening'
    this.#agent(opening ? { kind: 'refuse', call, code: 488 } : { kind: 'bye', call, reason })
    this.#forget(call)
  }

  #forget(call: string): void {
    if (!this.#calls.delete(call)) return
    this.#timers.clear(call)
    this.#toWorker({ kind: 'close', call })
  }

  #agent(command: AgentCommand): void {
    this.#out.push({ kind: 'agent', command })
  }

  #toWorker(message: ToWorker): void {
    this.#out.push({ kind: 'toWorker', message })
  }

  #note(reason: string, detail: string): void {
    this.#out.push({ kind: 'note', reason, detail })
  }

  #taken(): EchoEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

/**
 * An answer has the transport of its offer (RFC 3264 §6). The worker knows that of browsers alone, and would answer
 * plain RTP with it just the same.
 */
const canBeEchoed = (offer: string): boolean => /^a=fingerprint:/m.test(offer) && /^a=ice-ufrag:/m.test(offer)
