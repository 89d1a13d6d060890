/** A call in a few words. */
import type { ToldCall } from '../../../src/admin/message.ts'
import { duration } from '../parts/time.tsx'
import { callTexts as texts } from '../texts/calls.ts'

/** How it ended, or that it goes on. */
export function outcomeOf(call: ToldCall, now = Date.now()): string {
  if (call.answeredAt == null) {
    if (call.endedAt == null) return texts.ringing
    return texts.reasons[call.reason ?? ''] ?? texts.notAnswered
  }
  const length = duration((call.endedAt ?? now) - call.answeredAt)
  const told = call.endedAt == null ? [texts.inProgress, length] : [length, texts.reasons[call.reason ?? '']]
  const { answererUser, answererName } = call
  if (answererUser != null) told.push(texts.takenBy(answererName || answererUser))
  return told.filter(word => word !== undefined).join(', ')
}

export const callerOf = (call: ToldCall): string => call.callerName || call.callerUser
export const calleeOf = (call: ToldCall): string => call.calleeName || call.calleeUser

export type Tone = '' | 'good' | 'info' | 'warn' | 'bad'

/** Never by colour alone: the word says it. */
export function pathBadge(call: ToldCall): { readonly text: string; readonly tone: Tone } | undefined {
  const { outcome } = call
  if (outcome === undefined || call.answeredAt == null) return undefined
  const { path, grade } = outcome
  if (path === 'direct') {
    const proof = grade === 'packets' ? ', proven' : grade === 'oneEnd' ? ', one end' : ''
    return { text: `${texts.paths.direct}${proof}`, tone: grade === 'oneEnd' ? '' : 'good' }
  }
  const tones = { relayed: 'info', unknown: '', contradicted: 'bad' } as const
  return { text: texts.paths[path], tone: tones[path] }
}

/** ITU-T G.109: from 4.0 on most people are content, below 3.6 many are not. */
export function qualityBadge(
  mos: number | undefined,
): { readonly text: string; readonly tone: Tone } | undefined {
  if (mos == null) return undefined
  const kind = mos >= 4 ? 'good' : mos >= 3.6 ? 'fair' : 'poor'
  const tones = { good: 'good', fair: 'warn', poor: 'bad' } as const
  return { text: `${texts.qualities[kind]} · ${mos.toFixed(1)}`, tone: tones[kind] }
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB']
  let value = count
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}
