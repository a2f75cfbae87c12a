import { expect, test } from 'vitest'
import { runSeed } from './fetch-run.ts'

test.each([
  { what: 'clean elections lose nothing that was committed, and all logs become equal', isUnclean: false },
  { what: 'unclean elections never give one offset of one epoch two records, and all logs become equal', isUnclean: true },
])('$what', { timeout: 60_000 }, async ({ isUnclean }) => {
  let [elections, restarts, committed] = [0, 0, 0]
  for (let seed = 1; seed <= 30; seed++) {
    const run = await runSeed(seed, { isUnclean, steps: 120 })
    elections += run.elections
    restarts += run.restarts
    committed += run.world.committed.length
  }
  expect([elections > 150, restarts > 60, committed > 1000 || isUnclean]).toEqual([true, true, true])
})
