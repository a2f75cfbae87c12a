import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { assignedPartitions } from '../../src/client/consumer-assignment.ts'
import { GroupAdmin } from '../../src/client/group-admin.ts'
import { OffsetFinder } from '../../src/client/offset-finder.ts'
import { murmur2, partitionOfKey } from '../../src/client/partitioner.ts'
import { type ReadRecord, readRecords } from '../../src/client/record-reader.ts'
import { RecordWriter } from '../../src/client/record-writer.ts'
import { eventually } from '../support/net.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

const BASE_MS = 1_700_000_000_000
let broker: TestBroker
let client: ClusterClient

beforeAll(async () => {
  broker = await startTestBroker({
    topics: { orders: 3, other: 1 },
    properties: { 'offsets.topic.replication.factor': '1', 'offsets.topic.num.partitions': '3', 'group.initial.rebalance.delay.ms': '0' },
  })
  client = new ClusterClient({
    bootstrap: [{ host: '127.0.0.1', port: broker.port }],
    clientId: 'test',
    clock: monotonicClock,
    logger: silentLogger,
  })
})
afterAll(async () => {
  client.close()
  await broker.end()
})

const readAll = async (topic: string, partitions: number[], from = 0): Promise<ReadRecord[]> => {
  const stop = new AbortController()
  const left = new Set(partitions)
  const records: ReadRecord[] = []
  const start = partitions.map((partition) => ({ topic, partition, offset: from }))
  for await (const batch of readRecords({ client, clock: monotonicClock, from: start, signal: stop.signal, maxWaitMs: 50 })) {
    records.push(...batch.records)
    if (batch.next >= batch.highWatermark) left.delete(batch.partition)
    if (left.size === 0) stop.abort()
  }
  return records
}

describe('records', () => {
  test('keys go where Kafka puts them', () => {
    // Kafka's own UtilsTest.testMurmur2.
    const known: [string, number][] = [
      ['21', -973_932_308],
      ['foobar', -790_332_482],
      ['a-little-bit-long-string', -985_981_536],
      ['a-little-bit-longer-string', -1_486_304_829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ]
    expect(known.map(([text]) => murmur2(Buffer.from(text)))).toEqual(known.map(([, hash]) => hash))
    expect(partitionOfKey(Buffer.from('foobar'), 6)).toBe((-790_332_482 & 0x7fffffff) % 6)
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'written with %s are read again, key, headers, tombstones and all',
    async (codec) => {
      const before = (await readAll('other', [0])).length
      const writer = new RecordWriter({ client, clock: monotonicClock, topic: 'other', codec })
      const headers = [{ key: 'h', value: Buffer.from('1') }]
      await writer.send([
        { key: 'k', value: 'v', timestamp: BASE_MS, headers },
        { key: 'gone', value: null, timestamp: BASE_MS + 1 },
      ])
      const [first, second] = (await readAll('other', [0])).slice(before)
      expect(first).toMatchObject({ partition: 0, offset: before, timestampMs: BASE_MS, headers })
      expect([first!.key, first!.value].map(String)).toEqual(['k', 'v'])
      expect(second!.value).toBeNull()
      expect((await readAll('other', [0], before + 1)).map(({ offset }) => offset)).toEqual([before + 1])
    },
  )

  test('a partition that does not exist, and a topic', async () => {
    const to = (topic: string, partition?: number) =>
      new RecordWriter({ client, clock: monotonicClock, topic, ...(partition ? { partition } : {}) })
    await expect(to('orders', 7).send([{ value: 'x' }])).rejects.toThrow('there is no partition orders-7')
    await expect(to('nowhere').send([{ value: 'x' }])).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

describe('offsets', () => {
  test('begin, end and time; a time after the last record is the end', async () => {
    const writer = new RecordWriter({ client, clock: monotonicClock, topic: 'orders', partition: 1 })
    await writer.send([0, 1000, 2000].map((delta) => ({ value: 'x', timestamp: BASE_MS + delta })))
    const finder = new OffsetFinder(client, monotonicClock)
    const partitions = await finder.partitionsOf(['orders'])
    expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
    const at = async (when: 'earliest' | 'latest' | number) => (await finder.find(partitions, when)).map(({ offset }) => offset)
    expect(await at('earliest')).toEqual([0, 0, 0])
    expect(await at('latest')).toEqual([0, 3, 0])
    expect(await at(BASE_MS + 500)).toEqual([0, 1, 0])
    expect(await at(BASE_MS + 99_000)).toEqual([0, 3, 0])
    await expect(finder.partitionsOf(['nowhere'])).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

describe('groups', () => {
  test('are listed and described; their offsets are set only while they have no members', { timeout: 30_000 }, async () => {
    const groups = new GroupAdmin(client, monotonicClock)
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'reader', logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: 'g1', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    await consumer.run({ eachMessage: () => Promise.resolve() })
    const group = await eventually(async () => {
      const found = await groups.describe('g1')
      return found.state === 'Stable' ? found : undefined
    })
    expect(group).toMatchObject({ protocolType: 'consumer', coordinator: 0, members: [{ clientId: 'reader', host: '127.0.0.1' }] })
    expect(group.members[0]!.assignment).toEqual([0, 1, 2].map((partition) => ({ topic: 'orders', partition })))
    expect(await groups.list()).toEqual([{ groupId: 'g1', protocolType: 'consumer', state: 'Stable', coordinator: 0 }])
    const wanted = [{ topic: 'orders', partition: 1, offset: 2 }]
    await expect(groups.commit('g1', wanted)).rejects.toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    await expect(groups.delete('g1')).rejects.toMatchObject({ error: 'NON_EMPTY_GROUP' })
    await consumer.disconnect()
    await groups.commit('g1', wanted)
    expect(await groups.committed('g1')).toEqual(expect.arrayContaining(wanted))
    expect((await groups.describe('g1')).state).toBe('Empty')
    await groups.delete('g1')
    expect(await groups.committed('g1')).toEqual([])
    expect((await groups.describe('g1')).state).toBe('Dead')
  })

  test('bytes that are no assignment are none', () => {
    expect(assignedPartitions(Buffer.alloc(0))).toEqual([])
    expect(assignedPartitions(Buffer.from([0, 1, 0x7f, 0xff, 0xff, 0xff]))).toEqual([])
  })
})
