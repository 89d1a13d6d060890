import { describe, expect, it } from 'vitest'
import { emptyPartyLedger } from '../../src/relay/ledger.ts'
import { evidenceOf } from '../../src/trace/evidence.ts'
import type { PairChecks, TraceEvent } from '../../src/trace/message.ts'
import { verdictOf } from '../../src/trace/verdict.ts'
import { whyNotDirect } from '../../src/trace/why.ts'

const checked = (local: string, remote: string, requestsReceived = 0): PairChecks => ({
  ...{ local, remote, state: 'in-progress', requestsSent: 9, responsesReceived: 0, requestsReceived },
})

interface Case {
  readonly callerOffers: readonly string[]
  readonly calleeOffers: readonly string[]
  readonly callerChecks?: readonly PairChecks[]
  readonly calleeChecks?: readonly PairChecks[]
  /** Told when one had moved, and when the relay was closed. */
  readonly lateChecks?: readonly PairChecks[]
  readonly reason?: 'otherNetwork' | 'checksFailed'
  readonly refused?: string
}

function eventsOf({ callerOffers, calleeOffers, ...rest }: Case): TraceEvent[] {
  const local = { address: '10.77.0.11', port: 443 }
  const said = (party: 'caller' | 'callee', offers: readonly string[]) => ({
    ...{ kind: 'channel', direction: 'in', party, device: party, local, remote: local, type: 'offer' },
    source: party,
    message: { sdp: offers.map((offer, at) => `a=candidate:${at} 1 udp 1 ${offer}\r\n`).join('') },
  })
  const checks = (source: 'caller' | 'callee', pairs: readonly PairChecks[] = []) =>
    pairs.length === 0 ? [] : [{ kind: 'checks', source, pairs }]
  const refused = {
    ...said('caller', []),
    ...{ direction: 'out', type: 'relayRefused', message: { reason: rest.refused } },
  }
  const events = [
    { kind: 'network', who: 'lanline', source: 'server', addresses: ['10.77.0.11', '10.78.0.11'] },
    said('caller', callerOffers),
    said('callee', calleeOffers),
    ...checks('caller', rest.callerChecks),
    ...checks('callee', rest.calleeChecks),
    ...(rest.reason ? [{ kind: 'grant', source: 'relay', what: 'opened', reason: rest.reason }] : []),
    ...(rest.lateChecks ? [{ kind: 'network', who: 'callee', source: 'server', addresses: [] }] : []),
    ...checks('callee', rest.lateChecks),
    ...(rest.lateChecks ? [{ kind: 'grant', source: 'relay', what: 'closed' }] : []),
    ...checks('caller', rest.lateChecks),
    ...(rest.refused ? [refused] : []),
  ]
  return events.map((event, number) => ({ number, atMilliseconds: number, ...event }) as TraceEvent)
}

const [a, b] = ['10.77.0.12 5002 typ host', '10.78.0.13 5003 typ host']
const [ownRelay, otherRelay] = ['10.78.0.11 49300 typ relay', '10.77.0.11 49400 typ relay']
const direct = (received: number) => checked('host 10.77.0.12:5002', 'host 10.78.0.13:5003', received)
const reasonOf = (given: Case): string => whyNotDirect(evidenceOf(eventsOf(given))).reason

describe('why a call was not direct', () => {
  it.each<[string, Case, string]>([
    [
      'nothing arrives at either',
      { callerOffers: [a], calleeOffers: [b], callerChecks: [direct(0)], reason: 'otherNetwork' },
      'noRoute',
    ],
    [
      'only checks by way of the relay arrive',
      {
        callerOffers: [a, ownRelay],
        calleeOffers: [b, otherRelay],
        callerChecks: [
          direct(0),
          checked('host 10.77.0.12:5002', 'relay 10.77.0.11:49400', 5),
          checked('relay 10.78.0.11:49300', 'host 10.78.0.13:5003', 4),
          checked('host 10.77.0.12:5002', 'prflx hidden:49400', 3),
          checked('host 10.77.0.12:5002', 'prflx 10.77.0.11:50000', 3),
        ],
        reason: 'otherNetwork',
      },
      'noRoute',
    ],
    [
      'the checks of one arrive at the other, and no answer comes back',
      {
        callerOffers: [a],
        calleeOffers: [b],
        callerChecks: [direct(0)],
        calleeChecks: [checked('host 10.78.0.13:5003', 'host 10.77.0.12:5002', 7)],
        reason: 'otherNetwork',
      },
      'filtered',
    ],
    [
      'they come from an address that was not announced',
      {
        callerOffers: [a],
        calleeOffers: ['abcd.local 5003 typ host'],
        callerChecks: [checked('host 10.77.0.12:5002', 'prflx hidden:5003', 7)],
        reason: 'otherNetwork',
      },
      'filtered',
    ],
    [
      'one hides its address: the other’s is enough',
      {
        callerOffers: [a],
        calleeOffers: ['abcd.local 5003 typ host'],
        callerChecks: [direct(0)],
        reason: 'otherNetwork',
      },
      'noRoute',
    ],
    [
      'both hide their addresses',
      {
        callerOffers: ['efgh.local 5002 typ host'],
        calleeOffers: ['abcd.local 5003 typ host'],
        reason: 'otherNetwork',
      },
      'hiddenCandidates',
    ],
    [
      'one has no address of the other’s family',
      { callerOffers: [a], calleeOffers: ['fd00::13 5003 typ host'], reason: 'otherNetwork' },
      'addressFamily',
    ],
    [
      'they are on one network',
      { callerOffers: [a], calleeOffers: [b], callerChecks: [direct(0)], reason: 'checksFailed' },
      'isolation',
    ],
    [
      'checks were answered before one of them went elsewhere, and arrive when it is back',
      {
        callerOffers: [a],
        calleeOffers: [b],
        callerChecks: [{ ...direct(6), state: 'succeeded', responsesReceived: 6 }],
        lateChecks: [checked('host 10.77.0.12:5009', 'prflx hidden:5008', 1)],
        reason: 'otherNetwork',
      },
      'noRoute',
    ],
    ['nobody told of checks', { callerOffers: [a], calleeOffers: [b] }, 'notReported'],
  ])('where %s', (_, given, reason) => expect(reasonOf(given)).toBe(reason))

  it('is told as well where the relay was granted, and neither end reached that either', () => {
    const given = { callerOffers: [a], calleeOffers: [b], reason: 'otherNetwork' } as const
    const told = { callerChecks: [direct(0)], calleeChecks: [checked('host 10.78.0.13:5003', `host ${a}`)] }
    const none = { ...emptyPartyLedger, allocations: 0 }
    const events = [
      ...eventsOf({ ...given, ...told }),
      { number: 8, atMilliseconds: 8, source: 'caller', kind: 'channel', direction: 'in', type: 'noPath' },
      { number: 9, atMilliseconds: 9, source: 'server', kind: 'call', what: 'answered' },
    ].map(one => (one.kind === 'channel' ? { ...one, party: 'caller', message: {} } : one)) as TraceEvent[]
    const verdict = verdictOf(evidenceOf(events, { ledger: { caller: none, callee: none } }))
    expect(verdict).toMatchObject({
      ...{ path: 'unknown', sentence: 'Unknown: neither end found a way to the other.', missing: [] },
      whyNotDirect: { reason: 'noRoute' },
    })
    const figures = verdict.checked.find(({ id }) => id === 'ledger')?.figures
    expect(figures).toBe('0 bytes: opened and reached by neither end')
  })

  it('is told as well where lanline does not relay within one network, so that there was no call', () => {
    const given = { callerOffers: [a], calleeOffers: [b], callerChecks: [direct(0)], refused: 'sameNetwork' }
    const verdict = verdictOf(evidenceOf(eventsOf(given)))
    expect(verdict).toMatchObject({ path: 'unknown', whyNotDirect: { reason: 'isolation' } })
    const off = verdictOf(evidenceOf(eventsOf({ ...given, refused: 'off' })))
    expect(off).toMatchObject({ path: 'unknown' })
    expect(off.whyNotDirect).toBeUndefined()
  })
})
