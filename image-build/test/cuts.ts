/**
 * What a disk holds when its power is cut. Whatever was written before the last flush is there. Of what came after it a disk that writes in
 * order has all; any other has kept some of it in its memory, and what it was writing at that moment is there in part.
 */
import type { Random } from '../../src/core/random.ts'
import type { LoggedEntry } from './write-log.ts'

export type CutKind =
  /** All that the disk has taken is there. */
  | 'inOrder'
  /** Of what came after the last flush some is, torn anywhere between two sectors. */
  | 'torn'
  /** For control: a disk that does not keep what it was told to flush. Must be found out. */
  | 'lying'

export interface Cut {
  readonly kind: CutKind
  /** So many entries of the log were done. */
  readonly at: number
}

/** Bytes of the log that are on the disk. */
export interface Piece {
  readonly offset: number
  readonly length: number
  readonly from: number
}

export const sectorBytes = 512
/** What a lying disk loses. */
const liesFlushes = 40

/** Entries that stay, whatever happens: up to the last flush. */
export function keptAt(entries: readonly LoggedEntry[], { kind, at }: Cut): number {
  let flushes = kind === 'lying' ? liesFlushes : 1
  for (let index = at - 1; index >= 0; index--) {
    if (entries[index]!.kind === 'flush' && --flushes === 0) return index + 1
  }
  return 0
}

/** Everything of an entry. Of a discard nothing: what was there may still be. */
export const piecesOf = (entry: LoggedEntry): Piece[] =>
  entry.kind === 'write' ? [{ offset: entry.offset, length: entry.length, from: entry.from }] : []

/** Of the entries after those that stay: what happens to be there. */
export function survivors(entries: readonly LoggedEntry[], cut: Cut, random: Random): Piece[] {
  const late = entries.slice(keptAt(entries, cut), cut.at)
  if (cut.kind === 'inOrder') return late.flatMap(piecesOf)
  if (cut.kind === 'lying') return []
  return late.flatMap(entry => {
    const pieces = piecesOf(entry)
    if (entry.kind === 'write' && entry.throughCache) return pieces
    const fate = random.below(3)
    return fate === 0 ? [] : fate === 1 ? pieces : pieces.flatMap(piece => torn(piece, random))
  })
}

/** Runs of sectors, each there or not. */
function torn({ offset, length, from }: Piece, random: Random): Piece[] {
  const pieces: Piece[] = []
  const sectors = length / sectorBytes
  for (let sector = 0; sector < sectors; ) {
    const run = Math.min(sectors - sector, 1 + random.below(Math.max(2, sectors / 2)))
    const before = sector * sectorBytes
    if (random.below(2) === 0)
      pieces.push({ offset: offset + before, length: run * sectorBytes, from: from + before })
    sector += run
  }
  return pieces
}

export interface CutWishes {
  readonly inOrder: number
  readonly torn: number
  readonly lying: number
  /** From this entry on there is load; some cuts are before. */
  readonly loadBegins: number
}

/** Every so many cuts one is before the load: in the first start. */
const firstStartShare = 1 / 6

/** Spread over the log, each between two flushes, in the order of the log. */
export function chooseCuts(entries: readonly LoggedEntry[], wishes: CutWishes, random: Random): Cut[] {
  const { loadBegins } = wishes
  const early = Math.round(wishes.inOrder * firstStartShare)
  const earlyTorn = Math.round(wishes.torn * firstStartShare)
  const spread = (kind: CutKind, count: number, from: number, to: number): Cut[] => {
    const places = placesOf(entries, from, to, kind === 'inOrder' ? 1 : 2)
    return spreadOver(places, count, random).map(at => ({ kind, at }))
  }
  const cuts = [
    ...spread('inOrder', early, 0, loadBegins),
    ...spread('inOrder', wishes.inOrder - early, loadBegins, entries.length),
    ...spread('torn', earlyTorn, 0, loadBegins),
    ...spread('torn', wishes.torn - earlyTorn, loadBegins, entries.length),
    // Some load must have been for some to be lost.
    ...spread('lying', wishes.lying, (loadBegins + entries.length) >> 1, entries.length),
  ]
  return cuts.sort((one, other) => keptAt(entries, one) - keptAt(entries, other) || one.at - other.at)
}

/** Moments at which at least so many writes wait for a flush. */
function placesOf(entries: readonly LoggedEntry[], from: number, to: number, atLeast: number): number[] {
  const places: number[] = []
  let waiting = 0
  for (const [index, entry] of entries.slice(0, to).entries()) {
    waiting = entry.kind === 'flush' ? 0 : waiting + 1
    if (waiting >= atLeast && index >= from) places.push(index + 1)
  }
  return places
}

function spreadOver(places: readonly number[], count: number, random: Random): number[] {
  const wanted = Math.min(count, places.length)
  const share = places.length / wanted
  return Array.from({ length: wanted }, (_, index) => {
    const first = Math.floor(index * share)
    const width = Math.max(1, Math.floor((index + 1) * share) - first)
    return places[first + random.below(width)]!
  })
}
