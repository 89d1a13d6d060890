/** Why a call is not relayed, for people: what happened and what can be done. */
import type { RelayRefusal } from './message.ts'

export const refusalSentences: Readonly<Record<RelayRefusal, string>> = {
  off:
    'The two devices do not reach each other, and relaying is turned off on this appliance. Its owner can allow it ' +
    'with relay.policy.',
  sameNetwork:
    'The two devices are on the same network and still do not reach each other. Often the Wi-Fi keeps its devices ' +
    'apart: turn off "client isolation" at the access point, or let the owner set relay.policy to "on-failure".',
  unknownAddress:
    'The two devices do not reach each other, and one of them has no address on the network that could be relayed ' +
    'to: it is away, or runs on the appliance itself. Call again once both are connected over the network.',
  full:
    'The two devices do not reach each other, and the relay already carries as many calls as it can. Try again when ' +
    'one of them has ended.',
  failed:
    'The two devices do not reach each other, and the relay did not answer. Call again; if it happens again, the ' +
    'log of lanline says why.',
}
