import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { startEmbeddedZooKeeper, type StartedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { removeDirectory, startApacheKafka, temporaryDirectory } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePort } from '../support/net.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

const TOPICS = join('test', 'embedded-zookeeper', 'java', 'Topics.java')

const consumeAll = async (kafka: Kafka, topic: string, count: number): Promise<string[]> => {
  const consumer = kafka.consumer({ groupId: `group-${topic}` })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
  await eventually(() => values.length >= count, { timeoutMs: 20_000, what: `${count} records of ${topic}` })
  await consumer.disconnect()
  return values
}

describe.skipIf(lacks('java', 'maven'))('Apache Kafka 2.6.3 on the embedded ZooKeeper', () => {
  test('keeps its topics, its session and its controller through a restart of ZooKeeper', async () => {
    const dataDir = temporaryDirectory('embedded')
    const config = parseZooConfig(`dataDir=${dataDir}\nclientPort=${await freePort()}\nclientPortAddress=127.0.0.1`)
    const start = (): Promise<StartedZooKeeper> =>
      startEmbeddedZooKeeper({ config, disk: nodeDisk, clocks: { monotonic: monotonicClock, wall: wallClock }, logger: silentLogger })
    let zookeeper = await start()
    const broker = await startApacheKafka({ zookeeper: zookeeper.address })
    const client = await zooKeeperAt(zookeeper.port)
    try {
      const byZooKeeper = `--zookeeper ${zookeeper.address}`
      const byBroker = `--bootstrap-server ${broker.connect}`
      const said = await runJava('kafka-2.6.3', TOPICS, [
        `${byZooKeeper} --create --topic old-way --partitions 2 --replication-factor 1`,
        `${byBroker} --create --topic new-way --partitions 3 --replication-factor 1 --config retention.ms=600000`,
        `${byZooKeeper} --alter --topic old-way --partitions 4`,
        `${byBroker} --list`,
        `${byZooKeeper} --describe --topic new-way`,
      ])
      expect(said).toContain('Created topic old-way.')
      expect(said).toContain('Created topic new-way.')
      expect(said).toMatch(/new-way\nold-way/)
      expect(said).toMatch(/Topic: new-way\s+PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: retention.ms=600000/)

      const kafka = new Kafka({ brokers: [broker.connect], logLevel: logLevel.NOTHING })
      const producer = kafka.producer()
      await producer.connect()
      const values = Array.from({ length: 100 }, (_none, index) => `value ${index}`)
      await producer.send({ topic: 'old-way', messages: values.map((value) => ({ value })) })
      expect((await consumeAll(kafka, 'old-way', 100)).toSorted()).toEqual(values.toSorted())

      const registered = (await client.exists('/brokers/ids/0'))!
      await zookeeper.stop()
      zookeeper = await start()
      const admin = kafka.admin()
      await admin.connect()
      await admin.createTopics({
        topics: [{ topic: 'after', numPartitions: 2, replicationFactor: 1 }],
        waitForLeaders: true,
        timeout: 20_000,
      })
      await producer.send({ topic: 'after', messages: [{ value: 'still here' }] })
      expect(await consumeAll(kafka, 'after', 1)).toEqual(['still here'])
      expect(await client.exists('/brokers/ids/0')).toEqual(registered)
      await admin.deleteTopics({ topics: ['after'] })
      await eventually(async () => (await client.exists('/brokers/topics/after')) === undefined, { what: 'the topic is deleted' })
      await Promise.all([admin.disconnect(), producer.disconnect()])
      await broker.stop()
      expect((await client.children('/brokers/ids')).children).toEqual([])
    } finally {
      await broker.kill()
      await client.close()
      await zookeeper.stop()
      removeDirectory(dataDir)
      removeDirectory(broker.dataDir)
    }
  }, 90_000)
})
