import { test } from 'vitest'
import { exchange } from './exchange-story.ts'

test('Apache\u2019s brokers and ours take each other\u2019s places five times there and back', { timeout: 1_200_000 }, async () => {
  await exchange({ rounds: 5, pauseMs: 5, hasGo: true })
})
