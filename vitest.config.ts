/**
 * Three kinds of tests, one after the other. `unit` touches nothing but this process and temporary files. `net` starts
 * daemons, phones, browsers and namespaces; two files at a time, since they mostly wait. `alone` are those of them that
 * would starve others or be starved: one file at a time.
 */
import { defineConfig } from 'vitest/config'

const netTests = ['test/net/**/*.test.ts', 'test/browser/**/*.test.ts', 'test/interop/**/*.test.ts']
/** Load and floods, and pictures from two browsers at once. */
const aloneTests = [
  'test/browser/relay.test.ts',
  'test/browser/direct.test.ts',
  'test/browser/firefox.test.ts',
  'test/browser/captures.test.ts',
  'test/browser/first-visit.test.ts',
  'test/interop/attacks.test.ts',
  'test/interop/sipp.test.ts',
  'test/net/relay-attacks.test.ts',
]
const soak = process.env.LANLINE_SOAK !== undefined

const realThings = {
  // Real browsers' timing on a machine that may be busy elsewhere: one more chance, each from a clean start.
  retry: soak ? 0 : 1,
  testTimeout: soak ? 3_600_000 : 240_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...netTests, '**/node_modules/**'],
          testTimeout: soak ? 3_600_000 : 30_000,
          // By default it would be a processor less than there are.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'net',
          include: netTests,
          exclude: [...aloneTests, '**/node_modules/**'],
          // A soak counts milliseconds too closely for company.
          maxWorkers: soak ? 1 : 2,
          sequence: { groupOrder: 1 },
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
