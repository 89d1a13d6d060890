/**
 * Three kinds of tests. `unit` touches nothing but this process and temporary files; its files share a process, since
 * nothing here keeps state in a module. `net` starts daemons, phones, browsers and namespaces, three files at a time, since
 * they mostly wait. `alone` are those of them that would starve others or be starved: afterwards, one file at a time.
 * `scripts/test` runs `unit` behind these, with what they leave of the processors.
 */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const netTests = ['test/net/**/*.test.ts', 'test/browser/**/*.test.ts', 'test/interop/**/*.test.ts']
/** Load and floods; two Firefox, what must be over within a second, a processor slowed four times. */
const aloneTests = [
  'test/browser/relay.test.ts',
  'test/browser/firefox.test.ts',
  'test/browser/first-visit.test.ts',
  'test/interop/attacks.test.ts',
  'test/interop/sipp.test.ts',
  'test/net/relay-attacks.test.ts',
]
const soak = process.env.LANLINE_SOAK !== undefined
/** For two processors. A soak of real things counts milliseconds too closely for company. */
const atATime = 3

const realThings = {
  // Real browsers' timing on a machine that may be busy elsewhere: one more chance, each from a clean start.
  retry: soak ? 0 : 1,
  testTimeout: soak ? 3_600_000 : 240_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    // Node is started some hundred times: what it compiled once it takes from there.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'test-output/compiled') },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...netTests, '**/node_modules/**'],
          // Against what hangs; the machine may be busy elsewhere.
          testTimeout: soak ? 3_600_000 : 120_000,
          hookTimeout: 120_000,
          isolate: false,
          restoreMocks: true,
          unstubGlobals: true,
          maxWorkers: atATime,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'net',
          include: netTests,
          exclude: [...aloneTests, '**/node_modules/**'],
          maxWorkers: soak ? 1 : atATime,
          sequence: { groupOrder: soak ? 1 : 0 },
          ...realThings,
        },
      },
      {
        test: {
          name: 'alone',
          include: aloneTests,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...realThings,
        },
      },
    ],
  },
})
