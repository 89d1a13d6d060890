/** From counted instructions to what a Raspberry Pi 4 would do: arithmetic and tables only. */

export interface Batch {
  readonly done: number
  readonly failed: number
  /** Instructions of the daemon's process, of its busiest thread, and of the whole machine; what idling costs taken off. */
  readonly process: number
  readonly busiest: { readonly name: string; readonly instructions: number }
  readonly machine: number
}

export interface Cost {
  readonly first: number
  readonly process: number
  readonly machine: number
  readonly busiest: { readonly name: string; readonly instructions: number }
  readonly batches: number
  readonly failed: number
}

/** A batch of these decides with as many others; what is compiled while it runs settles within them. */
const together = 3
const settledShare = 0.04
export const batchLimits = { fewest: 2 * together, most: 12 } as const

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const each =
  (pick: (batch: Batch) => number) =>
  (batch: Batch): number =>
    pick(batch) / Math.max(1, batch.done)

/** The last batches cost what those before them did. */
export function isSettled(batches: readonly Batch[]): boolean {
  if (batches.length >= batchLimits.most) return true
  if (batches.length < batchLimits.fewest) return false
  const costs = batches.map(each(batch => batch.process))
  const [before, last] = [median(costs.slice(-2 * together, -together)), median(costs.slice(-together))]
  return Math.abs(last - before) < settledShare * before
}

export function costOf(batches: readonly Batch[]): Cost {
  const last = batches.slice(-together)
  const settled = median(last.map(each(batch => batch.process)))
  // What the machine does besides is compiled once and for all, so every batch says it.
  return {
    first: each(batch => batch.process)(batches[0]!),
    process: settled,
    machine: settled + Math.max(0, median(batches.map(each(batch => batch.machine - batch.process)))),
    busiest: {
      name: last.at(-1)!.busiest.name,
      instructions: median(last.map(each(batch => batch.busiest.instructions))),
    },
    batches: batches.length,
    failed: batches.reduce((sum, batch) => sum + batch.failed, 0),
  }
}

/** A Cortex-A72 as the Pi 4 has it. Instructions a cycle are assumed: 0.7, and not under 0.5 nor over 1.0. */
export const pi4 = { hertz: 1.5e9, perCycle: { low: 0.5, assumed: 0.7, high: 1 } } as const

/** A second of one core, if that core did everything that the machine does for it. */
export function perSecond(instructions: number): { low: number; assumed: number; high: number } {
  const rate = (perCycle: number): number => (pi4.hertz * perCycle) / instructions
  const { low, assumed, high } = pi4.perCycle
  return { low: rate(low), assumed: rate(assumed), high: rate(high) }
}

/** Of a video call both ways, at 1.2 Mbit/s and sound. */
export const packetsPerVideoCall = 2 * 133

/** Two digits say what is known. */
export function rounded(value: number): string {
  if (value === 0) return '0'
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1)
  const digits = Math.max(0, -Math.floor(Math.log10(unit)))
  return (Math.round(value / unit) * unit).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}
