import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  codecs,
  delayImpairment,
  lossImpairment,
  mosEstimate,
  mosOf,
  rating,
} from '../../src/trace/quality.ts'

describe('the E-model', () => {
  // G.107 annex B, table B.1.
  it.each([
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
  ])('R of %d is a MOS of %d', (r, mos) => expect(Math.abs(mosOf(r) - mos)).toBeLessThan(0.01))

  it('gives 4.41 for a line with every default of G.107', () => expect(mosOf(93.2)).toBeCloseTo(4.41, 2))

  it('takes nothing off for 100 ms of delay and about 24 for 400 ms', () => {
    expect(delayImpairment(100)).toBe(0)
    expect(delayImpairment(150)).toBeCloseTo(0.16, 1)
    expect(delayImpairment(400)).toBeCloseTo(24.1, 1)
  })

  it('takes half of what can be lost where loss is as large as the codec’s robustness', () => {
    expect(lossImpairment(0.251, codecs.g711)).toBeCloseTo(47.5, 5)
  })

  it.each([
    [0.01, 3.64],
    [0.02, 7.01],
    [0.05, 15.78],
    [0.1, 27.07],
  ])('takes about 4 a percent where little is lost of concealed G.711: at %d %d', (loss, impairment) => {
    // 95 · Ppl / (Ppl + 25.1); published measurements say about 4 a percent.
    expect(lossImpairment(loss, codecs.g711)).toBeCloseTo(impairment, 2)
  })

  it.each([
    [200, 3.04],
    [300, 14.77],
    [400, 24.09],
  ])('takes for %d ms of absolute delay %d', (milliseconds, impairment) =>
    expect(delayImpairment(milliseconds)).toBeCloseTo(impairment, 1))

  it('calls a call on one LAN good, and one that loses a fifth bad', () => {
    expect(mosEstimate({ loss: 0, jitterMilliseconds: 2, rttMilliseconds: 2 }, codecs.opus)).toBe(4.4)
    expect(
      mosEstimate({ loss: 0.2, jitterMilliseconds: 30, rttMilliseconds: 200 }, codecs.opus),
    ).toBeLessThan(2.6)
  })

  it('never gets better by more loss, jitter or delay, and stays between 1 and 4.5', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    const time = fc.double({ min: 0, max: 20_000, noNaN: true })
    fc.assert(
      fc.property(part, time, time, part, time, time, (loss, jitter, rtt, more, extra, longer) => {
        const one = rating({ loss, jitterMilliseconds: jitter, rttMilliseconds: rtt }, codecs.opus)
        const worse = rating(
          { loss: loss + more, jitterMilliseconds: jitter + extra, rttMilliseconds: rtt + longer },
          codecs.opus,
        )
        expect(worse).toBeLessThanOrEqual(one + 1e-9)
        expect(mosOf(one)).toBeGreaterThanOrEqual(1)
        expect(mosOf(one)).toBeLessThanOrEqual(4.5)
      }),
    )
  })

  it('makes something of figures that are none', () => {
    expect(
      mosEstimate({ loss: Number.NaN, jitterMilliseconds: Number.NaN, rttMilliseconds: 1 }, codecs.opus),
    ).toBe(1)
  })
})
