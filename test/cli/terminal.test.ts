/** Whoever reads a trace of somebody else's, or a list with names in it, does so on a terminal that obeys escape sequences. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { harmless, harmlessJson } from '../../src/cli/command.ts'
import { documentOf, signTrace } from '../../src/trace/document.ts'
import { eventsOf, pair } from '../trace/story.ts'

const directory = mkdtempSync(join(tmpdir(), 'lanline-terminal-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** Clears the screen, sets the title, by one byte and by two, colours, turns around. */
const evil = '\x1b[2J\x1b]0;mine\x07\x9b31m\r\u202eevil'
const commands = /[^\P{Cc}\n]|\u202e/u

function tracedBy(seed: number): string {
  const row = { id: `c${evil}`, callerUser: 'alice', calleeUser: 'bob', answeredAt: 1 } as unknown as CallRow
  const callerPair = pair({ localType: evil, localAddress: evil })
  const events = eventsOf({ callerPair, everySeconds: 14 })
  const file = join(directory, `${seed}.json`)
  const made = documentOf({ version: evil, appliance: evil, row, events, kept: undefined })
  writeFileSync(file, signTrace(made, new Uint8Array(32).fill(seed)))
  return file
}

it.each([
  'trace show',
  'trace verify',
  'trace verify --json',
])('%s says what a file holds and lets it command nothing', async command => {
  const argv = [join(import.meta.dirname, '../../src/main.ts'), ...command.split(' '), tracedBy(7)]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, argv)
  expect(stdout + stderr).toContain('evil')
  expect(stdout + stderr).not.toMatch(commands)
})

it('leaves every letter, and JSON what it says', () => {
  expect(harmless('Zoë 👩‍👩‍👧 שלום\nline')).toBe('Zoë 👩‍👩‍👧 שלום\nline')
  expect(harmlessJson({ name: evil })).not.toMatch(commands)
  expect(JSON.parse(harmlessJson({ name: evil }))).toEqual({ name: evil })
})
