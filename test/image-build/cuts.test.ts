/** What is on a disk after a cut, and whether a disk that loses what it was told to keep is found out. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseCuts, keptAt, piecesOf, survivors } from '../../image-build/test/cuts.ts'
import { Ledger } from '../../image-build/test/ledger.ts'
import type { LoggedEntry } from '../../image-build/test/write-log.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runs } from '../property/counts.ts'

/** `w` a write of four sectors, `f` a flush. */
function entriesOf(letters: string): LoggedEntry[] {
  let end = 512
  return [...letters].map((letter, index) => {
    const from = end + 512
    end = letter === 'f' ? from : from + 2_048
    return letter === 'f'
      ? { kind: 'flush', end }
      : { kind: 'write', offset: index * 2_048, length: 2_048, from, throughCache: false, end }
  })
}

const letters = fc.string({ unit: fc.constantFrom('w', 'w', 'w', 'f'), minLength: 1, maxLength: 80 })

describe('a cut', () => {
  it('keeps everything up to the last flush', () => {
    const entries = entriesOf('wwfwwfww')
    expect(keptAt(entries, { kind: 'inOrder', at: 8 })).toBe(6)
    expect(keptAt(entries, { kind: 'torn', at: 6 })).toBe(6)
    expect(keptAt(entries, { kind: 'torn', at: 5 })).toBe(3)
    expect(keptAt(entries, { kind: 'torn', at: 2 })).toBe(0)
  })

  it('in order has everything that the disk had taken', () => {
    const entries = entriesOf('wwfww')
    expect(survivors(entries, { kind: 'inOrder', at: 5 }, seededRandom(1))).toEqual(
      entries.slice(3).flatMap(piecesOf),
    )
  })

  it('torn has sectors of what came after the last flush only, each as it was written', () => {
    fc.assert(
      fc.property(letters, fc.nat(), fc.integer(), (text, place, seed) => {
        const entries = entriesOf(text)
        const cut = { kind: 'torn', at: 1 + (place % entries.length) } as const
        const late = entries.slice(keptAt(entries, cut), cut.at).flatMap(piecesOf)
        for (const piece of survivors(entries, cut, seededRandom(seed))) {
          const whole = late.find(({ from, length }) => piece.from >= from && piece.from < from + length)
          expect(whole).toBeDefined()
          expect(piece.offset - whole!.offset).toBe(piece.from - whole!.from)
          expect(piece.from + piece.length).toBeLessThanOrEqual(whole!.from + whole!.length)
          expect(piece.length % 512).toBe(0)
          expect(piece.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: runs },
    )
  })

  it('torn leaves out, keeps and tears: all three are seen', () => {
    const entries = entriesOf('w'.repeat(200))
    const sizes = new Map<number, number>()
    for (const { offset, length } of survivors(entries, { kind: 'torn', at: 200 }, seededRandom(4))) {
      const write = Math.floor(offset / 2_048)
      sizes.set(write, (sizes.get(write) ?? 0) + length)
    }
    const whole = [...sizes.values()].filter(size => size === 2_048).length
    expect(whole).toBeGreaterThan(40)
    expect(sizes.size - whole).toBeGreaterThan(20)
    expect(200 - sizes.size).toBeGreaterThan(40)
  })

  it('is chosen the same way from the same seed, between flushes, as often as wished', () => {
    const entries = entriesOf('wwwfwwf'.repeat(300))
    const wishes = { inOrder: 100, torn: 40, lying: 5, loadBegins: 400 }
    const cuts = chooseCuts(entries, wishes, seededRandom(7))
    expect(chooseCuts(entries, wishes, seededRandom(7))).toEqual(cuts)
    const count = (kind: string): number => cuts.filter(cut => cut.kind === kind).length
    expect([count('inOrder'), count('torn'), count('lying')]).toEqual([100, 40, 5])
    for (const { at } of cuts) expect(entries[at - 1]!.kind).toBe('write')
    const kept = cuts.map(cut => keptAt(entries, cut))
    expect(kept).toEqual(kept.toSorted((one, other) => one - other))
    expect(cuts.filter(({ at }) => at <= 400).length).toBeGreaterThan(10)
  })
})

describe('a ledger', () => {
  const kinds = new Set(['person'])

  it('finds out a disk that loses a write it was told to keep', () => {
    // Each person is one write and one flush, answered after that.
    const entries = entriesOf('wf'.repeat(100))
    const ledger = new Ledger()
    entries.forEach((entry, index) => {
      if (entry.kind === 'flush') ledger.wish(`person:${index >> 1}`, 'there')(entry.end)
    })
    const foundAfter = (kept: number) =>
      new Map(Array.from({ length: kept >> 1 }, (_, index) => [`person:${index}`, 'there'] as const))
    for (const at of [1, 2, 37, 150, 199]) {
      const end = entries[at - 1]!.end
      const honest = foundAfter(keptAt(entries, { kind: 'torn', at }))
      expect(ledger.broken(honest, kinds, end)).toEqual([])
      const lost = foundAfter(keptAt(entries, { kind: 'lying', at }))
      expect(ledger.broken(lost, kinds, end).length).toBe(honest.size - lost.size)
    }
  })

  it('takes what was promised last, or what was asked for since', () => {
    const ledger = new Ledger()
    ledger.wish('person:anna', 'Anna')(100)
    ledger.wish('person:anna', 'Anne')
    ledger.wish('person:anna', undefined)(300)
    const brokenAt = (found: string | undefined, at: number): number =>
      ledger.broken(new Map(found === undefined ? [] : [['person:anna', found]]), kinds, at).length
    expect([brokenAt(undefined, 99), brokenAt('other', 99)]).toEqual([0, 0])
    expect([brokenAt('Anna', 100), brokenAt('Anne', 299), brokenAt(undefined, 299)]).toEqual([0, 0, 0])
    expect(brokenAt('other', 100)).toBe(1)
    expect([brokenAt('Anna', 300), brokenAt('Anne', 300), brokenAt(undefined, 300)]).toEqual([1, 1, 0])
  })

  it('is the same after it was written down', () => {
    const ledger = new Ledger()
    ledger.wish('person:anna', 'Anna')(100)
    ledger.wish('person:anna', undefined)
    const again = Ledger.from(JSON.parse(JSON.stringify(ledger)))
    expect(again.broken(new Map(), kinds, 100)).toEqual([])
    expect(again.broken(new Map([['person:anna', 'x']]), kinds, 100)).toHaveLength(1)
    expect(again.promised(100)).toEqual(new Map([['person', 1]]))
  })
})
