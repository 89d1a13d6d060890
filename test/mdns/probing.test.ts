import { expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Probing } from '../../src/mdns/probing.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic

/** What is due until `end`, as `250 probe a b`. */
function steps(probing: Probing, end: number): string[] {
  const lines: string[] = []
  for (let now = probing.next(); now !== undefined && now <= end; now = probing.next()) {
    const step = probing.take(now)!
    lines.push([now, step.kind, ...step.ids].join(' '))
  }
  return lines
}

it('names are probed for three times and announced three times, then left alone', () => {
  const probing = new Probing()
  probing.probe(['a', 'b'], at(100))
  expect(probing.isWaiting('a')).toBe(true)
  expect(steps(probing, 100)).toEqual(['100 probe a b'])
  expect(probing.isProbing('a')).toBe(true)
  expect(steps(probing, 99_999)).toEqual([
    '350 probe a b',
    '600 probe a b',
    '850 announceFirst a b',
    '1850 announce a b',
    '3850 announce a b',
  ])
  expect(probing.isAnnounced('b')).toBe(true)
  expect([probing.rounds, probing.next()]).toEqual([0, undefined])
})

it('what is announced anew is not probed for, and stays announced', () => {
  const probing = new Probing()
  probing.announceAnew(['a'], at(0))
  expect(probing.isAnnounced('a')).toBe(true)
  expect(steps(probing, 9_999)).toEqual(['0 announceFirst a', '1000 announce a', '3000 announce a'])
})

it('many names go in lots of 32, 50 ms apart', () => {
  const probing = new Probing()
  probing.probe(
    Array.from({ length: 70 }, (_, index) => `${index}`),
    at(0),
  )
  const counts = steps(probing, 249).map(line => [line.split(' ')[0], line.split(' ').length - 2])
  expect(counts).toEqual([
    ['0', 32],
    ['50', 32],
    ['100', 6],
  ])
})

it('a name that begins again leaves its round to the others, and a round ends with its last name', () => {
  const probing = new Probing()
  probing.probe(['a', 'b'], at(0))
  probing.take(at(0))
  probing.probe(['b'], at(100))
  probing.drop('a')
  expect(probing.rounds).toBe(1)
  expect(steps(probing, 350)).toEqual(['100 probe b', '350 probe b'])
  for (let count = 0; count < 1_000; count++) probing.probe(['b'], at(5_000))
  expect(probing.rounds).toBe(1)
  probing.drop('b')
  expect([probing.rounds, probing.next(), [...probing.ids()]]).toEqual([0, undefined, []])
})
