/** The calls that the captures in test/vectors hold, as their events would have told them. */
import type { CallRow } from '../../../src/calls/message.ts'
import type { Epoch } from '../../../src/core/clock.ts'
import type { TraceEvent } from '../../../src/trace/message.ts'
import { eventsOf, ledger, mirrored, pair, type Story } from '../story.ts'

/** `other`: a call of the same two people that no capture holds. */
export type KeptCall = 'direct' | 'relayed' | 'other'

const ends = {
  direct: { ufrags: ['eIyP', 'Y26x'], ssrcs: [1965794124, 3185584494], ports: [37716, 46700] },
  relayed: { ufrags: ['Oa9t', '7orN'], ssrcs: [863133587, 2942740908], ports: [36462, 53760] },
  other: { ufrags: ['aaaa', 'bbbb'], ssrcs: [1, 2], ports: [1_001, 1_002] },
} as const

/** When the captures were taken, as good as matters. */
export const startedAt = 1_790_000_000_000 as Epoch

export const rowOf = (call: KeptCall, change: Partial<CallRow> = {}): CallRow => ({
  ...{ id: `${call}-call`, callerUser: 'mia', callerName: 'Mia', callerDevice: 'caller' },
  ...{ calleeUser: 'tom', calleeName: 'Tom', calleeDevice: 'callee', video: true, startedAt },
  ...{ ringingAt: startedAt, answeredAt: startedAt, endedAt: (startedAt + 30_000) as Epoch },
  ...{ endedBy: 'caller', reason: 'hungUp', code: undefined, missed: false, missedSeen: false },
  ...{ aliveAt: startedAt, callerPair: undefined, calleePair: undefined, relayReason: undefined },
  ...{ ledger: undefined },
  ...change,
})

/** Each by a relayed address of the appliance. */
const relayedPair = pair({ localType: 'relay', localAddress: '192.168.1.1', remoteType: 'relay' })
const relayedPairs = { callerPair: relayedPair, calleePair: mirrored(relayedPair) }

/** What both clients told, with the addresses, ports, ufrags and streams of the capture. */
export function eventsOfKept(call: KeptCall, story: Story = {}): TraceEvent[] {
  const { ufrags, ssrcs, ports } = ends[call]
  const carried = call === 'relayed' ? { ledger: ledger(90_000, 900), ...relayedPairs, ...story } : story
  const text = JSON.stringify(eventsOf(carried))
    .replaceAll('192.168.1.2', '10.77.0.12')
    .replaceAll('192.168.1.3', call === 'relayed' ? '10.78.0.13' : '10.77.0.13')
    .replaceAll('["192.168.1.1"]', '["10.77.0.11","10.78.0.11"]')
    .replaceAll('192.168.1.1', '10.77.0.11')
    .replaceAll(/\b5002\b/g, String(ports[0]))
    .replaceAll(/\b5003\b/g, String(ports[1]))
    .replaceAll('a=ice-ufrag:caller', `a=ice-ufrag:${ufrags[0]}`)
    .replaceAll('a=ice-ufrag:callee', `a=ice-ufrag:${ufrags[1]}`)
    .replaceAll('"ssrc":1111', `"ssrc":${ssrcs[0]}`)
    .replaceAll('"ssrc":2222', `"ssrc":${ssrcs[1]}`)
  return (JSON.parse(text) as TraceEvent[]).map((event, index) => ({ ...event, number: index + 1 }))
}
