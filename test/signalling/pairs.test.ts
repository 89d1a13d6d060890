import { expect, it } from 'vitest'
import { SelectedPairs } from '../../src/signalling/pairs.ts'

const pair = (remotePort: number, rttMilliseconds = 1) => ({
  ...{ localType: 'host', localAddress: '10.0.0.1', localPort: 1, remoteType: 'host' },
  ...{ remoteAddress: '10.0.0.2', remotePort, protocol: 'udp', rttMilliseconds },
})

it('a pair is news once, and again after another one or none', () => {
  const pairs = new SelectedPairs()
  expect(pairs.keep('c1', 'alice', null)).toBe(undefined)
  expect(pairs.keep('c1', 'alice', pair(2))?.remotePort).toBe(2)
  expect(pairs.keep('c1', 'alice', pair(2, 99))).toBe(undefined)
  expect(pairs.keep('c1', 'bob', pair(2))?.remotePort).toBe(2)
  expect(pairs.keep('c1', 'alice', pair(3))?.remotePort).toBe(3)
  expect(pairs.keep('c1', 'alice', null)).toBe(undefined)
  expect(pairs.keep('c1', 'alice', pair(3))?.remotePort).toBe(3)
})

it('however many devices of the callee report while they ring, the caller is heard', () => {
  const pairs = new SelectedPairs()
  for (const device of ['b1', 'b2', 'b3', 'b4', 'b5']) pairs.keep('c1', device, pair(2))
  expect(pairs.keep('c1', 'alice', pair(2))?.remotePort).toBe(2)
  expect(pairs.size).toBe(4)
})

it('of the most recent 500 calls it is known, and of no more', () => {
  const pairs = new SelectedPairs()
  for (let number = 0; number < 600; number++) pairs.keep(`c${number}`, 'alice', pair(2))
  expect(pairs.size).toBe(500)
  expect(pairs.keep('c599', 'alice', pair(2))).toBe(undefined)
})
