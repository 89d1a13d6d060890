/**
 * How the three machines of the exchange hear of each other: whose effect is whose input. Pure, so that `daemon.ts` and
 * the tests wire them alike; what goes to sockets, store and counters is left to whoever calls.
 */
import type { CallEffect, CallInput } from './calls/message.ts'
import type { RelayEffect, RelayInput } from './relay/message.ts'
import type { SignallingEffect, SignallingInput } from './signalling/message.ts'
import type { SipEffect, SipInput } from './sip/message.ts'

/** The machines' drivers: an input given while another is handled waits for its turn. */
export interface ExchangeInputs {
  readonly sip: (input: SipInput) => void
  readonly signalling: (input: SignallingInput) => void
  readonly calls: (input: CallInput) => void
  readonly relay: (input: RelayInput) => void
}

export function passSipEffect(effect: SipEffect, to: ExchangeInputs): void {
  if (effect.kind === 'agentEvent') {
    to.signalling({ kind: 'agentEvent', device: effect.device, event: effect.event })
  } else if (effect.kind === 'call') {
    to.calls({ kind: 'sip', event: effect.event })
  } else if (effect.kind === 'gone' || effect.kind === 'registeredAnew') {
    to.calls(effect)
  } else if (effect.kind === 'reachable') {
    const { user, device, reachable, transport } = effect
    to.calls({ kind: 'reachable', device, hosted: transport === 'hosted', reachable })
    to.signalling({ kind: 'reachable', user, device, reachable })
    to.relay({ kind: 'flowChanged', device })
  }
}

export function passSignallingEffect(effect: SignallingEffect, to: ExchangeInputs): void {
  if (effect.kind === 'agent') to.sip({ kind: 'agent', device: effect.device, command: effect.command })
  else if (effect.kind === 'callFact') to.calls(effect.input)
  else if (effect.kind === 'relayFact') to.relay(effect.input)
}

export function passCallEffect(effect: CallEffect, to: ExchangeInputs): void {
  if (effect.kind === 'peerRevoked') {
    const { device, call } = effect
    to.sip({ kind: 'agent', device, command: { kind: 'peerRevoked', call } })
  }
  if (effect.kind === 'ask') to.sip(effect)
  if (effect.kind !== 'changed') return
  to.signalling({ kind: 'callChanged', row: effect.row, missedBy: effect.missedBy })
  to.relay({ kind: 'callChanged', call: effect.row.id })
}

export function passRelayEffect(effect: RelayEffect, to: ExchangeInputs): void {
  if (effect.kind === 'tell') {
    to.signalling({ kind: 'relayTelling', device: effect.device, telling: effect.telling })
  } else if (effect.kind === 'ledger') {
    to.calls({ kind: 'ledger', call: effect.call, ledger: effect.ledger, reason: effect.reason })
  }
}
