/**
 * How one of the two can capture their call at their own computer: filters that let this call's packets through, headers
 * only, by the addresses that the call's events name.
 */
import type { CallRow } from '../calls/message.ts'
import type { CapturePlan, TraceEvent } from './message.ts'
import { identityOf } from './packets/facts.ts'
import { captureClassesOfCall } from './watch-command.ts'

export interface RelayPorts {
  readonly turn: number
  readonly first: number
  readonly last: number
}

/** Of each party and of the appliance; a filter has to stay readable. */
const addressesEach = 8

export function capturePlanOf(row: CallRow, events: readonly TraceEvent[], ports: RelayPorts): CapturePlan {
  const { parties, applianceAddresses } = identityOf(events)
  const caller = parties.caller.addresses.slice(0, addressesEach)
  const callee = parties.callee.addresses.slice(0, addressesEach)
  const relay = applianceAddresses.slice(0, addressesEach)
  const state = row.endedAt != null ? 'ended' : row.answeredAt != null ? 'answered' : 'ringing'
  // As long as it is not known who picks up there is nobody to capture between.
  if (caller.length === 0 || callee.length === 0) return { state, caller, callee, captures: [] }
  const hosts = (version?: 4 | 6): string | undefined => {
    const [ours, theirs, relays] = [caller, callee, relay].map(all => all.filter(isOf(version)))
    const ways = [
      ...both(ours!, theirs!),
      ...both([...ours!, ...theirs!], relays!).map(
        way => `${way} and (port ${ports.turn} or portrange ${ports.first}-${ports.last})`,
      ),
    ]
    return ways.length === 0 ? undefined : ways.map(way => `(${way})`).join(' or ')
  }
  return { state, caller, callee, captures: captureClassesOfCall(hosts) }
}

const isOf =
  (version: 4 | 6 | undefined) =>
  (address: string): boolean =>
    version === undefined || address.includes(':') === (version === 6)

const both = (some: readonly string[], others: readonly string[]): string[] =>
  some.length === 0 || others.length === 0 ? [] : [`(${ofAny(some)}) and (${ofAny(others)})`]

/** Addresses are canonical (`identityOf`), so nothing else can get into a filter. */
const ofAny = (addresses: readonly string[]): string =>
  addresses.map(address => `host ${address}`).join(' or ')
