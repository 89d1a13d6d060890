/** What is looked after again and again while the house stands. A part of the composition root. */
import type { Policies } from './admin/policies.ts'
import { type Clock, ClockJumps, hours, seconds } from './core/clock.ts'
import type { HelpDesk } from './helpdesk.ts'
import type { Notes } from './notes.ts'
import type { Store } from './store/store.ts'

/** Guests whose time is over, forgotten requests and invitations, what Help has not written yet. */
const sweepPeriodMilliseconds = seconds(10)
/** Room on the disk. A download fills what is short in less than an hour. */
const spacePeriodMilliseconds = seconds(30)
/** Certificates, and calls and traces that are too old. */
const rarePeriodMilliseconds = hours(1)

export interface ChoreParts {
  readonly clock: Clock
  readonly store: Store
  readonly help: HelpDesk
  readonly policies: Policies
  readonly notes: Notes
  refreshCertificate(): void
  /** The wall clock is another than it was. */
  onClockSet(movedSeconds: number): void
}

/** Begins; the function returned ends it. */
export function doChores(parts: ChoreParts): () => void {
  const { store, help, notes } = parts
  const jumps = new ClockJumps(parts.clock)
  // By a clock that was set lately, or that nobody had time to set since the start, nothing is too old to keep: one that is
  // years ahead until NTP answers would cost every call.
  let mayPrune = false
  const sweep = (): void => {
    const movedMilliseconds = jumps.look()
    if (movedMilliseconds !== 0) {
      mayPrune = false
      parts.onClockSet(Math.round(movedMilliseconds / 1_000))
      // It may be of another time, and phones that know the right one refuse it.
      parts.refreshCertificate()
    }
    notes.inBackground('sweep', store.directory.sweep())
    void help.flush()
  }
  const look = (): void => notes.inBackground('space', store.space.look())
  const rare = (): void => {
    parts.refreshCertificate()
    if (mayPrune) notes.inBackground('prune', prune(parts))
    mayPrune = true
  }
  const timers = [
    setInterval(sweep, sweepPeriodMilliseconds),
    setInterval(look, spacePeriodMilliseconds),
    setInterval(rare, rarePeriodMilliseconds),
  ]
  look()
  rare()
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}

async function prune({ clock, store, policies }: ChoreParts): Promise<void> {
  const now = clock.epoch()
  await store.calls.prune(policies.retainDays, now)
  await store.directory.forgetNames()
  await store.traces.prune(now)
}
