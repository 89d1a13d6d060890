/**
 * Room on the disk: when it is short the oldest traces go, so that calls, people and phones can still be kept. Traces are
 * the most there is and the least that anybody waits for.
 *
 * A file of some pages is kept aside and given up when a write finds the disk full: to delete, SQLite has to write.
 */
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rows } from './client.ts'
import type { Traces } from './traces.ts'

export const spaceLimits = {
  /** Short is less than this, or less than this share of a smaller disk: logs and updates of the system need room, too. */
  shortBytes: 200_000_000,
  shortShare: 0.05,
  /** Of that; with less than this no events are written. */
  scarceShare: 0.1,
  /** Enough for the write-ahead log of one step of pruning. */
  reserveBytes: 1_048_576,
} as const

const reserveFile = 'lanline.reserve'

export interface SpaceOptions {
  readonly directory: string
  readonly rows: Rows
  readonly traces: Traces
}

export class DiskSpace {
  readonly #options: SpaceOptions
  readonly #reserve: string
  #looking: Promise<void> | undefined
  #pruned = 0
  #short = false

  constructor(options: SpaceOptions) {
    this.#options = options
    this.#reserve = join(options.directory, reserveFile)
  }

  /** For people, while room is short. */
  get note(): string | undefined {
    if (!this.#short) return undefined
    const { free } = this.#room()
    const gone = this.#pruned === 0 ? '' : ', so the oldest traces were removed'
    return `the disk is nearly full (${Math.floor(free / 1_000_000)} MB free)${gone}; free some space`
  }

  /** Looks, and makes room. To be called now and then, and when a write found the disk full. */
  look(): Promise<void> {
    this.#looking ??= this.#make().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #make(): Promise<void> {
    const { traces, rows } = this.#options
    const { free, short } = this.#room()
    this.#short = free < short
    if (!this.#short) {
      this.#pruned = 0
      traces.suspend(false)
      return this.#keepReserve()
    }
    rmSync(this.#reserve, { force: true })
    const missing = short - free - (await this.#emptyBytes())
    for (let freed = 0; freed < missing; ) {
      const bytes = await traces.forgetOldest()
      if (bytes === 0) break
      freed += bytes
      this.#pruned += bytes
    }
    // The log keeps its length else, and it is longest after much was deleted.
    await rows.read('pragma wal_checkpoint(truncate)')
    const usable = this.#room().free + (await this.#emptyBytes())
    traces.suspend(usable < short * spaceLimits.scarceShare)
    if (this.#room().free > 2 * spaceLimits.reserveBytes) this.#keepReserve()
  }

  /** Pages of the database that hold nothing: what is written next goes there. They are not given back to the system. */
  async #emptyBytes(): Promise<number> {
    const { rows } = this.#options
    const [[pages], [size]] = await Promise.all([
      rows.read('pragma freelist_count'),
      rows.read('pragma page_size'),
    ])
    return Number(pages!.freelist_count) * Number(size!.page_size)
  }

  #room(): { readonly free: number; readonly short: number } {
    const { bavail, blocks, bsize } = statfsSync(this.#options.directory)
    const short = Math.min(spaceLimits.shortBytes, blocks * bsize * spaceLimits.shortShare)
    return { free: bavail * bsize, short }
  }

  #keepReserve(): void {
    if (existsSync(this.#reserve)) return
    try {
      writeFileSync(this.#reserve, Buffer.alloc(spaceLimits.reserveBytes), { mode: 0o600 })
    } catch {
      rmSync(this.#reserve, { force: true })
    }
  }
}
