import { describe, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { franzGoClient } from './franz-go.ts'
import { franzGoProfile } from './profiles.ts'
import { expectAll } from './records.ts'
import { testClient, withLab } from './scenario.ts'

describe.skipIf(lacks('go'))('franz-go', () => {
  const held = withLab(() => franzGoClient())
  testClient(held, franzGoProfile)

  test('its defaults are idempotent, and it goes on without where a broker is not', async () => {
    const { lab, client, section } = held
    await lab.createTopic('own-defaults')
    await client.produce(lab.plain, 'own-defaults', { count: 1000, baseMs: 0 })
    expectAll(await client.read(lab.plain, 'own-defaults', 1000), { count: 1000, headers: 'kept' })
    section.row(
      'with its defaults',
      'works: it sees that the broker has no InitProducerId and writes without; `kgo.DisableIdempotentWrite()` says so in the code',
    )
  })

  test('docs/compatibility.md says so', () => held.section.check())
})
