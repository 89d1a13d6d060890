/** One end of an answered call, as the relay knows it: how it is reached, what it proved, what it was given. */
import { familyOf, isLoopback } from '../core/endpoint.ts'
import type { Random } from '../core/random.ts'
import type { Grant, GrantParty, grantLimits, PartyRole, TurnCredential, TurnPorts } from '../turn/message.ts'
import type { ManualWish, RelayServer } from './message.ts'
import { addressesTowards, isProvable, type OwnAddresses } from './networks.ts'
import type { PartyFlow } from './ports.ts'

const provenAddresses: (typeof grantLimits)['provenAddresses'] = 4

export interface Party {
  readonly role: PartyRole
  readonly device: string
  /** The last one known: it stays while the device is away. */
  flow: PartyFlow | undefined
  /** Its client said so in this process's life. */
  holds: boolean
  /** Oldest first. */
  proven: readonly string[]
  credential: TurnCredential | undefined
  /** What its client last said of the media, since the grant or a change of address. */
  path: 'direct' | 'relayed' | undefined
}

export const newParty = (role: PartyRole, device: string): Party => ({
  ...{ role, device, flow: undefined, holds: false, proven: [], credential: undefined, path: undefined },
})

/** The newest address takes the place of the oldest. */
export function prove(party: Party, own: OwnAddresses): void {
  const address = party.flow?.remote
  const others = party.proven.filter(each => each !== address && isProvable(each, own))
  const proven = address !== undefined && isProvable(address, own) ? [...others, address] : others
  party.proven = proven.slice(-provenAddresses)
}

/** RFC 8489 §9.2: the username says which call and which end of it, the password nothing. */
export function newCredential(call: string, role: PartyRole, random: Random): TurnCredential {
  return {
    username: `${call.slice(0, 16)}.${role}.${random.hex(4)}`,
    password: Buffer.from(random.bytes(24)).toString('base64url'),
  }
}

export const grantPartyOf = (party: Party, other: Party, own: OwnAddresses): GrantParty => ({
  role: party.role,
  device: party.device,
  credential: party.flow?.client ? party.credential : undefined,
  proven: party.proven,
  relayOn: other.flow === undefined ? [] : addressesTowards(other.flow, own),
})

/** The owner's grant, as if `for` had called `peer`. Only the one has a credential, only the other is sent to. */
export function manualParties(
  call: string,
  wish: ManualWish,
  own: OwnAddresses,
  ports: TurnPorts,
  random: Random,
): { readonly parties: Grant['parties']; readonly servers: readonly RelayServer[] } {
  const towards = (remote: string): string[] => addressesTowards({ remote, local: '' }, own)
  const credential = newCredential(call, 'caller', random)
  const caller = { role: 'caller', proven: [wish.for], relayOn: towards(wish.peer), credential } as const
  const callee = { role: 'callee', proven: [wish.peer], relayOn: [], credential: undefined } as const
  // One of its own family, or it could not even ask; the relay does not listen on loopback.
  const here = isLoopback(wish.for)
    ? undefined
    : towards(wish.for).find(address => familyOf(address) === familyOf(wish.for))
  return {
    parties: [
      { ...caller, device: '' },
      { ...callee, device: '' },
    ],
    servers: here === undefined ? [] : serversFor(here, ports, credential),
  }
}

/** RFC 7065 §3: where this party reached us, by every transport; which of them works is for its client to find out. */
export function serversFor(
  address: string,
  ports: TurnPorts,
  { username, password }: TurnCredential,
): RelayServer[] {
  const host = address.includes(':') ? `[${address}]` : address
  const urls = [
    `turn:${host}:${ports.plain}?transport=udp`,
    `turn:${host}:${ports.plain}?transport=tcp`,
    `turns:${host}:${ports.tls}?transport=tcp`,
  ]
  return [{ urls, username, credential: password }]
}
