import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../src/core/bytes.ts'

describe('bytes in network order', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(
        fc.nat(0xff),
        fc.nat(0xffff),
        fc.nat(0xffffffff),
        fc.uint8Array({ maxLength: 600 }),
        (a, b, c, d) => {
          const reader = new ByteReader(new ByteWriter().u8(a).u16(b).u32(c).bytes(d).finish())
          expect([reader.u8(), reader.u16(), reader.u32()]).toEqual([a, b, c])
          expect(reader.take(d.length)).toEqual(d)
          expect(reader.overrun).toBe(false)
          expect(reader.remaining).toBe(0)
        },
      ),
    )
  })

  it('says once that it ran over the end, and yields zeros from there on', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3))
    expect(reader.u16()).toBe(0x0102)
    expect(reader.u32()).toBe(0)
    expect(reader.overrun).toBe(true)
    expect(reader.u8()).toBe(0)
    expect(reader.take(1)).toHaveLength(0)
  })

  it('refuses to write past its limit', () => {
    expect(() => new ByteWriter(4).u32(1).u8(1)).toThrow(RangeError)
  })
})
