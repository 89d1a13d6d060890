/** The counts that `/metrics` reads from the parts at each asking. A part of the composition root. */
import type { RelayIo } from './relay/io.ts'
import type { Metrics } from './runtime/metrics.ts'
import type { WebSockets } from './runtime/websocket.ts'
import type { SignallingMachine } from './signalling/machine.ts'
import type { SipMachine } from './sip/machine.ts'
import type { TraceIo } from './trace/io.ts'

export interface GaugedParts {
  readonly sip: SipMachine
  readonly channel: SignallingMachine
  readonly webSockets: WebSockets
  readonly trace: TraceIo
  readonly relay: RelayIo
}

export function registerGauges(metrics: Metrics, parts: GaugedParts): void {
  const { sip, channel, webSockets, trace, relay } = parts
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.gauge(`lanline_${name}`, help, read)
  gauge('sip_bindings', 'Registered contacts.', () => sip.sizes.bindings)
  gauge('sip_transactions', 'SIP transactions under way.', () => {
    return sip.sizes.serverTransactions + sip.sizes.clientTransactions
  })
  gauge('channel_sessions', 'Devices on the client channel.', () => channel.sizes.sessions)
  gauge('websockets', 'Open WebSockets.', () => webSockets.size)
  gauge('traced_calls', 'Calls whose trace is being written.', () => trace.sizes.calls)
  const { machine } = relay
  const relayed = (name: string, help: string, read: () => number): void =>
    metrics.counter(`lanline_relay_${name}_total`, help, read)
  gauge('relay_grants', 'Calls that may relay now, and grants by hand.', () => machine.sizes.grants)
  relayed('grants', 'Grants ever given.', () => machine.totals.granted)
  relayed('allocations', 'Relayed addresses ever given.', () => machine.totals.allocations)
  relayed('packets', 'Packets that parties sent through the relay.', () => machine.totals.packets)
  relayed('bytes', 'Bytes that parties sent through the relay.', () => machine.totals.bytes)
}
