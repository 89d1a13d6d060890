/** What this machine tells of itself: disk, clock, temperature, power, load. What it does not tell is undefined. */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { damagedFile } from '../core/damaged.ts'

export interface MachineFacts {
  readonly clockSynchronised: boolean | undefined
  /** Of the data directory; undefined: it is not there. */
  readonly disk:
    | {
        readonly freeBytes: number
        readonly totalBytes: number
        readonly writable: boolean
        readonly mode: number
        /** When a damaged database was put aside in it, milliseconds since 1970. */
        readonly damagedAt?: number | undefined
      }
    | undefined
  /** Of a Raspberry Pi's firmware. */
  readonly throttled: number | undefined
  readonly celsius: number | undefined
}

export function readMachine(dataDirectory: string): MachineFacts {
  const milliCelsius = numberIn('/sys/class/thermal/thermal_zone0/temp', 10)
  return {
    clockSynchronised: clockSynchronised(),
    disk: diskOf(dataDirectory),
    throttled: numberIn('/sys/devices/platform/soc/soc:firmware/get_throttled', 16),
    celsius: milliCelsius === undefined ? undefined : milliCelsius / 1_000,
  }
}

export interface Load {
  /** Of the last minute. */
  readonly load: number
  readonly cores: number
  readonly memoryTotalBytes: number
  readonly memoryFreeBytes: number
  readonly processBytes: number
}

export const readLoad = (): Load => ({
  load: loadavg()[0]!,
  cores: availableParallelism(),
  memoryTotalBytes: totalmem(),
  memoryFreeBytes: freemem(),
  processBytes: process.memoryUsage.rss(),
})

/** The number a file holds, in that base. */
export function numberIn(file: string, base: number): number | undefined {
  try {
    const number = Number.parseInt(readFileSync(file, 'utf8'), base)
    return Number.isNaN(number) ? undefined : number
  } catch {
    return undefined
  }
}

/** systemd-timesyncd's own sign; other programs leave none that everybody may read. */
function clockSynchronised(): boolean | undefined {
  if (!existsSync('/run/systemd/timesync')) return undefined
  return existsSync('/run/systemd/timesync/synchronized')
}

function diskOf(directory: string): MachineFacts['disk'] {
  try {
    const { bavail, blocks, bsize } = statfsSync(directory)
    const { mode } = statSync(directory)
    return {
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      writable: isWritable(directory),
      mode: mode & 0o777,
      damagedAt: statSync(join(directory, damagedFile), { throwIfNoEntry: false })?.ctimeMs,
    }
  } catch {
    return undefined
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
