import { describe, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { javaClient } from './line-client.ts'
import { java011Profile, javaProfile } from './profiles.ts'
import { testClient, testIdempotence, withLab } from './scenario.ts'

const versions = [
  ['0.11.0.3', java011Profile],
  ['1.1.1', javaProfile],
  ['3.9.2', javaProfile],
] as const

describe.skipIf(lacks('java', 'maven')).each(versions)('Java client %s', (version, profile) => {
  const held = withLab(() => javaClient(version))
  testClient(held, profile)
  const byDefault = version === '3.9.2'
  testIdempotence(held, { byDefault, ...(!byDefault && { asked: 'enable.idempotence=true' }) })

  test('docs/compatibility.md says so', () => held.section.check())
})
