/**
 * Counts what `report.ts` wrote into the last line of `scripts/test`, and decides its exit code. Under `CI=true` a skip
 * is a failure unless the test says in its name that it is for `--soak` only.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { Outcome } from './report.ts'

const longestWhy = 600

const [failedPhases = '0', ...files] = process.argv.slice(2)
const outcomes = files
  .filter(file => existsSync(file))
  .flatMap(file => JSON.parse(readFileSync(file, 'utf8')) as Outcome[])
const passed = outcomes.filter(({ state }) => state === 'passed')
const failed = outcomes.filter(({ state }) => state === 'failed')
const skipped = outcomes.filter(({ state }) => state === 'skipped')
const unwelcome = process.env.CI === 'true' ? skipped.filter(({ name }) => !name.includes('--soak')) : []

for (const { name, why } of passed.filter(({ why }) => why.length > 0))
  console.log(`passed when tried again: ${name}${indented(why)}`)
for (const outcome of skipped)
  console.log(`${unwelcome.includes(outcome) ? 'failed, since skipped' : 'skipped'}: ${outcome.name}`)
for (const { name, why } of failed) console.log(`failed: ${name}${indented(why)}`)

// A phase that failed without any failed test (lint, types, pages, a crash of the runner) counts as one failure.
const phases = Number(failedPhases) - (failed.length > 0 ? 1 : 0)
const failures = failed.length + unwelcome.length + Math.max(0, phases) + (outcomes.length === 0 ? 1 : 0)
console.log(`${passed.length} passed, ${failures} failed, ${skipped.length - unwelcome.length} skipped`)
process.exitCode = failures > 0 ? 1 : 0

function indented(why: readonly string[]): string {
  return why
    .flatMap(text => text.slice(0, longestWhy).split('\n'))
    .map(line => `\n    ${line}`)
    .join('')
}
