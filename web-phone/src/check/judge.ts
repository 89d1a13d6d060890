/** What the facts mean, in words for the person who holds this device, and what to do. Pure. */
import type { CheckId, Facts, Finding, Level } from './facts.ts'
import { cameraOf, microphoneOf, speaker } from './judge-devices.ts'
import { clock, line } from './judge-line.ts'
import { certificate, otherName, pageName, secure } from './judge-page.ts'
import { addresses, devices, echoPicture, echoSound, network, path } from './judge-way.ts'

/** One finding for each thing that was looked at, in the order in which they are shown. */
export function judge(facts: Facts): Finding[] {
  const { page, appliance, microphone, camera, candidates, echo } = facts
  return [
    secure(page),
    facts.certificate && certificate(page, facts.certificate),
    facts.others && pageName(page),
    facts.others && otherName(facts, facts.others),
    facts.line && line(facts.line, appliance),
    facts.clockAheadMilliseconds !== undefined && clock(facts.clockAheadMilliseconds),
    microphone && microphoneOf(microphone),
    camera && cameraOf(camera),
    speaker(facts.speaker),
    candidates && addresses(candidates, microphone),
    candidates && appliance && network(page, appliance, candidates),
    echo && echoSound(echo),
    echo && echoPicture(echo),
    echo && path(echo, appliance),
    devices(facts),
  ].filter(finding => typeof finding === 'object')
}

export interface Summary {
  readonly level: Level
  /** One sentence. */
  readonly text: string
  /** What to do first. */
  readonly advice?: string | undefined
}

/** What everything comes to, once the check is done. */
export function summarise(findings: readonly Finding[]): Summary {
  const level = (id: CheckId): Level | undefined => findings.find(one => one.id === id)?.level
  const connects = level('echoSound') === 'ok' || level('path') === 'ok'
  const worst = worstOf(findings)
  if (worst !== undefined) {
    return { level: 'failed', text: failureText(worst, connects), advice: worst.advice }
  }
  const warnings = findings.filter(one => one.level === 'warning')
  if (!connects) {
    const echo = warnings.find(({ id }) => id === 'echoSound')
    const text = 'Nothing failed, but the test call could not be made: check again later.'
    if (echo === undefined) return { level: 'unchecked', text }
    return {
      level: 'warning',
      text: `The test call did not work: ${lowerFirst(echo.found)}`,
      advice: echo.advice,
    }
  }
  const [first] = warnings
  if (first === undefined) return { level: 'ok', text: 'All is well: calls from this device work.' }
  if (warnings.length > 1)
    return {
      level: 'warning',
      text: `Calls from this device work; ${warnings.length} things could be better.`,
    }
  const text = `Calls from this device work, but: ${lowerFirst(first.found)}`
  return { level: 'warning', text, advice: first.advice }
}

/** What stands in the way of everything else comes first. */
const byWeight: readonly CheckId[] = ['line', 'secure', 'echoSound', 'addresses', 'microphone', 'speaker']

function worstOf(findings: readonly Finding[]): Finding | undefined {
  const failed = findings.filter(({ level }) => level === 'failed')
  const weight = ({ id }: Finding) => (byWeight.includes(id) ? byWeight.indexOf(id) : byWeight.length)
  return failed.sort((one, other) => weight(one) - weight(other))[0]
}

function failureText(worst: Finding, connects: boolean): string {
  if (worst.id === 'line') return 'Calls do not work now: there is no line to lanline.'
  if (worst.id === 'secure') return 'Calls do not work on this page: it is not open over HTTPS.'
  if (!connects) return `Calls do not work from here: ${lowerFirst(worst.found)}`
  if (worst.id === 'microphone') return 'Calls connect, but nobody would hear you: see the microphone.'
  return `Calls connect, but: ${lowerFirst(worst.found)}`
}

const lowerFirst = (sentence: string): string =>
  sentence.startsWith('lanline') ? sentence : sentence[0]!.toLowerCase() + sentence.slice(1)
