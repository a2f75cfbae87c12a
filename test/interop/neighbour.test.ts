import { describe, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { exchange } from './exchange-story.ts'

describe.skipIf(lacks('java', 'maven', 'go', 'kcat'))('Apache\u2019s brokers and ours on one ZooKeeper', () => {
  test(
    'take each other\u2019s places and data directories one by one, and a killed controller\u2019s office, without a client losing or doubling a record',
    {
      timeout: 240_000,
    },
    async () => {
      await exchange({ rounds: 1, pauseMs: 20, hasGo: true })
    },
  )
})
