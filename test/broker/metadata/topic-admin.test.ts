import { describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { MetadataCache } from '../../../src/broker/metadata/cache.ts'
import { ConfigStore } from '../../../src/broker/metadata/config-store.ts'
import { newTopicOf } from '../../../src/broker/metadata/new-topic.ts'
import { TopicAdmin } from '../../../src/broker/metadata/topic-admin.ts'
import { CONSUMER_OFFSETS } from '../../../src/broker/internal-topics.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts'

const make = (brokerIds: readonly number[], properties: Record<string, string> = {}, beforeWrite?: () => void) => {
  const zookeeper = new MemoryZooKeeper()
  for (const path of ['/brokers/topics', '/config/topics', '/config/changes', '/admin/delete_topics']) zookeeper.put(path, null)
  const session = { client: zookeeper.client(beforeWrite ? { beforeWrite } : {}) }
  const file = BrokerConfig.parse(new Map(Object.entries({ 'zookeeper.connect': 'x:1', ...properties })))
  const cache = new MetadataCache('cluster')
  const liveBrokers = brokerIds.map((id) => ({ id, rack: null, endpoints: [], v0Host: '', v0Port: 0 }))
  cache.apply({ controllerId: 1, liveBrokers, topicStates: [], ungroupedPartitionStates: [] } as never)
  const configs = new ConfigStore({ session, file, brokerId: 1, wall: wallClock, logger: silentLogger })
  const admin = new TopicAdmin({ session, cache, configs, clock: monotonicClock, random: () => 0, logger: silentLogger })
  const stored = (name: string) => zookeeper.json(`/brokers/topics/${name}`) as { partitions: Record<string, number[]> } | undefined
  return { zookeeper, admin, file, stored }
}
const topic = (partitions = -1, replicationFactor = -1) => ({
  name: 't',
  partitions,
  replicationFactor,
  configs: new Map<string, string>(),
})
const errorOf = (asked: Promise<unknown>) => asked.then(String, (error: KafkaError) => `${error.error}: ${error.message}`)

describe('a new topic', () => {
  test('gets what default.replication.factor and num.partitions say', async () => {
    const { admin, stored } = make([1, 2, 3], { 'default.replication.factor': '3', 'num.partitions': '2' })
    await admin.create(topic())
    expect(stored('t')!.partitions).toEqual({ 0: [1, 2, 3], 1: [2, 3, 1] })
  })

  test('with more replicas than there are brokers is refused, and nothing is written', async () => {
    const { admin, zookeeper } = make([1, 2])
    const before = zookeeper.changes
    expect(await errorOf(admin.create(topic(1, 3)))).toBe(
      'INVALID_REPLICATION_FACTOR: Replication factor: 3 larger than available brokers: 2.',
    )
    expect(zookeeper.changes).toBe(before)
  })

  test('__consumer_offsets waits until there are brokers enough for offsets.topic.replication.factor', async () => {
    const few = make([1, 2], { 'offsets.topic.replication.factor': '3' })
    const answers = await few.admin.autoCreate([CONSUMER_OFFSETS], (name) => newTopicOf(name, few.file))
    expect(answers.get(CONSUMER_OFFSETS)).toBe('INVALID_REPLICATION_FACTOR')
    const enough = make([1, 2, 3], { 'offsets.topic.replication.factor': '3' })
    expect((await enough.admin.autoCreate([CONSUMER_OFFSETS], (name) => newTopicOf(name, enough.file))).get(CONSUMER_OFFSETS)).toBe(
      'LEADER_NOT_AVAILABLE',
    )
    expect(enough.stored(CONSUMER_OFFSETS)!.partitions[0]).toHaveLength(3)
  })
})

describe('more partitions', () => {
  const put = (zookeeper: MemoryZooKeeper, partitions: Record<string, number[]>, adding = {}) =>
    zookeeper.put(
      '/brokers/topics/t',
      Buffer.from(JSON.stringify({ version: 2, partitions, adding_replicas: adding, removing_replicas: {} })),
    )

  test('go on from the broker that leads the first one, as in Kafka', async () => {
    const { admin, stored, zookeeper } = make([1, 2, 3])
    put(zookeeper, { 0: [2, 3], 1: [3, 1] })
    await admin.grow('t', 4, null, false)
    expect(stored('t')!.partitions).toEqual({ 0: [2, 3], 1: [3, 1], 2: [1, 3], 3: [2, 3] })
  })

  test('are refused while a partition moves, and while the topic is being deleted', async () => {
    const { admin, zookeeper } = make([1, 2, 3])
    put(zookeeper, { 0: [2, 1] }, { 0: [2] })
    expect(await errorOf(admin.grow('t', 2, null, false))).toBe(
      "REASSIGNMENT_IN_PROGRESS: A partition reassignment is in progress for the topic 't'.",
    )
    put(zookeeper, { 0: [1] })
    zookeeper.put('/admin/delete_topics/t', null)
    expect(await errorOf(admin.grow('t', 2, null, false))).toBe('INVALID_TOPIC_EXCEPTION: The topic is queued for deletion.')
  })

  test('leave alone what somebody else wrote in between', async () => {
    let isFirst = true
    const world = make([1, 2, 3], {}, () => {
      if (isFirst) {
        isFirst = false
        put(world.zookeeper, { 0: [3] })
      }
    })
    put(world.zookeeper, { 0: [1] })
    await world.admin.grow('t', 2, [[2]], false)
    expect(world.stored('t')!.partitions).toEqual({ 0: [3], 1: [2] })
  })
})
