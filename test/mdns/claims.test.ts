import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Claims, claimLimits, isLostOften } from '../../src/mdns/claims.ts'
import { keyOf } from '../../src/mdns/names.ts'
import { phone } from './segment.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const labels = (claims: Claims): string[] => [...claims.all()].map(({ label }) => label)
const published = (hostname: string, ...services: ReturnType<typeof phone>[]): Claims => {
  const claims = new Claims()
  claims.publish({ hostname, services })
  return claims
}

describe('a publication', () => {
  it('brings names to be had; the same once more brings nothing, a port that moved is a change', () => {
    const claims = new Claims()
    const first = { hostname: 'lanline', services: [phone('Mill')] }
    expect(claims.publish(first)).toEqual({ fresh: ['host', 'service Mill'], changed: [], left: 0 })
    expect(claims.lostBy(first)).toEqual([])
    expect(claims.publish(first)).toEqual({ fresh: [], changed: [], left: 0 })
    const moved = { hostname: 'lanline', services: [phone('Mill', 'Mill', 5070)] }
    expect(claims.lostBy(moved)).toEqual([])
    expect(claims.publish(moved)).toEqual({ fresh: [], changed: ['service Mill'], left: 0 })
  })

  it('gives up what is no more and what is called otherwise, and nothing before it is taken over', () => {
    const claims = published('lanline', phone('Mill'), phone('Ann'))
    const next = { hostname: 'mill', services: [phone('Windmill', 'Mill')] }
    expect(claims.lostBy(next)).toEqual(['host', 'service Mill', 'service Ann'])
    expect(labels(claims)).toEqual(['lanline', 'Mill', 'Ann'])
    expect(claims.publish(next)).toEqual({ fresh: ['service Mill'], changed: [], left: 0 })
    expect(labels(claims)).toEqual(['mill', 'Windmill'])
    expect(claims.ofName(keyOf(['lanline', 'local']))).toBe(undefined)
    expect(claims.ofName(keyOf(['MILL', 'local']))?.id).toBe('host')
  })

  it('that has not heard of a new name yet does not take it back', () => {
    const claims = published('lanline')
    claims.lose(claims.host!, at(0))
    expect(claims.lostBy({ hostname: 'lanline', services: [] })).toEqual([])
    expect(claims.lostBy({ hostname: 'lanline-2', services: [] })).toEqual([])
    expect(claims.host?.label).toBe('lanline-2')
  })

  it('of too many services is taken as far as there is room, and says what is left', () => {
    const services = Array.from({ length: claimLimits.services + 3 }, (_, index) => phone(`p${index}`))
    const claims = new Claims()
    expect(claims.publish({ hostname: 'lanline', services }).left).toBe(3)
    expect(claims.size).toBe(claimLimits.services + 1)
  })
})

describe('a name', () => {
  it('that is lost becomes the next one that is free, of one’s own as well', () => {
    const claims = published('lanline', phone('Mill'), phone('Mill (2)'))
    claims.lose(claims.get('service Mill')!, at(0))
    expect(labels(claims)).toEqual(['lanline', 'Mill (3)', 'Mill (2)'])
  })

  it('is lost often after fifteen times in ten seconds, until they are over', () => {
    const claims = published('lanline')
    const lose = (now: number): boolean => {
      claims.lose(claims.host!, at(now))
      return isLostOften(claims.host!)
    }
    const within = Array.from({ length: 15 }, (_, index) => lose(index * 700))
    expect(within.indexOf(true)).toBe(14)
    expect(lose(9_800 + claimLimits.conflictWindowMilliseconds)).toBe(false)
  })
})
