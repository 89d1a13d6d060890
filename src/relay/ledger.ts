/** Totals of a call over several grants: the relay counts each grant from zero. */
import type { CallLedger, grantLimits, PartyLedger } from '../turn/message.ts'

const refusedPeers: (typeof grantLimits)['refusedPeers'] = 8

export const emptyPartyLedger: PartyLedger = {
  allocations: 0,
  openAllocations: 0,
  permissions: 0,
  sentPackets: 0,
  sentBytes: 0,
  receivedPackets: 0,
  receivedBytes: 0,
  droppedPackets: 0,
  firstAt: undefined,
  lastAt: undefined,
  refusals: 0,
  refusedPeers: [],
}

export const emptyLedger: CallLedger = {
  caller: emptyPartyLedger,
  callee: emptyPartyLedger,
}

/** What was carried until now; nothing of it is open any more. */
export const closedLedger = ({ caller, callee }: CallLedger): CallLedger => ({
  caller: { ...caller, openAllocations: 0 },
  callee: { ...callee, openAllocations: 0 },
})

/** `counted` on top of what the grants before it carried. */
export const addLedgers = (earlier: CallLedger, counted: CallLedger): CallLedger => ({
  caller: addParties(earlier.caller, counted.caller),
  callee: addParties(earlier.callee, counted.callee),
})

const addParties = (earlier: PartyLedger, counted: PartyLedger): PartyLedger => ({
  allocations: earlier.allocations + counted.allocations,
  openAllocations: counted.openAllocations,
  permissions: earlier.permissions + counted.permissions,
  sentPackets: earlier.sentPackets + counted.sentPackets,
  sentBytes: earlier.sentBytes + counted.sentBytes,
  receivedPackets: earlier.receivedPackets + counted.receivedPackets,
  receivedBytes: earlier.receivedBytes + counted.receivedBytes,
  droppedPackets: earlier.droppedPackets + counted.droppedPackets,
  firstAt: earlier.firstAt ?? counted.firstAt,
  lastAt: counted.lastAt ?? earlier.lastAt,
  refusals: earlier.refusals + counted.refusals,
  refusedPeers: [...new Set([...earlier.refusedPeers, ...counted.refusedPeers])].slice(0, refusedPeers),
})

/** Of both parties, what the relay sent on: for counters. */
export const carriedBytes = ({ caller, callee }: CallLedger): number => caller.sentBytes + callee.sentBytes
export const carriedPackets = ({ caller, callee }: CallLedger): number =>
  caller.sentPackets + callee.sentPackets
export const openedAllocations = ({ caller, callee }: CallLedger): number =>
  caller.allocations + callee.allocations
