import { describe, expect, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { kcatClient } from './kcat.ts'
import { javaClient } from './line-client.ts'
import { java010Profile, javaProfile } from './profiles.ts'
import { COUNT, expectAll } from './records.ts'
import { shortName, testClient, testIdempotence, topicOf, withLab, wordsOf } from './scenario.ts'

describe.skipIf(lacks('java', 'maven'))('Java client 2.6.3', () => {
  const held = withLab(() => javaClient('2.6.3'))
  testClient(held, javaProfile)
  testIdempotence(held, { byDefault: false, asked: 'enable.idempotence=true' })
  test('docs/compatibility.md says so', () => held.section.check())
})

describe.skipIf(lacks('java', 'maven', 'kcat'))('Java clients 4.4.0 and 0.10.0.1', () => {
  const held = withLab(() => javaClient('4.4.0'))
  const old = withLab(() => javaClient('0.10.0.1'), held)
  testClient(held, javaProfile)
  testClient(old, java010Profile)
  testIdempotence(held, { byDefault: true })

  test('what new clients wrote, old ones read: records are converted down', async () => {
    const { lab, client } = held
    for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
      expectAll(await old.client.read(lab.plain, topicOf(client, codec), COUNT), { headers: 'none' })
    }
    expectAll(await kcatClient('0.9.0').read(lab.plain, topicOf(client, 'lz4'), COUNT), { headers: 'none' })
    const zstd = await wordsOf(old.client.read(lab.plain, topicOf(client, 'zstd'), COUNT))
    expect(zstd).toContain('Unexpected error code 76')
    old.section.row('reads what 4.4.0 wrote', 'none, gzip, snappy, lz4')
    old.section.quote('reading zstd', zstd)
  })

  test('what old clients wrote, new ones read', async () => {
    const { lab, client } = held
    for (const codec of old.client.codecs) {
      expectAll(await client.read(lab.plain, topicOf(old.client, codec), COUNT), { headers: 'none' })
    }
    held.section.row('reads what 0.10.0.1 wrote', old.client.codecs.join(', '))
  })

  const formats = [
    ['0.9.0', 0],
    ['0.10.0', 1],
    ['0.11.0', 2],
  ] as const
  test.each(formats)('a topic with message.format.version %s keeps everybody\u2019s records as magic %i', async (format, magic) => {
    const { lab, client } = held
    const baseMs = Date.now() - 600_000
    for (const writer of [client, old.client, kcatClient('0.9.0')]) {
      const topic = `own-format-${format}-${shortName(writer)}`
      await lab.createTopic(topic, { 'message.format.version': format })
      await writer.produce(lab.plain, topic, { count: 1000, baseMs, codec: 'gzip', isIdempotent: false, hasHeaders: false })
      expect(new Set(await lab.storedMagic(topic))).toEqual(new Set([magic]))
      for (const reader of [client, old.client, kcatClient('0.9.0')]) {
        const kept = magic > 0 && writer.setsTimestamps && reader.setsTimestamps ? { baseMs } : {}
        expectAll(await reader.read(lab.plain, topic, 1000), { count: 1000, headers: 'none', ...kept })
      }
    }
    held.section.row(
      `topics with message.format.version=${format}`,
      'writes and reads, as 0.10.0.1 and kcat with broker.version.fallback=0.9.0 do',
    )
  })

  test('docs/compatibility.md says so of 4.4.0', () => held.section.check())
  test('docs/compatibility.md says so of 0.10.0.1', () => old.section.check())
})
