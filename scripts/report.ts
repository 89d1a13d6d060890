/**
 * A reporter for vitest: what came of every test, as one JSON file that `count.ts` counts. vitest's own leaves out why a
 * `beforeAll` failed, and that is all that is left to read of a machine that nobody can ask.
 */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

export interface Outcome {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** What each failure said, also those before the try that passed; empty otherwise. */
  readonly why: readonly string[]
}

/** Writes to the file that `LANLINE_TEST_REPORT` names. */
export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules
      .flatMap(module => [...module.children.allTests()])
      .map((test): Outcome => {
        const { state, errors } = test.result()
        return {
          name: test.fullName.replaceAll(' > ', ' '),
          state: state === 'pending' ? 'skipped' : state,
          why: (errors ?? []).map(told),
        }
      })
    // A file that cannot be loaded, a hook that failed: it has no test's name, and its tests count as skipped.
    const around = modules.flatMap(module =>
      [module, ...module.children.allSuites()].flatMap(suite =>
        suite.errors().map((error): Outcome => {
          const title = 'fullName' in suite ? `${suite.fullName} ` : ''
          return { name: `${title}(${module.relativeModuleId})`, state: 'failed', why: [told(error)] }
        }),
      ),
    )
    const nowhere = unhandled.map(
      (error): Outcome => ({ name: 'outside of any test', state: 'failed', why: [told(error)] }),
    )
    const file = process.env.LANLINE_TEST_REPORT
    if (file === undefined) throw new Error('LANLINE_TEST_REPORT names no file')
    writeFileSync(file, JSON.stringify([...tests, ...around, ...nowhere]))
  }
}

function told({ message, name, stacks }: SerializedError): string {
  const frame = stacks?.find(({ file }) => !file.includes('node_modules'))
  const place = frame === undefined ? '' : ` (${relative(process.cwd(), frame.file)}:${frame.line})`
  return `${message || name || 'an error without a message'}${place}`
}
