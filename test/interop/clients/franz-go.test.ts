import { describe, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { franzGoClient } from './franz-go.ts'
import { franzGoProfile } from './profiles.ts'
import { testClient, testIdempotence, withLab } from './scenario.ts'

describe.skipIf(lacks('go'))('franz-go', () => {
  const held = withLab(() => franzGoClient())
  testClient(held, franzGoProfile)

  testIdempotence(held, { byDefault: true })

  test('docs/compatibility.md says so', () => held.section.check())
})
