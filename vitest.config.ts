import { defineConfig } from 'vitest/config'

// Two cores: two test files at a time. Files that need the machine for themselves say so by a lock (test/support/exclusive.ts).
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts', 'test/**/*.nodes.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default'],
    passWithNoTests: false,
  },
})
