import { KafkaError } from '../../protocol/errors.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, ZooKeeperError } from '../../zookeeper/errors.ts'
import type { ZooKeeperSession } from '../metadata/session.ts'
import { clusterIdZnode } from '../metadata/znodes/cluster-id.ts'
import { topicZnode } from '../metadata/znodes/topic.ts'
import type { IncarnationOf } from './incarnations.ts'

/** After a lost connection it is asked again, on the next one. */
const czxidOf = async (client: ZooKeeperClient, path: string): Promise<bigint | undefined> => {
  for (;;) {
    try {
      return (await client.exists(path))?.czxid
    } catch (error) {
      if (!isZooKeeperError(error, 'CONNECTION_LOSS')) throw error
    }
  }
}

/** As ZooKeeper has it. STALE_BROKER_EPOCH when the session ends: what it was asked for is out of date then. */
export const zooKeeperIncarnations =
  (session: ZooKeeperSession): IncarnationOf =>
  async (topic) => {
    const { client } = session
    try {
      const [cluster, made] = await Promise.all([czxidOf(client, clusterIdZnode.path), czxidOf(client, topicZnode.path(topic))])
      return made === undefined ? undefined : { cluster: cluster ?? -1n, topic: made }
    } catch (error) {
      if (error instanceof ZooKeeperError) throw new KafkaError('STALE_BROKER_EPOCH', error.message, { cause: error })
      throw error
    }
  }
