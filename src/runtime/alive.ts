/**
 * A file whose time says when this process was last alive, so that the next one knows how long nobody was. To say so costs
 * a card 16 kB, so it is said seldom there, and each minute only where the system has memory for it
 * (`RuntimeDirectory=`): that outlives a restart of the process, not of the machine.
 */
import { closeSync, openSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type Epoch, minutes } from '../core/clock.ts'

const signFile = 'lanline.alive'
/** Who writes to the database lives. */
const otherSigns = ['lanline.db', 'lanline.db-wal']
const onCardEvery = minutes(30)
const inMemoryEvery = minutes(1)

export interface LastSign {
  readonly at: Epoch
  /** So long it may have been alive after it. */
  readonly withinMilliseconds: number
}

/** To be made before the database is opened, since that is a sign too. */
export class SignsOfLife {
  /** Of the process before; undefined on the first start. */
  readonly last: LastSign | undefined
  readonly #places: readonly { readonly path: string; readonly every: number }[]

  constructor(directory: string, runtimeDirectory: string | undefined) {
    const onCard = { path: join(directory, signFile), every: onCardEvery }
    const inMemory = runtimeDirectory && { path: join(runtimeDirectory, signFile), every: inMemoryEvery }
    this.#places = inMemory ? [onCard, inMemory] : [onCard]
    const cardAt = newest([signFile, ...otherSigns].map(name => join(directory, name)))
    const memoryAt = inMemory ? newest([inMemory.path]) : undefined
    if (memoryAt !== undefined && memoryAt >= (cardAt ?? 0)) {
      this.last = { at: memoryAt, withinMilliseconds: inMemoryEvery }
    } else if (cardAt !== undefined) this.last = { at: cardAt, withinMilliseconds: onCardEvery }
  }

  /** Until what is returned is called, which gives the last. */
  give(epoch: () => Epoch): () => void {
    const timers = this.#places.map(({ every, path }) => {
      sign(path, epoch())
      return setInterval(() => sign(path, epoch()), every)
    })
    return () => {
      for (const timer of timers) clearInterval(timer)
      for (const { path } of this.#places) sign(path, epoch())
    }
  }
}

/** A full or read-only disk is no reason to stop. */
function sign(path: string, now: Epoch): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
    utimesSync(path, now / 1_000, now / 1_000)
  } catch {}
}

function newest(paths: readonly string[]): Epoch | undefined {
  const last = Math.floor(Math.max(...paths.map(timeOf)))
  return last === 0 ? undefined : (last as Epoch)
}

/** A directory that cannot be looked into is for the store to complain of. */
function timeOf(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}
