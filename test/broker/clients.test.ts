import { execFile } from 'node:child_process'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker({ topics: { none: 1, gzip: 1, snappy: 1, lz4: 1, zstd: 1, old: 1, kafkajs: 3, java: 1 } })
})
afterAll(() => broker.end())
const bootstrap = () => `127.0.0.1:${broker.port}`

const kcat = (args: string[], input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile('kcat', ['-b', bootstrap(), '-q', ...args], (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`))
      else resolve(stdout)
    })
    child.stdin!.end(input)
  })

const lines = (count: number, word: string): string => Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join('')

describe.skipIf(lacks('kcat'))('librdkafka', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('produces and consumes with codec %s', async (codec) => {
    const sent = lines(2000, codec)
    await kcat(['-P', '-t', codec, '-p', '0', '-z', codec], sent)
    expect(await kcat(['-C', '-t', codec, '-p', '0', '-o', 'beginning', '-e'])).toBe(sent)
    expect(await kcat(['-C', '-t', codec, '-p', '0', '-o', '1990', '-e'])).toBe(sent.split('\n').slice(1990).join('\n'))
  })

  test.each([
    ['0.10.0', 'gzip'],
    ['0.9.0', 'none'],
  ])('of the time of %s, which asks for no versions', async (version, codec) => {
    const old = ['-X', 'api.version.request=false', '-X', `broker.version.fallback=${version}`]
    const sent = lines(300, version)
    await kcat(['-P', '-t', 'old', '-p', '0', '-z', codec, ...old], sent)
    expect(await kcat(['-C', '-t', 'old', '-p', '0', '-o', 'beginning', '-e', ...old])).toContain(sent)
    expect(await kcat(['-C', '-t', 'old', '-p', '0', '-o', 'beginning', '-e'])).toContain(sent)
  })
})

test('kafkajs produces to a topic, and to one that does not exist yet', async () => {
  const kafka = new Kafka({ brokers: [bootstrap()], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: true })
  await producer.connect()
  const sent = await producer.send({
    topic: 'kafkajs',
    acks: -1,
    messages: [
      { value: 'a', partition: 0 },
      { value: 'b', partition: 2 },
    ],
  })
  expect(sent.map(({ errorCode }) => errorCode)).toEqual([0, 0])
  await producer.send({ topic: 'made-by-kafkajs', messages: [{ value: 'c' }] })
  await producer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  expect((await admin.fetchTopicOffsets('kafkajs')).map(({ high }) => high)).toEqual(['1', '0', '1'])
  await admin.disconnect()
})

describe.skipIf(lacks('java', 'maven'))("Apache's tools of 2.6.3", () => {
  test('produce, and tell the offsets', async () => {
    await runJava(
      'kafka-2.6.3',
      'kafka.tools.ConsoleProducer',
      ['--bootstrap-server', bootstrap(), '--topic', 'java', '--request-required-acks', '-1'],
      {
        input: lines(500, 'java'),
      },
    )
    const offsets = await runJava('kafka-2.6.3', 'kafka.tools.GetOffsetShell', [
      '--broker-list',
      bootstrap(),
      '--topic',
      'java',
      '--time',
      '-1',
    ])
    expect(offsets.trim()).toBe('java:0:500')
  })
})
