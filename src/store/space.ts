/**
 * Room on the disk: when it is short the oldest traces go, so that calls, people and phones can still be kept. Traces are
 * the most there is and the least that anybody waits for.
 *
 * A file of some pages is kept aside and given up when a write finds the disk full: to delete, SQLite has to write.
 */
import { statfsSync } from 'node:fs'
import type { Rows } from './client.ts'
import { giveUpReserve, keepReserve, reserveBytes } from './reserve.ts'
import type { Traces } from './traces.ts'

export const spaceLimits = {
  /** Short is less than this, or less than this share of a smaller disk: logs and updates of the system need room, too. */
  shortBytes: 200_000_000,
  shortShare: 0.05,
  /** Of that; with less than this no events are written. */
  scarceShare: 0.1,
} as const

export interface SpaceOptions {
  readonly directory: string
  readonly rows: Rows
  readonly traces: Traces
}

export class DiskSpace {
  readonly #options: SpaceOptions
  #looking: Promise<void> | undefined
  #pruned = 0
  #short = false

  constructor(options: SpaceOptions) {
    this.#options = options
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
    const { directory, traces, rows } = this.#options
    const { free, short } = this.#room()
    this.#short = free < short
    if (!this.#short) {
      this.#pruned = 0
      traces.suspend(false)
      return keepReserve(directory)
    }
    giveUpReserve(directory)
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
    if (this.#room().free > 2 * reserveBytes) keepReserve(directory)
  }

  /** What the log of a database that is closed took is free: the next start needs as much. */
  closed(): void {
    keepReserve(this.#options.directory)
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
}
