import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chosenAtStart,
  confirmed,
  decodeBooted,
  decodeState,
  encodeState,
  givenUp,
  mountedAt,
  slotDevice,
  tryNext,
} from '../../src/update/slots.ts'

describe('the state of the slots', () => {
  it('is read back as it was written', () => {
    expect(encodeState({ good: 'b', trial: { next: 'a', tries: 1 } })).toBe('good=b\nnext=a\ntries=1\n')
    for (const state of [
      { good: 'a', trial: undefined },
      { good: 'a', trial: { next: 'b', tries: 2 } },
    ] as const) {
      expect(decodeState(encodeState(state))).toEqual(state)
    }
  })

  it('that is missing, torn or nonsense means that a is good', () => {
    const a = { good: 'a', trial: undefined }
    expect(decodeState(undefined)).toEqual(a)
    expect(decodeState('')).toEqual(a)
    expect(decodeState('good=c\nnext=x')).toEqual(a)
    expect(decodeState('good=b\nnext=b\ntries=0')).toEqual({ good: 'b', trial: undefined })
    fc.assert(fc.property(fc.string(), text => ['a', 'b'].includes(decodeState(text).good)))
  })

  it('takes a version to its trial, twice at most, and back by itself', () => {
    const start = tryNext({ slot: 'a', trial: false, boot: 1 })
    const first = chosenAtStart(start)
    expect(first.slot).toBe('b')
    const second = chosenAtStart(first.left)
    expect(second.slot).toBe('b')
    const third = chosenAtStart(second.left)
    expect(third).toEqual({ slot: 'a', left: { good: 'a', trial: undefined } })
    expect(chosenAtStart(givenUp(first.left)).slot).toBe('a')
    expect(chosenAtStart(confirmed({ slot: 'b', trial: true, boot: 1 })).slot).toBe('b')
  })
})

describe('what is booted', () => {
  it('is what the first steps of the start told', () => {
    expect(decodeBooted('slot=b\ntrial=yes\nboot=3\n')).toEqual({ slot: 'b', trial: true, boot: 3 })
    expect(decodeBooted('slot=a\ntrial=no\n')).toEqual({ slot: 'a', trial: false, boot: 1 })
    expect(decodeBooted(undefined)).toBeUndefined()
    expect(decodeBooted('slot=none')).toBeUndefined()
  })
})

describe('the slots’ partitions', () => {
  it('are those before the data’s, on any kind of disk', () => {
    expect(slotDevice('/dev/mmcblk0p4', 'a')).toBe('/dev/mmcblk0p2')
    expect(slotDevice('/dev/vda4', 'b')).toBe('/dev/vda3')
    expect(slotDevice('/dev/nvme0n1p4', 'b')).toBe('/dev/nvme0n1p3')
    for (const other of ['/dev/vda1', '/dev/mapper/x4', 'tmpfs', '/dev/mmcblk04', '/dev/../vda4']) {
      expect(slotDevice(other, 'a')).toBeUndefined()
    }
    expect(mountedAt('/data', 'proc /proc proc rw 0 0\n/dev/vda4 /data ext4 rw 0 0\n')).toBe('/dev/vda4')
  })
})
