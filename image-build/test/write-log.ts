/**
 * Reads what QEMU's block driver `blklogwrites` wrote down: each write to a disk in the order of completion, with its
 * bytes, and each flush (the format of Linux' drivers/md/dm-log-writes.c, all numbers little-endian). Total and bounded:
 * whatever the bytes are, it says how far they make sense and what is wrong behind that.
 */

export type LoggedEntry =
  | {
      readonly kind: 'write'
      /** Bytes on the disk. */
      readonly offset: number
      readonly length: number
      /** Where its bytes are in the log. */
      readonly from: number
      /** On the disk for good by itself. */
      readonly throughCache: boolean
      /** Where the next entry begins in the log. */
      readonly end: number
    }
  | { readonly kind: 'discard'; readonly offset: number; readonly length: number; readonly end: number }
  /** All writes before it stay, whatever happens. */
  | { readonly kind: 'flush'; readonly end: number }

export interface WriteLog {
  readonly entries: readonly LoggedEntry[]
  /** Why not all that the first sector promises was read. */
  readonly problem: string | undefined
}

/** A few bytes of the log; fewer than asked for at its end. */
export type ReadBytes = (offset: number, length: number) => Uint8Array

export const writeLogLimits = { entries: 4_000_000, minSectorBytes: 512, maxSectorBytes: 65_536 } as const

const magic = 0x6a736677736872n
const version = 1n
const superBytes = 28
const headerBytes = 32
const flags = { flush: 1n, throughCache: 2n, discard: 4n } as const
const known = flags.flush | flags.throughCache | flags.discard

export function readWriteLog(read: ReadBytes, logBytes: number): WriteLog {
  const entries: LoggedEntry[] = []
  const first = numbersOf(read(0, superBytes), superBytes)
  if (first === undefined) return { entries, problem: 'it is shorter than its first sector' }
  if (first.getBigUint64(0, true) !== magic) return { entries, problem: 'it is no log of writes' }
  if (first.getBigUint64(8, true) !== version) return { entries, problem: 'it is of an unknown version' }
  const promised = first.getBigUint64(16, true)
  const sector = first.getUint32(24, true)
  if (!isSectorSize(sector)) return { entries, problem: `it has sectors of ${sector} bytes` }
  if (promised > writeLogLimits.entries) return { entries, problem: `it promises ${promised} entries` }
  let at = sector
  while (entries.length < promised) {
    const header = numbersOf(read(at, headerBytes), headerBytes)
    const entry = header && entryOf(header, at, sector, logBytes)
    if (typeof entry !== 'object')
      return { entries, problem: `entry ${entries.length}: ${entry ?? 'it ends before'}` }
    entries.push(entry)
    at = entry.end
  }
  return { entries, problem: undefined }
}

function entryOf(header: DataView, at: number, sector: number, logBytes: number): LoggedEntry | string {
  const [first, count, marked] = [0, 8, 16].map(place => header.getBigUint64(place, true)) as [
    ...[bigint, bigint, bigint],
  ]
  if ((marked & ~known) !== 0n) return `unknown flags ${marked}`
  const from = at + sector
  if ((marked & flags.flush) !== 0n) {
    return count === 0n ? { kind: 'flush', end: from } : 'a flush with bytes'
  }
  // What lies where nothing was written yet.
  if (count === 0n) return 'a write of nothing'
  const limit = BigInt(Number.MAX_SAFE_INTEGER) / BigInt(sector)
  if (first > limit || count > limit || first + count > limit) return 'it lies behind the end of any disk'
  const place = { offset: Number(first) * sector, length: Number(count) * sector }
  if ((marked & flags.discard) !== 0n) return { kind: 'discard', ...place, end: from }
  const end = from + place.length
  if (end > logBytes) return 'its bytes are missing'
  return { kind: 'write', ...place, from, throughCache: (marked & flags.throughCache) !== 0n, end }
}

const isSectorSize = (bytes: number): boolean =>
  bytes >= writeLogLimits.minSectorBytes &&
  bytes <= writeLogLimits.maxSectorBytes &&
  (bytes & (bytes - 1)) === 0

const numbersOf = (bytes: Uint8Array, length: number): DataView | undefined =>
  bytes.length < length ? undefined : new DataView(bytes.buffer, bytes.byteOffset, length)
