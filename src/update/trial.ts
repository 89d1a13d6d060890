/**
 * A new version's first minutes: when is it good, when is it given up, and what is told of how it went. The clock and the
 * looks at its health come from outside.
 */
import { type Monotonic, minutes, seconds } from '../core/clock.ts'
import type { Booted, ToldStatus, UpdateStatus } from './message.ts'

export const trialLimits = {
  /** So long all must be well at a stretch. */
  goodMilliseconds: seconds(60),
  /** So long after its start the version before comes back. */
  giveUpMilliseconds: minutes(5),
  lookEveryMilliseconds: seconds(3),
  /** A status that says work goes on, and is older than this, was left by work that broke off. */
  staleMilliseconds: minutes(5),
} as const

export interface HealthLook {
  readonly version: string
  readonly parts: Readonly<Record<string, { readonly state: string; readonly detail: string }>>
}

/** What no version may be without, whatever failed before it. */
const needed = ['sip', 'signalling', 'web', 'store'] as const

/** Why all is not well; undefined: it is. What had failed before the update is no reason, but for what is needed. */
export function trouble(
  look: HealthLook | undefined,
  version: string,
  failedBefore: readonly string[],
): string | undefined {
  if (look === undefined) return 'lanline does not answer'
  if (look.version !== version) return `lanline ${look.version} answers, not ${version}`
  const missing = needed.find(part => look.parts[part]?.state !== 'ok')
  if (missing !== undefined) return `${missing}: ${look.parts[missing]?.detail ?? 'not there'}`
  const failed = Object.entries(look.parts).find(
    ([part, { state }]) => state === 'failed' && !failedBefore.includes(part),
  )
  return failed && `${failed[0]}: ${failed[1].detail}`
}

/**
 * One more part of its health: a version that is on no network, and was before the update, would be kept where nobody can
 * reach it any more. Addresses that a link gives itself are none: with them nobody else was asked.
 */
export function networkPart(addresses: readonly { readonly address: string }[]): HealthLook['parts'][string] {
  const given = addresses.find(({ address }) => !/^(169\.254\.|fe[89ab])/i.test(address))
  return given === undefined
    ? { state: 'failed', detail: 'no address was given to this machine' }
    : { state: 'ok', detail: given.address }
}

/** Of what did not answer nothing is known: then only what no version may be without counts. */
export const failedParts = (look: HealthLook | undefined): string[] =>
  look === undefined
    ? ['discovery', 'network', 'relay']
    : Object.entries(look.parts).flatMap(([part, { state }]) => (state === 'failed' ? [part] : []))

export type TrialStep =
  | { readonly kind: 'wait' | 'confirm' }
  | { readonly kind: 'giveUp'; readonly why: string }

/** One trial, from its start on. */
export class Trial {
  readonly #startedAt: Monotonic
  #goodSince: Monotonic | undefined

  constructor(now: Monotonic) {
    this.#startedAt = now
  }

  looked(why: string | undefined, now: Monotonic): TrialStep {
    this.#goodSince = why === undefined ? (this.#goodSince ?? now) : undefined
    if (this.#goodSince !== undefined && now - this.#goodSince >= trialLimits.goodMilliseconds) {
      return { kind: 'confirm' }
    }
    if (now - this.#startedAt < trialLimits.giveUpMilliseconds) return { kind: 'wait' }
    return { kind: 'giveUp', why: why ?? 'it was not well for a minute at a stretch' }
  }
}

/** How an update went, by what was written and what runs now. */
export function told(
  status: UpdateStatus | undefined,
  now: {
    readonly booted: Booted | undefined
    /** A status was written since the machine was started. */
    readonly worked: boolean
    readonly at: number
  },
): ToldStatus | undefined {
  if (status === undefined) return undefined
  const { failedBefore: _, ...rest } = status
  const { phase } = status
  const isStarted = !now.worked && now.booted?.slot === status.slot
  // Even where the power went before it was written down that it starts next.
  if (!isStarted && (phase === 'verifying' || phase === 'writing' || phase === 'checking')) {
    if (now.worked && now.at - status.at < trialLimits.staleMilliseconds) return rest
    const why = now.worked ? 'it broke off; the log says why' : 'the power went in the middle of it'
    return { ...rest, phase: 'failed', percent: undefined, why }
  }
  if (phase === 'wentBack' && now.booted?.slot === status.slot) {
    return { ...rest, phase: 'restarting', from: status.to, to: status.from }
  }
  if (['confirmed', 'wentBack', 'failed'].includes(phase) || now.worked || now.booted === undefined)
    return rest
  if (now.booted.slot !== status.slot) {
    return {
      ...rest,
      phase: 'wentBack',
      percent: undefined,
      why: status.why ?? `lanline ${status.to} did not start`,
    }
  }
  return { ...rest, percent: undefined, phase: now.booted.trial ? 'onTrial' : 'confirmed' }
}
