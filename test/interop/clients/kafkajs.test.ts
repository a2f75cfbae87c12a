import { describe, expect, test } from 'vitest'
import { kafkajsClient } from './kafkajs.ts'
import { kafkajsProfile } from './profiles.ts'
import { testClient, withLab, wordsOf } from './scenario.ts'

describe('kafkajs', () => {
  const held = withLab(() => kafkajsClient())
  testClient(held, kafkajsProfile)

  test('an idempotent producer says what is missing', async () => {
    const { lab, client, section } = held
    section.row('with its defaults', 'works: kafkajs is not idempotent unless asked')
    const said = await wordsOf(client.produce(lab.plain, 'own-idempotent', { count: 1, baseMs: 0, isIdempotent: true }))
    expect(said).toBe('The Kafka server does not support the requested API version')
    section.quote('`idempotent: true`', said, '; leave it out')
  })

  test('docs/compatibility.md says so', () => held.section.check())
})
