import { describe, test } from 'vitest'
import { kafkajsClient } from './kafkajs.ts'
import { kafkajsProfile } from './profiles.ts'
import { testClient, testIdempotence, withLab } from './scenario.ts'

describe('kafkajs', () => {
  const held = withLab(() => kafkajsClient())
  testClient(held, kafkajsProfile)

  testIdempotence(held, { byDefault: false, asked: 'idempotent: true' })

  test('docs/compatibility.md says so', () => held.section.check())
})
