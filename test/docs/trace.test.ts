import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  annotated,
  begin,
  end,
  exampleOf,
  noteColumn,
  type TriedCall,
  withExample,
} from '../../scripts/trace-example.ts'
import { evidenceOf } from '../../src/trace/evidence.ts'
import { ladderOf, ladderText } from '../../src/trace/ladder.ts'
import { verdictOf } from '../../src/trace/verdict.ts'
import { eventsOf } from '../trace/story.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/trace.md'), 'utf8')
const example = page.slice(page.indexOf(begin) + begin.length, page.indexOf(end)).trim()

describe('the example of the trace page', () => {
  it('is as its command writes one', () => {
    const lines = example.split('\n')
    const rows = lines.slice(2, lines.indexOf(''))
    expect(rows.length).toBeGreaterThan(15)
    // Without what is told beside it, each row is one of a ladder, and the command would tell the same beside it.
    for (const row of rows) {
      expect(row).toMatch(/^ *~?-?\d+\.\d{3} {2}[ A-Z]/)
      const bare = row.slice(0, noteColumn).trimEnd()
      if (row.length > noteColumn) expect(row).toBe(annotated(bare))
      else expect(annotated(row)).toBe(row)
    }
    const verdict = lines.findIndex(line => line.startsWith('verdict  Direct: both ends agree'))
    expect(lines.slice(verdict + 1, -1).every(line => /^ {2}[✓–] |^ {6}\S/.test(line))).toBe(true)
  })

  it('tells ICE, DTLS and SRTP step by step', () => {
    const at = ['incoming', 'ICE checking', 'pair host–host', 'DTLS connected', 'first audio', 'bye'].map(
      word => example.indexOf(word),
    )
    expect(at.every((place, index) => place > (at[index - 1] ?? 0))).toBe(true)
    for (const name of ['Signalling', 'ICE', 'DTLS', 'SRTP', 'End']) expect(example).toContain(`  ${name} `)
  })

  it('of another call has the same shape, and goes where the old one was', () => {
    const events = eventsOf()
    const tried: TriedCall = { ladder: ladderText(ladderOf(events)), verdict: verdictOf(evidenceOf(events)) }
    const text = withExample(page, exampleOf(tried))
    expect(text).toContain('certificates match the fingerprints')
    expect(text.replace(exampleOf(tried), example)).toBe(page)
  })
})

describe('the schema on the trace page', () => {
  const source = readFileSync(join(root, 'src/trace/message.ts'), 'utf8')
  const blocks = [...source.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)\n\}/g)]
  const wanted =
    /Happening$|^(Moment|PairChecks|StreamSample|CheckedLine|Contradiction|Verdict|TraceSummary)$/
  const members = blocks
    .filter(([, name]) => wanted.test(name!))
    .flatMap(([, , body]) => [...body!.matchAll(/^ {2}readonly (\w+)/gm)].map(([, member]) => member!))

  it('names every kind of event and every member', () => {
    const kinds = blocks.flatMap(([, name, body]) =>
      name!.endsWith('Happening') ? (/readonly kind: '(\w+)'\n/.exec(body!)?.[1] ?? []) : [],
    )
    expect(kinds.length).toBeGreaterThan(14)
    const words = [...new Set([...members, ...kinds])]
    expect(words.length).toBeGreaterThan(60)
    expect(words.filter(word => !page.includes(`\`${word}\``))).toEqual([])
  })

  it('names all that a summary has', () => {
    const [, body = ''] = /export interface TraceSummary \{([\s\S]*?)\n\}/.exec(source)!
    const [, row = ''] = /^\| `summary` \|(.*)$/m.exec(page)!
    const names = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(([, member]) => member!)
    expect(names).toContain('relayRefusal')
    expect(names.filter(name => !row.includes(`\`${name}\``))).toEqual([])
  })

  it('names every format of an export', () => {
    for (const format of ['json', 'html', 'pcapng', 'pcap', 'rtcstats'])
      expect(page).toContain(`trace.${format}`)
  })
})

describe('the verifier of the trace page, by itself', () => {
  const code = page.slice(page.indexOf('To verify one')).split('```')[1]!
  const verify = (text: string): string => {
    const directory = mkdtempSync(join(tmpdir(), 'lanline-verifier-'))
    try {
      writeFileSync(join(directory, 'call.json'), text)
      writeFileSync(join(directory, 'verify.cjs'), code)
      return execFileSync(process.execPath, ['verify.cjs'], { cwd: directory, encoding: 'utf8' }).trim()
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
  const signed = readFileSync(join(root, 'docs/demo/direct.json'), 'utf8')

  it('believes what an appliance signed', () => expect(verify(signed)).toBe('true'))

  it('believes nothing else', () => {
    expect(signed).toContain('"reason":"hangup"')
    expect(verify(signed.replace('"reason":"hangup"', '"reason":"declined"'))).toBe('false')
  })
})
