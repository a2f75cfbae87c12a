import type { Logger } from '../../base/logger.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import { BROKER_IDS, brokerIdZnode } from '../metadata/znodes/broker-id.ts'
import { partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import { TOPICS, topicZnode } from '../metadata/znodes/topic.ts'
import { allInParallel } from './in-parallel.ts'
import { assignmentOf, type ControllerContext, type KnownPartition, type LiveBroker } from './context.ts'

/** undefined, and logged, for what somebody else wrote badly: one such znode must not keep a cluster without controller. */
const readable = <T>(logger: Logger, decode: () => T): T | undefined => {
  try {
    return decode()
  } catch (err) {
    logger.error({ err }, 'a znode cannot be read')
    return undefined
  }
}

/** undefined where no such broker is registered. */
export const brokerOf = async (zookeeper: ZooKeeperClient, id: number, logger: Logger): Promise<LiveBroker | undefined> => {
  const found = await unlessRefused(zookeeper.get(brokerIdZnode.path(id)), 'NO_NODE')
  const info = found?.data && readable(logger, () => brokerIdZnode.decode(id, found.data!))
  return info ? { ...info, epoch: found.stat.czxid } : undefined
}

/** Reads brokers, topics and the states of their partitions into an empty context. Gives the czxid of each topic's znode. */
export const loadCluster = async (zookeeper: ZooKeeperClient, context: ControllerContext, logger: Logger): Promise<Map<string, bigint>> => {
  const created = new Map<string, bigint>()
  const brokerIds = (await zookeeper.children(BROKER_IDS)).children.map(Number)
  await allInParallel(brokerIds, async (id) => {
    const broker = await brokerOf(zookeeper, id, logger)
    if (broker) context.brokers.set(id, broker)
  })
  const { children: topics } = await zookeeper.children(TOPICS)
  await allInParallel(topics, async (topic) => {
    const found = await unlessRefused(zookeeper.get(topicZnode.path(topic)), 'NO_NODE')
    const assignment = found && readable(logger, () => topicZnode.decode(topic, found.data ?? Buffer.from('{}')))
    if (!assignment) return
    created.set(topic, found.stat.czxid)
    context.addTopic(topic)
    for (const partition of assignment.replicas.keys())
      if (!context.partition({ topic, partition })) context.add({ topic, partition }, assignmentOf(assignment, partition))
  })
  await allInParallel([...context.all()], (known) => loadLeadership(zookeeper, known, logger))
  return created
}

const loadLeadership = async (zookeeper: ZooKeeperClient, known: KnownPartition, logger: Logger): Promise<void> => {
  const { topic, partition } = known
  const found = await unlessRefused(zookeeper.get(partitionStateZnode.path(topic, partition)), 'NO_NODE')
  const state = found?.data && readable(logger, () => partitionStateZnode.decode(topic, partition, found.data!))
  if (state) known.leadership = { ...state, version: found.stat.version, mzxid: found.stat.mzxid }
}
