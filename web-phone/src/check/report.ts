/**
 * The check as text, to be sent to whoever helps: what the screen shows and which browser it was, and nothing else, so
 * no token. Pure.
 */
import type { Finding, Level } from './facts.ts'

export const levelNames: Readonly<Record<Level, string>> = {
  ok: 'OK',
  warning: 'Warning',
  failed: 'Failed',
  unchecked: 'Not checked',
}

export interface ReportHead {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly browser: string
  /** Of lanline; `''` when it was not reached. */
  readonly version: string
  readonly summary: string
}

export function reportText(head: ReportHead, findings: readonly Finding[]): string {
  return [
    `lanline${head.version && ` ${head.version}`}: check of a connection, ${new Date(head.at).toISOString()}`,
    head.browser,
    '',
    head.summary,
    '',
    ...findings.map(
      ({ level, found, advice }) => `[${levelNames[level]}] ${found}${adviceLine(level, advice)}`,
    ),
    '',
  ].join('\n')
}

const adviceLine = (level: Level, advice: string | undefined): string =>
  advice === undefined || level === 'ok' ? '' : `\n    ${advice}`
