import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { capturePlanOf } from '../../src/trace/capture-plan.ts'
import type { TraceEvent } from '../../src/trace/message.ts'

const ports = { turn: 3_478, first: 49_152, last: 50_151 }
const row = { id: 'c', startedAt: 1 } as unknown as CallRow
const lanline = { address: '192.0.2.1', port: 443 }
const heard = (party: 'caller' | 'callee', address: string, message: unknown = {}): TraceEvent =>
  ({
    ...{ kind: 'channel', source: 'server', party, direction: 'in', type: 'offer', message },
    ...{ local: lanline, remote: { address, port: 50_000 } },
  }) as unknown as TraceEvent
const callee = { candidate: 'candidate:1 1 udp 1 2001:DB8::7 5000 typ host' }
const events = [heard('caller', '192.0.2.7'), heard('callee', '192.0.2.8', { candidate: callee })]

describe('how a call is to be captured at a computer of one of its two', () => {
  it('is by where both are, and by way of the relay; each class is cut off before its payload', () => {
    const plan = capturePlanOf({ ...row, answeredAt: 5 } as unknown as CallRow, events, ports)
    expect(plan).toMatchObject({
      state: 'answered',
      caller: ['192.0.2.7'],
      callee: ['192.0.2.8', '2001:db8::7'],
    })
    expect(plan.captures.map(({ snapBytes }) => snapBytes)).toEqual([2_048, 54, 58])
    const filters = plan.captures.map(({ filter }) => filter)
    expect(filters[0]).toContain('((host 192.0.2.7) and (host 192.0.2.8 or host 2001:db8::7)) or')
    for (const filter of filters.slice(1)) {
      expect(filter).toContain('((host 192.0.2.7) and (host 192.0.2.8)) or')
      expect(filter).toContain('(host 192.0.2.1) and (port 3478 or portrange 49152-50151)')
    }
  })

  it('is not told as long as nobody knows where the callee is', () => {
    expect(capturePlanOf(row, events.slice(0, 1), ports)).toMatchObject({ state: 'ringing', captures: [] })
    expect(capturePlanOf({ ...row, endedAt: 9 } as unknown as CallRow, [], ports).state).toBe('ended')
  })

  it('lets no word of a client into a filter', () => {
    const evil = heard('callee', '192.0.2.8', {
      candidate: { candidate: 'candidate:1 1 udp 1 1.2.3.4)or(tcp 5000 typ host' },
    })
    const { callee } = capturePlanOf(row, [heard('caller', '192.0.2.7'), evil], ports)
    expect(callee).toEqual(['192.0.2.8'])
  })
})
