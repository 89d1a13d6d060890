/** How findings are made. Pure. */
import type { CheckId, Finding, Level } from './facts.ts'

const finding =
  (level: Level) =>
  (id: CheckId, found: string, advice?: string): Finding => ({ id, level, found, advice })
export const ok = finding('ok')
export const warning = finding('warning')
export const failed = finding('failed')
export const unchecked = finding('unchecked')

export const milliseconds = (value: number): string => (value < 1 ? 'under 1 ms' : `${Math.round(value)} ms`)
