/**
 * Facts in, what failed out: first what a call around that time shows, then what stood in the person's way, then what
 * is wrong with the appliance. Pure: the same facts give the same words to everybody.
 */
import { aroundMilliseconds } from './finding.ts'
import type { Cause, Diagnosis, Finding, HelpFacts } from './message.ts'
import { ofAppliance } from './of-appliance.ts'
import { ofCall } from './of-call.ts'
import { ofPerson } from './of-person.ts'

/** That a phone or page is not there is a symptom where one of these is so. */
const explaining: ReadonlySet<Cause> = new Set([
  ...(['diskFull', 'certificate', 'ownCertificate', 'portMoved', 'nameConflict'] as const),
])
const symptoms: ReadonlySet<Cause> = new Set(['notRegistered', 'nothingArrived', 'pageClosed'])
/** Between `failed` and its symptoms there is room for what explains them. */
const order = { failed: 0, poor: 3, told: 4 } as const
const maxFindings = 6

export function diagnose(facts: HelpFacts): Diagnosis {
  const { asked, calls } = facts
  const near = calls.filter(call => isNear(call.row.startedAt, call.row.endedAt, asked.at))
  const appliance = ofAppliance(facts)
  const [gap, others] = [
    appliance.filter(one => one.cause === 'notRunning'),
    appliance.filter(one => one.cause !== 'notRunning'),
  ]
  const all = [
    ...gap,
    ...near.flatMap(call => ofCall(facts, call)),
    ...ofPerson(facts, asked.user),
    ...others,
  ]
  return {
    ...{ user: asked.user, at: asked.at },
    findings: withoutEqual(ranked(all, asked.at)).slice(0, maxFindings),
    calls: calls.map(call => call.row),
  }
}

const isNear = (startedAt: number, endedAt: number | undefined, at: number): boolean =>
  startedAt - aroundMilliseconds <= at && at <= (endedAt ?? Number.POSITIVE_INFINITY) + aroundMilliseconds

/**
 * What failed before what was poor before what only happened; causes before symptoms; within each what was nearest to
 * the asked time.
 */
function ranked(findings: readonly Finding[], asked: number): Finding[] {
  const place = (one: Finding): number => {
    if (one.cause === 'notRunning') return -1
    if (explaining.has(one.cause)) return 1
    return order[one.weight] + (symptoms.has(one.cause) ? 2 : 0)
  }
  const distance = ({ since, until }: Finding): number => Math.abs(asked - (until ?? since ?? asked))
  return [...findings].sort((a, b) => place(a) - place(b) || distance(a) - distance(b))
}

/** The same trouble of several calls is told once, of the call nearest to the asked time. */
const withoutEqual = (findings: readonly Finding[]): Finding[] =>
  findings.filter((one, at) => findings.findIndex(other => other.sentence === one.sentence) === at)
