/**
 * Two kinds of tests. `unit` runs in parallel and touches nothing but this process and temporary files; `net` starts
 * daemons, browsers, phones and namespaces, one file at a time, so that they do not starve each other.
 */
import { defineConfig } from 'vitest/config'

const netTests = ['test/net/**/*.test.ts', 'test/browser/**/*.test.ts', 'test/interop/**/*.test.ts']
const soak = process.env.LANLINE_SOAK !== undefined

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...netTests, '**/node_modules/**'],
          testTimeout: soak ? 3_600_000 : 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'net',
          include: netTests,
          fileParallelism: false,
          // Real browsers' timing on a machine that may be busy elsewhere: one more chance, each from a clean start.
          retry: soak ? 0 : 1,
          testTimeout: soak ? 3_600_000 : 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
