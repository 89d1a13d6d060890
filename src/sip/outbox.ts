import { encode } from './codec.ts'
import type { Flow, SipEffect, SipMessage } from './message.ts'

/**
 * Where the machine's parts leave what is to be done, in order. Messages to hosted agents never become bytes: they wait
 * in a queue of their own until the machine hands them over.
 */
export class Outbox {
  #effects: SipEffect[] = []
  #hosted: { readonly device: string; readonly message: SipMessage }[] = []

  /** Sends a message and returns its bytes, to be kept for retransmission; none for a hosted agent. */
  send(flow: Flow, message: SipMessage): Buffer | undefined {
    if (flow.transport === 'hosted') {
      this.#hosted.push({ device: hostedDevice(flow), message })
      return undefined
    }
    const bytes = encode(message)
    this.#effects.push({ kind: 'send', flow, bytes })
    return bytes
  }

  resend(flow: Flow, bytes: Uint8Array): void {
    this.#effects.push({ kind: 'send', flow, bytes })
  }

  push(effect: SipEffect): void {
    this.#effects.push(effect)
  }

  /** `account`: the digest user name that was given. */
  note(reason: string, flow: Flow | undefined, detail = '', account?: string): void {
    this.#effects.push({ kind: 'note', reason, flow, detail, account })
  }

  nextHosted(): { readonly device: string; readonly message: SipMessage } | undefined {
    return this.#hosted.shift()
  }

  take(): SipEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

/** The in-process flow between the proxy and the agent of `device`. */
export const hostedFlow = (device: string): Flow => ({
  id: `hosted/${device}`,
  transport: 'hosted',
  local: { address: 'hosted.invalid', port: 5060 },
  remote: { address: 'hosted.invalid', port: 5060 },
})

export const hostedDevice = (flow: Flow): string => flow.id.slice('hosted/'.length)
