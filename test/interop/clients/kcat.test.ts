import { describe, expect, test } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { kcat, kcatClient } from './kcat.ts'
import { kcatProfile } from './profiles.ts'
import { COUNT, expectAll } from './records.ts'
import { testClient, testIdempotence, withLab, wordsOf } from './scenario.ts'

describe.skipIf(lacks('kcat'))('kcat', () => {
  const held = withLab(() => kcatClient())
  testClient(held, kcatProfile)

  test('headers are kept', async () => {
    const { lab } = held
    await lab.createTopic('own-headers')
    await kcat(['-P', '-b', lab.plain.bootstrap, '-t', 'own-headers', '-H', 'a=1', '-H', 'b=two'], 'value\n')
    const { output } = await kcat(['-C', '-q', '-b', lab.plain.bootstrap, '-t', 'own-headers', '-c', '1', '-f', '%s %h'])
    expect(output).toBe('value a=1,b=two')
  })

  testIdempotence(held, { byDefault: false, asked: 'enable.idempotence=true' })

  const ages = [
    ['0.9.0', ['none', 'gzip', 'snappy']],
    ['0.8.2', ['none']],
  ] as const
  test.each(ages)('as for a broker of %s it writes and reads records of magic 0', async (fallback, codecs) => {
    const { lab } = held
    const old = kcatClient(fallback)
    for (const codec of codecs) {
      const topic = `own-${fallback}-${codec}`
      await lab.createTopic(topic)
      await old.produce(lab.plain, topic, { count: COUNT, baseMs: 0, codec })
      expectAll(await old.read(lab.plain, topic, COUNT), { headers: 'none' })
      expectAll(await held.client.read(lab.plain, topic, COUNT), { headers: 'none' })
      expectAll(await old.read(lab.plain, `own-kcat-librdkafka--${codec}`, COUNT), { headers: 'none' })
    }
    held.section.row(`as for a broker of ${fallback}: records of magic 0 written; old and new ones read`, codecs.join(', '))
  })

  test('an old consumer is told that it cannot read zstd', async () => {
    const { lab, section } = held
    const words = await wordsOf(kcatClient('0.9.0').read(lab.plain, 'own-kcat-librdkafka--zstd', COUNT))
    expect(words).toMatch(/Broker: Unsupported compression type/)
    section.quote('as for a broker of 0.9.0: reading zstd', /Broker: Unsupported compression type/.exec(words)![0])
  })

  test('docs/compatibility.md says so', () => held.section.check())
})
