/** Counts of durations in buckets about 1 % wide: many can be added up, and travel as JSON. */
export class Histogram {
  readonly counts: number[] = Array(lastBucket + 1).fill(0)

  /** Below a microsecond counts as one. */
  add(nanoseconds: number): void {
    const bucket = Math.round(Math.log(Math.max(nanoseconds, 1_000) / 1_000) * bucketsPerFactorE)
    this.counts[Math.min(bucket, lastBucket)]!++
  }

  merge(counts: readonly number[]): void {
    counts.forEach((count, bucket) => {
      this.counts[bucket]! += count
    })
  }

  /** The duration that this share of all is not longer than, in microseconds; undefined of none. */
  microseconds(share: number): number | undefined {
    const total = this.counts.reduce((sum, count) => sum + count, 0)
    if (total === 0) return undefined
    let left = total * share
    const bucket = this.counts.findIndex(count => {
      left -= count
      return left <= 0
    })
    return Math.exp(bucket / bucketsPerFactorE)
  }
}

const bucketsPerFactorE = 100
/** Three seconds. */
const lastBucket = 1_500
