/** Facts for Help, all well unless a test says otherwise. */
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import type {
  ApplianceFacts,
  CallFacts,
  DeviceFacts,
  HelpFacts,
  Incident,
  IncidentFact,
  PartyFacts,
} from '../../src/help/message.ts'

export const at = Date.UTC(2027, 2, 1, 3, 0) as Epoch
export const earlier = (milliseconds: number): Epoch => (at - milliseconds) as Epoch

export const appliance: ApplianceFacts = {
  now: at,
  ...{ hostname: 'lanline', wantedHostname: 'lanline', address: '10.1.1.1', sipPort: 5060, httpsPort: 443 },
  ...{ relayPolicy: 'cross-vlan', clockSet: true, moved: [], failedParts: [] },
  certificate: { notBefore: earlier(1e9), notAfter: (at + 1e9) as Epoch },
  ownCertificate: undefined,
  disk: { freeBytes: 5e9 },
  discovery: { state: 'ready', detail: '' },
}

export const page = (id: string, change: Partial<DeviceFacts> = {}): DeviceFacts => ({
  ...{ id, name: 'Chrome on Linux', kind: 'page', digestUser: undefined, reachable: true },
  ...{ address: '10.1.1.20', lastSeenAt: earlier(60_000) },
  ...change,
})
export const phone = (id: string, change: Partial<DeviceFacts> = {}): DeviceFacts =>
  page(id, { name: 'Desk', kind: 'sip', digestUser: 'bob', address: '10.1.1.30', ...change })

const silent: PartyFacts = {
  ...{ reports: false, keying: 'dtls', dtlsState: undefined, address: '' },
  ...{ checksSent: 0, checksAnswered: 0, checksReceived: 0 },
  ...{ packetsSent: 0, packetsReceived: 0, packetsLost: 0 },
}
export const party = (change: Partial<PartyFacts> = {}): PartyFacts => ({ ...silent, ...change })
/** Of a call that went well. */
export const well = party({
  ...{ reports: true, dtlsState: 'connected', checksSent: 9, checksAnswered: 1, checksReceived: 9 },
  ...{ packetsSent: 500, packetsReceived: 500 },
})

export const row = (change: Partial<CallRow> = {}): CallRow => ({
  ...{ id: 'c1', callerUser: 'alice', callerName: 'Alice', callerDevice: 'a1' },
  ...{ calleeUser: 'bob', calleeName: 'Bob', calleeDevice: 'b1', video: false },
  ...{ startedAt: earlier(60_000), ringingAt: earlier(59_000), answeredAt: earlier(55_000) },
  ...{ endedAt: earlier(10_000), endedBy: 'caller', reason: 'hangup', code: undefined },
  ...{ missed: false, missedSeen: false, aliveAt: earlier(10_000) },
  ...{ callerPair: undefined, calleePair: undefined, relayReason: undefined, ledger: undefined },
  ...change,
})

export const call = (
  change: Partial<Omit<CallFacts, 'row'>> & { row?: Partial<CallRow> } = {},
): CallFacts => ({
  ...{ verdict: undefined, mos: undefined, relayRefusal: undefined, caller: well, callee: well },
  ...change,
  row: row(change.row),
})

export const incident = (fact: IncidentFact, change: Partial<Incident> = {}): Incident => ({
  ...{ at: earlier(120_000), lastAt: earlier(5_000), until: undefined, count: 3 },
  ...{ user: '', device: '', account: '', source: '', call: '', detail: '' },
  ...fact,
  ...change,
})

/** Bob asks, now. */
export const facts = (change: {
  readonly devices?: readonly DeviceFacts[]
  readonly calls?: readonly CallFacts[]
  readonly incidents?: readonly Incident[]
  readonly appliance?: Partial<ApplianceFacts>
  readonly at?: Epoch
}): HelpFacts => ({
  asked: { user: 'bob', at: change.at ?? at },
  people: [
    { user: 'alice', name: 'Alice', devices: [page('a1', { address: '10.1.2.20' })] },
    { user: 'bob', name: 'Bob', devices: change.devices ?? [page('b1')] },
  ],
  calls: change.calls ?? [],
  incidents: change.incidents ?? [],
  appliance: { ...appliance, ...change.appliance },
  networks: [
    { name: 'eth0', address: '10.1.1.1', prefixLength: 24 },
    { name: 'eth0.20', address: '10.1.2.1', prefixLength: 24 },
  ],
})
