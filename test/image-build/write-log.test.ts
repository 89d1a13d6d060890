/** What the reader of the log of a disk's writes makes of good logs, cut ones and any bytes at all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LoggedEntry, readWriteLog, writeLogLimits } from '../../image-build/test/write-log.ts'
import { runs } from '../property/counts.ts'

type Told =
  | { readonly kind: 'write'; readonly sector: number; readonly bytes: Uint8Array; readonly fua: boolean }
  | { readonly kind: 'discard'; readonly sector: number; readonly sectors: number }
  | { readonly kind: 'flush' }

/** As QEMU writes it (block/blklogwrites.c): a first sector, then for each entry a sector and what was written. */
function logOf(entries: readonly Told[], sectorBytes = 512, promised = entries.length): Uint8Array {
  const parts = [head(sectorBytes, promised)]
  for (const entry of entries) {
    const header = new Uint8Array(sectorBytes)
    const numbers = new DataView(header.buffer)
    const sectors =
      entry.kind === 'write' ? entry.bytes.length / sectorBytes : entry.kind === 'discard' ? entry.sectors : 0
    const flags = entry.kind === 'flush' ? 1n : entry.kind === 'discard' ? 4n : entry.fua ? 2n : 0n
    numbers.setBigUint64(0, entry.kind === 'flush' ? 0n : BigInt(entry.sector), true)
    numbers.setBigUint64(8, BigInt(sectors), true)
    numbers.setBigUint64(16, flags, true)
    parts.push(header, ...(entry.kind === 'write' ? [entry.bytes] : []))
  }
  return Buffer.concat(parts)
}

function head(sectorBytes: number, promised: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(28, sectorBytes))
  const numbers = new DataView(bytes.buffer)
  numbers.setBigUint64(0, 0x6a736677736872n, true)
  numbers.setBigUint64(8, 1n, true)
  numbers.setBigUint64(16, BigInt(promised), true)
  numbers.setUint32(24, sectorBytes, true)
  return bytes
}

const read = (bytes: Uint8Array) =>
  readWriteLog((offset, length) => bytes.subarray(offset, offset + length), bytes.length)

const told = (entry: LoggedEntry, bytes: Uint8Array, sectorBytes: number): Told => {
  if (entry.kind === 'flush') return { kind: 'flush' }
  const sector = entry.offset / sectorBytes
  if (entry.kind === 'discard') return { kind: 'discard', sector, sectors: entry.length / sectorBytes }
  const written = Uint8Array.from(bytes.subarray(entry.from, entry.from + entry.length))
  return { kind: 'write', sector, bytes: written, fua: entry.throughCache }
}

const sector = fc.integer({ min: 0, max: 2 ** 31 })
const entryOf = (sectorBytes: number): fc.Arbitrary<Told> =>
  fc.oneof(
    fc.record({
      kind: fc.constant('write' as const),
      sector,
      bytes: fc
        .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 255 }))
        .map(([sectors, byte]) => new Uint8Array(sectors * sectorBytes).fill(byte)),
      fua: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('discard' as const),
      sector,
      sectors: fc.integer({ min: 1, max: 100_000 }),
    }),
    fc.constant({ kind: 'flush' as const }),
  )
const written = fc
  .constantFrom(512, 4_096)
  .chain(size => fc.record({ size: fc.constant(size), entries: fc.array(entryOf(size), { maxLength: 8 }) }))

describe('the log of a disk’s writes', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(written, ({ size, entries }) => {
        const bytes = logOf(entries, size)
        const log = read(bytes)
        expect(log.problem).toBeUndefined()
        expect(log.entries.map(entry => told(entry, bytes, size))).toEqual(entries)
        expect(log.entries.at(-1)?.end ?? size).toBe(bytes.length)
      }),
      { numRuns: runs },
    )
  })

  it('that was cut off is read up to there, and said to be', () => {
    fc.assert(
      fc.property(written, fc.nat(), ({ size, entries }, cut) => {
        const bytes = logOf(entries, size)
        const part = bytes.subarray(0, cut % bytes.length)
        const log = read(part)
        const whole = read(bytes).entries
        expect(log.entries).toEqual(whole.slice(0, log.entries.length))
        expect(log.entries.every(({ end, kind }) => kind !== 'write' || end <= part.length)).toBe(true)
        const headersThere = entries.length === log.entries.length && part.length >= 28
        expect(log.problem === undefined).toBe(headersThere)
      }),
      { numRuns: runs },
    )
  })

  it('of any bytes ends, with entries that lie within it', () => {
    const start = fc.constantFrom(new Uint8Array(), head(512, 3), head(4_096, 50), head(512, 2 ** 40))
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 8_192 }), (first, rest) => {
        const bytes = Buffer.concat([first, rest])
        const log = read(bytes)
        expect(log.entries.length).toBeLessThanOrEqual(writeLogLimits.entries)
        for (const entry of log.entries) {
          if (entry.kind === 'flush') continue
          expect(entry.length).toBeGreaterThan(0)
          expect(Number.isSafeInteger(entry.offset + entry.length)).toBe(true)
          if (entry.kind === 'write') expect(entry.end).toBeLessThanOrEqual(bytes.length)
        }
      }),
      { numRuns: runs },
    )
  })

  it.each([
    ['nothing', new Uint8Array(), 'it is shorter than its first sector'],
    ['something else', new Uint8Array(600), 'it is no log of writes'],
    ['sectors of odd size', head(513, 0), 'it has sectors of 513 bytes'],
    ['a hole', logOf([{ kind: 'flush' }], 512, 2), 'entry 1: it ends before'],
    [
      'a hole of zeros',
      Buffer.concat([logOf([], 512, 1), new Uint8Array(512)]),
      'entry 0: a write of nothing',
    ],
  ])('of %s says what is wrong', (_, bytes, problem) => {
    expect(read(bytes).problem).toBe(problem)
  })
})
