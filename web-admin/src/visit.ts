/** The first visit, and that a reload in the middle of it goes on where it was. */
import type { Session, SetupState } from '../../src/admin/message.ts'

export interface VisitProps {
  readonly setup: SetupState
  /** Undefined: nobody owns the appliance yet. */
  readonly session: Session | undefined
  /** The appliance was claimed, or the visit is over. */
  readonly onChanged: () => void
}

export const visitSteps = ['trust', 'names', 'phones', 'test'] as const
export type VisitStep = (typeof visitSteps)[number]

const key = 'lanline.visit'

/** The step to go on with; undefined: there is no visit, or it is over. */
export function visitStep(): VisitStep | undefined {
  try {
    const kept = localStorage.getItem(key)
    return visitSteps.find(step => step === kept)
  } catch {
    return undefined
  }
}

export const isVisiting = (): boolean => visitStep() !== undefined

/** Undefined ends it. A browser that keeps nothing starts over at a reload. */
export function keepVisitStep(step: VisitStep | undefined): void {
  try {
    if (step === undefined) localStorage.removeItem(key)
    else localStorage.setItem(key, step)
  } catch {
    // As said.
  }
}
