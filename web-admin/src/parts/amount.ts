/** Amounts as people read them, decimal as on the box of a card. */
const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function bytes(amount: number): string {
  let unit = 0
  let left = amount
  while (left >= 1_000 && unit < units.length - 1) {
    left /= 1_000
    unit++
  }
  return `${left >= 100 || unit === 0 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`
}

export const rate = (kilobitsPerSecond: number): string =>
  kilobitsPerSecond >= 1_000
    ? `${(kilobitsPerSecond / 1_000).toFixed(1)} Mbit/s`
    : `${kilobitsPerSecond} kbit/s`
