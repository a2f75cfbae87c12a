import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { createTopics } from '../../../src/protocol/api/19-create-topics.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { type ApacheServer, startApacheKafka } from '../../support/apache.ts'
import { batchOf } from '../../support/batches.ts'
import { lacks } from '../../support/needs.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const APACHE = 1
const OURS = 2
/** Topics are named after who leads them first. */
const TOPICS = { apache: [APACHE, OURS], ours: [OURS, APACHE] }
const PARTITIONS = 3

describe.skipIf(lacks('java', 'maven'))('beside an Apache Kafka 2.6.3 broker', () => {
  let zookeeper: OurZooKeeper
  let apache: ApacheServer
  let ours: OurBroker
  let client: ClusterClient
  let session: ZooKeeperClient
  const extra = ['replica.lag.time.max.ms=2000', 'zookeeper.session.timeout.ms=2000', 'auto.leader.rebalance.enable=false']

  const startApache = (): Promise<ApacheServer> =>
    startApacheKafka({
      zookeeper: zookeeper.connect,
      id: APACHE,
      extra,
      ...(apache ? { dataDir: apache.dataDir, port: apache.port } : {}),
    })

  beforeAll(async () => {
    zookeeper = await startOurZooKeeper()
    apache = await startApache()
    ours = await startOurBroker({ id: OURS, zookeeper: zookeeper.connect, extra })
    const bootstrap = [apache.port, ours.port].map((port) => ({ host: '127.0.0.1', port }))
    session = await zooKeeperAt(zookeeper.port)
    client = new ClusterClient({ bootstrap, clientId: 'test', clock: monotonicClock, logger: silentLogger, timeoutMs: 15_000 })
  }, 60_000)

  afterAll(async () => {
    client?.close()
    await session?.close()
    await apache?.kill()
    await ours?.stop()
    await zookeeper?.stop()
  }, 60_000)

  const leaderOf = async (topic: string, partition: number): Promise<number> => {
    const { topics } = await client.topics([topic])
    return topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId ?? -1
  }

  /** acks=all, again until some leader takes it. */
  const send = (topic: string, partition: number, values: string[]): Promise<unknown> =>
    eventually(
      async () => {
        const leader = await leaderOf(topic, partition)
        const records = batchOf(values, { codec: partition === 1 ? 'gzip' : 'none' })
        const answer = await client.broker(leader, produce, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 10_000,
          topics: [{ name: topic, partitions: [{ partitionIndex: partition, records }] }],
        })
        const { errorCode } = answer.responses[0]!.partitions[0]!
        if (errorCode !== 0) throw new Error(errorName(errorCode))
        return true
      },
      { timeoutMs: 20_000, everyMs: 100, what: `produce to ${topic}-${partition}` },
    )

  const bytesOf = (logDir: string, topic: string, partition: number): Buffer =>
    readFileSync(join(logDir, `${topic}-${partition}`, '00000000000000000000.log'))
  const epochsOf = (logDir: string, topic: string, partition: number): string =>
    readFileSync(join(logDir, `${topic}-${partition}`, 'leader-epoch-checkpoint'), 'utf8')

  const expectEqual = async (): Promise<void> => {
    for (const topic of Object.keys(TOPICS)) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const [theirs, own] = [join(apache.dataDir, 'logs'), ours.logDir]
        await eventually(() => bytesOf(theirs, topic, partition).equals(bytesOf(own, topic, partition)), {
          what: `equal logs of ${topic}-${partition}`,
        })
      }
    }
  }

  const everywhere = async (work: (topic: string, partition: number) => unknown): Promise<void> => {
    for (const topic of Object.keys(TOPICS)) for (let partition = 0; partition < PARTITIONS; partition++) await work(topic, partition)
  }
  /** As ZooKeeper has it; brokers hear of it some seconds later. */
  const isInSync = async (topic: string, partition: number): Promise<boolean> => {
    const { data } = await session.get(partitionStateZnode.path(topic, partition))
    return partitionStateZnode.decode(topic, partition, data!).isr.length === 2
  }
  const allInSync = (): Promise<void> =>
    everywhere((topic, partition) =>
      eventually(() => isInSync(topic, partition), { timeoutMs: 20_000, what: `${topic}-${partition} in sync` }),
    )

  test('each follows the other, byte by byte', { timeout: 60_000 }, async () => {
    const topics = Object.entries(TOPICS).map(([name, brokerIds]) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: Array.from({ length: PARTITIONS }, (_unused, partitionIndex) => ({ partitionIndex, brokerIds })),
      configs: [],
    }))
    await eventually(async () => (await client.brokers()).brokers.length === 2)
    const made = await client.controller(createTopics, { topics, timeoutMs: 10_000, validateOnly: false })
    expect(made.topics.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [0, null],
      [0, null],
    ])
    await everywhere((topic, partition) => eventually(async () => (await leaderOf(topic, partition)) === TOPICS[topic as 'ours'][0]))
    for (let round = 0; round < 5; round++) {
      await everywhere((topic, partition) => send(topic, partition, [`${topic}-${partition} ${round}`, 'x'.repeat(300 * round)]))
    }
    await allInSync()
    await expectEqual()
    expect(apache.output()).not.toContain('ERROR')
  })

  test('after the other was killed and is back, too, with what either wrote alone', { timeout: 120_000 }, async () => {
    await apache.kill()
    await everywhere((topic, partition) => send(topic, partition, ['by ours alone']))
    apache = await startApache()
    await allInSync()
    await everywhere((topic, partition) => send(topic, partition, ['by both']))
    await expectEqual()
    await ours.program.kill('SIGKILL')
    await everywhere((topic, partition) => send(topic, partition, ['by Apache Kafka alone']))
    await ours.restart('SIGKILL')
    await allInSync()
    await everywhere((topic, partition) => send(topic, partition, ['by both again']))
    await expectEqual()
    // Ours brings its epochs to disk when it stops, at the latest.
    await ours.program.stop()
    await everywhere((topic, partition) => {
      const [own, theirs] = [ours.logDir, join(apache.dataDir, 'logs')].map((logDir) => epochsOf(logDir, topic, partition))
      expect(own!.split('\n').length).toBeGreaterThan(4)
      expect(theirs!.startsWith(own!.split('\n')[0]!)).toBe(true)
      expect(theirs!.split('\n').slice(2)).toEqual(expect.arrayContaining(own!.split('\n').slice(2)))
    })
  })
})
