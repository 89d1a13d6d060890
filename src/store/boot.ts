/**
 * Time over a restart, on machines whose wall clock may say 1970. Within one boot of the machine its uptime is exact,
 * whatever the wall clock does; across boots there is only wall time, believed when both readings are plausible.
 */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { type Epoch, plausibleFrom } from '../core/clock.ts'

/** One moment by all three measures a machine has. */
export interface Moment {
  readonly epoch: Epoch
  /** Differs after each boot; `''` where the system does not tell. */
  readonly boot: string
  readonly uptimeSeconds: number
}

export function moment(): Moment {
  return { epoch: Date.now() as Epoch, boot: bootId, uptimeSeconds: uptime() }
}

/** Seconds from `then` to `now`, or undefined when nobody can say. Never negative. */
export function elapsedSeconds(then: Moment, now: Moment): number | undefined {
  if (then.boot !== '' && then.boot === now.boot && now.uptimeSeconds >= then.uptimeSeconds) {
    return now.uptimeSeconds - then.uptimeSeconds
  }
  if (then.epoch < plausibleFrom || now.epoch < then.epoch) return undefined
  return (now.epoch - then.epoch) / 1_000
}

const bootId = readBootId()

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}
