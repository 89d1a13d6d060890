/**
 * Counts vitest's JSON reports into the last line of `scripts/test`, and decides its exit code. Under `CI=true` a skip
 * is a failure unless the test says in its name that it is for `--soak` only.
 */
import { existsSync, readFileSync } from 'node:fs'

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

const [failedPhases = '0', ...files] = process.argv.slice(2)
const results = files
  .filter(file => existsSync(file))
  .flatMap(file => (JSON.parse(readFileSync(file, 'utf8')) as Report).testResults)
const tests = results.flatMap(result => result.assertionResults)
const passed = tests.filter(test => test.status === 'passed').length
const skipped = tests.filter(test => !['passed', 'failed'].includes(test.status))
const unloadable = results.filter(
  result => result.status === 'failed' && !result.assertionResults.some(test => test.status === 'failed'),
)
const failedTests = tests.filter(test => test.status === 'failed')
const unwelcome = process.env.CI === 'true' ? skipped.filter(test => !test.fullName.includes('--soak')) : []

for (const result of unloadable) console.log(`failed: ${result.name}: ${result.message.split('\n', 1)[0]}`)
for (const test of failedTests) console.log(`failed: ${test.fullName}`)
for (const test of skipped)
  console.log(`${unwelcome.includes(test) ? 'failed, since skipped' : 'skipped'}: ${test.fullName}`)

// A phase that failed without any failed test (lint, types, pages, a crash of the runner) counts as one failure.
const inTests = failedTests.length + unloadable.length
const phases = Number(failedPhases) - (inTests > 0 ? 1 : 0)
const failed = inTests + unwelcome.length + Math.max(0, phases) + (tests.length === 0 ? 1 : 0)
console.log(`${passed} passed, ${failed} failed, ${skipped.length - unwelcome.length} skipped`)
process.exitCode = failed > 0 ? 1 : 0
