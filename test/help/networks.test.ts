import { expect, it } from 'vitest'
import type { NetworkedCall } from '../../src/help/message.ts'
import { networkOf, networkTable } from '../../src/help/networks.ts'

const known = [
  { name: 'eth0.10', address: '10.0.10.1', prefixLength: 24 },
  { name: 'eth0.20', address: '10.0.20.1', prefixLength: 24 },
  { name: 'site', address: '10.0.0.0', prefixLength: 16 },
]
const call = (id: string, path: NetworkedCall['path'], caller: string, callee: string, reason = '') => ({
  ...{ call: id, path, addresses: { caller, callee }, reason },
})

it('an address belongs to the narrowest network that holds it, else to its own /24 or /64', () => {
  expect(networkOf('10.0.10.7', known)).toBe('eth0.10')
  expect(networkOf('10.0.99.7', known)).toBe('site')
  expect(networkOf('192.0.2.7', known)).toBe('192.0.2.0/24')
  expect(networkOf('fd00:1:2:3::7', known)).toBe('fd00:1:2:3::/64')
  expect(networkOf('', known)).toBe('')
  expect(networkOf('hidden.local', known)).toBe('')
})

it('counts both ways together, with reasons and the newest example', () => {
  const table = networkTable(
    [
      call('5', 'failed', '10.0.20.5', '10.0.10.5', 'relay: off'),
      call('4', 'relayed', '10.0.10.5', '10.0.20.5', 'no route'),
      call('3', 'relayed', '10.0.20.5', '10.0.10.9', 'no route'),
      call('2', 'direct', '10.0.10.5', '10.0.10.6'),
      call('1', 'direct', '10.0.10.5', ''),
    ],
    known,
  )
  expect(table).toEqual({
    networks: ['eth0.10', 'eth0.20'],
    calls: 5,
    unknown: 1,
    cells: [
      {
        ...{ from: 'eth0.10', to: 'eth0.20', direct: 0, relayed: 2, failed: 1, example: '5' },
        reasons: [
          { text: 'no route', count: 2 },
          { text: 'relay: off', count: 1 },
        ],
      },
      { from: 'eth0.10', to: 'eth0.10', direct: 1, relayed: 0, failed: 0, reasons: [], example: undefined },
    ],
  })
})

it('is bounded: of a thousand networks those with most calls are told', () => {
  const many = Array.from({ length: 1_000 }, (_, n) =>
    call(String(n), 'direct', `172.${16 + (n % 16)}.${n % 250}.1`, '10.0.10.5'),
  )
  expect(networkTable(many, known).networks.length).toBeLessThanOrEqual(12)
  expect(networkTable(many, known).networks).toContain('eth0.10')
})
