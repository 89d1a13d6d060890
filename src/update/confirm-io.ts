/** A new version's trial, as root sees it: looks at its health until it is good or given up, and writes which slot is next. */
import type { Monotonic } from '../core/clock.ts'
import { bootedOf, stateOf, statusOf, writeState, writeStatus } from './machine-io.ts'
import type { UpdateStatus } from './message.ts'
import type { Places } from './places.ts'
import { confirmed, givenUp } from './slots.ts'
import { type HealthLook, Trial, trialLimits, trouble } from './trial.ts'

export interface ConfirmOptions {
  readonly places: Places
  readonly version: string
  /** Undefined: it does not answer. */
  readonly health: () => Promise<HealthLook | undefined>
  readonly monotonic: () => Monotonic
  readonly epoch: () => number
  readonly pause: (milliseconds: number) => Promise<void>
  /** The copy of the database that was to come back is kept as any other. */
  readonly keepCopy: () => void
  readonly onTell: (line: string) => void
}

export type Confirmed = 'notOnTrial' | 'confirmed' | 'givenUp'

/** `givenUp`: the machine is to be started anew, and the version before starts. */
export async function confirmTrial(options: ConfirmOptions): Promise<Confirmed> {
  const { places, version, onTell } = options
  const booted = bootedOf(places)
  if (booted === undefined || !booted.trial || stateOf(places).trial === undefined) return 'notOnTrial'
  const status = statusOf(places)
  const trial = new Trial(options.monotonic())
  let before: string | undefined = ''
  for (;;) {
    const why = trouble(await options.health(), version, status?.failedBefore ?? [])
    const step = trial.looked(why, options.monotonic())
    if (why !== before) onTell(why === undefined ? 'all is well' : `not well: ${why}`)
    before = why
    if (step.kind === 'confirm') {
      writeState(places, confirmed(booted))
      options.keepCopy()
      tell(options, status, 'confirmed', undefined)
      return 'confirmed'
    }
    if (step.kind === 'giveUp') {
      tell(options, status, 'wentBack', step.why)
      writeState(places, givenUp(stateOf(places)))
      return 'givenUp'
    }
    await options.pause(trialLimits.lookEveryMilliseconds)
  }
}

function tell(
  { places, version, epoch }: ConfirmOptions,
  status: UpdateStatus | undefined,
  phase: 'confirmed' | 'wentBack',
  why: string | undefined,
): void {
  writeStatus(places, {
    ...{ from: '', slot: undefined, failedBefore: [], to: version, ...status },
    ...{ phase, why, percent: undefined, at: epoch() },
  })
}
