import { defineConfig } from 'vitest/config'

// What needs real nodes and does not take long. There is one set of nodes on a machine, so one file at a time.
export default defineConfig({
  test: { include: ['test/**/*.nodes.test.ts'], pool: 'forks', maxWorkers: 1, testTimeout: 300_000, hookTimeout: 600_000 },
})
