/** One line of a verdict, the contradictions found on the way, and what is missing if it does not hold. */
import type { CheckedLine, Contradiction } from './message.ts'

export interface Finding {
  readonly line: CheckedLine
  readonly contradictions: readonly Contradiction[]
  readonly missing: readonly string[]
}

export function finding(
  id: string,
  question: string,
  outcome: CheckedLine['outcome'],
  figures: string,
  contradictions: readonly Contradiction[] = [],
  missing: readonly string[] = [],
): Finding {
  return { line: { id, question, outcome, figures }, contradictions, missing }
}

/** Enough of a fingerprint to be compared by eye. */
export const short = (fingerprint: string): string =>
  fingerprint.replace(/^(\S+ (?:[0-9A-F]{2}:){7}[0-9A-F]{2}).*$/, '$1…')

/** False of an address that a browser keeps to itself (RFC 8828, or a name by mDNS). */
export const shown = (address: string): boolean => address !== '' && !address.endsWith('.local')

/** `820 bytes`, `513 kB`, `2.3 MB`. */
export function tellBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} kB`
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`
}

/** Checks and a last packet that cross a change of path are no media: up to this nobody is contradicted. */
export const strayPackets = 50
