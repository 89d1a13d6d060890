import { describe, expect, it } from 'vitest'
import { sourceOf } from '../../src/core/endpoint.ts'
import { Gate } from '../../src/runtime/gate.ts'

const limits = { unprovenPerSource: 2, unprovenTotal: 3, perSource: 4, total: 6 }

function gate() {
  const evicted: object[] = []
  return { evicted, gate: new Gate<{ name: string }>(limits, connection => evicted.push(connection)) }
}
const one = (name: string) => ({ name })

describe('a gate', () => {
  it('bounds what one source has open without having said anything', () => {
    const { gate: g } = gate()
    expect([1, 2, 3].map(n => g.enter(one(`a${n}`), '192.0.2.1'))).toEqual(['ok', 'ok', 'tooManyFromSource'])
    expect(g.enter(one('b'), '192.0.2.2')).toBe('ok')
  })

  it('lets a flood of silent ones push out each other, never one that has spoken', () => {
    const { gate: g, evicted } = gate()
    const friend = one('friend')
    g.enter(friend, '192.0.2.9')
    g.prove(friend)
    const flood = Array.from({ length: 8 }, (_, n) => one(`flood ${n}`))
    for (const [n, connection] of flood.entries()) expect(g.enter(connection, `198.51.100.${n}`)).toBe('ok')
    expect(evicted).toEqual(flood.slice(0, 5))
    expect([g.unproven, g.proven]).toEqual([3, 1])
  })

  it('bounds what one source has open in all, and everybody', () => {
    const { gate: g } = gate()
    const enter = (address: string): string => {
      const connection = one(address)
      const answer = g.enter(connection, address)
      if (answer === 'ok') g.prove(connection)
      return answer
    }
    expect(Array.from({ length: 5 }, () => enter('192.0.2.1')).at(-1)).toBe('tooManyFromSource')
    expect([enter('192.0.2.2'), enter('192.0.2.2'), enter('192.0.2.3')]).toEqual(['ok', 'ok', 'tooMany'])
  })

  it('forgets who left', () => {
    const { gate: g } = gate()
    const connections = [one('a'), one('b')]
    for (const connection of connections) g.enter(connection, '192.0.2.1')
    g.prove(connections[0]!)
    for (const connection of connections) g.leave(connection)
    g.leave(connections[0]!)
    expect([g.unproven, g.proven]).toEqual([0, 0])
    expect([1, 2].map(n => g.enter(one(`c${n}`), '192.0.2.1'))).toEqual(['ok', 'ok'])
  })

  it('counts an IPv6 network of 64 bits as one source, an IPv4 address alone', () => {
    expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('192.0.2.1')).toBe('192.0.2.1')
  })

  it('takes the telephones of one IPv6 network for many, but for half of everybody at most', () => {
    const g = new Gate<{ name: string }>(
      { unprovenPerSource: 2, unprovenTotal: 8, perSource: 3, total: 20 },
      () => {},
    )
    const enter = (address: string, isProven: boolean): string => {
      const connection = one(address)
      const answer = g.enter(connection, address)
      if (answer === 'ok' && isProven) g.prove(connection)
      return answer
    }
    expect([1, 2, 3, 4].map(() => enter('fd00::a', true)).at(-1)).toBe('tooManyFromSource')
    const others = Array.from({ length: 8 }, (_, host) => enter(`fd00::1:${host}`, true))
    expect(others).toEqual([...Array(7).fill('ok'), 'tooManyFromSource'])
    expect(enter('192.0.2.1', true)).toBe('ok')
    const silent = Array.from({ length: 5 }, (_, host) => enter(`fd00:2::${host}`, false))
    expect(silent).toEqual([...Array(4).fill('ok'), 'tooManyFromSource'])
    expect([1, 2, 3].map(() => enter('192.0.2.2', false))).toEqual(['ok', 'ok', 'tooManyFromSource'])
  })

  it('does not count loopback by source', () => {
    const { gate: g } = gate()
    expect([1, 2, 3].map(n => g.enter(one(`a${n}`), '127.0.0.1'))).toEqual(['ok', 'ok', 'ok'])
  })
})
