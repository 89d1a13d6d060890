/** Versions in the order of Semantic Versioning 2.0.0 §11; what is no version is older than any. */

/** Negative: `left` is older. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [partsOf(left), partsOf(right)]
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  for (let place = 0; place < 3; place++) {
    if (a.numbers[place] !== b.numbers[place]) return a.numbers[place]! - b.numbers[place]!
  }
  // A version before its release is older than the release.
  if (a.before.length === 0 || b.before.length === 0) return b.before.length - a.before.length
  for (let place = 0; place < Math.max(a.before.length, b.before.length); place++) {
    const order = compareIdentifiers(a.before[place], b.before[place])
    if (order !== 0) return order
  }
  return 0
}

const pattern = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,64}))?(?:\+[0-9A-Za-z.-]{1,64})?$/

export const isVersion = (text: string): boolean => pattern.test(text)

function partsOf(text: string) {
  const match = pattern.exec(text)
  if (match === null) return undefined
  return { numbers: match.slice(1, 4).map(Number), before: match[4]?.split('.') ?? [] }
}

function compareIdentifiers(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined)
    return Number(left !== undefined) - Number(right !== undefined)
  const [a, b] = [left, right].map(text => (/^\d{1,15}$/.test(text) ? Number(text) : undefined))
  if (a !== undefined && b !== undefined) return a - b
  // Numbers are older than words.
  if (a !== undefined || b !== undefined) return a !== undefined ? -1 : 1
  return left < right ? -1 : Number(left > right)
}
