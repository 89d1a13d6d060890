import { describe, expect, it } from 'vitest'
import {
  type Batch,
  batchLimits,
  costOf,
  isSettled,
  perSecond,
  rounded,
} from '../../image-build/capacity-estimate.ts'
import { machineCode } from '../../image-build/capacity-proof.ts'

const batch = (each: number, done = 10, failed = 0): Batch => ({
  ...{ done, failed, process: each * done, machine: 2 * each * done },
  busiest: { name: 'main', instructions: (each * done) / 2 },
})
const batches = (...costs: number[]): Batch[] => costs.map(each => batch(each))

describe('what an operation costs', () => {
  it('is settled when three batches cost what the three before did', () => {
    expect(isSettled(batches(900, 500, 300, 200, 200))).toBe(false)
    expect(isSettled(batches(900, 500, 300, 200, 200, 200))).toBe(false)
    expect(isSettled(batches(900, 500, 300, 202, 200, 201, 199, 203, 200))).toBe(true)
    expect(isSettled(batches(...Array.from({ length: batchLimits.most }, (_, at) => 2 ** (20 - at))))).toBe(
      true,
    )
  })

  it('is the median of the last three batches, and what failed in any of them is told', () => {
    const cost = costOf([batch(900, 10, 1), ...batches(500, 200, 210), batch(205, 20)])
    expect(cost).toMatchObject({ first: 900, process: 205, machine: 415, batches: 5, failed: 1 })
    expect(cost.busiest).toEqual({ name: 'main', instructions: 102.5 })
  })

  it('becomes a rate of one core of 1.5 GHz', () => {
    const { low, assumed, high } = perSecond(1e6)
    expect([low, Math.round(assumed), high]).toEqual([750, 1_050, 1_500])
  })

  it('is told by two digits', () => {
    expect([0, 0.0234, 1.26, 34.7, 12_345].map(rounded)).toEqual(['0', '0.023', '1.3', '35', '12,000'])
  })
})

describe('the program of known length', () => {
  it.each(['amd64', 'arm64'] as const)('is a whole ELF file for %s', architecture => {
    const { bytes, instructions } = machineCode(architecture)
    const file = Buffer.from(bytes)
    expect(file.subarray(0, 5)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2]))
    expect(file.readBigUInt64LE(96)).toBe(BigInt(file.length))
    expect(instructions).toBe(800_000_000)
  })
})
