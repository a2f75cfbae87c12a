import { defineConfig } from 'vitest/config'

// End-to-end stories on a real control plane or real nodes. There is one set of nodes on a machine, so one file at a time.
export default defineConfig({
  test: { include: ['test/**/*.nodes.test.ts'], pool: 'forks', maxWorkers: 1, testTimeout: 300_000, hookTimeout: 600_000 },
})
