/**
 * An estimate of how a call sounds: the E-model of ITU-T G.107 (06/2015), reduced to what a client counts. With every
 * parameter that lanline does not know at its default, R0 − Is is 93.2 (§ 7.7, table 3) and
 *
 *     R = 93.2 − Idd − Ie,eff
 *
 * Left out: echo (TELR) and room noise, since headsets and browsers' echo cancellers are not measured; the advantage
 * factor A is 0. It tells calls apart, it is no measurement of any one of them.
 */

/** Equipment impairment and robustness of a codec under random loss (G.113 appendix I). */
export interface CodecQuality {
  readonly ie: number
  readonly bpl: number
}

export const codecs = {
  /** G.711 with packet loss concealment: G.113 appendix I. */
  g711: { ie: 0, bpl: 25.1 },
  /**
   * Opus is in no G.113 table. Taken as free of impairment without loss and, concealment as good as G.711's assumed,
   * slightly less robust: an assumption of ours, stated beside every figure.
   */
  opus: { ie: 0, bpl: 20 },
} as const satisfies Record<string, CodecQuality>

export interface Heard {
  /** 0 to 1: what was not heard, lost on the way or too late to be played. */
  readonly loss: number
  readonly jitterMilliseconds: number
  readonly rttMilliseconds: number
}

/** Encoding, one 20 ms packet and playing out, beside what the network and the jitter buffer take. */
const terminalMilliseconds = 40
/** A jitter buffer holds about twice the jitter. */
const jitterBufferFactor = 2

/** The transmission rating R, 0 to 93.2. */
export function rating(heard: Heard, codec: CodecQuality): number {
  const delay =
    clamp(heard.rttMilliseconds, 0, 10_000) / 2 +
    jitterBufferFactor * clamp(heard.jitterMilliseconds, 0, 5_000) +
    terminalMilliseconds
  return clamp(93.2 - delayImpairment(delay) - lossImpairment(clamp(heard.loss, 0, 1), codec), 0, 93.2)
}

/** G.107 (3-27), (3-28): nothing up to an absolute delay of 100 ms. */
export function delayImpairment(milliseconds: number): number {
  if (milliseconds <= 100) return 0
  const x = Math.log2(milliseconds / 100)
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
}

/** G.107 (3-29) with BurstR = 1: random loss. */
export function lossImpairment(loss: number, { ie, bpl }: CodecQuality): number {
  const percent = loss * 100
  return ie + ((95 - ie) * percent) / (percent + bpl)
}

/** G.107 annex B (B-4): the mean opinion score, 1 to 4.5. */
export function mosOf(r: number): number {
  if (r <= 0) return 1
  if (r >= 100) return 4.5
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}

/** To one decimal, since it is no better than that. */
export function mosEstimate(heard: Heard, codec: CodecQuality): number {
  return Math.round(mosOf(rating(heard, codec)) * 10) / 10
}

const clamp = (value: number, least: number, most: number): number =>
  Number.isFinite(value) ? Math.min(Math.max(value, least), most) : most
