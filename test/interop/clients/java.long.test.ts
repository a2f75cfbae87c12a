import { describe, expect, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { javaClient } from './line-client.ts'
import { java011Profile, javaProfile } from './profiles.ts'
import { testClient, withLab, wordsOf } from './scenario.ts'

const versions = [
  ['0.11.0.3', java011Profile],
  ['1.1.1', javaProfile],
  ['3.9.2', javaProfile],
] as const

describe.skipIf(lacks('java', 'maven')).each(versions)('Java client %s', (version, profile) => {
  const held = withLab(() => javaClient(version))
  testClient(held, profile)

  const isIdempotentByDefault = version === '3.9.2'
  test('its defaults work, or it says what is missing', async () => {
    const { lab, client, section } = held
    await lab.createTopic('own-defaults')
    const some = { count: 1000, baseMs: Date.now() - 600_000 }
    if (!isIdempotentByDefault) {
      await client.produce(lab.plain, 'own-defaults', some)
      section.row('with its defaults', 'works: not idempotent unless asked')
    }
    const said = await wordsOf(client.produce(lab.plain, 'own-defaults', isIdempotentByDefault ? some : { ...some, isIdempotent: true }))
    expect(said).toContain('INIT_PRODUCER_ID')
    if (isIdempotentByDefault) section.quote('with its defaults', said, '; set `enable.idempotence=false`')
    else section.quote('`enable.idempotence=true`', said, '; leave it out')
  })

  test('docs/compatibility.md says so', () => held.section.check())
})
