/** How a finding is put together, and how things are called in it. */
import type { Epoch } from '../core/clock.ts'
import type { ApplianceFacts, Cause, DeviceFacts, Finding, HelpFacts, PersonFacts, Stage } from './message.ts'

type Words = Pick<Finding, 'sentence' | 'evidence' | 'fix'>
type More = Partial<Pick<Finding, 'weight' | 'since' | 'until' | 'call'>>

export const finding = (stage: Stage, cause: Cause, words: Words, more: More = {}): Finding => ({
  ...{ stage, cause, weight: 'failed', since: undefined, until: undefined, call: undefined },
  ...words,
  ...more,
})

export const personOf = ({ people }: HelpFacts, user: string): PersonFacts | undefined =>
  people.find(person => person.user === user)

export const nameOf = (facts: HelpFacts, user: string, otherwise = ''): string =>
  personOf(facts, user)?.name || otherwise || user || 'Somebody'

/** Quoted as people typed it. */
export const called = ({ name }: DeviceFacts): string => `“${name}”`

/** Where the pages are, by a name or an address of the appliance. */
export const pageAt = ({ httpsPort }: ApplianceFacts, host: string): string => {
  const { host: place } = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${httpsPort}/`)
  return `https://${place}/`
}

export const times = (count: number, what: string): string =>
  count === 1 ? `one ${what}` : `${count} ${what}s`

/** How long before and after the asked time something counts as of that time. */
export const aroundMilliseconds = 15 * 60_000

export const isAround = (at: Epoch, asked: Epoch): boolean => Math.abs(at - asked) <= aroundMilliseconds

/** Whether something that lasted from `at` to `until` (or still lasts) was on at the asked time. */
export const lasted = (at: Epoch, until: Epoch | undefined, asked: Epoch): boolean =>
  at <= asked + aroundMilliseconds && (until === undefined || until >= asked - aroundMilliseconds)
