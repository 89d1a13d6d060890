/** The example of docs/trace.md, made of a call that was really made: `lanline try`, its ladder told step by step. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const page = join(root, 'docs/trace.md')
export const [begin, end] = ['<!-- example: scripts/trace-example -->', '<!-- /example -->']

export interface TriedCall {
  readonly ladder: readonly string[]
  readonly verdict: {
    readonly sentence: string
    readonly checked: readonly {
      readonly question: string
      readonly outcome: 'holds' | 'fails' | 'missing'
      readonly figures: string
    }[]
  }
}

/** What a step is, in the reader's words; the first that fits. */
const notes: readonly (readonly [RegExp, string])[] = [
  [/gathers candidates/, 'asks its system for its own addresses'],
  [/all gathered/, 'has all its addresses'],
  [/─ call ─/, 'offer (SDP): fingerprint, ice-ufrag, setup:actpass'],
  [/─ incoming ─/, 'the same offer, unchanged'],
  [/─ answer ─/, 'answer (SDP): the callee’s fingerprint, setup:active'],
  [/─ candidate/, 'addresses to be tried, as they are found'],
  [/ICE checking/, 'STUN requests to each address of the other'],
  [/checks: .*under way/, 'asked, not answered yet'],
  [/checks: .*answered/, 'a STUN answer came back'],
  [/ICE connected/, 'there is a way'],
  [/ICE completed/, 'no checks are left to do'],
  [/pair /, 'the nominated pair: all that follows goes on it'],
  [/DTLS connecting/, 'handshake on that pair'],
  [/DTLS connected/, 'certificates match the fingerprints; keys for SRTP'],
  [/first (audio|video)/, 'the first SRTP packet, past lanline'],
  [/─ bye ─/, 'hangs up'],
]

/** Behind the longest words at the last lane. */
export const noteColumn = 102

export const annotated = (line: string): string => {
  const note = notes.find(([pattern]) => pattern.test(line))?.[1]
  return note === undefined ? line : `${line.padEnd(noteColumn)} ${note}`
}

const marks = { holds: '✓', fails: '✗', missing: '–' } as const

export function exampleOf({ ladder, verdict }: TriedCall): string {
  const checked = verdict.checked.flatMap(({ question, outcome, figures }) => [
    `  ${marks[outcome]} ${question}`,
    ...figures.split('; ').map(part => `      ${part}`),
  ])
  return ['```', ...ladder.map(annotated), '', `verdict  ${verdict.sentence}`, ...checked, '```'].join('\n')
}

export function withExample(text: string, example: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/trace.md has no ${begin} … ${end}`)
  return `${text.slice(0, from + begin.length)}\n\n${example}\n\n${text.slice(to)}`
}

if (import.meta.main) {
  const told = execFileSync(join(root, 'scripts/lanline'), ['try', '--json'], { encoding: 'utf8' })
  const example = exampleOf(JSON.parse(told) as TriedCall)
  writeFileSync(page, withExample(readFileSync(page, 'utf8'), example))
}
