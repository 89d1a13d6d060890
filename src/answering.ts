/**
 * Which threads and listeners must answer for the process to be alive, and how each is asked (`runtime/supervision.ts`
 * asks, and tells the service manager). A part of the composition root.
 */
import type { Clock } from './core/clock.ts'
import type { Endpoint } from './core/endpoint.ts'
import type { RelayIo } from './relay/io.ts'
import { seldom, tcpAnswers, tlsAnswers, udpAnswers } from './runtime/answers.ts'
import type { SupervisionOptions } from './runtime/supervision.ts'
import type { SipIo } from './sip/io.ts'
import type { Store } from './store/store.ts'
import { encode as encodeStun } from './stun/codec.ts'
import { stunType } from './stun/message.ts'

/** A handshake costs more than all other questions of a round together. */
const handshakeMilliseconds = 60_000
/** To whoever is asked whether it answers; the transaction is never looked at. */
const bindingRequest = encodeStun({ type: stunType.bindingRequest, transaction: new Uint8Array(12) })

export interface AnsweringParts {
  readonly clock: Clock
  readonly store: Store
  readonly relay: RelayIo
  readonly sipIo: SipIo
  /** Both listen already. */
  readonly httpPort: number
  readonly httpsPort: number
  /** Not loopback. */
  ownAddresses(): readonly string[]
}

export function answering(parts: AnsweringParts): SupervisionOptions['parts'] {
  const { clock, store, relay, sipIo, httpPort, httpsPort } = parts
  const here = (port: number): Endpoint => ({ address: '127.0.0.1', port })
  const { plain, tls } = sipIo.ports
  return {
    store: () => store.answers().then(() => true),
    relay: () => relay.answers().then(() => true),
    http: () => tcpAnswers(here(httpPort)),
    https: seldom(handshakeMilliseconds, clock, () => tlsAnswers(here(httpsPort))),
    sipUdp: () => udpAnswers(here(plain), bindingRequest),
    sipTcp: () => tcpAnswers(here(plain)),
    sipTls: seldom(handshakeMilliseconds, clock, () => tlsAnswers(here(tls))),
    relayTcp: () => relayListens(parts),
  }
}

const wordsOf: Readonly<Record<string, string>> = {
  store: 'the store',
  relay: 'the relay',
  http: 'the web server (HTTP)',
  https: 'the web server (HTTPS)',
  sipUdp: 'SIP over UDP',
  sipTcp: 'SIP over TCP',
  sipTls: 'SIP over TLS',
  relayTcp: 'the relay over TCP',
}

/** For whoever finds that it has ended. */
export const notAnswering = (parts: readonly string[]): string =>
  `${parts.map(part => wordsOf[part] ?? part).join(', ')} ${parts.length === 1 ? 'does' : 'do'} not answer`

/** It listens on no loopback address; without a network, or while it is started anew, there is nothing to ask. */
async function relayListens({ relay, ownAddresses }: AnsweringParts): Promise<boolean> {
  const [address] = ownAddresses()
  const port = relay.ports?.plain
  return address === undefined || port === undefined || tcpAnswers({ address, port })
}
