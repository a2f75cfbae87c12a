import { test } from 'vitest'
import { runSeed } from './fetch-run.ts'

test.each([{ isUnclean: false }, { isUnclean: true }])(
  '2000 random histories of three logs, unclean elections: $isUnclean',
  async ({ isUnclean }) => {
    for (let seed = 1000; seed < 3000; seed++) await runSeed(seed, { isUnclean, steps: 160 })
  },
)
